//! A run that this process carries out right now.
//!
//! Invariant: the state in here is the fold of everything handed to the store, in the order in
//! which it was handed over; both happen under one lock. When the store refuses a write, the state
//! is ahead of the truth: the run is `broken`, takes no more writes and is read anew.

use std::collections::{BTreeMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::Context;
use std::time::Duration;

use foldhash::fast::RandomState;
use futures::task::AtomicWaker;
use kernel::{Clock, RunId, Timestamp};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::context::{changed, refused};
use crate::error::Error;
use crate::event::Failure;
use crate::machine::{self, Command, Input, Lease};
use crate::state::RunState;
use crate::store::{Commit, RunStore, RunWrite};

pub(crate) struct ActiveRun {
    pub run_id: RunId,
    pub state: Mutex<RunState>,
    /// The workflow is to end: the run is being cancelled.
    stopped: AtomicBool,
    /// Wakes whoever carries the run out, to look at what has changed around it.
    driver: AtomicWaker,
    epoch: u64,
    lease: Duration,
    store: Arc<dyn RunStore>,
    clock: Arc<dyn Clock>,
    changes: Changes,
    busy: AtomicUsize,
    blocked: Mutex<BTreeMap<String, Option<Timestamp>>>,
    visited: Mutex<HashSet<String, RandomState>>,
    broken: AtomicBool,
}

impl ActiveRun {
    pub fn new(
        state: RunState,
        epoch: u64,
        lease: Duration,
        store: Arc<dyn RunStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            run_id: state.run_id.clone(),
            state: Mutex::new(state),
            stopped: AtomicBool::new(false),
            driver: AtomicWaker::new(),
            epoch,
            lease,
            store,
            clock,
            changes: Changes::default(),
            busy: AtomicUsize::new(0),
            blocked: Mutex::default(),
            visited: Mutex::default(),
            broken: AtomicBool::new(false),
        }
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the store refused a write, so that the state here is not to be trusted.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }

    /// Whether the workflow is to end, because the run is being cancelled.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Has the task of `cx` polled again when it should [`look`](Self::look). To be said before
    /// looking.
    pub fn look_again(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
    }

    /// Has whoever carries the run out look whether it should still do so.
    pub fn look(&self) {
        self.driver.wake();
    }

    /// Lets `input` happen and hands what follows to the store. The future tells when it is stored
    /// and which commands remain.
    pub fn append(
        self: &Arc<Self>,
        input: Input,
    ) -> Result<impl Future<Output = Result<Vec<Command>, Error>> + Send + use<>, Error> {
        self.append_with(input, Vec::new())
    }

    /// The same, stored together with `others`: writes of runs that are not active anywhere yet.
    pub fn append_with(
        self: &Arc<Self>,
        input: Input,
        others: Vec<RunWrite>,
    ) -> Result<impl Future<Output = Result<Vec<Command>, Error>> + Send + use<>, Error> {
        if self.is_broken() {
            return Err(Error::Conflict(self.run_id.clone()));
        }
        let mut state = self.state.lock();
        let now = self.clock.now();
        let transition = machine::decide(&state, input, now)?;
        let stored = if transition.events.is_empty() && others.is_empty() {
            None
        } else {
            let lease = Lease { epoch: Some(self.epoch), until: now.plus(self.lease) };
            let mut writes = vec![machine::record(&mut state, transition.events, now, lease)];
            writes.extend(others);
            Some(self.store.commit(Commit { writes, durability: transition.durability }))
        };
        drop(state);
        if transition.commands.contains(&Command::Stop) {
            self.stopped.store(true, Ordering::SeqCst);
            self.look();
        }
        self.poke();
        let run = Arc::clone(self);
        Ok(async move {
            if let Some(stored) = stored
                && let Err(error) = stored.await
            {
                run.broken.store(true, Ordering::SeqCst);
                run.poke();
                run.look();
                return Err(error);
            }
            Ok(transition.commands)
        })
    }

    /// The same, waiting, for the workflow's side.
    pub async fn append_and_wait(self: &Arc<Self>, input: Input) -> Result<(), Failure> {
        self.append(input).map_err(refused)?.await.map(drop).map_err(refused)
    }

    /// Notes that the workflow still has a piece of this name; each piece is named once.
    pub fn visit(&self, name: &str) -> Result<(), Failure> {
        if self.visited.lock().insert(name.to_owned()) {
            return Ok(());
        }
        Err(Failure::new("duplicate_step", format!("The workflow uses the name `{name}` twice")))
    }

    /// The recorded piece that the finished workflow never came to, if there is one: then it is not
    /// the workflow the run was begun with.
    pub fn unvisited(&self) -> Option<Failure> {
        let visited = self.visited.lock();
        let state = self.state.lock();
        state.records.keys().find(|name| !visited.contains(*name)).map(|name| changed(name))
    }

    /// Marks a piece as being worked on, so that the run does not park, until the guard is dropped.
    pub fn busy(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::SeqCst);
        Busy(&self.busy)
    }

    /// Whether a piece is being worked on.
    pub fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// What everything in the workflow waits for, if nothing is being worked on: then the run can
    /// give its worker back.
    pub fn idle_on(&self) -> Option<(Vec<String>, Option<Timestamp>)> {
        if self.is_busy() {
            return None;
        }
        let blocked = self.blocked.lock();
        let due = blocked.values().flatten().min().copied();
        (!blocked.is_empty()).then(|| (blocked.keys().cloned().collect(), due))
    }

    /// Waits until `answer` has something, which only events from outside can bring.
    pub async fn blocked<T>(&self, name: &str, due: Option<Timestamp>, answer: impl Fn() -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            if let Some(answer) = answer() {
                return answer;
            }
            self.blocked_on(name, due, changes.changed()).await;
        }
    }

    /// Waits for the next change after `changes` was taken.
    pub async fn blocked_for_change(&self, name: &str, mut changes: Listener<'_>) {
        self.blocked_on(name, None, changes.changed()).await;
    }

    /// Waits for a moment.
    pub async fn blocked_until(&self, name: &str, due: Timestamp) {
        while self.clock.now() < due {
            let rest = due.since(self.clock.now());
            self.blocked_on(name, Some(due), tokio::time::sleep(rest)).await;
        }
    }

    async fn blocked_on(&self, name: &str, due: Option<Timestamp>, event: impl Future) {
        self.blocked.lock().insert(name.to_owned(), due);
        let _guard = Unblock { run: self, name };
        event.await;
    }

    /// A receiver that hears of every change from here on.
    pub fn changes(&self) -> Listener<'_> {
        Listener { changes: &self.changes, seen: self.changes.count.load(Ordering::SeqCst) }
    }

    /// Has everything that waits look again.
    pub fn poke(&self) {
        self.changes.count.fetch_add(1, Ordering::SeqCst);
        self.changes.happened.notify_waiters();
    }
}

#[derive(Default)]
struct Changes {
    count: AtomicU64,
    happened: Notify,
}

/// Hears of changes; one that happens before it waits counts.
pub(crate) struct Listener<'a> {
    changes: &'a Changes,
    seen: u64,
}

impl Listener<'_> {
    async fn changed(&mut self) {
        loop {
            // Made before looking, so that it hears of what happens in between.
            let happened = self.changes.happened.notified();
            let count = self.changes.count.load(Ordering::SeqCst);
            if count != self.seen {
                self.seen = count;
                return;
            }
            happened.await;
        }
    }
}

pub(crate) struct Busy<'a>(&'a AtomicUsize);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Unblock<'a> {
    run: &'a ActiveRun,
    name: &'a str,
}

impl Drop for Unblock<'_> {
    fn drop(&mut self) {
        self.run.blocked.lock().remove(self.name);
    }
}
