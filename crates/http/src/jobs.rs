//! Jobs: runs under the name programs know them by. `GET /api/v1/runs/{jobId}` answers for them too.

use ::runs::{RunFilter, RunRow, RunState, Submission};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, ReadRuns, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, Parameters, PathRunId, WireBody, unfit};
use crate::runs::{IdempotencyHeader, RunPath, idempotency_key, state_of, stream};
use crate::wire::{List, ListQuery, Moment, Run, RunError, RunStatus};

const LONGEST_TITLE: usize = 200;

/// The routes of jobs.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs, submit_job))
        .routes(routes!(get_job))
        .routes(routes!(cancel_job))
        .routes(routes!(stream::stream_job))
}

/// A job to be carried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "supervisor", "input": {"goal": "print the first ten primes"}}))]
pub(crate) struct SubmitJob {
    /// What sort of job.
    #[schema(value_type = JobType)]
    r#type: String,
    /// What it works on.
    #[serde(default)]
    #[schema(value_type = Value, required = false)]
    input: Value,
    /// What it is called on screen.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    title: Option<String>,
}

impl WireBody for SubmitJob {
    fn validate(&self) -> Result<(), Error> {
        self.title.as_ref().map_or(Ok(()), |title| crate::runs::check_text("title", title, LONGEST_TITLE))
    }
}

/// The sorts of jobs there are; the document lists them.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[allow(dead_code, reason = "describes the shape; the names come from the options")]
pub(crate) struct JobType(String);

/// A job that was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"jobId": "run_01hv5k3m9x7q2w8e4r6t"}))]
pub(crate) struct JobAccepted {
    /// Its id, also its run's.
    #[serde(rename = "jobId")]
    job_id: String,
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "jobId": "run_01hv5k3m9x7q2w8e4r6t",
    "type": "supervisor",
    "title": "Print the first ten primes",
    "status": "completed",
    "created_at": "2026-11-21T09:30:00.000Z",
    "updated_at": "2026-11-21T09:30:04.120Z",
    "finished_at": "2026-11-21T09:30:04.120Z",
    "error": null,
}))]
pub(crate) struct Job {
    /// Its id, also its run's.
    #[serde(rename = "jobId")]
    job_id: String,
    /// What sort of job.
    r#type: String,
    /// What it is called on screen.
    title: String,
    /// Where it stands.
    status: RunStatus,
    /// When it was submitted.
    created_at: Moment,
    /// When it last changed.
    updated_at: Moment,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Moment>,
    /// Why it failed.
    #[schema(required)]
    error: Option<RunError>,
}

/// A job with what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobDetail {
    #[serde(flatten)]
    job: Job,
    /// What came of it; null until it completes.
    #[schema(value_type = Value)]
    result: Value,
}

impl From<Run> for Job {
    fn from(run: Run) -> Self {
        Self {
            job_id: run.id,
            r#type: run.workflow,
            title: run.title,
            status: run.status,
            created_at: run.created_at,
            updated_at: run.updated_at,
            finished_at: run.finished_at,
            error: run.error,
        }
    }
}

impl From<&RunState> for JobDetail {
    fn from(state: &RunState) -> Self {
        let result = match &state.outcome {
            Some(Ok(result)) => result.clone(),
            _ => Value::Null,
        };
        Self { job: Run::from(state).into(), result }
    }
}

/// Submits a job
///
/// Watch it at `/api/v1/stream/{id}` or `/api/v1/runs/{id}/stream`.
#[utoipa::path(
    post,
    path = "/api/v1/jobs",
    tag = "jobs",
    params(IdempotencyHeader),
    request_body = SubmitJob,
    responses(
        (status = 202, description = "The job is on disk and will be carried out", body = JobAccepted,
            headers(("Location" = String, description = "Where the job is"))),
        (status = 409, description = "`idempotency_key_reused`: the key was used for another request"),
    ),
    security(("token" = ["write:runs"])),
)]
async fn submit_job(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<SubmitJob>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<JobAccepted>), Error> {
    let idempotency_key = idempotency_key(&headers, &caller.actor)?;
    if !app.options.job_types.contains(&body.r#type) {
        return Err(unfit(format!("`type` must be one of {}", app.options.job_types.join(", "))));
    }
    let submission = Submission {
        title: body.title.unwrap_or_else(|| body.r#type.clone()),
        workflow: body.r#type,
        input: body.input,
        actor: caller.actor,
        idempotency_key,
    };
    let job_id = app.engine.submit(submission).await?.to_string();
    let location = [(header::LOCATION, format!("/api/v1/jobs/{job_id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(JobAccepted { job_id })))
}

/// Lists jobs
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/jobs",
    tag = "jobs",
    params(ListQuery),
    responses((status = 200, description = "A page of jobs", body = List<Job>)),
    security(("token" = ["read:runs"])),
)]
async fn list_jobs(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<List<Job>>, Error> {
    let page = app.engine.store().list_runs(&RunFilter::default(), &query.page()?).await?;
    Ok(Json(List::from_page(page, |row: RunRow| Run::from(row).into())))
}

/// Shows a job
///
/// With its result, once it has one.
#[utoipa::path(
    get,
    path = "/api/v1/jobs/{id}",
    tag = "jobs",
    params(RunPath),
    responses(
        (status = 200, description = "The job", body = JobDetail),
        (status = 404, description = "`run_not_found`: there is no such job"),
    ),
    security(("token" = ["read:runs"])),
)]
async fn get_job(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
) -> Result<Json<JobDetail>, Error> {
    Ok(Json(JobDetail::from(&state_of(&app, &run_id).await?)))
}

/// Cancels a job
///
/// As `/api/v1/runs/{id}/cancel`.
#[utoipa::path(
    post,
    path = "/api/v1/jobs/{id}/cancel",
    tag = "jobs",
    params(RunPath),
    responses(
        (status = 200, description = "The job, which may take a moment to stop", body = JobDetail),
        (status = 404, description = "`run_not_found`: there is no such job"),
        (status = 409, description = "`wrong_run_state`, `run_moved_on`: the job has ended already"),
    ),
    security(("token" = ["write:runs"])),
)]
async fn cancel_job(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
) -> Result<Json<JobDetail>, Error> {
    app.engine.cancel(&run_id, caller.actor).await?;
    Ok(Json(JobDetail::from(&state_of(&app, &run_id).await?)))
}
