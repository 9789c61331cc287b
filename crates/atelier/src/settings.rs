//! Settings: defaults < `settings.yaml` in the workspace < `.env` and the environment < flags.
//!
//! Invariant: they are read once, unknown keys are refused, and secrets are never printed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Yaml};
use kernel::Error;
use models::providers::{Fixed, RequiredModel, Source};
use models::{
    ApiKey, BreakerOptions, CacheOptions, Dialect, ModelsOptions, Policy, Price, ProviderOptions,
    RetryOptions, TimeoutOptions,
};
use serde::Deserialize;
use vault::{KeySource, Secret};
use vector_stores::{Address, Store};

/// Where the server listens when nothing else is said.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// What `settings.yaml` and the environment (`ATELIER_…`) may say.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// How much the log says: a level, or `tracing` directives.
    pub log: String,
    /// How many runs are carried out at once.
    pub concurrency: usize,
    /// Host names the server answers for beside the loopback ones.
    pub allowed_hosts: Vec<String>,
    /// The models it may ask.
    pub models: ModelSettings,
    /// What makes vectors of texts.
    pub embeddings: EmbeddingSettings,
    /// How it remembers.
    pub memory: MemorySettings,
    /// What may be fetched from the web.
    pub fetch: FetchSettings,
}

/// How it remembers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MemorySettings {
    /// Where vectors are searched.
    pub vectors: VectorSettings,
}

/// Where vectors are searched; `ATELIER_VECTORS_STORE`, `ATELIER_VECTORS_URL` and
/// `ATELIER_VECTORS_SECRET` say the same and count more.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VectorSettings {
    /// `embedded` (default), in the workspace's folder; `pgvector` or `chroma`.
    pub store: VectorStore,
    /// Where the store is. It may hold a password, which belongs into `secret_env` rather.
    pub url: Option<ApiKey>,
    /// The environment variable that holds the password or token.
    pub secret_env: Option<String>,
}

/// Which store of vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VectorStore {
    /// The index in this process.
    #[default]
    Embedded,
    /// A Postgres with pgvector.
    Pgvector,
    /// Chroma.
    Chroma,
}

/// What may be fetched from the web.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchSettings {
    /// Hosts of this machine or its network that pages are taken in from: `wiki.example`,
    /// `10.0.0.5:8080`. Public ones need no mention, and a cloud's metadata is never reached.
    pub private_hosts: Vec<String>,
}

/// What makes vectors of texts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingSettings {
    /// `minilm` and `hashing` run in this process; any other is the name of a provider in `models`.
    /// Unset: `minilm` if its files are there, and `hashing` until they are.
    pub provider: Option<String>,
    /// The provider's model.
    pub model: Option<String>,
    /// How long its vectors are, where that is not known.
    pub dimensions: Option<usize>,
    /// How exactly `minilm` computes: `int8` (default) or `f32`.
    pub precision: Precision,
    /// Where the files of `minilm` are; below the workspace when unset.
    pub folder: Option<PathBuf>,
}

/// How exactly `minilm` computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// In bytes: several times as fast, and hardly worse at finding.
    #[default]
    Int8,
    /// In floats: the reference's vectors.
    F32,
}

impl From<Precision> for embeddings::Precision {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::Int8 => Self::Quantised,
            Precision::F32 => Self::Full,
        }
    }
}

/// The models Atelier may ask.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Who is asked first: `local-first` (default), `local-only`, `cloud-first`, `cheapest` or `fastest`.
    pub policy: Policy,
    /// How long to wait for each provider.
    pub timeouts: TimeoutOptions,
    /// How often to try each.
    pub retry: RetryOptions,
    /// When to leave one alone.
    pub breaker: BreakerOptions,
    /// Asks a second provider when the first is silent for so many milliseconds.
    pub hedge_after_ms: Option<u64>,
    /// Remembers answers that would be the same again; off by default.
    pub cache: CacheOptions,
    /// Only models on this machine are asked, whatever the policy or a request says.
    pub local_only: bool,
    /// Who is asked in place of the policy's choice: `provider` or `provider/model`.
    pub chain: Option<Vec<String>>,
    /// What a local Ollama should have.
    pub ollama: OllamaSettings,
    /// The providers, in order of preference.
    pub providers: Vec<ProviderSetting>,
}

/// What a local Ollama should have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OllamaSettings {
    /// Models it should have: `name[:tag][@digest]`.
    pub required: Vec<String>,
    /// Whether its model is loaded when the server starts.
    pub warm_up: bool,
}

/// One provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSetting {
    /// Its name.
    pub name: String,
    /// Where it is, up to and including `/v1`.
    pub base_url: String,
    /// The model it is asked for.
    pub model: String,
    /// The environment variable that holds its key. Keys themselves do not belong in this file.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// How it speaks: `chat` (default), as OpenAI and most others, `responses`, as OpenAI too,
    /// `anthropic` or `gemini`.
    #[serde(default)]
    pub dialect: Dialect,
    /// Other patience than for the rest.
    #[serde(default)]
    pub timeouts: Option<TimeoutOptions>,
    /// At most so many calls at once.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// What a million tokens cost, in US dollars.
    #[serde(default)]
    pub price: Option<Price>,
    /// How many tokens its model can read; what is clearly longer is not sent.
    #[serde(default)]
    pub context_tokens: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.parse().expect("the default address is one"),
            log: "info".into(),
            concurrency: runs::EngineOptions::default().concurrency,
            allowed_hosts: Vec::new(),
            models: ModelSettings::default(),
            embeddings: EmbeddingSettings::default(),
            memory: MemorySettings::default(),
            fetch: FetchSettings::default(),
        }
    }
}

impl Settings {
    /// Reads the settings of the workspace in `folder`.
    ///
    /// # Errors
    /// What cannot be read or is not known, with the place it stands in.
    pub fn load(folder: &Path) -> kernel::Result<Self> {
        for place in [PathBuf::from(".env"), folder.join(".env")] {
            if let Err(dotenvy::Error::LineParse(line, _)) = dotenvy::from_path(&place) {
                let message =
                    format!("A line in {} is not of the form NAME=value: {}", place.display(), shown(&line));
                return Err(
                    Error::invalid("settings_unreadable", message).with_hint("Correct the line or remove it")
                );
            }
        }
        let environment = Env::prefixed("ATELIER_").only(&["listen", "log", "concurrency"]);
        Figment::new().merge(Yaml::file(folder.join("settings.yaml"))).merge(environment).extract().map_err(
            |error| {
                Error::invalid("settings_invalid", format!("The settings cannot be used: {error}")).with_hint(
                    "Look into settings.yaml in the workspace's folder and the ATELIER_… variables",
                )
            },
        )
    }

    /// What the model router is set up with; the environment may name one provider more, which then
    /// comes first (`ATELIER_MODEL_BASE_URL`, `ATELIER_MODEL`, `ATELIER_MODEL_API_KEY`).
    pub fn models(&self) -> ModelsOptions {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let mut options = ModelsOptions {
            providers: Vec::new(),
            policy: self.models.policy,
            timeouts: self.models.timeouts,
            retry: self.models.retry,
            breaker: self.models.breaker,
            hedge_after_ms: self.models.hedge_after_ms,
            local_only: self.models.local_only,
            chain: self.models.chain.clone(),
        };
        if let Some(base_url) = variable("ATELIER_MODEL_BASE_URL") {
            options.providers.push(ProviderOptions {
                name: "environment".into(),
                base_url,
                api_key: variable("ATELIER_MODEL_API_KEY").map(|key| ApiKey::new(&key)),
                model: variable("ATELIER_MODEL").unwrap_or_else(|| "default".into()),
                ..ProviderOptions::default()
            });
        }
        options.providers.extend(self.models.providers.iter().map(|provider| ProviderOptions {
            name: provider.name.clone(),
            base_url: provider.base_url.clone(),
            api_key: provider.api_key_env.as_deref().and_then(variable).map(|key| ApiKey::new(&key)),
            model: provider.model.clone(),
            dialect: provider.dialect,
            timeouts: provider.timeouts,
            concurrency: provider.concurrency,
            price: provider.price,
            context_tokens: provider.context_tokens,
        }));
        options
    }
}

impl Settings {
    /// The store of vectors elsewhere, if one is chosen.
    ///
    /// # Errors
    /// When it is not known, or its address is missing or cannot be one.
    pub fn vector_store(&self) -> kernel::Result<Option<Address>> {
        let chosen = &self.memory.vectors;
        let unusable = |reason: &str| {
            let message = format!("The settings cannot be used: memory.vectors: {reason}");
            Error::invalid("settings_invalid", message)
        };
        let store = match variable("ATELIER_VECTORS_STORE").as_deref() {
            None => chosen.store,
            Some("embedded") => VectorStore::Embedded,
            Some("pgvector") => VectorStore::Pgvector,
            Some("chroma") => VectorStore::Chroma,
            Some(_) => {
                let error = unusable("ATELIER_VECTORS_STORE names no store that is known");
                return Err(error.with_hint("Use embedded, pgvector or chroma"));
            }
        };
        let store = match store {
            VectorStore::Embedded => return Ok(None),
            VectorStore::Pgvector => Store::Pgvector,
            VectorStore::Chroma => Store::Chroma,
        };
        let url = variable("ATELIER_VECTORS_URL").map(|url| ApiKey::new(&url)).or(chosen.url.clone());
        let url = url.ok_or_else(|| {
            unusable("`url` is missing")
                .with_hint("Say where the store is in `memory.vectors.url` or ATELIER_VECTORS_URL")
        })?;
        let named = match chosen.secret_env.as_deref() {
            Some(name) => Some(variable(name).ok_or_else(|| {
                unusable(&format!("the variable {name}, which `secret_env` names, is not set"))
                    .with_hint("Set it to the password or token, or leave `secret_env` out")
            })?),
            None => None,
        };
        let secret = variable("ATELIER_VECTORS_SECRET").or(named).map(|secret| ApiKey::new(&secret));
        Ok(Some(Address::parse(store, url.expose(), secret.as_ref().map(ApiKey::expose))?))
    }

    /// The providers that are set up here and in the environment, with where each one comes from.
    pub fn fixed_providers(&self) -> Vec<Fixed> {
        let own =
            self.models.providers.iter().map(|provider| (Source::Settings, provider.api_key_env.clone()));
        let environment =
            (Source::Environment, variable("ATELIER_MODEL_API_KEY").map(|_| "ATELIER_MODEL_API_KEY".into()));
        let origins = variable("ATELIER_MODEL_BASE_URL").map(|_| environment).into_iter().chain(own);
        let providers = self.models().providers.into_iter();
        providers
            .zip(origins)
            .map(|(options, (source, key_variable))| Fixed { options, source, key_variable })
            .collect()
    }

    /// The models a local Ollama should have.
    ///
    /// # Errors
    /// For the first one that is not written as it should be.
    pub fn required_models(&self) -> kernel::Result<Vec<RequiredModel>> {
        let read = |text: &String| {
            text.parse().map_err(|reason| {
                Error::invalid(
                    "settings_invalid",
                    format!("The settings cannot be used: models.ollama.required: {reason}"),
                )
                .with_hint("Write it like llama3.1:8b or llama3.1:8b@46e0c10c039e")
            })
        };
        self.models.ollama.required.iter().map(read).collect()
    }
}

/// A variable of the environment that is set and not empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// All variables, for what reads the configuration of other programs.
pub fn environment() -> std::collections::HashMap<String, String> {
    let readable = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(readable).collect()
}

/// The key of the workspace's encrypted secrets: a passphrase where one is set, else a file among
/// the person's settings, outside the workspace.
pub fn secrets_key() -> KeySource {
    if let Some(passphrase) = variable("ATELIER_SECRETS_PASSPHRASE") {
        return KeySource::Passphrase(Secret::new(passphrase));
    }
    let base = variable("XDG_CONFIG_HOME").map(PathBuf::from);
    let base = base.or_else(|| variable("HOME").map(|home| PathBuf::from(home).join(".config")));
    KeySource::File(base.unwrap_or_else(|| PathBuf::from("/etc")).join("atelier/secrets.key"))
}

/// The start of a line, without what could be a secret.
fn shown(line: &str) -> String {
    let name = line.split('=').next().unwrap_or_default();
    name.chars().take(40).collect()
}

/// The workspace folder when none is named: `ATELIER_DATA`, else a folder among the person's data.
pub fn default_folder() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable("ATELIER_DATA")
        .or_else(|| variable("XDG_DATA_HOME").map(|base| base.join("atelier")))
        .or_else(|| variable("HOME").map(|home| home.join(".local/share/atelier")))
        .unwrap_or_else(|| PathBuf::from("atelier-data"))
}
