//! The engine: finds due runs a worker, carries commands from people to runs, keeps leases alive.
//!
//! [`Engine`] is the handle everything else holds. Behind it, [`active`] is one run being carried
//! out, [`driver`] what carries it out, [`dispatch`] the loop that takes up runs that are due.

pub(crate) mod active;
mod dispatch;
mod driver;
mod requests;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kernel::{Clock, Entropy, Ids, RunId, WorkerId};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::blobs::Blobs;
use crate::error::Error;
use crate::event::{ChildStarted, Failure, Submitted};
use crate::feed::Feed;
use crate::machine::{self, Command, Input};
use crate::state::RunState;
use crate::store::{Claimed, RowChange, RunStore};
use crate::workflow::Registry;
use active::ActiveRun;

pub use requests::{Decision, Submission};

/// How an engine works.
#[derive(Clone, Copy, Debug)]
pub struct EngineOptions {
    /// How many runs are carried out at once; more wait in the queue.
    pub concurrency: usize,
    /// How long a lease lasts; it is renewed at a third of that.
    pub lease: Duration,
    /// Whether no other process works on the same store. Then leases found at the start are dead
    /// and their runs are taken up at once.
    pub sole_worker: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { concurrency: 1_024, lease: Duration::from_secs(30), sole_worker: true }
    }
}

/// What the engine is given to work with.
pub struct Parts {
    /// Keeps runs.
    pub store: Arc<dyn RunStore>,
    /// Keeps artifacts.
    pub blobs: Arc<dyn Blobs>,
    /// The workflows there are.
    pub registry: Registry,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for identifiers and jitter.
    pub entropy: Arc<dyn Entropy>,
}

/// The handle on the engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    services: Arc<Services>,
}

pub(crate) struct Services {
    pub store: Arc<dyn RunStore>,
    pub blobs: Arc<dyn Blobs>,
    pub registry: Registry,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ids: Ids,
    pub feed: Arc<Feed>,
    options: EngineOptions,
    worker: WorkerId,
    slots: Arc<Semaphore>,
    active: Mutex<HashMap<RunId, Arc<ActiveRun>>>,
    dispatch: Notify,
    hungry: AtomicBool,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// The same, to look at often.
    is_stopping: AtomicBool,
    cut_off: CancellationToken,
}

impl Engine {
    /// Starts an engine: takes up what is due and waits for more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(parts: Parts, options: EngineOptions) -> Result<Self, Error> {
        let Parts { store, blobs, registry, clock, entropy } = parts;
        let ids = Ids::new(clock.clone(), entropy.clone());
        if options.sole_worker {
            let released = store.release_all(clock.now()).await?;
            if released > 0 {
                tracing::info!(released, "taking up the runs that an earlier process left");
            }
        }
        let services = Arc::new(Services {
            feed: Feed::new(store.clone()),
            worker: ids.fresh(),
            slots: Arc::new(Semaphore::new(options.concurrency)),
            active: Mutex::default(),
            dispatch: Notify::new(),
            hungry: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            cut_off: CancellationToken::new(),
            store,
            blobs,
            registry,
            clock,
            entropy,
            ids,
            options,
        });
        services.tasks.spawn(dispatch::run(services.clone()));
        Ok(Self { services })
    }

    /// Where this engine's events are followed.
    pub fn feed(&self) -> &Arc<Feed> {
        &self.services.feed
    }

    /// Where runs are read.
    pub fn store(&self) -> &Arc<dyn RunStore> {
        &self.services.store
    }

    /// Where artifacts are read.
    pub fn blobs(&self) -> &Arc<dyn Blobs> {
        &self.services.blobs
    }

    /// How many runs are being carried out in this process now.
    pub fn active_runs(&self) -> usize {
        self.services.active.lock().len()
    }

    /// Stops: takes up and begins nothing more, gives steps that are being carried out `grace` to
    /// end, then gives the runs back. Steps that were cut off begin again when an engine next takes
    /// their runs up.
    pub async fn stop(&self, grace: Duration) {
        let services = &self.services;
        services.is_stopping.store(true, Ordering::SeqCst);
        services.stopping.cancel();
        services.active.lock().values().for_each(|run| run.look());
        services.tasks.close();
        if tokio::time::timeout(grace, services.tasks.wait()).await.is_err() {
            tracing::info!("cutting off steps that have not ended");
            services.cut_off.cancel();
            services.tasks.wait().await;
        }
        if services.options.sole_worker
            && let Err(error) = services.store.release_all(services.clock.now()).await
        {
            tracing::error!(%error, "runs could not be given back; the next start takes them up all the same");
        }
    }
}

impl Services {
    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    fn active(&self, run_id: &RunId) -> Option<Arc<ActiveRun>> {
        self.active.lock().get(run_id).cloned()
    }

    /// Carries out a new run that this process holds from its start, in a task of its own.
    fn spawn(self: &Arc<Self>, run: ActiveRun, slot: OwnedSemaphorePermit) {
        let claimed = Claimed { run_id: run.run_id.clone(), epoch: run.epoch() };
        let run = Arc::new(run);
        self.active.lock().insert(run.run_id.clone(), run.clone());
        let services = self.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = driver::keep(&services, &claimed, Some(run)) => {}
                () = services.cut_off.cancelled() => {}
            }
            services.give_back(slot);
        });
    }

    /// Carries out a run that this process has claimed, in a task of its own, as soon as there is
    /// a slot.
    fn hold(self: &Arc<Self>, claimed: Claimed) {
        let services = self.clone();
        self.tasks.spawn(async move {
            let slot = services.slots.clone().acquire_owned().await.expect("slots are never closed");
            tokio::select! {
                biased;
                () = driver::keep(&services, &claimed, None) => {}
                () = services.cut_off.cancelled() => {}
            }
            services.give_back(slot);
        });
    }

    fn give_back(&self, slot: OwnedSemaphorePermit) {
        drop(slot);
        if self.hungry.swap(false, Ordering::SeqCst) {
            self.dispatch.notify_one();
        }
    }

    pub(crate) fn activate(&self, state: RunState, epoch: u64) -> ActiveRun {
        ActiveRun::new(state, epoch, self.options.lease, self.store.clone(), self.clock.clone())
    }

    fn carry_out(&self, commands: Vec<Command>) {
        for command in commands {
            match command {
                Command::Dispatch | Command::WakeAt(_) => self.dispatch.notify_one(),
                Command::WakeParent(parent) => match self.active(&parent) {
                    Some(parent) => parent.poke(),
                    None => self.dispatch.notify_one(),
                },
                // The active run has seen to it itself; one that is not active has ended.
                Command::Stop => {}
            }
        }
    }

    /// Stores the parent's event and the child's first write together, then finds the child a worker.
    pub(crate) async fn start_child(
        self: &Arc<Self>,
        parent: &Arc<ActiveRun>,
        started: ChildStarted,
        workflow: &str,
        title: &str,
        input: Value,
    ) -> Result<(), Error> {
        let submitted = Submitted {
            workflow: workflow.to_owned(),
            version: self.registry.find(workflow)?.version(),
            title: title.to_owned(),
            input,
            actor: kernel::Actor::System.to_string(),
            parent_id: Some(parent.run_id.clone()),
            forked_from: None,
        };
        let mut child = RunState::new(started.run_id.clone());
        let write = machine::create(&mut child, vec![submitted.into()], self.clock.now(), None, None);
        debug_assert!(matches!(write.row, Some(RowChange::Create(_))));
        let commands = parent.append_with(Input::StartChild(started), vec![write])?.await?;
        self.carry_out(commands);
        Ok(())
    }

    /// How a run ended, if it has.
    pub(crate) async fn outcome_of(&self, run_id: &RunId) -> Result<Option<Result<Value, Failure>>, Error> {
        match self.store.find_run(run_id).await? {
            None => Err(Error::RunNotFound(run_id.clone())),
            Some(row) if !row.status.is_terminal() => Ok(None),
            Some(_) => Ok(self.load(run_id).await?.outcome),
        }
    }

    /// Reads a run's state from its log.
    pub(crate) async fn load(&self, run_id: &RunId) -> Result<RunState, Error> {
        let (records, last_seq) = self.store.load_structural(run_id).await?;
        let mut state = RunState::fold(&records).ok_or_else(|| Error::RunNotFound(run_id.clone()))?;
        state.last_seq = last_seq;
        Ok(state)
    }
}
