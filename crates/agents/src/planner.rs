//! From a goal to a plan.
//!
//! Offline, [`plan_offline`] reads a Markdown [`runbook`], or applies the [`rules`] for plain
//! words. Where there is a model, it is asked by [`model_instructions`] and its answer is read by
//! [`from_model_json`].
//!
//! Invariant: every plan that is handed out validates, and the same goal always gives the same
//! plan: no clock, no randomness, no IO.

pub(crate) mod approval;
pub mod checks;
mod model;
pub mod rules;
pub mod runbook;
pub mod words;

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::plan::{Plan, limits};

pub use model::{from_model_json, model_instructions};

/// What sort of work a goal is, which decides the customary steps around it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskType {
    /// Told from the words of the goal.
    #[default]
    Auto,
    /// Programs.
    Coding,
    /// Texts.
    Writing,
    /// Finding things out.
    Research,
    /// Numbers and tables.
    Data,
}

impl TaskType {
    /// Every task type, in the order they are documented.
    pub const ALL: [Self; 5] = [Self::Auto, Self::Coding, Self::Writing, Self::Research, Self::Data];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Coding => "coding",
            Self::Writing => "writing",
            Self::Research => "research",
            Self::Data => "data",
        }
    }
}

impl FromStr for TaskType {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|task_type| task_type.name() == name);
        known.ok_or_else(|| Error::UnknownTaskType { given: words::shorten(name, 40) })
    }
}

/// Plans without a model: a runbook by its structure, anything else by rules.
///
/// Fails when the goal is empty, has no words, is too large, or describes a plan that does not
/// validate; the error says what to write instead.
pub fn plan_offline(goal: &str, task_type: TaskType) -> Result<Plan, Error> {
    accept_goal(goal)?;
    match runbook::try_plan(goal) {
        Some(plan) => plan,
        None => rules::plan(goal, task_type),
    }
}

/// Refuses a goal that no planner, model or not, can make anything of.
pub fn accept_goal(goal: &str) -> Result<(), Error> {
    if goal.len() > limits::GOAL_BYTES {
        return Err(Error::GoalTooLarge { bytes: goal.len(), limit: limits::GOAL_BYTES });
    }
    if goal.trim().is_empty() {
        return Err(Error::EmptyGoal);
    }
    let letters = goal.chars().filter(|c| c.is_alphabetic()).take(2).count();
    // One ideograph is a word; one Latin letter is not.
    let has_word = letters >= 2 || goal.chars().any(|c| c.is_alphabetic() && u32::from(c) >= 0x2e80);
    if has_word || rules::is_arithmetic(goal) {
        Ok(())
    } else {
        Err(Error::WordlessGoal { goal: words::shorten(goal, 40) })
    }
}

#[cfg(test)]
mod tests;
