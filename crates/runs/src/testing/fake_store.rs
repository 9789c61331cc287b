//! A store in memory that can be made to fail in every way a real one can.
//!
//! Invariant: writes are applied one after another in the order in which they were handed over;
//! after a crash no write, acknowledgement or read ends any more, until [`FakeRunStore::reopen`]
//! gives a store with what survived.

mod tables;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Entropy, Page, PageRequest, RunId, Timestamp, WorkerId};
use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::error::Error;
use crate::event::EventRecord;
use crate::state::Status;
use crate::store::{Claimed, Commit, Durability, Observer, RunFilter, RunRow, RunStore};
use tables::Tables;

/// Where a crash strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Just before the write: it never happens.
    BeforeWrite,
    /// Just after it: it is stored, and nobody is told.
    BeforeAcknowledgement,
}

/// Keeps runs in memory. Cheap to clone; clones are the same store.
#[derive(Clone)]
pub struct FakeRunStore(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    crashed: watch::Sender<bool>,
    latency: Option<Arc<dyn Entropy>>,
}

#[derive(Default)]
struct Inner {
    tables: Tables,
    /// What is on disk, when power may fail.
    on_disk: Option<Tables>,
    queue: VecDeque<Write>,
    flushing: bool,
    observers: Vec<Observer>,
    writes: u64,
    crash: Option<(u64, CrashPoint)>,
    failures: VecDeque<kernel::Error>,
    full: bool,
}

/// Changes the tables, or fails as it is told, and gives what to publish and whom to tell.
type Apply = Box<dyn FnOnce(&mut Tables, Option<Error>) -> Applied + Send>;

struct Write {
    durability: Durability,
    apply: Apply,
}

struct Applied {
    events: Vec<EventRecord>,
    tell: Box<dyn FnOnce() + Send>,
}

impl Default for FakeRunStore {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeRunStore {
    /// An empty store that stores at once.
    pub fn new() -> Self {
        Self::with(Tables::default(), None)
    }

    /// An empty store whose writes take a while and are then stored several together, as a group
    /// commit does. Needs a tokio runtime.
    pub fn with_latency(entropy: Arc<dyn Entropy>) -> Self {
        Self::with(Tables::default(), Some(entropy))
    }

    fn with(tables: Tables, latency: Option<Arc<dyn Entropy>>) -> Self {
        let inner = Inner { tables, ..Inner::default() };
        Self(Arc::new(Shared { inner: Mutex::new(inner), crashed: watch::Sender::new(false), latency }))
    }

    /// Crashes at the `writes`-th write from now on (1 is the next).
    pub fn crash_after(&self, writes: u64, point: CrashPoint) {
        let mut inner = self.0.inner.lock();
        inner.crash = Some((inner.writes + writes, point));
    }

    /// Crashes now: nothing that is asked or under way ends any more.
    pub fn crash(&self) {
        self.0.crashed.send_replace(true);
    }

    /// From now on a crash also loses what was stored since the last write that had to be on disk.
    pub fn power_loss(&self) {
        let mut inner = self.0.inner.lock();
        inner.on_disk = Some(inner.tables.clone());
    }

    /// The next commit fails with `error`.
    pub fn fail_next(&self, error: kernel::Error) {
        self.0.inner.lock().failures.push_back(error);
    }

    /// While the disk is full, no commit, claim or renewal succeeds.
    pub fn fill_disk(&self, full: bool) {
        self.0.inner.lock().full = full;
    }

    /// Ends once the store has crashed.
    pub async fn crashed(&self) {
        let mut crashed = self.0.crashed.subscribe();
        let _ = crashed.wait_for(|crashed| *crashed).await;
    }

    /// Whether the store has crashed.
    pub fn is_crashed(&self) -> bool {
        *self.0.crashed.borrow()
    }

    /// How many writes there were, failed ones included.
    pub fn writes(&self) -> u64 {
        self.0.inner.lock().writes
    }

    /// A store with what survived the end of this one's process.
    pub fn reopen(&self) -> Self {
        let inner = self.0.inner.lock();
        let tables = inner.on_disk.as_ref().unwrap_or(&inner.tables).clone();
        Self::with(tables, self.0.latency.clone())
    }

    /// Every run there is, by id.
    pub fn run_ids(&self) -> Vec<RunId> {
        self.0.inner.lock().tables.run_ids()
    }

    /// Every run's row, by id.
    pub fn rows(&self) -> Vec<RunRow> {
        self.0.inner.lock().tables.rows()
    }

    /// All events of a run.
    pub fn events(&self, run_id: &RunId) -> Vec<EventRecord> {
        self.0.inner.lock().tables.events(run_id).to_vec()
    }

    fn write<T: Send + 'static>(
        &self,
        durability: Durability,
        apply: impl FnOnce(&mut Tables) -> Result<(T, Vec<EventRecord>), Error> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let (sender, receiver) = oneshot::channel();
        let apply = move |tables: &mut Tables, failure: Option<Error>| {
            let (result, events) = match failure.map_or_else(|| apply(tables), Err) {
                Ok((value, events)) => (Ok(value), events),
                Err(error) => (Err(error), Vec::new()),
            };
            // Nobody listens any more when the future was dropped; the write counts all the same.
            let tell = Box::new(move || drop(sender.send(result)));
            Applied { events, tell }
        };
        self.0.inner.lock().queue.push_back(Write { durability, apply: Box::new(apply) });
        match &self.0.latency {
            None => self.0.flush(),
            Some(entropy) => {
                let idle = !std::mem::replace(&mut self.0.inner.lock().flushing, true);
                if idle {
                    let pause = Duration::from_millis(entropy.next_u64() % 3);
                    let shared = self.0.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(pause).await;
                        shared.flush();
                    });
                }
            }
        }
        async move {
            match receiver.await {
                Ok(result) => result,
                // The store has crashed, and with it whoever waits here.
                Err(_) => std::future::pending().await,
            }
        }
        .boxed()
    }

    /// Reads never see a write that is not stored, and never end after a crash.
    async fn read<T>(&self, read: impl FnOnce(&Tables) -> T) -> T {
        if self.0.latency.is_some() {
            tokio::task::yield_now().await;
        }
        if self.is_crashed() {
            std::future::pending::<()>().await;
        }
        read(&self.0.inner.lock().tables)
    }
}

impl Shared {
    /// Stores what is queued, then tells observers and waiters.
    fn flush(&self) {
        let (told, observers) = {
            let mut inner = self.inner.lock();
            inner.flushing = false;
            if *self.crashed.borrow() {
                inner.queue.clear();
                return;
            }
            (self.store_queued(&mut inner), inner.observers.clone())
        };
        for applied in told {
            if !applied.events.is_empty() {
                observers.iter().for_each(|observer| observer(&applied.events));
            }
            (applied.tell)();
        }
    }

    fn store_queued(&self, inner: &mut Inner) -> Vec<Applied> {
        let mut told = Vec::new();
        while let Some(write) = inner.queue.pop_front() {
            inner.writes += 1;
            let crash = inner.crash.filter(|(at, _)| *at <= inner.writes).map(|(_, point)| point);
            if crash == Some(CrashPoint::BeforeWrite) {
                inner.queue.clear();
                self.crashed.send_replace(true);
                break;
            }
            let failure = inner.failures.pop_front().or_else(|| inner.full.then(disk_full)).map(Error::Store);
            let failed = failure.is_some();
            let applied = (write.apply)(&mut inner.tables, failure);
            if write.durability == Durability::Disk && !failed && inner.on_disk.is_some() {
                inner.on_disk = Some(inner.tables.clone());
            }
            if crash == Some(CrashPoint::BeforeAcknowledgement) {
                inner.queue.clear();
                self.crashed.send_replace(true);
                // Whatever was stored together with it was not acknowledged either.
                return Vec::new();
            }
            told.push(applied);
        }
        told
    }
}

fn disk_full() -> kernel::Error {
    kernel::Error::unavailable("disk_full", "The disk is full")
        .with_hint("Free some space; work goes on by itself")
}

#[async_trait]
impl RunStore for FakeRunStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'static, Result<(), Error>> {
        let durability = commit.durability;
        self.write(durability, move |tables| tables.commit(&commit).map(|events| ((), events)))
    }

    fn observe(&self, observer: Observer) {
        self.0.inner.lock().observers.push(observer);
    }

    async fn load_events(&self, run_id: &RunId, after: u64, limit: u32) -> Result<Vec<EventRecord>, Error> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(self
            .read(|tables| tables.events(run_id).iter().skip(after).take(limit as usize).cloned().collect())
            .await)
    }

    async fn load_kind(&self, run_id: &RunId, kind: &str) -> Result<Vec<EventRecord>, Error> {
        let of_kind = |record: &&EventRecord| record.event().kind() == kind;
        Ok(self.read(|tables| tables.events(run_id).iter().filter(of_kind).cloned().collect()).await)
    }

    async fn load_structural(&self, run_id: &RunId) -> Result<(Vec<EventRecord>, u64), Error> {
        Ok(self
            .read(|tables| {
                let events = tables.events(run_id);
                let structural = events.iter().filter(|record| record.event().is_structural());
                (structural.cloned().collect(), events.len() as u64)
            })
            .await)
    }

    async fn find_run(&self, run_id: &RunId) -> Result<Option<RunRow>, Error> {
        Ok(self.read(|tables| tables.row(run_id)).await)
    }

    async fn find_by_idempotency_key(&self, key: &str) -> Result<Option<RunRow>, Error> {
        Ok(self.read(|tables| tables.row_of_key(key)).await)
    }

    async fn list_runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunRow>, Error> {
        Ok(self.read(|tables| tables.list(filter, page)).await)
    }

    async fn count_runs(&self) -> Result<Vec<(Status, u64)>, Error> {
        Ok(self.read(Tables::count).await)
    }

    async fn claim(
        &self,
        worker: &WorkerId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        if self.read(|tables| tables.next_due()).await.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let worker = worker.clone();
        self.write(Durability::Process, move |tables| {
            Ok((tables.claim(&worker, now, lease_until, limit), Vec::new()))
        })
        .await
    }

    async fn renew(&self, worker: &WorkerId, lease_until: Timestamp) -> Result<(), Error> {
        let worker = worker.clone();
        self.write(Durability::Process, move |tables| {
            tables.renew(&worker, lease_until);
            Ok(((), Vec::new()))
        })
        .await
    }

    async fn release_all(&self, now: Timestamp) -> Result<u64, Error> {
        self.write(Durability::Process, move |tables| Ok((tables.release_all(now), Vec::new()))).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.read(Tables::next_due).await)
    }
}
