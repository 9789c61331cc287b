//! `POST /api/v1/sessions/{id}/upload`.

use std::io::Cursor;

use axum::Json;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use worktree::checkpoints::CheckpointKind;
use worktree::{ArchiveLimits, TreePath};

use super::{PathSessionId, SessionPath, blocking, project};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::extract::{Parameters, read_body};

/// The largest zip file, in bytes.
const LARGEST: usize = 64 << 20;

/// Where the files go.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// The folder they are put into; the project's own where absent.
    #[param(max_length = 4096, example = "public")]
    path: Option<String>,
    /// Whether files of the same names are replaced.
    #[serde(default)]
    #[param(default = false)]
    replace: bool,
}

/// What was put into a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Uploaded)]
pub(crate) struct UploadedView {
    /// How many files.
    files: usize,
    /// Their bytes.
    bytes: u64,
}

/// Uploads files to a session
///
/// As a zip file: all of it is unpacked, or nothing. A checkpoint before it keeps what was there.
#[utoipa::path(
    post,
    path = "/api/v1/sessions/{id}/upload",
    tag = "studio",
    params(SessionPath, UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/zip", description = "The zip file, up to 64 MiB"),
    responses(
        (status = 200, description = "What was put there", body = UploadedView),
        (status = 400, description = "`archive_refused`, `file_path_refused`: something in it is not taken, or the folder cannot be one"),
        (status = 404, description = "`session_not_found`: there is no such session"),
        (status = 409, description = "`file_exists`: a file of this name is there already"),
        (status = 413, description = "`too_large`: the zip file is larger than 64 MiB"),
    ),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn upload_files(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    Parameters(query): Parameters<UploadQuery>,
    request: Request,
) -> Result<Json<UploadedView>, Error> {
    let project = project(&app, &id).await?;
    let into =
        TreePath::parse_folder(query.path.as_deref().unwrap_or_default()).map_err(kernel::Error::from)?;
    let body = read_body(request, LARGEST, &app).await?;
    let label = "Before an upload".to_owned();
    project.keep(label, CheckpointKind::BeforeChange, serde_json::Value::Null).await?;
    let tree = project.tree().clone();
    let imported =
        blocking(move || tree.import_zip(Cursor::new(body), &into, query.replace, ArchiveLimits::default()));
    let imported = imported.await?;
    Ok(Json(UploadedView { files: imported.files, bytes: imported.bytes }))
}
