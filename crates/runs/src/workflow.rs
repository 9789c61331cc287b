//! How work is written: ordinary async code against a [`RunContext`].
//!
//! A workflow is replayed from its start whenever its run is taken up again; what it did through
//! the context before comes back from the log. So everything that reads the world or changes it
//! belongs inside a step, and the code between steps must depend on nothing but the input and what
//! the context gave.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::Entropy;
use serde_json::Value;

use crate::context::RunContext;
use crate::error::Error;
use crate::event::Failure;

/// A sort of durable work.
#[async_trait]
pub trait Workflow: Send + Sync {
    /// The name it is registered and submitted under.
    fn name(&self) -> &'static str;

    /// Raised whenever the order or the names of its steps change.
    fn version(&self) -> u32 {
        1
    }

    /// The oldest version whose runs this code still replays.
    fn replays_from(&self) -> u32 {
        self.version()
    }

    /// Carries the work out.
    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure>;
}

/// The workflows there are, by name.
#[derive(Clone, Default)]
pub struct Registry(HashMap<&'static str, Arc<dyn Workflow>>);

impl Registry {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, workflow: impl Workflow + 'static) -> Self {
        self.0.insert(workflow.name(), Arc::new(workflow));
        self
    }

    /// The workflow of this name.
    ///
    /// # Errors
    /// [`Error::UnknownWorkflow`].
    pub fn find(&self, name: &str) -> Result<Arc<dyn Workflow>, Error> {
        self.0.get(name).cloned().ok_or_else(|| Error::UnknownWorkflow(name.to_owned()))
    }

    /// The workflow of this name, if it can carry on a run that `version` of it began.
    ///
    /// # Errors
    /// A failure that says which versions fit.
    pub fn find_version(&self, name: &str, version: u32) -> Result<Arc<dyn Workflow>, Failure> {
        let workflow = self.find(name).map_err(|error| Failure::from(kernel::Error::from(error)))?;
        if (workflow.replays_from()..=workflow.version()).contains(&version) {
            return Ok(workflow);
        }
        let message = format!(
            "This run was begun by version {version} of `{name}`; this Atelier carries on versions {} to {}",
            workflow.replays_from(),
            workflow.version()
        );
        let hint =
            Some("Submit the goal again, or carry the run on with the Atelier that began it".to_owned());
        Err(Failure { hint, ..Failure::new("workflow_version", message) })
    }
}

/// How often a step is tried and how long is waited in between: exponential backoff with full
/// jitter above the half, so that many runs that failed together do not return together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The wait after the first attempt.
    pub initial: Duration,
    /// The longest wait.
    pub maximum: Duration,
}

impl RetryPolicy {
    /// One attempt.
    pub const NONE: Self = Self { attempts: 1, initial: Duration::ZERO, maximum: Duration::ZERO };

    /// The wait after `attempt` (from 1) failed; `None` when it was the last.
    pub fn delay(&self, attempt: u32, entropy: &dyn Entropy) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(20);
        let full = self.initial.saturating_mul(1 << doublings).min(self.maximum);
        let half = full / 2;
        let spread = u64::try_from(full.saturating_sub(half).as_millis()).unwrap_or(0);
        Some(half + Duration::from_millis(entropy.next_u64() % (spread + 1)))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, initial: Duration::from_millis(200), maximum: Duration::from_secs(30) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SeededEntropy;

    #[test]
    fn waits_double_within_their_jitter_and_end() {
        let policy = RetryPolicy {
            attempts: 4,
            initial: Duration::from_millis(100),
            maximum: Duration::from_millis(250),
        };
        let entropy = SeededEntropy::new(1);
        for (attempt, low, high) in [(1, 50, 100), (2, 100, 200), (3, 125, 250)] {
            let delay = policy.delay(attempt, &entropy).unwrap().as_millis();
            assert!((low..=high).contains(&delay), "attempt {attempt}: {delay} ms");
        }
        assert_eq!(policy.delay(4, &entropy), None);
    }
}
