//! Chooses who answers.
//!
//! Providers stand in the owner's order, rearranged by the policy. Each is tried again while that
//! may help, then the next one is asked. A stream falls to the next provider until its first word
//! has come; after that its failure is the caller's to see.
//!
//! Invariants: a provider that is not on this machine is never asked under
//! [`Policy::LocalOnly`] nor with a request labelled [`Privacy::Local`], however the request names
//! it; `offline` is asked last, and only where text for a person will do.

mod candidates;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use kernel::{Clock, Entropy, Kind, Privacy};
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, Phase};
use crate::message::{Attempt, Completion, Outcome, Request};
use crate::offline::Offline;
use crate::openai_compatible::OpenAiCompatible;
use crate::options::{ModelsOptions, Policy, RetryOptions};
use crate::provider::{Delta, DeltaStream, Provider};
use crate::retry::pause;
use candidates::Candidate;

/// The owner's providers behind one door.
pub struct Router {
    providers: Vec<Arc<dyn Provider>>,
    policy: Policy,
    retry: RetryOptions,
    total: Duration,
    offline: Offline,
    entropy: Arc<dyn Entropy>,
}

/// What a list of providers shows of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderSummary {
    /// The name the owner gave it.
    pub name: String,
    /// The model it asks.
    pub model: String,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// Whether it is a language model; `offline` is not.
    pub is_model: bool,
}

impl Router {
    /// A router over `options.providers`. It sends nothing yet.
    ///
    /// # Errors
    /// [`Error::Options`] for the first provider that is not set up correctly.
    pub fn from_options(
        options: &ModelsOptions,
        clock: &Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Error> {
        let mut providers: Vec<Arc<dyn Provider>> = Vec::new();
        for each in &options.providers {
            let taken = providers.iter().any(|other| other.name() == each.name);
            if taken || each.name.trim().is_empty() || each.name == Offline::NAME {
                let reason = "its name is empty, taken or reserved".into();
                return Err(Error::Options { name: each.name.clone(), reason });
            }
            providers.push(Arc::new(OpenAiCompatible::new(each, options.timeouts, clock.clone())?));
        }
        Ok(Self::new(providers, options, entropy))
    }

    /// A router over `providers`, in order of preference; `options.providers` is not looked at.
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        options: &ModelsOptions,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            providers,
            policy: options.policy,
            retry: options.retry,
            total: options.timeouts.total(),
            offline: Offline::new(),
            entropy,
        }
    }

    /// Answers with a language model where one can be reached, else with `offline`.
    ///
    /// # Errors
    /// As [`Router::complete_with_model`] when the request wants JSON, which `offline` cannot give;
    /// else never.
    pub async fn complete(&self, request: &Request) -> Result<Completion, Error> {
        match self.complete_with_model(request).await {
            Err(error @ (Error::NoModel(_) | Error::Exhausted { .. })) if request.json_schema.is_none() => {
                tracing::info!(code = error.code(), "answering offline");
                let completion = self.offline.complete(request).await?;
                Ok(behind(error.attempts(), completion))
            }
            other => other,
        }
    }

    /// Answers with a language model.
    ///
    /// # Errors
    /// [`Error::NoModel`] when none may be asked, [`Error::Exhausted`] with every attempt when none
    /// answered.
    pub async fn complete_with_model(&self, request: &Request) -> Result<Completion, Error> {
        let call = |provider: Arc<dyn Provider>, request: Arc<Request>| -> BoxFuture<'_, _> {
            Box::pin(async move { provider.complete(&request).await })
        };
        let (completion, failed) = self.ask_in_turn(request, call).await?;
        Ok(behind(&failed, completion))
    }

    /// As [`Router::complete`], as a stream. It has begun when this returns: its first word is there.
    ///
    /// # Errors
    /// As [`Router::complete`]; later ones come through the stream.
    pub async fn stream(&self, request: &Request) -> Result<DeltaStream, Error> {
        match self.stream_with_model(request).await {
            Err(error @ (Error::NoModel(_) | Error::Exhausted { .. })) if request.json_schema.is_none() => {
                Ok(after(error.attempts().to_vec(), self.offline.stream(request).await?))
            }
            other => other,
        }
    }

    /// As [`Router::complete_with_model`], as a stream that has begun.
    ///
    /// # Errors
    /// As [`Router::complete_with_model`]; later ones come through the stream.
    pub async fn stream_with_model(&self, request: &Request) -> Result<DeltaStream, Error> {
        let call = |provider: Arc<dyn Provider>, request: Arc<Request>| -> BoxFuture<'_, _> {
            Box::pin(async move { begin(provider.as_ref(), &request).await })
        };
        let (deltas, failed) = self.ask_in_turn(request, call).await?;
        Ok(after(failed, deltas))
    }

    /// Whether a language model may be asked with content of this label; it may still not answer.
    pub fn has_model(&self, privacy: Privacy) -> bool {
        candidates::may_answer(&self.providers, self.policy, privacy).is_ok()
    }

    /// All providers in the order they are asked, `offline` last.
    pub fn providers(&self) -> Vec<ProviderSummary> {
        let summary = |provider: &dyn Provider, is_model| ProviderSummary {
            name: provider.name().to_owned(),
            model: provider.model().to_owned(),
            is_local: provider.is_local(),
            is_model,
        };
        let ordered = candidates::in_order(&self.providers, self.policy);
        let models = ordered.iter().map(|provider| summary(provider.as_ref(), true));
        models.chain([summary(&self.offline, false)]).collect()
    }

    /// Asks the provider of this name whether it would answer.
    ///
    /// # Errors
    /// [`Error::Options`] when there is none of this name, else what the provider says.
    pub async fn check(&self, name: &str) -> Result<(), Error> {
        if name == Offline::NAME {
            return self.offline.check().await;
        }
        let Some(provider) = self.providers.iter().find(|provider| provider.name() == name) else {
            return Err(Error::Options {
                name: name.to_owned(),
                reason: "there is none of this name".into(),
            });
        };
        provider.check().await
    }

    async fn ask_in_turn<'a, T>(
        &'a self,
        request: &Request,
        call: impl Fn(Arc<dyn Provider>, Arc<Request>) -> BoxFuture<'a, Result<T, Error>> + Send + Sync,
    ) -> Result<(T, Vec<Attempt>), Error> {
        let mut failed = Vec::new();
        let mut kinds = Vec::new();
        for candidate in candidates::choose(&self.providers, self.policy, request)? {
            match self.ask(&candidate, &call, &mut failed).await {
                Ok(answer) => return Ok((answer, failed)),
                Err(error) => kinds.push(error.kind()),
            }
        }
        // The first choice's failure says best what sort of failure this is, unless it only was
        // away and another one says what is wrong with the request.
        let telling = kinds.iter().copied().find(|kind| *kind != Kind::Unavailable);
        Err(Error::Exhausted { attempts: failed, kind: telling.unwrap_or(Kind::Unavailable) })
    }

    /// Asks one provider, again while that may help, and notes what failed.
    async fn ask<'a, T>(
        &'a self,
        candidate: &Candidate,
        call: &(impl Fn(Arc<dyn Provider>, Arc<Request>) -> BoxFuture<'a, Result<T, Error>> + Send + Sync),
        failed: &mut Vec<Attempt>,
    ) -> Result<T, Error> {
        let deadline = Instant::now() + self.total;
        let mut tries = 0;
        loop {
            tries += 1;
            let started = Instant::now();
            let answer = call(candidate.provider.clone(), candidate.request.clone());
            let error = match timeout_at(deadline, answer).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => Error::Timeout {
                    provider: candidate.provider.name().to_owned(),
                    phase: Phase::Total,
                    after_ms: u64::try_from(self.total.as_millis()).unwrap_or(u64::MAX),
                },
            };
            tracing::warn!(provider = candidate.provider.name(), tries, code = error.code(), "{error}");
            failed.push(candidate.failure(&error, started.elapsed()));
            match pause(&self.retry, tries, &error, self.entropy.as_ref()) {
                Some(wait) if Instant::now() + wait < deadline => sleep(wait).await,
                _ => return Err(error),
            }
        }
    }
}

/// Begins a stream and waits for its first word, so that a failure before it can still be mended.
async fn begin(provider: &dyn Provider, request: &Request) -> Result<DeltaStream, Error> {
    let mut deltas = provider.stream(request).await?;
    let first = deltas.next().await.transpose()?.ok_or_else(|| Error::Interrupted {
        provider: provider.name().to_owned(),
        reason: "the stream just ended".into(),
    })?;
    Ok(stream::iter([Ok(first)]).chain(deltas).boxed())
}

/// The completion with the failed attempts noted before its own.
fn behind(failed: &[Attempt], mut completion: Completion) -> Completion {
    completion.attempts.splice(0..0, failed.iter().cloned());
    completion
}

/// The stream, whose completion will have the failed attempts noted before its own.
fn after(failed: Vec<Attempt>, deltas: DeltaStream) -> DeltaStream {
    let note = move |delta| match delta {
        Ok(Delta::Finished(completion)) => Ok(Delta::Finished(behind(&failed, completion))),
        other => other,
    };
    deltas.map(note).boxed()
}

impl Candidate {
    fn failure(&self, error: &Error, after: Duration) -> Attempt {
        Attempt {
            provider: self.provider.name().to_owned(),
            model: self.request.model.clone().unwrap_or_else(|| self.provider.model().to_owned()),
            outcome: Outcome::Failed { code: error.code().to_owned(), message: error.to_string() },
            latency_ms: u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            usage: None,
        }
    }
}

#[cfg(test)]
mod tests;
