//! What a plan is: steps with dependencies, kinds and acceptance criteria.
//!
//! A plan is recorded in the run that carries it out and may come from a model, so it goes both
//! ways through serde and refuses unknown fields.
//!
//! Invariant: [`Plan::validate`] is the one place that says which plans may run. Every planner
//! calls it before it hands a plan out; whoever reads a plan from elsewhere calls it again.
//! The rules are in [`validate`](self::validate), the order of work in [`order`], what a check
//! means in [`check`].

pub mod check;
pub mod order;
pub mod validate;

use serde::{Deserialize, Serialize};

pub use check::{Check, CountUnit, Observation, Verdict};
pub use validate::{Problem, limits};

/// How a goal is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The goal exactly as the person gave it: plain words, or the whole text of a runbook.
    pub goal: String,
    /// One line for lists and headings.
    pub title: String,
    /// Which planner made it.
    pub planner: PlannerKind,
    /// The language the goal is written in, and in which the plan speaks to the person.
    pub language: Language,
    /// How long the code of each step may run, in milliseconds, where the goal says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The steps, in the order they were written; the order of work follows `depends_on`.
    pub steps: Vec<PlanStep>,
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// Unique in the plan: `s1`, `s2`, … from the planners here.
    pub id: String,
    /// One line for a person.
    pub title: String,
    /// What carrying it out means.
    pub kind: StepKind,
    /// Ids of the steps that must be done before.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// The language of `code`; present exactly when `kind` is [`StepKind::Code`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<CodeLanguage>,
    /// What the sandbox runs, with the workspace folder as its current directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// More for the person or the model, Markdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What must hold once the step is done.
    #[serde(default)]
    pub acceptance: Vec<Criterion>,
}

/// Something that must hold once a step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// As it was written.
    pub text: String,
    /// How a program finds out. Without it only a person can say: see [`Plan::questions`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// Who made a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlannerKind {
    /// The rules for plain words, offline.
    Rules,
    /// The reader of Markdown runbooks, offline.
    Runbook,
    /// A model.
    Model,
}

/// What carrying out a step means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Run `code` in the sandbox.
    Code,
    /// Ask a person, and wait for the answer.
    Gate,
    /// Write up the results of the steps before.
    Report,
    /// Search memory for what the title and detail are about.
    Recall,
    /// Something said, or left to a person or a model; nothing is run.
    Note,
}

/// The languages the sandbox runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeLanguage {
    /// Python 3.
    #[serde(alias = "py", alias = "python3")]
    Python,
    /// JavaScript on Node.js.
    #[serde(rename = "javascript", alias = "js", alias = "node")]
    JavaScript,
    /// POSIX shell or bash.
    #[serde(alias = "sh", alias = "bash")]
    Shell,
}

/// The languages a plan is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Brazilian Portuguese.
    Pt,
}

impl Language {
    /// The text in this language.
    #[must_use]
    pub fn pick<'a>(self, en: &'a str, pt: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Pt => pt,
        }
    }
}

impl CodeLanguage {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::Shell => "shell",
        }
    }

    /// The language a person or a fence means by `name`, in any case: `py`, `node`, `bash`, ….
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "python" | "py" | "python3" | "py3" => Some(Self::Python),
            "javascript" | "js" | "node" | "nodejs" | "mjs" | "cjs" => Some(Self::JavaScript),
            "shell" | "sh" | "bash" | "console" | "terminal" | "shell-session" | "shellsession" => {
                Some(Self::Shell)
            }
            _ => None,
        }
    }
}

impl Plan {
    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&PlanStep> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The criteria of `step` that only a person can judge, so that whoever carries out the plan
    /// must ask at a gate rather than let them pass.
    ///
    /// A note of the rule-based planner is the exception: nothing was carried out there that
    /// could be judged, its criteria say what a person or a model would have to reach, and are
    /// shown as not judged.
    pub fn questions<'a>(&self, step: &'a PlanStep) -> impl Iterator<Item = &'a Criterion> {
        let only_advice = self.planner == PlannerKind::Rules && step.kind == StepKind::Note;
        step.acceptance.iter().filter(move |criterion| criterion.check.is_none() && !only_advice)
    }
}

impl PlanStep {
    /// A step with a title and a kind, and nothing else yet.
    #[must_use]
    pub fn new(id: impl Into<String>, title: impl Into<String>, kind: StepKind) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            kind,
            depends_on: Vec::new(),
            language: None,
            code: None,
            detail: None,
            acceptance: Vec::new(),
        }
    }
}

impl Criterion {
    /// A criterion with a check, or without one for a person.
    #[must_use]
    pub fn new(text: impl Into<String>, check: Option<Check>) -> Self {
        Self { text: text.into(), check }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_goes_both_ways_through_json_and_refuses_unknown_fields() {
        let mut step = PlanStep::new("s1", "Add", StepKind::Code);
        step.language = Some(CodeLanguage::Python);
        step.code = Some("print(4)".into());
        step.acceptance = vec![
            Criterion::new("prints 4", Some(Check::OutputContains { text: "4".into() })),
            Criterion::new("looks good", None),
        ];
        let plan = Plan {
            goal: "add".into(),
            title: "Add".into(),
            planner: PlannerKind::Rules,
            language: Language::Pt,
            timeout_ms: None,
            steps: vec![step],
        };
        let json = serde_json::to_string(&plan).unwrap();
        insta::assert_snapshot!(json, @r#"{"goal":"add","title":"Add","planner":"rules","language":"pt","steps":[{"id":"s1","title":"Add","kind":"code","depends_on":[],"language":"python","code":"print(4)","acceptance":[{"text":"prints 4","check":{"kind":"output_contains","text":"4"}},{"text":"looks good"}]}]}"#);
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan);

        for (field, broken) in [
            ("plan", json.replacen("{\"goal\"", "{\"extra\":1,\"goal\"", 1)),
            ("step", json.replacen("{\"id\"", "{\"extra\":1,\"id\"", 1)),
            ("criterion", json.replacen("{\"text\"", "{\"extra\":1,\"text\"", 1)),
            ("check", json.replacen("{\"kind\":\"output", "{\"extra\":1,\"kind\":\"output", 1)),
        ] {
            let refused = serde_json::from_str::<Plan>(&broken).unwrap_err().to_string();
            assert!(refused.contains("extra"), "{field}: {refused}");
        }
    }

    #[test]
    fn only_notes_of_the_rules_leave_criteria_unasked() {
        let mut step = PlanStep::new("s1", "Look", StepKind::Note);
        step.acceptance = vec![Criterion::new("it is pretty", None)];
        let mut plan = Plan {
            goal: "look".into(),
            title: "Look".into(),
            planner: PlannerKind::Runbook,
            language: Language::En,
            timeout_ms: None,
            steps: vec![step],
        };
        assert_eq!(plan.questions(&plan.steps[0]).count(), 1);
        plan.planner = PlannerKind::Rules;
        assert_eq!(plan.questions(&plan.steps[0]).count(), 0);
    }
}
