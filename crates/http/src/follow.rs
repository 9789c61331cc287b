//! Following one run: what both the SSE and the WebSocket stream are made of.
//!
//! Invariant: a follower hands out every event after its starting place exactly once, in order,
//! then says that the run is over, if it is.

pub(crate) mod socket;
pub(crate) mod sse;

use std::time::Duration;

use kernel::RunId;
use runs::{Event, EventRecord, Subscription};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::error::Error;

/// A reader's place in a run.
pub(crate) struct Follower {
    subscription: Subscription,
    over: bool,
    heartbeat: Duration,
    stopping: CancellationToken,
}

/// What a follower has to tell.
pub(crate) enum News {
    /// These events, at least one.
    Events(Vec<EventRecord>),
    /// Nothing happened for a while.
    Silence,
    /// The run is over and everything has been told.
    Over,
    /// The server stops; the reader goes on at its next start.
    Stopping,
}

impl Follower {
    /// Follows `run_id` from after event `after`.
    pub async fn open(app: &App, run_id: &RunId, after: u64) -> Result<Self, Error> {
        let store = app.engine.store();
        let row = store.find_run(run_id).await?.ok_or_else(|| runs::Error::RunNotFound(run_id.clone()))?;
        if let Some(before) = after.checked_sub(1)
            && store.load_events(run_id, before, 1).await?.is_empty()
            // The run's page may show an event that is on its way to the store.
            && app.engine.state(run_id).await?.last_seq < after
        {
            return Err(Error::PositionAhead(after));
        }
        Ok(Self {
            subscription: app.engine.feed().subscribe(run_id, after),
            over: row.status.is_terminal(),
            heartbeat: app.options.heartbeat,
            stopping: app.lifetime.stopping.clone(),
        })
    }

    /// The last event that was handed out.
    pub fn position(&self) -> u64 {
        self.subscription.position()
    }

    /// What comes next. Safe to cancel.
    pub async fn next(&mut self) -> Result<News, Error> {
        let batch = if self.over {
            self.subscription.available().await?
        } else {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Ok(News::Stopping),
                batch = self.subscription.next() => batch?,
                () = tokio::time::sleep(self.heartbeat) => return Ok(News::Silence),
            }
        };
        if batch.is_empty() {
            return Ok(News::Over);
        }
        for record in &batch {
            self.over = match record.event() {
                Event::Rewound(_) => false,
                event => self.over || event.is_terminal(),
            };
        }
        Ok(News::Events(batch))
    }
}
