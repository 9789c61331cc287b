//! Runs: submit, look, watch, decide, go again.

mod approve;
mod artifacts;
mod cancel;
mod detail;
mod events;
mod fork;
mod list;
mod retry;
mod show;
mod steps;
pub(crate) mod stream;
mod submit;

use ::runs::RunState;
use axum::http::{HeaderMap, HeaderName};
use kernel::{Actor, RunId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use detail::plan_of;
pub(crate) use steps::{Step, StepKind, result_of, steps_of};
pub(crate) use submit::{TaskType, check_length, check_text};

use crate::app::App;
use crate::error::Error;
use crate::extract::invalid;
use crate::wire::Run;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest name of a gate, a stage or a file, in characters.
const LONGEST_NAME: usize = 200;

/// The routes of runs.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list::list_runs, submit::submit_run))
        .routes(routes!(show::get_run))
        .routes(routes!(events::list_run_events))
        .routes(routes!(stream::stream_run))
        .routes(routes!(approve::approve_run))
        .routes(routes!(retry::retry_run))
        .routes(routes!(cancel::cancel_run))
        .routes(routes!(fork::fork_run))
        .routes(routes!(artifacts::list_artifacts))
        .routes(routes!(artifacts::get_artifact))
}

/// The `{id}` in a run's paths, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; PathRunId reads it")]
pub(crate) struct RunPath {
    /// The run's id.
    #[param(pattern = "^run_[0-9abcdefghjkmnpqrstvwxyz]{20}$", example = "run_01hv5k3m9x7q2w8e4r6t")]
    id: String,
}

/// The header against doubles, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the parameter; idempotency_key reads it")]
pub(crate) struct IdempotencyHeader {
    /// A key of the client's choice. The same request with the same key is carried out once, and
    /// answered with the same run.
    #[param(rename = "Idempotency-Key", pattern = "^[!-~]{1,200}$", required = false, example = "b7c1e0")]
    idempotency_key: String,
}

/// The key the client gave, made its own, so that two clients cannot meet by chance.
pub(crate) fn idempotency_key(headers: &HeaderMap, actor: &Actor) -> Result<Option<String>, Error> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let fits = |key: &&str| (1..=200).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    match value.to_str().ok().filter(fits) {
        Some(key) => Ok(Some(format!("{actor}/{key}"))),
        None => Err(invalid("Idempotency-Key", "it must be 1 to 200 visible ASCII characters")),
    }
}

/// A run's state as of now.
pub(crate) async fn state_of(app: &App, run_id: &RunId) -> Result<RunState, Error> {
    Ok(app.engine.state(run_id).await?)
}

/// A run as of now, for the answer to a request that changed it.
pub(crate) async fn run_now(app: &App, run_id: &RunId) -> Result<Run, Error> {
    Ok(Run::from(&state_of(app, run_id).await?))
}
