//! Which plans may run.
//!
//! Invariant: a plan with no [`Problem`] has at least one step, unique ids, dependencies that
//! exist and go round in no circle, code only with a language, checks that stay inside the
//! workspace, and keeps every limit in [`limits`].

use std::collections::HashSet;
use std::fmt;

use super::check::{Check, relative_path};
use super::{Plan, PlanStep, StepKind};
use crate::Error;

/// The sizes a plan keeps.
pub mod limits {
    /// Steps in a plan.
    pub const STEPS: usize = 200;
    /// Bytes of code in one step.
    pub const CODE_BYTES: usize = 1_000_000;
    /// Bytes of a goal, and so of a runbook.
    pub const GOAL_BYTES: usize = 4_000_000;
    /// Characters of a title.
    pub const TITLE_CHARS: usize = 300;
    /// Bytes of a step's detail.
    pub const DETAIL_BYTES: usize = 64_000;
    /// Acceptance criteria of one step.
    pub const CRITERIA: usize = 100;
    /// Bytes of a criterion's text, of a path and of a text to look for.
    pub const TEXT_BYTES: usize = 4_000;
    /// Characters of a step's id.
    pub const ID_CHARS: usize = 64;
    /// The least and the most time the code of a step can be given, in milliseconds: a tenth of a
    /// second and a day.
    pub const TIMEOUT_MS: std::ops::RangeInclusive<u64> = 100..=24 * 60 * 60 * 1_000;
}

/// How many problems are listed before the rest is left out.
const PROBLEMS_LISTED: usize = 20;

/// One rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The id of the step, where it is about one.
    pub step: Option<String>,
    /// What is wrong, for a person and for a model that is asked again.
    pub message: String,
    /// Whether it is a size that is exceeded.
    pub is_limit: bool,
}

impl Problem {
    fn new(step: Option<&str>, message: impl Into<String>) -> Self {
        Self { step: step.map(str::to_owned), message: message.into(), is_limit: false }
    }

    /// A size that is exceeded.
    pub(crate) fn limit(step: Option<&str>, message: impl Into<String>) -> Self {
        Self { is_limit: true, ..Self::new(step, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.step {
            Some(step) => write!(f, "step {step}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Plan {
    /// Whether this plan may run; the error lists what is wrong and names the steps.
    pub fn validate(&self) -> Result<(), Error> {
        let problems = self.problems();
        if problems.is_empty() { Ok(()) } else { Err(Error::InvalidPlan(problems)) }
    }

    /// The rules this plan breaks, the first twenty of them.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_frame(&mut problems);
        if self.steps.len() <= limits::STEPS {
            let mut seen = HashSet::new();
            for step in &self.steps {
                check_identity(step, &mut seen, &mut problems);
                check_content(step, &mut problems);
                check_acceptance(step, &mut problems);
            }
            self.check_dependencies(&seen, &mut problems);
        }
        problems.truncate(PROBLEMS_LISTED);
        problems
    }

    fn check_frame(&self, problems: &mut Vec<Problem>) {
        if self.goal.trim().is_empty() {
            problems.push(Problem::new(None, "it has no goal"));
        }
        if self.goal.len() > limits::GOAL_BYTES {
            problems
                .push(Problem::limit(None, format!("the goal is longer than {} bytes", limits::GOAL_BYTES)));
        }
        check_title(None, &self.title, problems);
        if self.timeout_ms.is_some_and(|given| !limits::TIMEOUT_MS.contains(&given)) {
            problems.push(Problem::new(None, "its timeout is not from 100 ms to 24 hours"));
        }
        if self.steps.is_empty() {
            problems.push(Problem::new(None, "it has no steps"));
        }
        if self.steps.len() > limits::STEPS {
            let message = format!("it has {} steps, the limit is {}", self.steps.len(), limits::STEPS);
            problems.push(Problem::limit(None, message));
        }
    }

    fn check_dependencies(&self, ids: &HashSet<&str>, problems: &mut Vec<Problem>) {
        for step in &self.steps {
            let mut named = HashSet::new();
            for dependency in &step.depends_on {
                let wrong = if *dependency == step.id {
                    "it depends on itself".to_owned()
                } else if !ids.contains(dependency.as_str()) {
                    format!("it depends on “{}”, which is no step of the plan", shown(dependency))
                } else if !named.insert(dependency) {
                    format!("it names “{dependency}” twice in depends_on")
                } else {
                    continue;
                };
                problems.push(Problem::new(Some(&step.id), wrong));
            }
        }
        if problems.is_empty() && self.order().is_none() {
            let circle = self.circle();
            let message = format!("its dependencies go round in a circle: {}", circle.join(" → "));
            problems.push(Problem::new(circle.first().copied(), message));
        }
    }

    /// The ids along one circle of dependencies, the first one again at the end.
    fn circle(&self) -> Vec<&str> {
        let (mut waiting_for, dependents) = self.edges();
        let mut free: Vec<usize> = (0..self.steps.len()).filter(|&index| waiting_for[index] == 0).collect();
        while let Some(index) = free.pop() {
            for &dependent in &dependents[index] {
                waiting_for[dependent] -= 1;
                if waiting_for[dependent] == 0 {
                    free.push(dependent);
                }
            }
        }
        // What still waits, waits for something that still waits: walking back must return.
        let stuck =
            |id: &str| self.steps.iter().position(|step| step.id == id).filter(|&at| waiting_for[at] > 0);
        let Some(start) = waiting_for.iter().position(|&count| count > 0) else { return Vec::new() };
        let mut walked = vec![start];
        loop {
            let last = walked[walked.len() - 1];
            let Some(before) = self.steps[last].depends_on.iter().find_map(|id| stuck(id)) else {
                return Vec::new();
            };
            let met = walked.iter().position(|&index| index == before);
            walked.push(before);
            if let Some(met) = met {
                return walked[met..].iter().map(|&index| self.steps[index].id.as_str()).collect();
            }
        }
    }
}

fn check_identity<'a>(step: &'a PlanStep, seen: &mut HashSet<&'a str>, problems: &mut Vec<Problem>) {
    let id = step.id.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if id.is_empty() || id.len() > limits::ID_CHARS || !id.chars().all(plain) {
        let message = format!("“{}” cannot be an id: use 1 to 64 of a-z A-Z 0-9 . _ -", shown(id));
        problems.push(Problem::new(None, message));
    } else if !seen.insert(id) {
        problems.push(Problem::new(Some(id), "another step has the same id"));
    }
    check_title(Some(id), &step.title, problems);
}

fn check_title(step: Option<&str>, title: &str, problems: &mut Vec<Problem>) {
    if title.trim().is_empty() {
        problems.push(Problem::new(step, "it has no title"));
    } else if title.len() > limits::TITLE_CHARS && title.chars().count() > limits::TITLE_CHARS {
        let message = format!("the title is longer than {} characters", limits::TITLE_CHARS);
        problems.push(Problem::limit(step, message));
    }
}

fn check_content(step: &PlanStep, problems: &mut Vec<Problem>) {
    let id = Some(step.id.as_str());
    let has_code = step.code.as_ref().is_some_and(|code| !code.trim().is_empty());
    match (step.kind, has_code, step.language.is_some()) {
        (StepKind::Code, true, true) => {}
        (StepKind::Code, false, _) => problems.push(Problem::new(id, "its kind is code but it has no code")),
        (StepKind::Code, true, false) => {
            problems.push(Problem::new(id, "its code needs a language: python, javascript or shell"));
        }
        _ if step.code.is_some() || step.language.is_some() => {
            problems.push(Problem::new(id, "it has code or a language but its kind is not code"));
        }
        _ => {}
    }
    if step.code.as_ref().is_some_and(|code| code.len() > limits::CODE_BYTES) {
        problems.push(Problem::limit(id, format!("its code is longer than {} bytes", limits::CODE_BYTES)));
    }
    if step.detail.as_ref().is_some_and(|detail| detail.len() > limits::DETAIL_BYTES) {
        problems
            .push(Problem::limit(id, format!("its detail is longer than {} bytes", limits::DETAIL_BYTES)));
    }
}

fn check_acceptance(step: &PlanStep, problems: &mut Vec<Problem>) {
    let id = Some(step.id.as_str());
    if step.acceptance.len() > limits::CRITERIA {
        let message = format!(
            "it has {} acceptance criteria, the limit is {}",
            step.acceptance.len(),
            limits::CRITERIA
        );
        problems.push(Problem::limit(id, message));
        return;
    }
    for criterion in &step.acceptance {
        if criterion.text.trim().is_empty() {
            problems.push(Problem::new(id, "an acceptance criterion has no text"));
        }
        if criterion.text.len() > limits::TEXT_BYTES {
            problems.push(Problem::limit(id, "an acceptance criterion is too long"));
        }
        if let Some(wrong) = criterion.check.as_ref().and_then(wrong_check) {
            let text = format!("the check of “{}” {wrong}", shown(&criterion.text));
            problems.push(Problem::new(id, text));
        }
    }
}

/// What is wrong with a check, as the end of a sentence.
fn wrong_check(check: &Check) -> Option<&'static str> {
    if let Some(path) = check.path()
        && (path.len() > limits::TEXT_BYTES || relative_path(path).as_deref() != Some(path))
    {
        return Some("names a path that is not inside the workspace; write it relative, without “..”");
    }
    match check {
        Check::FileContains { text, .. }
        | Check::FileLacks { text, .. }
        | Check::OutputContains { text }
        | Check::OutputLacks { text }
            if text.is_empty() =>
        {
            Some("looks for an empty text")
        }
        Check::FileContains { text, .. }
        | Check::FileLacks { text, .. }
        | Check::OutputContains { text }
        | Check::OutputLacks { text }
        | Check::OutputEquals { text }
            if text.len() > limits::TEXT_BYTES =>
        {
            Some("looks for a text that is too long")
        }
        Check::FileCount { at_least: None, at_most: None, .. } => Some("says neither at_least nor at_most"),
        Check::FileCount { at_least: Some(least), at_most: Some(most), .. } if least > most => {
            Some("asks for at_least more than at_most")
        }
        Check::ExitCode { code } if !(0..=255).contains(code) => {
            Some("expects an exit code outside 0 to 255")
        }
        Check::Command { code, .. } if code.trim().is_empty() => Some("runs an empty command"),
        Check::Command { code, .. } if code.len() > limits::DETAIL_BYTES => {
            Some("runs a command that is too long")
        }
        _ => None,
    }
}

/// A text short enough for a message.
fn shown(text: &str) -> String {
    crate::planner::words::shorten(text, 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{CodeLanguage, Criterion, Language, PlannerKind};

    fn valid() -> Plan {
        let mut first = PlanStep::new("s1", "One", StepKind::Code);
        first.language = Some(CodeLanguage::Shell);
        first.code = Some("true".into());
        let mut second = PlanStep::new("s2", "Two", StepKind::Report);
        second.depends_on = vec!["s1".into()];
        Plan {
            goal: "goal".into(),
            title: "Goal".into(),
            planner: PlannerKind::Rules,
            language: Language::En,
            timeout_ms: None,
            steps: vec![first, second],
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Plan), expected: &str) {
        let mut plan = valid();
        change(&mut plan);
        let problems: Vec<String> = plan.problems().iter().map(ToString::to_string).collect();
        assert_eq!(problems.join(" | "), expected);
    }

    fn accept(check: Check) -> impl FnOnce(&mut Plan) {
        |plan| plan.steps[0].acceptance = vec![Criterion::new("x", Some(check))]
    }

    #[test]
    fn a_sound_plan_has_no_problem() {
        check(|_| {}, "");
        assert!(valid().validate().is_ok());
    }

    #[test]
    fn problems_name_the_step() {
        check(|plan| plan.goal = " ".into(), "it has no goal");
        check(|plan| plan.title.clear(), "it has no title");
        check(|plan| plan.steps.clear(), "it has no steps");
        check(|plan| plan.steps[1].title.clear(), "step s2: it has no title");
        check(
            |plan| plan.steps[1].id = "s1".into(),
            "step s1: another step has the same id | step s1: it depends on itself",
        );
        check(
            |plan| plan.steps[1].id = "a b".into(),
            "“a b” cannot be an id: use 1 to 64 of a-z A-Z 0-9 . _ -",
        );
        check(
            |plan| plan.steps[1].depends_on = vec!["s9".into()],
            "step s2: it depends on “s9”, which is no step of the plan",
        );
        check(
            |plan| plan.steps[1].depends_on.push("s1".into()),
            "step s2: it names “s1” twice in depends_on",
        );
        check(
            |plan| plan.steps[0].depends_on = vec!["s2".into()],
            "step s1: its dependencies go round in a circle: s1 → s2 → s1",
        );
    }

    #[test]
    fn code_needs_a_language_and_only_code_has_it() {
        check(|plan| plan.steps[0].code = None, "step s1: its kind is code but it has no code");
        check(|plan| plan.steps[0].code = Some(" \n".into()), "step s1: its kind is code but it has no code");
        check(
            |plan| plan.steps[0].language = None,
            "step s1: its code needs a language: python, javascript or shell",
        );
        check(
            |plan| plan.steps[1].code = Some("true".into()),
            "step s2: it has code or a language but its kind is not code",
        );
    }

    #[test]
    fn sizes_are_limited() {
        check(
            |plan| plan.steps[0].code = Some("#".repeat(1_000_001)),
            "step s1: its code is longer than 1000000 bytes",
        );
        check(
            |plan| {
                plan.steps = (0..201).map(|n| PlanStep::new(format!("s{n}"), "t", StepKind::Note)).collect()
            },
            "it has 201 steps, the limit is 200",
        );
        check(
            |plan| plan.steps[0].title = "é".repeat(301),
            "step s1: the title is longer than 300 characters",
        );
        check(|plan| plan.timeout_ms = Some(99), "its timeout is not from 100 ms to 24 hours");
        check(
            |plan| plan.steps[0].acceptance = vec![Criterion::new("x", None); 101],
            "step s1: it has 101 acceptance criteria, the limit is 100",
        );
    }

    #[test]
    fn checks_stay_inside_the_workspace_and_mean_something() {
        let outside = "step s1: the check of “x” names a path that is not inside the workspace; \
                       write it relative, without “..”";
        check(accept(Check::FileExists { path: "../x".into() }), outside);
        check(accept(Check::FileExists { path: "/etc/passwd".into() }), outside);
        check(accept(Check::FileExists { path: "out/x".into() }), "");
        check(
            accept(Check::OutputContains { text: String::new() }),
            "step s1: the check of “x” looks for an empty text",
        );
        check(
            accept(Check::ExitCode { code: 256 }),
            "step s1: the check of “x” expects an exit code outside 0 to 255",
        );
        check(
            |plan| plan.steps[0].acceptance = vec![Criterion::new("", None)],
            "step s1: an acceptance criterion has no text",
        );
    }

    #[test]
    fn no_more_than_twenty_problems_are_listed() {
        let mut plan = valid();
        plan.steps = (0..100).map(|n| PlanStep::new(format!("s{n}"), "", StepKind::Note)).collect();
        assert_eq!(plan.problems().len(), 20);
    }
}
