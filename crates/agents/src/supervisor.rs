//! The supervisor: a goal carried out from its plan to its summary, as a durable run.
//!
//! The workflow's pieces are `plan`, `context` (what memory knows), `approve-plan` where the plan
//! needs a person's word first, one piece for each step of the plan under the step's id, and
//! `summary`. Steps whose dependencies are done go on side by side; those that run code take turns,
//! since they share the run's working folder.
//!
//! Start reading at [`SupervisorWorkflow`], then [`steps`].

mod acceptance;
mod goals;
mod report;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{FuturesUnordered, StreamExt};
use memory::pack::{self, CountedBy, Pack, Required};
use memory::{Memory, NewDocument};
use models::TokenCounting;
use runs::{Failure, GateRequest, RunContext, StepOptions, Verdict, Workflow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::dispatch::Dispatcher;
use crate::plan::{Plan, PlanStep, PlannerKind, StepKind};
use crate::planner::TaskType;
use crate::tools::PendingTools;

pub use goals::{Goals, InputFile, NewGoal};
use steps::{Carrier, Outcome, StepReport};

/// The workflow's name.
pub const WORKFLOW: &str = "supervisor";
/// The collection finished runs are found in.
pub const COLLECTION: &str = "runs";
/// How many chunks are looked at for a run's context.
const RECALLED: usize = 12;
/// Of these, how many are named in the run's result.
const NAMED: usize = 5;
/// How many tokens of what memory knows a run is given.
const KNOWN_TOKENS: usize = 2_000;

/// What a supervisor run works on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupervisorInput {
    /// The goal: plain words, a list, or a runbook.
    pub goal: String,
    /// What sort of work it is.
    #[serde(default)]
    pub task_type: TaskType,
    /// Whether a person approves the plan as a whole first; unset, when a model planned code.
    #[serde(default)]
    pub require_approval: Option<bool>,
    /// The files the steps find in their folder, by relative path, with their digests.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// The model to ask.
    #[serde(default)]
    pub model: Option<String>,
    /// Who asks, as events record it.
    pub actor: String,
}

/// The result of `context`: what memory knows that bears on the goal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    /// The best of it, each in a few words.
    hits: Vec<Value>,
    /// What the run's models are told of it.
    pack: Pack,
}

/// Carries goals out.
pub struct SupervisorWorkflow {
    dispatcher: Dispatcher,
    memory: Memory,
    tools: PendingTools,
    folder: PathBuf,
}

impl SupervisorWorkflow {
    /// A supervisor whose runs work in folders of their own below `folder`.
    pub fn new(dispatcher: Dispatcher, memory: Memory, tools: PendingTools, folder: PathBuf) -> Self {
        Self { dispatcher, memory, tools, folder }
    }

    async fn plan(&self, context: &RunContext, input: &SupervisorInput) -> Result<Plan, Failure> {
        context
            .step("plan", StepOptions::default(), |scope| async move {
                let origin = origin_of(scope.run_id(), input);
                let model = input.model.as_deref();
                let dispatched = self.dispatcher.dispatch(&input.goal, input.task_type, model, &origin).await;
                let dispatched = dispatched.map_err(kernel::Error::from)?;
                for attempt in &dispatched.attempts {
                    scope.emit("model_call", serde_json::to_value(attempt).unwrap_or_default()).await?;
                }
                if let Some(reason) = dispatched.fallback {
                    let message = format!("The model gave no usable plan, so the rules planned: {reason}");
                    scope.log(runs::LogLevel::Warning, message).await?;
                }
                Ok(dispatched.plan)
            })
            .await
    }

    async fn recall(&self, context: &RunContext, input: &SupervisorInput) -> Result<Known, Failure> {
        context
            .step("context", StepOptions::default(), |scope| async move {
                let source = format!("run:{}", scope.run_id());
                let found = self.memory.recall(&input.goal, RECALLED, &source).await?;
                let hits = found.iter().take(NAMED).map(steps::describe_hit).collect();
                let (goal, model) = (input.goal.clone(), input.model.clone().unwrap_or_default());
                let build = move || context_pack(&goal, &model, &found);
                let pack = tokio::task::spawn_blocking(build).await.map_err(kernel::Error::internal)?;
                Ok(Known { hits, pack: pack.map_err(kernel::Error::from)? })
            })
            .await
    }

    async fn approve(
        &self,
        context: &RunContext,
        plan: &Plan,
        input: &SupervisorInput,
    ) -> Result<Verdict, Failure> {
        let has_code = plan.steps.iter().any(|step| step.kind == StepKind::Code);
        let needed = input.require_approval.unwrap_or(plan.planner == PlannerKind::Model && has_code);
        if !needed {
            return Ok(Verdict::Approve);
        }
        let request = GateRequest {
            name: "approve-plan".into(),
            title: plan.language.pick("Approve the plan", "Aprovar o plano").into(),
            detail: plan
                .language
                .pick("Exactly these steps will be carried out.", "Exatamente estas etapas serão executadas.")
                .into(),
            proposal: serde_json::to_value(&plan.steps).unwrap_or_default(),
        };
        let approval = context.gate(request).await?;
        match approval.verdict {
            Verdict::Reject => Err(rejected(&approval.feedback)),
            verdict => Ok(verdict),
        }
    }

    /// Carries the steps out in the order of their dependencies; stops beginning new ones at the
    /// first failure.
    async fn carry_out(&self, carrier: &Carrier, plan: &Plan) -> (Vec<StepReport>, Option<Failure>) {
        let mut begun = BTreeSet::new();
        let mut done = BTreeSet::new();
        let mut skipped = BTreeSet::new();
        let mut reports: Vec<StepReport> = Vec::new();
        let mut failure = None;
        let mut running = FuturesUnordered::new();
        loop {
            if failure.is_none() {
                for step in plan.ready(|id| done.contains(id)) {
                    if begun.insert(step.id.clone()) {
                        let left_out = step.depends_on.iter().any(|id| skipped.contains(id));
                        running.push(async move { (step, carrier.carry_out(step, left_out).await) });
                    }
                }
            }
            let Some((step, outcome)) = running.next().await else { break };
            let step: &PlanStep = step;
            match outcome {
                Ok(Outcome::Done(result)) => reports.push(StepReport::new(step, "completed", result)),
                Ok(Outcome::Skipped) => {
                    skipped.insert(step.id.clone());
                    reports.push(StepReport::new(step, "skipped", Value::Null));
                }
                Err(error) => {
                    let result = error.detail.as_deref().cloned().unwrap_or(Value::Null);
                    reports.push(StepReport {
                        error: Some(error.clone()),
                        ..StepReport::new(step, "failed", result)
                    });
                    failure.get_or_insert(error);
                    continue;
                }
            }
            done.insert(step.id.clone());
        }
        let place = |report: &StepReport| plan.steps.iter().position(|step| step.id == report.id);
        reports.sort_by_key(place);
        (reports, failure)
    }

    async fn summarise(
        &self,
        context: &RunContext,
        plan: &Plan,
        reports: &[StepReport],
        failure: Option<&Failure>,
    ) -> Result<String, Failure> {
        context
            .step("summary", StepOptions::default(), |scope| async move {
                let summary = report::summary(plan, reports, failure);
                let document = NewDocument {
                    collection: COLLECTION.into(),
                    key: scope.run_id().to_string(),
                    title: plan.title.clone(),
                    text: format!("{}\n\n{summary}", plan.goal),
                    source: format!("run:{}", scope.run_id()),
                    privacy: steps::strictest(reports),
                    attributes: memory::document::Attributes::from([(
                        "run_id".to_owned(),
                        scope.run_id().to_string(),
                    )]),
                    ..NewDocument::default()
                };
                self.memory.remember(document).await?;
                Ok(summary)
            })
            .await
    }
}

#[async_trait]
impl Workflow for SupervisorWorkflow {
    fn name(&self) -> &'static str {
        WORKFLOW
    }

    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure> {
        let input: SupervisorInput = serde_json::from_value(input)
            .map_err(|error| Failure::new("invalid_input", format!("This is not a goal: {error}")))?;
        let plan = self.plan(&context, &input).await?;
        let known = self.recall(&context, &input).await?;
        if self.approve(&context, &plan, &input).await? == Verdict::Skip {
            return Ok(
                json!({ "status": "skipped", "summary": plan.language.pick("Nothing was done.", "Nada foi feito.") }),
            );
        }
        let folder = self.folder.join(context.run_id().as_str());
        let carrier = Carrier {
            context: context.clone(),
            plan: Arc::new(plan.clone()),
            tools: self.tools.clone(),
            memory: self.memory.clone(),
            models: self.dispatcher.models().clone(),
            model: input.model.clone(),
            origin: origin_of(context.run_id(), &input),
            known: known.pack,
            desk: steps::Desk::new(folder, context.blobs(), input.files.clone()),
        };
        let (reports, failure) = self.carry_out(&carrier, &plan).await;
        let summary = self.summarise(&context, &plan, &reports, failure.as_ref()).await?;
        carrier.desk.clear().await;
        if let Some(failure) = failure {
            return Err(Failure { detail: None, ..failure });
        }
        let steps: Vec<_> =
            reports.iter().map(|report| json!({ "id": report.id, "status": report.status })).collect();
        Ok(json!({ "status": "completed", "summary": summary, "steps": steps, "context": known.hits }))
    }
}

/// What memory knows, as much as fits beside the goal.
fn context_pack(goal: &str, model: &str, found: &[memory::Hit]) -> Result<Pack, memory::Error> {
    let counting = TokenCounting::of_model(model);
    let counter = CountedBy { name: counting.name().to_owned(), count: |text: &str| counting.count(text) };
    pack::beside(goal, vec![Required::request(goal)], found, KNOWN_TOKENS, &counter)
}

/// On whose behalf this run asks models.
fn origin_of(run_id: &kernel::RunId, input: &SupervisorInput) -> models::Origin {
    models::Origin::run(input.actor.as_str().into(), Some(run_id.clone()))
}

fn rejected(feedback: &Option<String>) -> Failure {
    let said = feedback.as_deref().filter(|text| !text.trim().is_empty());
    let message =
        said.map_or_else(|| "A person said no".to_owned(), |text| format!("A person said no: {text}"));
    let hint = Some("Retry the stage to be asked again, or submit a changed goal".to_owned());
    Failure { hint, ..Failure::new("rejected", message) }
}
