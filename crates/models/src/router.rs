//! Chooses who answers.
//!
//! Providers stand in the owner's order, rearranged by the policy. Each is tried again while that
//! may help, then the next one is asked. A stream that dies in the middle is gone on with by the
//! next provider ([`splice`]), so that the client sees one answer.
//!
//! Invariants: who may be asked at all is decided once, in [`candidates`]; `offline` is asked last,
//! and only where text for a person will do; an answer that is not whole ends in an error.

mod account;
mod ask;
mod candidates;
mod health;
mod relay;
mod splice;

use std::sync::Arc;

use arc_swap::ArcSwap;
use futures::stream::{self, StreamExt};
use kernel::{Clock, Entropy, Privacy};
use tokio::sync::Semaphore;

use crate::accounting::Accounting;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::message::{Attempt, Completion, Format, Request, Usage};
use crate::offline::Offline;
use crate::options::{ModelsOptions, Policy, Price, ProviderOptions, TimeoutOptions};
use crate::provider::{Provider, Said, SaidStream};
use account::Account;
use health::Health;
pub use health::{LastFailure, Standing};

/// The owner's providers behind one door.
pub struct Router {
    /// What a call begins with it keeps to its end, so that a change breaks none.
    inner: ArcSwap<Inner>,
    offline: Offline,
    accounting: Option<Arc<Accounting>>,
    clock: Option<Arc<dyn Clock>>,
}

struct Inner {
    members: Vec<Arc<Member>>,
    options: ModelsOptions,
    entropy: Arc<dyn Entropy>,
}

/// A provider with what the router knows of it.
struct Member {
    provider: Arc<dyn Provider>,
    price: Option<Price>,
    permits: Option<Arc<Semaphore>>,
    /// How many tokens its own model can read.
    context_tokens: Option<u64>,
    health: Health,
    /// What it was made of, by which it is known again; absent for those made elsewhere.
    made_of: Option<(ProviderOptions, TimeoutOptions)>,
}

impl Member {
    fn new(provider: Arc<dyn Provider>, made_of: Option<(ProviderOptions, TimeoutOptions)>) -> Arc<Self> {
        let options = made_of.as_ref().map(|(options, _)| options);
        let permits = options.and_then(|options| options.concurrency).map(|most| most.max(1));
        Arc::new(Self {
            price: options.and_then(|options| options.price),
            permits: permits.map(|most| Arc::new(Semaphore::new(most))),
            context_tokens: options.and_then(|options| options.context_tokens),
            health: Health::default(),
            provider,
            made_of,
        })
    }

    /// What a token costs, prompt and answer weighed as they usually come; unknown prices last.
    fn expense(&self) -> f64 {
        match self.price {
            _ if self.provider.is_local() => 0.0,
            Some(price) => 3.0 * price.input + price.output,
            None => f64::INFINITY,
        }
    }

    fn slowness(&self) -> f64 {
        self.health.standing(self.provider.model()).first_content_ms.unwrap_or(0.0)
    }

    /// `usage` with its cost.
    fn priced(&self, usage: Usage) -> Usage {
        let Some(price) = self.price else { return usage };
        let cached = usage.tokens_cached.min(usage.tokens_in);
        let fresh = (usage.tokens_in - cached) as f64 * price.input;
        let known = cached as f64 * price.cached.unwrap_or(price.input);
        Usage { usd: (fresh + known + usage.tokens_out as f64 * price.output) / 1e6, ..usage }
    }
}

/// What a list of providers shows of one.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSummary {
    /// The name the owner gave it.
    pub name: String,
    /// The model it asks.
    pub model: String,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// Whether it is a language model; `offline` is not.
    pub is_model: bool,
    /// How it speaks, if it speaks over a wire.
    pub dialect: Option<Dialect>,
    /// How it did of late.
    pub standing: Standing,
    /// What went wrong last, if anything did since it last answered.
    pub last_failure: Option<LastFailure>,
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
        let members = build_members(options, &[], clock)?;
        Ok(Self { clock: Some(clock.clone()), ..Self::over(members, options, entropy) })
    }

    /// Goes on with these options. Calls under way end with what they began with; providers that
    /// are set up as before keep what is known of them and the calls they are busy with.
    ///
    /// # Errors
    /// As [`Router::from_options`]; then nothing has changed.
    pub fn reconfigure(&self, options: &ModelsOptions) -> Result<(), Error> {
        let Some(clock) = &self.clock else {
            let reason = "this router was not made from options".into();
            return Err(Error::Options { name: String::new(), reason });
        };
        let before = self.inner.load_full();
        let members = build_members(options, &before.members, clock)?;
        let inner = Inner { members, options: options.clone(), entropy: before.entropy.clone() };
        self.inner.store(Arc::new(inner));
        Ok(())
    }

    /// A router over `providers`, in order of preference; `options.providers` is not looked at.
    pub fn new(
        providers: Vec<Arc<dyn Provider>>,
        options: &ModelsOptions,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let members = providers.into_iter().map(|provider| Member::new(provider, None)).collect();
        Self::over(members, options, entropy)
    }

    fn over(members: Vec<Arc<Member>>, options: &ModelsOptions, entropy: Arc<dyn Entropy>) -> Self {
        let inner = Inner { members, options: options.clone(), entropy };
        let inner = ArcSwap::from_pointee(inner);
        Self { inner, offline: Offline::new(), accounting: None, clock: None }
    }

    /// The router, which from now on keeps account of every call.
    #[must_use]
    pub fn with_accounting(self, accounting: Arc<Accounting>) -> Self {
        Self { accounting: Some(accounting), ..self }
    }

    /// Answers with a language model where one can be reached, else with `offline`.
    ///
    /// # Errors
    /// As [`Router::complete_with_model`] when the request wants JSON, which `offline` cannot give;
    /// else never.
    pub async fn complete(&self, request: &Request) -> Result<Completion, Error> {
        let account = Account::open(self.accounting.as_ref(), request, false).await;
        let answer = match self.whole(request, &account).await {
            Err(error @ (Error::NoModel(_) | Error::Exhausted { .. })) if is_text(request) => {
                tracing::info!(code = error.code(), "answering offline");
                let completion = self.offline.complete(request).await;
                completion.map(|completion| behind(error.attempts(), completion))
            }
            other => other,
        };
        account.close(&answer);
        answer
    }

    /// Answers with a language model, or with `offline` if the request names it.
    ///
    /// # Errors
    /// [`Error::NoModel`] when none may be asked, [`Error::Exhausted`] with every attempt when none
    /// answered.
    pub async fn complete_with_model(&self, request: &Request) -> Result<Completion, Error> {
        let account = Account::open(self.accounting.as_ref(), request, false).await;
        let answer = self.whole(request, &account).await;
        account.close(&answer);
        answer
    }

    async fn whole(&self, request: &Request, account: &Account) -> Result<Completion, Error> {
        if is_for_offline(request) {
            return self.offline.complete(request).await;
        }
        if let Some(known) = self.accounting.as_ref().and_then(|accounting| accounting.cached(request)) {
            return Ok(known);
        }
        let inner = self.inner.load_full();
        let candidates = account.admit(candidates::choose(&inner, request)?)?.into();
        let mut failures = ask::Failures::default();
        match ask::whole(&inner, request, candidates, &mut failures, account).await {
            Some(completion) => {
                if let Some(accounting) = &self.accounting {
                    accounting.keep(request, &completion);
                }
                Ok(behind(&failures.attempts, completion))
            }
            None => Err(failures.into_error()),
        }
    }

    /// As [`Router::complete`], as a stream. It has begun when this returns: its first word is there.
    ///
    /// # Errors
    /// As [`Router::complete`]; later ones come through the stream.
    pub async fn stream(&self, request: &Request) -> Result<SaidStream, Error> {
        let account = Account::open(self.accounting.as_ref(), request, true).await;
        let begun = match self.begin(request, &account).await {
            Err(error @ (Error::NoModel(_) | Error::Exhausted { .. })) if is_text(request) => {
                let said = self.offline.stream(request).await;
                said.map(|said| after(error.attempts().to_vec(), said))
            }
            other => other,
        };
        account.follow(begun)
    }

    /// As [`Router::complete_with_model`], as a stream that has begun.
    ///
    /// # Errors
    /// As [`Router::complete_with_model`]; later ones come through the stream.
    pub async fn stream_with_model(&self, request: &Request) -> Result<SaidStream, Error> {
        let account = Account::open(self.accounting.as_ref(), request, true).await;
        let begun = self.begin(request, &account).await;
        account.follow(begun)
    }

    async fn begin(&self, request: &Request, account: &Account) -> Result<SaidStream, Error> {
        if is_for_offline(request) {
            return self.offline.stream(request).await;
        }
        let inner = self.inner.load_full();
        let candidates = account.admit(candidates::choose(&inner, request)?)?;
        relay::begin(&inner, request, candidates, account).await
    }

    /// Whether a language model may be asked with content of this label; it may still not answer.
    pub fn has_model(&self, privacy: Privacy) -> bool {
        let inner = self.inner.load();
        candidates::may_answer(&inner.members, inner.options.own_policy(), privacy).is_ok()
    }

    /// Whether nobody beyond this machine is asked, as long as no request says otherwise.
    pub fn is_local_only(&self) -> bool {
        self.inner.load().options.own_policy() == Policy::LocalOnly
    }

    /// Sees to a first limit where some provider beyond this machine has a price.
    ///
    /// # Errors
    /// As [`Accounting::guard_spending`].
    pub async fn guard_spending(&self) -> kernel::Result<()> {
        let costs = |member: &Arc<Member>| member.price.is_some() && !member.provider.is_local();
        let costs_money = self.inner.load().members.iter().any(costs);
        match &self.accounting {
            Some(accounting) if costs_money => accounting.guard_spending().await,
            _ => Ok(()),
        }
    }

    /// All providers in the order they are asked, `offline` last.
    pub fn providers(&self) -> Vec<ProviderSummary> {
        let inner = self.inner.load();
        let summary = |provider: &dyn Provider, is_model, standing, last_failure| ProviderSummary {
            name: provider.name().to_owned(),
            model: provider.model().to_owned(),
            is_local: provider.is_local(),
            is_model,
            dialect: provider.dialect(),
            standing,
            last_failure,
        };
        let ordered = candidates::in_order(&inner.members, inner.options.own_policy());
        let models = ordered.iter().map(|member| {
            let provider = member.provider.as_ref();
            let health = &member.health;
            let model = provider.model();
            summary(provider, true, health.standing(model), health.last_failure(model))
        });
        models.chain([summary(&self.offline, false, Standing::default(), None)]).collect()
    }

    /// Asks the provider of this name whether it would answer, and which models it has.
    ///
    /// # Errors
    /// [`Error::Options`] when there is none of this name, else what the provider says.
    pub async fn check(&self, name: &str) -> Result<Vec<String>, Error> {
        if name == Offline::NAME {
            return self.offline.check().await;
        }
        let inner = self.inner.load_full();
        let Some(member) = inner.members.iter().find(|member| member.provider.name() == name) else {
            return Err(Error::Options {
                name: name.to_owned(),
                reason: "there is none of this name".into(),
            });
        };
        member.provider.check().await
    }
}

/// The providers of `options`; those of `known` that are set up the same are taken over.
fn build_members(
    options: &ModelsOptions,
    known: &[Arc<Member>],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<Member>>, Error> {
    let mut members: Vec<Arc<Member>> = Vec::new();
    for each in &options.providers {
        let taken = members.iter().any(|other| other.provider.name() == each.name);
        if taken || each.name.trim().is_empty() || each.name == Offline::NAME {
            let reason = "its name is empty, taken or reserved".into();
            return Err(Error::Options { name: each.name.clone(), reason });
        }
        let made_of = Some((each.clone(), options.timeouts));
        let member = match known.iter().find(|member| member.made_of == made_of) {
            Some(member) => member.clone(),
            None => Member::new(Arc::new(Endpoint::new(each, options.timeouts, clock.clone())?), made_of),
        };
        members.push(member);
    }
    Ok(members)
}

/// Whether rules can answer: what is wanted is text, or tools to be used.
fn is_text(request: &Request) -> bool {
    request.format == Format::Text
}

/// Whether the request asks for the rules by name.
fn is_for_offline(request: &Request) -> bool {
    let name = request.model.as_deref().map(|model| model.split('/').next().unwrap_or(model));
    name == Some(Offline::NAME)
}

/// The completion with the failed attempts noted before its own.
fn behind(failed: &[Attempt], mut completion: Completion) -> Completion {
    completion.attempts.splice(0..0, failed.iter().cloned());
    completion
}

/// The stream, whose completion will have the failed attempts noted before its own.
fn after(failed: Vec<Attempt>, said: SaidStream) -> SaidStream {
    let note = move |next| match next {
        Ok(Said::Finished(completion)) => Ok(Said::Finished(behind(&failed, completion))),
        other => other,
    };
    said.map(note).boxed()
}

/// A stream of these.
fn of(said: impl IntoIterator<Item = Result<Said, Error>, IntoIter: Send + 'static>) -> SaidStream {
    stream::iter(said).boxed()
}

#[cfg(test)]
mod tests;
