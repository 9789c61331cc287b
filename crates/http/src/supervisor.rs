//! `POST /api/v1/supervisor/run`, `GET …/status`, `GET …/history`: runs of the supervisor's
//! workflow, as the sessions the Factory knows them as.

use ::runs::{Event, RunFilter, RunState, Status};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::RunId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, ReadRuns, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, Parameters, WireBody, invalid};
use crate::runs::{Step, StepKind, check_text, plan_of, state_of, steps_of};
use crate::services::Goal;
use crate::wire::{List, Moment, Plan, Run, RunError, RunStatus, page_request};

const LONGEST_GOAL: usize = 1_000_000;
/// Each entry of the history is read from its run's log.
const MOST_ENTRIES: u32 = 100;

/// The routes of the supervisor.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(run_supervisor))
        .routes(routes!(list_supervisor_status))
        .routes(routes!(list_supervisor_history))
}

/// A goal to be carried out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"goal": "build a FastAPI app that greets users"}))]
struct RunSupervisor {
    /// What is wanted: plain words, a list, or a Markdown runbook.
    #[schema(min_length = 1, max_length = 1_000_000, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    goal: String,
}

impl WireBody for RunSupervisor {
    const LIMIT_BYTES: usize = 16 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        check_text("goal", &self.goal, LONGEST_GOAL)
    }
}

/// A session of the supervisor, which is a run.
#[derive(Debug, Serialize, ToSchema)]
struct SupervisorSession {
    /// Its id, also its run's.
    session_id: String,
    /// What was wanted.
    goal: String,
    /// Where it stands.
    status: RunStatus,
    /// How the goal is to be reached.
    #[schema(required)]
    plan: Option<Plan>,
    /// What memory knew.
    #[schema(value_type = Value)]
    context: Value,
    /// What came of each step of the plan that is done.
    results: Vec<Step>,
    /// What came of it in a few sentences.
    #[schema(required)]
    summary: Option<String>,
    /// Why it failed.
    #[schema(required)]
    error: Option<RunError>,
    /// When it was submitted.
    created_at: Moment,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Moment>,
}

/// A session of the supervisor, in short.
#[derive(Debug, Serialize, ToSchema)]
struct SessionSummary {
    /// Its id, also its run's.
    session_id: String,
    /// What was wanted.
    goal: String,
    /// Where it stands.
    status: RunStatus,
    /// How many steps are done.
    steps_done: usize,
    /// How many steps there are, as far as is known.
    steps: usize,
    /// What came of it in a few sentences.
    #[schema(required)]
    summary: Option<String>,
    /// When it was submitted.
    created_at: Moment,
    /// When it ended.
    #[schema(required)]
    finished_at: Option<Moment>,
}

impl From<&RunState> for SupervisorSession {
    fn from(state: &RunState) -> Self {
        let plan = plan_of(state);
        let steps = steps_of(state, plan.as_ref());
        let context = steps.iter().find(|step| step.name == "context" || step.kind == StepKind::Recall);
        let found = context.and_then(|step| step.result.get("hits")).cloned();
        let planned =
            |step: &Step| plan.as_ref().is_some_and(|plan| plan.steps.iter().any(|s| s.id == step.name));
        let run = Run::from(state);
        Self {
            session_id: run.id,
            goal: goal_of(state),
            status: run.status,
            context: found.unwrap_or_else(|| Value::Array(Vec::new())),
            results: steps.into_iter().filter(|step| planned(step) && step.finished_at.is_some()).collect(),
            summary: summary_of(state),
            error: run.error,
            created_at: run.created_at,
            finished_at: run.finished_at,
            plan,
        }
    }
}

impl From<&RunState> for SessionSummary {
    fn from(state: &RunState) -> Self {
        let steps = steps_of(state, plan_of(state).as_ref());
        let run = Run::from(state);
        Self {
            session_id: run.id,
            goal: goal_of(state),
            status: run.status,
            steps_done: steps.iter().filter(|step| step.finished_at.is_some()).count(),
            steps: steps.len(),
            summary: summary_of(state),
            created_at: run.created_at,
            finished_at: run.finished_at,
        }
    }
}

fn goal_of(state: &RunState) -> String {
    state.input["goal"].as_str().map_or_else(|| state.title.clone(), str::to_owned)
}

fn summary_of(state: &RunState) -> Option<String> {
    match &state.outcome {
        Some(Ok(result)) => result["summary"].as_str().map(str::to_owned),
        _ => None,
    }
}

/// Carries a goal out
///
/// Plans it, recalls what memory knows, runs code where the plan asks for it, and sums up. Waits up
/// to 30 s for the end; a session that goes on after that, or waits for a person, is answered with
/// 202 and what there is. Watch it at `/api/v1/runs/{session_id}/stream`.
#[utoipa::path(
    post,
    path = "/api/v1/supervisor/run",
    tag = "factory",
    request_body = RunSupervisor,
    responses(
        (status = 200, description = "The session, at its end", body = SupervisorSession),
        (status = 202, description = "The session, which goes on", body = SupervisorSession),
        (status = 413, description = "`too_large`: the body is larger than 16 MiB"),
    ),
    security(("token" = ["write:runs"])),
)]
async fn run_supervisor(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    JsonBody(body): JsonBody<RunSupervisor>,
) -> Result<(StatusCode, Json<SupervisorSession>), Error> {
    let goal = Goal {
        goal: body.goal,
        title: None,
        task_type: "auto".into(),
        require_approval: None,
        files: Vec::new(),
        model: None,
        actor: caller.actor,
        idempotency_key: None,
    };
    let run_id = app.services.supervisor.submit(goal).await?;
    tokio::select! {
        ended = until_nothing_moves(&app, &run_id) => ended?,
        () = tokio::time::sleep(app.options.supervisor_wait) => {}
        () = app.lifetime.stopping.cancelled() => {}
    }
    let state = state_of(&app, &run_id).await?;
    let status = if state.status.is_terminal() { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(SupervisorSession::from(&state))))
}

/// Waits until the run is over or waits for a person.
async fn until_nothing_moves(app: &App, run_id: &RunId) -> Result<(), Error> {
    let mut subscription = app.engine.feed().subscribe(run_id, 0);
    loop {
        for record in subscription.next().await? {
            let parked = match record.event() {
                Event::Waiting(_) => state_of(app, run_id).await?.status == Status::WaitingApproval,
                event => event.is_terminal(),
            };
            if parked {
                return Ok(());
            }
        }
    }
}

/// Which sessions.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SessionsQuery {
    /// At most this many sessions.
    #[param(minimum = 1, maximum = 100, default = 50, example = 5)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$")]
    cursor: Option<String>,
}

async fn sessions(app: &App, query: SessionsQuery) -> Result<(Vec<RunState>, Option<String>), Error> {
    let page = page_request(query.limit, query.cursor)?;
    if page.limit > MOST_ENTRIES {
        return Err(invalid("limit", format!("it must be from 1 to {MOST_ENTRIES}")));
    }
    let workflow = Some(app.services.supervisor.workflow().to_owned());
    let filter = RunFilter { workflow, ..RunFilter::default() };
    let rows = app.engine.store().list_runs(&filter, &page).await?;
    let mut states = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        states.push(state_of(app, &row.run_id).await?);
    }
    Ok((states, rows.next_cursor))
}

/// Lists sessions in full
///
/// The newest first. At most 100 at once.
#[utoipa::path(
    get,
    path = "/api/v1/supervisor/status",
    tag = "factory",
    params(SessionsQuery),
    responses((status = 200, description = "A page of sessions", body = List<SupervisorSession>)),
    security(("token" = ["read:runs"])),
)]
async fn list_supervisor_status(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    Parameters(query): Parameters<SessionsQuery>,
) -> Result<Json<List<SupervisorSession>>, Error> {
    let (states, next_cursor) = sessions(&app, query).await?;
    Ok(Json(List { items: states.iter().map(SupervisorSession::from).collect(), next_cursor }))
}

/// Lists sessions in short
///
/// The newest first. At most 100 at once.
#[utoipa::path(
    get,
    path = "/api/v1/supervisor/history",
    tag = "factory",
    params(SessionsQuery),
    responses((status = 200, description = "A page of sessions", body = List<SessionSummary>)),
    security(("token" = ["read:runs"])),
)]
async fn list_supervisor_history(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    Parameters(query): Parameters<SessionsQuery>,
) -> Result<Json<List<SessionSummary>>, Error> {
    let (states, next_cursor) = sessions(&app, query).await?;
    Ok(Json(List { items: states.iter().map(SessionSummary::from).collect(), next_cursor }))
}
