//! The account of one call: opened before anyone is asked, closed when it has ended, and written to
//! the ledger then, however it ended.
//!
//! Each attempt has a [`Tab`] of its own. A tab that is dropped was hung up on: whoever asked went
//! away, or somebody else answered first; the prompt is charged all the same, so it counts. An
//! account that is dropped before it is closed is that of a call whose client went away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use kernel::{CallId, Timestamp};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Member;
use super::candidates::Candidate;
use crate::accounting::{Accounting, Amount, Slot, Subject, subjects_of};
use crate::error::Error;
use crate::ledger::{Call, CallOutcome, Origin};
use crate::message::{Attempt, Completion, Outcome, Request, Usage};
use crate::provider::{Said, SaidStream};

/// What an answer is taken to have where the request does not limit it, and at most where it does.
const USUAL_ANSWER: u64 = 1_024;
const LARGEST_ESTIMATE: u64 = 4_096;
/// The code of an attempt that was hung up on.
const HUNG_UP: &str = "model_call_cancelled";

/// An open account, or none where nobody keeps any.
#[derive(Clone)]
pub(super) struct Account(Option<Arc<Open>>);

struct Open {
    accounting: Arc<Accounting>,
    id: CallId,
    at: Timestamp,
    started: Instant,
    origin: Origin,
    requested_model: Option<String>,
    is_stream: bool,
    /// What the prompt counts, and what its answer may, in tokens.
    prompt: Usage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slot: Option<Slot>,
    attempts: Vec<Attempt>,
    /// Whether some attempt's cost is not known.
    has_unknown_cost: bool,
    admitted: Option<(Vec<Subject>, Amount)>,
    first_content_ms: Option<u64>,
    is_closed: bool,
}

impl Account {
    /// An account for `request`. Waits where the ledger is far behind.
    pub async fn open(accounting: Option<&Arc<Accounting>>, request: &Request, is_stream: bool) -> Self {
        let Some(accounting) = accounting else { return Self(None) };
        let state = State { slot: accounting.slot().await, ..State::default() };
        let most = request.max_tokens.map_or(USUAL_ANSWER, u64::from).min(LARGEST_ESTIMATE);
        Self(Some(Arc::new(Open {
            accounting: accounting.clone(),
            id: accounting.fresh_id(),
            at: accounting.now(),
            started: Instant::now(),
            origin: request.origin.clone(),
            requested_model: request.model.clone(),
            is_stream,
            prompt: Usage {
                tokens_in: request.estimated_tokens(),
                tokens_out: most,
                estimated: true,
                ..Usage::default()
            },
            state: Mutex::new(state),
        })))
    }

    /// Takes away the candidates whose limits are used up, and counts the call for the limits of the
    /// workspace and of whoever asks.
    ///
    /// # Errors
    /// [`Error::LimitReached`] when one of those is used up, or every candidate's is.
    pub fn admit(&self, mut candidates: Vec<Candidate>) -> Result<Vec<Candidate>, Error> {
        let Some(open) = &self.0 else { return Ok(candidates) };
        let mut reached = None;
        candidates.retain(|candidate| {
            let name = candidate.member.provider.name();
            match open.accounting.has_room(name, open.estimate(&candidate.member)) {
                Ok(()) => true,
                Err(error) => {
                    tracing::info!(provider = name, "left out: {error}");
                    reached.get_or_insert(error);
                    false
                }
            }
        });
        let Some(first) = candidates.first() else {
            return reached.map_or(Ok(candidates), Err);
        };
        let subjects = subjects_of(&open.origin.actor);
        let estimate = open.estimate(&first.member);
        open.accounting.admit(&subjects, estimate)?;
        open.state.lock().admitted = Some((subjects, estimate));
        Ok(candidates)
    }

    /// A tab for one attempt.
    ///
    /// # Errors
    /// [`Error::LimitReached`] when others have used the provider's limit up meanwhile.
    pub fn tab(&self, candidate: &Candidate) -> Result<Tab, Error> {
        let mut held = None;
        if let Some(open) = &self.0 {
            let subject = Subject::Provider(candidate.member.provider.name().to_owned());
            let estimate = open.estimate(&candidate.member);
            open.accounting.admit(std::slice::from_ref(&subject), estimate)?;
            held = Some((open.clone(), subject, estimate));
        }
        Ok(Tab { held, candidate: candidate.clone(), started: Instant::now() })
    }

    /// Closes the account of a call that was answered whole, or not at all.
    pub fn close(&self, answer: &Result<Completion, Error>) {
        let Some(open) = &self.0 else { return };
        match answer {
            Ok(completion) => open.answered(completion),
            Err(error) => open.failed(error),
        }
    }

    /// Follows a stream that has begun, or not, and closes the account at its end.
    pub fn follow(self, begun: Result<SaidStream, Error>) -> Result<SaidStream, Error> {
        let Some(open) = self.0 else { return begun };
        match begun {
            Ok(said) => {
                open.state.lock().first_content_ms = Some(open.milliseconds());
                Ok(Box::pin(Followed { said, open }))
            }
            Err(error) => {
                open.failed(&error);
                Err(error)
            }
        }
    }
}

impl Open {
    fn milliseconds(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn estimate(&self, member: &Member) -> Amount {
        Amount::from(member.priced(self.prompt))
    }

    fn answered(&self, completion: &Completion) {
        let from_cache = completion.attempts.is_empty();
        let mut state = self.state.lock();
        let has_answer = state.attempts.iter().any(|attempt| attempt.outcome == Outcome::Answered);
        if !has_answer {
            // Rules answered; they have no tab.
            state.attempts.extend(completion.attempts.last().cloned());
        }
        drop(state);
        let outcome = if from_cache { CallOutcome::FromCache } else { CallOutcome::Answered };
        let by = Some((completion.provider.clone(), completion.model.clone()));
        self.end(outcome, by, None);
    }

    fn failed(&self, error: &Error) {
        let outcome = match error {
            Error::LimitReached { .. } => CallOutcome::Refused,
            _ => CallOutcome::Failed,
        };
        self.end(outcome, None, Some(error.code()));
    }

    /// Settles with the limits and tells the ledger, once.
    fn end(&self, outcome: CallOutcome, by: Option<(String, String)>, error_code: Option<&str>) {
        let mut state = self.state.lock();
        if std::mem::replace(&mut state.is_closed, true) {
            return;
        }
        let attempts = std::mem::take(&mut state.attempts);
        let slot = state.slot.take();
        let mut usage = total(&attempts);
        usage.estimated |= state.has_unknown_cost;
        if let Some((subjects, estimate)) = state.admitted.take() {
            self.accounting.settle(&subjects, estimate, usage.into());
        }
        let first_content_ms = state.first_content_ms;
        drop(state);
        let last = attempts.last().map(|attempt| (attempt.provider.clone(), attempt.model.clone()));
        let (provider, model) = by.or(last).unzip();
        let call = Call {
            id: self.id.clone(),
            at: self.at,
            origin: self.origin.clone(),
            provider,
            model,
            requested_model: self.requested_model.clone(),
            is_stream: self.is_stream,
            outcome,
            error_code: error_code.map(str::to_owned),
            usage,
            first_content_ms,
            latency_ms: self.milliseconds(),
            attempts,
        };
        self.accounting.note(call, slot);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(CallOutcome::Cancelled, None, None);
    }
}

fn total(attempts: &[Attempt]) -> Usage {
    let known = attempts.iter().filter_map(|attempt| attempt.usage);
    known.fold(Usage::default(), |sum, usage| Usage {
        tokens_in: sum.tokens_in.saturating_add(usage.tokens_in),
        tokens_out: sum.tokens_out.saturating_add(usage.tokens_out),
        tokens_cached: sum.tokens_cached.saturating_add(usage.tokens_cached),
        tokens_thinking: sum.tokens_thinking.saturating_add(usage.tokens_thinking),
        usd: sum.usd + usage.usd,
        estimated: sum.estimated || usage.estimated,
    })
}

/// What one attempt is charged for.
pub(super) struct Tab {
    held: Option<(Arc<Open>, Subject, Amount)>,
    candidate: Candidate,
    started: Instant,
}

impl Tab {
    /// It gave the answer.
    pub fn answered(mut self, usage: Usage) {
        self.end(Outcome::Answered, Some(usage));
    }

    /// It gave none; or one that broke off, which is charged for as far as it went.
    pub fn failed(mut self, error: &Error, usage: Option<Usage>) {
        let outcome = Outcome::Failed { code: error.code().to_owned(), message: error.to_string() };
        self.end(outcome, usage);
    }

    /// Nobody listens any more to what it says.
    pub fn hung_up(mut self, usage: Usage) {
        self.end_cancelled(usage);
    }

    fn end_cancelled(&mut self, usage: Usage) {
        let message = "Nobody waited for the rest of the answer".to_owned();
        self.end(Outcome::Failed { code: HUNG_UP.to_owned(), message }, Some(usage));
    }

    fn end(&mut self, outcome: Outcome, usage: Option<Usage>) {
        let Some((open, subject, estimate)) = self.held.take() else { return };
        let member = &self.candidate.member;
        let used = usage.map(Amount::from).unwrap_or_default();
        open.accounting.settle(std::slice::from_ref(&subject), estimate, used);
        let attempt = Attempt {
            provider: member.provider.name().to_owned(),
            model: self.candidate.model().to_owned(),
            outcome,
            latency_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            usage,
        };
        let mut state = open.state.lock();
        state.has_unknown_cost |= usage.is_some() && member.price.is_none() && !member.provider.is_local();
        state.attempts.push(attempt);
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        let Some((open, ..)) = &self.held else { return };
        let prompt = Usage { tokens_out: 0, ..open.prompt };
        let usage = self.candidate.member.priced(prompt);
        self.end_cancelled(usage);
    }
}

/// A stream whose account is closed at its end. What is dropped first tells what it was charged for.
struct Followed {
    said: SaidStream,
    open: Arc<Open>,
}

impl Stream for Followed {
    type Item = Result<Said, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = this.said.as_mut().poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(Said::Finished(completion)))) => this.open.answered(completion),
            Poll::Ready(Some(Err(error))) => this.open.failed(error),
            _ => {}
        }
        next
    }
}
