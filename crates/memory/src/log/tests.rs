//! What an entry of the log is, and which entries say the same.

use std::sync::Arc;

use kernel::{FixedClock, SeededEntropy};

use super::*;

fn entry(kind: LogKind, change: impl FnOnce(&mut NewLogEntry)) -> Result<LogEntry, Error> {
    let ids = Ids::new(Arc::new(FixedClock::default()), Arc::new(SeededEntropy::new(1)));
    let mut new = NewLogEntry::titled("Step failed", Actor::System);
    change(&mut new);
    new.checked(kind, &ids, Timestamp(1))
}

#[track_caller]
fn check(one: &str, other: &str, are_same: bool) {
    let digest = |text: &str| entry(LogKind::Error, |new| new.detail = text.into()).unwrap().digest();
    assert_eq!(digest(one) == digest(other), are_same, "{one} | {other}");
}

#[test]
fn errors_that_differ_in_ids_and_numbers_are_the_same() {
    check("Timed out after 31 s", "timed out, after 6 s.", true);
    check("no file /tmp/a81f/x", "no file /tmp/b2/x", true);
    check("run_01hv5k3m9x7q2w8e4r6t failed", "run_01hv5k3m9x7q2w8e4r6z failed", true);
    check("connection refused", "connection reset", false);
    check("", "anything", false);
}

#[test]
fn errors_of_two_agents_are_two() {
    let of = |agent: &str| entry(LogKind::Error, |new| new.agent = Some(agent.into())).unwrap().digest();
    assert_ne!(of("scout"), of("writer"));
}

#[test]
fn a_decision_is_the_same_only_within_its_step() {
    let run = |new: &mut NewLogEntry| {
        new.run_id = "run_01hv5k3m9x7q2w8e4r6t".parse().ok();
        new.step = Some("s1".into());
    };
    let decision = |change: fn(&mut NewLogEntry)| {
        let decided = |new: &mut NewLogEntry| (run(new), change(new)).1;
        entry(LogKind::Decision, decided).unwrap().digest()
    };
    assert_eq!(entry(LogKind::Decision, |_| ()).unwrap().digest(), None);
    assert_eq!(decision(|_| ()), decision(|_| ()));
    assert_ne!(decision(|_| ()), decision(|new| new.outcome = Some("approved".into())));
    assert_ne!(decision(|_| ()), decision(|new| new.step = Some("s2".into())));
}

#[test]
fn what_cannot_be_logged_is_refused() {
    let code = |kind, change: fn(&mut NewLogEntry)| {
        entry(kind, change).map(|_| ()).map_err(|error| kernel::Error::from(error).code)
    };
    assert_eq!(code(LogKind::Error, |_| ()), Ok(()));
    assert_eq!(code(LogKind::Error, |new| new.title = " \n".into()), Err("empty_title"));
    assert_eq!(code(LogKind::Error, |new| new.agent = Some("Scout".into())), Err("invalid_agent"));
    let supersedes = |new: &mut NewLogEntry| new.supersedes = "log_01hv5k3m9x7q2w8e4r6t".parse().ok();
    assert_eq!(code(LogKind::Decision, supersedes), Ok(()));
    assert_eq!(code(LogKind::Error, supersedes), Err("log_entry_not_found"));
}

#[test]
fn what_is_too_long_is_cut() {
    let long = entry(LogKind::Error, |new| {
        new.title = "é".repeat(1_000);
        new.detail = "é".repeat(MAX_DETAIL_BYTES);
    });
    let long = long.unwrap();
    assert_eq!((long.title.chars().count(), long.detail.len()), (MAX_TITLE_CHARS, MAX_DETAIL_BYTES));
}
