//! What is known of a run: the fold of its log.
//!
//! Invariant: [`RunState::apply`] is total and depends on nothing but the state and the event, so
//! two processes that read the same log hold the same state.

use kernel::{RunId, Timestamp};
use serde_json::Value;

use crate::event::{Event, EventRecord, Failure, GateDecided, GateOpened, Verdict};

/// In the order of insertion; hashed by what keeps names chosen from outside from colliding, and
/// little more, since every step asks.
type IndexMap<K, V> = indexmap::IndexMap<K, V, foldhash::fast::RandomState>;

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits for a worker.
    #[default]
    Queued,
    /// A worker carries it out.
    Running,
    /// It sleeps until a timer, a retry or a child run.
    Waiting,
    /// It waits for a person.
    WaitingApproval,
    /// It reached its end.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Running,
        Self::Waiting,
        Self::WaitingApproval,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// The status as stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::WaitingApproval => "waiting_approval",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens unless someone asks for it.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl std::str::FromStr for Status {
    type Err = kernel::Error;

    fn from_str(text: &str) -> kernel::Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|status| status.as_str()).collect();
            kernel::Error::invalid("unknown_status", format!("`{text}` is not a run status"))
                .with_hint(format!("Use one of {}", known.join(", ")))
        })
    }
}

/// What the log says of one named piece of the workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The sequence number of the record's first event.
    pub seq: u64,
    /// The sequence number of its last event.
    pub last_seq: u64,
    /// When that was.
    pub at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// What sort of piece it is and how far it came.
    pub kind: RecordKind,
}

impl Record {
    fn has_failed(&self) -> bool {
        match &self.kind {
            RecordKind::Step { progress: StepProgress::Failed(_, retry_at), .. } => retry_at.is_none(),
            RecordKind::Gate { decided: Some((decided, _)), .. } => decided.decision == Verdict::Reject,
            RecordKind::Child { outcome: Some(outcome), .. } => outcome.is_err(),
            _ => false,
        }
    }

    /// Whether a retry of what failed leaves it as it is. A child that is still at work is not
    /// started a second time.
    fn stands(&self) -> bool {
        match &self.kind {
            RecordKind::Step { progress, .. } => matches!(progress, StepProgress::Completed(_)),
            RecordKind::Gate { decided, .. } => decided.is_some() && !self.has_failed(),
            RecordKind::Timer { fired, .. } => *fired,
            RecordKind::Child { outcome, .. } => !matches!(outcome, Some(Err(_))),
        }
    }
}

/// The sorts of named pieces a workflow is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum RecordKind {
    /// A step.
    Step {
        /// How often its body was begun, as far as the log tells.
        attempts: u32,
        /// When the attempt that ended, or runs, was begun.
        started_at: Timestamp,
        /// How far it came.
        progress: StepProgress,
    },
    /// A question to a person.
    Gate {
        /// What was asked.
        opened: GateOpened,
        /// The answer, and when it was given.
        decided: Option<(GateDecided, Timestamp)>,
    },
    /// A sleep.
    Timer {
        /// Until when.
        due: Timestamp,
        /// Whether it is over.
        fired: bool,
    },
    /// A run of its own.
    Child {
        /// The child.
        run_id: RunId,
        /// How it ended.
        outcome: Option<Result<Value, Failure>>,
    },
}

/// How far a step came.
#[derive(Clone, Debug, PartialEq)]
pub enum StepProgress {
    /// Its body was begun.
    Running,
    /// It has its result.
    Completed(Value),
    /// Its last attempt failed; with a time, another one follows then.
    Failed(Failure, Option<Timestamp>),
}

/// A file the run produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its path, relative, with `/`.
    pub path: String,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 digest of its content, in hex; blobs are stored under it.
    pub digest: String,
    /// The sequence number of the event that added it.
    pub seq: u64,
    /// When it was added.
    pub created_at: Timestamp,
}

/// The fold of a run's log.
#[derive(Clone, Debug, PartialEq)]
pub struct RunState {
    /// The run.
    pub run_id: RunId,
    /// The sequence number of the last event that was applied; 0 before the first.
    pub last_seq: u64,
    /// Where it stands.
    pub status: Status,
    /// The workflow that carries it out.
    pub workflow: String,
    /// The workflow's version when the run was submitted.
    pub version: u32,
    /// What it is called on screen.
    pub title: String,
    /// What it works on.
    pub input: Value,
    /// Who submitted it.
    pub actor: String,
    /// The run it is a child of.
    pub parent_id: Option<RunId>,
    /// The run it was forked from.
    pub forked_from: Option<RunId>,
    /// The lease epoch of the last worker that took it up.
    pub epoch: u64,
    /// What is recorded, by name, in the order it first appeared.
    pub records: IndexMap<String, Record>,
    /// The artifacts, by path.
    pub artifacts: IndexMap<String, Artifact>,
    /// Until when it sleeps, if it waits for a time.
    pub wake_at: Option<Timestamp>,
    /// Whether someone asked it to stop.
    pub cancel_requested: bool,
    /// How it ended.
    pub outcome: Option<Result<Value, Failure>>,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl RunState {
    /// A run of which nothing is known yet.
    pub fn new(run_id: RunId) -> Self {
        Self {
            run_id,
            last_seq: 0,
            status: Status::Queued,
            workflow: String::new(),
            version: 0,
            title: String::new(),
            input: Value::Null,
            actor: String::new(),
            parent_id: None,
            forked_from: None,
            epoch: 0,
            records: IndexMap::default(),
            artifacts: IndexMap::default(),
            wake_at: None,
            cancel_requested: false,
            outcome: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            finished_at: None,
        }
    }

    /// The fold of `records`; `None` if there are none.
    pub fn fold<'a>(records: impl IntoIterator<Item = &'a EventRecord>) -> Option<Self> {
        let mut records = records.into_iter();
        let first = records.next()?;
        let mut state = Self::new(first.run_id().clone());
        state.apply(first);
        records.for_each(|record| state.apply(record));
        Some(state)
    }

    /// The gates that wait for an answer.
    pub fn open_gates(&self) -> impl Iterator<Item = &GateOpened> {
        self.records.values().filter_map(|record| match &record.kind {
            RecordKind::Gate { opened, decided: None } => Some(opened),
            _ => None,
        })
    }

    /// The runs it has started that have not ended, as far as it knows.
    pub fn open_children(&self) -> impl Iterator<Item = &RunId> {
        self.records.values().filter_map(|record| match &record.kind {
            RecordKind::Child { run_id, outcome: None } => Some(run_id),
            _ => None,
        })
    }

    /// Takes in the next event of the log.
    pub fn apply(&mut self, record: &EventRecord) {
        let (seq, at) = (record.seq(), record.at());
        match record.event() {
            Event::Submitted(e) => {
                self.workflow.clone_from(&e.workflow);
                self.version = e.version;
                self.title.clone_from(&e.title);
                self.input.clone_from(&e.input);
                self.actor.clone_from(&e.actor);
                self.parent_id.clone_from(&e.parent_id);
                self.forked_from.clone_from(&e.forked_from);
                self.created_at = at;
            }
            Event::Started(e) => self.take_up(e.epoch),
            Event::Resumed(e) => self.take_up(e.epoch),
            Event::Waiting(e) => {
                self.wake_at = e.due;
                let person = e.on.iter().any(|name| matches!(self.kind(name), Some(RecordKind::Gate { .. })));
                self.status = if person { Status::WaitingApproval } else { Status::Waiting };
            }
            Event::ArtifactAdded(e) => {
                let artifact = Artifact {
                    path: e.path.clone(),
                    content_type: e.content_type.clone(),
                    size: e.size,
                    digest: e.digest.clone(),
                    seq,
                    created_at: at,
                };
                self.artifacts.insert(e.path.clone(), artifact);
            }
            Event::CancelRequested(_) => {
                self.cancel_requested = true;
                self.queue_if_waiting();
            }
            Event::Rewound(e) => {
                self.rewind(e.stage.as_deref());
                if let Some(input) = &e.input {
                    self.input.clone_from(input);
                }
            }
            Event::Completed(e) => self.finish(Status::Completed, Ok(e.result.clone()), at),
            Event::Failed(e) => self.finish(Status::Failed, Err(e.error.clone()), at),
            Event::Cancelled(_) => {
                let failure = Failure::new("cancelled", "The run was cancelled");
                self.finish(Status::Cancelled, Err(failure), at);
            }
            Event::Said { .. } | Event::Log(_) => {}
            piece => self.apply_to_record(piece, seq, at),
        }
        self.last_seq = seq;
        self.updated_at = at;
    }

    fn apply_to_record(&mut self, event: &Event, seq: u64, at: Timestamp) {
        let step = |attempts, started_at, progress| RecordKind::Step { attempts, started_at, progress };
        let (name, kind) = match event {
            Event::StepStarted(e) => (&e.step, step(e.attempt, at, StepProgress::Running)),
            Event::StepCompleted(e) => {
                (&e.step, step(e.attempt, e.started_at, StepProgress::Completed(e.result.clone())))
            }
            Event::StepFailed(e) => {
                let started_at = match self.kind(&e.step) {
                    Some(RecordKind::Step { started_at, progress: StepProgress::Running, .. }) => *started_at,
                    _ => at,
                };
                (&e.step, step(e.attempt, started_at, StepProgress::Failed(e.error.clone(), e.retry_at)))
            }
            Event::GateOpened(e) => (&e.gate, RecordKind::Gate { opened: e.clone(), decided: None }),
            Event::GateDecided(e) => {
                if let Some(RecordKind::Gate { decided, .. }) = self.kind_mut(&e.gate, seq, at) {
                    *decided = Some((e.clone(), at));
                }
                return self.queue_if_waiting();
            }
            Event::TimerSet(e) => (&e.timer, RecordKind::Timer { due: e.due, fired: false }),
            Event::TimerFired(e) => {
                if let Some(RecordKind::Timer { fired, .. }) = self.kind_mut(&e.timer, seq, at) {
                    *fired = true;
                }
                return;
            }
            Event::ChildStarted(e) => {
                (&e.child, RecordKind::Child { run_id: e.run_id.clone(), outcome: None })
            }
            Event::ChildFinished(e) => {
                if let Some(RecordKind::Child { outcome, .. }) = self.kind_mut(&e.child, seq, at) {
                    *outcome = Some(match (&e.result, &e.error) {
                        (_, Some(error)) => Err(error.clone()),
                        (result, None) => Ok(result.clone().unwrap_or(Value::Null)),
                    });
                }
                return;
            }
            other => unreachable!("`{}` is no piece of a workflow", other.kind()),
        };
        match self.records.get_mut(name) {
            Some(record) => {
                record.kind = kind;
                record.last_seq = seq;
                record.updated_at = at;
            }
            None => {
                self.records.insert(name.clone(), Record { seq, last_seq: seq, at, updated_at: at, kind });
            }
        }
    }

    fn kind(&self, name: &str) -> Option<&RecordKind> {
        self.records.get(name).map(|record| &record.kind)
    }

    fn kind_mut(&mut self, name: &str, seq: u64, at: Timestamp) -> Option<&mut RecordKind> {
        let record = self.records.get_mut(name)?;
        record.last_seq = seq;
        record.updated_at = at;
        Some(&mut record.kind)
    }

    fn take_up(&mut self, epoch: u64) {
        self.epoch = epoch;
        self.status = Status::Running;
        self.wake_at = None;
    }

    fn queue_if_waiting(&mut self) {
        if matches!(self.status, Status::Waiting | Status::WaitingApproval) {
            self.status = Status::Queued;
            self.wake_at = None;
        }
    }

    /// Forgets what was recorded from `stage` on; without one, whatever did not succeed and all that
    /// was begun after the first failure.
    fn rewind(&mut self, stage: Option<&str>) {
        let from = match stage.and_then(|stage| self.records.get(stage)) {
            Some(record) => record.seq,
            None => self
                .records
                .values()
                .filter(|record| record.has_failed())
                .map(|r| r.last_seq)
                .min()
                .unwrap_or(u64::MAX),
        };
        self.records.retain(|_, record| record.seq < from && (stage.is_some() || record.stands()));
        self.status = Status::Queued;
        self.wake_at = None;
        self.cancel_requested = false;
        self.outcome = None;
        self.finished_at = None;
    }

    fn finish(&mut self, status: Status, outcome: Result<Value, Failure>, at: Timestamp) {
        self.status = status;
        self.outcome = Some(outcome);
        self.finished_at = Some(at);
        self.wake_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{
        CancelRequested, ChildFinished, ChildStarted, Completed, Failed, Rewound, Started, StepCompleted,
        StepFailed, StepStarted, TimerFired, TimerSet, Waiting,
    };
    use serde_json::json;

    fn fold(events: Vec<Event>) -> RunState {
        let run_id: RunId = "run_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
        let numbered = events.into_iter().zip(1_u32..);
        let records: Vec<_> = numbered
            .map(|(event, seq)| {
                EventRecord::new(run_id.clone(), seq.into(), Timestamp(i64::from(seq) * 10), event)
            })
            .collect();
        RunState::fold(&records).unwrap()
    }

    fn completed(step: &str) -> Event {
        let (attempt, started_at, result) = (1, Timestamp(0), json!(step));
        Event::from(StepCompleted { step: step.into(), attempt, started_at, result })
    }

    fn failed(step: &str, retry_at: Option<Timestamp>) -> Event {
        Event::from(StepFailed { step: step.into(), attempt: 1, error: Failure::new("no", "No"), retry_at })
    }

    fn gate(name: &str, verdict: Option<Verdict>) -> Vec<Event> {
        let opened = Event::from(GateOpened {
            gate: name.into(),
            title: String::new(),
            detail: String::new(),
            proposal: json!(null),
            digest: "d".into(),
        });
        let decided = verdict.map(|decision| {
            let (feedback, actor, digest) = (None, "owner".into(), "d".into());
            Event::from(GateDecided { gate: name.into(), decision, feedback, actor, digest })
        });
        [Some(opened), decided].into_iter().flatten().collect()
    }

    fn child(name: &str, end: Option<Result<Value, Failure>>) -> Vec<Event> {
        let run_id: RunId = "run_01hv5k3m9x7q2w8e4r6c".parse().unwrap();
        let started = Event::from(ChildStarted { child: name.into(), run_id: run_id.clone() });
        let finished = end.map(|end| {
            let (result, error) = (end.clone().ok(), end.err());
            Event::from(ChildFinished { child: name.into(), run_id, result, error })
        });
        [Some(started), finished].into_iter().flatten().collect()
    }

    /// The names that are left after a retry of what failed.
    #[track_caller]
    fn check_rewind(events: Vec<Event>, stage: Option<&str>, left: &[&str]) {
        let end = Event::from(Failed { error: Failure::new("no", "No") });
        let rewound =
            Event::from(Rewound { stage: stage.map(str::to_owned), actor: "owner".into(), input: None });
        let state = fold([events, vec![end, rewound]].concat());
        assert_eq!(state.records.keys().collect::<Vec<_>>(), left);
        assert_eq!((state.status, state.outcome, state.finished_at), (Status::Queued, None, None));
    }

    #[test]
    fn a_retry_keeps_what_stands() {
        check_rewind(vec![completed("a"), failed("b", None)], None, &["a"]);
        check_rewind(vec![completed("a"), failed("b", Some(Timestamp(9)))], None, &["a"]);
        check_rewind(
            [gate("g", Some(Verdict::Approve)), gate("h", Some(Verdict::Reject))].concat(),
            None,
            &["g"],
        );
        check_rewind([gate("g", Some(Verdict::Skip)), gate("h", None)].concat(), None, &["g"]);
        let ends = [Some(Ok(json!(1))), None, Some(Err(Failure::new("no", "No")))];
        let children = ["done", "at work", "failed"].into_iter().zip(ends);
        check_rewind(children.flat_map(|(name, end)| child(name, end)).collect(), None, &["done", "at work"]);
        let timers = vec![
            TimerSet { timer: "past".into(), due: Timestamp(1) }.into(),
            TimerFired { timer: "past".into() }.into(),
            TimerSet { timer: "to come".into(), due: Timestamp(99) }.into(),
        ];
        check_rewind(timers, None, &["past"]);
        check_rewind(vec![completed("a"), completed("b"), completed("c")], Some("b"), &["a"]);
    }

    #[test]
    fn a_failure_that_was_handled_is_tried_again_with_what_followed_from_it() {
        check_rewind(
            vec![completed("a"), failed("b", None), completed("instead"), failed("c", None)],
            None,
            &["a"],
        );
    }

    #[test]
    fn a_wait_for_a_person_shows_as_such() {
        let wait = |on: &[&str]| {
            Event::from(Waiting { on: on.iter().map(|name| (*name).into()).collect(), due: None })
        };
        let open = gate("g", None);
        assert_eq!(fold([open.clone(), vec![wait(&["g", "t"])]].concat()).status, Status::WaitingApproval);
        assert_eq!(fold([open.clone(), vec![wait(&["t"])]].concat()).status, Status::Waiting);
        let answered = [open, vec![wait(&["g"])], gate("g", Some(Verdict::Skip)).split_off(1)].concat();
        assert_eq!(fold(answered).status, Status::Queued);
        let stopping = Event::from(CancelRequested { actor: "owner".into() });
        assert_eq!(fold(vec![Started { epoch: 1 }.into(), stopping.clone()]).status, Status::Running);
        assert_eq!(fold(vec![wait(&["t"]), stopping]).status, Status::Queued);
    }

    #[test]
    fn a_step_keeps_when_it_began_and_how_often() {
        let started = StepStarted { step: "a".into(), attempt: 2 }.into();
        let state = fold(vec![started, failed("a", None), Completed { result: json!(1) }.into()]);
        let record = &state.records["a"];
        assert_eq!(
            (record.seq, record.last_seq, record.at, record.updated_at),
            (1, 2, Timestamp(10), Timestamp(20))
        );
        assert!(matches!(record.kind, RecordKind::Step { started_at: Timestamp(10), .. }), "{record:?}");
        assert_eq!((state.outcome, state.finished_at), (Some(Ok(json!(1))), Some(Timestamp(30))));
    }
}
