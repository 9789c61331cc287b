//! The crate's errors, and how each is told to a person.
//!
//! Invariant: every variant maps to a kind, a stable code, a message and, where the person can do
//! something, a hint that says what.

use crate::plan::Problem;

/// What can go wrong while planning and carrying out a goal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The goal has no text at all.
    #[error("The goal is empty")]
    EmptyGoal,
    /// The goal has text, but no words: an emoji, punctuation, a lone number.
    #[error("The goal “{goal}” has no words to plan from")]
    WordlessGoal {
        /// The goal, shortened.
        goal: String,
    },
    /// The goal is larger than a planner reads.
    #[error("The goal is {bytes} bytes long; the limit is {limit}")]
    GoalTooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size accepted.
        limit: usize,
    },
    /// The task type is not one the planner knows.
    #[error("There is no task type “{given}”")]
    UnknownTaskType {
        /// What was asked for, shortened.
        given: String,
    },
    /// The document has headings or lists but nothing that makes a step.
    #[error("The runbook has no steps")]
    EmptyRunbook,
    /// The runbook's timeout is none, or out of bounds.
    #[error("The runbook's timeout “{given}” is not a time from 100 ms to 24 hours")]
    RunbookTimeout {
        /// What it says, shortened.
        given: String,
    },
    /// The plan breaks a rule; the problems name the steps.
    #[error("The plan is not valid: {}", sentence(.0))]
    InvalidPlan(Vec<Problem>),
    /// A model's answer holds no plan. `reason` is written so that it can be sent back to the model.
    #[error("The model's answer is not a plan: {reason}")]
    ModelAnswer {
        /// What is wrong and where.
        reason: String,
    },
    /// There is no code to run.
    #[error("There is no code to run")]
    NoCode,
    /// The code is longer than the runner takes.
    #[error("The code is {bytes} bytes long; the limit is {limit}")]
    CodeTooLarge {
        /// Its size.
        bytes: usize,
        /// The largest size accepted.
        limit: usize,
    },
    /// The time limit asked for is zero or too long.
    #[error("A time limit of {given} ms is not possible; it can be 1 to {longest}")]
    TimeoutOutOfBounds {
        /// What was asked for, in milliseconds.
        given: u64,
        /// The longest there is, in milliseconds.
        longest: u64,
    },
    /// A goal comes with too many files.
    #[error("The goal comes with {given} files; the limit is {limit}")]
    TooManyFiles {
        /// How many.
        given: usize,
        /// The most accepted.
        limit: usize,
    },
    /// A file's path is absolute or leaves the working folder.
    #[error("`{path}` is not a path inside the working folder")]
    UnsafePath {
        /// The path.
        path: String,
    },
    /// A failure of a part this crate drives.
    #[error(transparent)]
    Kernel(#[from] kernel::Error),
}

fn sentence(problems: &[Problem]) -> String {
    let mut text = problems.iter().take(3).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if problems.len() > 3 {
        text.push_str(&format!("; and {} more", problems.len() - 3));
    }
    text
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        use kernel::Kind::{Internal, Invalid, Limit};
        const WRITE_WORDS: &str = "Write in words what should be done, for example: “Load data/sales.csv; sum it by \
                                   region; write a report”";
        let message = error.to_string();
        let (kind, code, hint) = match error {
            Error::Kernel(error) => return error,
            Error::EmptyGoal => (Invalid, "goal_empty", WRITE_WORDS.to_owned()),
            Error::WordlessGoal { .. } => (Invalid, "goal_wordless", WRITE_WORDS.to_owned()),
            Error::GoalTooLarge { .. } => (
                Limit,
                "goal_too_large",
                "Put data into files beside the runbook, name them under “inputs”, and keep the goal to text"
                    .into(),
            ),
            Error::UnknownTaskType { .. } => {
                (Invalid, "task_type_unknown", "Use auto, coding, writing, research or data".into())
            }
            Error::NoCode => (Invalid, "code_empty", "Write the code to run in `code`".into()),
            Error::CodeTooLarge { .. } => {
                (Limit, "code_too_large", "Shorten it, or run a goal that brings the data as a file".into())
            }
            Error::TimeoutOutOfBounds { .. } => (
                Invalid,
                "timeout_out_of_bounds",
                "For longer work submit a goal instead of a snippet".into(),
            ),
            Error::TooManyFiles { .. } => {
                (Limit, "too_many_files", "Pack them into one archive and unpack it in a step".into())
            }
            Error::UnsafePath { .. } => {
                (Invalid, "path_outside", "Use a relative path such as `data/sales.csv`, without `..`".into())
            }
            Error::EmptyRunbook => (
                Invalid,
                "runbook_empty",
                "Give it a heading or list item with a fenced code block, a “- [ ]” check or some text"
                    .into(),
            ),
            Error::RunbookTimeout { .. } => (
                Invalid,
                "runbook_timeout",
                "Write it as `timeout: 90s`, `5 min` or `1h`, or leave it out for 10 minutes".into(),
            ),
            Error::InvalidPlan(problems) => {
                let kind = if problems.iter().any(|problem| problem.is_limit) { Limit } else { Invalid };
                (kind, "plan_invalid", "Change the steps it names and plan again".into())
            }
            Error::ModelAnswer { .. } => (
                Internal,
                "model_plan_invalid",
                "Try again, choose another model, or plan offline without a model".into(),
            ),
        };
        Self::new(kind, code, message).with_hint(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_says_what_to_do() {
        let errors = [
            Error::EmptyGoal,
            Error::WordlessGoal { goal: "🙂".into() },
            Error::GoalTooLarge { bytes: 2, limit: 1 },
            Error::UnknownTaskType { given: "x".into() },
            Error::EmptyRunbook,
            Error::RunbookTimeout { given: "soon".into() },
            Error::InvalidPlan(vec![Problem::limit(None, "too many steps")]),
            Error::ModelAnswer { reason: "no JSON".into() },
        ];
        for error in errors {
            let told = kernel::Error::from(error);
            assert!(told.hint.is_some(), "{} has no hint", told.code);
            assert!(!told.message.is_empty());
        }
    }

    #[test]
    fn a_limit_keeps_its_kind() {
        let told = kernel::Error::from(Error::InvalidPlan(vec![Problem::limit(Some("s1"), "code too long")]));
        assert_eq!(told.kind, kernel::Kind::Limit);
        assert_eq!(told.message, "The plan is not valid: step s1: code too long");
    }
}
