//! `run_goal`, `list_runs` and `get_run`.
//!
//! A run outlives the call that began it. `run_goal` waits for a while, tells what happens meanwhile,
//! and then says where the run stands; `get_run` asks again. Who cancels the call that began a run
//! cancels the run; who cancels a look at one does not.

use std::sync::Arc;
use std::time::Duration;

use accounts::Scope;
use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::calls::{Call, Route};
use super::super::handler::Asked;
use super::gates::Gate;
use super::{About, Defined, Effect, Result, define};
use watch::Watched;

mod watch;

const SUBMIT: Route = (Method::POST, "/api/v1/runs");
const CANCEL: Route = (Method::POST, "/api/v1/runs/{id}/cancel");
pub(super) const LIST_RUNS: Route = (Method::GET, "/api/v1/runs");
pub(super) const GET_RUN: Route = (Method::GET, "/api/v1/runs/{id}");
/// Clients give up on a silent call after a minute.
const USUAL_WAIT_SECONDS: u32 = 45;
const LONGEST_WAIT_SECONDS: u32 = 600;

pub(super) fn tools() -> Vec<Defined> {
    let run = About {
        name: "run_goal",
        title: "Carry out a goal",
        description: "Plans a goal and carries it out as a durable run: in plain words, as a list, or as a \
            Markdown runbook. Waits up to `wait_seconds` and answers where the run stands then; it goes on \
            by itself, and `get_run` asks again. A run at `waiting_approval` waits for `answer_gate`. \
            Cancelling this call while it waits cancels the run.",
        effect: Effect::Adds,
        scopes: &[Scope::WriteRuns, Scope::ReadRuns],
        routes: vec![SUBMIT, GET_RUN, CANCEL],
    };
    let list_runs = About {
        name: "list_runs",
        title: "List runs",
        description: "Lists runs, the newest first.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadRuns],
        routes: vec![LIST_RUNS],
    };
    let get = About {
        name: "get_run",
        title: "Look at a run",
        description: "Shows where a run stands, its steps, its open gates, its files and its result. With \
            `wait_seconds` it waits so long for the run to end or to reach a gate.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadRuns],
        routes: vec![GET_RUN],
    };
    vec![
        define(run, async |asked: Arc<Asked>, goal: Goal| run_goal(&asked, goal).await),
        define(list_runs, async |asked: Arc<Asked>, sought: Sought| {
            let Sought { status, text, limit, cursor } = sought;
            list(&asked, &status, text, limit.unwrap_or(20), cursor).await
        }),
        define(get, async |asked: Arc<Asked>, look: Look| {
            if let Some(seconds) = look.wait_seconds {
                watch::until_settled(&asked, &look.run_id, wait(&asked, seconds)).await?;
            }
            detail(&asked, &look.run_id).await.map(RunReport::from)
        }),
    ]
}

/// A goal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Goal {
    /// What is wanted.
    #[schemars(length(min = 1))]
    goal: String,
    /// What the run is called; made from the goal if absent.
    #[serde(default)]
    #[schemars(length(min = 1, max = 200))]
    title: Option<String>,
    /// The model to use, if another than usual.
    #[serde(default)]
    model: Option<String>,
    /// Whether the plan as a whole waits for approval first; if absent, it does when a model planned
    /// code.
    #[serde(default)]
    require_approval: Option<bool>,
    /// How long to wait for the end, 45 if absent; 0 answers at once.
    #[serde(default)]
    #[schemars(range(max = 600))]
    wait_seconds: Option<u32>,
}

/// Which runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sought {
    /// At one of these statuses; at any if empty.
    #[serde(default)]
    status: Vec<Status>,
    /// Whose title holds this.
    #[serde(default)]
    text: Option<String>,
    /// At most this many; 20 if absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// A look at a run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Look {
    /// The run.
    run_id: String,
    /// How long to wait for its end or a gate; not at all if absent.
    #[serde(default)]
    #[schemars(range(max = 600))]
    wait_seconds: Option<u32>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::mcp) enum Status {
    /// It waits for a worker.
    Queued,
    /// It is being carried out.
    Running,
    /// It waits for a time, a retry or a part of its own.
    Waiting,
    /// It waits for a person.
    WaitingApproval,
    /// It reached its end.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::WaitingApproval => "waiting_approval",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens until somebody does something.
    fn is_settled(self) -> bool {
        matches!(self, Self::WaitingApproval | Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// A page of runs.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct RunList {
    /// The runs.
    #[serde(alias = "items")]
    pub runs: Vec<RunSummary>,
    /// What to give as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// A run in short.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct RunSummary {
    /// The run.
    #[serde(alias = "id")]
    pub run_id: String,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// When it was submitted.
    pub created_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How many gates wait for a person.
    pub waiting_gates: u32,
    /// Why it failed.
    pub error: Option<RunError>,
}

/// Why a run failed.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct RunError {
    /// A stable identifier.
    code: String,
    /// What happened.
    message: String,
    /// What to do next.
    hint: Option<String>,
}

/// What the route says of a run.
#[derive(Debug, Deserialize)]
pub(in crate::mcp) struct Detail {
    #[serde(flatten)]
    pub run: RunSummary,
    pub result: Value,
    pub steps: Vec<Step>,
    pub gates: Vec<Gate>,
    pub artifacts: Vec<Artifact>,
}

/// Where a run stands, in full.
#[derive(Debug, Serialize, JsonSchema)]
struct RunReport {
    #[serde(flatten)]
    run: RunSummary,
    /// What came of it; null until it completes.
    result: Value,
    /// Its steps: those it took and those its plan still has.
    steps: Vec<Step>,
    /// The questions that are open.
    open_gates: Vec<Gate>,
    /// The files it made.
    artifacts: Vec<Artifact>,
}

impl From<Detail> for RunReport {
    fn from(detail: Detail) -> Self {
        let Detail { run, result, steps, gates, artifacts } = detail;
        let open_gates = gates.into_iter().filter(|gate| gate.decision.is_none()).collect();
        Self { run, result, steps, open_gates, artifacts }
    }
}

/// A step of a run.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Step {
    /// Unique in the run.
    pub name: String,
    /// What it does.
    pub title: String,
    /// How far it came.
    pub status: String,
    /// Why it failed.
    pub error: Option<RunError>,
}

/// A file that a run made.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Artifact {
    /// Its path.
    path: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size: u64,
}

/// How long a call may wait. One that is not heard of meanwhile must be answered within the time of
/// any request.
fn wait(asked: &Asked, seconds: u32) -> Duration {
    let wanted = Duration::from_secs(seconds.min(LONGEST_WAIT_SECONDS).into());
    match asked.reporter.is_heard() {
        true => wanted,
        false => wanted.min(asked.app.options.request_timeout / 2),
    }
}

async fn run_goal(asked: &Asked, goal: Goal) -> Result<RunReport> {
    let mut body = json!({"goal": goal.goal});
    let more = [
        ("title", goal.title.map(Value::from)),
        ("model", goal.model.map(Value::from)),
        ("require_approval", goal.require_approval.map(Value::from)),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let begun: RunSummary =
        asked.routes.call(&asked.credentials, Call::new(SUBMIT, &[]).with_body(body)).await?;
    let wait = wait(asked, goal.wait_seconds.unwrap_or(USUAL_WAIT_SECONDS));
    if !wait.is_zero() && watch::until_settled(asked, &begun.run_id, wait).await? == Watched::Cancelled {
        let call = Call::new(CANCEL, &[&begun.run_id]);
        // One that has just ended is as good as cancelled.
        let _ = asked.routes.call::<Value>(&asked.credentials, call).await;
    }
    detail(asked, &begun.run_id).await.map(RunReport::from)
}

/// Runs, the newest first.
pub(in crate::mcp) async fn list(
    asked: &Asked,
    status: &[Status],
    text: Option<String>,
    limit: u32,
    cursor: Option<String>,
) -> Result<RunList> {
    let status: Vec<_> = status.iter().map(|status| status.as_str()).collect();
    let status = (!status.is_empty()).then(|| status.join(","));
    let call = Call::new(LIST_RUNS, &[]).with("status", status).with("q", text);
    asked.routes.call(&asked.credentials, call.with("limit", Some(limit)).with("cursor", cursor)).await
}

/// The newest runs.
pub(in crate::mcp) async fn recent(asked: &Asked, count: u32) -> Result<RunList> {
    list(asked, &[], None, count, None).await
}

/// A run in full.
pub(in crate::mcp) async fn detail(asked: &Asked, run_id: &str) -> Result<Detail> {
    asked.routes.call(&asked.credentials, Call::new(GET_RUN, &[run_id])).await
}
