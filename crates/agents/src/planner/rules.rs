//! The planner for plain words, English and Portuguese.
//!
//! A goal is cut into clauses at line breaks, list markers, sentence ends, semicolons, words of
//! sequence (“then”, “em seguida”), and commas or “and” before a verb ([`clauses`]). Each clause
//! becomes a step by what it asks for: code that is written in it or sums to compute are run;
//! approval is a gate; “what do we know about” recalls; “make sure that” is a criterion of the
//! step before; “report” and “summarise” report. Everything else is work that rules cannot do:
//! a note that says so. A goal of one clause gets the customary steps of its task type
//! ([`frames`]). The last step is always a report.
//!
//! Invariant: code in a plan was written out in the goal, or is a sum checked by a grammar.

mod arithmetic;
mod clauses;
mod frames;
pub(super) mod inline;
mod meaning;
mod verbs;

use super::TaskType;
use super::words::{capitalized, language_of, shorten};
use crate::Error;
use crate::plan::{CodeLanguage, Criterion, Language, Plan, PlanStep, PlannerKind, StepKind, limits};
use clauses::Stage;
use inline::Snippet;
use meaning::Meaning;

pub use arithmetic::is_arithmetic;
pub(super) use frames::report_detail;
pub(super) use meaning::kind_of;

/// Plans a goal of plain words.
pub fn plan(goal: &str, task_type: TaskType) -> Result<Plan, Error> {
    let language = language_of(goal);
    let (text, snippets) = inline::extract(goal, language);
    let outline = clauses::outline(&text);
    let mut builder = Builder { language, task_type, snippets, steps: Vec::new(), ends: Vec::new() };
    let clauses: usize = outline.stages.iter().map(|stage| stage.clauses.len()).sum();
    if clauses > limits::STEPS {
        let message = format!("the goal has {clauses} steps, the limit is {} with the report", limits::STEPS);
        return Err(Error::InvalidPlan(vec![crate::plan::Problem::limit(None, message)]));
    }
    match outline.stages.as_slice() {
        [stage] if clauses == 1 => builder.single(&stage.clauses[0]),
        stages => builder.stages(stages),
    }
    builder.finish();
    let first = outline.stages.first().and_then(|stage| stage.clauses.first());
    let title =
        outline.heading.as_ref().or(first).map(|text| inline::without_marks(text)).unwrap_or_default();
    let mut title = shorten(&capitalized(&title), 80);
    if title.is_empty() {
        title = shorten(goal, 80);
    }
    let plan = Plan {
        goal: goal.to_owned(),
        title,
        planner: PlannerKind::Rules,
        language,
        timeout_ms: None,
        steps: builder.steps,
    };
    plan.validate()?;
    Ok(plan)
}

struct Builder {
    language: Language,
    task_type: TaskType,
    snippets: Vec<Snippet>,
    steps: Vec<PlanStep>,
    /// The steps that the next one waits for.
    ends: Vec<String>,
}

impl Builder {
    /// A goal of one clause: what it asks for, in the customary frame.
    fn single(&mut self, clause: &str) {
        let meaning = meaning::of(clause, self.language, &self.snippets);
        match meaning {
            Meaning::Work => {
                let frame = frames::frame(self.task_type, clause, self.language);
                frame.into_iter().for_each(|step| self.push(step));
            }
            Meaning::Report => {
                self.push(frames::recall(clause, self.language));
                self.push(frames::report(clause, self.language));
            }
            meaning => self.clause(clause, meaning, true),
        }
    }

    fn stages(&mut self, stages: &[Stage]) {
        let mut base = Vec::new();
        for (at, stage) in stages.iter().enumerate() {
            let before = std::mem::take(&mut self.ends);
            if !stage.with_previous {
                base.clone_from(&before);
            }
            let mut reached = if stage.with_previous { before } else { Vec::new() };
            if !stage.is_parallel {
                self.ends.clone_from(&base);
            }
            for (position, clause) in stage.clauses.iter().enumerate() {
                if stage.is_parallel {
                    self.ends.clone_from(&base);
                }
                let is_last = at + 1 == stages.len() && position + 1 == stage.clauses.len();
                let meaning = meaning::of(clause, self.language, &self.snippets);
                self.clause(clause, meaning, is_last);
                if stage.is_parallel {
                    reached.append(&mut self.ends);
                }
            }
            reached.append(&mut self.ends);
            self.ends = without_repeats(reached);
        }
    }

    fn clause(&mut self, clause: &str, meaning: Meaning, is_last: bool) {
        let title = capitalized(&inline::without_marks(clause));
        match meaning {
            Meaning::Gate { then } => {
                self.push(PlanStep::new("", title, StepKind::Gate));
                if let Some(then) = then.filter(|_| is_last) {
                    self.work(&then);
                }
            }
            Meaning::WorkBehindGate => {
                let gate = match self.language {
                    Language::En => format!("Approve “{}”", shorten(&title, 200)),
                    Language::Pt => format!("Aprovar “{}”", shorten(&title, 200)),
                };
                self.push(PlanStep::new("", gate, StepKind::Gate));
                self.work(clause);
            }
            Meaning::Criteria { work, criteria } => {
                if let Some(work) = work {
                    self.work(&work);
                }
                self.accept(&title, criteria);
            }
            Meaning::Run(snippets) => snippets.into_iter().for_each(|at| self.snippet(&title, at)),
            Meaning::Compute(expression) => {
                let mut step = PlanStep::new("", title, StepKind::Code);
                step.language = Some(CodeLanguage::Python);
                step.code = Some(format!("print({expression})\n"));
                self.push(step);
            }
            Meaning::Recall => self.push(frames::recall(&title, self.language)),
            Meaning::Report => self.push(frames::report(&title, self.language)),
            Meaning::Work => self.work(clause),
        }
    }

    fn work(&mut self, clause: &str) {
        let title = capitalized(&inline::without_marks(clause));
        self.push(frames::work(self.task_type, &title, self.language));
    }

    fn snippet(&mut self, title: &str, at: usize) {
        match self.snippets.get(at).cloned() {
            Some(Snippet::Run(language, code)) => {
                let mut step = PlanStep::new("", title, StepKind::Code);
                step.language = Some(language);
                step.code = Some(code);
                self.push(step);
            }
            Some(Snippet::Show(detail)) => {
                let mut step = PlanStep::new("", title, StepKind::Note);
                step.detail = Some(detail);
                self.push(step);
            }
            None => {}
        }
    }

    /// Criteria belong to the step before; without one they are a step of their own.
    fn accept(&mut self, title: &str, criteria: Vec<Criterion>) {
        if self.steps.is_empty() {
            self.push(PlanStep::new("", title, StepKind::Note));
        }
        for criterion in criteria {
            let about_output = criterion.check.as_ref().is_some_and(crate::plan::Check::is_about_output);
            let target = if about_output {
                self.steps.iter().rposition(|step| step.kind == StepKind::Code)
            } else {
                self.steps.len().checked_sub(1)
            };
            match target {
                Some(target) => self.steps[target].acceptance.push(criterion),
                None => {
                    let last = self.steps.last_mut().expect("a step was just made sure of");
                    last.acceptance.push(Criterion { check: None, ..criterion });
                }
            }
        }
    }

    fn push(&mut self, mut step: PlanStep) {
        step.id = format!("s{}", self.steps.len() + 1);
        step.title = shorten(&step.title, 160);
        if step.title.is_empty() {
            step.title = self.language.pick("Step", "Passo").to_owned();
        }
        step.depends_on = std::mem::replace(&mut self.ends, vec![step.id.clone()]);
        self.steps.push(step);
    }

    /// Every plan ends with a report on all of it.
    fn finish(&mut self) {
        if self.steps.last().is_none_or(|step| step.kind != StepKind::Report || self.ends.len() > 1) {
            self.push(frames::final_report(self.language));
        }
    }
}

fn without_repeats(ids: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(ids.len());
    for id in ids {
        if !kept.contains(&id) {
            kept.push(id);
        }
    }
    kept
}

#[cfg(test)]
mod tests;
