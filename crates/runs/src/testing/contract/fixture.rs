//! Commits for the contract to make.

use std::sync::Arc;

use kernel::{FixedClock, Ids, RunId, SeededEntropy, Timestamp, WorkerId};
use serde_json::{Value, json};

use crate::error::Error;
use crate::event::{Event, EventRecord, Log, LogLevel, Submitted};
use crate::state::Status;
use crate::store::{Commit, Durability, NewRun, RowChange, RowState, RunRow, RunStore, RunWrite};

/// The moment the contract's runs begin at.
pub(super) const START: Timestamp = Timestamp(1_750_000_000_000);

/// `START` and some milliseconds.
pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp(START.0 + millis)
}

/// Makes the identifiers of one test.
pub(super) struct Fixture {
    ids: Ids,
    clock: Arc<FixedClock>,
}

impl Fixture {
    pub fn new() -> Self {
        let clock = Arc::new(FixedClock::at(START));
        Self { ids: Ids::new(clock.clone(), Arc::new(SeededEntropy::new(5))), clock }
    }

    /// A run that sorts after every one before it.
    pub fn run(&self) -> RunId {
        self.clock.advance(std::time::Duration::from_millis(1));
        self.ids.fresh()
    }

    pub fn worker(&self) -> WorkerId {
        self.ids.fresh()
    }
}

pub(super) fn state(status: Status, due_at: Option<Timestamp>) -> RowState {
    RowState {
        status,
        due_at,
        waiting_gates: 0,
        error: None,
        updated_at: START,
        finished_at: None,
        wake_parent: None,
    }
}

pub(super) fn new_run(state: RowState) -> NewRun {
    NewRun {
        state,
        workflow: "contract".into(),
        version: 3,
        title: "A run".into(),
        actor: "owner".into(),
        parent_id: None,
        forked_from: None,
        idempotency: None,
        lease_owner: None,
        created_at: START,
    }
}

pub(super) fn submitted() -> Event {
    Event::from(Submitted {
        workflow: "contract".into(),
        version: 3,
        title: "A run".into(),
        input: json!({"goal": "keep promises"}),
        actor: "owner".into(),
        parent_id: None,
        forked_from: None,
    })
}

pub(super) fn line(message: &str) -> Event {
    Event::from(Log { level: LogLevel::Info, message: message.into(), step: None })
}

pub(super) fn said(payload: Value) -> Event {
    Event::Said { kind: "output".into(), payload }
}

pub(super) fn numbered(run_id: &RunId, first: u64, events: Vec<Event>) -> Vec<EventRecord> {
    events
        .into_iter()
        .zip(first..)
        .map(|(event, seq)| EventRecord::new(run_id.clone(), seq, START, event))
        .collect()
}

/// The first write of a run.
pub(super) fn creation(run_id: &RunId, new: NewRun) -> RunWrite {
    RunWrite {
        run_id: run_id.clone(),
        epoch: None,
        events: numbered(run_id, 1, vec![submitted()]),
        row: Some(RowChange::Create(Box::new(new))),
    }
}

/// A write of events only, that no worker makes.
pub(super) fn appending(run_id: &RunId, first: u64, events: Vec<Event>) -> RunWrite {
    RunWrite { run_id: run_id.clone(), epoch: None, events: numbered(run_id, first, events), row: None }
}

/// A write of the row only, that no worker makes.
pub(super) fn updating(run_id: &RunId, state: RowState) -> RunWrite {
    RunWrite { run_id: run_id.clone(), epoch: None, events: Vec::new(), row: Some(RowChange::Update(state)) }
}

pub(super) async fn try_commit(store: &dyn RunStore, writes: Vec<RunWrite>) -> Result<(), Error> {
    store.commit(Commit { writes, durability: Durability::Disk }).await
}

pub(super) async fn commit(store: &dyn RunStore, write: RunWrite) {
    try_commit(store, vec![write]).await.expect("the commit fits and is stored");
}

/// Stores a queued run that is due at `START`.
pub(super) async fn queued(store: &dyn RunStore, run_id: &RunId) {
    commit(store, creation(run_id, new_run(state(Status::Queued, Some(START))))).await;
}

pub(super) async fn row(store: &dyn RunStore, run_id: &RunId) -> RunRow {
    store.find_run(run_id).await.expect("rows can be read").expect("the run exists")
}

pub(super) async fn events(store: &dyn RunStore, run_id: &RunId) -> Vec<EventRecord> {
    store.load_events(run_id, 0, 10_000).await.expect("events can be read")
}

/// The messages of the log lines among a run's events.
pub(super) async fn lines(store: &dyn RunStore, run_id: &RunId) -> Vec<String> {
    let events = events(store, run_id).await;
    let numbers: Vec<u64> = events.iter().map(EventRecord::seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>(), "events are numbered without gaps");
    events
        .iter()
        .filter_map(|record| match record.event() {
            Event::Log(log) => Some(log.message.clone()),
            _ => None,
        })
        .collect()
}

/// The runs that are claimed at `now`, with their epochs.
pub(super) async fn claim(
    store: &dyn RunStore,
    worker: &WorkerId,
    now: Timestamp,
    until: Timestamp,
) -> Vec<(RunId, u64)> {
    let claimed = store.claim(worker, now, until, 100).await.expect("the queue can be read");
    claimed.into_iter().map(|claimed| (claimed.run_id, claimed.epoch)).collect()
}
