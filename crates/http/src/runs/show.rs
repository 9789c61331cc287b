//! `GET /api/v1/runs/{id}`.

use axum::Json;
use axum::extract::State;

use super::detail::{RunDetail, cost_of};
use super::{RunPath, state_of};
use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::PathRunId;

/// Shows a run
///
/// With its plan, steps, gates and artifacts. `last_seq` is the place to follow its stream from.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}",
    tag = "runs",
    params(RunPath),
    responses(
        (status = 200, description = "The run", body = RunDetail),
        (status = 404, description = "`run_not_found`: there is no such run"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn get_run(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
) -> Result<Json<RunDetail>, Error> {
    let state = state_of(&app, &run_id).await?;
    let cost = cost_of(&app, &state).await?;
    Ok(Json(RunDetail::new(&state, cost)))
}
