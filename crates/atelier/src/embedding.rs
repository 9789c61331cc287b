//! Chooses what makes vectors of texts.
//!
//! Invariant: what the settings name is used or nothing is. No other embedder ever stands in for
//! it, since vectors of two embedders have nothing to say to each other.

mod in_process;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Entropy, Privacy, Result};
use memory::{EmbedderIdentity, WordVectors};
use models::{Embedder, EmbeddingRequest, Embeddings, Error, HttpEmbedder, ModelsOptions};

use crate::pull::{self, FileState, MODELS};
use crate::settings::{EmbeddingSettings, Settings};
use in_process::InProcess;

/// How many documents are embedded at once: few, so that little is lost when it is killed.
const BATCH: usize = 32;

/// The embedder the settings choose among those in this process and the providers of `models`, or
/// why it cannot be used; and what knows single words, if it does.
pub fn choose(
    folder: &Path,
    settings: &Settings,
    models: &ModelsOptions,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> (Embeddings, Option<Arc<dyn WordVectors>>) {
    match embedder(folder, settings, models, clock) {
        Ok((embedder, words)) => (Embeddings::new(embedder, models.retry, entropy.clone()), words),
        Err(reason) => (Embeddings::missing(&reason, entropy.clone()), None),
    }
}

type Chosen = (Arc<dyn Embedder>, Option<Arc<dyn WordVectors>>);

fn embedder(
    folder: &Path,
    settings: &Settings,
    models: &ModelsOptions,
    clock: &Arc<dyn Clock>,
) -> std::result::Result<Chosen, String> {
    let hashing = || (Arc::new(InProcess::hashing()) as Arc<dyn Embedder>, None);
    let chosen = &settings.embeddings;
    let files = model_folder(folder, settings);
    match chosen.provider.as_deref() {
        Some("minilm") => minilm(files, chosen),
        Some("hashing") => Ok(hashing()),
        Some(name) => Ok((over_http(name, chosen, models, clock)?, None)),
        None if is_fetched(&files) => minilm(files, chosen),
        None => Ok(hashing()),
    }
}

/// Whether the settings name a provider that they do not describe themselves.
pub fn is_elsewhere(settings: &Settings) -> bool {
    let is_known = |name: &str| settings.models().providers.iter().any(|provider| provider.name == name);
    let name = settings.embeddings.provider.as_deref();
    name.is_some_and(|name| !["minilm", "hashing"].contains(&name) && !is_known(name))
}

/// Where the files of the model that runs in this process are.
pub fn model_folder(workspace: &Path, settings: &Settings) -> PathBuf {
    let named = settings.embeddings.folder.clone();
    named.unwrap_or_else(|| pull::default_folder(workspace, &MODELS[0]))
}

/// Whether all files of the model are there.
pub fn is_fetched(files: &Path) -> bool {
    MODELS[0].files.iter().all(|file| pull::state(files, file) == FileState::Here)
}

fn minilm(files: PathBuf, chosen: &EmbeddingSettings) -> std::result::Result<Chosen, String> {
    if !is_fetched(&files) {
        let (name, folder) = (MODELS[0].name, files.display());
        return Err(format!(
            "the files of {name} are not in {folder}; fetch them with `atelier models pull`"
        ));
    }
    let minilm = Arc::new(InProcess::minilm(files, chosen.precision.into()));
    Ok((minilm.clone(), Some(minilm)))
}

fn over_http(
    name: &str,
    chosen: &EmbeddingSettings,
    models: &ModelsOptions,
    clock: &Arc<dyn Clock>,
) -> std::result::Result<Arc<dyn Embedder>, String> {
    let provider = models.providers.iter().find(|provider| provider.name == name);
    let provider =
        provider.ok_or_else(|| format!("`embeddings.provider` names `{name}`, which is no provider"))?;
    let model =
        chosen.model.as_deref().ok_or("`embeddings.model` must say which of the provider's models")?;
    HttpEmbedder::new(provider, model, chosen.dimensions, models.timeouts, clock.clone())
        .map(|embedder| Arc::new(embedder) as Arc<dyn Embedder>)
        .map_err(|error| error.to_string())
}

/// Gives memory its vectors.
pub(crate) struct MemoryEmbedder {
    embeddings: Embeddings,
    identity: EmbedderIdentity,
}

impl MemoryEmbedder {
    /// One over `embeddings`, if there is an embedder.
    pub fn over(embeddings: &Embeddings) -> Option<Self> {
        let identity = embeddings.identity().ok()?.clone();
        let models::EmbedderIdentity { name, version, dimensions } = identity;
        let identity = EmbedderIdentity { name, version, dimensions };
        Some(Self { embeddings: embeddings.clone(), identity })
    }
}

#[async_trait]
impl memory::Embedder for MemoryEmbedder {
    fn identity(&self) -> EmbedderIdentity {
        self.identity.clone()
    }

    fn is_local(&self) -> bool {
        self.embeddings.is_local()
    }

    fn batch(&self) -> usize {
        BATCH
    }

    async fn embed(&self, texts: Vec<String>, privacy: Privacy) -> Result<Vec<Vec<f32>>> {
        let request = EmbeddingRequest::new(texts, privacy);
        match self.embeddings.embed(&request).await {
            Ok(embedded) => Ok(embedded.vectors),
            // Not a word about the texts: the model is not there, or the path.
            Err(error @ Error::Rejected { status: 404 | 405, .. }) => {
                Err(kernel::Error::unavailable(error.code(), error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }
}
