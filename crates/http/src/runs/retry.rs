//! `POST /api/v1/runs/{id}/retry`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{LONGEST_NAME, RunPath, check_length, run_now};
use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, PathRunId, WireBody};
use crate::wire::Run;

/// From where, and on what, to do a run again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"stage": "s2"}))]
pub(crate) struct RetryRun {
    /// The first stage to do again; without it, whatever failed.
    #[schema(max_length = 200)]
    stage: Option<String>,
    /// Another input to do it with.
    #[schema(value_type = Value, required = false)]
    input: Option<Value>,
}

impl WireBody for RetryRun {
    fn validate(&self) -> Result<(), Error> {
        self.stage.as_ref().map_or(Ok(()), |stage| check_length("stage", stage, LONGEST_NAME))
    }

    fn when_empty() -> Option<Self> {
        Some(Self::default())
    }
}

/// Does a run again
///
/// From a stage on, or whatever failed. A run that is being carried out must be cancelled first.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/retry",
    tag = "runs",
    params(RunPath),
    request_body(content = RetryRun),
    responses(
        (status = 200, description = "The run", body = Run),
        (status = 404, description = "`run_not_found`, `stage_not_found`: there is no such run, or no such stage in it"),
        (status = 409, description = "`wrong_run_state`, `run_moved_on`: the run cannot be retried as it stands"),
    ),
    security(("token" = ["write:runs"])),
)]
pub(crate) async fn retry_run(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    JsonBody(body): JsonBody<RetryRun>,
) -> Result<Json<Run>, Error> {
    app.engine.retry(&run_id, body.stage, body.input, caller.actor).await?;
    Ok(Json(run_now(&app, &run_id).await?))
}
