//! What outlives the crashes: what people know they asked for, what subscribers have seen, and
//! which bodies are being carried out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kernel::{Clock, RunId, Timestamp};
use parking_lot::Mutex;
use runs::event::{Event, EventRecord};
use runs::testing::FakeRunStore;
use runs::{Error, Verdict};
use tokio::time::Instant;

/// What somebody asked of a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Decide { gate: Option<String>, verdict: Verdict },
    Cancel,
    Retry,
}

/// What became of it, as far as the one who asked knows.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The process died first.
    None,
    Accepted,
    Refused(String),
}

/// A request of a person. Its place in the list is in the actor's name, so that it is found in the log.
#[derive(Clone, Debug)]
pub struct Request {
    pub run_id: RunId,
    pub asked: Asked,
    pub answer: Answer,
}

#[derive(Default)]
pub struct World(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    clock: Option<Arc<VirtualClock>>,
    store: Option<FakeRunStore>,
    /// Whether only one engine works, so that nothing is ever carried out twice at a time.
    alone: bool,
    submitted: BTreeMap<usize, RunId>,
    requests: Vec<Request>,
    seen: BTreeMap<(RunId, usize), Vec<EventRecord>>,
    entered: HashMap<String, usize>,
    repaired: BTreeSet<RunId>,
    problems: Vec<String>,
}

impl World {
    /// Begins a new life: what was being carried out is no more.
    pub fn revive(&self, clock: Arc<VirtualClock>, store: FakeRunStore, alone: bool) {
        let mut inner = self.0.lock();
        inner.entered.clear();
        inner.alone = alone;
        // What was lost with the power is seen anew.
        for ((run_id, _), seen) in &mut inner.seen {
            seen.truncate(store.events(run_id).len());
        }
        inner.clock = Some(clock);
        inner.store = Some(store);
    }

    pub fn now(&self) -> Timestamp {
        self.0.lock().clock.as_ref().expect("there is a clock in every life").now()
    }

    pub fn problem(&self, problem: String) {
        self.0.lock().problems.push(problem);
    }

    pub fn problems(&self) -> Vec<String> {
        self.0.lock().problems.clone()
    }

    pub fn submitted(&self, index: usize, run_id: RunId) {
        let mut inner = self.0.lock();
        let known = inner.submitted.insert(index, run_id.clone());
        if known.as_ref().is_some_and(|known| *known != run_id) {
            inner.problems.push(format!("submission {index} was carried out twice: {known:?} and {run_id}"));
        }
    }

    pub fn submissions(&self) -> BTreeMap<usize, RunId> {
        self.0.lock().submitted.clone()
    }

    /// Notes a request before it is made and gives the number that marks it.
    pub fn ask(&self, run_id: &RunId, asked: Asked) -> usize {
        let mut inner = self.0.lock();
        inner.requests.push(Request { run_id: run_id.clone(), asked, answer: Answer::None });
        inner.requests.len() - 1
    }

    pub fn answered(&self, number: usize, result: Result<(), Error>) {
        let mut inner = self.0.lock();
        if std::env::var_os("ATELIER_SIMULATION_SEED").is_some() {
            println!(
                "{:?} answered {number}: {:?} {result:?}",
                inner.clock.as_ref().map(|c| c.now()),
                inner.requests[number]
            );
        }
        inner.requests[number].answer = match result {
            Ok(()) => Answer::Accepted,
            Err(
                error @ (Error::Conflict(_)
                | Error::GateDecided { .. }
                | Error::GateNotFound { .. }
                | Error::GateAmbiguous { .. }
                | Error::DigestMismatch { .. }
                | Error::StageNotFound { .. }
                | Error::WrongState { .. }
                | Error::Store(_)),
            ) => Answer::Refused(error.to_string()),
            Err(error) => {
                inner.problems.push(format!("request {number} ended in {error:?}"));
                Answer::Refused(error.to_string())
            }
        };
    }

    pub fn requests(&self) -> Vec<Request> {
        self.0.lock().requests.clone()
    }

    pub fn repair(&self, run_id: &RunId) {
        self.0.lock().repaired.insert(run_id.clone());
    }

    pub fn is_repaired(&self, run_id: &RunId) -> bool {
        self.0.lock().repaired.contains(run_id)
    }

    /// How many events this subscriber has seen.
    pub fn position(&self, run_id: &RunId, subscriber: usize) -> u64 {
        self.0.lock().seen.get(&(run_id.clone(), subscriber)).map_or(0, |seen| seen.len() as u64)
    }

    pub fn saw(&self, run_id: &RunId, subscriber: usize, events: Vec<EventRecord>) {
        let mut inner = self.0.lock();
        let stored = inner.store.as_ref().map_or(0, |store| store.events(run_id).len());
        if events.last().is_some_and(|last| last.seq() > stored as u64) {
            inner.problems.push(format!("{run_id}: an event was published before it was stored"));
        }
        inner.seen.entry((run_id.clone(), subscriber)).or_default().extend(events);
    }

    pub fn seen(&self) -> BTreeMap<(RunId, usize), Vec<EventRecord>> {
        self.0.lock().seen.clone()
    }

    /// Notes that a step's body is being carried out, until the guard is dropped.
    pub fn enter(self: &Arc<Self>, run_id: &RunId, step: &str, key: String) -> Entered {
        let mut inner = self.0.lock();
        let count = inner.entered.entry(key.clone()).or_default();
        *count += 1;
        if inner.alone {
            if inner.entered[&key] > 1 {
                inner.problems.push(format!("{key} is being carried out twice at a time"));
            }
            let recorded = inner.store.as_ref().is_some_and(|store| has_result(&store.events(run_id), step));
            if recorded {
                inner.problems.push(format!("{key} has its result and is carried out again"));
            }
        }
        Entered { world: self.clone(), key }
    }
}

fn has_result(events: &[EventRecord], step: &str) -> bool {
    let since =
        events.iter().rposition(|record| matches!(record.event(), Event::Rewound(_))).map_or(0, |at| at + 1);
    events[since..]
        .iter()
        .any(|record| matches!(record.event(), Event::StepCompleted(done) if done.step == step))
}

pub struct Entered {
    world: Arc<World>,
    key: String,
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(count) = self.world.0.lock().entered.get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
    }
}

/// Tells tokio's time, going on from where the process before it ended.
pub struct VirtualClock {
    base: AtomicI64,
    since: Instant,
}

impl VirtualClock {
    pub fn starting_at(base: Timestamp) -> Arc<Self> {
        Arc::new(Self { base: AtomicI64::new(base.0), since: Instant::now() })
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.base.load(Ordering::SeqCst)).plus(self.since.elapsed())
    }
}
