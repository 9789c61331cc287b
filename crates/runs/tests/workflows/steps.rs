//! Steps: recorded once, tried again, failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runs::state::{RecordKind, StepProgress};
use runs::{Durability, Failure, LogLevel, Status, StepOptions};
use serde_json::json;

use crate::fixture::{Fixture, code, echo, flaky, flow, give, result, retrying};

#[tokio::test(start_paused = true)]
async fn a_step_is_carried_out_once_however_often_the_run_is_replayed() {
    let bodies = Arc::new(AtomicU32::new(0));
    let counted = bodies.clone();
    let work = flow(move |context, _| {
        let counted = counted.clone();
        async move {
            let first = context
                .step("first", StepOptions::default(), |_| {
                    let count = counted.fetch_add(1, Ordering::SeqCst) + 1;
                    async move { Ok(json!({ "count": count })) }
                })
                .await?;
            context.sleep_until("a while", kernel::Timestamp(1_750_000_100_000)).await?;
            Ok(json!([first, give(&context, "second", json!(2)).await?]))
        }
    });
    let mut fixture = Fixture::new([work.clone()]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.reached(&run_id, Status::Waiting).await;
    for _ in 0..3 {
        fixture.restart([work.clone()]).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    let state = fixture.ended(&run_id).await;
    assert_eq!(*result(&state), json!([{ "count": 1 }, 2]));
    assert_eq!(bodies.load(Ordering::SeqCst), 1);
    assert_eq!(fixture.count(&run_id, "step_completed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_ends_at_once_leaves_one_event() {
    let fixture = Fixture::new([echo()]).await;
    let state = fixture.carry_out(json!("hello")).await;
    assert_eq!(*result(&state), json!({ "echo": "hello" }));
    assert_eq!(fixture.kinds(&state.run_id), ["submitted", "started", "step_completed", "completed"]);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_tried_again_after_doubling_waits() {
    let work = flow(|context, _| async move {
        context
            .step("flaky", retrying(4), async |scope: runs::StepScope| {
                if scope.attempt() < 4 { Err(flaky()) } else { Ok(json!(scope.attempt())) }
            })
            .await
    });
    let fixture = Fixture::new([work]).await;
    let started = tokio::time::Instant::now();
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!(*result(&state), json!(4));
    // Each wait is between the half and the whole of 2, 4 and 8 seconds.
    let waited = started.elapsed();
    assert!((Duration::from_secs(7)..Duration::from_millis(14_500)).contains(&waited), "{waited:?}");
    assert_eq!(fixture.count(&state.run_id, "step_failed"), 3);
    assert!(fixture.count(&state.run_id, "waiting") >= 3, "it holds no worker while it waits");
}

#[tokio::test(start_paused = true)]
async fn waits_are_jittered() {
    let work = flow(|context, _| async move {
        context.step("flaky", retrying(2), async |_| Err::<(), _>(flaky())).await?;
        Ok(json!(null))
    });
    let fixture = Fixture::new([work]).await;
    let mut waits = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let state = fixture.carry_out(json!(null)).await;
        assert_eq!(code(&state), "flaky");
        let events = fixture.events(&state.run_id);
        let failed: Vec<_> = events.iter().filter(|record| record.event().kind() == "step_failed").collect();
        waits.insert(failed[1].at().since(failed[0].at()));
    }
    assert!(waits.len() > 5, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_trying_again_does_not_mend_ends_the_run() {
    let work = flow(|context, _| async move {
        context
            .step("broken", retrying(9), async |_| {
                Err::<(), _>(Failure {
                    hint: Some("Mend it".into()),
                    ..Failure::new("broken", "It is broken")
                })
            })
            .await?;
        Ok(json!(null))
    });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!((state.status, code(&state)), (Status::Failed, "broken"));
    assert_eq!(fixture.count(&state.run_id, "step_failed"), 1);
    let row = fixture.store.rows().pop().unwrap();
    let error = row.error.unwrap();
    assert_eq!((error.code.as_str(), error.hint.as_deref()), ("broken", Some("Mend it")));
    assert!(row.finished_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_workflow_may_go_on_after_a_failed_step() {
    let work = flow(|context, _| async move {
        let failed =
            context.step("try", StepOptions::ONCE, async |_| Err::<(), _>(Failure::new("no", "No"))).await;
        give(&context, "instead", json!(failed.unwrap_err().code)).await
    });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!(*result(&state), json!("no"));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_cut_off_begins_again_with_the_same_key() {
    let work = flow(|context, _| async move {
        context
            .step("slow", StepOptions::default(), async |scope: runs::StepScope| {
                scope.emit("output", json!(scope.idempotency_key())).await?;
                tokio::time::sleep(Duration::from_secs(30)).await;
                Ok(json!(scope.attempt()))
            })
            .await
    });
    let mut fixture = Fixture::new([work.clone()]).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.until(&run_id, |state| state.records.contains_key("slow")).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    fixture.restart([work]).await;
    let state = fixture.ended(&run_id).await;
    assert_eq!(*result(&state), json!(2));
    let events = fixture.events(&run_id);
    let said: Vec<_> = events.iter().filter(|record| record.event().kind() == "output").collect();
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].event(), said[1].event());
}

#[tokio::test(start_paused = true)]
async fn a_step_says_what_it_likes_and_adds_files() {
    let work = flow(|context, _| async move {
        context
            .step(
                "talk",
                StepOptions { durability: Durability::Disk, ..StepOptions::default() },
                async |scope| {
                    let scope: runs::StepScope = scope;
                    scope.log(LogLevel::Warning, "careful").await?;
                    let refused = scope.emit("completed", json!({})).await.unwrap_err();
                    scope.emit("plan", json!({ "steps": [] })).await?;
                    scope.artifact("a.txt", "text/plain", "one".into()).await?;
                    scope.artifact("a.txt", "text/plain", "one".into()).await?;
                    scope.artifact("a.txt", "text/plain", "two".into()).await?;
                    Ok(json!(refused.code))
                },
            )
            .await
    });
    let fixture = Fixture::new([work]).await;
    let state = fixture.carry_out(json!(null)).await;
    assert_eq!(*result(&state), json!("reserved_event_kind"));
    assert_eq!(fixture.count(&state.run_id, "artifact_added"), 2);
    assert_eq!(fixture.blobs.count(), 2);
    let artifact = &state.artifacts["a.txt"];
    assert_eq!(fixture.engine.blobs().get(&artifact.digest).await.unwrap(), "two");
    assert!(matches!(
        &state.records["talk"].kind,
        RecordKind::Step { attempts: 1, progress: StepProgress::Completed(_), .. }
    ));
}
