//! The loop that takes up runs that are due and keeps the leases of those in hand.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::Services;
use crate::error::Error;

const CLAIM_BATCH: usize = 128;
/// How soon a failing store is asked again.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long the loop sleeps at most: a clock that jumps is noticed by then.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

pub(super) async fn run(services: Arc<Services>) {
    let mut heartbeat = tokio::time::interval(services.options.lease / 3);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut renewed = services.clock.now();
    loop {
        // Before runs are taken up: a machine that was asleep finds its own leases lapsed, and must
        // not take up a second time what it is carrying out.
        let now = services.clock.now();
        if now.since(renewed) >= services.options.lease / 3 {
            match services.store.renew(&services.worker, now.plus(services.options.lease)).await {
                Ok(()) => renewed = now,
                Err(error) => tracing::error!(%error, "leases could not be renewed"),
            }
        }
        let pause = match take_up_due(&services).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read; trying again");
                AFTER_FAILURE
            }
        };
        tokio::select! {
            biased;
            () = services.stopping.cancelled() => return,
            () = services.dispatch.notified() => {}
            () = tokio::time::sleep_until(Instant::now() + pause) => {}
            _ = heartbeat.tick() => {}
        }
    }
}

/// Takes up whatever is due, as far as there are slots, and says how long nothing else is.
async fn take_up_due(services: &Arc<Services>) -> Result<Duration, Error> {
    while !services.is_stopping() {
        // Said before looking, so that a slot that is given back meanwhile is not missed.
        services.hungry.store(true, Ordering::SeqCst);
        let free = services.slots.available_permits().min(CLAIM_BATCH);
        if free == 0 {
            break;
        }
        services.hungry.store(false, Ordering::SeqCst);
        let now = services.clock.now();
        let until = now.plus(services.options.lease);
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let claimed = services.store.claim(&services.worker, now, until, limit).await?;
        if claimed.is_empty() {
            let due = services.store.next_due().await?;
            return Ok(due.map_or(LONGEST_SLEEP, |due| due.since(services.clock.now()).min(LONGEST_SLEEP)));
        }
        claimed.into_iter().for_each(|claimed| services.hold(claimed));
    }
    Ok(LONGEST_SLEEP)
}
