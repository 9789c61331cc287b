//! Who may be asked, in which order, and with which model: decided without asking anyone.

use std::sync::Arc;

use kernel::Privacy;

use crate::error::{Error, NoModel};
use crate::message::Request;
use crate::options::Policy;
use crate::provider::Provider;

/// A provider and the request as it is put to it.
pub(super) struct Candidate {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) request: Arc<Request>,
}

/// All providers in the policy's order, whether they may answer or not.
pub(super) fn in_order(providers: &[Arc<dyn Provider>], policy: Policy) -> Vec<Arc<dyn Provider>> {
    let mut ordered = providers.to_vec();
    ordered.sort_by_key(|provider| provider.is_local() == (policy == Policy::CloudFirst));
    ordered
}

/// Those that may be asked, in order; at least one.
pub(super) fn may_answer(
    providers: &[Arc<dyn Provider>],
    policy: Policy,
    privacy: Privacy,
) -> Result<Vec<Arc<dyn Provider>>, Error> {
    let stays_here = policy == Policy::LocalOnly || privacy == Privacy::Local;
    let mut allowed = in_order(providers, policy);
    allowed.retain(|provider| provider.is_local() || !stays_here);
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    Err(Error::NoModel(match () {
        () if providers.is_empty() => NoModel::NothingConfigured,
        () if privacy == Privacy::Local => NoModel::PromptIsLocal,
        () => NoModel::PolicyIsLocalOnly,
    }))
}

/// Whom to ask for `request`, in order, and what.
///
/// A provider that the request names (`provider` or `provider/model`), or whose own model it
/// names, is asked first. A named provider's model means nothing to the others, so they are asked
/// for their own; a bare model is asked of all.
pub(super) fn choose(
    providers: &[Arc<dyn Provider>],
    policy: Policy,
    request: &Request,
) -> Result<Vec<Candidate>, Error> {
    let mut allowed = may_answer(providers, policy, request.privacy)?;
    let as_is = Arc::new(request.clone());
    let Some(wanted) = request.model.as_deref() else {
        let candidate = |provider| Candidate { provider, request: as_is.clone() };
        return Ok(allowed.into_iter().map(candidate).collect());
    };
    let (name, model) = match wanted.split_once('/') {
        Some((name, model)) => (name, Some(model.to_owned())),
        None => (wanted, None),
    };
    if !providers.iter().any(|provider| provider.name() == name) {
        allowed.sort_by_key(|provider| provider.model() != wanted);
        let candidate = |provider| Candidate { provider, request: as_is.clone() };
        return Ok(allowed.into_iter().map(candidate).collect());
    }
    allowed.sort_by_key(|provider| provider.name() != name);
    let own = Arc::new(Request { model: None, ..request.clone() });
    let named = Arc::new(Request { model, ..request.clone() });
    let candidate = |provider: Arc<dyn Provider>| {
        let request = if provider.name() == name { &named } else { &own };
        Candidate { request: request.clone(), provider }
    };
    Ok(allowed.into_iter().map(candidate).collect())
}
