//! The steps of a run, read against the plan it carries out.
//!
//! What the engine records by name becomes a step. The record named `plan` holds the plan; the
//! record of a plan's step has the step's id as its name. Steps of the plan that have no record yet
//! are pending. A step's result may say more by these members: `acceptance` (a list of `{text,
//! passed, detail}`), `skipped` (a boolean).

use ::runs::state::StepProgress;
use ::runs::{Failure, Record, RecordKind, RunState, Status, Verdict};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::{Moment, Plan, PlanStepKind, RunError};

pub(super) const PLAN: &str = "plan";

/// One step of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step {
    /// Unique in the run.
    pub name: String,
    /// One line for a person.
    pub title: String,
    /// What it is.
    pub kind: StepKind,
    /// How far it came.
    pub status: StepStatus,
    /// The steps that must be done before.
    pub depends_on: Vec<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// When the last attempt began.
    #[schema(required)]
    pub started_at: Option<Moment>,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<Moment>,
    /// How long that took.
    #[schema(required)]
    pub duration_ms: Option<u64>,
    /// What came of it.
    #[schema(value_type = Value)]
    pub result: Value,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<RunError>,
    /// What had to hold, and whether it does.
    pub acceptance: Vec<Acceptance>,
}

/// What a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepKind {
    /// Code of the plan.
    Code,
    /// A command.
    Command,
    /// A question to a person.
    Gate,
    /// A write-up.
    Report,
    /// A search of memory.
    Recall,
    /// The making of the plan.
    Plan,
    /// A sleep.
    Timer,
    /// A run of its own.
    Child,
    /// Something said.
    Note,
    /// Anything else the workflow does.
    Step,
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StepStatus {
    /// It has not begun.
    Pending,
    /// It is being carried out.
    Running,
    /// It is done.
    Completed,
    /// It failed.
    Failed,
    /// It was left out.
    Skipped,
    /// It waits: for a person, a time, a retry or another run.
    Waiting,
}

/// Something that must hold once a step is done.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Acceptance {
    /// As it was written.
    text: String,
    /// Whether it holds; null when nobody has looked.
    #[serde(default)]
    #[schema(required)]
    passed: Option<bool>,
    /// What was found.
    #[serde(default)]
    #[schema(required)]
    detail: Option<String>,
}

/// A run's steps: what it recorded before its plan, the plan's steps in their order, and whatever
/// else it recorded.
pub(crate) fn steps_of(state: &RunState, plan: Option<&Plan>) -> Vec<Step> {
    let planned = |name: &str| plan.is_some_and(|plan| plan.steps.iter().any(|step| step.id == name));
    let over = state.status.is_terminal();
    let others = state.records.iter().filter(|(name, _)| !planned(name));
    let (before, after): (Vec<_>, Vec<_>) = match state.records.get_index_of(PLAN) {
        Some(place) => others.partition(|(name, _)| state.records.get_index_of(*name) <= Some(place)),
        None => others.partition(|_| true),
    };
    let from_record = |(name, record): (&String, &Record)| {
        let mut step = blank(name, title_of(name, record), kind_of(name, record));
        fill(&mut step, record, over);
        step
    };
    let mut steps: Vec<Step> = before.into_iter().map(from_record).collect();
    for planned in plan.iter().flat_map(|plan| &plan.steps) {
        let mut step = blank(&planned.id, planned.title.clone(), planned.kind.into());
        step.depends_on.clone_from(&planned.depends_on);
        let written = planned.acceptance.iter();
        step.acceptance = written
            .map(|criterion| Acceptance { text: criterion.text.clone(), passed: None, detail: None })
            .collect();
        match state.records.get(&planned.id) {
            Some(record) => fill(&mut step, record, over),
            None if state.status == Status::Completed => step.status = StepStatus::Skipped,
            None => {}
        }
        steps.push(step);
    }
    steps.extend(after.into_iter().map(from_record));
    steps
}

fn blank(name: &str, title: String, kind: StepKind) -> Step {
    Step {
        name: name.to_owned(),
        title,
        kind,
        status: StepStatus::Pending,
        depends_on: Vec::new(),
        attempts: 0,
        started_at: None,
        finished_at: None,
        duration_ms: None,
        result: Value::Null,
        error: None,
        acceptance: Vec::new(),
    }
}

/// Adds to a step what its record says.
fn fill(step: &mut Step, record: &Record, over: bool) {
    step.attempts = 1;
    let mut started = record.at;
    let mut failed = |failure: &Failure| {
        step.error = Some(failure.into());
        StepStatus::Failed
    };
    let status = match &record.kind {
        RecordKind::Step { attempts, started_at, progress } => {
            step.attempts = *attempts;
            started = *started_at;
            match progress {
                // The run ended under it.
                StepProgress::Running if over => StepStatus::Skipped,
                StepProgress::Running => StepStatus::Running,
                StepProgress::Failed(failure, retry) => {
                    let status = failed(failure);
                    if retry.is_some() && !over { StepStatus::Waiting } else { status }
                }
                StepProgress::Completed(result) if result["skipped"] == true => StepStatus::Skipped,
                StepProgress::Completed(_) => StepStatus::Completed,
            }
        }
        RecordKind::Gate { decided: Some((decided, _)), .. } => match decided.decision {
            Verdict::Approve => StepStatus::Completed,
            Verdict::Skip => StepStatus::Skipped,
            Verdict::Reject => StepStatus::Failed,
        },
        RecordKind::Timer { fired: true, .. } => StepStatus::Completed,
        RecordKind::Child { outcome: Some(Err(failure)), .. } => failed(failure),
        RecordKind::Child { outcome: Some(Ok(_)), .. } => StepStatus::Completed,
        RecordKind::Gate { .. } | RecordKind::Timer { .. } | RecordKind::Child { .. } if over => {
            StepStatus::Skipped
        }
        RecordKind::Gate { .. } | RecordKind::Timer { .. } | RecordKind::Child { .. } => StepStatus::Waiting,
    };
    step.status = status;
    step.started_at = Some(started.into());
    if matches!(status, StepStatus::Completed | StepStatus::Failed | StepStatus::Skipped) {
        finish(step, record, started);
    }
}

fn finish(step: &mut Step, record: &Record, started: Timestamp) {
    let ended = record.updated_at;
    step.finished_at = Some(ended.into());
    step.duration_ms = u64::try_from(ended.since(started).as_millis()).ok();
    if let Some(result) = result_of(record) {
        step.result = result.clone();
        let judged = result.get("acceptance").and_then(|judged| Vec::<Acceptance>::deserialize(judged).ok());
        if let Some(judged) = judged {
            step.acceptance = judged;
        }
    }
}

pub(crate) fn result_of(record: &Record) -> Option<&Value> {
    match &record.kind {
        RecordKind::Step { progress: StepProgress::Completed(result), .. } => Some(result),
        RecordKind::Child { outcome: Some(Ok(result)), .. } => Some(result),
        _ => None,
    }
}

fn kind_of(name: &str, record: &Record) -> StepKind {
    match &record.kind {
        RecordKind::Gate { .. } => StepKind::Gate,
        RecordKind::Timer { .. } => StepKind::Timer,
        RecordKind::Child { .. } => StepKind::Child,
        // `report` is a report, `plan` a plan: the names of kinds are taken at their word.
        RecordKind::Step { .. } => serde_json::from_value(Value::from(name)).unwrap_or(StepKind::Step),
    }
}

impl From<PlanStepKind> for StepKind {
    fn from(kind: PlanStepKind) -> Self {
        match kind {
            PlanStepKind::Code => Self::Code,
            PlanStepKind::Gate => Self::Gate,
            PlanStepKind::Report => Self::Report,
            PlanStepKind::Recall => Self::Recall,
            PlanStepKind::Note => Self::Note,
        }
    }
}

/// The name for a person: `load_data` becomes `Load data`.
fn title_of(name: &str, record: &Record) -> String {
    if let RecordKind::Gate { opened, .. } = &record.kind {
        return opened.title.clone();
    }
    let words = name.replace('_', " ");
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
