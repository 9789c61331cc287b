//! The embedders that run in this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use embeddings::{HashingEmbedder, MiniLm, Precision};
use memory::WordVectors;
use models::{Embedded, Embedder, EmbedderIdentity, EmbeddingFault, Error};
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

/// An embedder whose texts leave neither this machine nor this process.
pub struct InProcess {
    engine: Engine,
    identity: EmbedderIdentity,
    /// One for each processor: several lists at once share them, one alone has them all.
    processors: Semaphore,
}

enum Engine {
    Hashing,
    /// Read when the first text comes, so that whoever needs no vectors pays nothing for it.
    MiniLm {
        folder: PathBuf,
        precision: Precision,
        loaded: OnceCell<Arc<MiniLm>>,
    },
}

impl InProcess {
    /// Hashes of words; needs nothing.
    pub fn hashing() -> Self {
        Self::over(Engine::Hashing, HashingEmbedder::IDENTITY, HashingEmbedder::DIMENSIONS)
    }

    /// all-MiniLM-L6-v2, from its files in `folder`.
    pub fn minilm(folder: PathBuf, precision: Precision) -> Self {
        let engine = Engine::MiniLm { folder, precision, loaded: OnceCell::new() };
        Self::over(engine, precision.identity(), MiniLm::DIMENSIONS)
    }

    fn over(engine: Engine, identity: &str, dimensions: usize) -> Self {
        let (name, version) = identity.split_once('@').unwrap_or((identity, ""));
        let identity = EmbedderIdentity { name: name.into(), version: version.into(), dimensions };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { engine, identity, processors: Semaphore::new(processors) }
    }

    /// Runs `work` on one processor, or on as many as are free and of use.
    async fn on_processors<T: Send + 'static>(
        &self,
        useful: usize,
        work: impl FnOnce(usize) -> T + Send + 'static,
    ) -> T {
        let mut permit = self.processors.acquire().await.expect("it is never closed");
        while permit.num_permits() < useful
            && let Ok(another) = self.processors.try_acquire()
        {
            permit.merge(another);
        }
        let threads = permit.num_permits();
        spawn_blocking(move || work(threads)).await.expect("an embedder does not panic")
    }

    async fn loaded<'a>(
        &self,
        folder: &Path,
        precision: Precision,
        loaded: &'a OnceCell<Arc<MiniLm>>,
    ) -> Result<&'a Arc<MiniLm>, Error> {
        let load = || async {
            let folder = folder.to_owned();
            let model = self.on_processors(1, move |_| MiniLm::load(&folder, precision)).await;
            model.map(Arc::new).map_err(|error| EmbeddingFault::Missing { reason: error.to_string() }.into())
        };
        loaded.get_or_try_init(load).await
    }
}

impl WordVectors for InProcess {
    /// None before the model was first asked to embed something, and for the hashes.
    fn vector(&self, word: &str) -> Option<Arc<[f32]>> {
        let Engine::MiniLm { loaded, .. } = &self.engine else { return None };
        loaded.get()?.word(word).map(Arc::from)
    }
}

#[async_trait]
impl Embedder for InProcess {
    fn identity(&self) -> &EmbedderIdentity {
        &self.identity
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn embed(&self, texts: &[String], _: Option<usize>) -> Result<Embedded, Error> {
        let (useful, texts) = (texts.len(), texts.to_vec());
        match &self.engine {
            Engine::Hashing => {
                let work = move |_| Embedded {
                    vectors: texts.iter().map(|text| HashingEmbedder.embed(text)).collect(),
                    tokens: texts.iter().map(|text| text.split_whitespace().count() as u64).sum(),
                };
                Ok(self.on_processors(1, work).await)
            }
            Engine::MiniLm { folder, precision, loaded } => {
                let model = self.loaded(folder, *precision, loaded).await?.clone();
                let work = move |threads| {
                    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
                    let tokens = texts.iter().map(|text| model.tokenizer().count(text) as u64).sum();
                    let vectors = model.embed(&texts, threads);
                    Embedded { vectors: vectors.into_iter().map(Vec::from).collect(), tokens }
                };
                Ok(self.on_processors(useful, work).await)
            }
        }
    }
}
