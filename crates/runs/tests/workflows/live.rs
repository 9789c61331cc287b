//! Following runs while they are carried out.

use std::time::Duration;

use kernel::RunId;
use runs::{EventRecord, Status, StepOptions, StepScope};
use serde_json::json;

use crate::fixture::{Fixture, Flow, flow};

fn talkative(lines: u64) -> Flow {
    flow(move |context, _| async move {
        context
            .step("talk", StepOptions::default(), async |scope: StepScope| {
                for line in 0..lines {
                    scope.emit("output", json!(line)).await?;
                }
                Ok(json!(lines))
            })
            .await
    })
}

fn numbers(events: &[EventRecord]) -> Vec<u64> {
    events.iter().map(EventRecord::seq).collect()
}

async fn follow(fixture: &Fixture, run_id: &RunId, leave_after: usize) -> Vec<EventRecord> {
    let mut seen: Vec<EventRecord> = Vec::new();
    loop {
        let mut subscription = fixture.engine.feed().subscribe(run_id, seen.len() as u64);
        for _ in 0..leave_after {
            seen.extend(subscription.next().await.expect("the run can be followed"));
            if seen.last().is_some_and(|record| record.event().is_terminal()) {
                return seen;
            }
        }
        drop(subscription);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn subscribers_see_every_event_once_in_order_however_often_they_leave() {
    let fixture = Fixture::new([talkative(5_000)]).await;
    let run_id = fixture.submit(json!(null)).await;
    let [constant, restless, late] = [usize::MAX, 1, 7];
    let (a, b, c) =
        tokio::join!(follow(&fixture, &run_id, constant), follow(&fixture, &run_id, restless), async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            follow(&fixture, &run_id, late).await
        });
    let log = fixture.events(&run_id);
    assert_eq!(log.len(), 5_005);
    for seen in [a, b, c] {
        assert_eq!(numbers(&seen), numbers(&log));
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_of_all_runs_from_now_on() {
    let fixture = Fixture::new([talkative(3)]).await;
    let before = fixture.carry_out(json!(null)).await;
    let mut listener = fixture.engine.feed().listen();
    let runs = [fixture.submit(json!(null)).await, fixture.submit(json!(null)).await];
    for run_id in &runs {
        fixture.reached(run_id, Status::Completed).await;
    }
    let mut heard = Vec::new();
    while let Ok(record) = listener.try_recv() {
        heard.push(record);
    }
    for run_id in &runs {
        let of_run: Vec<_> = heard.iter().filter(|record| record.run_id() == run_id).cloned().collect();
        assert_eq!(of_run, fixture.events(run_id));
    }
    assert!(heard.iter().all(|record| *record.run_id() != before.run_id));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_an_event_can_be_given_up_without_losing_one() {
    let fixture = Fixture::new([talkative(40)]).await;
    let run_id = fixture.submit(json!(null)).await;
    let mut subscription = fixture.engine.feed().subscribe(&run_id, 0);
    let mut seen = Vec::new();
    while seen.last().is_none_or(|record: &EventRecord| !record.event().is_terminal()) {
        if let Ok(events) = tokio::time::timeout(Duration::from_millis(1), subscription.next()).await {
            seen.extend(events.unwrap());
        }
    }
    assert_eq!(seen, fixture.events(&run_id));
}
