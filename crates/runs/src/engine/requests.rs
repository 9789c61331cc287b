//! What people and programs ask of the engine: submit, decide, cancel, retry, fork, look.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, RunId};
use serde_json::Value;

use super::active::ActiveRun;
use super::{Engine, Services};
use crate::error::Error;
use crate::event::{
    ArtifactAdded, ChildFinished, ChildStarted, Event, Log, LogLevel, StepCompleted, Submitted, TimerFired,
    TimerSet, Verdict,
};
use crate::machine::{self, Command, Input, Lease};
use crate::state::{RecordKind, RunState, StepProgress};
use crate::store::{Commit, Durability};

/// How often a request to a run that others write to as well is decided anew.
const TRIES: usize = 8;

/// A run to be made.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The workflow that is to carry it out.
    pub workflow: String,
    /// What it is called on screen.
    pub title: String,
    /// What it works on.
    pub input: Value,
    /// Who asks.
    pub actor: Actor,
    /// A key under which the same request is only carried out once.
    pub idempotency_key: Option<String>,
}

/// A person's answer to a gate.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The gate; may be left out when only one is open.
    pub gate: Option<String>,
    /// The answer.
    pub verdict: Verdict,
    /// What the person says to it.
    pub feedback: Option<String>,
    /// The digest of the proposal the person saw, if the client sends it.
    pub digest: Option<String>,
    /// Who answers.
    pub actor: Actor,
}

impl Engine {
    /// Submits a run. It is on disk when this returns.
    ///
    /// # Errors
    /// [`Error::UnknownWorkflow`], [`Error::IdempotencyKeyReused`], [`Error::Stopping`], or the store's.
    pub async fn submit(&self, submission: Submission) -> Result<RunId, Error> {
        let services = &self.services;
        let workflow = services.registry.find(&submission.workflow)?;
        let key = submission.idempotency_key.clone();
        let idempotency = key.clone().map(|key| (key, request_digest(&submission)));
        if let Some(existing) = self.find_submitted(idempotency.as_ref()).await? {
            return Ok(existing);
        }
        let submitted = Submitted {
            workflow: submission.workflow,
            version: workflow.version(),
            title: submission.title,
            input: submission.input,
            actor: submission.actor.to_string(),
            parent_id: None,
            forked_from: None,
        };
        match services.create(vec![submitted.into()], idempotency.clone()).await {
            // Another request with the same key was faster.
            Err(Error::IdempotencyKeyReused(_)) => self
                .find_submitted(idempotency.as_ref())
                .await?
                .ok_or_else(|| Error::IdempotencyKeyReused(key.unwrap_or_default())),
            created => created,
        }
    }

    async fn find_submitted(&self, idempotency: Option<&(String, String)>) -> Result<Option<RunId>, Error> {
        let Some((key, digest)) = idempotency else { return Ok(None) };
        match self.services.store.find_by_idempotency_key(key).await? {
            Some(row) if row.request_digest.as_ref() == Some(digest) => Ok(Some(row.run_id)),
            Some(_) => Err(Error::IdempotencyKeyReused(key.clone())),
            None => Ok(None),
        }
    }

    /// A run's state, as of now.
    ///
    /// # Errors
    /// [`Error::RunNotFound`] or the store's.
    pub async fn state(&self, run_id: &RunId) -> Result<RunState, Error> {
        if let Some(run) = self.services.active(run_id)
            && !run.is_broken()
        {
            return Ok(run.state.lock().clone());
        }
        self.services.load(run_id).await
    }

    /// Waits until a run has ended, at most `limit`, and gives its state then.
    ///
    /// # Errors
    /// [`Error::RunNotFound`] or the store's.
    pub async fn wait(&self, run_id: &RunId, limit: Duration) -> Result<RunState, Error> {
        let end = self.services.feed.next_end(run_id);
        // What this process holds may be ahead of what is stored; the end counts once it is stored.
        let active = self.services.active(run_id).filter(|run| !run.state.lock().status.is_terminal());
        if active.is_none() {
            let row = self.services.store.find_run(run_id).await?;
            if row.ok_or_else(|| Error::RunNotFound(run_id.clone()))?.status.is_terminal() {
                return self.state(run_id).await;
            }
        }
        let ended = tokio::time::timeout(limit, end).await.is_ok();
        match active {
            // Its end is stored, so what it was carried out with is what the log says.
            Some(run) if ended && !run.is_broken() && run.state.lock().status.is_terminal() => {
                Ok(run.state.lock().clone())
            }
            _ => self.state(run_id).await,
        }
    }

    /// Answers a gate. The answer is on disk when this returns.
    ///
    /// # Errors
    /// When there is no such gate, it is decided already, or its proposal is another than `digest`.
    pub async fn decide(&self, run_id: &RunId, decision: Decision) -> Result<(), Error> {
        let Decision { gate, verdict, feedback, digest, actor } = decision;
        self.services.request(run_id, &Input::Decide { gate, verdict, feedback, actor, digest }).await
    }

    /// Stops a run and its children. That it will stop is on disk when this returns; its worker
    /// stops the children first.
    ///
    /// # Errors
    /// When it has ended already.
    pub async fn cancel(&self, run_id: &RunId, actor: Actor) -> Result<(), Error> {
        self.services.request(run_id, &Input::RequestCancel { actor }).await
    }

    /// Has a run done again from `stage`, or from what failed; with `input`, on another input.
    ///
    /// # Errors
    /// When it is still being carried out or has no such stage.
    pub async fn retry(
        &self,
        run_id: &RunId,
        stage: Option<String>,
        input: Option<Value>,
        actor: Actor,
    ) -> Result<(), Error> {
        self.services.request(run_id, &Input::Rewind { stage, input, actor }).await
    }

    /// Makes a new run that has done what `run_id` had done when `after_step` ended, and goes on
    /// from there by itself.
    ///
    /// # Errors
    /// [`Error::StageNotFound`] when that step has no result.
    pub async fn fork(&self, run_id: &RunId, after_step: &str, actor: Actor) -> Result<RunId, Error> {
        let state = self.state(run_id).await?;
        let stage = || Error::StageNotFound { run_id: run_id.clone(), stage: after_step.to_owned() };
        let record = state.records.get(after_step).ok_or_else(stage)?;
        if events_of(after_step, &record.kind).is_empty() {
            return Err(stage());
        }
        let last = record.last_seq;
        let submitted = Submitted {
            workflow: state.workflow.clone(),
            version: state.version,
            title: state.title.clone(),
            input: state.input.clone(),
            actor: actor.to_string(),
            parent_id: None,
            forked_from: Some(run_id.clone()),
        };
        let mut events = vec![Event::from(submitted)];
        let mut done: Vec<_> = state.records.iter().filter(|(_, record)| record.last_seq <= last).collect();
        done.sort_by_key(|(_, record)| record.seq);
        events.extend(done.into_iter().flat_map(|(name, record)| events_of(name, &record.kind)));
        events.extend(state.artifacts.values().filter(|artifact| artifact.seq <= last).map(|artifact| {
            Event::from(ArtifactAdded {
                path: artifact.path.clone(),
                content_type: artifact.content_type.clone(),
                size: artifact.size,
                digest: artifact.digest.clone(),
            })
        }));
        self.services.create(events, None).await
    }
}

impl Services {
    /// Lets `input` happen to a run, wherever it is: in this process, elsewhere, or nowhere.
    async fn request(self: &Arc<Self>, run_id: &RunId, input: &Input) -> Result<(), Error> {
        for _ in 0..TRIES {
            let stored = match self.active(run_id) {
                Some(run) if !run.is_broken() => match run.append(input.clone()) {
                    Ok(stored) => stored.await,
                    Err(error) => Err(error),
                },
                _ => self.append_to_parked(run_id, input.clone()).await,
            };
            match stored {
                Ok(commands) => {
                    self.carry_out(commands);
                    return Ok(());
                }
                Err(Error::Conflict(_) | Error::Fenced(_)) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Err(Error::Conflict(run_id.clone()))
    }

    /// Has every child stop that the run has started and that has not ended.
    pub(crate) async fn stop_children(self: &Arc<Self>, run: &Arc<ActiveRun>) -> Result<(), Error> {
        let children: Vec<RunId> = run.state.lock().open_children().cloned().collect();
        if children.is_empty() {
            return Ok(());
        }
        // Stored after the children's first writes, so that they are there to be found.
        let message = "Stopping the runs that this one started".to_owned();
        let stopping = Log { level: LogLevel::Info, message, step: None };
        run.append(Input::Say(stopping.into()))?.await?;
        for child in &children {
            match Box::pin(self.request(child, &Input::RequestCancel { actor: Actor::System })).await {
                Ok(()) | Err(Error::WrongState { .. } | Error::RunNotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Stores a new run and, when there is a slot, begins to carry it out at once.
    async fn create(
        self: &Arc<Self>,
        events: Vec<Event>,
        idempotency: Option<(String, String)>,
    ) -> Result<RunId, Error> {
        if self.is_stopping() {
            return Err(Error::Stopping);
        }
        let now = self.clock.now();
        let run_id: RunId = self.ids.fresh();
        let slot = self.slots.clone().try_acquire_owned().ok();
        let owner = slot.as_ref().map(|_| (self.worker.clone(), now.plus(self.options.lease)));
        let mut state = RunState::new(run_id.clone());
        let write = machine::create(&mut state, events, now, idempotency, owner);
        self.store.commit(Commit { writes: vec![write], durability: Durability::Disk }).await?;
        match slot {
            Some(slot) => {
                let run = self.activate(state, 1);
                self.spawn(run, slot);
            }
            None => self.dispatch.notify_one(),
        }
        Ok(run_id)
    }

    async fn append_to_parked(&self, run_id: &RunId, input: Input) -> Result<Vec<Command>, Error> {
        let mut state = self.load(run_id).await?;
        let now = self.clock.now();
        let transition = machine::decide(&state, input, now)?;
        if transition.events.is_empty() {
            return Ok(transition.commands);
        }
        let lease = Lease { epoch: None, until: now };
        let write = machine::record(&mut state, transition.events, now, lease);
        self.store.commit(Commit { writes: vec![write], durability: transition.durability }).await?;
        // Whoever held the run has lost it, so it needs a worker whatever was asked.
        Ok([transition.commands, vec![Command::Dispatch]].concat())
    }
}

fn request_digest(submission: &Submission) -> String {
    let text = serde_json::json!([submission.workflow, submission.title, submission.input]).to_string();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// The events that say what `kind` says; none for a piece that has not ended.
fn events_of(name: &str, kind: &RecordKind) -> Vec<Event> {
    let name = name.to_owned();
    match kind {
        RecordKind::Step { attempts, started_at, progress: StepProgress::Completed(result) } => {
            let (started_at, result) = (*started_at, result.clone());
            vec![StepCompleted { step: name, attempt: *attempts, started_at, result }.into()]
        }
        RecordKind::Gate { opened, decided: Some((decided, _)) } => {
            vec![opened.clone().into(), decided.clone().into()]
        }
        RecordKind::Timer { due, fired: true } => {
            vec![TimerSet { timer: name.clone(), due: *due }.into(), TimerFired { timer: name }.into()]
        }
        RecordKind::Child { run_id, outcome: Some(outcome) } => {
            let (result, error) = match outcome.clone() {
                Ok(result) => (Some(result), None),
                Err(error) => (None, Some(error)),
            };
            let started = ChildStarted { child: name.clone(), run_id: run_id.clone() };
            vec![started.into(), ChildFinished { child: name, run_id: run_id.clone(), result, error }.into()]
        }
        _ => Vec::new(),
    }
}
