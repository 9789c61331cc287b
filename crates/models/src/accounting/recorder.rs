//! Takes calls that have ended and writes them down in the background.
//!
//! Noting a call never waits: room for it is taken before the call begins ([`Recorder::slot`]), so
//! that when the ledger is slow new calls wait and none is dropped. Every [`FLUSH_EVERY`] what has
//! come is written as one transaction; that much is lost when the process is killed, and nothing
//! when it stops in order.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use crate::ledger::{Call, Ledger};

/// The longest a call that ended waits until it is written.
pub const FLUSH_EVERY: Duration = Duration::from_millis(100);
/// How long a call stays in the list; the sums stay.
pub const KEEP_CALLS: Duration = Duration::from_secs(90 * 86_400);

/// Calls in flight or waiting to be written; more than that wait before they begin.
const MOST_WAITING: usize = 16_384;
const LARGEST_BATCH: usize = 1_024;
const TRIES: u32 = 5;
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// The room one call takes.
pub(crate) type Slot = OwnedSemaphorePermit;

pub(super) struct Recorder {
    jobs: mpsc::UnboundedSender<Job>,
    slots: Arc<Semaphore>,
}

enum Job {
    Call(Box<Call>, Option<Slot>),
    Flush(oneshot::Sender<()>),
}

impl Recorder {
    /// Starts the background task; it ends when this is dropped.
    pub fn start(ledger: Arc<dyn Ledger>, clock: Arc<dyn Clock>) -> Self {
        let (jobs, queue) = mpsc::unbounded_channel();
        let work = Work { ledger, clock, calls: Vec::new(), slots: Vec::new(), flushed: Vec::new() };
        tokio::spawn(work.run(queue));
        Self { jobs, slots: Arc::new(Semaphore::new(MOST_WAITING)) }
    }

    /// Room for one call, when there is some.
    pub async fn slot(&self) -> Option<Slot> {
        // It is never closed.
        self.slots.clone().acquire_owned().await.ok()
    }

    /// Notes a call, in the room taken for it.
    pub fn note(&self, call: Call, slot: Option<Slot>) {
        if self.jobs.send(Job::Call(Box::new(call), slot)).is_err() {
            tracing::error!("a call of a model is not in the ledger: its writer has stopped");
        }
    }

    /// Returns when everything noted before is written.
    pub async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.jobs.send(Job::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }
}

struct Work {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    calls: Vec<Call>,
    slots: Vec<Slot>,
    flushed: Vec<oneshot::Sender<()>>,
}

impl Work {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Job>) {
        let mut next_sweep = Instant::now();
        loop {
            tokio::select! {
                first = queue.recv() => {
                    let Some(first) = first else { return };
                    self.take(first);
                    self.gather(&mut queue).await;
                    self.write().await;
                }
                () = sleep_until(next_sweep) => {
                    self.sweep().await;
                    next_sweep = Instant::now() + SWEEP_EVERY;
                }
            }
        }
    }

    /// Takes what comes until it is time to write.
    async fn gather(&mut self, queue: &mut mpsc::UnboundedReceiver<Job>) {
        let pause = sleep(FLUSH_EVERY);
        tokio::pin!(pause);
        while self.flushed.is_empty() && self.calls.len() < LARGEST_BATCH {
            tokio::select! {
                biased;
                next = queue.recv() => match next {
                    Some(job) => self.take(job),
                    None => break,
                },
                () = &mut pause => break,
            }
        }
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Call(call, slot) => {
                self.calls.push(*call);
                self.slots.extend(slot);
            }
            Job::Flush(done) => self.flushed.push(done),
        }
    }

    async fn write(&mut self) {
        let calls = std::mem::take(&mut self.calls);
        for attempt in 1..=TRIES {
            if calls.is_empty() {
                break;
            }
            match self.ledger.record(calls.clone()).await {
                Ok(()) => break,
                // Answers matter more than their account: a ledger that stays broken stops no one.
                Err(error) if attempt == TRIES => {
                    tracing::error!(%error, lost = calls.len(), "calls of models are not in the ledger");
                }
                Err(error) => {
                    tracing::warn!(%error, "the ledger cannot be written; trying again");
                    sleep(FLUSH_EVERY * attempt).await;
                }
            }
        }
        self.slots.clear();
        for done in self.flushed.drain(..) {
            // Whoever waited may have left.
            let _ = done.send(());
        }
    }

    async fn sweep(&self) {
        let oldest = self.clock.now().0.saturating_sub(KEEP_CALLS.as_millis() as i64);
        loop {
            match self.ledger.drop_calls_before(Timestamp(oldest)).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(%error, "old calls of models cannot be dropped");
                    return;
                }
            }
        }
    }
}
