//! Texts as vectors, so that what means the same lies close together.
//!
//! An [`Embedder`] makes vectors of a batch of texts in one attempt; [`HttpEmbedder`] asks any
//! endpoint that speaks OpenAI's `/embeddings`. Everyone else works with [`Embeddings`], which
//! holds the one embedder that was chosen, cuts long lists into batches, tries again where that may
//! help, and checks what comes back.
//!
//! Invariants: a list with a text labelled [`Privacy::Local`] reaches no embedder beyond this
//! machine; no other embedder ever stands in for the chosen one; every vector given out has the
//! length the embedder's identity says, or the one that was asked for, and a norm of 1 (or of 0,
//! where nothing in the text means anything).

mod fault;
mod http;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Entropy, Privacy};
use tokio::time::sleep;

use crate::error::Error;
use crate::options::RetryOptions;
use crate::retry::pause;
use crate::router::Router;
pub use fault::EmbeddingFault;
pub use http::{HttpEmbedder, known_dimensions};

/// The most texts in one request.
pub const MOST_TEXTS: usize = 2_048;

/// Which embedder made a vector. Vectors of different identities are never compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmbedderIdentity {
    /// Its name, such as `all-MiniLM-L6-v2` or `openai/text-embedding-3-small`.
    pub name: String,
    /// What tells apart two of the same name whose vectors differ; empty where nothing does.
    pub version: String,
    /// How long its vectors are.
    pub dimensions: usize,
}

/// Texts to make vectors of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// 1 to [`MOST_TEXTS`] texts, none of them empty.
    pub texts: Vec<String>,
    /// The strictest label among them.
    pub privacy: Privacy,
    /// Shorter vectors than usual, where the embedder can make them.
    pub dimensions: Option<usize>,
}

impl EmbeddingRequest {
    /// Wants vectors of `texts`, the strictest of which carries the label `privacy`.
    pub fn new(texts: Vec<String>, privacy: Privacy) -> Self {
        Self { texts, privacy, dimensions: None }
    }
}

/// The vectors of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embedded {
    /// One for each text, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens the texts had, as the embedder counts.
    pub tokens: u64,
}

/// Makes vectors. One call is one attempt at one batch.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Who it is; always the same.
    fn identity(&self) -> &EmbedderIdentity;

    /// Whether the texts stay on this machine.
    fn is_local(&self) -> bool;

    /// Whether it can make shorter vectors that still mean something.
    fn can_shorten(&self) -> bool {
        false
    }

    /// How many texts it takes at once, at least 1.
    fn batch_limit(&self) -> usize {
        128
    }

    /// A vector for each text, in their order.
    async fn embed(&self, texts: &[String], dimensions: Option<usize>) -> Result<Embedded, Error>;
}

/// The embedder that was chosen, or why there is none.
#[derive(Clone)]
pub struct Embeddings {
    chosen: Result<Arc<dyn Embedder>, Arc<str>>,
    retry: RetryOptions,
    entropy: Arc<dyn Entropy>,
    router: Option<Arc<Router>>,
}

impl Embeddings {
    /// Works with `embedder`.
    pub fn new(embedder: Arc<dyn Embedder>, retry: RetryOptions, entropy: Arc<dyn Entropy>) -> Self {
        Self { chosen: Ok(embedder), retry, entropy, router: None }
    }

    /// Refuses every request, since the chosen embedder cannot be used for this reason.
    pub fn missing(reason: &str, entropy: Arc<dyn Entropy>) -> Self {
        Self { chosen: Err(reason.into()), retry: RetryOptions::default(), entropy, router: None }
    }

    /// Keeps every text on this machine as long as the router asks nobody beyond it.
    #[must_use]
    pub fn with_router(self, router: Arc<Router>) -> Self {
        Self { router: Some(router), ..self }
    }

    /// Who makes the vectors.
    ///
    /// # Errors
    /// [`EmbeddingFault::Missing`] when the chosen embedder cannot be used.
    pub fn identity(&self) -> Result<&EmbedderIdentity, Error> {
        Ok(self.embedder()?.identity())
    }

    /// Whether texts stay on this machine; they do where there is no embedder.
    pub fn is_local(&self) -> bool {
        self.chosen.as_ref().map_or(true, |embedder| embedder.is_local())
    }

    /// Makes a vector of each text.
    ///
    /// # Errors
    /// [`Error::Embedding`] for what cannot be asked of this embedder, else what it says itself.
    pub async fn embed(&self, request: &EmbeddingRequest) -> Result<Embedded, Error> {
        let embedder = self.embedder()?.as_ref();
        let stays_here = self.router.as_ref().is_some_and(|router| router.is_local_only());
        let privacy = if stays_here { Privacy::Local } else { request.privacy };
        check_request(embedder, request, privacy)?;
        let dimensions = request.dimensions.filter(|wanted| *wanted != embedder.identity().dimensions);
        let mut all = Embedded::default();
        for batch in request.texts.chunks(embedder.batch_limit().max(1)) {
            let mut embedded = self.attempt(embedder, batch, dimensions).await?;
            check_answer(embedder, batch.len(), dimensions, &mut embedded)?;
            all.vectors.append(&mut embedded.vectors);
            all.tokens += embedded.tokens;
        }
        Ok(all)
    }

    fn embedder(&self) -> Result<&Arc<dyn Embedder>, Error> {
        let missing = |reason: &Arc<str>| EmbeddingFault::Missing { reason: reason.to_string() }.into();
        self.chosen.as_ref().map_err(missing)
    }

    async fn attempt(
        &self,
        embedder: &dyn Embedder,
        texts: &[String],
        dimensions: Option<usize>,
    ) -> Result<Embedded, Error> {
        let mut tries = 0;
        loop {
            let error = match embedder.embed(texts, dimensions).await {
                Ok(embedded) => return Ok(embedded),
                Err(error) => error,
            };
            tries += 1;
            let Some(wait): Option<Duration> = pause(&self.retry, tries, &error, self.entropy.as_ref())
            else {
                return Err(error);
            };
            tracing::debug!(embedder = embedder.identity().name, %error, "asking for vectors again");
            sleep(wait).await;
        }
    }
}

fn check_request(
    embedder: &dyn Embedder,
    request: &EmbeddingRequest,
    privacy: Privacy,
) -> Result<(), EmbeddingFault> {
    let identity = embedder.identity();
    if privacy == Privacy::Local && !embedder.is_local() {
        return Err(EmbeddingFault::NotLocal { embedder: identity.name.clone() });
    }
    let count = request.texts.len();
    if count == 0 || count > MOST_TEXTS {
        return Err(EmbeddingFault::Count { count });
    }
    if let Some(place) = request.texts.iter().position(String::is_empty) {
        return Err(EmbeddingFault::EmptyText { place });
    }
    match request.dimensions {
        Some(wanted) if wanted == 0 || wanted > identity.dimensions => {
            Err(EmbeddingFault::TooLong { wanted, dimensions: identity.dimensions })
        }
        Some(wanted) if wanted != identity.dimensions && !embedder.can_shorten() => {
            Err(EmbeddingFault::FixedLength {
                embedder: identity.name.clone(),
                dimensions: identity.dimensions,
            })
        }
        _ => Ok(()),
    }
}

/// Makes sure that every text has a vector of the right length, and gives each the norm 1.
fn check_answer(
    embedder: &dyn Embedder,
    texts: usize,
    dimensions: Option<usize>,
    embedded: &mut Embedded,
) -> Result<(), Error> {
    let identity = embedder.identity();
    let malformed = |reason: String| Error::Malformed { provider: identity.name.clone(), reason };
    if embedded.vectors.len() != texts {
        let reason = format!("{} vectors for {texts} texts", embedded.vectors.len());
        return Err(malformed(reason));
    }
    let expected = dimensions.unwrap_or(identity.dimensions);
    for vector in &mut embedded.vectors {
        if vector.len() != expected {
            let embedder = identity.name.clone();
            return Err(EmbeddingFault::Length { embedder, expected, found: vector.len() }.into());
        }
        if !normalise(vector) {
            return Err(malformed("a vector with a component that is no number".into()));
        }
    }
    Ok(())
}

/// Scales to a norm of 1; a vector of zeros stays one. Tells whether all components are numbers.
fn normalise(vector: &mut [f32]) -> bool {
    let squares: f64 = vector.iter().map(|component| f64::from(*component).powi(2)).sum();
    if !squares.is_finite() {
        return false;
    }
    let norm = squares.sqrt();
    // What is already as close as the type allows stays as it came, bit for bit.
    if norm > 0.0 && (norm - 1.0).abs() > 1e-6 {
        vector.iter_mut().for_each(|component| *component = (f64::from(*component) / norm) as f32);
    }
    true
}

#[cfg(test)]
mod tests;
