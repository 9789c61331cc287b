//! The calls about memory, and what is read of their answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::wire::{Failure, List};
use super::{Answer, Call, Client, Problem, Result};

/// A large archive takes its time; that it goes on is seen.
const ARCHIVE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// A large document takes a while to be read.
const INGEST_TIMEOUT: Duration = Duration::from_secs(300);

/// What to look for, and how.
#[derive(Debug, Serialize)]
pub struct Sought {
    /// A question or some words.
    pub query: String,
    /// At most so many hits.
    pub top_k: u32,
    /// What a hit must have.
    pub filters: BTreeMap<String, Value>,
    /// How many chunks are shown before each hit and behind it.
    #[serde(skip_serializing_if = "is_none_at_all")]
    pub neighbours: u32,
    /// That a model is to grade the best.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<Rerank>,
}

/// That a model is to grade the best hits.
#[derive(Debug, Serialize)]
pub struct Rerank {
    /// Which; the preferred one where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How many it is shown; as many as the server likes where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<u32>,
}

/// What a model made of a hit.
#[derive(Debug, Deserialize)]
pub struct Reranked {
    /// Its grade, where it gave one.
    pub grade: Option<f64>,
    /// Where the hit stood before, from 1.
    pub rank_before: u64,
}

/// A server that is older than this program refuses what it does not know, even when it asks for
/// nothing.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how it is called")]
fn is_none_at_all(count: &u32) -> bool {
    *count == 0
}

/// A chunk that stands beside a hit.
#[derive(Debug, Deserialize)]
pub struct Neighbour {
    /// What it says.
    pub text: String,
}

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
    /// The whole chunk.
    #[serde(default)]
    pub text: String,
    /// What stands before it, where that was asked for.
    #[serde(default)]
    pub before: Vec<Neighbour>,
    /// What stands behind it, likewise.
    #[serde(default)]
    pub after: Vec<Neighbour>,
    /// What a model made of it, where one was asked.
    #[serde(default)]
    pub rerank: Option<Reranked>,
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
    /// Why the hits are not reranked, where that was asked for.
    #[serde(default)]
    pub rerank_problem: Option<Failure>,
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
    /// When something was last stored in it; none when it is empty.
    pub newest: Option<String>,
    /// The label that everything in it has at least.
    #[serde(default)]
    pub privacy: String,
    /// Whose vectors its chunks have.
    pub embedding: Option<CollectionEmbedding>,
    /// How its documents are divided.
    #[serde(default)]
    pub chunking: CollectionChunking,
}

/// Whose vectors the chunks of a collection have.
#[derive(Debug, Deserialize)]
pub struct CollectionEmbedding {
    /// The model.
    pub model: String,
    /// How long its vectors are.
    #[serde(default)]
    pub dimensions: u64,
    /// How many chunks have theirs.
    #[serde(default)]
    pub vectors: u64,
}

/// How the documents of a collection are divided.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CollectionChunking {
    /// By which version of the rules.
    pub version: u64,
    /// How many characters a chunk has at most.
    pub max_characters: u64,
    /// How many documents are still to be divided anew.
    pub waiting: u64,
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

/// What is exported.
#[derive(Clone, Debug)]
pub struct WantedExport {
    /// `jsonl` or `markdown`.
    pub format: &'static str,
    /// Only one collection.
    pub collection: Option<String>,
    /// `shareable` leaves out what is local.
    pub privacy: Option<String>,
}

/// How an archive is imported.
#[derive(Clone, Debug)]
pub struct WantedImport {
    /// The name of its file.
    pub name: String,
    /// The collection everything goes into.
    pub collection: Option<String>,
    /// How far what has no label may travel.
    pub privacy: Option<String>,
    /// Whether what is newer there is replaced.
    pub overwrite: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl Client {
    /// Gives an export of memory to `write`, piece by piece.
    pub async fn export_memory(
        &self,
        wanted: &WantedExport,
        mut write: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<()> {
        let call = Call::get(["api", "v1", "memory", "export"])
            .query("format", Some(wanted.format))
            .query("collection", wanted.collection.as_ref())
            .query("privacy", wanted.privacy.as_ref());
        let call = Call { timeout: ARCHIVE_TIMEOUT, ..call };
        let mut body = self.send(&call).await?.bytes_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| self.broken(&error))?;
            write(&piece).map_err(|error| {
                Problem::unavailable("cannot_write", format!("The export cannot be written: {error}"))
                    .with_hint("Choose another place with --to")
            })?;
        }
        Ok(())
    }

    /// Imports an archive, and hands over what the server says of each document as it is stored, and
    /// the totals at the end.
    pub async fn import_memory(
        &self,
        wanted: &WantedImport,
        archive: &Path,
        mut each: impl FnMut(Value),
    ) -> Result<()> {
        let call = Call::new(Method::POST, ["api", "v1", "memory", "import"])
            .query("name", Some(&wanted.name))
            .query("collection", wanted.collection.as_ref())
            .query("privacy", wanted.privacy.as_ref())
            .query("overwrite", Some(wanted.overwrite))
            .query("dry_run", Some(wanted.dry_run));
        let call = Call {
            file: Some(archive.to_owned()),
            accept: "application/x-ndjson",
            timeout: ARCHIVE_TIMEOUT,
            ..call
        };
        let mut body = self.send(&call).await?.bytes_stream();
        let mut held: Vec<u8> = Vec::new();
        let mut is_whole = false;
        while let Some(piece) = body.next().await {
            held.extend_from_slice(&piece.map_err(|error| self.broken(&error))?);
            while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = held.drain(..=end).collect();
                let line: Value = serde_json::from_slice(&line).map_err(|_| self.not_atelier())?;
                is_whole |= line.get("totals").is_some();
                each(line);
            }
        }
        if is_whole {
            return Ok(());
        }
        Err(Problem::unavailable("answer_cut_off", "The server broke the import off")
            .with_hint("Import it again: what was stored is passed over"))
    }

    /// Searches memory by passage.
    pub async fn find(&self, sought: &Sought) -> Result<Answer<SearchAnswer>> {
        self.ask(Call::post(["api", "v1", "search"], json!(sought))).await
    }

    /// The context pack that a run was given.
    pub async fn pack_of_run(&self, run: &str) -> Result<Answer<ContextPack>> {
        self.ask(Call::get(["api", "v1", "context", run])).await
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

    /// Has memory fetch a page of the web.
    pub async fn ingest_page(
        &self,
        url: &str,
        collection: Option<&str>,
        privacy: Option<&str>,
    ) -> Result<Answer<List<IngestedDocument>>> {
        let document = json!({ "url": url, "collection": collection, "privacy": privacy });
        let call = Call::post(["api", "v1", "ingest"], json!({ "documents": [document] }));
        self.ask(Call { timeout: INGEST_TIMEOUT, ..call }).await
    }

    /// What is in memory, by collections.
    pub async fn collections(&self) -> Result<Answer<List<Collection>>> {
        self.ask(Call::get(["api", "v1", "memory", "collections"])).await
    }

    /// A collection.
    pub async fn collection(&self, name: &str) -> Result<Answer<Collection>> {
        self.ask(Call::get(["api", "v1", "memory", "collections", name])).await
    }

    /// Sets a collection up.
    pub async fn change_collection(&self, name: &str, change: Value) -> Result<Answer<Collection>> {
        let call = Call::new(Method::PATCH, ["api", "v1", "memory", "collections", name]);
        self.ask(Call { body: Some(change), ..call }).await
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
