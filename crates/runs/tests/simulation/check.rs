//! What must be true after all the crashes.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::{Actor, RunId};
use runs::event::{Event, EventRecord};
use runs::state::{RecordKind, StepProgress};
use runs::testing::FakeRunStore;
use runs::{Failure, RunState, Status, Verdict};
use serde_json::{Value, json};

use crate::program::Node;
use crate::world::{Answer, Asked, World};

/// What is wrong, if anything.
pub fn problems(world: &World, store: &FakeRunStore) -> Vec<String> {
    let mut problems = world.problems();
    let logs: BTreeMap<RunId, Vec<EventRecord>> =
        store.run_ids().into_iter().map(|run_id| (run_id.clone(), store.events(&run_id))).collect();
    for (index, run_id) in world.submissions() {
        if !logs.contains_key(&run_id) {
            problems.push(format!("submission {index} is lost"));
        }
    }
    check_requests(world, &logs, &mut problems);
    for row in store.rows() {
        let log = &logs[&row.run_id];
        let mut tell = |problem: String| problems.push(format!("{}: {problem}", row.run_id));
        check_order(log, &mut tell);
        let Some(state) = RunState::fold(log) else {
            tell("its log is empty".into());
            continue;
        };
        if (row.status, row.finished_at) != (state.status, state.finished_at) {
            tell(format!("its row says {:?} and its log {:?}", row.status, state.status));
        }
        check_children(&state, &logs, &mut tell);
        check_result(&state, &mut tell);
    }
    for ((run_id, subscriber), seen) in world.seen() {
        let log = &logs[&run_id];
        if seen != *log {
            let numbers: Vec<u64> = seen.iter().map(EventRecord::seq).collect();
            problems.push(format!("{run_id}: subscriber {subscriber} saw {numbers:?} of {}", log.len()));
        }
    }
    problems
}

/// Every request that was accepted is in the log once, every one that was refused is not.
fn check_requests(world: &World, logs: &BTreeMap<RunId, Vec<EventRecord>>, problems: &mut Vec<String>) {
    let mut found: HashMap<String, Vec<(RunId, Asked)>> = HashMap::new();
    for record in logs.values().flatten() {
        let (actor, asked) = match record.event() {
            Event::GateDecided(e) => {
                (&e.actor, Asked::Decide { gate: Some(e.gate.clone()), verdict: e.decision })
            }
            Event::CancelRequested(e) => (&e.actor, Asked::Cancel),
            Event::Rewound(e) => (&e.actor, Asked::Retry),
            _ => continue,
        };
        found.entry(actor.clone()).or_default().push((record.run_id().clone(), asked));
    }
    for (number, request) in world.requests().into_iter().enumerate() {
        let actor = Actor::Token(number.to_string()).to_string();
        let in_log = found.remove(&actor).unwrap_or_default();
        let fits = in_log.iter().all(|(run_id, asked)| {
            let same = match (&request.asked, asked) {
                (Asked::Decide { gate: None, verdict }, Asked::Decide { verdict: said, .. }) => {
                    verdict == said
                }
                (wanted, said) => wanted == said,
            };
            same && *run_id == request.run_id
        });
        let times = match request.answer {
            // A run that is to be cancelled already is not asked a second time.
            Answer::Accepted if request.asked == Asked::Cancel => 0..=1,
            Answer::Accepted => 1..=1,
            Answer::Refused(_) => 0..=0,
            Answer::None => 0..=1,
        };
        if !fits || !times.contains(&in_log.len()) {
            problems.push(format!("request {number} {request:?} is in the log as {in_log:?}"));
        }
    }
    let cancelled = |run_id: &RunId| {
        logs[run_id]
            .iter()
            .any(|record| matches!(record.event(), Event::CancelRequested(_) | Event::Cancelled(_)))
    };
    for request in world.requests() {
        if (&request.asked, &request.answer) == (&Asked::Cancel, &Answer::Accepted)
            && !cancelled(&request.run_id)
        {
            problems.push(format!("{} was to be cancelled and knows nothing of it", request.run_id));
        }
    }
    found.remove("system");
    if !found.is_empty() {
        problems.push(format!("nobody asked for {found:?}"));
    }
}

/// Numbers without gaps, each thing once between rewinds, nothing after the end.
fn check_order(log: &[EventRecord], tell: &mut impl FnMut(String)) {
    let mut once: HashSet<(&str, String)> = HashSet::new();
    let mut open: HashMap<&str, bool> = HashMap::new();
    let mut ended = false;
    for (record, seq) in log.iter().zip(1..) {
        if record.seq() != seq {
            tell(format!("event {} stands at place {seq}", record.seq()));
        }
        let event = record.event();
        if ended && !matches!(event, Event::Rewound(_)) {
            tell(format!("event {seq}, {}, comes after the end", event.kind()));
        }
        ended = event.is_terminal();
        let only_once = match event {
            Event::StepCompleted(e) => Some(e.step.clone()),
            Event::TimerSet(e) => Some(e.timer.clone()),
            Event::TimerFired(e) => Some(e.timer.clone()),
            Event::ChildStarted(e) => Some(e.child.clone()),
            Event::ChildFinished(e) => Some(e.child.clone()),
            Event::CancelRequested(_) | Event::Submitted(_) => Some(String::new()),
            Event::Rewound(_) => {
                once.clear();
                open.clear();
                None
            }
            Event::GateOpened(e) => {
                if open.insert(&e.gate, true).is_some() {
                    tell(format!("{} was opened twice", e.gate));
                }
                None
            }
            Event::GateDecided(e) => {
                if open.insert(&e.gate, false) == Some(false) {
                    tell(format!("{} was decided twice", e.gate));
                }
                None
            }
            _ => None,
        };
        if let Some(name) = only_once
            && !once.insert((event.kind(), name.clone()))
        {
            tell(format!("{} of `{name}` comes twice", event.kind()));
        }
    }
    if !ended {
        tell("it has not ended".into());
    }
}

/// What a parent says of a child is what the child came to.
fn check_children(state: &RunState, logs: &BTreeMap<RunId, Vec<EventRecord>>, tell: &mut impl FnMut(String)) {
    for (name, record) in &state.records {
        let RecordKind::Child { run_id, outcome } = &record.kind else { continue };
        let Some(log) = logs.get(run_id) else {
            tell(format!("its child `{name}` is not there"));
            continue;
        };
        let ends: Vec<_> = (1..=log.len())
            .filter_map(|length| RunState::fold(&log[..length]).and_then(|state| state.outcome))
            .collect();
        if let Some(outcome) = outcome
            && !ends.contains(outcome)
        {
            tell(format!("its child `{name}` came to {ends:?}, not to {outcome:?}"));
        }
        let ended =
            |record: &EventRecord| record.event().is_terminal() && Some(record.at()) <= state.finished_at;
        let stopped =
            |record: &EventRecord| matches!(record.event(), Event::CancelRequested(_)) || ended(record);
        if state.status == Status::Cancelled && outcome.is_none() && !log.iter().any(stopped) {
            tell(format!("it was cancelled, but its child `{name}` went on"));
        }
    }
}

/// The run came to what its program comes to with the same answers when nothing disturbs it.
fn check_result(state: &RunState, tell: &mut impl FnMut(String)) {
    if state.status == Status::Cancelled {
        if !state.cancel_requested {
            tell("it was cancelled without being asked to".into());
        }
        return;
    }
    if state.cancel_requested {
        tell(format!("it was to be cancelled and is {:?}", state.status));
    }
    let program: Node = serde_json::from_value(state.input.clone()).expect("the simulation submits programs");
    let expected = undisturbed(&program, state);
    let outcome = state.outcome.clone().map(|outcome| outcome.map_err(|failure| failure.code));
    if outcome.as_ref() != Some(&expected) {
        tell(format!("it came to {outcome:?} and should to {expected:?}"));
    }
}

fn undisturbed(node: &Node, state: &RunState) -> Result<Value, String> {
    let record = |name: &str| state.records.get(name).map(|record| &record.kind);
    let missing = |name: &str| Err(format!("`{name}` is not recorded"));
    match node {
        Node::Step(step) => {
            match record(&step.name) {
                Some(RecordKind::Step {
                    progress: StepProgress::Failed(Failure { code, .. }, None), ..
                }) if step.fatal => Err(code.clone()),
                Some(RecordKind::Step { progress: StepProgress::Completed(_), .. }) => {
                    Ok(json!(format!("{}/{}", state.run_id, step.name)))
                }
                _ => missing(&step.name),
            }
        }
        Node::Gate(name) => match record(name) {
            Some(RecordKind::Gate { decided: Some((decided, _)), .. }) => match decided.decision {
                Verdict::Reject => Err("rejected".into()),
                verdict => Ok(json!(verdict)),
            },
            _ => missing(name),
        },
        Node::Timer(name, _) => match record(name) {
            Some(RecordKind::Timer { due, fired: true }) if *due <= state.updated_at => Ok(json!("slept")),
            _ => missing(name),
        },
        Node::Child(name, _) => match record(name) {
            Some(RecordKind::Child { outcome: Some(outcome), .. }) => {
                outcome.clone().map_err(|failure| failure.code)
            }
            _ => missing(name),
        },
        Node::Sequence(nodes) => nodes.iter().map(|node| undisturbed(node, state)).collect(),
        Node::Parallel(nodes) => {
            let results: Vec<_> = nodes.iter().map(|node| undisturbed(node, state)).collect();
            results.into_iter().collect()
        }
    }
}
