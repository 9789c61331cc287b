//! Setting providers up, changing and removing them.

use kernel::{Error, Result};

use super::Providers;
use super::book::{Entry, find_key};
use super::record::{
    KeyReference, NewKey, NewProvider, ProviderChange, ProviderRecord, Routing, RoutingChange, Source,
};
use super::view::ProviderView;
use crate::endpoint::{Endpoint, parse_base_url};
use crate::offline::Offline;
use crate::presets::{Preset, is_name};

impl Providers {
    /// Sets a provider up. What is left out is taken from its preset, its key from the variable
    /// the preset names, where that is set.
    ///
    /// # Errors
    /// `preset_not_found`, `provider_exists`, `model_settings_invalid`, and those of the stores.
    pub async fn create(&self, new: NewProvider) -> Result<ProviderView> {
        let _changing = self.changing.lock().await;
        let preset = new.preset.as_deref().map(|name| self.preset(name)).transpose()?.cloned();
        let mut record = self.fresh_record(&new, preset.as_ref())?;
        let is_taken = self.book.read().find(&record.name).is_ok();
        if is_taken || record.name == Offline::NAME {
            return Err(taken(&record.name));
        }
        let given = match (new.key, &preset) {
            (Some(key), _) => Some(key),
            (None, Some(Preset { key_variable: Some(name), .. }))
                if (self.parts.variables)(name).is_some() =>
            {
                Some(NewKey::Variable(name.clone()))
            }
            _ => None,
        };
        self.check(&record, given.as_ref())?;
        record.key = self.keep_key(&record.name, given).await?;
        let created = self.parts.store.create_provider(&record, self.parts.clock.now()).await;
        if !matches!(created, Ok(true)) {
            self.forget_key(&record).await;
            return Err(created.err().unwrap_or_else(|| taken(&record.name)));
        }
        let key = find_key(&self.parts, &record).await?;
        let name = record.name.clone();
        self.book.write().entries.push(Entry { record, source: Source::Workspace, key });
        self.apply().await;
        self.find(&name)
    }

    /// Changes a provider. A stored key is forgotten when the base URL names another host and no
    /// new key is given: it was not given for that one.
    ///
    /// # Errors
    /// `provider_not_found`, `provider_read_only`, `preset_not_found`, `model_settings_invalid`, and
    /// those of the stores.
    pub async fn update(&self, name: &str, change: ProviderChange) -> Result<ProviderView> {
        let _changing = self.changing.lock().await;
        let before = self.own_record(name)?;
        if let Some(Some(preset)) = &change.preset {
            self.preset(preset)?;
        }
        let mut record = self.changed(&before, &change);
        let moved = origin(&before.base_url) != origin(&record.base_url);
        let key = change.key.or_else(|| (moved && before.key.storage().is_some()).then_some(None));
        self.check(&record, key.as_ref().and_then(Option::as_ref))?;
        if let Some(given) = key {
            record.key = self.keep_key(name, given).await?;
        }
        if !self.parts.store.update_provider(&record, self.parts.clock.now()).await? {
            return Err(super::book::unknown(name));
        }
        if before.key != record.key {
            self.forget_key(&before).await;
        }
        let key = find_key(&self.parts, &record).await?;
        if let Some(entry) = self.book.write().entries.iter_mut().find(|entry| entry.record.name == name) {
            (entry.record, entry.key) = (record, key);
        }
        self.apply().await;
        self.find(name)
    }

    /// Takes a provider and its key away.
    ///
    /// # Errors
    /// `provider_not_found`, `provider_read_only`, and those of the stores.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let _changing = self.changing.lock().await;
        let record = self.own_record(name)?;
        self.parts.store.delete_provider(name).await?;
        self.forget_key(&record).await;
        self.book.write().entries.retain(|entry| entry.record.name != name);
        self.apply().await;
        Ok(())
    }

    /// Changes who is asked, and in which order.
    ///
    /// # Errors
    /// `provider_not_found` for a name that is nobody's, and those of the store.
    pub async fn update_routing(&self, change: RoutingChange) -> Result<Routing> {
        let _changing = self.changing.lock().await;
        let mut routing = self.routing();
        let named = change.order.iter().flatten();
        let linked = change.chain.iter().flatten().flatten();
        let linked = linked.map(|link| link.split_once('/').map_or(link.as_str(), |(name, _)| name));
        for name in named.map(String::as_str).chain(linked) {
            self.book.read().find(name)?;
        }
        routing.policy = change.policy.unwrap_or(routing.policy);
        routing.local_only = change.local_only.unwrap_or(routing.local_only);
        routing.order = change.order.unwrap_or(routing.order);
        routing.hedge_after_ms = change.hedge_after_ms.unwrap_or(routing.hedge_after_ms);
        routing.chain = change.chain.unwrap_or(routing.chain);
        self.parts.store.set_routing(&routing).await?;
        self.book.write().routing = routing;
        self.apply().await;
        Ok(self.routing())
    }

    pub(super) fn preset(&self, name: &str) -> Result<&Preset> {
        self.parts.presets.find(name).ok_or_else(|| {
            let known: Vec<_> = self.parts.presets.iter().map(|preset| preset.name.as_str()).collect();
            Error::not_found("preset_not_found", format!("There is no preset `{name}`"))
                .with_hint(format!("The presets are {}", known.join(", ")))
        })
    }

    fn fresh_record(&self, new: &NewProvider, preset: Option<&Preset>) -> Result<ProviderRecord> {
        let name = new.name.clone().or_else(|| new.preset.clone()).unwrap_or_default();
        let base_url = new.base_url.clone().or_else(|| preset.map(|preset| self.base_url_of(preset)));
        let model = new.model.clone().or_else(|| preset.map(|preset| preset.default_model.clone()));
        let (Some(base_url), Some(model), true) = (base_url, model, is_name(&name)) else {
            return Err(invalid(
                "A provider needs a preset, or else a name of a-z, 0-9, `.`, `_` and `-`, a base URL and a model",
            ));
        };
        let known = preset.and_then(|preset| preset.model(&model));
        Ok(ProviderRecord {
            title: new.title.clone(),
            preset: new.preset.clone(),
            dialect: new.dialect.or(preset.map(|preset| preset.dialect)).unwrap_or_default(),
            enabled: new.enabled.unwrap_or(true),
            timeouts: new.timeouts,
            concurrency: new.concurrency,
            price: new.price.or(known.and_then(|known| known.price)),
            context_tokens: new.context_tokens.or(known.and_then(|known| known.context_tokens)),
            key: KeyReference::None,
            name,
            base_url,
            model,
        })
    }

    fn changed(&self, before: &ProviderRecord, change: &ProviderChange) -> ProviderRecord {
        let preset = change.preset.clone().unwrap_or_else(|| before.preset.clone());
        let model = change.model.clone().unwrap_or_else(|| before.model.clone());
        // Another model has another price and size; what is known of it holds where nothing is said.
        let (mut price, mut context_tokens) = (before.price, before.context_tokens);
        if model != before.model {
            let known = preset.as_deref().and_then(|name| self.parts.presets.find(name)?.model(&model));
            (price, context_tokens) = known.map_or((None, None), |known| (known.price, known.context_tokens));
        }
        ProviderRecord {
            name: before.name.clone(),
            title: change.title.clone().unwrap_or_else(|| before.title.clone()),
            dialect: change.dialect.unwrap_or(before.dialect),
            base_url: change.base_url.clone().unwrap_or_else(|| before.base_url.clone()),
            enabled: change.enabled.unwrap_or(before.enabled),
            timeouts: change.timeouts.unwrap_or(before.timeouts),
            concurrency: change.concurrency.unwrap_or(before.concurrency),
            price: change.price.unwrap_or(price),
            context_tokens: change.context_tokens.unwrap_or(context_tokens),
            key: before.key.clone(),
            preset,
            model,
        }
    }

    /// The record, if it may be changed.
    fn own_record(&self, name: &str) -> Result<ProviderRecord> {
        let book = self.book.read();
        let entry = book.find(name)?;
        let place = match entry.source {
            Source::Workspace => return Ok(entry.record.clone()),
            Source::Settings => "settings.yaml",
            Source::Environment => "the environment",
        };
        Err(Error::conflict("provider_read_only", format!("The provider `{name}` is set up in {place}"))
            .with_hint(format!("Change it in {place} and start Atelier again, or add another one here")))
    }

    /// Whether it can work, before anything is stored.
    fn check(&self, record: &ProviderRecord, key: Option<&NewKey>) -> Result<()> {
        let key = key.and_then(|key| match key {
            NewKey::Secret(key) => Some(key.clone()),
            NewKey::Variable(_) => None,
        });
        Endpoint::new(&record.options(key), self.parts.options.timeouts, self.parts.clock.clone())?;
        Ok(())
    }

    async fn keep_key(&self, name: &str, given: Option<NewKey>) -> Result<KeyReference> {
        Ok(match given {
            None => KeyReference::None,
            Some(NewKey::Variable(name)) => KeyReference::Variable(name),
            Some(NewKey::Secret(key)) => KeyReference::Stored(self.parts.keys.put(name, &key).await?),
        })
    }

    /// Forgets the key of a record that is no more. What remains in the store then opens nothing.
    async fn forget_key(&self, record: &ProviderRecord) {
        if let Some(storage) = record.key.storage()
            && let Err(error) = self.parts.keys.delete(&record.name, storage).await
        {
            tracing::warn!(provider = record.name, %error, "a key could not be forgotten");
        }
    }
}

/// Where a key would go.
fn origin(base_url: &str) -> Option<String> {
    parse_base_url(base_url).ok().map(|url| url.origin().ascii_serialization())
}

fn invalid(message: &str) -> Error {
    Error::invalid("model_settings_invalid", message).with_hint("Correct the provider's settings")
}

fn taken(name: &str) -> Error {
    Error::conflict("provider_exists", format!("There is a model provider `{name}` already"))
        .with_hint("Choose another name, or change the one there is")
}
