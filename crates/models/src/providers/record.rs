//! A provider as it is kept, and what can be changed of it.

use crate::dialect::Dialect;
use crate::options::{Policy, Price, ProviderOptions, TimeoutOptions};
use crate::secret::ApiKey;

/// A provider as it is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProviderRecord {
    /// Unique among all.
    pub name: String,
    /// What a person reads, if it is not the preset's title.
    pub title: Option<String>,
    /// What it was made from.
    pub preset: Option<String>,
    /// How it speaks.
    pub dialect: Dialect,
    /// Up to and with the version.
    pub base_url: String,
    /// The model it is asked for.
    pub model: String,
    /// Whether it may be asked at all.
    pub enabled: bool,
    /// Other patience than for the rest.
    pub timeouts: Option<TimeoutOptions>,
    /// At most so many calls at once.
    pub concurrency: Option<usize>,
    /// What it costs.
    pub price: Option<Price>,
    /// How much its model reads at once.
    pub context_tokens: Option<u64>,
    /// Where its key is.
    pub key: KeyReference,
}

impl ProviderRecord {
    pub(super) fn options(&self, api_key: Option<ApiKey>) -> ProviderOptions {
        ProviderOptions {
            name: self.name.clone(),
            base_url: self.base_url.clone(),
            api_key,
            model: self.model.clone(),
            dialect: self.dialect,
            timeouts: self.timeouts,
            concurrency: self.concurrency,
            price: self.price,
            context_tokens: self.context_tokens,
        }
    }

    pub(super) fn of_options(options: &ProviderOptions, key: KeyReference) -> Self {
        Self {
            name: options.name.clone(),
            title: None,
            preset: None,
            dialect: options.dialect,
            base_url: options.base_url.clone(),
            model: options.model.clone(),
            enabled: true,
            timeouts: options.timeouts,
            concurrency: options.concurrency,
            price: options.price,
            context_tokens: options.context_tokens,
            key,
        }
    }
}

/// Where a provider's key is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyReference {
    /// It has none.
    #[default]
    None,
    /// In the key store.
    Stored(KeyStorage),
    /// In a variable of the environment.
    Variable(String),
}

/// Where a key store keeps a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStorage {
    /// In the operating system's keychain.
    Keychain,
    /// In an encrypted file.
    EncryptedFile,
}

/// A provider that is set up elsewhere.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// With its key.
    pub options: ProviderOptions,
    /// Where it is set up.
    pub source: Source,
    /// The variable its key is read from.
    pub key_variable: Option<String>,
}

/// Where a provider is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the file of settings.
    Settings,
    /// In the environment.
    Environment,
    /// Here.
    Workspace,
}

/// A key that is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewKey {
    /// To be kept.
    Secret(ApiKey),
    /// To be read from this variable of the environment.
    Variable(String),
}

/// A provider to be set up. What is left out is taken from the preset.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the members are those of the record")]
pub struct NewProvider {
    pub preset: Option<String>,
    pub name: Option<String>,
    pub title: Option<String>,
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub dialect: Option<Dialect>,
    pub key: Option<NewKey>,
    pub enabled: Option<bool>,
    pub timeouts: Option<TimeoutOptions>,
    pub concurrency: Option<usize>,
    pub price: Option<Price>,
    pub context_tokens: Option<u64>,
}

/// What is to be different of a provider; `Some(None)` takes something away.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the members are those of the record")]
pub struct ProviderChange {
    pub preset: Option<Option<String>>,
    pub title: Option<Option<String>>,
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub dialect: Option<Dialect>,
    pub key: Option<Option<NewKey>>,
    pub enabled: Option<bool>,
    pub timeouts: Option<Option<TimeoutOptions>>,
    pub concurrency: Option<Option<usize>>,
    pub price: Option<Option<Price>>,
    pub context_tokens: Option<Option<u64>>,
}

/// Who is asked, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Who is asked first.
    pub policy: Policy,
    /// Only those on this machine, whatever else is said.
    pub local_only: bool,
    /// The names of the providers; those it does not name come after them.
    pub order: Vec<String>,
    /// Asks the next one too when nothing came for so long.
    pub hedge_after_ms: Option<u64>,
    /// Who is asked instead of the policy's choice.
    pub chain: Option<Vec<String>>,
}

/// What is to be different of the routing; `Some(None)` takes something away.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the members are those of the routing")]
pub struct RoutingChange {
    pub policy: Option<Policy>,
    pub local_only: Option<bool>,
    pub order: Option<Vec<String>>,
    pub hedge_after_ms: Option<Option<u64>>,
    pub chain: Option<Option<Vec<String>>>,
}

/// A model that Ollama should have: `name[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredModel {
    /// With its tag, `latest` where none was said.
    pub id: String,
    /// How its digest begins.
    pub digest: Option<String>,
}

impl std::str::FromStr for RequiredModel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (id, digest) = text.split_once('@').map_or((text, None), |(id, digest)| (id, Some(digest)));
        let digest = digest.map(|digest| digest.trim_start_matches("sha256:"));
        let is_hex = |digest: &str| digest.len() >= 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if id.trim().is_empty() || id.contains(char::is_whitespace) || !digest.is_none_or(is_hex) {
            return Err(format!("`{text}` is not of the form name[:tag][@digest]"));
        }
        Ok(Self { id: crate::ollama::with_tag(id), digest: digest.map(str::to_ascii_lowercase) })
    }
}
