//! Workflows that are wrong, stores that fail.

use std::time::Duration;

use kernel::{Actor, Kind};
use runs::{EngineOptions, Error, Failure, Status, StepOptions, Verdict};
use serde_json::json;

use crate::fixture::{Fixture, code, echo, flow, give, question, result, submission};

#[tokio::test(start_paused = true)]
async fn a_run_of_a_version_that_is_too_old_fails_clearly() {
    let asking = |version, from| {
        let work = flow(|context, _| async move {
            context.gate(question("q", json!(null))).await?;
            Ok(json!("done"))
        });
        work.version(version, from)
    };
    let mut fixture = Fixture::new([asking(1, 1)]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    fixture.restart([asking(3, 2)]).await;
    fixture.answer(&run_id, Verdict::Approve).await.unwrap();
    let state = fixture.ended(&run_id).await;
    assert_eq!((state.status, code(&state)), (Status::Failed, "workflow_version"));
    let failure = state.outcome.unwrap().unwrap_err();
    assert_eq!(
        failure.message,
        "This run was begun by version 1 of `flow`; this Atelier carries on versions 2 to 3"
    );
    assert!(failure.hint.is_some());
    // With code that replays it, it goes on from where it was.
    fixture.restart([asking(3, 1)]).await;
    fixture.engine.retry(&run_id, None, None, Actor::Owner).await.unwrap();
    assert_eq!(*result(&fixture.reached(&run_id, Status::Completed).await), json!("done"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_clear_failure_and_says_nothing_of_the_inside() {
    let work = flow(|context, input| async move {
        give(&context, "a", json!(1)).await?;
        let secret = "inside";
        context
            .step("b", StepOptions::default(), async |_| {
                assert!(input == json!("good"), "{secret}");
                Ok(json!("well"))
            })
            .await
    });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!("bad")).await;
    assert_eq!((state.status, code(&state)), (Status::Failed, "workflow_panicked"));
    assert!(!format!("{:?}", state.outcome).contains("inside"));
    assert_eq!(*result(&fixture.carry_out(json!("good")).await), json!("well"), "the engine is unharmed");
    assert_eq!(fixture.engine.active_runs(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_used_twice_is_a_clear_failure() {
    let work = flow(|context, _| async move {
        give(&context, "same", json!(1)).await?;
        give(&context, "same", json!(2)).await
    });
    let fixture = Fixture::new([work]).await;
    assert_eq!(code(&fixture.carry_out(json!(null)).await), "duplicate_step");
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_has_changed_under_a_run_is_a_clear_failure() {
    let with_step = || {
        flow(|context, _| async move {
            give(&context, "a", json!({ "of": "the old" })).await?;
            context.gate(question("q", json!(null))).await?;
            Ok(json!(null))
        })
    };
    let now_a_gate = flow(|context, _| async move {
        context.gate(question("a", json!(null))).await?;
        Ok(json!(null))
    });
    let now_a_timer = flow(|context, _| async move {
        context.sleep_until("a", kernel::Timestamp(0)).await?;
        Ok(json!(null))
    });
    let now_a_child = flow(|context, _| async move { context.child("a", "flow", "?", json!(null)).await });
    let without = flow(|_, _| async move { Ok(json!(null)) });
    let of_another_type = flow(|context, _| async move {
        let text: String = context.step("a", StepOptions::default(), async |_| Ok(String::new())).await?;
        Ok(json!(text))
    });
    for changed in [now_a_gate, now_a_timer, now_a_child, without, of_another_type] {
        let mut fixture = Fixture::new([with_step()]).await;
        let run_id = fixture.submit(json!(null)).await;
        fixture.reached(&run_id, Status::WaitingApproval).await;
        fixture.restart([changed]).await;
        fixture.answer(&run_id, Verdict::Approve).await.unwrap();
        let state = fixture.ended(&run_id).await;
        assert_eq!(code(&state), "workflow_changed");
        assert_eq!(fixture.store.rows().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_workflow_is_refused() {
    let fixture = Fixture::new([echo()]).await;
    let error = fixture.engine.submit(submission("nothing", json!(null))).await.unwrap_err();
    assert!(matches!(error, Error::UnknownWorkflow(_)), "{error:?}");
    assert!(fixture.store.rows().is_empty());
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_by_itself_after_the_disk_was_full() {
    let work = flow(|context, _| async move {
        for name in ["a", "b", "c"] {
            context
                .step(name, StepOptions::default(), async |_| {
                    tokio::time::sleep(Duration::from_secs(2)).await;
                    Ok(())
                })
                .await?;
        }
        Ok(json!("done"))
    });
    let fixture = Fixture::new([work]).await;
    let run_id = fixture.submit(json!(null)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.store.fill_disk(true);
    let error = fixture.engine.submit(submission("flow", json!(null))).await.unwrap_err();
    let error = kernel::Error::from(error);
    assert_eq!((error.kind, error.code), (Kind::Unavailable, "disk_full"));
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(fixture.count(&run_id, "step_completed"), 0);
    fixture.store.fill_disk(false);
    let state = tokio::time::timeout(Duration::from_secs(45), fixture.ended(&run_id)).await.unwrap();
    assert_eq!(*result(&state), json!("done"));
    assert_eq!(fixture.count(&run_id, "step_completed"), 3);
    assert_eq!(fixture.store.rows().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_could_not_be_stored_was_not_made() {
    let work = flow(|context, _| async move {
        let approval = context.gate(question("q", json!(null))).await?;
        Ok(json!(approval.verdict))
    });
    let fixture = Fixture::new([work]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::WaitingApproval).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    fixture.store.fail_next(kernel::Error::unavailable("disk_full", "The disk is full"));
    assert!(matches!(fixture.answer(&run_id, Verdict::Approve).await, Err(Error::Store(_))));
    assert_eq!(fixture.engine.state(&run_id).await.unwrap().status, Status::WaitingApproval);
    fixture.answer(&run_id, Verdict::Skip).await.unwrap();
    assert_eq!(*result(&fixture.ended(&run_id).await), json!("skip"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_outlives_its_run_says_nothing_more() {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = std::sync::Arc::new(parking_lot::Mutex::new(Some(sender)));
    let work = flow(move |context, _| {
        let sender = sender.clone();
        async move {
            context
                .step("leak", StepOptions::default(), async |scope: runs::StepScope| {
                    let sender = sender.lock().take();
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(5)).await;
                        let said: Result<(), Failure> = scope.emit("output", json!("late")).await;
                        sender.map(|sender| sender.send(said))
                    });
                    Ok(())
                })
                .await?;
            Ok(json!(null))
        }
    });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!(receiver.await.unwrap().unwrap_err().code, "wrong_run_state");
    assert_eq!(fixture.kinds(&state.run_id).last().unwrap(), "completed");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_lost_its_lease_writes_nothing_more() {
    let work = || {
        flow(|context, _| async move {
            context
                .step("slow", StepOptions::default(), async |scope: runs::StepScope| {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                    Ok(json!(scope.attempt()))
                })
                .await
        })
    };
    let options =
        EngineOptions { sole_worker: false, lease: Duration::from_secs(10), ..EngineOptions::default() };
    let mut first = Fixture::with([work()], options).await;
    let run_id = first.submit(json!(null)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    // As if the first worker had slept through its lease.
    let other = "wrk_01hv5k3m9x7q2w8e4r6t".parse().unwrap();
    let store = first.engine.store().clone();
    let now = kernel::Timestamp(1_750_000_020_000);
    let stolen = store.claim(&other, now, now.plus(Duration::from_secs(40)), 10).await.unwrap();
    assert_eq!(stolen.len(), 1);
    tokio::time::sleep(Duration::from_secs(58)).await;
    let kinds = first.kinds(&run_id);
    assert!(
        !kinds.contains(&"step_completed".to_owned()) || kinds.contains(&"resumed".to_owned()),
        "{kinds:?}"
    );
    let state = first.ended(&run_id).await;
    assert_eq!(*result(&state), json!(2), "it was begun again, and only that counts");
    assert_eq!(first.count(&run_id, "step_completed"), 1);
    first.restart([work()]).await;
    assert_eq!(first.ended(&run_id).await, state);
}
