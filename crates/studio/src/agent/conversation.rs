//! The conversation of a session: its turns, as their runs recorded them.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::{Actor, Clock, RunId, SessionId, Timestamp};
use models::{Part, Usage};
use parking_lot::Mutex;
use runs::event::{GateDecided, GateOpened};
use runs::state::StepProgress;
use runs::{Engine, Failure, RecordKind, RunState, RunStore, Status, Submission};
use serde::de::DeserializeOwned;

use super::turn::{
    Applied, Begun, Check, End, NewTurn, Outcome, Prepared, Thought, TurnInput, Verified, WORKFLOW,
};
use crate::error::Error;
use crate::session::{SessionStore, TurnRow};
use crate::studio::Studio;

/// The longest text of a person, in bytes.
pub const TEXT_BYTES: usize = 64 << 10;
/// The most files that come with it, and the bytes of all.
pub const ATTACHMENTS: usize = 20;
/// See [`ATTACHMENTS`].
pub const ATTACHED_BYTES: usize = 512 << 10;

/// Where a turn stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnStatus {
    /// It goes on.
    Running,
    /// It waits for a person.
    Waiting,
    /// It has ended.
    Ended(Outcome),
}

/// One turn of a conversation, as far as it has come.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Its run.
    pub run_id: RunId,
    /// What it works on.
    pub input: TurnInput,
    /// Where it stands.
    pub status: TurnStatus,
    /// Why it ended so, where that is not plain.
    pub reason: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// The state of the files before it.
    pub checkpoint: Option<String>,
    /// What was said and done, in order.
    pub entries: Vec<Entry>,
    /// The files it changed.
    pub changed: Vec<String>,
    /// Whether what the model was told may not leave the machine, nor what it made of it.
    pub is_local: bool,
    /// What it consumed.
    pub usage: Usage,
    /// The provider and model that answered last.
    pub model: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Something that was said or done in a turn.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The model spoke, or wants tools used.
    Thought {
        /// What it said.
        parts: Vec<Part>,
        /// When.
        at: Timestamp,
    },
    /// A tool was used.
    Tool {
        /// The id of the call.
        call_id: String,
        /// Its name.
        name: String,
        /// What it answered.
        text: String,
        /// Whether it failed.
        is_error: bool,
        /// When.
        at: Timestamp,
    },
    /// A person decided at a gate.
    Decision {
        /// What they were asked.
        opened: GateOpened,
        /// What they said.
        decided: GateDecided,
    },
    /// What was changed was looked at.
    Verified {
        /// What was found.
        checks: Vec<Check>,
    },
}

impl Turn {
    /// Reads a turn from what its run recorded. `None` for a run of something else.
    pub(crate) fn read(state: &RunState) -> Option<Self> {
        let input: TurnInput = serde_json::from_value(state.input.clone()).ok()?;
        let mut turn = Self {
            run_id: state.run_id.clone(),
            status: status_of(state),
            reason: None,
            hint: None,
            checkpoint: None,
            entries: Vec::new(),
            changed: Vec::new(),
            is_local: false,
            usage: Usage::default(),
            model: None,
            started_at: state.created_at,
            ended_at: state.finished_at,
            input,
        };
        let mut prepared = HashMap::new();
        for (name, record) in &state.records {
            turn.take(name, &record.kind, record.updated_at, &mut prepared);
        }
        match &state.outcome {
            Some(Ok(result)) => {
                if let Ok(end) = serde_json::from_value::<End>(result.clone()) {
                    turn.status = TurnStatus::Ended(end.outcome);
                    turn.reason = end.reason;
                    turn.changed = end.changed;
                }
            }
            Some(Err(Failure { message, hint, .. })) => {
                turn.reason = Some(message.clone());
                turn.hint.clone_from(hint);
            }
            None => {}
        }
        Some(turn)
    }

    fn take(
        &mut self,
        name: &str,
        kind: &RecordKind,
        at: Timestamp,
        prepared: &mut HashMap<String, Prepared>,
    ) {
        let kind = match kind {
            RecordKind::Step { progress: StepProgress::Completed(result), .. } => result,
            RecordKind::Gate { opened, decided: Some((decided, _)), .. } => {
                self.entries.push(Entry::Decision { opened: opened.clone(), decided: decided.clone() });
                return;
            }
            _ => return,
        };
        let (sort, place) = name.split_once('-').unwrap_or((name, ""));
        match sort {
            "begin" => self.checkpoint = parsed::<Begun>(kind).map(|begun| begun.checkpoint),
            "context" => self.is_local = kind["is_local"].as_bool().unwrap_or_default(),
            "think" => {
                if let Some(thought) = parsed::<Thought>(kind) {
                    add(&mut self.usage, &thought.usage);
                    self.model = Some(format!("{}/{}", thought.provider, thought.model));
                    self.entries.push(Entry::Thought { parts: thought.parts, at });
                }
            }
            "use" => {
                if let Some(one) = parsed::<Prepared>(kind) {
                    if let Err(used) = &one.prepared {
                        self.entries.push(tool(&one, used.text.clone(), used.is_error, at));
                    }
                    prepared.insert(place.to_owned(), one);
                }
            }
            "tool" => {
                if let (Some(one), Some(applied)) = (prepared.get(place), parsed::<Applied>(kind)) {
                    if let Ok(super::ToolUse::Write { path, .. }) = &one.prepared
                        && !applied.used.is_error
                        && !self.changed.contains(path)
                    {
                        self.changed.push(path.clone());
                    }
                    self.entries.push(tool(one, applied.used.text, applied.used.is_error, at));
                }
            }
            "verify" => {
                if let Some(verified) = parsed::<Verified>(kind) {
                    self.entries.push(Entry::Verified { checks: verified.checks });
                }
            }
            _ => {}
        }
    }

    /// Whether something that somebody outside wrote came into it.
    pub(crate) fn has_fetched(&self) -> bool {
        self.entries.iter().any(|entry| match entry {
            Entry::Tool { name, is_error, .. } => {
                (name == "http_fetch" && !is_error) || super::tools::is_of_another_server(name)
            }
            _ => false,
        })
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.status, TurnStatus::Ended(_))
    }
}

fn tool(prepared: &Prepared, text: String, is_error: bool, at: Timestamp) -> Entry {
    let (call_id, name) = (prepared.call.id.clone(), prepared.call.name.clone());
    Entry::Tool { call_id, name, text, is_error, at }
}

fn parsed<T: DeserializeOwned>(result: &serde_json::Value) -> Option<T> {
    T::deserialize(result).ok()
}

fn status_of(state: &RunState) -> TurnStatus {
    match state.status {
        Status::Completed => TurnStatus::Ended(Outcome::Finished),
        Status::Failed => TurnStatus::Ended(Outcome::Failed),
        Status::Cancelled => TurnStatus::Ended(Outcome::Stopped),
        Status::WaitingApproval => TurnStatus::Waiting,
        Status::Queued | Status::Running | Status::Waiting => TurnStatus::Running,
    }
}

/// Adds up what was consumed.
pub(crate) fn add(sum: &mut Usage, one: &Usage) {
    sum.tokens_in += one.tokens_in;
    sum.tokens_out += one.tokens_out;
    sum.tokens_cached += one.tokens_cached;
    sum.tokens_thinking += one.tokens_thinking;
    sum.usd += one.usd;
    sum.estimated |= one.estimated;
}

/// Reads a turn as it is stored.
pub(crate) async fn load(store: &dyn RunStore, run_id: &RunId) -> Result<Option<Turn>, Error> {
    let (records, _) = store.load_structural(run_id).await.map_err(kernel::Error::from)?;
    Ok(RunState::fold(&records).and_then(|state| Turn::read(&state)))
}

/// The turns of sessions: takes what people say and makes runs of it.
#[derive(Clone)]
pub struct Turns {
    engine: Engine,
    studio: Arc<Studio>,
    store: Arc<dyn SessionStore>,
    clock: Arc<dyn Clock>,
    /// One is taken at a time, so that no session has two under way.
    taking: Arc<tokio::sync::Mutex<()>>,
    /// Turns that have ended, which do not change any more.
    ended: Arc<Mutex<HashMap<RunId, Arc<Turn>>>>,
}

impl Turns {
    /// Turns for an engine that knows [`super::TurnWorkflow`].
    pub fn new(
        engine: Engine,
        studio: Arc<Studio>,
        store: Arc<dyn SessionStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { engine, studio, store, clock, taking: Arc::default(), ended: Arc::default() }
    }

    /// Takes what a person says. The turn is on disk when this returns, and goes on by itself.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TurnRunning`], [`Error::TurnNotFound`] for one to be
    /// replaced, [`Error::MessageUnfit`].
    pub async fn submit(&self, new: NewTurn) -> Result<RunId, Error> {
        check(&new)?;
        let session = self.studio.find(&new.session).await?;
        let _one = self.taking.lock().await;
        let rows = self.store.list_turns(&new.session).await?;
        if let Some(last) = rows.last()
            && !self.turn(&last.run_id).await?.is_none_or(|turn| turn.has_ended())
        {
            return Err(Error::TurnRunning { run_id: last.run_id.clone() });
        }
        if let Some(replaced) = &new.replaces
            && !rows.iter().any(|row| row.run_id == *replaced)
        {
            return Err(Error::TurnNotFound { id: Some(replaced.clone()) });
        }
        let title: String = new.text.lines().next().unwrap_or_default().chars().take(120).collect();
        let input = TurnInput {
            session: new.session.clone(),
            text: new.text,
            attachments: new.attachments,
            model: new.model.or(session.model),
            policy: new.policy,
            limits: new.limits,
            replaces: new.replaces.clone(),
            actor: new.actor.to_string(),
        };
        let submission = Submission {
            workflow: WORKFLOW.into(),
            title,
            input: serde_json::to_value(&input).map_err(kernel::Error::internal)?,
            actor: new.actor,
            idempotency_key: None,
        };
        let run_id = self.engine.submit(submission).await.map_err(kernel::Error::from)?;
        let row = TurnRow { run_id: run_id.clone(), session: new.session, created_at: self.clock.now() };
        self.store.add_turn(&row, new.replaces.as_ref()).await?;
        Ok(run_id)
    }

    /// The turns of a session that stand, oldest first.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`].
    pub async fn list(&self, session: &SessionId) -> Result<Vec<Arc<Turn>>, Error> {
        self.studio.find(session).await?;
        let mut turns = Vec::new();
        for row in self.store.list_turns(session).await? {
            turns.extend(self.turn(&row.run_id).await?);
        }
        Ok(turns)
    }

    /// This turn of a session, or its newest. One that stands no more is found all the same.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`], [`Error::TurnNotFound`].
    pub async fn of_session(&self, session: &SessionId, wanted: Option<&RunId>) -> Result<RunId, Error> {
        match wanted {
            Some(id) => match self.turn(id).await?.filter(|turn| turn.input.session == *session) {
                Some(_) => Ok(id.clone()),
                None => Err(Error::TurnNotFound { id: Some(id.clone()) }),
            },
            None => self.newest(session).await?.ok_or(Error::TurnNotFound { id: None }),
        }
    }

    /// The newest turn of a session.
    ///
    /// # Errors
    /// [`Error::SessionNotFound`].
    pub async fn newest(&self, session: &SessionId) -> Result<Option<RunId>, Error> {
        self.studio.find(session).await?;
        Ok(self.store.list_turns(session).await?.pop().map(|row| row.run_id))
    }

    /// Stops the turn of a session that is under way, if one is.
    ///
    /// # Errors
    /// When it cannot be stopped.
    pub async fn stop(&self, session: &SessionId, actor: Actor) -> Result<(), Error> {
        let Some(last) = self.newest(session).await? else { return Ok(()) };
        if self.turn(&last).await?.is_some_and(|turn| !turn.has_ended()) {
            self.engine.cancel(&last, actor).await.map_err(kernel::Error::from)?;
        }
        Ok(())
    }

    async fn turn(&self, run_id: &RunId) -> Result<Option<Arc<Turn>>, Error> {
        if let Some(turn) = self.ended.lock().get(run_id) {
            return Ok(Some(turn.clone()));
        }
        let state = match self.engine.state(run_id).await {
            Err(runs::Error::RunNotFound(_)) => return Ok(None),
            state => state.map_err(kernel::Error::from)?,
        };
        let turn = Turn::read(&state).map(Arc::new);
        // One that failed can be taken up again.
        let lasts = matches!(state.status, Status::Completed | Status::Cancelled);
        if let Some(turn) = turn.as_ref().filter(|_| lasts) {
            let mut ended = self.ended.lock();
            if ended.len() > 1_000 {
                ended.clear();
            }
            ended.insert(run_id.clone(), turn.clone());
        }
        Ok(turn)
    }
}

fn check(new: &NewTurn) -> Result<(), Error> {
    let attached: usize = new.attachments.iter().map(|file| file.content.len()).sum();
    let reason = if new.text.trim().is_empty() {
        "it is empty".to_owned()
    } else if new.text.len() > TEXT_BYTES {
        format!("it is longer than {} KiB; attach long texts as files", TEXT_BYTES >> 10)
    } else if new.attachments.len() > ATTACHMENTS || attached > ATTACHED_BYTES {
        format!("it has more than {ATTACHMENTS} files, or more than {} KiB in them", ATTACHED_BYTES >> 10)
    } else {
        return Ok(());
    };
    Err(Error::MessageUnfit { reason })
}
