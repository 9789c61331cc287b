//! Carries one run out: from taking it up to its end, its next wait, or the loss of its lease.

use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use kernel::Timestamp;
use serde_json::Value;

use super::Services;
use super::active::ActiveRun;
use crate::context::RunContext;
use crate::error::Error;
use crate::event::Failure;
use crate::machine::{Command, Input};
use crate::store::Claimed;

/// A wait shorter than this keeps its worker: giving it back and replaying would cost more.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The wait after the second failure to write; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

enum Pause {
    /// The engine stops and no step is being carried out.
    PutAside,
    Returned(Result<Value, Failure>),
    Idle(Vec<String>, Option<Timestamp>),
    Stopped,
    Broken,
}

/// Carries a run out for as long as this process holds it: until it ends, waits, or the lease is
/// lost. What the store refuses for another reason is tried again from what the log says.
pub(super) async fn keep(services: &Arc<Services>, claimed: &Claimed, begun: Option<Arc<ActiveRun>>) {
    let mut begun = begun;
    let mut failures = 0;
    while begun.is_some() || !services.is_stopping() {
        let ended = match begun.take() {
            Some(run) => drive(services, &run).await,
            None => take_up(services, claimed).await,
        };
        let run_id = &claimed.run_id;
        let pause = match ended {
            Ok(commands) => return services.carry_out(commands),
            Err(error @ (Error::Fenced(_) | Error::WrongState { .. } | Error::RunNotFound(_))) => {
                return tracing::info!(%run_id, %error, "the run goes on without this worker");
            }
            // Someone else appended, a person's answer for example.
            Err(Error::Conflict(_)) if failures == 0 => Duration::ZERO,
            Err(error) => {
                let pause = (FIRST_PAUSE * (1 << failures.min(6))).min(services.options.lease);
                tracing::error!(%run_id, %error, "the run cannot be written to; trying again in {pause:?}");
                pause
            }
        };
        failures += 1;
        tokio::select! {
            biased;
            () = services.stopping.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Reads the run, says that it goes on, and carries it on.
async fn take_up(services: &Arc<Services>, claimed: &Claimed) -> Result<Vec<Command>, Error> {
    let state = services.load(&claimed.run_id).await?;
    let run = Arc::new(services.activate(state, claimed.epoch));
    let stored = run.append(Input::TakeUp { epoch: claimed.epoch })?;
    // Listed before it is stored, so that a request that comes meanwhile is written after it; but
    // never in place of a later lease, which this process got while this one paused after a failure.
    {
        let mut active = services.active.lock();
        if active.get(&run.run_id).is_some_and(|held| held.epoch() > run.epoch()) {
            return Err(Error::Fenced(run.run_id.clone()));
        }
        active.insert(run.run_id.clone(), run.clone());
    }
    let _listed = Listed { services, run: &run };
    stored.await?;
    carry_on(services, &run).await
}

async fn drive(services: &Arc<Services>, run: &Arc<ActiveRun>) -> Result<Vec<Command>, Error> {
    let _listed = Listed { services, run };
    carry_on(services, run).await
}

/// Takes the run off the list of those being carried out when it goes.
struct Listed<'a> {
    services: &'a Services,
    run: &'a Arc<ActiveRun>,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut active = self.services.active.lock();
        if active.get(&self.run.run_id).is_some_and(|held| Arc::ptr_eq(held, self.run)) {
            active.remove(&self.run.run_id);
        }
    }
}

async fn carry_on(services: &Arc<Services>, run: &Arc<ActiveRun>) -> Result<Vec<Command>, Error> {
    let (name, version, input) = {
        let state = run.state.lock();
        (state.workflow.clone(), state.version, state.input.clone())
    };
    let workflow = match services.registry.find_version(&name, version) {
        Ok(workflow) => workflow,
        Err(failure) => return run.append(Input::Finish(Err(failure)))?.await,
    };
    let context = RunContext { active: run.clone(), services: services.clone() };
    let work = async move { workflow.run(context, input).await };
    let mut work = Box::pin(AssertUnwindSafe(work).catch_unwind());
    loop {
        let pause = poll_fn(|cx| {
            run.look_again(cx);
            if run.is_stopped() {
                return Poll::Ready(Pause::Stopped);
            }
            if run.is_broken() {
                return Poll::Ready(Pause::Broken);
            }
            match work.as_mut().poll(cx) {
                Poll::Ready(Ok(result)) => Poll::Ready(Pause::Returned(result)),
                Poll::Ready(Err(panic)) => Poll::Ready(Pause::Returned(Err(panicked(panic.as_ref())))),
                Poll::Pending if services.is_stopping() && !run.is_busy() => Poll::Ready(Pause::PutAside),
                Poll::Pending if run.is_broken() => Poll::Ready(Pause::Broken),
                Poll::Pending => match run.idle_on() {
                    Some((on, due)) if is_long(due, run.now()) => Poll::Ready(Pause::Idle(on, due)),
                    _ => Poll::Pending,
                },
            }
        })
        .await;
        match pause {
            Pause::Returned(_) if run.is_broken() => return Err(Error::Conflict(run.run_id.clone())),
            Pause::PutAside => return Ok(Vec::new()),
            Pause::Broken => return Err(Error::Conflict(run.run_id.clone())),
            Pause::Returned(result) => {
                let result = result.and_then(|value| run.unvisited().map_or(Ok(value), Err));
                return run.append(Input::Finish(result))?.await;
            }
            Pause::Stopped => {
                drop(work);
                services.stop_children(run).await?;
                return run.append(Input::Stop)?.await;
            }
            Pause::Idle(on, due) => {
                let parked = run.append(Input::Park { on, due })?.await?;
                if run.state.lock().status != crate::state::Status::Running {
                    return Ok(parked);
                }
                // Answered at the last moment: the answer has woken the workflow, which goes on.
            }
        }
    }
}

fn is_long(due: Option<Timestamp>, now: Timestamp) -> bool {
    due.is_none_or(|due| due.since(now) >= SHORT_WAIT)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let what = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    tracing::error!(panic = %what, "a workflow panicked");
    let hint = Some(
        "This is a defect in Atelier; the log has the detail. Retrying from a stage may help".to_owned(),
    );
    Failure { hint, ..Failure::new("workflow_panicked", "The work stopped because of an internal error") }
}
