//! The calls about memory, and what is read of their answers.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Failure, List};
use super::{Answer, Call, Client, Result};

/// A large document takes a while to be read.
const INGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// A chunk that was found.
#[derive(Debug, Deserialize)]
pub struct SearchHit {
    /// Its collection.
    #[serde(default)]
    pub collection: String,
    /// Its document.
    #[serde(default)]
    pub document_id: String,
    /// The document's title.
    #[serde(default)]
    pub title: String,
    /// The headings above it.
    #[serde(default)]
    pub headings: Vec<String>,
    /// Who wrote it.
    #[serde(default)]
    pub author: Option<String>,
    /// The passage that answers best.
    #[serde(default)]
    pub snippet: String,
    /// How well it fits.
    #[serde(default)]
    pub score: f64,
    /// Where it came from.
    #[serde(default)]
    pub source: String,
    /// What gave the score.
    #[serde(default)]
    pub parts: Vec<ScorePart>,
}

/// A part of a score.
#[derive(Debug, Deserialize)]
pub struct ScorePart {
    /// What was looked at.
    pub feature: String,
    /// What it adds.
    #[serde(default)]
    pub share: f64,
}

/// What a search found.
#[derive(Debug, Deserialize)]
pub struct SearchAnswer {
    /// The best first.
    pub items: Vec<SearchHit>,
    /// Whether meaning was looked at too.
    #[serde(default)]
    pub has_meaning: bool,
}

/// What became of a document.
#[derive(Debug, Deserialize)]
pub struct IngestedDocument {
    /// `new`, `changed`, `unchanged` or `failed`.
    pub state: String,
    /// The collection it is in.
    #[serde(default)]
    pub collection: Option<String>,
    /// How many chunks it has.
    #[serde(default)]
    pub chunks: usize,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Failure>,
}

/// What is in a collection.
#[derive(Debug, Deserialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// How many documents.
    #[serde(default)]
    pub documents: u64,
    /// How many of them stay on this machine.
    #[serde(default)]
    pub local_documents: u64,
    /// How many chunks.
    #[serde(default)]
    pub chunks: u64,
    /// How many characters.
    #[serde(default)]
    pub characters: u64,
    /// When something was last stored in it.
    #[serde(default)]
    pub newest: String,
}

/// A document that is remembered.
#[derive(Debug, Deserialize)]
pub struct RememberedDocument {
    /// The document.
    pub id: String,
    /// Its collection.
    #[serde(default)]
    pub collection: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// What it is called in its collection.
    #[serde(default)]
    pub key: String,
    /// How far it may travel.
    #[serde(default)]
    pub privacy: String,
    /// How many chunks it has.
    #[serde(default)]
    pub chunks: u64,
    /// When it was stored last.
    #[serde(default)]
    pub updated_at: String,
    /// Its text, where it was asked for alone.
    #[serde(default)]
    pub text: Option<String>,
}

/// How much is remembered.
#[derive(Debug, Deserialize)]
pub struct MemoryStats {
    /// How many documents.
    pub documents: u64,
    /// How many chunks.
    pub chunks: u64,
    /// How many characters.
    pub characters: u64,
    /// The keyword index.
    pub keyword: IndexStats,
    /// The vector index.
    #[serde(default)]
    pub vector: Option<IndexStats>,
}

/// How large an index is.
#[derive(Debug, Deserialize)]
pub struct IndexStats {
    /// How many chunks or vectors it has.
    #[serde(alias = "vectors")]
    pub chunks: u64,
    /// How many bytes.
    #[serde(default)]
    pub bytes: u64,
    /// How many changes it is behind.
    #[serde(default)]
    pub behind: u64,
}

/// A context pack.
#[derive(Debug, Deserialize)]
pub struct ContextPack {
    /// As a model reads it.
    pub text: String,
    /// How many tokens it has.
    #[serde(default)]
    pub tokens: u64,
    /// How many it may have.
    #[serde(default)]
    pub budget_tokens: u64,
    /// How far it may travel.
    #[serde(default)]
    pub privacy: String,
    /// What did not fit.
    #[serde(default)]
    pub cut: Vec<Value>,
}

/// What a file is called, and where it goes.
#[derive(Clone, Debug, Default)]
pub struct FileToIngest {
    /// Its name or path.
    pub name: String,
    /// The collection it goes into.
    pub collection: Option<String>,
    /// How far it may travel.
    pub privacy: Option<String>,
}

impl Client {
    /// Searches memory by passage.
    pub async fn find(
        &self,
        query: &str,
        count: u32,
        filters: &BTreeMap<String, Value>,
    ) -> Result<Answer<SearchAnswer>> {
        let body = json!({ "query": query, "top_k": count, "filters": filters });
        self.ask(Call::post(["api", "v1", "search"], body)).await
    }

    /// Builds a context pack.
    pub async fn pack(&self, query: &str, budget: u32, model: Option<&str>) -> Result<Answer<ContextPack>> {
        let body = json!({ "query": query, "budget_tokens": budget, "model": model });
        self.ask(Call::post(["api", "v1", "context", "packs"], body)).await
    }

    /// Gives a file to memory.
    pub async fn ingest_file(
        &self,
        file: &FileToIngest,
        bytes: Vec<u8>,
    ) -> Result<Answer<List<IngestedDocument>>> {
        let call = Call::new(Method::POST, ["api", "v1", "ingest", "file"])
            .query("name", Some(&file.name))
            .query("collection", file.collection.as_ref())
            .query("privacy", file.privacy.as_ref());
        self.ask(Call { bytes: Some(bytes), timeout: INGEST_TIMEOUT, ..call }).await
    }

    /// What is in memory, by collections.
    pub async fn collections(&self) -> Result<Answer<List<Collection>>> {
        self.ask(Call::get(["api", "v1", "memory", "collections"])).await
    }

    /// The documents of a collection, the newest first.
    pub async fn documents(
        &self,
        collection: Option<&str>,
        limit: u32,
    ) -> Result<Answer<List<RememberedDocument>>> {
        let call = Call::get(["api", "v1", "memory", "documents"]);
        self.ask(call.query("collection", collection).query("limit", Some(limit))).await
    }

    /// A document with its text.
    pub async fn document(&self, id: &str) -> Result<Answer<RememberedDocument>> {
        self.ask(Call::get(["api", "v1", "memory", "documents", id])).await
    }

    /// Forgets a document.
    pub async fn forget_document(&self, id: &str) -> Result<()> {
        self.send(&Call::new(Method::DELETE, ["api", "v1", "memory", "documents", id])).await?;
        Ok(())
    }

    /// How much is remembered.
    pub async fn memory_stats(&self) -> Result<Answer<MemoryStats>> {
        self.ask(Call::get(["api", "v1", "memory", "stats"])).await
    }

    /// Has the indices made anew.
    pub async fn reindex(&self) -> Result<()> {
        self.send(&Call::new(Method::POST, ["api", "v1", "memory", "reindex"])).await?;
        Ok(())
    }
}
