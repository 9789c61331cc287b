//! Who may be asked, in which order, and with which model: decided without asking anyone.
//!
//! Invariant: this is the only place that makes a [`Candidate`], and it makes none that privacy or
//! policy forbid. Retries, fallbacks, hedges and rescues only ever take from what it gives.

use std::sync::Arc;

use kernel::Privacy;

use super::{Inner, Member};
use crate::error::{Error, NoModel};
use crate::message::Request;
use crate::options::Policy;

/// A provider and the model it is to be asked for.
#[derive(Clone)]
pub(super) struct Candidate {
    pub member: Arc<Member>,
    /// Another model than the provider's own.
    pub model: Option<String>,
    pub tries: u32,
}

impl Candidate {
    pub fn model(&self) -> &str {
        self.model.as_deref().unwrap_or_else(|| self.member.provider.model())
    }
}

/// All providers in the policy's order, whether they may answer or not.
pub(super) fn in_order(members: &[Arc<Member>], policy: Policy) -> Vec<Arc<Member>> {
    let mut ordered = members.to_vec();
    match policy {
        Policy::LocalOnly | Policy::LocalFirst => ordered.sort_by_key(|member| !member.provider.is_local()),
        Policy::CloudFirst => ordered.sort_by_key(|member| member.provider.is_local()),
        Policy::Cheapest => ordered.sort_by(|one, other| one.expense().total_cmp(&other.expense())),
        // Who was not measured yet is worth a try.
        Policy::Fastest => ordered.sort_by(|one, other| one.slowness().total_cmp(&other.slowness())),
    }
    ordered
}

/// Those that may be asked, in order; at least one.
pub(super) fn may_answer(
    members: &[Arc<Member>],
    policy: Policy,
    privacy: Privacy,
) -> Result<Vec<Arc<Member>>, Error> {
    let stays_here = policy == Policy::LocalOnly || privacy == Privacy::Local;
    let mut allowed = in_order(members, policy);
    allowed.retain(|member| member.provider.is_local() || !stays_here);
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    Err(Error::NoModel(match () {
        () if members.is_empty() => NoModel::NothingConfigured,
        () if privacy == Privacy::Local => NoModel::PromptIsLocal,
        () => NoModel::PolicyIsLocalOnly,
    }))
}

/// Whom to ask for `request`, in order, and what; at least one.
///
/// A provider that the request names (`provider` or `provider/model`), or whose own model it
/// names, is asked first. A named provider's model means nothing to the others, so they are asked
/// for their own; a model that is nobody's own is asked of all. Whoever is better left alone comes
/// last, the soonest to come back first. A chain is for requests that leave all of it open.
pub(super) fn choose(inner: &Inner, request: &Request) -> Result<Vec<Candidate>, Error> {
    // The stricter of the two: a request can ask for less than the owner allows, never for more.
    let options = &inner.options;
    let policy = match (options.own_policy(), request.policy) {
        (Policy::LocalOnly, _) => Policy::LocalOnly,
        (own, wanted) => wanted.unwrap_or(own),
    };
    let allowed = may_answer(&inner.members, policy, request.privacy)?;
    let mut chosen = match &options.chain {
        Some(chain) if request.model.is_none() && request.policy.is_none() => in_chain(chain, &allowed)?,
        _ => name_models(&inner.members, allowed, request.model.as_deref()),
    };
    if let (Some(what), Some(raw)) = (&request.untranslatable, &request.raw) {
        chosen.retain(|candidate| candidate.member.provider.dialect() == Some(raw.dialect));
        if chosen.is_empty() {
            return Err(Error::Untranslatable { what: what.clone() });
        }
    }
    let mut chosen = that_can_read(request, chosen)?;
    chosen.sort_by_key(|candidate| candidate.member.health.standing(candidate.model()).pause);
    Ok(chosen)
}

/// Those whose model the prompt is not clearly too long for; at least one. The rest is left to the
/// providers, who count better.
fn that_can_read(request: &Request, chosen: Vec<Candidate>) -> Result<Vec<Candidate>, Error> {
    let context =
        |candidate: &Candidate| candidate.member.context_tokens.filter(|_| candidate.model.is_none());
    let Some(narrowest) = chosen.iter().filter_map(context).min() else { return Ok(chosen) };
    let Some(least) = request.clearly_longer_than(narrowest) else { return Ok(chosen) };
    let (fitting, short): (Vec<_>, Vec<_>) =
        chosen.into_iter().partition(|candidate| context(candidate).is_none_or(|context| least <= context));
    match short.first() {
        Some(first) if fitting.is_empty() => {
            let context = context(first).unwrap_or(narrowest);
            let message = format!("the prompt has more than {least} tokens, and it reads {context}");
            Err(Error::ContextTooLong { provider: first.member.provider.name().to_owned(), message })
        }
        _ => Ok(fitting),
    }
}

/// Those of the chain that may be asked, as the owner put them; at least one.
fn in_chain(chain: &[String], allowed: &[Arc<Member>]) -> Result<Vec<Candidate>, Error> {
    let chosen: Vec<_> = chain
        .iter()
        .filter_map(|link| {
            let (name, model) =
                link.split_once('/').map_or((link.as_str(), None), |(name, model)| (name, Some(model)));
            let member = allowed.iter().find(|member| member.provider.name() == name)?;
            Some(Candidate { member: member.clone(), model: model.map(str::to_owned), tries: 0 })
        })
        .collect();
    if chosen.is_empty() { Err(Error::NoModel(NoModel::ChainIsEmpty)) } else { Ok(chosen) }
}

fn name_models(all: &[Arc<Member>], mut allowed: Vec<Arc<Member>>, wanted: Option<&str>) -> Vec<Candidate> {
    let candidate =
        |member, model: Option<&str>| Candidate { member, model: model.map(str::to_owned), tries: 0 };
    let Some(wanted) = wanted else {
        return allowed.into_iter().map(|member| candidate(member, None)).collect();
    };
    let (name, model) = match wanted.split_once('/') {
        Some((name, model)) => (name, Some(model)),
        None => (wanted, None),
    };
    if all.iter().any(|member| member.provider.name() == name) {
        allowed.sort_by_key(|member| member.provider.name() != name);
        let named = |member: Arc<Member>| {
            let model = if member.provider.name() == name { model } else { None };
            candidate(member, model)
        };
        return allowed.into_iter().map(named).collect();
    }
    if all.iter().any(|member| member.provider.model() == wanted) {
        allowed.sort_by_key(|member| member.provider.model() != wanted);
        return allowed.into_iter().map(|member| candidate(member, None)).collect();
    }
    allowed.into_iter().map(|member| candidate(member, Some(wanted))).collect()
}
