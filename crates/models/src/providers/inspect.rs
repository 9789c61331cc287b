//! Asking a provider itself: whether it answers, which models it has; and Ollama, to fetch and load
//! them.

use std::time::{Duration, Instant};

use kernel::{Error as KernelError, Result};

use super::Providers;
use super::book::Entry;
use crate::endpoint::{Endpoint, parse_base_url};
use crate::error::{Error, Phase};
use crate::message::{Message, Request};
use crate::ollama::{Ollama, ProgressStream, with_tag};
use crate::options::TimeoutOptions;
use crate::provider::Provider;

const TEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A model may have to be loaded first.
const PROMPT_TIMEOUT: Duration = Duration::from_secs(60);
const OLLAMA_PORT: u16 = 11_434;

/// What a test of a provider showed.
#[derive(Debug)]
pub struct TestReport {
    /// How long it took.
    pub latency_ms: u64,
    /// The models it lists.
    pub models: Vec<String>,
    /// Whether its model is among them; `None` where it lists none.
    pub has_model: Option<bool>,
    /// What is wrong, if something is.
    pub problem: Option<KernelError>,
}

/// A model that a provider lists or should have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InspectedModel {
    /// Its name.
    pub id: String,
    /// On disk.
    pub size_bytes: Option<u64>,
    /// The SHA-256 of its manifest.
    pub digest: Option<String>,
    /// When it was fetched or made, as RFC 3339.
    pub modified_at: Option<String>,
    /// Whether it is in memory.
    pub is_loaded: Option<bool>,
    /// Whether the settings require it.
    pub is_required: bool,
    /// Whether it is there.
    pub is_installed: bool,
    /// How its digest should begin, where that is pinned and it does not.
    pub other_digest_wanted: Option<String>,
}

impl Providers {
    /// Asks a provider whether it would answer; with `prompt`, has it answer.
    ///
    /// # Errors
    /// `provider_not_found`. That it does not answer is what is reported.
    pub async fn test(&self, name: &str, prompt: bool) -> Result<TestReport> {
        let entry = self.entry(name)?;
        let started = Instant::now();
        let asked = if entry.lacks_key(&self.parts) {
            Err(KernelError::invalid(
                "provider_key_missing",
                format!("{name} needs a key, and there is none"),
            )
            .with_hint("Give it one in the settings, or set the variable it is read from"))
        } else {
            let patience = if prompt { PROMPT_TIMEOUT } else { TEST_TIMEOUT };
            let asked = tokio::time::timeout(patience, self.ask(&entry, prompt, patience)).await;
            asked.unwrap_or_else(|_| Err(too_slow(name, patience))).map_err(KernelError::from)
        };
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(match asked {
            Ok(models) => {
                let wanted = &entry.record.model;
                let has = |model: &String| model == wanted || *model == with_tag(wanted);
                let has_model = (!models.is_empty()).then(|| models.iter().any(has));
                TestReport { latency_ms, models, has_model, problem: None }
            }
            Err(problem) => {
                TestReport { latency_ms, models: vec![], has_model: None, problem: Some(problem) }
            }
        })
    }

    async fn ask(&self, entry: &Entry, prompt: bool, patience: Duration) -> Result<Vec<String>, Error> {
        let endpoint = self.endpoint(entry, patience)?;
        let models = endpoint.check().await?;
        if prompt {
            let question = Request::new(vec![Message::user("Answer with the one word: ready")]);
            endpoint.complete(&Request { max_tokens: Some(16), ..question }).await?;
        }
        Ok(models)
    }

    /// The models that a provider lists; of Ollama also those the settings require.
    ///
    /// # Errors
    /// `provider_not_found` as [`Err`] of the outer result; what the provider says as that of the
    /// inner one.
    pub async fn models(&self, name: &str) -> Result<Result<Vec<InspectedModel>, Error>> {
        let entry = self.entry(name)?;
        Ok(match entry.is_ollama() {
            true => self.ollama_models(&entry).await,
            false => self.listed_models(&entry).await,
        })
    }

    async fn listed_models(&self, entry: &Entry) -> Result<Vec<InspectedModel>, Error> {
        let listed = self.endpoint(entry, TEST_TIMEOUT)?.check().await?;
        let of = |id| InspectedModel { id, is_installed: true, ..InspectedModel::default() };
        Ok(listed.into_iter().map(of).collect())
    }

    async fn ollama_models(&self, entry: &Entry) -> Result<Vec<InspectedModel>, Error> {
        let ollama = ollama_of(entry)?;
        let (installed, loaded) = (ollama.models().await?, ollama.loaded().await.ok());
        let mut models: Vec<_> = installed
            .into_iter()
            .map(|model| InspectedModel {
                is_loaded: loaded.as_ref().map(|loaded| loaded.contains(&model.name)),
                id: model.name,
                size_bytes: model.size,
                digest: model.digest,
                modified_at: model.modified_at,
                is_installed: true,
                ..InspectedModel::default()
            })
            .collect();
        for required in &self.parts.required {
            let place = models.iter().position(|model| model.id == required.id).unwrap_or_else(|| {
                models.push(InspectedModel { id: required.id.clone(), ..InspectedModel::default() });
                models.len() - 1
            });
            let model = &mut models[place];
            model.is_required = true;
            let has = model.digest.as_deref().unwrap_or_default().trim_start_matches("sha256:");
            let differs = required.digest.as_ref().filter(|wanted| !has.starts_with(wanted.as_str()));
            model.other_digest_wanted = differs.cloned();
        }
        Ok(models)
    }

    /// Has Ollama fetch a model.
    ///
    /// # Errors
    /// `provider_not_found` and `provider_not_ollama` as [`Err`] of the outer result.
    pub async fn pull(&self, name: &str, model: &str) -> Result<Result<ProgressStream, Error>> {
        let entry = self.ollama_entry(name)?;
        Ok(match ollama_of(&entry) {
            Ok(ollama) => ollama.pull(model).await,
            Err(error) => Err(error),
        })
    }

    /// Has Ollama load a model, its own where none is named, and says how long that took.
    ///
    /// # Errors
    /// `provider_not_found` and `provider_not_ollama` as [`Err`] of the outer result.
    pub async fn warm_up(&self, name: &str, model: Option<&str>) -> Result<Result<Duration, Error>> {
        let entry = self.ollama_entry(name)?;
        let started = Instant::now();
        let model = model.unwrap_or(&entry.record.model);
        Ok(match ollama_of(&entry) {
            Ok(ollama) => ollama.warm_up(model).await.map(|()| started.elapsed()),
            Err(error) => Err(error),
        })
    }

    /// Looks how each Ollama is, says what it lacks, and loads its model if that is wanted.
    pub async fn look_after_ollama(&self, warm_up: bool) {
        let entries: Vec<_> = self.book.read().entries.clone();
        for entry in entries.iter().filter(|entry| entry.record.enabled && entry.is_ollama()) {
            let name = &entry.record.name;
            match self.ollama_models(entry).await {
                Ok(models) => models.iter().for_each(|model| say_what_is_amiss(name, model)),
                Err(error) => {
                    tracing::warn!(provider = name, "Ollama does not answer: {error}");
                    continue;
                }
            }
            if warm_up && let Ok(Err(error)) = self.warm_up(name, None).await {
                tracing::warn!(provider = name, "the model could not be loaded: {error}");
            }
        }
    }

    fn endpoint(&self, entry: &Entry, patience: Duration) -> Result<Endpoint, Error> {
        let ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let timeouts = TimeoutOptions { connect_ms: 5_000, first_content_ms: ms, stall_ms: ms, total_ms: ms };
        let mut options = entry.record.options(entry.key.clone());
        options.timeouts = Some(timeouts);
        Endpoint::new(&options, timeouts, self.parts.clock.clone())
    }

    fn entry(&self, name: &str) -> Result<Entry> {
        self.book.read().find(name).cloned()
    }

    fn ollama_entry(&self, name: &str) -> Result<Entry> {
        let entry = self.entry(name)?;
        if entry.is_ollama() {
            return Ok(entry);
        }
        Err(KernelError::conflict("provider_not_ollama", format!("`{name}` is not an Ollama"))
            .with_hint("Only Ollama fetches and loads models; name a provider made from the preset `ollama`"))
    }
}

impl Entry {
    /// Whether it answers to Ollama's own API too.
    fn is_ollama(&self) -> bool {
        let record = &self.record;
        let is_its_port = parse_base_url(&record.base_url).is_ok_and(|url| url.port() == Some(OLLAMA_PORT));
        record.preset.as_deref() == Some("ollama") || record.name == "ollama" || is_its_port
    }
}

fn ollama_of(entry: &Entry) -> Result<Ollama, Error> {
    Ollama::new(&entry.record.name, &entry.record.base_url)
}

fn too_slow(name: &str, patience: Duration) -> Error {
    let after_ms = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
    Error::Timeout { provider: name.to_owned(), phase: Phase::Total, after_ms }
}

fn say_what_is_amiss(provider: &str, model: &InspectedModel) {
    let id = &model.id;
    if model.is_required && !model.is_installed {
        tracing::warn!(
            provider,
            "the required model {id} is missing; fetch it with `atelier providers pull {provider} {id}`"
        );
    } else if let Some(wanted) = &model.other_digest_wanted {
        let found = model.digest.as_deref().unwrap_or("none");
        tracing::warn!(provider, "the required model {id} is another version: {found}, not {wanted}…");
    }
}
