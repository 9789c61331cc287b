//! The contract on the queue, on leases and on waking parents.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use kernel::{RunId, Timestamp, WorkerId};

use super::fixture::{
    Fixture, START, appending, at, claim, commit, creation, line, lines, new_run, queued, row, state,
    try_commit, updating,
};
use crate::error::Error;
use crate::state::Status;
use crate::store::{Commit, Durability, RowChange, RunStore, RunWrite};

const NEVER: Timestamp = Timestamp(i64::MAX);

fn write_at(run_id: &RunId, epoch: u64, first: u64, message: &str) -> RunWrite {
    RunWrite { epoch: Some(epoch), ..appending(run_id, first, vec![line(message)]) }
}

/// A run that is created with a holder is at epoch 1, and the next claim at 2.
pub async fn the_first_holder_is_at_epoch_one<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, worker) = (ids.run(), ids.worker());
    let mut new = new_run(state(Status::Running, Some(at(100))));
    new.lease_owner = Some(worker.clone());
    commit(&*store, creation(&run_id, new)).await;
    commit(&*store, write_at(&run_id, 1, 2, "held")).await;
    assert_eq!(claim(&*store, &worker, at(99), NEVER).await, []);
    assert_eq!(claim(&*store, &worker, at(100), at(200)).await, [(run_id.clone(), 2)]);
    let queued_id = ids.run();
    queued(&*store, &queued_id).await;
    let error =
        try_commit(&*store, vec![write_at(&queued_id, 1, 2, "never")]).await.expect_err("nobody holds it");
    assert!(matches!(error, Error::Fenced(id) if id == queued_id));
    assert_eq!(claim(&*store, &worker, START, NEVER).await, [(queued_id, 1)]);
}

/// Who has lost the lease cannot write.
pub async fn only_the_holder_of_the_lease_writes<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, first, second) = (ids.run(), ids.worker(), ids.worker());
    queued(&*store, &run_id).await;
    assert_eq!(claim(&*store, &first, START, at(10)).await, [(run_id.clone(), 1)]);
    commit(&*store, write_at(&run_id, 1, 2, "first")).await;
    assert_eq!(claim(&*store, &second, at(10), at(20)).await, [(run_id.clone(), 2)]);
    for seq in [3, 2, 9] {
        let mut stale = write_at(&run_id, 1, seq, "never");
        stale.row = Some(RowChange::Update(state(Status::Failed, None)));
        let error = try_commit(&*store, vec![stale]).await.expect_err("the lease is lost");
        assert!(
            matches!(&error, Error::Fenced(id) if *id == run_id),
            "a lost lease is told first: {error:?}"
        );
    }
    let future = try_commit(&*store, vec![write_at(&run_id, 3, 3, "never")]).await;
    assert!(matches!(future, Err(Error::Fenced(_))), "{future:?}");
    commit(&*store, write_at(&run_id, 2, 3, "second")).await;
    assert_eq!(lines(&*store, &run_id).await, ["first", "second"]);
    assert_eq!(row(&*store, &run_id).await.status, Status::Running);
    // What one commit writes of a second run is refused with it.
    let other = ids.run();
    queued(&*store, &other).await;
    let writes = vec![appending(&other, 2, vec![line("never")]), write_at(&run_id, 1, 4, "never")];
    assert!(matches!(try_commit(&*store, writes).await, Err(Error::Fenced(id)) if id == run_id));
    assert!(lines(&*store, &other).await.is_empty());
}

/// A request of a person needs no lease and ends the one there is, so that what the holder has
/// handed over already, under numbers that now fit by accident, is not taken for what follows.
pub async fn a_write_without_a_lease_ends_the_lease<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (run_id, worker) = (ids.run(), ids.worker());
    queued(&*store, &run_id).await;
    assert_eq!(claim(&*store, &worker, START, at(10)).await, [(run_id.clone(), 1)]);
    let mut request = appending(&run_id, 2, vec![line("a person")]);
    request.row = Some(RowChange::Update(state(Status::Running, Some(at(5)))));
    let lazily = |write| store.commit(Commit { writes: vec![write], durability: Durability::Process });
    let results =
        [lazily(request), lazily(write_at(&run_id, 1, 2, "never")), lazily(write_at(&run_id, 1, 3, "never"))];
    let results = futures::future::join_all(results).await;
    assert!(results[0].is_ok(), "{results:?}");
    assert!(matches!(results[1..], [Err(Error::Fenced(_)), Err(Error::Fenced(_))]), "{results:?}");
    store.renew(&worker, at(900)).await.expect("leases can be renewed");
    let claimed = claim(&*store, &worker, at(5), at(100)).await;
    assert!(matches!(&claimed[..], [(id, epoch)] if *id == run_id && *epoch > 1), "{claimed:?}");
    commit(&*store, write_at(&run_id, claimed[0].1, 3, "the worker again")).await;
    assert_eq!(lines(&*store, &run_id).await, ["a person", "the worker again"]);
}

/// Whatever its status, a run is claimed when it is due and not before; the longest due come first.
pub async fn claims_take_the_longest_due_first<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let statuses =
        [Status::Queued, Status::Waiting, Status::Running, Status::WaitingApproval, Status::Queued];
    let dues = [Some(at(40)), Some(at(10)), Some(at(30)), Some(at(20)), Some(at(90))];
    let mut runs = Vec::new();
    for (status, due) in statuses.into_iter().zip(dues) {
        let run_id = ids.run();
        commit(&*store, creation(&run_id, new_run(state(status, due)))).await;
        runs.push(run_id);
    }
    for status in [Status::WaitingApproval, Status::Completed] {
        commit(&*store, creation(&ids.run(), new_run(state(status, None)))).await;
    }
    let worker = ids.worker();
    assert_eq!(claim(&*store, &worker, at(9), NEVER).await, []);
    let first = store.claim(&worker, at(40), at(500), 3).await.expect("the queue can be read");
    let order: Vec<_> = first.into_iter().map(|claimed| claimed.run_id).collect();
    assert_eq!(order, [runs[1].clone(), runs[3].clone(), runs[2].clone()]);
    for run_id in &order {
        assert_eq!(row(&*store, run_id).await.status, Status::Running);
    }
    assert_eq!(claim(&*store, &worker, at(40), at(500)).await, [(runs[0].clone(), 1)]);
    assert_eq!(claim(&*store, &worker, at(89), at(500)).await, []);
    assert_eq!(store.claim(&worker, at(90), at(500), 0).await.expect("the queue can be read"), []);
}

/// Two workers that claim at once never get the same run.
pub async fn concurrent_claims_share_the_queue<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    for _ in 0..40 {
        queued(&*store, &ids.run()).await;
    }
    let workers: Vec<WorkerId> = (0..8).map(|_| ids.worker()).collect();
    let claims = workers.iter().map(|worker| store.claim(worker, START, at(1_000), 7));
    let mut claimed = HashSet::new();
    for batch in futures::future::join_all(claims).await {
        let batch = batch.expect("the queue can be read");
        assert!(batch.len() <= 7);
        for run in batch {
            assert_eq!(run.epoch, 1);
            assert!(claimed.insert(run.run_id), "a run was claimed twice");
        }
    }
    assert_eq!(claimed.len(), 40);
}

/// A lease that is not renewed ends; a renewal prolongs the worker's own leases and nothing else.
pub async fn leases_end_and_are_renewed<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (mine, theirs, waiting) = (ids.run(), ids.run(), ids.run());
    let (me, other) = (ids.worker(), ids.worker());
    queued(&*store, &mine).await;
    queued(&*store, &waiting).await;
    assert_eq!(claim(&*store, &me, START, at(10)).await.len(), 2);
    queued(&*store, &theirs).await;
    assert_eq!(claim(&*store, &other, START, at(10)).await, [(theirs.clone(), 1)]);
    let parked = RunWrite { epoch: Some(1), ..updating(&waiting, state(Status::Waiting, Some(at(50)))) };
    commit(&*store, parked).await;
    store.renew(&me, at(100)).await.expect("leases can be renewed");
    assert_eq!(
        claim(&*store, &other, at(10), at(300)).await,
        [(theirs, 2)],
        "only what was not renewed is due"
    );
    assert_eq!(
        claim(&*store, &other, at(50), at(300)).await,
        [(waiting, 2)],
        "a run that waits has no lease"
    );
    assert_eq!(claim(&*store, &other, at(99), at(300)).await, []);
    assert_eq!(claim(&*store, &other, at(100), at(300)).await, [(mine, 2)]);
    store.renew(&me, at(900)).await.expect("leases can be renewed");
    assert_eq!(store.next_due().await.expect("the queue can be read"), Some(at(300)));
    assert_eq!(claim(&*store, &me, at(300), at(400)).await.len(), 3, "a lease that was lost is not renewed");
}

/// After a crash every run that was held is due at once; others stay as they are.
pub async fn release_gives_every_held_run_back<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let (held, waiting) = (ids.run(), ids.run());
    queued(&*store, &held).await;
    commit(&*store, creation(&waiting, new_run(state(Status::Waiting, Some(at(70)))))).await;
    assert_eq!(claim(&*store, &ids.worker(), START, at(1_000)).await, [(held.clone(), 1)]);
    assert_eq!(store.release_all(at(5)).await.expect("leases can be ended"), 1);
    assert_eq!(store.next_due().await.expect("the queue can be read"), Some(at(5)));
    assert_eq!(claim(&*store, &ids.worker(), at(5), at(1_000)).await, [(held, 2)]);
    assert_eq!(claim(&*store, &ids.worker(), at(70), at(1_000)).await, [(waiting, 1)]);
}

/// The earliest due time of all runs, or none.
pub async fn the_next_due_time_is_known<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    assert_eq!(store.next_due().await.expect("the queue can be read"), None);
    for due in [None, Some(at(30)), Some(at(20)), None] {
        commit(&*store, creation(&ids.run(), new_run(state(Status::Waiting, due)))).await;
    }
    assert_eq!(store.next_due().await.expect("the queue can be read"), Some(at(20)));
    assert_eq!(claim(&*store, &ids.worker(), at(20), at(500)).await.len(), 1);
    assert_eq!(store.next_due().await.expect("the queue can be read"), Some(at(30)));
}

struct Family {
    parent: RunId,
    child: RunId,
}

impl Family {
    /// A parent at `status` and its queued child, which is not due.
    async fn new(store: &dyn RunStore, ids: &Fixture, status: Status, due: Option<Timestamp>) -> Self {
        let (parent, child) = (ids.run(), ids.run());
        commit(store, creation(&parent, new_run(state(status, due)))).await;
        let mut new = new_run(state(Status::Queued, None));
        new.parent_id = Some(parent.clone());
        commit(store, creation(&child, new)).await;
        Self { parent, child }
    }

    /// Ends the child at `millis`.
    async fn end(&self, store: &dyn RunStore, status: Status, millis: i64) {
        let mut ended = state(status, None);
        ended.updated_at = at(millis);
        ended.wake_parent = Some(self.parent.clone());
        commit(store, updating(&self.child, ended)).await;
    }
}

/// A parent that waits is due at once when its child ends, and still waits.
pub async fn a_child_wakes_its_waiting_parent<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let ids = Fixture::new();
    for (waits, due) in
        [(Status::Waiting, None), (Status::WaitingApproval, None), (Status::Waiting, Some(at(9_000)))]
    {
        for ended in [Status::Completed, Status::Failed, Status::Cancelled] {
            let store = factory().await;
            let family = Family::new(&*store, &ids, waits, due).await;
            assert_eq!(claim(&*store, &ids.worker(), at(999), NEVER).await, []);
            family.end(&*store, ended, 50).await;
            assert_eq!(row(&*store, &family.parent).await.status, waits);
            let due = store.next_due().await.expect("the queue can be read");
            assert!(due.is_some_and(|due| due <= at(50)), "the parent is due at once: {due:?}");
            assert_eq!(claim(&*store, &ids.worker(), at(50), NEVER).await, [(family.parent, 1)]);
        }
    }
}

/// A parent that is at work when its child ends is due as soon as it comes to wait.
pub async fn a_child_wakes_its_parent_when_it_comes_to_wait<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let ids = Fixture::new();
    for (waits, due) in
        [(Status::Waiting, None), (Status::WaitingApproval, None), (Status::Waiting, Some(at(9_000)))]
    {
        let store = factory().await;
        let family = Family::new(&*store, &ids, Status::Running, Some(at(1_000))).await;
        family.end(&*store, Status::Completed, 40).await;
        assert_eq!(claim(&*store, &ids.worker(), at(999), NEVER).await, [], "its lease still holds");
        let mut parked = state(waits, due);
        parked.updated_at = at(60);
        let mut write = updating(&family.parent, parked);
        write.events = appending(&family.parent, 2, vec![line("waits")]).events;
        commit(&*store, write).await;
        assert_eq!(row(&*store, &family.parent).await.status, waits);
        let claimed = claim(&*store, &ids.worker(), at(60), NEVER).await;
        assert!(matches!(&claimed[..], [(id, _)] if *id == family.parent), "{claimed:?}");
    }
}

/// A claim uses the wake-up up: the parent can wait again.
pub async fn a_claim_clears_the_wake_up<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let family = Family::new(&*store, &ids, Status::Waiting, None).await;
    family.end(&*store, Status::Completed, 10).await;
    assert_eq!(claim(&*store, &ids.worker(), at(10), at(100)).await, [(family.parent.clone(), 1)]);
    let parked =
        RunWrite { epoch: Some(1), ..updating(&family.parent, state(Status::WaitingApproval, None)) };
    commit(&*store, parked).await;
    assert_eq!(store.next_due().await.expect("the queue can be read"), None);
    assert_eq!(claim(&*store, &ids.worker(), at(99_999), NEVER).await, []);
}

/// A parent that has ended, or that is not there, is left alone.
pub async fn a_finished_parent_is_not_woken<Made: Future<Output = Arc<dyn RunStore>>>(
    factory: &impl Fn() -> Made,
) {
    let (store, ids) = (factory().await, Fixture::new());
    let family = Family::new(&*store, &ids, Status::Cancelled, None).await;
    family.end(&*store, Status::Cancelled, 10).await;
    let orphan = Family { parent: ids.run(), child: ids.run() };
    queued(&*store, &orphan.child).await;
    orphan.end(&*store, Status::Completed, 10).await;
    assert_eq!(store.next_due().await.expect("the queue can be read"), None);
    assert_eq!(row(&*store, &family.parent).await.status, Status::Cancelled);
    assert_eq!(store.find_run(&orphan.parent).await.expect("rows can be read"), None);
}
