//! `POST /api/v1/runs/{id}/cancel`.

use axum::Json;
use axum::extract::State;

use super::{RunPath, run_now};
use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::PathRunId;
use crate::wire::Run;

/// Cancels a run
///
/// With its children. What it has recorded stays; it can be retried. A body is not read.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/cancel",
    tag = "runs",
    params(RunPath),
    responses(
        (status = 200, description = "The run, which may take a moment to stop", body = Run),
        (status = 404, description = "`run_not_found`: there is no such run"),
        (status = 409, description = "`wrong_run_state`, `run_moved_on`: the run has ended already"),
    ),
    security(("token" = ["write:runs"])),
)]
pub(crate) async fn cancel_run(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
) -> Result<Json<Run>, Error> {
    app.engine.cancel(&run_id, caller.actor).await?;
    Ok(Json(run_now(&app, &run_id).await?))
}
