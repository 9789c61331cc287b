//! Watches a run for a client that waits, and tells it what happens.
#![expect(deprecated, reason = "messages are deprecated in 2026-07-28, and still part of it")]

use std::time::Duration;

use rmcp::model::LoggingLevel;
use runs::{Event, EventRecord, LogLevel};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::super::super::handler::Asked;
use super::super::Result;
use crate::follow::{Follower, News};
use crate::runs::plan_of;

/// How a watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// The run ended, or waits for a person.
    Settled,
    /// The time is over.
    TimedOut,
    /// The client wants no answer any more.
    Cancelled,
}

/// Watches until the run ends or waits for a person, for at most `wait`.
pub(super) async fn until_settled(asked: &Asked, run_id: &str, wait: Duration) -> Result<Watched> {
    let until = Instant::now() + wait;
    let run_id = kernel::id::known(run_id, "run_not_found")?;
    let mut follower = Follower::open(&asked.app, &run_id, 0).await?;
    let mut told = Told::default();
    // Opens the answer's stream, so that it is not waited for in silence.
    asked.reporter.progress(0, None, "Submitted".into()).await;
    loop {
        let news = tokio::select! {
            biased;
            () = asked.reporter.cancelled() => return Ok(Watched::Cancelled),
            news = follower.next() => news?,
            () = sleep_until(until) => return Ok(Watched::TimedOut),
        };
        let events = match news {
            News::Events(events) => events,
            News::Silence => Vec::new(),
            News::Over | News::Stopping => return Ok(Watched::Settled),
        };
        let state = asked.app.engine.state(&run_id).await.map_err(kernel::Error::from)?;
        let total = plan_of(&state).map(|plan| plan.steps.len());
        for event in &events {
            told.tell(asked, event, total).await;
        }
        let is_last = state.last_seq <= follower.position();
        if is_last && super::Status::from(state.status).is_settled() {
            return Ok(Watched::Settled);
        }
    }
}

impl From<runs::Status> for super::Status {
    fn from(status: runs::Status) -> Self {
        match status {
            runs::Status::Queued => Self::Queued,
            runs::Status::Running => Self::Running,
            runs::Status::Waiting => Self::Waiting,
            runs::Status::WaitingApproval => Self::WaitingApproval,
            runs::Status::Completed => Self::Completed,
            runs::Status::Failed => Self::Failed,
            runs::Status::Cancelled => Self::Cancelled,
        }
    }
}

/// What the client was told.
#[derive(Default)]
struct Told {
    steps: u32,
}

impl Told {
    async fn tell(&mut self, asked: &Asked, event: &EventRecord, planned: Option<usize>) {
        let (level, text) = match event.event() {
            Event::StepCompleted(done) => (LoggingLevel::Info, format!("Step `{}` is done", done.step)),
            Event::StepFailed(failed) => {
                (LoggingLevel::Warning, format!("Step `{}` failed: {}", failed.step, failed.error.message))
            }
            Event::GateOpened(gate) => (LoggingLevel::Notice, format!("Waits for a person: {}", gate.title)),
            Event::ArtifactAdded(artifact) => (LoggingLevel::Info, format!("Made {}", artifact.path)),
            Event::Log(log) => (level_of(log.level), log.message.clone()),
            Event::Failed(failed) => (LoggingLevel::Error, failed.error.message.clone()),
            _ => return,
        };
        if matches!(event.event(), Event::StepCompleted(_)) {
            self.steps += 1;
            // Beside the plan's own steps there are others, such as the making of the plan.
            let total = planned.and_then(|planned| u32::try_from(planned).ok());
            let total = total.filter(|total| *total >= self.steps);
            asked.reporter.progress(self.steps, total, text.clone()).await;
        }
        let data = json!({"run_id": event.run_id().to_string(), "seq": event.seq(), "message": text});
        asked.reporter.say(level, data).await;
    }
}

fn level_of(level: LogLevel) -> LoggingLevel {
    match level {
        LogLevel::Debug => LoggingLevel::Debug,
        LogLevel::Info => LoggingLevel::Info,
        LogLevel::Warning => LoggingLevel::Warning,
        LogLevel::Error => LoggingLevel::Error,
    }
}
