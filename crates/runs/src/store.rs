//! The port through which runs are kept.
//!
//! Invariant: what a [`Commit`] holds is stored whole or not at all, commits of one run are stored
//! in the order in which [`RunStore::commit`] was called, and observers hear of events only after
//! they are stored, in that order.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use kernel::{Page, PageRequest, RunId, Timestamp, WorkerId};

use crate::error::Error;
use crate::event::{EventRecord, Failure};
use crate::state::Status;

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Once it survives the end of this process. The next barrier flushes it to disk.
    #[default]
    Process,
    /// Once it is on disk.
    Disk,
}

/// Writes that are stored together.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// One write per run.
    pub writes: Vec<RunWrite>,
    /// When it is acknowledged.
    pub durability: Durability,
}

/// What is written of one run.
#[derive(Clone, Debug)]
pub struct RunWrite {
    /// The run.
    pub run_id: RunId,
    /// For a worker's writes, the epoch of its lease: the write is refused when the run has another.
    /// A write without one, a person's answer for example, ends whatever lease there is by raising
    /// the epoch: the holder does not know of it, and its next writes must not be taken for what
    /// follows.
    pub epoch: Option<u64>,
    /// The events, numbered without a gap from the last one stored. A number that is taken is a
    /// conflict.
    pub events: Vec<EventRecord>,
    /// What the run's row says from now on, if it changes.
    pub row: Option<RowChange>,
}

/// A change of a run's row.
#[derive(Clone, Debug)]
pub enum RowChange {
    /// The run is new.
    Create(Box<NewRun>),
    /// The run stands elsewhere now.
    Update(RowState),
}

/// The part of a run's row that changes.
#[derive(Clone, Debug, PartialEq)]
pub struct RowState {
    /// Where the run stands.
    pub status: Status,
    /// When a worker should look at it: at once when queued, at a timer's time, when the lease
    /// ends; never while it waits for a person or is over.
    pub due_at: Option<Timestamp>,
    /// How many gates wait for an answer.
    pub waiting_gates: u32,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The time of its last event.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// A parent run that should look at its children now.
    pub wake_parent: Option<RunId>,
}

/// A run's first row.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The part that changes.
    pub state: RowState,
    /// The workflow and its version.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// What it is called on screen.
    pub title: String,
    /// Who submitted it.
    pub actor: String,
    /// The run it is a child of.
    pub parent_id: Option<RunId>,
    /// The run it was forked from.
    pub forked_from: Option<RunId>,
    /// The submitter's key against doubles, and the digest of what was submitted with it.
    pub idempotency: Option<(String, String)>,
    /// The worker that holds it from the start, at epoch 1.
    pub lease_owner: Option<WorkerId>,
    /// When it was submitted.
    pub created_at: Timestamp,
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRow {
    /// The run.
    pub run_id: RunId,
    /// The workflow.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// What it is called on screen.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// Who submitted it.
    pub actor: String,
    /// The run it is a child of.
    pub parent_id: Option<RunId>,
    /// The run it was forked from.
    pub forked_from: Option<RunId>,
    /// How many gates wait for an answer.
    pub waiting_gates: u32,
    /// Why it failed.
    pub error: Option<Failure>,
    /// The digest of what was submitted, when there was an idempotency key.
    pub request_digest: Option<String>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its row last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// Which runs a list shows; all that are set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// One of these statuses; any when empty.
    pub statuses: Vec<Status>,
    /// This workflow.
    pub workflow: Option<String>,
    /// A part of the title, in any case.
    pub text: Option<String>,
    /// Children of this run.
    pub parent_id: Option<RunId>,
}

/// A run that a worker has taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The run.
    pub run_id: RunId,
    /// The epoch of the new lease.
    pub epoch: u64,
}

/// Hears of events after they are stored.
pub type Observer = Arc<dyn Fn(&[EventRecord]) + Send + Sync>;

/// Keeps runs. Implementations pass [`crate::testing::contract`].
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Takes a commit into the order of writes at once, before the future is first polled; the
    /// future tells when it is stored.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a sequence number that is taken, [`Error::Fenced`] for a lost lease,
    /// [`Error::IdempotencyKeyReused`] for a key that exists, [`Error::Store`] otherwise; then
    /// nothing of it is stored.
    fn commit(&self, commit: Commit) -> BoxFuture<'static, Result<(), Error>>;

    /// Has `observer` called after every commit.
    fn observe(&self, observer: Observer);

    /// A run's events after `after`, at most `limit`, in order.
    async fn load_events(&self, run_id: &RunId, after: u64, limit: u32) -> Result<Vec<EventRecord>, Error>;

    /// All of a run's events of one kind, in order.
    async fn load_kind(&self, run_id: &RunId, kind: &str) -> Result<Vec<EventRecord>, Error>;

    /// The events the fold depends on, in order, and the last sequence number there is.
    async fn load_structural(&self, run_id: &RunId) -> Result<(Vec<EventRecord>, u64), Error>;

    /// A run's row.
    async fn find_run(&self, run_id: &RunId) -> Result<Option<RunRow>, Error>;

    /// The run that was submitted with this key.
    async fn find_by_idempotency_key(&self, key: &str) -> Result<Option<RunRow>, Error>;

    /// Runs, the newest first.
    async fn list_runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunRow>, Error>;

    /// How many runs stand at each status.
    async fn count_runs(&self) -> Result<Vec<(Status, u64)>, Error>;

    /// Takes up at most `limit` runs that are due at `now`, the longest due first, each at a new epoch.
    async fn claim(
        &self,
        worker: &WorkerId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error>;

    /// Prolongs every lease `worker` holds.
    async fn renew(&self, worker: &WorkerId, lease_until: Timestamp) -> Result<(), Error>;

    /// Ends every lease there is: for a worker that knows it is the only one.
    async fn release_all(&self, now: Timestamp) -> Result<u64, Error>;

    /// When the next run is due.
    async fn next_due(&self) -> Result<Option<Timestamp>, Error>;
}
