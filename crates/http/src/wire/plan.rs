//! Plans, as they are recorded in runs and in the planner's log.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// How a goal is to be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "goal": "add 2 and 2",
    "title": "Add 2 and 2",
    "planner": "rules",
    "language": "en",
    "steps": [{
        "id": "s1",
        "title": "Add",
        "kind": "code",
        "depends_on": [],
        "language": "python",
        "code": "print(2 + 2)",
        "acceptance": [{"text": "prints 4", "check": {"kind": "output_contains", "text": "4"}}],
    }],
}))]
pub(crate) struct Plan {
    /// The goal exactly as it was given.
    pub goal: String,
    /// One line for lists and headings.
    pub title: String,
    /// Which planner made it.
    pub planner: PlannerKind,
    /// The language of the goal.
    pub language: PlanLanguage,
    /// How long the code of each step may run, where the goal says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The steps, in the order they were written.
    pub steps: Vec<PlanStep>,
}

/// A language that goals are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlanLanguage {
    /// English.
    En,
    /// Brazilian Portuguese.
    Pt,
}

/// Which planner made a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlannerKind {
    /// The rules for plain words.
    Rules,
    /// The reader of Markdown runbooks.
    Runbook,
    /// A model.
    Model,
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PlanStep {
    /// Unique in the plan: `s1`, `s2`, ….
    pub id: String,
    /// One line for a person.
    pub title: String,
    /// What carrying it out means.
    pub kind: PlanStepKind,
    /// The steps that must be done before.
    #[serde(default)]
    #[schema(required)]
    pub depends_on: Vec<String>,
    /// The language of `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<CodeLanguage>,
    /// What is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// More about it, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What must hold once it is done.
    #[serde(default)]
    #[schema(required)]
    pub acceptance: Vec<Criterion>,
}

/// What carrying out a step of a plan means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlanStepKind {
    /// Run `code` in the sandbox.
    Code,
    /// Ask a person.
    Gate,
    /// Write up the results.
    Report,
    /// Search memory.
    Recall,
    /// Something said; nothing is run.
    Note,
}

/// A language that is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CodeLanguage {
    /// Python 3.
    Python,
    /// JavaScript on Node.js.
    JavaScript,
    /// The system's shell.
    Shell,
}

/// Something that must hold once a step is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Criterion {
    /// As it was written.
    pub text: String,
    /// How a program finds out; without it, a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub check: Option<Value>,
}

impl Plan {
    /// The plan in `recorded`, if it is one, by itself or as the member `plan`.
    pub fn read(recorded: &Value) -> Option<Self> {
        let plan = recorded.get("plan").unwrap_or(recorded);
        Self::deserialize(plan).ok()
    }
}
