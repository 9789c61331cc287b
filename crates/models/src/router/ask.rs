//! Asks candidates, one after the other or side by side, until one has begun to answer.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use kernel::Kind;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};

use super::account::{Account, Tab};
use super::candidates::Candidate;
use super::{Inner, of};
use crate::error::{Error, Phase, Telling};
use crate::message::{Attempt, Completion, Outcome, Part, Request, Usage};
use crate::provider::{Said, SaidStream};
use crate::retry::pause;

/// What was tried in vain.
#[derive(Default)]
pub(super) struct Failures {
    pub attempts: Vec<Attempt>,
    tellings: Vec<Telling>,
}

impl Failures {
    pub fn note(&mut self, candidate: &Candidate, error: &Error, after: Duration, usage: Option<Usage>) {
        let provider = candidate.member.provider.name();
        tracing::warn!(provider, model = candidate.model(), code = error.code(), "{error}");
        self.attempts.push(Attempt {
            provider: provider.to_owned(),
            model: candidate.model().to_owned(),
            outcome: Outcome::Failed { code: error.code().to_owned(), message: error.to_string() },
            latency_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            usage,
        });
        self.tellings.push(error.into());
    }

    /// The first choice's failure says best what sort of failure this is, unless it only was away
    /// and another one says what is wrong with the request.
    pub fn into_error(self) -> Error {
        let telling = self.tellings.iter().find(|telling| telling.kind != Kind::Unavailable);
        let away = Telling { kind: Kind::Unavailable, code: "no_model_answered", retry_after: None };
        Error::Exhausted { attempts: self.attempts, telling: telling.copied().unwrap_or(away) }
    }
}

/// A stream whose first words are there.
pub(super) struct Live {
    pub candidate: Candidate,
    pub said: SaidStream,
    pub asked: Instant,
    pub first_content: Duration,
    pub tab: Tab,
    /// Held for as long as the provider is busy with it.
    _permit: Option<OwnedSemaphorePermit>,
}

/// A stream that has begun, before it is known whose tab it is on.
struct Opened {
    candidate: Candidate,
    said: SaidStream,
    asked: Instant,
    first_content: Duration,
    permit: Option<OwnedSemaphorePermit>,
}

/// A whole answer from the first candidate that gives one.
pub(super) async fn whole(
    inner: &Inner,
    request: &Request,
    candidates: VecDeque<Candidate>,
    failures: &mut Failures,
    account: &Account,
) -> Option<Completion> {
    let call = |candidate: Candidate, request: Request| -> BoxFuture<'_, Result<Completion, Error>> {
        Box::pin(async move {
            let _permit = permit(&candidate).await;
            let completion = candidate.member.provider.complete(&request).await?;
            let latency = Duration::from_millis(completion.latency_ms);
            candidate.member.health.answered(candidate.model(), latency);
            let usage = candidate.member.priced(completion.usage);
            Ok(Completion { usage, ..completion }.with_own_attempt())
        })
    };
    let mut waiting = candidates;
    let (completion, tab) = first(inner, request, &mut waiting, failures, account, call).await?;
    tab.answered(completion.usage);
    Some(completion)
}

/// A stream from the first candidate that begins one; it is taken from `waiting`, and so are those
/// that failed.
pub(super) async fn live(
    inner: &Inner,
    request: &Request,
    waiting: &mut VecDeque<Candidate>,
    failures: &mut Failures,
    account: &Account,
) -> Option<Live> {
    let call = |candidate: Candidate, request: Request| -> BoxFuture<'_, Result<Opened, Error>> {
        Box::pin(async move {
            let permit = permit(&candidate).await;
            let asked = Instant::now();
            let said = candidate.member.provider.stream(&request).await?;
            let said = opened(candidate.member.provider.name(), said).await?;
            Ok(Opened { candidate, said, asked, first_content: asked.elapsed(), permit })
        })
    };
    let (opened, tab) = first(inner, request, waiting, failures, account, call).await?;
    let Opened { candidate, said, asked, first_content, permit } = opened;
    Some(Live { candidate, said, asked, first_content, tab, _permit: permit })
}

async fn permit(candidate: &Candidate) -> Option<OwnedSemaphorePermit> {
    let permits = candidate.member.permits.clone()?;
    // It is never closed.
    permits.acquire_owned().await.ok()
}

/// The first answer. While one candidate is silent for longer than the owner wants to wait, the
/// next is asked too; whoever loses is hung up on.
async fn first<T>(
    inner: &Inner,
    request: &Request,
    waiting: &mut VecDeque<Candidate>,
    failures: &mut Failures,
    account: &Account,
    call: impl Fn(Candidate, Request) -> BoxFuture<'static, Result<T, Error>> + Sync,
) -> Option<(T, Tab)> {
    let hedge = inner.options.hedge_after_ms.map(Duration::from_millis);
    let mut asked = FuturesUnordered::new();
    loop {
        if asked.is_empty() {
            asked.push(ask(inner, request, waiting.pop_front()?, account, &call));
        }
        let patience = async {
            match hedge.filter(|_| !waiting.is_empty()) {
                Some(patience) => sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some((answer, notes)) = asked.next() => {
                for Note { candidate, error, after } in notes {
                    failures.note(&candidate, &error, after, None);
                }
                if answer.is_some() {
                    return answer;
                }
            }
            () = patience => {
                if let Some(next) = waiting.pop_front() {
                    asked.push(ask(inner, request, next, account, &call));
                }
            }
        }
    }
}

struct Note {
    candidate: Candidate,
    error: Error,
    after: Duration,
}

/// Asks one candidate, again while that may help.
async fn ask<T, F>(
    inner: &Inner,
    request: &Request,
    mut candidate: Candidate,
    account: &Account,
    call: &impl Fn(Candidate, Request) -> F,
) -> (Option<(T, Tab)>, Vec<Note>)
where
    F: Future<Output = Result<T, Error>>,
{
    let options = &inner.options;
    let total = options.timeouts.total();
    let deadline = Instant::now() + total;
    let mut notes = Vec::new();
    loop {
        candidate.tries += 1;
        let started = Instant::now();
        let tab = match account.tab(&candidate) {
            Ok(tab) => tab,
            Err(error) => {
                notes.push(Note { candidate, error, after: Duration::ZERO });
                return (None, notes);
            }
        };
        let health = &candidate.member.health;
        health.asked(candidate.model(), &options.breaker);
        let request = Request { model: candidate.model.clone(), ..request.clone() };
        let error = match timeout_at(deadline, call(candidate.clone(), request)).await {
            Ok(Ok(answer)) => return (Some((answer, tab)), notes),
            Ok(Err(error)) => error,
            Err(_) => Error::Timeout {
                provider: candidate.member.provider.name().to_owned(),
                phase: Phase::Total,
                after_ms: u64::try_from(total.as_millis()).unwrap_or(u64::MAX),
            },
        };
        tab.failed(&error, None);
        health.failed(candidate.model(), &error, &options.breaker);
        let wait = pause(&options.retry, candidate.tries, &error, inner.entropy.as_ref());
        notes.push(Note { candidate: candidate.clone(), error, after: started.elapsed() });
        match wait {
            Some(wait) if Instant::now() + wait < deadline => sleep(wait).await,
            _ => return (None, notes),
        }
    }
}

/// The stream once its first words have come, so that a failure before them can still be mended
/// without anybody seeing it.
async fn opened(provider: &str, mut said: SaidStream) -> Result<SaidStream, Error> {
    let mut opening = Vec::new();
    loop {
        let next = said.next().await.transpose()?.ok_or_else(|| Error::Interrupted {
            provider: provider.to_owned(),
            reason: "the stream just ended".into(),
        })?;
        let has_begun = match &next {
            Said::Piece(piece) => !piece.deltas.is_empty(),
            Said::Finished(_) => true,
        };
        opening.push(Ok(next));
        if has_begun {
            return Ok(of(opening).chain(said).boxed());
        }
    }
}

/// What a broken answer will be charged for: the prompt, and the words that came.
pub(super) fn usage_of_broken(candidate: &Candidate, request: &Request, said: &[Part]) -> Usage {
    candidate.member.priced(Usage::estimate(request, said))
}
