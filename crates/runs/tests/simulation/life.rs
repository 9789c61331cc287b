//! One life of a process: engines start, people ask, subscribers follow, and it ends one way or
//! another.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, Entropy, RunId, SeededEntropy, Timestamp};
use runs::engine::Parts;
use runs::testing::{CrashPoint, FakeBlobs, FakeRunStore};
use runs::{Decision, Engine, EngineOptions, Error, Registry, RunRow, Status, Submission, Verdict};
use serde_json::{Value, json};

use crate::program::Interpreter;
use crate::world::{Asked, VirtualClock, World};

/// By when everything has ended that nobody holds up. Shorter than the engine's longest sleep, so
/// that a wake-up that was lost is found out.
const ENOUGH: Duration = Duration::from_secs(50);

/// How a life ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// At a write.
    Crash(u64, CrashPoint),
    /// After some milliseconds.
    Kill(u64),
    /// It is stopped after some milliseconds, and gives steps some more.
    Stop(u64, u64),
    /// Once everything is done.
    Finish,
}

/// What a life is like.
#[derive(Clone, Debug)]
pub struct Life {
    pub seed: u64,
    pub end: End,
    /// Whether the power goes with the process.
    pub power_loss: bool,
    /// Whether two engines share the store.
    pub two: bool,
    pub concurrency: usize,
    /// When the disk is full, and how long, in milliseconds.
    pub full: Option<(u64, u64)>,
    /// Whether people do more than answer gates.
    pub whims: bool,
}

/// What is submitted, and how much people may still do besides answering gates.
pub struct Wishes {
    pub programs: Vec<Value>,
    pub retries: usize,
    pub cancels: usize,
}

struct Scene {
    world: Arc<World>,
    store: FakeRunStore,
    engines: Vec<Engine>,
    random: SeededEntropy,
    wishes: Arc<Wishes>,
    life: Life,
}

impl Life {
    /// Lives, and gives the time of its end.
    pub fn live(
        &self,
        world: &Arc<World>,
        store: &FakeRunStore,
        wishes: &Arc<Wishes>,
        from: Timestamp,
    ) -> Timestamp {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime can be built");
        runtime.block_on(async {
            let clock = VirtualClock::starting_at(from);
            world.revive(clock.clone(), store.clone(), !self.two);
            if self.power_loss {
                store.power_loss();
            }
            if let End::Crash(writes, point) = self.end {
                store.crash_after(writes, point);
            }
            tokio::select! {
                biased;
                () = store.crashed() => {}
                () = self.pass(world, store, wishes, clock.clone()) => {}
            }
            clock.now()
        })
    }

    async fn pass(
        &self,
        world: &Arc<World>,
        store: &FakeRunStore,
        wishes: &Arc<Wishes>,
        clock: Arc<VirtualClock>,
    ) {
        let mut engines = Vec::new();
        for index in 0..=u64::from(self.two) {
            engines.push(self.start_engine(world, store, clock.clone(), index).await);
        }
        let scene = Arc::new(Scene {
            world: world.clone(),
            store: store.clone(),
            engines: engines.clone(),
            random: SeededEntropy::new(self.seed),
            wishes: wishes.clone(),
            life: self.clone(),
        });
        for index in 0..wishes.programs.len() {
            tokio::spawn(scene.clone().submit(index));
        }
        tokio::spawn(scene.clone().live_among_people());
        if let Some((after, during)) = self.full {
            let store = store.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(after)).await;
                store.fill_disk(true);
                tokio::time::sleep(Duration::from_millis(during)).await;
                store.fill_disk(false);
            });
        }
        match self.end {
            End::Crash(..) => scene.be_done(ENOUGH).await,
            End::Kill(millis) => scene.be_done(Duration::from_millis(millis)).await,
            End::Stop(millis, grace) => {
                scene.be_done(Duration::from_millis(millis)).await;
                for engine in &engines {
                    engine.stop(Duration::from_millis(grace)).await;
                }
            }
            End::Finish => {
                scene.be_done(ENOUGH).await;
                if !scene.is_done() {
                    let stuck: Vec<_> =
                        store.rows().into_iter().filter(|row| !row.status.is_terminal()).collect();
                    world.problem(format!("not everything came to its end: {stuck:#?}"));
                }
            }
        }
    }

    async fn start_engine(
        &self,
        world: &Arc<World>,
        store: &FakeRunStore,
        clock: Arc<VirtualClock>,
        index: u64,
    ) -> Engine {
        let options = EngineOptions {
            concurrency: self.concurrency,
            lease: Duration::from_secs(if self.two { 3 } else { 3_600 }),
            sole_worker: !self.two,
        };
        let parts = || Parts {
            store: Arc::new(store.clone()),
            blobs: Arc::new(FakeBlobs::default()),
            registry: Registry::new().with(Interpreter(world.clone())),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(self.seed.wrapping_mul(31) ^ (index << 32))),
        };
        loop {
            match Engine::start(parts(), options).await {
                Ok(engine) => return engine,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Scene {
    fn dice(&self, sides: u64) -> u64 {
        self.random.next_u64() % sides
    }

    fn engine(&self) -> &Engine {
        &self.engines[self.dice(self.engines.len() as u64) as usize]
    }

    async fn while_away(&self, at_most: u64) {
        tokio::time::sleep(Duration::from_millis(1 + self.dice(at_most))).await;
    }

    /// Waits until everything is done, or long enough.
    async fn be_done(&self, at_most: Duration) {
        let long_enough = tokio::time::Instant::now() + at_most;
        while !self.is_done() && tokio::time::Instant::now() < long_enough {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn is_done(&self) -> bool {
        let rows = self.store.rows();
        self.world.submissions().len() == self.wishes.programs.len()
            && rows.iter().all(|row| row.status.is_terminal())
            && rows.iter().all(|row| !self.wants_retry(row))
            && self
                .world
                .seen()
                .iter()
                .all(|((run_id, _), seen)| seen.len() == self.store.events(run_id).len())
    }

    fn count(&self, asked: &Asked) -> usize {
        self.world.requests().iter().filter(|request| request.asked == *asked).count()
    }

    fn wants_retry(&self, row: &RunRow) -> bool {
        row.status == Status::Failed
            && row.parent_id.is_none()
            && self.count(&Asked::Retry) < self.wishes.retries
    }

    async fn submit(self: Arc<Self>, index: usize) {
        if self.world.submissions().contains_key(&index) && self.dice(4) > 0 {
            return;
        }
        self.while_away(400).await;
        loop {
            let submission = Submission {
                workflow: "program".into(),
                title: format!("Program {index}"),
                input: self.wishes.programs[index].clone(),
                actor: Actor::Owner,
                idempotency_key: Some(format!("key {index}")),
            };
            match self.engine().submit(submission).await {
                Ok(run_id) => return self.world.submitted(index, run_id),
                Err(Error::Stopping) => return,
                Err(Error::Store(_)) => self.while_away(200).await,
                Err(error) => return self.world.problem(format!("submission {index} ended in {error:?}")),
            }
        }
    }

    async fn live_among_people(self: Arc<Self>) {
        let mut followed = std::collections::BTreeSet::new();
        loop {
            for row in self.store.rows() {
                if followed.insert(row.run_id.clone()) {
                    for subscriber in 0..2 {
                        tokio::spawn(self.clone().follow(row.run_id.clone(), subscriber));
                    }
                }
                if row.waiting_gates > 0 && !row.status.is_terminal() && self.dice(3) > 0 {
                    if self.dice(4) == 0 {
                        tokio::join!(self.answer(&row.run_id), self.answer(&row.run_id));
                    } else {
                        self.answer(&row.run_id).await;
                    }
                }
                if self.wants_retry(&row) && self.dice(3) == 0 {
                    self.retry(&row, None).await;
                } else if self.life.whims {
                    self.follow_a_whim(&row).await;
                }
            }
            self.while_away(90).await;
        }
    }

    async fn follow_a_whim(&self, row: &RunRow) {
        let whim = self.dice(60);
        if whim == 0 && self.count(&Asked::Cancel) < self.wishes.cancels {
            let number = self.world.ask(&row.run_id, Asked::Cancel);
            let result = self.engine().cancel(&row.run_id, Actor::Token(number.to_string())).await;
            self.world.answered(number, result);
        }
        let may = row.status.is_terminal() || row.status == Status::WaitingApproval;
        if whim == 1 && may && self.count(&Asked::Retry) < self.wishes.retries {
            let Ok(state) = self.engine().state(&row.run_id).await else { return };
            let stages: Vec<_> = state.records.keys().cloned().collect();
            if !stages.is_empty() {
                let stage = stages[self.dice(stages.len() as u64) as usize].clone();
                self.retry(row, Some(stage)).await;
            }
        }
    }

    async fn retry(&self, row: &RunRow, stage: Option<String>) {
        self.world.repair(&row.run_id);
        let number = self.world.ask(&row.run_id, Asked::Retry);
        let actor = Actor::Token(number.to_string());
        let result = self.engine().retry(&row.run_id, stage, None, actor).await;
        self.world.answered(number, result);
    }

    async fn answer(&self, run_id: &RunId) {
        let Ok(state) = self.engine().state(run_id).await else { return };
        let open: Vec<_> = state.open_gates().map(|gate| (gate.gate.clone(), gate.digest.clone())).collect();
        if open.is_empty() {
            return;
        }
        let (gate, digest) = open[self.dice(open.len() as u64) as usize].clone();
        let gate = (open.len() > 1 || self.dice(2) == 0).then_some(gate);
        let digest =
            [None, Some(digest.clone()), Some(digest), Some("another".into())][self.dice(4) as usize].clone();
        let verdict = match self.dice(10) {
            0 => Verdict::Reject,
            1 | 2 => Verdict::Skip,
            _ => Verdict::Approve,
        };
        let number = self.world.ask(run_id, Asked::Decide { gate: gate.clone(), verdict });
        let actor = Actor::Token(number.to_string());
        let astray = digest.as_deref() == Some("another");
        let decision = Decision { gate, verdict, feedback: None, digest, actor };
        let result = self.engine().decide(run_id, decision).await;
        if astray && result.is_ok() {
            self.world.problem(format!("request {number} was for something else and was accepted"));
        }
        self.world.answered(number, result);
    }

    /// Follows a run, going away and coming back with the last number it saw.
    async fn follow(self: Arc<Self>, run_id: RunId, subscriber: usize) {
        loop {
            self.while_away(120).await;
            let after = self.world.position(&run_id, subscriber);
            let mut subscription = self.engine().feed().subscribe(&run_id, after);
            loop {
                match subscription.next().await {
                    Ok(events) => self.world.saw(&run_id, subscriber, events),
                    Err(error) => {
                        return self.world.problem(format!("{run_id} cannot be followed: {error:?}"));
                    }
                }
                if subscription.position() != self.world.position(&run_id, subscriber) {
                    return self.world.problem(format!("{run_id}: a subscriber lost its place"));
                }
                if self.dice(5) == 0 {
                    break;
                }
            }
        }
    }
}

/// A wish list for `programs`.
pub fn wishes(programs: Vec<impl serde::Serialize>, retries: usize, cancels: usize) -> Arc<Wishes> {
    let programs = programs.iter().map(|program| json!(program)).collect();
    Arc::new(Wishes { programs, retries, cancels })
}
