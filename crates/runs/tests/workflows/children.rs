//! Runs that runs start.

use std::time::Duration;

use futures::future::join;
use kernel::Actor;
use runs::{Event, Failure, Status, Verdict};
use serde_json::{Value, json};

use crate::fixture::{Fixture, Flow, code, flow, give, question, result};

/// A parent whose child does what the parent's input says.
fn family() -> [Flow; 2] {
    let parent = flow(|context, input| async move {
        give(&context, "before", json!(1)).await?;
        let of_child = context.child("part", "child", "A part of it", input).await?;
        let after = give(&context, "after", json!("went on")).await?;
        Ok(json!([of_child, after]))
    });
    let child = flow(|context, input: Value| async move {
        match input.as_str() {
            Some("fail") => Err(Failure::new("child_failed", "The part failed")),
            Some("ask") => {
                let approval = context.gate(question("child's question", json!(null))).await?;
                Ok(json!(approval.verdict))
            }
            Some("nest") => context.child("deeper", "child", "Deeper", json!("ask")).await,
            Some("sleep") => {
                let due = kernel::Timestamp(1_750_000_060_000);
                context.sleep_until("sleep", due).await?;
                Ok(json!("slept"))
            }
            _ => give(&context, "work", json!("done")).await,
        }
    });
    [parent, child.named("child")]
}

#[tokio::test(start_paused = true)]
async fn a_parent_goes_on_with_its_child_s_result() {
    let fixture = Fixture::new(family()).await;
    let state = fixture.carry_out(json!("work")).await;
    assert_eq!(*result(&state), json!(["done", "went on"]));
    let children = fixture.children();
    let row = fixture.store.rows().into_iter().find(|row| row.parent_id.is_some()).unwrap();
    assert_eq!(
        (row.parent_id, row.actor.as_str(), row.title.as_str()),
        (Some(state.run_id), "system", "A part of it")
    );
    assert_eq!(fixture.ended(&children[0]).await.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_is_noticed_at_once() {
    let fixture = Fixture::new(family()).await;
    let state = fixture.carry_out(json!("sleep")).await;
    let late = state.finished_at.unwrap().since(kernel::Timestamp(1_750_000_060_000));
    assert!(late < Duration::from_millis(100), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_child_s_failure_is_the_parent_s_to_handle() {
    let fixture = Fixture::new(family()).await;
    let state = fixture.carry_out(json!("fail")).await;
    assert_eq!((state.status, code(&state)), (Status::Failed, "child_failed"));
    assert_eq!(fixture.children().len(), 1);
    // A retry of the parent gives the part another try, as a run of its own.
    fixture.engine.retry(&state.run_id, None, Some(json!("work")), Actor::Owner).await.unwrap();
    let state = fixture.until(&state.run_id, |state| state.status == Status::Completed).await;
    assert_eq!(*result(&state), json!(["done", "went on"]));
    assert_eq!(fixture.children().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_parent_stops_its_children_and_theirs() {
    let mut fixture = Fixture::new(family()).await;
    for restart in [false, true] {
        let run_id = fixture.submit(json!("nest")).await;
        let open = |fixture: &Fixture| {
            fixture
                .store
                .rows()
                .into_iter()
                .find(|row| row.status == Status::WaitingApproval)
                .map(|row| row.run_id)
        };
        while open(&fixture).is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        fixture.reached(&run_id, Status::Waiting).await;
        fixture.engine.cancel(&run_id, Actor::Owner).await.unwrap();
        if restart {
            fixture.restart(family()).await;
        }
        let state = fixture.ended(&run_id).await;
        assert_eq!(state.status, Status::Cancelled);
        for child in fixture.children() {
            assert_eq!(fixture.ended(&child).await.status, Status::Cancelled);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_child_is_a_failure_of_its_part() {
    let fixture = Fixture::new(family()).await;
    let run_id = fixture.submit(json!("ask")).await;
    fixture.reached(&run_id, Status::Waiting).await;
    let child = fixture.children().pop().unwrap();
    fixture.reached(&child, Status::WaitingApproval).await;
    fixture.engine.cancel(&child, Actor::Owner).await.unwrap();
    let state = fixture.ended(&run_id).await;
    assert_eq!((state.status, code(&state)), (Status::Failed, "cancelled"));
}

#[tokio::test(start_paused = true)]
async fn a_child_s_gate_is_answered_while_its_parent_waits() {
    let mut fixture = Fixture::new(family()).await;
    let run_id = fixture.submit(json!("ask")).await;
    fixture.reached(&run_id, Status::Waiting).await;
    let child = fixture.children().pop().unwrap();
    fixture.reached(&child, Status::WaitingApproval).await;
    fixture.restart(family()).await;
    fixture.answer(&child, Verdict::Skip).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!(["skip", "went on"]));
    assert_eq!(fixture.children().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_does_not_start_a_child_again_that_is_still_at_work() {
    let parent = flow(|context, _| async move {
        let part = context.child("part", "child", "A part", json!("ask"));
        let (part, asked) = join(part, context.gate(question("parent's question", json!(null)))).await;
        Ok(json!([part?, asked?.verdict]))
    });
    let [_, child] = family();
    let fixture = Fixture::new([parent, child]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap();
    fixture.until(&run_id, |state| state.open_gates().count() == 1 && state.epoch > 1).await;
    let child = fixture.children();
    assert_eq!(child.len(), 1);
    fixture.reached(&child[0], Status::WaitingApproval).await;
    fixture.answer(&child[0], Verdict::Approve).await.unwrap();
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!(["approve", "approve"]));
}

#[tokio::test(start_paused = true)]
async fn a_child_of_an_unknown_workflow_is_a_clear_failure() {
    let work = flow(|context, _| async move { context.child("part", "nobody", "?", json!(null)).await });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!(code(&state), "unknown_workflow");
    assert!(!state.records.contains_key("part") && fixture.children().is_empty());
    assert!(
        !fixture.events(&state.run_id).iter().any(|record| matches!(record.event(), Event::ChildStarted(_)))
    );
}
