//! The contract on writing.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kernel::RunId;
use parking_lot::Mutex;
use serde_json::json;

use super::fixture::{
    Fixture, START, appending, at, commit, creation, events, line, lines, new_run, queued, row, said, state,
    submitted, try_commit, updating,
};
use crate::error::Error;
use crate::event::{Completed, EventRecord, Failure};
use crate::state::Status;
use crate::store::{Commit, Durability, RowChange, RunStore, RunWrite};

/// Events, row and time come back as they were written.
pub async fn what_is_committed_reads_back<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, parent_id, source) = (ids.run(), ids.run(), ids.run());
    let mut new = new_run(state(Status::Queued, Some(START)));
    new.parent_id = Some(parent_id.clone());
    new.forked_from = Some(source.clone());
    new.idempotency = Some(("key".into(), "digest".into()));
    new.created_at = at(-5);
    let creation = creation(&run_id, new);
    commit(&*store, creation.clone()).await;
    let appended = appending(&run_id, 2, vec![line("one"), said(json!({"z": 1, "a": [null, 1.5, -3]}))]);
    commit(&*store, appended.clone()).await;

    let stored = events(&*store, &run_id).await;
    assert_eq!(stored, [creation.events, appended.events].concat());
    assert_eq!(store.load_events(&run_id, 1, 1).await.expect("events can be read"), stored[1..2]);
    assert_eq!(store.load_events(&run_id, 3, 10).await.expect("events can be read"), []);
    let row = row(&*store, &run_id).await;
    assert_eq!(
        (row.workflow.as_str(), row.version, row.title.as_str(), row.actor.as_str()),
        ("contract", 3, "A run", "owner")
    );
    assert_eq!((row.run_id, row.parent_id, row.forked_from), (run_id, Some(parent_id), Some(source)));
    assert_eq!((row.status, row.waiting_gates, row.error), (Status::Queued, 0, None));
    assert_eq!((row.created_at, row.updated_at, row.finished_at), (at(-5), START, None));
    assert_eq!(row.request_digest.as_deref(), Some("digest"));
}

/// Whoever calls first is stored first, in whatever order the futures are polled.
pub async fn commits_are_stored_in_the_order_of_the_calls<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    let first = store.commit(Commit {
        writes: vec![creation(&run_id, new_run(state(Status::Queued, None)))],
        durability: Durability::Disk,
    });
    let rest: Vec<_> = (2..200)
        .map(|seq| {
            let durability = if seq % 7 == 0 { Durability::Disk } else { Durability::Process };
            store.commit(Commit {
                writes: vec![appending(&run_id, seq, vec![line(&seq.to_string())])],
                durability,
            })
        })
        .collect();
    let results = join_all(rest.into_iter().rev()).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    first.await.expect("the creation is stored");
    let expected: Vec<String> = (2..200).map(|seq| seq.to_string()).collect();
    assert_eq!(lines(&*store, &run_id).await, expected);
}

/// A commit whose future is never polled is stored all the same, before those after it.
pub async fn a_dropped_commit_is_stored<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    drop(store.commit(Commit {
        writes: vec![appending(&run_id, 2, vec![line("nobody waits")])],
        durability: Durability::Process,
    }));
    commit(&*store, appending(&run_id, 3, vec![line("somebody waits")])).await;
    assert_eq!(lines(&*store, &run_id).await, ["nobody waits", "somebody waits"]);
}

/// Numbers follow one another; anything else is a conflict and leaves everything as it was.
pub async fn a_commit_with_a_gap_or_a_double_conflicts<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    commit(&*store, appending(&run_id, 2, vec![line("a"), line("b")])).await;
    for (first, events) in [(1, 1), (2, 1), (3, 1), (3, 2), (5, 1), (9, 2)] {
        let writes = vec![appending(&run_id, first, vec![line("x"); events])];
        let error = try_commit(&*store, writes).await.expect_err("the number does not follow the last");
        assert!(matches!(&error, Error::Conflict(id) if *id == run_id), "{first}: {error:?}");
    }
    let unknown = ids.run();
    let error = try_commit(&*store, vec![appending(&unknown, 1, vec![line("x")])]).await;
    assert!(error.is_err(), "events of a run that was never created");
    assert_eq!(lines(&*store, &run_id).await, ["a", "b"]);
    commit(&*store, appending(&run_id, 4, vec![line("c")])).await;
    assert_eq!(lines(&*store, &run_id).await, ["a", "b", "c"]);
}

/// When one write of a commit cannot be stored, none is, wherever in the commit it stands.
pub async fn a_commit_is_whole_or_nothing<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, other) = (ids.run(), ids.run());
    queued(&*store, &run_id).await;
    queued(&*store, &other).await;
    for turned in [false, true] {
        let child = ids.run();
        let mut good = appending(&run_id, 2, vec![line("never")]);
        good.row = Some(RowChange::Update(state(Status::Failed, None)));
        let new = creation(&child, new_run(state(Status::Queued, Some(START))));
        let bad = appending(&other, 7, vec![line("never")]);
        let mut writes = vec![good, new, bad];
        if turned {
            writes.reverse();
        }
        let error = try_commit(&*store, writes).await.expect_err("one write conflicts");
        assert!(matches!(&error, Error::Conflict(id) if *id == other), "{error:?}");
        assert_eq!(store.find_run(&child).await.expect("rows can be read"), None);
        assert_eq!(events(&*store, &child).await, []);
    }
    assert_eq!(lines(&*store, &run_id).await, [""; 0]);
    assert_eq!(row(&*store, &run_id).await.status, Status::Queued);
    // And together they are stored when they fit.
    let writes = vec![appending(&run_id, 2, vec![line("x")]), appending(&other, 2, vec![line("y")])];
    try_commit(&*store, writes).await.expect("both fit");
    assert_eq!(lines(&*store, &run_id).await, ["x"]);
    assert_eq!(lines(&*store, &other).await, ["y"]);
}

/// Commits that are stored at the same time do not suffer from one of them that cannot be.
pub async fn a_batch_survives_the_conflict_of_one<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let runs: Vec<RunId> = (0..20).map(|_| ids.run()).collect();
    for run_id in &runs {
        queued(&*store, run_id).await;
    }
    let commits: Vec<_> = runs
        .iter()
        .enumerate()
        .map(|(index, run_id)| {
            let first = if index % 5 == 3 { 9 } else { 2 };
            let writes = vec![appending(run_id, first, vec![line("x"), line("y")])];
            store.commit(Commit { writes, durability: Durability::Process })
        })
        .collect();
    for (index, result) in join_all(commits).await.into_iter().enumerate() {
        let stored = lines(&*store, &runs[index]).await;
        if index % 5 == 3 {
            assert!(matches!(&result, Err(Error::Conflict(id)) if *id == runs[index]), "{index}: {result:?}");
            assert!(stored.is_empty(), "{index}");
        } else {
            assert!(result.is_ok(), "{index}: {result:?}");
            assert_eq!(stored, ["x", "y"], "{index}");
        }
    }
}

/// A second creation of a run is a conflict.
pub async fn a_run_is_created_once<Made: Future<Output = Arc<dyn RunStore>>>(factory: &impl Fn() -> Made) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    let mut again = new_run(state(Status::Failed, None));
    again.title = "Another".into();
    let error = try_commit(&*store, vec![creation(&run_id, again)]).await.expect_err("the run exists");
    assert!(matches!(error, Error::Conflict(id) if id == run_id));
    assert_eq!(row(&*store, &run_id).await.title, "A run");
}

/// A write without events is stored in its place, too, and is refused without the lease.
pub async fn an_empty_write_checks_the_lease<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    let claimed = store.claim(&ids.worker(), START, at(30), 1).await.expect("the queue can be read");
    assert_eq!(claimed[0].epoch, 1);
    let empty =
        |epoch| RunWrite { run_id: run_id.clone(), epoch: Some(epoch), events: Vec::new(), row: None };
    commit(&*store, empty(1)).await;
    let error = try_commit(&*store, vec![empty(2)]).await.expect_err("the epoch is another");
    assert!(matches!(error, Error::Fenced(id) if id == run_id));
    // A row alone can be written as well.
    commit(&*store, updating(&run_id, state(Status::WaitingApproval, None))).await;
    assert_eq!(row(&*store, &run_id).await.status, Status::WaitingApproval);
    drop(store.commit(Commit {
        writes: vec![appending(&run_id, 2, vec![line("x")])],
        durability: Durability::Process,
    }));
    try_commit(&*store, Vec::new()).await.expect("nothing can always be stored");
    assert_eq!(lines(&*store, &run_id).await, ["x"], "an empty commit waits for those before it");
}

/// A key belongs to the first run that was created with it, also when two are made at once.
pub async fn idempotency_keys_are_unique<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let runs = [ids.run(), ids.run()];
    let commits = runs.each_ref().map(|run_id| {
        let mut new = new_run(state(Status::Queued, Some(START)));
        new.idempotency = Some(("chave única".into(), format!("digest of {run_id}")));
        store.commit(Commit { writes: vec![creation(run_id, new)], durability: Durability::Disk })
    });
    let results = join_all(commits).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert!(
        matches!(&results[1], Err(Error::IdempotencyKeyReused(key)) if key == "chave única"),
        "{results:?}"
    );
    assert_eq!(store.find_run(&runs[1]).await.expect("rows can be read"), None);
    assert!(events(&*store, &runs[1]).await.is_empty());
    let found = store.find_by_idempotency_key("chave única").await.expect("rows can be read");
    let found = found.expect("the key is known");
    assert_eq!((&found.run_id, found.request_digest), (&runs[0], Some(format!("digest of {}", runs[0]))));
    assert_eq!(store.find_by_idempotency_key("chave").await.expect("rows can be read"), None);
    // Runs without a key do not stand in each other's way.
    for _ in 0..2 {
        queued(&*store, &ids.run()).await;
    }
}

/// Observers hear of every stored event, in order, and of nothing else.
pub async fn observers_hear_in_order_and_only_what_is_stored<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let heard: [Arc<Mutex<Vec<EventRecord>>>; 2] = Default::default();
    for heard in &heard {
        let heard = heard.clone();
        store.observe(Arc::new(move |records| heard.lock().extend_from_slice(records)));
    }
    let runs = [ids.run(), ids.run(), ids.run()];
    let mut commits = Vec::new();
    for run_id in &runs {
        let writes = vec![creation(run_id, new_run(state(Status::Queued, None)))];
        commits.push(store.commit(Commit { writes, durability: Durability::Process }));
    }
    for round in 0..30 {
        for run_id in &runs {
            let first = round * 2 + 2;
            let writes = vec![appending(run_id, first, vec![line("a"), line("b")])];
            commits.push(store.commit(Commit { writes, durability: Durability::Process }));
        }
        let bad = vec![appending(&runs[0], 900, vec![line("never")])];
        drop(store.commit(Commit { writes: bad, durability: Durability::Process }));
    }
    for result in join_all(commits).await {
        result.expect("the commit fits");
    }
    for heard in &heard {
        // The commit may be acknowledged a moment before observers are called.
        for _ in 0..1_000 {
            if heard.lock().len() >= 3 * 61 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let heard = heard.lock();
        assert_eq!(heard.len(), 3 * 61);
        let mut last: HashMap<RunId, u64> = HashMap::new();
        for record in heard.iter() {
            let last = last.entry(record.run_id().clone()).or_default();
            assert_eq!(record.seq(), *last + 1, "events of a run are heard in order");
            *last = record.seq();
        }
    }
    let stored = events(&*store, &runs[1]).await;
    let heard: Vec<_> =
        heard[0].lock().iter().filter(|record| *record.run_id() == runs[1]).cloned().collect();
    assert_eq!(heard, stored);
}

/// Any text survives, in payloads, titles, names and errors.
pub async fn payloads_of_any_text_are_kept<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    let texts = [
        "",
        "ação",
        "日本語",
        "🦀👩‍👩‍👧",
        "a\u{0}b",
        "'; DROP TABLE runs; --",
        "\"\\\n\t\u{7f}\u{2028}",
        "e\u{301}",
    ];
    let mut new = new_run(state(Status::Queued, None));
    new.title = texts.concat().replace('\u{0}', "");
    commit(&*store, creation(&run_id, new.clone())).await;
    let said: Vec<_> = texts.iter().map(|text| said(json!({ *text: [text, { "deep": text }] }))).collect();
    let written = appending(
        &run_id,
        2,
        [vec![submitted()], said, texts.iter().map(|text| line(text)).collect()].concat(),
    );
    commit(&*store, written.clone()).await;
    assert_eq!(events(&*store, &run_id).await[1..], written.events);
    let mut failed = state(Status::Failed, None);
    let failure = Failure {
        hint: Some("Tente de novo ☕".into()),
        retryable: true,
        ..Failure::new("falhou", "não deu: 💥")
    };
    failed.error = Some(failure.clone());
    commit(&*store, updating(&run_id, failed)).await;
    let row = row(&*store, &run_id).await;
    assert_eq!((row.title, row.error), (new.title, Some(failure)));
}

/// A payload of a megabyte is nothing special.
pub async fn a_large_payload_is_kept<Made: Future<Output = Arc<dyn RunStore>>>(factory: &impl Fn() -> Made) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    let text: String = (0..1_000_000_u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    let result = Completed { result: json!({ "text": text }) };
    let written = appending(&run_id, 2, vec![said(json!(text)), result.into()]);
    commit(&*store, written.clone()).await;
    assert_eq!(events(&*store, &run_id).await[1..], written.events);
}
