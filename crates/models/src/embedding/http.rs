//! An embedder behind OpenAI's `/embeddings`: OpenAI itself, Ollama, and most that serve models.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::Clock;
use serde_json::{Value, json};

use super::{Embedded, Embedder, EmbedderIdentity, wire};
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::message::{Part, estimate_tokens};
use crate::options::{ProviderOptions, TimeoutOptions};

/// How many texts are sent at once: few enough for an answer to stay small.
const BATCH: usize = 128;
/// A batch's vectors as numbers in JSON take up to some 12 MiB.
const ANSWER_LIMIT_BYTES: usize = 32 * 1024 * 1024;

/// Models whose vectors can be shortened: the first components mean the most.
const SHORTENED: [&str; 3] = ["text-embedding-3-", "embeddinggemma", "qwen3-embedding"];

/// How long the vectors of a well-known model are.
pub fn known_dimensions(model: &str) -> Option<usize> {
    const KNOWN: [(&str, usize); 12] = [
        ("all-minilm", 384),
        ("bge-large", 1_024),
        ("bge-m3", 1_024),
        ("embeddinggemma", 768),
        ("mistral-embed", 1_024),
        ("mxbai-embed-large", 1_024),
        ("nomic-embed-text", 768),
        ("snowflake-arctic-embed2", 1_024),
        ("text-embedding-3-large", 3_072),
        ("text-embedding-3-small", 1_536),
        ("text-embedding-ada-002", 1_536),
        ("qwen3-embedding:0.6b", 1_024),
    ];
    // Ollama's names carry a tag, such as `nomic-embed-text:latest`.
    let plain = model.strip_suffix(":latest").unwrap_or(model);
    KNOWN.iter().find(|(name, _)| *name == plain).map(|(_, dimensions)| *dimensions)
}

/// Asks an endpoint for vectors.
pub struct HttpEmbedder {
    endpoint: Endpoint,
    model: String,
    identity: EmbedderIdentity,
}

impl HttpEmbedder {
    /// Prepares to ask `provider` for vectors of `model`; nothing is sent yet. `dimensions` may be
    /// left out for models that are [well known](known_dimensions).
    ///
    /// # Errors
    /// [`Error::Options`] for a provider that makes no vectors, for settings that cannot work, and
    /// for a model whose vectors are of unknown length.
    pub fn new(
        provider: &ProviderOptions,
        model: &str,
        dimensions: Option<usize>,
        timeouts: TimeoutOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let wrong = |reason: &str| Error::Options { name: provider.name.clone(), reason: reason.into() };
        if provider.dialect != Dialect::Chat {
            return Err(wrong("only a provider that speaks as OpenAI does can make embeddings"));
        }
        let dimensions = dimensions.or_else(|| known_dimensions(model)).filter(|dimensions| *dimensions > 0);
        let dimensions = dimensions.ok_or_else(|| {
            wrong("the length of this embedding model's vectors is not known; set `embeddings.dimensions`")
        })?;
        let options = ProviderOptions { model: model.to_owned(), ..provider.clone() };
        let name = format!("{}/{}", provider.name, model);
        Ok(Self {
            endpoint: Endpoint::new(&options, timeouts, clock)?.with_answer_limit(ANSWER_LIMIT_BYTES),
            model: model.to_owned(),
            identity: EmbedderIdentity { name, version: String::new(), dimensions },
        })
    }

    fn body(&self, texts: &[String], dimensions: Option<usize>) -> Value {
        let mut body = json!({"model": self.model, "input": texts, "encoding_format": "base64"});
        if let Some(dimensions) = dimensions {
            body["dimensions"] = dimensions.into();
        }
        body
    }
}

#[async_trait]
impl Embedder for HttpEmbedder {
    fn identity(&self) -> &EmbedderIdentity {
        &self.identity
    }

    fn is_local(&self) -> bool {
        crate::provider::Provider::is_local(&self.endpoint)
    }

    fn can_shorten(&self) -> bool {
        SHORTENED.iter().any(|family| self.model.starts_with(family))
    }

    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn embed(&self, texts: &[String], dimensions: Option<usize>) -> Result<Embedded, Error> {
        let answer = self.endpoint.post("embeddings", self.body(texts, dimensions).to_string()).await?;
        let estimated = texts.iter().map(|text| estimate_tokens(&[Part::text(text)])).sum();
        wire::read(&answer, texts.len(), estimated)
            .map_err(|reason| Error::Malformed { provider: self.identity.name.clone(), reason })
    }
}
