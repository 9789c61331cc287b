//! A run in full: its state, read against the plan it carries out.

use ::runs::{Event, EventRecord, RecordKind, RunState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::approve::GateDecision;
use super::artifacts::{Artifact, artifacts_of};
use super::steps::{PLAN, Step, result_of, steps_of};
use crate::app::App;
use crate::error::Error;
use crate::wire::{Moment, Plan, Run};

/// The kind of event that says of a call to a model how it went.
const MODEL_CALL: &str = "model_call";

/// A run with everything that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    run: Run,
    /// What it works on.
    #[schema(value_type = Value)]
    input: Value,
    /// What came of it; null until it completes.
    #[schema(value_type = Value)]
    result: Value,
    /// How its goal is to be reached.
    #[schema(required)]
    plan: Option<Plan>,
    /// Its steps: those it took and those its plan still has.
    steps: Vec<Step>,
    /// The questions it asked.
    gates: Vec<Gate>,
    /// The files it made.
    artifacts: Vec<Artifact>,
    /// What its models cost.
    cost: Cost,
    /// The number of its last event.
    last_seq: u64,
}

/// A question to a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Gate {
    /// Its name, which an answer gives as `gate`.
    name: String,
    /// The question in a few words.
    title: String,
    /// What the person should know.
    #[schema(required)]
    detail: Option<String>,
    /// The digest of the proposal, which an answer gives as `digest`.
    digest: String,
    /// Exactly what will be done when it is approved.
    #[schema(value_type = Value)]
    proposal: Value,
    /// When it was asked.
    opened_at: Moment,
    /// The answer.
    #[schema(required)]
    decision: Option<GateDecision>,
    /// What was said with it.
    #[schema(required)]
    feedback: Option<String>,
    /// When it was given.
    #[schema(required)]
    decided_at: Option<Moment>,
    /// Who gave it.
    #[schema(required)]
    decided_by: Option<String>,
    /// The step of the plan it belongs to.
    #[schema(required)]
    stage: Option<String>,
}

/// What all calls of models cost, those of attempts that were done again included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub(crate) struct Cost {
    /// Tokens sent.
    #[schema(required)]
    tokens_in: u64,
    /// Tokens received.
    #[schema(required)]
    tokens_out: u64,
    /// US dollars.
    #[schema(required)]
    usd: f64,
}

impl RunDetail {
    pub fn new(state: &RunState, cost: Cost) -> Self {
        let plan = plan_of(state);
        Self {
            run: state.into(),
            input: state.input.clone(),
            result: match &state.outcome {
                Some(Ok(result)) => result.clone(),
                _ => Value::Null,
            },
            steps: steps_of(state, plan.as_ref()),
            gates: gates_of(state, plan.as_ref()),
            artifacts: artifacts_of(state),
            cost,
            last_seq: state.last_seq,
            plan,
        }
    }
}

/// The plan a run recorded.
pub(crate) fn plan_of(state: &RunState) -> Option<Plan> {
    state.records.get(PLAN).and_then(result_of).and_then(Plan::read)
}

fn gates_of(state: &RunState, plan: Option<&Plan>) -> Vec<Gate> {
    let gate = |(name, record): (&String, &::runs::Record)| {
        let RecordKind::Gate { opened, decided } = &record.kind else { return None };
        let answer = decided.as_ref();
        Some(Gate {
            name: name.clone(),
            title: opened.title.clone(),
            detail: (!opened.detail.is_empty()).then(|| opened.detail.clone()),
            digest: opened.digest.clone(),
            proposal: opened.proposal.clone(),
            opened_at: record.at.into(),
            decision: answer.map(|(decided, _)| decided.decision.into()),
            feedback: answer.and_then(|(decided, _)| decided.feedback.clone()),
            decided_at: answer.map(|(_, at)| (*at).into()),
            decided_by: answer.map(|(decided, _)| decided.actor.clone()),
            stage: plan.and_then(|plan| stage_of(name, plan)),
        })
    };
    state.records.iter().filter_map(gate).collect()
}

/// The plan's step that a gate belongs to: it has the step's id as its name, or in it, set off by
/// a mark, as in `s2:approve`.
fn stage_of(gate: &str, plan: &Plan) -> Option<String> {
    let ids = |part: &str| plan.steps.iter().find(|step| step.id == part).map(|step| step.id.clone());
    ids(gate).or_else(|| gate.split([':', '/', '.', '_', '-']).find_map(ids))
}

/// The sum over every call of a model that the run's log tells of, up to the state's last event.
pub(super) async fn cost_of(app: &App, state: &RunState) -> Result<Cost, Error> {
    let calls = app.engine.store().load_kind(&state.run_id, MODEL_CALL).await?;
    let known = calls.iter().filter(|record| record.seq() <= state.last_seq);
    Ok(known.filter_map(usage_of).fold(Cost::default(), Cost::plus))
}

fn usage_of(record: &EventRecord) -> Option<Cost> {
    match record.event() {
        Event::Said { payload, .. } => Cost::deserialize(&payload["usage"]).ok(),
        _ => None,
    }
}

impl Cost {
    fn plus(self, other: Self) -> Self {
        Self {
            tokens_in: self.tokens_in.saturating_add(other.tokens_in),
            tokens_out: self.tokens_out.saturating_add(other.tokens_out),
            usd: self.usd + other.usd,
        }
    }
}
