//! The port through which documents and dispatches are kept.
//!
//! Invariant: every method is one atomic operation, what it wrote is on disk when it returns, and
//! the keyword index never shows another text than the documents do.

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Result};

use crate::dispatch::Dispatch;
use crate::document::Document;

/// Which documents a search looks at; all that are set must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// One of these collections; any when empty.
    pub collections: Vec<String>,
    /// Not this source.
    pub excluded_source: Option<String>,
}

/// A document that has some of the words that were looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The document.
    pub document: Document,
    /// How well it matches: above zero, higher is better, comparable within one answer.
    pub score: f64,
}

/// Keeps documents and dispatches. Implementations pass [`crate::testing::contract`].
#[async_trait]
pub trait MemoryStore: Send + Sync {
    /// Stores a document. When its collection has the key already, that document is replaced but
    /// keeps its id and time of creation. Gives the id under which it is stored.
    async fn upsert_document(&self, document: &Document) -> Result<DocumentId>;

    /// The document with this id.
    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>>;

    /// Removes a document. Tells whether there was one.
    async fn delete_document(&self, id: &DocumentId) -> Result<bool>;

    /// A collection's documents, the newest first by creation.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_documents(&self, collection: &str, page: &PageRequest) -> Result<Page<Document>>;

    /// The at most `limit` documents that match best any of `terms`, whole words as
    /// [`crate::words`] gives them, best first. A term finds its word whatever its case and
    /// accents, in the title and in the text; a word in the title counts more. Stores may match
    /// inflections too. No term is ever read as syntax.
    async fn keyword_candidates(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Candidate>>;

    /// The at most `limit` documents that were stored last, the latest first.
    async fn recent_documents(&self, filter: &Filter, limit: usize) -> Result<Vec<Document>>;

    /// Appends to the planner's log and stores the document by which the entry is found, together.
    async fn log_dispatch(&self, dispatch: &Dispatch, document: &Document) -> Result<()>;

    /// The planner's log, the newest first.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>>;
}
