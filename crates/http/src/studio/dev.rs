//! `POST /api/v1/sessions/{id}/dev/start` and `…/dev/stop`.

use ::studio::DevCommand;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PathSessionId, SessionPath, project};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody, unfit};

const LONGEST_COMMAND: usize = 4_000;

/// How to start a dev server.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"cmd": "npm run dev", "port": 5173}))]
pub(crate) struct StartDev {
    /// A line for the shell, from now on; as before if left out.
    #[schema(min_length = 1, max_length = 4000)]
    cmd: Option<String>,
    /// The port it listens on; needed with `cmd`.
    #[schema(minimum = 1024, maximum = 65535)]
    port: Option<u16>,
}

impl WireBody for StartDev {
    fn validate(&self) -> Result<(), Error> {
        match (&self.cmd, self.port) {
            (None, None) => Ok(()),
            (Some(command), Some(port)) => {
                if command.trim().is_empty() || command.len() > LONGEST_COMMAND || command.contains('\0') {
                    return Err(unfit("`cmd` is empty, very long, or holds a NUL character"));
                }
                if port < 1024 {
                    return Err(unfit("`port` must be from 1024 to 65535"));
                }
                Ok(())
            }
            _ => Err(unfit("`cmd` and `port` belong together")),
        }
    }

    fn when_empty() -> Option<Self> {
        Some(Self::default())
    }
}

/// That something was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Done)]
pub(crate) struct DoneView {
    /// True.
    ok: bool,
}

/// What is answered when something was done.
pub(super) const DONE: DoneView = DoneView { ok: true };

/// Starts the dev server
///
/// In place of the one that runs. Answers when it does, or says why it does not.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/dev/start",
    tag = "studio",
    params(SessionPath),
    request_body = StartDev,
    responses(
        (status = 200, description = "It answers", body = DoneView),
        (status = 400, description = "`no_dev_command`: nothing says how it is started"),
        (status = 404, description = "`session_not_found`: there is no such session"),
        (status = 409, description = "`dev_port_in_use`: another program of the session has its port"),
        (status = 503, description = "`dev_server_ended`, `dev_server_silent`: it ended, or does not answer on its port"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn start_dev(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    JsonBody(body): JsonBody<StartDev>,
) -> Result<Json<DoneView>, Error> {
    let project = project(&app, &id).await?;
    let command = body.cmd.zip(body.port).map(|(command, port)| DevCommand { command, port });
    let is_changed = command.is_some();
    project.dev_start(command).await.map_err(kernel::Error::from)?;
    if is_changed {
        app.services.studio.update(project.session()).await?;
    }
    Ok(Json(DONE))
}

/// Stops the dev server
///
/// With everything it has started. Answers the same when none runs.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/dev/stop",
    tag = "studio",
    params(SessionPath),
    responses(
        (status = 200, description = "It is stopped", body = DoneView),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn stop_dev(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
) -> Result<Json<DoneView>, Error> {
    project(&app, &id).await?.dev_stop().await;
    Ok(Json(DONE))
}
