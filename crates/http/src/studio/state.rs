//! `GET /api/v1/sessions/{id}/state`.

use ::studio::{DevState, Snapshot};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{PathSessionId, SessionPath, blocking, preview, project};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;

/// How a session stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StudioState)]
pub(crate) struct StateView {
    /// What its dev server does.
    status: StudioStatus,
    /// Why it failed; null otherwise.
    #[schema(required)]
    problem: Option<ProblemView>,
    /// Where its app is shown, for a day; null where it has none.
    #[schema(required)]
    preview_url: Option<String>,
    /// Its sandbox.
    container: ContainerView,
    /// The project at a glance, as its files say it now.
    snapshot: SnapshotView,
}

/// What a dev server does.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StudioStatus {
    /// It was stopped, or never started.
    Stopped,
    /// What the project needs is being installed.
    Installing,
    /// It was started and does not answer yet.
    Starting,
    /// It answers.
    Running,
    /// It could not be started, or crashed too often.
    Failed,
}

/// Why something failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StudioProblem)]
pub(crate) struct ProblemView {
    /// Its stable identifier.
    code: String,
    /// What happened.
    message: String,
    /// What to do next.
    #[schema(required)]
    hint: Option<String>,
}

/// A session's sandbox.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StudioContainer)]
pub(crate) struct ContainerView {
    /// The session's id.
    id: String,
    /// The port of its dev server, while it answers.
    #[schema(required)]
    port: Option<u16>,
    /// The memory its programs hold, where the machine can tell.
    #[schema(required)]
    memory_bytes: Option<u64>,
    /// The processor time they have used since it was opened.
    #[schema(required)]
    cpu_ms: Option<u64>,
}

/// A project at a glance.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProjectSnapshot)]
pub(crate) struct SnapshotView {
    /// The file that names what the project needs, and its content; null without one.
    #[schema(required)]
    manifest: Option<ManifestView>,
    /// `npm`, `pip`, …; null where that cannot be told.
    #[schema(required)]
    package_manager: Option<String>,
    /// `react`, `nextjs`, …; null where that cannot be told.
    #[schema(required)]
    framework: Option<String>,
    /// How the dev server is started.
    #[schema(required)]
    dev_command: Option<String>,
    /// The port it listens on.
    #[schema(required)]
    port: Option<u16>,
}

/// The file that names what a project needs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProjectManifest)]
pub(crate) struct ManifestView {
    /// Its path.
    path: String,
    /// Its content: an object where the file is JSON, else its text.
    content: Value,
}

impl From<Snapshot> for SnapshotView {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            manifest: snapshot.manifest.map(|(path, content)| ManifestView { path, content }),
            package_manager: snapshot.package_manager,
            framework: snapshot.framework,
            dev_command: snapshot.dev_command,
            port: snapshot.port,
        }
    }
}

/// Shows how a session stands
///
/// Opens it if it is not; its dev server is not started by that.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/state",
    tag = "studio",
    params(SessionPath),
    responses(
        (status = 200, description = "How it stands", body = StateView),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn get_state(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    headers: HeaderMap,
) -> Result<Json<StateView>, Error> {
    let project = project(&app, &id).await?;
    let state = project.dev_state();
    let (status, port) = match &state {
        DevState::Stopped => (StudioStatus::Stopped, None),
        DevState::Installing => (StudioStatus::Installing, None),
        DevState::Starting => (StudioStatus::Starting, None),
        DevState::Running { port } => (StudioStatus::Running, Some(*port)),
        DevState::Failed(_) => (StudioStatus::Failed, None),
    };
    let problem = match state {
        DevState::Failed(problem) => {
            Some(ProblemView { code: problem.code.into(), message: problem.message, hint: problem.hint })
        }
        _ => None,
    };
    let usage = project.sandbox().usage();
    let session = project.session();
    let read = project.clone();
    let snapshot = blocking(move || read.snapshot()).await?;
    Ok(Json(StateView {
        status,
        problem,
        preview_url: preview::url(&app, &headers, &session),
        container: ContainerView {
            id: id.to_string(),
            port,
            memory_bytes: usage.memory_bytes,
            cpu_ms: usage.cpu_ms,
        },
        snapshot: snapshot.into(),
    }))
}
