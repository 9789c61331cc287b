//! Everything that is known of the providers, in memory.

use kernel::{Error, Result};

use super::ProviderParts;
use super::record::{KeyReference, ProviderRecord, Routing, Source};
use crate::endpoint::Endpoint;
use crate::options::ModelsOptions;
use crate::secret::ApiKey;

/// All providers and how they are used.
#[derive(Clone)]
pub(super) struct Book {
    pub entries: Vec<Entry>,
    pub routing: Routing,
}

/// A provider with its key.
#[derive(Clone)]
pub(super) struct Entry {
    pub record: ProviderRecord,
    pub source: Source,
    pub key: Option<ApiKey>,
}

impl Book {
    pub async fn read(parts: &ProviderParts) -> Result<Self> {
        let mut entries: Vec<Entry> = parts.fixed.iter().map(Entry::fixed).collect();
        for record in parts.store.list_providers().await? {
            // Settings that were written since win over what is stored.
            if entries.iter().any(|entry| entry.record.name == record.name) {
                tracing::warn!(provider = record.name, "the settings hold a provider of the same name");
                continue;
            }
            let key = find_key(parts, &record).await.unwrap_or_else(|error| {
                tracing::error!(provider = record.name, %error, "the provider's key cannot be read");
                None
            });
            entries.push(Entry { record, source: Source::Workspace, key });
        }
        let options = &parts.options;
        let routing = parts.store.find_routing().await?.unwrap_or_else(|| Routing {
            policy: options.policy,
            local_only: options.local_only,
            order: Vec::new(),
            hedge_after_ms: options.hedge_after_ms,
            chain: options.chain.clone(),
        });
        Ok(Self { entries, routing })
    }

    pub fn find(&self, name: &str) -> Result<&Entry> {
        self.entries.iter().find(|entry| entry.record.name == name).ok_or_else(|| unknown(name))
    }

    /// In the owner's order.
    pub fn in_order(&self) -> Vec<&Entry> {
        let place = |entry: &&Entry| {
            let named = self.routing.order.iter().position(|name| *name == entry.record.name);
            named.unwrap_or(usize::MAX)
        };
        let mut ordered: Vec<&Entry> = self.entries.iter().collect();
        ordered.sort_by_key(place);
        ordered
    }

    /// What the router is to go by.
    pub fn options(&self, parts: &ProviderParts) -> ModelsOptions {
        let routing = &self.routing;
        let usable = self.in_order().into_iter().filter(|entry| entry.is_usable(parts));
        ModelsOptions {
            providers: usable.map(|entry| entry.record.options(entry.key.clone())).collect(),
            policy: routing.policy,
            local_only: routing.local_only,
            chain: routing.chain.clone(),
            hedge_after_ms: routing.hedge_after_ms,
            ..parts.options.clone()
        }
    }
}

impl Entry {
    fn fixed(fixed: &super::Fixed) -> Self {
        let key = fixed.key_variable.clone().map_or(KeyReference::None, KeyReference::Variable);
        Self {
            record: ProviderRecord::of_options(&fixed.options, key),
            source: fixed.source,
            key: fixed.options.api_key.clone(),
        }
    }

    /// Whether it needs a key that is not there.
    pub fn lacks_key(&self, parts: &ProviderParts) -> bool {
        let preset = self.record.preset.as_deref().and_then(|name| parts.presets.find(name));
        let needs_key = preset.is_some_and(|preset| preset.key_variable.is_some());
        self.key.is_none() && (self.record.key != KeyReference::None || needs_key)
    }

    fn is_usable(&self, parts: &ProviderParts) -> bool {
        let record = &self.record;
        if !record.enabled || (self.source == Source::Workspace && self.lacks_key(parts)) {
            return false;
        }
        let options = record.options(self.key.clone());
        match Endpoint::new(&options, parts.options.timeouts, parts.clock.clone()) {
            Ok(_) => true,
            Err(error) => {
                tracing::error!(provider = record.name, %error, "a model provider is left out");
                false
            }
        }
    }
}

pub(super) fn unknown(name: &str) -> Error {
    Error::not_found("provider_not_found", format!("There is no model provider `{name}`"))
        .with_hint("List them with GET /api/v1/providers or `atelier providers list`")
}

/// The key that a record refers to.
pub(super) async fn find_key(parts: &ProviderParts, record: &ProviderRecord) -> Result<Option<ApiKey>> {
    match &record.key {
        KeyReference::None => Ok(None),
        KeyReference::Stored(storage) => parts.keys.find(&record.name, *storage).await,
        KeyReference::Variable(name) => Ok((parts.variables)(name).map(|key| ApiKey::new(&key))),
    }
}
