//! A provider on the wire.

use ::models::providers::{
    HealthState, HealthView, KeyReference, KeyState, KeyStorage, ProviderView, Source,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::values::{DialectName, ModelPrice, Timeouts};
use crate::wire::Moment;

/// A provider of models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "openai", "title": "OpenAI", "preset": "openai", "dialect": "chat",
    "base_url": "https://api.openai.com/v1", "model": "gpt-4.1-mini", "is_local": false, "enabled": true,
    "source": "workspace", "key": {"state": "set", "storage": "keychain", "ending": "f3a9"},
    "timeouts": null, "concurrency": null, "price": {"input": 0.4, "output": 1.6, "cached": 0.1},
    "context_tokens": 1_047_576,
    "health": {"state": "healthy", "failures_in_a_row": 0, "first_content_ms": 420.0, "paused_until": null, "last_error": null},
}))]
pub(super) struct Provider {
    /// Its name, unique.
    name: String,
    /// What a person reads.
    title: String,
    /// What it was made from.
    #[schema(required)]
    preset: Option<String>,
    /// How it speaks.
    dialect: DialectName,
    /// Up to and with the version.
    base_url: String,
    /// The model it is asked for.
    model: String,
    /// Whether what it is asked stays on this machine.
    is_local: bool,
    /// Whether it may be asked.
    enabled: bool,
    /// Where it is set up; only those of the workspace can be changed here.
    source: ProviderSource,
    /// What is known of its key.
    key: ProviderKey,
    /// Other patience than for the rest.
    #[schema(required)]
    timeouts: Option<Timeouts>,
    /// At most so many calls at once.
    #[schema(required)]
    concurrency: Option<usize>,
    /// What it costs.
    #[schema(required)]
    price: Option<ModelPrice>,
    /// How much its model reads at once.
    #[schema(required)]
    context_tokens: Option<u64>,
    /// How it did of late.
    health: ProviderHealth,
}

/// Where a provider is set up.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProviderSource {
    /// In `settings.yaml`.
    Settings,
    /// In the environment.
    Environment,
    /// Here.
    Workspace,
}

/// What is known of a key. The key itself never leaves the server.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderKey {
    /// Whether there is one.
    state: ProviderKeyState,
    /// Where it is.
    #[schema(required)]
    storage: Option<ProviderKeyStorage>,
    /// Its last four characters; null for short ones.
    #[schema(required)]
    ending: Option<String>,
}

/// Whether there is a key.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProviderKeyState {
    /// None, and none is needed.
    None,
    /// There is one.
    Set,
    /// One is needed and not there.
    Missing,
}

/// Where a key is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProviderKeyStorage {
    /// In the operating system's keychain.
    Keychain,
    /// In an encrypted file.
    EncryptedFile,
    /// In a variable of the environment.
    Environment,
}

/// How a provider did of late.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderHealth {
    /// In one word.
    state: ProviderHealthState,
    /// Failures in a row.
    failures_in_a_row: u32,
    /// How long its first words took of late.
    #[schema(required)]
    first_content_ms: Option<f64>,
    /// Until when it is left alone.
    #[schema(required)]
    paused_until: Option<Moment>,
    /// What went wrong last, if anything did since it last answered.
    #[schema(required)]
    last_error: Option<ProviderError>,
}

/// How a provider did of late, in one word.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ProviderHealthState {
    /// It was not asked yet.
    Unknown,
    /// It answers.
    Healthy,
    /// It failed the last time.
    Failing,
    /// It is left alone for a while.
    Paused,
}

/// What went wrong with a provider.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderError {
    /// For programs.
    code: String,
    /// For people.
    message: String,
    /// When.
    at: Moment,
}

impl From<ProviderView> for Provider {
    fn from(view: ProviderView) -> Self {
        let record = view.record;
        Self {
            name: record.name,
            title: view.title,
            preset: record.preset,
            dialect: DialectName(record.dialect),
            base_url: record.base_url,
            model: record.model,
            is_local: view.is_local,
            enabled: record.enabled,
            source: match view.source {
                Source::Settings => ProviderSource::Settings,
                Source::Environment => ProviderSource::Environment,
                Source::Workspace => ProviderSource::Workspace,
            },
            key: ProviderKey {
                state: match view.key.state {
                    KeyState::None => ProviderKeyState::None,
                    KeyState::Set => ProviderKeyState::Set,
                    KeyState::Missing => ProviderKeyState::Missing,
                },
                storage: view.key.storage.as_ref().and_then(storage_of),
                ending: view.key.ending,
            },
            timeouts: record.timeouts.map(Timeouts::from),
            concurrency: record.concurrency,
            price: record.price.map(ModelPrice::from),
            context_tokens: record.context_tokens,
            health: view.health.into(),
        }
    }
}

fn storage_of(reference: &KeyReference) -> Option<ProviderKeyStorage> {
    match reference {
        KeyReference::None => None,
        KeyReference::Variable(_) => Some(ProviderKeyStorage::Environment),
        KeyReference::Stored(KeyStorage::Keychain) => Some(ProviderKeyStorage::Keychain),
        KeyReference::Stored(KeyStorage::EncryptedFile) => Some(ProviderKeyStorage::EncryptedFile),
    }
}

impl From<HealthView> for ProviderHealth {
    fn from(health: HealthView) -> Self {
        Self {
            state: match health.state {
                HealthState::Unknown => ProviderHealthState::Unknown,
                HealthState::Healthy => ProviderHealthState::Healthy,
                HealthState::Failing => ProviderHealthState::Failing,
                HealthState::Paused => ProviderHealthState::Paused,
            },
            failures_in_a_row: health.failures_in_a_row,
            first_content_ms: health.first_content_ms,
            paused_until: health.paused_until.map(Moment),
            last_error: health.last_error.map(|error| ProviderError {
                code: error.code.into(),
                message: error.message,
                at: error.at.into(),
            }),
        }
    }
}
