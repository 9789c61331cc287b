//! An engine on a store in memory, with workflows that are closures.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use kernel::{Actor, Clock, RunId, SeededEntropy, Timestamp};
use runs::engine::Parts;
use runs::testing::{FakeBlobs, FakeRunStore};
use runs::{
    Decision, Engine, EngineOptions, Error, EventRecord, Failure, GateRequest, Registry, RetryPolicy,
    RunContext, RunState, Status, StepOptions, Submission, Verdict, Workflow,
};
use serde_json::{Value, json};
use tokio::time::Instant;

type Work = dyn Fn(RunContext, Value) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync;

/// A workflow made of a closure.
#[derive(Clone)]
pub struct Flow {
    name: &'static str,
    version: u32,
    replays_from: u32,
    work: Arc<Work>,
}

/// A workflow named `flow`.
pub fn flow<Made>(work: impl Fn(RunContext, Value) -> Made + Send + Sync + 'static) -> Flow
where
    Made: Future<Output = Result<Value, Failure>> + Send + 'static,
{
    let work: Arc<Work> = Arc::new(move |context, input| work(context, input).boxed());
    Flow { name: "flow", version: 1, replays_from: 1, work }
}

impl Flow {
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    pub fn version(self, version: u32, replays_from: u32) -> Self {
        Self { version, replays_from, ..self }
    }
}

#[async_trait]
impl Workflow for Flow {
    fn name(&self) -> &'static str {
        self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn replays_from(&self) -> u32 {
        self.replays_from
    }

    async fn run(&self, context: RunContext, input: Value) -> Result<Value, Failure> {
        (self.work)(context, input).await
    }
}

/// Tells tokio's time.
pub struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_750_000_000_000).plus(self.0.elapsed())
    }
}

/// An engine and what it works with.
pub struct Fixture {
    pub store: FakeRunStore,
    pub blobs: Arc<FakeBlobs>,
    pub clock: Arc<PausedClock>,
    pub engine: Engine,
    pub options: EngineOptions,
}

impl Fixture {
    pub async fn new(flows: impl IntoIterator<Item = Flow>) -> Self {
        Self::with(flows, EngineOptions::default()).await
    }

    pub async fn with(flows: impl IntoIterator<Item = Flow>, options: EngineOptions) -> Self {
        let store = FakeRunStore::with_latency(Arc::new(SeededEntropy::new(7)));
        let (blobs, clock) = (Arc::new(FakeBlobs::default()), Arc::new(PausedClock(Instant::now())));
        let engine = start(&store, &blobs, &clock, flows, options).await;
        Self { store, blobs, clock, engine, options }
    }

    /// Kills the process and starts another one with `flows`.
    pub async fn restart(&mut self, flows: impl IntoIterator<Item = Flow>) {
        self.store.crash();
        self.store = self.store.reopen();
        self.engine = start(&self.store, &self.blobs, &self.clock, flows, self.options).await;
    }

    pub async fn submit(&self, input: Value) -> RunId {
        self.engine.submit(submission("flow", input)).await.expect("it is submitted")
    }

    /// Submits and gives how the run ended.
    pub async fn carry_out(&self, input: Value) -> RunState {
        let run_id = self.submit(input).await;
        self.ended(&run_id).await
    }

    /// The run once it has ended.
    pub async fn ended(&self, run_id: &RunId) -> RunState {
        self.until(run_id, |state| state.status.is_terminal()).await
    }

    pub async fn reached(&self, run_id: &RunId, status: Status) -> RunState {
        self.until(run_id, |state| state.status == status).await
    }

    /// The run as soon as what is stored of it fits.
    pub async fn until(&self, run_id: &RunId, fits: impl Fn(&RunState) -> bool) -> RunState {
        let mut subscription = self.engine.feed().subscribe(run_id, 0);
        let waited = tokio::time::timeout(Duration::from_secs(7_200), async {
            loop {
                let state = RunState::fold(&self.store.events(run_id));
                if let Some(state) = state.filter(&fits) {
                    return state;
                }
                subscription.next().await.expect("the run can be followed");
            }
        });
        waited.await.unwrap_or_else(|_| panic!("it never came to that: {:#?}", self.kinds(run_id)))
    }

    /// Answers the gate that is open.
    pub async fn answer(&self, run_id: &RunId, verdict: Verdict) -> Result<(), Error> {
        self.engine.decide(run_id, decision(verdict)).await
    }

    pub fn events(&self, run_id: &RunId) -> Vec<EventRecord> {
        self.store.events(run_id)
    }

    pub fn kinds(&self, run_id: &RunId) -> Vec<String> {
        self.events(run_id).iter().map(|record| record.event().kind().to_owned()).collect()
    }

    pub fn count(&self, run_id: &RunId, kind: &str) -> usize {
        self.kinds(run_id).iter().filter(|known| *known == kind).count()
    }

    /// The runs that are somebody's children.
    pub fn children(&self) -> Vec<RunId> {
        self.store.rows().into_iter().filter(|row| row.parent_id.is_some()).map(|row| row.run_id).collect()
    }
}

async fn start(
    store: &FakeRunStore,
    blobs: &Arc<FakeBlobs>,
    clock: &Arc<PausedClock>,
    flows: impl IntoIterator<Item = Flow>,
    options: EngineOptions,
) -> Engine {
    let parts = Parts {
        store: Arc::new(store.clone()),
        blobs: blobs.clone(),
        registry: flows.into_iter().fold(Registry::new(), Registry::with),
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(store.writes() ^ 42)),
    };
    Engine::start(parts, options).await.expect("an engine starts")
}

pub fn submission(workflow: &str, input: Value) -> Submission {
    Submission {
        workflow: workflow.into(),
        title: "A test".into(),
        input,
        actor: Actor::Owner,
        idempotency_key: None,
    }
}

pub fn decision(verdict: Verdict) -> Decision {
    Decision { gate: None, verdict, feedback: None, digest: None, actor: Actor::Owner }
}

pub fn question(name: &str, proposal: Value) -> GateRequest {
    GateRequest { name: name.into(), title: format!("{name}?"), detail: String::new(), proposal }
}

pub fn retrying(attempts: u32) -> StepOptions {
    let retry = RetryPolicy { attempts, initial: Duration::from_secs(2), maximum: Duration::from_secs(60) };
    StepOptions { retry, ..StepOptions::default() }
}

/// A step that gives `value` at once.
pub async fn give(context: &RunContext, name: &str, value: Value) -> Result<Value, Failure> {
    context.step(name, StepOptions::default(), |_| std::future::ready(Ok(value.clone()))).await
}

pub fn flaky() -> Failure {
    Failure { retryable: true, ..Failure::new("flaky", "Not this time") }
}

pub fn code(state: &RunState) -> &str {
    match &state.outcome {
        Some(Err(failure)) => &failure.code,
        other => panic!("it did not fail: {other:?}"),
    }
}

pub fn result(state: &RunState) -> &Value {
    match &state.outcome {
        Some(Ok(value)) => value,
        other => panic!("it has no result: {other:?}"),
    }
}

/// A flow that gives its input back.
pub fn echo() -> Flow {
    flow(|context, input| async move { give(&context, "echo", json!({ "echo": input })).await })
}
