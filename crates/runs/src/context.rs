//! What a workflow is written against.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::poll;
use kernel::{RunId, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::blobs::Blobs;
use crate::engine::Services;
use crate::engine::active::ActiveRun;
use crate::error::Error;
use crate::event::{
    ArtifactAdded, ChildFinished, ChildStarted, Event, Failure, GateOpened, Log, LogLevel, StepCompleted,
    StepFailed, StepStarted, TimerFired, TimerSet, Verdict,
};
use crate::machine::Input;
use crate::state::{RecordKind, StepProgress};
use crate::store::Durability;
use crate::workflow::RetryPolicy;

/// A workflow's hold on its run. Cheap to clone, so that branches can run side by side.
#[derive(Clone)]
pub struct RunContext {
    pub(crate) active: Arc<ActiveRun>,
    pub(crate) services: Arc<Services>,
}

/// How a step is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub struct StepOptions {
    /// How often it is tried.
    pub retry: RetryPolicy,
    /// How safe its result must be before the workflow goes on.
    pub durability: Durability,
}

impl StepOptions {
    /// One attempt only.
    pub const ONCE: Self = Self { retry: RetryPolicy::NONE, durability: Durability::Process };
}

/// A question to a person.
#[derive(Clone, Debug)]
pub struct GateRequest {
    /// The gate's name, unique in the run.
    pub name: String,
    /// The question in a few words.
    pub title: String,
    /// What the person should know.
    pub detail: String,
    /// Exactly what will be done when it is approved.
    pub proposal: Value,
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The answer.
    pub verdict: Verdict,
    /// What the person said to it.
    pub feedback: Option<String>,
    /// The digest of the proposal that was answered.
    pub digest: String,
}

impl Approval {
    /// Whether exactly `proposal` may be done.
    pub fn covers(&self, proposal: &Value) -> bool {
        self.verdict == Verdict::Approve && self.digest == digest(proposal)
    }
}

/// The digest a gate keeps of its proposal: BLAKE3, in hex, over the JSON with its keys sorted.
pub fn digest(proposal: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| key.as_str());
                Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    blake3::hash(sorted(proposal).to_string().as_bytes()).to_hex().to_string()
}

impl RunContext {
    /// The run.
    pub fn run_id(&self) -> &RunId {
        &self.active.run_id
    }

    /// Where artifacts' bytes are kept.
    pub fn blobs(&self) -> Arc<dyn Blobs> {
        self.services.blobs.clone()
    }

    /// Carries out `body` once and gives its result; after a crash or a wait, gives the recorded
    /// result. `name` is unique in the run.
    ///
    /// # Errors
    /// What the last attempt failed with.
    pub async fn step<T, F, Fut>(&self, name: &str, options: StepOptions, body: F) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(StepScope) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        self.visit(name, |kind| matches!(kind, RecordKind::Step { .. }))?;
        loop {
            let attempt = match self.step_so_far(name)? {
                SoFar::Result(value) => return from_value(name, value),
                SoFar::Failed(failure) => return Err(failure),
                SoFar::Attempt(attempt, None) => attempt,
                SoFar::Attempt(attempt, Some(due)) if due <= self.active.now() => attempt,
                SoFar::Attempt(_, Some(due)) => {
                    self.active.blocked_until(name, due).await;
                    continue;
                }
            };
            self.attempt(name, options, attempt, &body).await?;
        }
    }

    /// Comes to the piece `name`; what the log has under that name must be of the same sort.
    fn visit(&self, name: &str, fits: impl Fn(&RecordKind) -> bool) -> Result<(), Failure> {
        self.active.visit(name)?;
        match self.active.state.lock().records.get(name) {
            Some(record) if !fits(&record.kind) => Err(changed(name)),
            _ => Ok(()),
        }
    }

    fn step_so_far(&self, name: &str) -> Result<SoFar, Failure> {
        let state = self.active.state.lock();
        match state.records.get(name).map(|record| &record.kind) {
            None => Ok(SoFar::Attempt(1, None)),
            Some(RecordKind::Step { attempts, progress, .. }) => Ok(match progress {
                StepProgress::Completed(value) => SoFar::Result(value.clone()),
                StepProgress::Failed(failure, None) => SoFar::Failed(failure.clone()),
                StepProgress::Failed(_, Some(due)) => SoFar::Attempt(attempts + 1, Some(*due)),
                StepProgress::Running => SoFar::Attempt(attempts + 1, None),
            }),
            Some(_) => Err(changed(name)),
        }
    }

    async fn attempt<T, F, Fut>(
        &self,
        name: &str,
        options: StepOptions,
        attempt: u32,
        body: F,
    ) -> Result<(), Failure>
    where
        T: Serialize,
        F: Fn(StepScope) -> Fut,
        Fut: Future<Output = Result<T, Failure>>,
    {
        if self.services.is_stopping() {
            // Nothing new is begun; the run is put aside and goes on from here at the next start.
            std::future::pending::<()>().await;
        }
        let _busy = self.active.busy();
        let started_at = self.active.now();
        let scope = StepScope { context: self.clone(), step: name.into(), attempt };
        let mut body = pin!(body(scope));
        let ended = match poll!(body.as_mut()) {
            std::task::Poll::Ready(ended) => ended,
            std::task::Poll::Pending => {
                let started = StepStarted { step: name.to_owned(), attempt };
                // Not waited for: it is stored in order before whatever the step says next.
                drop(self.active.append(Input::Say(started.into())).map_err(refused)?);
                body.await
            }
        };
        let input = match ended {
            Ok(result) => {
                let result = serde_json::to_value(result).map_err(|error| unfit(name, &error))?;
                let completed = StepCompleted { step: name.to_owned(), attempt, started_at, result };
                Input::StepCompleted(completed, options.durability)
            }
            Err(error) => {
                let delay = if error.retryable {
                    options.retry.delay(attempt, self.services.entropy.as_ref())
                } else {
                    None
                };
                let retry_at = delay.map(|delay| self.active.now().plus(delay));
                Input::StepFailed(StepFailed { step: name.to_owned(), attempt, error, retry_at })
            }
        };
        self.active.append_and_wait(input).await
    }

    /// Asks a person and waits for the answer, as long as it takes. An answer to another proposal
    /// under the same name does not count: the person is asked anew.
    ///
    /// # Errors
    /// When the run ends meanwhile.
    pub async fn gate(&self, request: GateRequest) -> Result<Approval, Failure> {
        self.visit(&request.name, |kind| matches!(kind, RecordKind::Gate { .. }))?;
        let GateRequest { name, title, detail, proposal } = request;
        let digest = digest(&proposal);
        let opened = GateOpened { gate: name.clone(), title, detail, proposal, digest: digest.clone() };
        let decided = || {
            let state = self.active.state.lock();
            match state.records.get(&name).map(|record| &record.kind) {
                Some(RecordKind::Gate { decided: Some((decided, _)), .. }) if decided.digest == digest => {
                    let feedback = decided.feedback.clone();
                    Some(Approval { verdict: decided.decision, feedback, digest: digest.clone() })
                }
                _ => None,
            }
        };
        if let Some(approval) = decided() {
            return Ok(approval);
        }
        {
            let _busy = self.active.busy();
            self.active.append_and_wait(Input::OpenGate(opened)).await?;
        }
        Ok(self.active.blocked(&name, None, decided).await)
    }

    /// Sleeps until `due`, over restarts too.
    ///
    /// # Errors
    /// When the run ends meanwhile.
    pub async fn sleep_until(&self, name: &str, due: Timestamp) -> Result<(), Failure> {
        self.visit(name, |kind| matches!(kind, RecordKind::Timer { .. }))?;
        let recorded = || {
            let state = self.active.state.lock();
            match state.records.get(name).map(|record| &record.kind) {
                Some(RecordKind::Timer { due, fired }) => Some((*due, *fired)),
                _ => None,
            }
        };
        let due = match recorded() {
            Some((_, true)) => return Ok(()),
            Some((due, false)) => due,
            None => {
                let _busy = self.active.busy();
                let timer = TimerSet { timer: name.to_owned(), due };
                self.active.append_and_wait(Input::SetTimer(timer)).await?;
                due
            }
        };
        self.active.blocked_until(name, due).await;
        if recorded().is_some_and(|(_, fired)| fired) {
            return Ok(());
        }
        let _busy = self.active.busy();
        self.active.append_and_wait(Input::FireTimer(TimerFired { timer: name.to_owned() })).await
    }

    /// Carries a part of the work out as a run of its own and gives its result.
    ///
    /// # Errors
    /// What the child failed with.
    pub async fn child(
        &self,
        name: &str,
        workflow: &str,
        title: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        self.visit(name, |kind| matches!(kind, RecordKind::Child { .. }))?;
        let recorded = || {
            let state = self.active.state.lock();
            match state.records.get(name).map(|record| &record.kind) {
                Some(RecordKind::Child { run_id, outcome }) => Some((run_id.clone(), outcome.clone())),
                _ => None,
            }
        };
        let run_id = match recorded() {
            Some((_, Some(outcome))) => return outcome,
            Some((run_id, None)) => run_id,
            None => {
                let _busy = self.active.busy();
                let run_id: RunId = self.services.ids.fresh();
                let started = ChildStarted { child: name.to_owned(), run_id: run_id.clone() };
                self.services
                    .start_child(&self.active, started, workflow, title, input)
                    .await
                    .map_err(refused)?;
                run_id
            }
        };
        loop {
            let changes = self.active.changes();
            let outcome = {
                let _busy = self.active.busy();
                self.services.outcome_of(&run_id).await.map_err(refused)?
            };
            if let Some(outcome) = outcome {
                let _busy = self.active.busy();
                let (result, error) = match &outcome {
                    Ok(result) => (Some(result.clone()), None),
                    Err(error) => (None, Some(error.clone())),
                };
                let finished = ChildFinished { child: name.to_owned(), run_id, result, error };
                self.active.append_and_wait(Input::ChildFinished(finished)).await?;
                return outcome;
            }
            self.active.blocked_for_change(name, changes).await;
        }
    }
}

enum SoFar {
    Result(Value),
    Failed(Failure),
    Attempt(u32, Option<Timestamp>),
}

/// What a step's body may do to its run. Whatever is said here is said again when the body is
/// carried out again.
#[derive(Clone)]
pub struct StepScope {
    context: RunContext,
    step: Arc<str>,
    attempt: u32,
}

impl StepScope {
    /// The run.
    pub fn run_id(&self) -> &RunId {
        self.context.run_id()
    }

    /// The step's name.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The same for every attempt at this step of this run, and for nothing else: what an effect
    /// outside is made idempotent with.
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}", self.context.run_id(), self.step)
    }

    /// Writes a line to the run's log.
    ///
    /// # Errors
    /// When the run can no longer be written to.
    pub async fn log(&self, level: LogLevel, message: impl Into<String>) -> Result<(), Failure> {
        let log = Log { level, message: message.into(), step: Some(self.step.to_string()) };
        self.context.active.append_and_wait(Input::Say(log.into())).await
    }

    /// Says something under a kind of the workflow's own.
    ///
    /// # Errors
    /// When the kind is one of the engine's, or the run can no longer be written to.
    pub async fn emit(&self, kind: &str, payload: Value) -> Result<(), Failure> {
        if Event::KINDS.contains(&kind) {
            return Err(Failure::new(
                "reserved_event_kind",
                format!("`{kind}` is a kind of the engine's own"),
            ));
        }
        let said = Event::Said { kind: kind.to_owned(), payload };
        self.context.active.append_and_wait(Input::Say(said)).await
    }

    /// Adds a file to the run's artifacts and gives its digest; the same content under the same
    /// path is added once.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn artifact(&self, path: &str, content_type: &str, bytes: Bytes) -> Result<String, Failure> {
        let size = bytes.len() as u64;
        let digest = self.context.services.blobs.put(bytes).await?;
        let known = {
            let state = self.context.active.state.lock();
            state.artifacts.get(path).is_some_and(|artifact| artifact.digest == digest)
        };
        if !known {
            let (path, content_type) = (path.to_owned(), content_type.to_owned());
            let added = ArtifactAdded { path, content_type, size, digest: digest.clone() };
            self.context.active.append_and_wait(Input::Say(added.into())).await?;
        }
        Ok(digest)
    }
}

fn from_value<T: DeserializeOwned>(name: &str, value: Value) -> Result<T, Failure> {
    serde_json::from_value(value).map_err(|error| unfit(name, &error))
}

fn unfit(name: &str, error: &serde_json::Error) -> Failure {
    Failure::new(
        "workflow_changed",
        format!("The recorded result of `{name}` does not fit the workflow: {error}"),
    )
}

pub(crate) fn changed(name: &str) -> Failure {
    let message = format!("The workflow has changed since this run began: `{name}` is something else now");
    Failure { hint: Some("Submit the goal again".into()), ..Failure::new("workflow_changed", message) }
}

pub(crate) fn refused(error: Error) -> Failure {
    Failure::from(kernel::Error::from(error))
}
