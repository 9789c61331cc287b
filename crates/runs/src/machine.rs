//! The pure core: what may happen to a run in the state it is in, and what follows from it.
//!
//! [`decide`] turns an input into the events to append and the commands to carry out; [`record`]
//! numbers the events, folds them into the state and says what the store has to write. Neither
//! reads a clock nor does IO, so a seeded simulation can drive them through every crash.

use kernel::{Actor, RunId, Timestamp, WorkerId};
use serde_json::Value;

use crate::error::Error;
use crate::event::{
    CancelRequested, Cancelled, ChildFinished, ChildStarted, Completed, Event, EventRecord, Failed, Failure,
    GateDecided, GateOpened, Resumed, Rewound, Started, StepCompleted, StepFailed, Submitted, TimerFired,
    TimerSet, Verdict, Waiting,
};
use crate::state::{Record, RecordKind, RunState, Status, StepProgress};
use crate::store::{Durability, NewRun, RowChange, RowState, RunWrite};

/// Something that happens to a run.
#[derive(Clone, Debug)]
pub enum Input {
    /// Someone submits it.
    Submit(Submitted),
    /// A worker takes it up, at a new lease epoch.
    TakeUp {
        /// The epoch.
        epoch: u64,
    },
    /// A step has its result.
    StepCompleted(StepCompleted, Durability),
    /// An attempt at a step failed.
    StepFailed(StepFailed),
    /// The workflow asks a person.
    OpenGate(GateOpened),
    /// The person answers.
    Decide {
        /// The gate; may be left out when only one is open.
        gate: Option<String>,
        /// The answer.
        verdict: Verdict,
        /// What the person says to it.
        feedback: Option<String>,
        /// Who answers.
        actor: Actor,
        /// The digest of the proposal the person saw.
        digest: Option<String>,
    },
    /// The workflow wants to sleep.
    SetTimer(TimerSet),
    /// A timer's moment has come.
    FireTimer(TimerFired),
    /// The workflow starts a run of its own.
    StartChild(ChildStarted),
    /// That run ended.
    ChildFinished(ChildFinished),
    /// Nothing can go on until one of `on` is answered or `due` has come.
    Park {
        /// The names of what is waited for.
        on: Vec<String>,
        /// The earliest time among them.
        due: Option<Timestamp>,
    },
    /// The workflow says something that changes no record.
    Say(Event),
    /// Someone wants it to stop.
    RequestCancel {
        /// Who.
        actor: Actor,
    },
    /// The worker has stopped it.
    Stop,
    /// Someone wants it done again from a stage; without one, from what failed.
    Rewind {
        /// The first stage to do again.
        stage: Option<String>,
        /// Another input to do it with.
        input: Option<Value>,
        /// Who.
        actor: Actor,
    },
    /// The workflow returned.
    Finish(Result<Value, Failure>),
}

impl Input {
    /// Whether it comes from the workflow, which only says something while the run is carried out.
    fn is_of_the_workflow(&self) -> bool {
        match self {
            Self::Submit(_) | Self::TakeUp { .. } | Self::Decide { .. } => false,
            Self::Park { .. } | Self::RequestCancel { .. } | Self::Rewind { .. } => false,
            Self::StepCompleted(..) | Self::StepFailed(_) | Self::OpenGate(_) | Self::SetTimer(_) => true,
            Self::FireTimer(_) | Self::StartChild(_) | Self::ChildFinished(_) | Self::Say(_) => true,
            Self::Stop | Self::Finish(_) => true,
        }
    }
}

/// What the engine has to do beside storing the events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Find the run a worker.
    Dispatch,
    /// Look at the run again then.
    WakeAt(Timestamp),
    /// End the workflow that carries the run out.
    Stop,
    /// Tell the parent that this run ended.
    WakeParent(RunId),
}

/// What follows from an input.
#[derive(Clone, Debug, Default)]
pub struct Transition {
    /// The events to append.
    pub events: Vec<Event>,
    /// How safe they must be before anyone is told.
    pub durability: Durability,
    /// What else to do.
    pub commands: Vec<Command>,
}

impl Transition {
    fn nothing() -> Self {
        Self::default()
    }

    fn lazily(event: impl Into<Event>) -> Self {
        Self { events: vec![event.into()], ..Self::default() }
    }

    fn on_disk(event: impl Into<Event>) -> Self {
        Self { events: vec![event.into()], durability: Durability::Disk, commands: Vec::new() }
    }

    fn and(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }
}

/// What follows when `input` happens to a run in `state`.
///
/// # Errors
/// When it cannot happen: the state does not allow it, or it names something that is not there.
pub fn decide(state: &RunState, input: Input, now: Timestamp) -> Result<Transition, Error> {
    if input.is_of_the_workflow() && state.status != Status::Running {
        let problem = "its workflow has nothing to say now";
        return Err(Error::WrongState {
            run_id: state.run_id.clone(),
            status: state.status.as_str(),
            problem,
        });
    }
    match input {
        Input::Submit(submitted) => Ok(Transition::on_disk(submitted).and(Command::Dispatch)),
        Input::TakeUp { epoch } => take_up(state, epoch, now),
        Input::StepCompleted(step, durability) => {
            if matches!(step_progress(state, &step.step), Some(StepProgress::Completed(_))) {
                return Err(Error::Conflict(state.run_id.clone()));
            }
            Ok(Transition { durability, ..Transition::lazily(step) })
        }
        Input::StepFailed(step) => Ok(Transition::lazily(step)),
        Input::OpenGate(gate) => Ok(open_gate(state, gate)),
        Input::Decide { gate, verdict, feedback, actor, digest } => {
            let opened = find_gate(state, gate.as_deref(), digest.as_deref())?;
            let decided = GateDecided {
                gate: opened.gate.clone(),
                decision: verdict,
                feedback,
                actor: actor.to_string(),
                digest: opened.digest.clone(),
            };
            Ok(Transition::on_disk(decided).and(Command::Dispatch))
        }
        Input::SetTimer(timer) => Ok(Transition::lazily(timer)),
        Input::FireTimer(timer) => Ok(Transition::lazily(timer)),
        Input::StartChild(child) => Ok(Transition::on_disk(child).and(Command::Dispatch)),
        Input::ChildFinished(child) => Ok(Transition::lazily(child)),
        Input::Park { on, due } => Ok(park(state, on, due)),
        Input::Say(event) => Ok(Transition::lazily(event)),
        Input::RequestCancel { actor } => request_cancel(state, &actor),
        Input::Stop => Ok(finished(state, Cancelled {})),
        Input::Rewind { stage, input, actor } => rewind(state, stage, input, &actor),
        // The promise to stop was given first.
        Input::Finish(_) if state.cancel_requested => Ok(finished(state, Cancelled {})),
        Input::Finish(Ok(result)) => Ok(finished(state, Completed { result })),
        Input::Finish(Err(error)) => Ok(finished(state, Failed { error })),
    }
}

fn step_progress<'a>(state: &'a RunState, step: &str) -> Option<&'a StepProgress> {
    match &state.records.get(step)?.kind {
        RecordKind::Step { progress, .. } => Some(progress),
        _ => None,
    }
}

fn take_up(state: &RunState, epoch: u64, now: Timestamp) -> Result<Transition, Error> {
    if state.status.is_terminal() {
        let problem = "there is nothing to carry out";
        return Err(Error::WrongState {
            run_id: state.run_id.clone(),
            status: state.status.as_str(),
            problem,
        });
    }
    let first: Event = if state.epoch == 0 { Started { epoch }.into() } else { Resumed { epoch }.into() };
    let due = state.records.iter().filter_map(|(name, record)| match record.kind {
        RecordKind::Timer { due, fired: false } if due <= now => {
            Some(Event::from(TimerFired { timer: name.clone() }))
        }
        _ => None,
    });
    let mut transition = Transition { events: vec![first], ..Transition::default() };
    transition.events.extend(due);
    if state.cancel_requested {
        transition.commands.push(Command::Stop);
    }
    Ok(transition)
}

fn open_gate(state: &RunState, gate: GateOpened) -> Transition {
    match state.records.get(&gate.gate).map(|record| &record.kind) {
        Some(RecordKind::Gate { opened, decided: None }) if opened.digest == gate.digest => {
            Transition::nothing()
        }
        _ => Transition::lazily(gate),
    }
}

fn find_gate<'a>(
    state: &'a RunState,
    gate: Option<&str>,
    digest: Option<&str>,
) -> Result<&'a GateOpened, Error> {
    let run_id = || state.run_id.clone();
    if state.status.is_terminal() {
        let problem = "nothing waits for a decision";
        return Err(Error::WrongState { run_id: run_id(), status: state.status.as_str(), problem });
    }
    let opened = match gate {
        Some(name) => match state.records.get(name).map(|record| &record.kind) {
            Some(RecordKind::Gate { opened, decided: None }) => opened,
            Some(RecordKind::Gate { .. }) => return Err(Error::GateDecided { gate: name.to_owned() }),
            _ => return Err(Error::GateNotFound { run_id: run_id(), gate: name.to_owned() }),
        },
        None => {
            let mut open = state.open_gates();
            match (open.next(), open.count()) {
                (Some(opened), 0) => opened,
                (Some(_), more) => return Err(Error::GateAmbiguous { run_id: run_id(), open: more + 1 }),
                (None, _) => {
                    let problem = "nothing waits for a decision";
                    return Err(Error::WrongState {
                        run_id: run_id(),
                        status: state.status.as_str(),
                        problem,
                    });
                }
            }
        }
    };
    match digest {
        Some(digest) if digest != opened.digest => Err(Error::DigestMismatch { gate: opened.gate.clone() }),
        _ => Ok(opened),
    }
}

fn park(state: &RunState, on: Vec<String>, due: Option<Timestamp>) -> Transition {
    let answered = on.iter().any(|name| match state.records.get(name).map(|record| &record.kind) {
        Some(RecordKind::Gate { decided, .. }) => decided.is_some(),
        Some(RecordKind::Timer { fired, .. }) => *fired,
        Some(RecordKind::Child { outcome, .. }) => outcome.is_some(),
        Some(RecordKind::Step { .. }) | None => false,
    });
    if answered || state.cancel_requested || state.status != Status::Running {
        return Transition::nothing();
    }
    // A child that ended meanwhile has made the run due already, and found it at work.
    let child =
        on.iter().any(|name| matches!(state.records.get(name), Some(record) if is_open_child(record)));
    let transition = Transition::lazily(Waiting { on, due });
    match due {
        Some(due) => transition.and(Command::WakeAt(due)),
        None if child => transition.and(Command::Dispatch),
        None => transition,
    }
}

fn request_cancel(state: &RunState, actor: &Actor) -> Result<Transition, Error> {
    if state.status.is_terminal() {
        let problem = "there is nothing to cancel";
        return Err(Error::WrongState {
            run_id: state.run_id.clone(),
            status: state.status.as_str(),
            problem,
        });
    }
    if state.cancel_requested {
        return Ok(Transition::nothing());
    }
    let transition = Transition::on_disk(CancelRequested { actor: actor.to_string() });
    if state.status == Status::Running {
        return Ok(transition.and(Command::Stop));
    }
    if state.records.values().any(is_open_child) {
        // A worker stops the children before the run itself ends, so that a crash leaves none behind.
        return Ok(transition.and(Command::Dispatch));
    }
    let end = finished(state, Cancelled {});
    Ok(Transition { events: [transition.events, end.events].concat(), ..end })
}

fn is_open_child(record: &Record) -> bool {
    matches!(record.kind, RecordKind::Child { outcome: None, .. })
}

fn rewind(
    state: &RunState,
    stage: Option<String>,
    input: Option<Value>,
    actor: &Actor,
) -> Result<Transition, Error> {
    let run_id = || state.run_id.clone();
    let may = state.status.is_terminal() || state.status == Status::WaitingApproval;
    if !may {
        let problem = "cancel it before it is retried";
        return Err(Error::WrongState { run_id: run_id(), status: state.status.as_str(), problem });
    }
    if stage.is_none() && state.status == Status::Completed && input.is_none() {
        let problem = "name the stage to start again from";
        return Err(Error::WrongState { run_id: run_id(), status: state.status.as_str(), problem });
    }
    // A changed input makes every recorded result questionable, unless the caller says from where on.
    let stage = match (stage, &input) {
        (Some(stage), _) if !state.records.contains_key(&stage) => {
            return Err(Error::StageNotFound { run_id: run_id(), stage });
        }
        (None, Some(_)) => state.records.keys().next().cloned(),
        (stage, _) => stage,
    };
    Ok(Transition::on_disk(Rewound { stage, actor: actor.to_string(), input }).and(Command::Dispatch))
}

fn finished(state: &RunState, event: impl Into<Event>) -> Transition {
    let transition = Transition::on_disk(event);
    match &state.parent_id {
        Some(parent) => transition.and(Command::WakeParent(parent.clone())),
        None => transition,
    }
}

/// Who writes, and for how long it may.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    /// The epoch of the lease, when the writer holds one.
    pub epoch: Option<u64>,
    /// Until when the run is the writer's; a writer without a lease leaves the run due at once.
    pub until: Timestamp,
}

/// Numbers `events`, folds them into `state` and gives what the store has to write.
pub fn record(state: &mut RunState, events: Vec<Event>, now: Timestamp, lease: Lease) -> RunWrite {
    let listed = |state: &RunState| (state.status, state.wake_at, state.open_gates().count());
    // A writer without a lease ends the one there is, so the row must say when the run is due.
    let before = match lease.epoch {
        Some(_) if events.iter().all(is_progress) => None,
        _ => Some(listed(state)),
    };
    let mut records = Vec::with_capacity(events.len());
    for event in events {
        let record = EventRecord::new(state.run_id.clone(), state.last_seq + 1, now, event);
        state.apply(&record);
        records.push(record);
    }
    let changed = before.is_some_and(|before| lease.epoch.is_none() || before != listed(state));
    let row = changed.then(|| RowChange::Update(row_state(state, lease.until)));
    RunWrite { run_id: state.run_id.clone(), epoch: lease.epoch, events: records, row }
}

/// Whether the event leaves the run's row as it is.
fn is_progress(event: &Event) -> bool {
    matches!(
        event,
        Event::StepStarted(_)
            | Event::StepCompleted(_)
            | Event::StepFailed(_)
            | Event::ArtifactAdded(_)
            | Event::Log(_)
            | Event::Said { .. }
    )
}

/// The first write of a run: its row and its first events. With `owner`, that worker holds it from
/// the start.
pub fn create(
    state: &mut RunState,
    mut events: Vec<Event>,
    now: Timestamp,
    idempotency: Option<(String, String)>,
    owner: Option<(WorkerId, Timestamp)>,
) -> RunWrite {
    if owner.is_some() {
        events.push(Started { epoch: 1 }.into());
    }
    let until = owner.as_ref().map_or(now, |(_, until)| *until);
    let write = record(state, events, now, Lease { epoch: None, until });
    let row = NewRun {
        state: row_state(state, until),
        workflow: state.workflow.clone(),
        version: state.version,
        title: state.title.clone(),
        actor: state.actor.clone(),
        parent_id: state.parent_id.clone(),
        forked_from: state.forked_from.clone(),
        idempotency,
        lease_owner: owner.map(|(worker, _)| worker),
        created_at: now,
    };
    RunWrite { row: Some(RowChange::Create(Box::new(row))), ..write }
}

fn row_state(state: &RunState, lease_until: Timestamp) -> RowState {
    let due_at = match state.status {
        Status::Queued => Some(state.updated_at),
        Status::Running => Some(lease_until),
        Status::Waiting | Status::WaitingApproval => state.wake_at,
        Status::Completed | Status::Failed | Status::Cancelled => None,
    };
    RowState {
        status: state.status,
        due_at,
        waiting_gates: u32::try_from(state.open_gates().count()).unwrap_or(u32::MAX),
        error: match (&state.outcome, state.status) {
            (Some(Err(failure)), Status::Failed) => Some(Failure { detail: None, ..failure.clone() }),
            _ => None,
        },
        updated_at: state.updated_at,
        finished_at: state.finished_at,
        wake_parent: if state.status.is_terminal() { state.parent_id.clone() } else { None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp(1_000);

    fn submitted() -> Event {
        Event::from(Submitted {
            workflow: "w".into(),
            version: 1,
            title: "t".into(),
            input: json!(null),
            actor: "owner".into(),
            parent_id: Some("run_01hv5k3m9x7q2w8e4r6a".parse().unwrap()),
            forked_from: None,
        })
    }

    fn gate(name: &str) -> GateOpened {
        let (title, detail) = (String::new(), String::new());
        GateOpened {
            gate: name.into(),
            title,
            detail,
            proposal: json!(name),
            digest: format!("digest of {name}"),
        }
    }

    fn decided(name: &str) -> Event {
        Event::from(GateDecided {
            gate: name.into(),
            decision: Verdict::Approve,
            feedback: None,
            actor: "owner".into(),
            digest: format!("digest of {name}"),
        })
    }

    fn child() -> ChildStarted {
        ChildStarted { child: "c".into(), run_id: "run_01hv5k3m9x7q2w8e4r6c".parse().unwrap() }
    }

    fn waiting(on: &str, due: Option<Timestamp>) -> Event {
        Event::from(Waiting { on: vec![on.into()], due })
    }

    /// A run that was started and of which `events` happened.
    fn run(events: impl IntoIterator<Item = Event>) -> RunState {
        let mut state = RunState::new("run_01hv5k3m9x7q2w8e4r6t".parse().unwrap());
        let all = [submitted(), Started { epoch: 1 }.into()].into_iter().chain(events).collect();
        record(&mut state, all, NOW, Lease { epoch: Some(1), until: NOW });
        state
    }

    /// What follows, by kind, from an input in the state.
    #[track_caller]
    fn check(state: &RunState, input: Input, kinds: &[&str], durability: Durability, commands: &[Command]) {
        let transition = decide(state, input, NOW).unwrap();
        assert_eq!(transition.events.iter().map(Event::kind).collect::<Vec<_>>(), kinds);
        assert_eq!(transition.commands, commands);
        if !kinds.is_empty() {
            assert_eq!(transition.durability, durability);
        }
    }

    fn park(on: &str) -> Input {
        Input::Park { on: vec![on.into()], due: None }
    }

    fn cancel() -> Input {
        Input::RequestCancel { actor: Actor::Owner }
    }

    #[test]
    fn what_somebody_is_told_of_is_on_disk() {
        let open = run([gate("g").into()]);
        let parent = Command::WakeParent(open.parent_id.clone().unwrap());
        let answer = Input::Decide {
            gate: None,
            verdict: Verdict::Skip,
            feedback: None,
            actor: Actor::Owner,
            digest: None,
        };
        check(&open, answer, &["gate_decided"], Durability::Disk, &[Command::Dispatch]);
        check(&open, cancel(), &["cancel_requested"], Durability::Disk, &[Command::Stop]);
        check(&open, Input::StartChild(child()), &["child_started"], Durability::Disk, &[Command::Dispatch]);
        check(
            &open,
            Input::Finish(Ok(json!(1))),
            &["completed"],
            Durability::Disk,
            std::slice::from_ref(&parent),
        );
        let failure = Failure::new("f", "F");
        check(&open, Input::Finish(Err(failure)), &["failed"], Durability::Disk, &[parent]);
    }

    #[test]
    fn a_run_parks_only_on_what_is_not_answered() {
        let on_gate = run([gate("g").into()]);
        check(&on_gate, park("g"), &["waiting"], Durability::Process, &[]);
        check(&run([gate("g").into(), decided("g")]), park("g"), &[], Durability::Process, &[]);
        let on_child = run([child().into()]);
        check(&on_child, park("c"), &["waiting"], Durability::Process, &[Command::Dispatch]);
        let due = Some(Timestamp(9_000));
        let timer = Event::from(TimerSet { timer: "t".into(), due: Timestamp(9_000) });
        let input = Input::Park { on: vec!["t".into()], due };
        check(
            &run([timer.clone()]),
            input.clone(),
            &["waiting"],
            Durability::Process,
            &[Command::WakeAt(Timestamp(9_000))],
        );
        let fired = TimerFired { timer: "t".into() }.into();
        check(&run([timer, fired]), input, &[], Durability::Process, &[]);
        let cancelled = CancelRequested { actor: "owner".into() }.into();
        check(&run([gate("g").into(), cancelled]), park("g"), &[], Durability::Process, &[]);
    }

    #[test]
    fn a_promise_to_stop_comes_before_a_result() {
        let state = run([CancelRequested { actor: "owner".into() }.into()]);
        let parent = Command::WakeParent(state.parent_id.clone().unwrap());
        check(&state, Input::Finish(Ok(json!(1))), &["cancelled"], Durability::Disk, &[parent]);
        check(&state, cancel(), &[], Durability::Disk, &[]);
        check(&state, Input::TakeUp { epoch: 2 }, &["resumed"], Durability::Process, &[Command::Stop]);
    }

    #[test]
    fn a_parked_run_ends_at_once_unless_it_has_children_to_stop() {
        let parked = run([gate("g").into(), waiting("g", None)]);
        let parent = Command::WakeParent(parked.parent_id.clone().unwrap());
        check(&parked, cancel(), &["cancel_requested", "cancelled"], Durability::Disk, &[parent]);
        let mut with_child = run([child().into(), waiting("c", None)]);
        check(&with_child, cancel(), &["cancel_requested"], Durability::Disk, &[Command::Dispatch]);
        let events = decide(&with_child, cancel(), NOW).unwrap().events;
        let write = record(&mut with_child, events, NOW, Lease { epoch: None, until: NOW });
        assert!(
            matches!(write.row, Some(RowChange::Update(row)) if row.due_at == Some(NOW)),
            "a worker sees to it"
        );
    }

    #[test]
    fn a_run_that_has_ended_is_not_taken_up() {
        for end in [Event::from(Completed { result: json!(1) }), Cancelled {}.into()] {
            let error = decide(&run([end]), Input::TakeUp { epoch: 2 }, NOW).unwrap_err();
            assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
        }
    }

    #[test]
    fn taking_up_fires_what_is_due() {
        let timer = |name: &str, due| Event::from(TimerSet { timer: name.into(), due: Timestamp(due) });
        let state = run([timer("past", 999), timer("now", 1_000), timer("later", 1_001)]);
        let transition = decide(&state, Input::TakeUp { epoch: 2 }, NOW).unwrap();
        let expected = ["past", "now"].map(|name| Event::from(TimerFired { timer: name.into() }));
        assert_eq!(transition.events[1..], expected);
    }

    #[test]
    fn a_workflow_says_nothing_while_its_run_is_not_carried_out() {
        for state in
            [run([gate("g").into(), waiting("g", None)]), run([Completed { result: json!(1) }.into()])]
        {
            let said = Event::Said { kind: "output".into(), payload: json!(1) };
            for input in
                [Input::Say(said), Input::OpenGate(gate("h")), Input::Finish(Ok(json!(1))), Input::Stop]
            {
                let error = decide(&state, input, NOW).unwrap_err();
                assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
            }
        }
    }

    #[test]
    fn the_row_is_written_when_it_changes_or_a_lease_is_ended() {
        let mut state = run([gate("g").into()]);
        let said = || vec![Event::Said { kind: "output".into(), payload: json!(1) }];
        let lease = Lease { epoch: Some(1), until: Timestamp(31_000) };
        assert!(record(&mut state, said(), NOW, lease).row.is_none());
        let foreign = record(&mut state, said(), NOW, Lease { epoch: None, until: NOW });
        let Some(RowChange::Update(row)) = foreign.row else { panic!("{foreign:?}") };
        assert_eq!((row.status, row.due_at), (Status::Running, Some(NOW)));
        let parked = record(&mut state, vec![waiting("g", None)], NOW, lease);
        let Some(RowChange::Update(row)) = parked.row else { panic!("{parked:?}") };
        assert_eq!((row.status, row.due_at, row.waiting_gates), (Status::WaitingApproval, None, 1));
        assert_eq!(parked.events[0].seq(), 6);
    }
}
