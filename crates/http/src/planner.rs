//! `POST /api/v1/planner/dispatch`.

use axum::Json;
use axum::extract::State;
use kernel::DispatchId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, WireBody};
use crate::runs::{TaskType, check_text};
use crate::wire::{Moment, Plan, PlannerKind};

const LONGEST_PROMPT: usize = 1_000_000;

/// The route of the planner.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(dispatch_plan))
}

/// What to plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"prompt": "Create a repo; add CI; write tests", "task_type": "coding"}))]
struct DispatchPlan {
    /// What is wanted: plain words, a list, or a Markdown runbook.
    #[schema(min_length = 1, max_length = 1_000_000, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    prompt: String,
    /// What sort of task it is.
    #[serde(default)]
    #[schema(default = "auto")]
    task_type: TaskType,
}

impl WireBody for DispatchPlan {
    const LIMIT_BYTES: usize = 16 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        check_text("prompt", &self.prompt, LONGEST_PROMPT)
    }
}

/// A plan that was made and logged.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Dispatch {
    /// The entry in the log.
    id: String,
    /// The plan.
    plan: Plan,
    /// Which planner made it.
    planner: PlannerKind,
    /// When.
    created_at: Moment,
}

/// The plan in what was recorded.
pub(crate) fn recorded_plan(dispatch: &DispatchId, plan: &Value) -> Result<Plan, Error> {
    let unreadable = || kernel::Error::internal(format!("the plan of {dispatch} cannot be read"));
    Plan::read(plan).ok_or_else(|| unreadable().into())
}

/// Makes a plan
///
/// It is logged and indexed by itself; nothing is carried out.
#[utoipa::path(
    post,
    path = "/api/v1/planner/dispatch",
    tag = "factory",
    request_body = DispatchPlan,
    responses(
        (status = 200, description = "The plan", body = Dispatch),
        (status = 413, description = "`too_large`: the body is larger than 16 MiB"),
    ),
    security(("token" = ["write:runs"])),
)]
async fn dispatch_plan(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    JsonBody(body): JsonBody<DispatchPlan>,
) -> Result<Json<Dispatch>, Error> {
    let task_type = body.task_type.name().to_owned();
    let made = app.services.planner.dispatch(body.prompt, task_type, caller.actor).await?;
    let plan = recorded_plan(&made.id, &made.plan)?;
    let (id, created_at) = (made.id.to_string(), made.created_at.into());
    Ok(Json(Dispatch { id, planner: plan.planner, plan, created_at }))
}
