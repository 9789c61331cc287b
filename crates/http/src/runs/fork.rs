//! `POST /api/v1/runs/{id}/fork`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{LONGEST_NAME, RunPath, check_length, run_now};
use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, PathRunId, WireBody};
use crate::wire::Run;

/// Where to fork a run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"after_step": "s1"}))]
pub(crate) struct ForkRun {
    /// The last step whose result the new run takes over.
    #[schema(max_length = 200)]
    after_step: String,
}

impl WireBody for ForkRun {
    fn validate(&self) -> Result<(), Error> {
        check_length("after_step", &self.after_step, LONGEST_NAME)
    }
}

/// Forks a run
///
/// The new run has done what this one had done when the step ended, and goes on from there by
/// itself.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/fork",
    tag = "runs",
    params(RunPath),
    request_body = ForkRun,
    responses(
        (status = 202, description = "The new run is on disk and will be carried out", body = Run,
            headers(("Location" = String, description = "Where the new run is"))),
        (status = 404, description = "`run_not_found`, `stage_not_found`: there is no such run, or no such step with a result in it"),
    ),
    security(("token" = ["write:runs"])),
)]
pub(crate) async fn fork_run(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    JsonBody(body): JsonBody<ForkRun>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<Run>), Error> {
    let fork = app.engine.fork(&run_id, &body.after_step, caller.actor).await?;
    let run = run_now(&app, &fork).await?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, format!("/api/v1/runs/{fork}"))], Json(run)))
}
