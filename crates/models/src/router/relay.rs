//! Passes a stream on and, when it dies, has the next provider go on with it.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::account::Account;
use super::ask::{self, Failures, Live};
use super::candidates::Candidate;
use super::splice::{Splice, continuation};
use super::{Inner, behind};
use crate::dialect::Transcript;
use crate::error::Error;
use crate::message::{Completion, Request};
use crate::provider::{Delta, Piece, Said, SaidStream};

/// The answer of the first candidate that begins one.
pub(super) async fn begin(
    inner: &Arc<Inner>,
    request: &Request,
    candidates: Vec<Candidate>,
    account: &Account,
) -> Result<SaidStream, Error> {
    let mut waiting: VecDeque<Candidate> = candidates.into();
    let mut failures = Failures::default();
    let Some(live) = ask::live(inner, request, &mut waiting, &mut failures, account).await else {
        return Err(failures.into_error());
    };
    // Boxed, since it is moved in and out with each piece.
    let relay = Box::new(Relay {
        inner: inner.clone(),
        account: account.clone(),
        request: request.clone(),
        waiting,
        failures,
        live: Some(live),
        transcript: Transcript::default(),
        splice: None,
        last: None,
    });
    Ok(stream::unfold(relay, |mut relay| async { relay.next().await.map(|said| (said, relay)) }).boxed())
}

struct Relay {
    inner: Arc<Inner>,
    account: Account,
    request: Request,
    waiting: VecDeque<Candidate>,
    failures: Failures,
    /// Who speaks; nobody once the answer has ended.
    live: Option<Live>,
    /// What the client has.
    transcript: Transcript,
    /// How what comes is joined to what the client has, once it was broken.
    splice: Option<Splice>,
    /// The end, while the last words go first.
    last: Option<Completion>,
}

/// Whoever listened has gone; what was said until then is charged for.
impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(live) = self.live.take() {
            let said = self.transcript.parts();
            let usage = ask::usage_of_broken(&live.candidate, &self.request, said);
            live.tab.hung_up(usage);
        }
    }
}

impl Relay {
    async fn next(&mut self) -> Option<Result<Said, Error>> {
        loop {
            if let Some(completion) = self.last.take() {
                return Some(Ok(Said::Finished(completion)));
            }
            let error = match self.live.as_mut()?.said.next().await {
                Some(Ok(Said::Piece(piece))) => match self.join(piece) {
                    Ok(None) => continue,
                    Ok(Some(piece)) => return Some(Ok(Said::Piece(piece))),
                    Err(error) => error,
                },
                Some(Ok(Said::Finished(completion))) => match self.finish(completion) {
                    Ok(said) => return Some(Ok(said)),
                    Err(error) => error,
                },
                Some(Err(error)) => error,
                None => self.interrupted("the stream just ended"),
            };
            if let Err(error) = self.rescue(error).await {
                return Some(Err(error));
            }
        }
    }

    /// What of a piece the client does not have yet.
    fn join(&mut self, mut piece: Piece) -> Result<Option<Piece>, Error> {
        if let Some(splice) = &mut self.splice {
            let mut new = Vec::new();
            for delta in piece.deltas {
                match splice.join(delta) {
                    Ok(more) => new.extend(more),
                    Err(_) => {
                        return Err(self.interrupted("another answer cannot be joined to what was said"));
                    }
                }
            }
            if new.is_empty() {
                return Ok(None);
            }
            piece = Piece { deltas: new, raw: None };
        }
        piece.deltas.iter().for_each(|delta| self.transcript.push(delta));
        Ok(Some(piece))
    }

    fn finish(&mut self, completion: Completion) -> Result<Said, Error> {
        let rest: Vec<Delta> = match self.splice.as_mut().map(Splice::finish) {
            None => Vec::new(),
            Some(Ok(rest)) => rest,
            Some(Err(_)) => return Err(self.interrupted("another answer ended before what was said")),
        };
        let was_broken = self.splice.is_some();
        let live = self.live.take().expect("who ends an answer was speaking");
        let member = &live.candidate.member;
        member.health.answered(live.candidate.model(), live.first_content);
        let usage = member.priced(completion.usage);
        live.tab.answered(usage);
        let own = Completion { usage, ..completion }.with_own_attempt();
        rest.iter().for_each(|delta| self.transcript.push(delta));
        let whole = behind(&self.failures.attempts, own);
        if !was_broken {
            return Ok(Said::Finished(whole));
        }
        let parts = std::mem::take(&mut self.transcript).into_parts();
        let whole = Completion { parts, raw: None, ..whole };
        if rest.is_empty() {
            return Ok(Said::Finished(whole));
        }
        self.last = Some(whole);
        Ok(Said::Piece(Piece { deltas: rest, raw: None }))
    }

    /// Has somebody else go on, or the same one again if nobody else is left.
    async fn rescue(&mut self, error: Error) -> Result<(), Error> {
        let Some(live) = self.live.take() else { return Err(error) };
        let options = &self.inner.options;
        let candidate = live.candidate;
        candidate.member.health.failed(candidate.model(), &error, &options.breaker);
        let said = self.transcript.parts();
        let usage = ask::usage_of_broken(&candidate, &self.request, said);
        live.tab.failed(&error, Some(usage));
        self.failures.note(&candidate, &error, live.asked.elapsed(), Some(usage));
        if error.is_transient() && candidate.tries < options.retry.attempts {
            self.waiting.push_back(candidate);
        }
        let (request, may_continue) = continuation(&self.request, said);
        let splice = Splice::new(said, may_continue);
        let live =
            ask::live(&self.inner, &request, &mut self.waiting, &mut self.failures, &self.account).await;
        match live {
            Some(live) => {
                (self.live, self.splice) = (Some(live), Some(splice));
                Ok(())
            }
            None => Err(std::mem::take(&mut self.failures).into_error()),
        }
    }

    fn interrupted(&self, reason: &str) -> Error {
        let provider = self.live.as_ref().map(|live| live.candidate.member.provider.name().to_owned());
        Error::Interrupted { provider: provider.unwrap_or_default(), reason: reason.into() }
    }
}
