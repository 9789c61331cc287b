//! Cancel, retry and fork.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kernel::{Actor, RunId};
use runs::{EngineOptions, Error, Event, EventRecord, Failure, Status, StepOptions, Verdict};
use serde_json::json;

use crate::fixture::{Fixture, Flow, code, decision, flow, give, question, result};

fn stages(broken: &Arc<AtomicU32>) -> Flow {
    let broken = broken.clone();
    flow(move |context, input| {
        let broken = broken.clone();
        async move {
            let a = give(&context, "a", json!([input, "a"])).await?;
            let count = context
                .step("b", StepOptions::ONCE, |_| {
                    let left = broken.load(Ordering::SeqCst);
                    broken.store(left.saturating_sub(1), Ordering::SeqCst);
                    async move {
                        if left > 0 { Err(Failure::new("broken", "It is broken")) } else { Ok(json!("b")) }
                    }
                })
                .await?;
            let approval = context.gate(question("c", json!("c"))).await?;
            if approval.verdict == Verdict::Reject {
                return Err(Failure::new("rejected", "No"));
            }
            Ok(json!([a, count, give(&context, "d", json!("d")).await?]))
        }
    })
}

/// The steps that were completed, in order.
fn completed(fixture: &Fixture, run_id: &RunId) -> Vec<String> {
    let step = |record: &EventRecord| match record.event() {
        Event::StepCompleted(completed) => Some(completed.step.clone()),
        _ => None,
    };
    fixture.events(run_id).iter().filter_map(step).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_is_cancelled_while_it_works_waits_and_queues() {
    let work = flow(|context, input| async move {
        if input == json!("wait") {
            context.gate(question("q", json!(null))).await?;
        }
        context
            .step("work", StepOptions::default(), async |_| {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(json!("done"))
            })
            .await
    });
    let fixture = Fixture::with([work], EngineOptions { concurrency: 1, ..EngineOptions::default() }).await;
    let waiting = fixture.submit(json!("wait")).await;
    fixture.reached(&waiting, Status::WaitingApproval).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let working = fixture.submit(json!("work")).await;
    let queued = fixture.submit(json!("work")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(fixture.reached(&queued, Status::Queued).await.status, Status::Queued);
    for run_id in [&waiting, &queued, &working] {
        fixture.engine.cancel(run_id, Actor::Owner).await.unwrap();
        let state = tokio::time::timeout(Duration::from_secs(1), fixture.ended(run_id)).await.unwrap();
        assert_eq!((state.status, code(&state)), (Status::Cancelled, "cancelled"));
        assert_eq!(fixture.count(run_id, "cancel_requested"), 1);
        let error = fixture.engine.cancel(run_id, Actor::Owner).await.unwrap_err();
        assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
        let error = fixture.engine.decide(run_id, decision(Verdict::Approve)).await.unwrap_err();
        assert!(matches!(error, Error::WrongState { .. }), "{error:?}");
    }
    assert_eq!(fixture.engine.active_runs(), 0);
    // A cancelled run can be retried.
    fixture.engine.retry(&queued, None, None, Actor::Owner).await.unwrap();
    fixture.reached(&queued, Status::Completed).await;
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_was_accepted_holds_over_a_restart() {
    let slow = || {
        flow(|context, _| async move {
            context
                .step("work", StepOptions::default(), async |_| {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    Ok(json!("done"))
                })
                .await
        })
    };
    let mut fixture = Fixture::new([slow()]).await;
    let run_id = fixture.submit(json!(null)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.engine.cancel(&run_id, Actor::Owner).await.unwrap();
    fixture.restart([slow()]).await;
    assert_eq!(fixture.ended(&run_id).await.status, Status::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_retry_begins_at_what_failed() {
    let fixture = Fixture::new([stages(&Arc::new(AtomicU32::new(2)))]).await;
    let run_id = fixture.submit(json!("x")).await;
    for _ in 0..2 {
        assert_eq!(code(&fixture.ended(&run_id).await), "broken");
        fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap();
    }
    fixture.reached(&run_id, Status::WaitingApproval).await;
    fixture.answer(&run_id, Verdict::Reject).await.unwrap();
    assert_eq!(code(&fixture.ended(&run_id).await), "rejected");
    fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap();
    fixture.until(&run_id, |state| state.open_gates().count() == 1).await;
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    let state = fixture.until(&run_id, |state| state.status == Status::Completed).await;
    assert_eq!(*result(&state), json!([["x", "a"], "b", "d"]));
    assert_eq!(completed(&fixture, &run_id), ["a", "b", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_from_a_stage_does_that_and_what_follows_again() {
    let fixture = Fixture::new([stages(&Arc::default())]).await;
    let run_id = fixture.submit(json!("x")).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    fixture.ended(&run_id).await;
    let error = fixture.engine.retry(&run_id, Some("nothing".into()), None, Actor::Owner).await.unwrap_err();
    assert!(matches!(error, Error::StageNotFound { .. }), "{error:?}");
    let error = fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap_err();
    assert!(matches!(error, Error::WrongState { .. }), "nothing failed: {error:?}");
    fixture.engine.retry(&run_id, Some("b".into()), None, Actor::Owner).await.unwrap();
    let state = fixture.until(&run_id, |state| state.open_gates().count() == 1).await;
    assert!(state.records.contains_key("a") && !state.records.contains_key("d"));
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    fixture.until(&run_id, |state| state.status == Status::Completed).await;
    assert_eq!(completed(&fixture, &run_id), ["a", "b", "d", "b", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_with_another_input_does_everything_on_it() {
    let fixture = Fixture::new([stages(&Arc::default())]).await;
    let run_id = fixture.submit(json!("x")).await;
    let error = fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap_err();
    assert!(matches!(error, Error::WrongState { .. }), "it is at work: {error:?}");
    fixture.reached(&run_id, Status::WaitingApproval).await;
    fixture.engine.retry(&run_id, None, Some(json!("y")), Actor::Owner).await.unwrap();
    fixture.until(&run_id, |state| state.input == json!("y") && state.open_gates().count() == 1).await;
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!([["y", "a"], "b", "d"]));
}

#[tokio::test(start_paused = true)]
async fn a_fork_has_done_what_was_done_and_goes_its_own_way() {
    let fixture = Fixture::new([stages(&Arc::default())]).await;
    let run_id = fixture.submit(json!("x")).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    let error = fixture.engine.fork(&run_id, "c", Actor::Owner).await.unwrap_err();
    assert!(matches!(error, Error::StageNotFound { .. }), "it is not answered: {error:?}");
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    let before = fixture.ended(&run_id).await;
    let fork = fixture.engine.fork(&run_id, "b", Actor::Token("tok_2".into())).await.unwrap();
    let state = fixture.reached(&fork, Status::WaitingApproval).await;
    assert_eq!((state.forked_from, state.actor.as_str()), (Some(run_id.clone()), "token:tok_2"));
    assert_eq!(fixture.count(&fork, "step_completed"), 2);
    assert_eq!(fixture.count(&fork, "step_started"), 0);
    fixture.answer(&fork, Verdict::Skip).await.unwrap();
    assert_eq!(*result(&fixture.ended(&fork).await), json!([["x", "a"], "b", "d"]));
    let answered = fixture.engine.fork(&run_id, "c", Actor::Owner).await.unwrap();
    let state = fixture.ended(&answered).await;
    assert_eq!(*result(&state), json!([["x", "a"], "b", "d"]));
    assert_eq!(fixture.ended(&run_id).await, before, "the original is as it was");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_does_not_exist_is_not_found() {
    let fixture = Fixture::new([stages(&Arc::default())]).await;
    let nobody: kernel::RunId = "run_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
    let engine = &fixture.engine;
    for result in [
        engine.cancel(&nobody, Actor::Owner).await,
        engine.decide(&nobody, decision(Verdict::Approve)).await,
        engine.retry(&nobody, None, None, Actor::Owner).await,
        engine.fork(&nobody, "a", Actor::Owner).await.map(drop),
        engine.state(&nobody).await.map(drop),
    ] {
        assert!(matches!(result, Err(Error::RunNotFound(_))), "{result:?}");
    }
}
