//! Timers, the queue, and stopping.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kernel::Clock;
use runs::{EngineOptions, Error, Status, StepOptions};
use serde_json::json;
use tokio::time::Instant;

use crate::fixture::{Fixture, Flow, echo, flow, result, submission};

/// Sleeps until as many milliseconds after its first start as its input says.
fn sleeper() -> Flow {
    flow(|context, input| async move {
        let due = kernel::Timestamp(1_750_000_000_000)
            .plus(Duration::from_millis(input.as_u64().expect("the input is a number")));
        context.sleep_until("sleep", due).await?;
        Ok(json!("awake"))
    })
}

#[tokio::test(start_paused = true)]
async fn a_sleep_ends_at_its_time() {
    let fixture = Fixture::new([sleeper()]).await;
    for millis in [0, 1, 500, 2_000, 90_000, 3_600_000] {
        let due = kernel::Timestamp(1_750_000_000_000).plus(Duration::from_millis(millis));
        let begun = fixture.clock.now();
        let run_id = fixture.submit(json!(millis)).await;
        let state = fixture.ended(&run_id).await;
        let late = state.finished_at.unwrap().since(due.max(begun));
        assert!(late < Duration::from_millis(50), "{millis}: {late:?} late");
        assert_eq!(fixture.count(&run_id, "timer_fired"), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sleep_goes_on_over_restarts() {
    for slept_through in [false, true] {
        let mut fixture = Fixture::new([sleeper()]).await;
        let run_id = fixture.submit(json!(60_000)).await;
        fixture.reached(&run_id, Status::Waiting).await;
        fixture.store.crash();
        if slept_through {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        fixture.restart([sleeper()]).await;
        let state = fixture.ended(&run_id).await;
        assert_eq!(*result(&state), json!("awake"));
        assert_eq!((fixture.count(&run_id, "timer_set"), fixture.count(&run_id, "timer_fired")), (1, 1));
        let slept = state.finished_at.unwrap().since(state.created_at).as_millis();
        assert!((if slept_through { 600_000 } else { 60_000 }..601_000).contains(&slept), "{slept} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_are_carried_out_at_once_than_allowed() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counters = (now.clone(), most.clone());
    let work = flow(move |context, _| {
        let (now, most) = counters.clone();
        async move {
            context
                .step("work", StepOptions::default(), async |_| {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(10)).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                    Ok(json!(null))
                })
                .await
        }
    });
    let fixture = Fixture::with([work], EngineOptions { concurrency: 3, ..EngineOptions::default() }).await;
    let begun = Instant::now();
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(fixture.submit(json!(null)).await);
    }
    let statuses: Vec<_> = fixture.store.rows().iter().map(|row| row.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == Status::Running).count(), 3);
    assert_eq!(statuses.iter().filter(|status| **status == Status::Queued).count(), 7);
    for run_id in &runs {
        fixture.ended(run_id).await;
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    let took = begun.elapsed();
    assert!(
        (Duration::from_secs(40)..Duration::from_secs(42)).contains(&took),
        "a free slot is used at once: {took:?}"
    );
}

fn working(seconds: u64) -> Flow {
    flow(move |context, _| async move {
        for name in ["one", "two"] {
            context
                .step(name, StepOptions::default(), async |_| {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                    Ok(())
                })
                .await?;
        }
        Ok(json!("done"))
    })
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_steps_end_and_begins_nothing_more() {
    let mut fixture = Fixture::new([working(5)]).await;
    let run_id = fixture.submit(json!(null)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    fixture.engine.stop(Duration::from_secs(30)).await;
    assert!(
        (Duration::from_secs(3)..Duration::from_secs(5)).contains(&begun.elapsed()),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(fixture.count(&run_id, "step_completed"), 1);
    assert_eq!(fixture.count(&run_id, "step_started"), 1);
    let error = fixture.engine.submit(submission("flow", json!(null))).await.unwrap_err();
    assert!(matches!(error, Error::Stopping), "{error:?}");
    fixture.restart([working(5)]).await;
    let state = fixture.ended(&run_id).await;
    assert_eq!(*result(&state), json!("done"));
    assert_eq!(fixture.count(&run_id, "step_completed"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_cuts_off_what_takes_too_long() {
    let mut fixture = Fixture::new([working(500)]).await;
    let run_id = fixture.submit(json!(null)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = Instant::now();
    fixture.engine.stop(Duration::from_secs(3)).await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(fixture.engine.active_runs(), 0);
    fixture.restart([working(5)]).await;
    assert_eq!(*result(&fixture.ended(&run_id).await), json!("done"));
    assert_eq!(fixture.count(&run_id, "step_started"), 3);
}

#[tokio::test(start_paused = true)]
async fn runs_that_wait_do_not_hold_a_stop_up() {
    let fixture = Fixture::new([sleeper()]).await;
    let run_id = fixture.submit(json!(3_600_000)).await;
    fixture.reached(&run_id, Status::Waiting).await;
    let begun = Instant::now();
    fixture.engine.stop(Duration::from_secs(30)).await;
    assert!(begun.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_kept_for_as_long_as_a_step_takes() {
    let options = EngineOptions { lease: Duration::from_secs(9), ..EngineOptions::default() };
    let fixture = Fixture::with([working(600)], options).await;
    let run_id = fixture.submit(json!(null)).await;
    fixture.ended(&run_id).await;
    assert_eq!(fixture.count(&run_id, "resumed"), 0);
    assert_eq!(fixture.count(&run_id, "step_started"), 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_submission_is_carried_out_once() {
    let fixture = Fixture::new([echo()]).await;
    let keyed = |input| runs::Submission { idempotency_key: Some("k".into()), ..submission("flow", input) };
    let all = futures::future::join_all((0..10).map(|_| fixture.engine.submit(keyed(json!(1))))).await;
    let ids: std::collections::BTreeSet<_> = all.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 1);
    let error = fixture.engine.submit(keyed(json!(2))).await.unwrap_err();
    assert!(matches!(error, Error::IdempotencyKeyReused(_)), "{error:?}");
    fixture.ended(ids.first().unwrap()).await;
    assert_eq!(fixture.engine.submit(keyed(json!(1))).await.unwrap(), *ids.first().unwrap());
    assert_eq!(fixture.store.rows().len(), 1);
}
