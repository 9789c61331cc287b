//! What could be set up at once: a local Ollama, and providers whose keys are in the environment.
//! Nothing is used before the owner says so.

use std::time::Duration;

use kernel::{Error, Result};

use super::Providers;
use super::record::KeyReference;
use crate::ollama::{Ollama, with_tag};
use crate::presets::Preset;

const OLLAMA: &str = "ollama";
const OLLAMA_HOST: &str = "OLLAMA_HOST";
const PATIENCE: Duration = Duration::from_millis(500);

/// A provider that could be set up at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// What it would be called; also the preset's name.
    pub name: String,
    /// What a person reads.
    pub title: String,
    /// Why it is suggested.
    pub reason: Reason,
    /// Where it answers.
    pub base_url: String,
    /// The model it would be asked for.
    pub model: String,
    /// The variable that holds its key.
    pub key_variable: Option<String>,
}

/// Why a provider is suggested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Ollama answers on this machine.
    OllamaFound,
    /// Its key is in the environment.
    KeyInEnvironment,
}

impl Providers {
    /// What could be set up at once and neither is nor was declined.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn suggestions(&self) -> Result<Vec<Suggestion>> {
        let declined = self.parts.store.list_dismissed().await?;
        let presets = self.parts.presets.iter();
        let open = presets.filter(|preset| !declined.contains(&preset.name) && !self.is_set_up(preset));
        let mut found = Vec::new();
        for preset in open {
            if preset.name == OLLAMA {
                found.extend(self.local_ollama(preset).await);
            } else if let Some(variable) = &preset.key_variable
                && (self.parts.variables)(variable).is_some()
            {
                found.push(Suggestion {
                    name: preset.name.clone(),
                    title: preset.title.clone(),
                    reason: Reason::KeyInEnvironment,
                    base_url: preset.base_url.clone(),
                    model: preset.default_model.clone(),
                    key_variable: Some(variable.clone()),
                });
            }
        }
        Ok(found)
    }

    /// Notes that a suggestion is not wanted.
    ///
    /// # Errors
    /// `suggestion_not_found` where there could be none, and those of the store.
    pub async fn dismiss_suggestion(&self, name: &str) -> Result<()> {
        if self.parts.presets.find(name).is_none() {
            return Err(Error::not_found(
                "suggestion_not_found",
                format!("Nothing called `{name}` is suggested"),
            )
            .with_hint("GET /api/v1/llm/suggestions lists what is"));
        }
        self.parts.store.dismiss(name).await
    }

    /// Where a preset's endpoint is here: Ollama may listen elsewhere.
    pub(super) fn base_url_of(&self, preset: &Preset) -> String {
        let host = (self.parts.variables)(OLLAMA_HOST).filter(|_| preset.name == OLLAMA);
        host.and_then(|host| url_of_host(&host)).unwrap_or_else(|| preset.base_url.clone())
    }

    fn is_set_up(&self, preset: &Preset) -> bool {
        let base_url = self.base_url_of(preset);
        self.book.read().entries.iter().any(|entry| {
            let record = &entry.record;
            let by_key = matches!((&record.key, &preset.key_variable),
                (KeyReference::Variable(used), Some(usual)) if used == usual);
            record.name == preset.name
                || record.preset.as_ref() == Some(&preset.name)
                || record.base_url.trim_end_matches('/') == base_url
                || by_key
        })
    }

    async fn local_ollama(&self, preset: &Preset) -> Option<Suggestion> {
        let base_url = self.base_url_of(preset);
        let ollama = Ollama::new(OLLAMA, &base_url).ok()?;
        tokio::time::timeout(PATIENCE, ollama.version()).await.ok()?.ok()?;
        let installed = tokio::time::timeout(PATIENCE, ollama.models()).await.ok()?.unwrap_or_default();
        let has_default = installed.iter().any(|model| model.name == with_tag(&preset.default_model));
        let first = installed.first().filter(|_| !has_default).map(|model| model.name.clone());
        Some(Suggestion {
            name: preset.name.clone(),
            title: preset.title.clone(),
            reason: Reason::OllamaFound,
            base_url,
            model: first.unwrap_or_else(|| preset.default_model.clone()),
            key_variable: None,
        })
    }
}

/// The base URL that Ollama's own variable means: `host`, `host:port` or a URL. A server that
/// listens everywhere is asked on this machine.
pub fn url_of_host(host: &str) -> Option<String> {
    let host = host.trim().trim_end_matches('/');
    let (scheme, rest) = host.split_once("://").unwrap_or(("http", host));
    let rest = rest.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]");
    let rest = if rest.starts_with(':') { format!("127.0.0.1{rest}") } else { rest };
    let mut url = reqwest::Url::parse(&format!("{scheme}://{rest}")).ok()?;
    url.host_str()?;
    if url.port().is_none() && scheme == "http" && !host.contains("://") {
        url.set_port(Some(11_434)).ok()?;
    }
    Some(format!("{}/v1", url.as_str().trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_variable_as_ollama_does() {
        for (host, expected) in [
            ("127.0.0.1", Some("http://127.0.0.1:11434/v1")),
            ("0.0.0.0:9", Some("http://127.0.0.1:9/v1")),
            (":8", Some("http://127.0.0.1:8/v1")),
            ("http://box:7/", Some("http://box:7/v1")),
            ("https://box", Some("https://box/v1")),
            ("", None),
        ] {
            assert_eq!(url_of_host(host).as_deref(), expected, "{host}");
        }
    }
}
