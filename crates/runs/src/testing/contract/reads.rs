//! The contract on reading.

use std::future::Future;
use std::sync::Arc;

use kernel::{PageRequest, RunId};
use serde_json::json;

use super::fixture::{
    Fixture, START, appending, at, commit, creation, line, new_run, queued, row, said, state, updating,
};
use crate::event::{EventRecord, Failure, Started};
use crate::state::Status;
use crate::store::{RunFilter, RunStore};

/// What is not there is told as such, never as an error.
pub async fn what_does_not_exist_is_not_found<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let unknown = ids.run();
    assert_eq!(store.find_run(&unknown).await.expect("rows can be read"), None);
    assert_eq!(store.find_by_idempotency_key("").await.expect("rows can be read"), None);
    assert_eq!(store.load_events(&unknown, 0, 10).await.expect("events can be read"), []);
    assert_eq!(store.load_structural(&unknown).await.expect("events can be read"), (Vec::new(), 0));
    assert_eq!(store.next_due().await.expect("the queue can be read"), None);
    assert_eq!(store.release_all(START).await.expect("leases can be ended"), 0);
    store.renew(&ids.worker(), START).await.expect("leases can be renewed");
    let page =
        store.list_runs(&RunFilter::default(), &PageRequest::default()).await.expect("runs can be listed");
    assert_eq!((page.items, page.next_cursor), (Vec::new(), None));
}

/// Log lines and what workflows say are left out of the fold, but counted.
pub async fn structural_events_know_the_last_number<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, other) = (ids.run(), ids.run());
    queued(&*store, &run_id).await;
    queued(&*store, &other).await;
    commit(&*store, appending(&run_id, 2, vec![line("a"), Started { epoch: 1 }.into(), said(json!(1))]))
        .await;
    commit(&*store, appending(&run_id, 5, vec![line("b")])).await;
    let (records, last) = store.load_structural(&run_id).await.expect("events can be read");
    assert_eq!(last, 5);
    assert_eq!(records.iter().map(EventRecord::seq).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(store.load_structural(&other).await.expect("events can be read").1, 1);
    let page = store.load_events(&run_id, 2, 2).await.expect("events can be read");
    assert_eq!(page.iter().map(EventRecord::seq).collect::<Vec<_>>(), [3, 4]);
    let lines = store.load_kind(&run_id, "log").await.expect("events can be read");
    assert_eq!(lines.iter().map(EventRecord::seq).collect::<Vec<_>>(), [2, 5]);
    assert_eq!(store.load_kind(&other, "log").await.expect("events can be read"), []);
}

/// Every part of a row that changes does, and is written back as a whole.
pub async fn rows_follow_their_updates<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let run_id = ids.run();
    queued(&*store, &run_id).await;
    for status in Status::ALL {
        let mut state = state(status, None);
        state.waiting_gates = 3;
        state.error = Some(Failure::new("boom", "It broke"));
        state.updated_at = at(77);
        state.finished_at = Some(at(78));
        commit(&*store, updating(&run_id, state)).await;
        let row = row(&*store, &run_id).await;
        assert_eq!(
            (row.status, row.waiting_gates, row.error),
            (status, 3, Some(Failure::new("boom", "It broke")))
        );
        assert_eq!((row.created_at, row.updated_at, row.finished_at), (START, at(77), Some(at(78))));
    }
    commit(&*store, updating(&run_id, state(Status::Queued, Some(START)))).await;
    let row = row(&*store, &run_id).await;
    assert_eq!((row.status, row.waiting_gates, row.error, row.finished_at), (Status::Queued, 0, None, None));
}

/// Each status with how many runs stand at it; a status without runs may be left out.
pub async fn runs_are_counted_by_status<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    for (count, status) in [(3, Status::Queued), (1, Status::WaitingApproval), (2, Status::Failed)] {
        for _ in 0..count {
            commit(&*store, creation(&ids.run(), new_run(state(status, None)))).await;
        }
    }
    let mut counts = store.count_runs().await.expect("runs can be counted");
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(counts, [(Status::Failed, 2), (Status::Queued, 3), (Status::WaitingApproval, 1)]);
}

async fn listed(store: &dyn RunStore, filter: &RunFilter) -> Vec<RunId> {
    let page = store.list_runs(filter, &PageRequest::default()).await.expect("runs can be listed");
    assert_eq!(page.next_cursor, None);
    page.items.into_iter().map(|row| row.run_id).collect()
}

/// Filters hold together; lists begin with the newest.
pub async fn lists_filter<Made: Future<Output = Arc<dyn RunStore>>>(factory: &impl Fn() -> Made) {
    let (store, ids) = (factory().await, Fixture::new());
    let parent = ids.run();
    let mut runs = Vec::new();
    for (index, status) in Status::ALL.into_iter().enumerate() {
        let run_id = ids.run();
        let mut new = new_run(state(status, None));
        new.workflow = if index % 2 == 0 { "even".into() } else { "odd".into() };
        new.parent_id = (index >= 4).then(|| parent.clone());
        new.title = format!("Run number {index}");
        commit(&*store, creation(&run_id, new)).await;
        runs.push(run_id);
    }
    let pick = |indices: &[usize]| indices.iter().map(|index| runs[*index].clone()).collect::<Vec<_>>();
    let all = RunFilter::default();
    assert_eq!(listed(&*store, &all).await, pick(&[6, 5, 4, 3, 2, 1, 0]));
    let even = RunFilter { workflow: Some("even".into()), ..all.clone() };
    assert_eq!(listed(&*store, &even).await, pick(&[6, 4, 2, 0]));
    let statuses =
        RunFilter { statuses: vec![Status::ALL[4], Status::ALL[1], Status::ALL[2]], ..all.clone() };
    assert_eq!(listed(&*store, &statuses).await, pick(&[4, 2, 1]));
    let children = RunFilter { parent_id: Some(parent.clone()), ..all.clone() };
    assert_eq!(listed(&*store, &children).await, pick(&[6, 5, 4]));
    let together = RunFilter {
        statuses: vec![Status::ALL[4], Status::ALL[5], Status::ALL[0]],
        workflow: Some("even".into()),
        text: Some("number".into()),
        parent_id: Some(parent),
    };
    assert_eq!(listed(&*store, &together).await, pick(&[4]));
    let nothing = RunFilter { workflow: Some("eve".into()), ..all };
    assert_eq!(listed(&*store, &nothing).await, []);
}

/// A text is found anywhere in a title, in any case of any script, and means itself only.
pub async fn lists_find_titles_in_any_case<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let titles = ["Relatório TRIMESTRAL", "100% done_now", "AÇÃO: rever preços", "a*b[c]'d\"\\e"];
    let mut runs = Vec::new();
    for title in titles {
        let run_id = ids.run();
        let mut new = new_run(state(Status::Queued, None));
        new.title = title.into();
        commit(&*store, creation(&run_id, new)).await;
        runs.push(run_id);
    }
    let cases: [(&str, &[usize]); 13] = [
        ("relatório", &[0]),
        ("RELATÓRIO", &[0]),
        ("trimestral", &[0]),
        ("ação", &[2]),
        ("%", &[1]),
        ("_", &[1]),
        ("0% d", &[1]),
        ("a*b", &[3]),
        ("[c]'d\"\\", &[3]),
        ("' OR 1=1 --", &[]),
        ("a%c", &[]),
        ("done", &[1]),
        ("d", &[3, 1]),
    ];
    for (text, expected) in cases {
        let filter = RunFilter { text: Some(text.into()), ..RunFilter::default() };
        let expected: Vec<_> = expected.iter().map(|index| runs[*index].clone()).collect();
        assert_eq!(listed(&*store, &filter).await, expected, "`{text}`");
    }
}

/// Following the cursor shows every run once, even when runs are added meanwhile.
pub async fn lists_page_without_gaps_or_doubles<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let mut expected = Vec::new();
    for index in 0..23 {
        let run_id = ids.run();
        let status = if index % 3 == 0 { Status::Failed } else { Status::Queued };
        commit(&*store, creation(&run_id, new_run(state(status, None)))).await;
        if status == Status::Queued {
            expected.insert(0, run_id);
        }
    }
    let filter = RunFilter { statuses: vec![Status::Queued], ..RunFilter::default() };
    for limit in [1, 4, 5, 14, 15, 16, 500] {
        let mut seen = Vec::new();
        let mut cursor = None;
        loop {
            let request = PageRequest { limit, cursor };
            let page = store.list_runs(&filter, &request).await.expect("runs can be listed");
            assert!(page.items.len() <= limit as usize);
            assert!(
                page.next_cursor.is_none() || page.items.len() == limit as usize,
                "a page that goes on is full"
            );
            seen.extend(page.items.into_iter().map(|row| row.run_id));
            if seen.len() == 4 && limit == 4 {
                queued(&*store, &ids.run()).await;
            }
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let added = seen.len().saturating_sub(expected.len());
        assert!(limit > 4 || added == 0, "what is added while one reads is on no later page");
        assert_eq!(seen[added..], expected, "limit {limit}");
    }
}
