//! The port through which documents, their chunks and dispatches are kept.
//!
//! Invariant: every method is one atomic operation, and what it wrote is on disk when it returns.
//! Each change of a chunk has a position; whoever follows [`MemoryStore::list_changes`] from the
//! position it has reached misses none.

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Result, Timestamp};

use crate::chunk::{Chunk, ChunkChange, IndexedChunk, NewChunk};
use crate::dispatch::Dispatch;
use crate::document::Document;
use crate::filter::Filter;

/// What came of storing a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Under which id.
    pub id: DocumentId,
    /// Whether its collection had no document of that key.
    pub is_new: bool,
    /// How many chunks are new or other than before.
    pub changed_chunks: usize,
}

/// A document in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The document, without its text.
    pub document: Document,
    /// How many characters its text has.
    pub characters: u64,
    /// How many chunks it has.
    pub chunks: u64,
}

/// What is in a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionSummary {
    /// Its name.
    pub name: String,
    /// How many documents.
    pub documents: u64,
    /// How many of them stay on this machine.
    pub local_documents: u64,
    /// How many chunks.
    pub chunks: u64,
    /// How many characters of text.
    pub characters: u64,
    /// When something was last stored in it.
    pub newest: Timestamp,
}

/// Keeps documents and dispatches. Implementations pass [`crate::testing::contract`].
#[async_trait]
pub trait MemoryStore: Send + Sync {
    /// Stores a document with its chunks. When its collection has the key already, that document is
    /// replaced but keeps its id and time of creation, and those of its chunks that say the same as
    /// before keep their numbers.
    async fn put_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<Stored>;

    /// Stores the chunks of a document that was split by other rules, unless it has been stored
    /// again since it was read.
    async fn split_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()>;

    /// The document with this id.
    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>>;

    /// The document with this key.
    async fn find_document_by_key(&self, collection: &str, key: &str) -> Result<Option<Document>>;

    /// Removes a document with its chunks. Tells whether there was one.
    async fn delete_document(&self, id: &DocumentId) -> Result<bool>;

    /// The documents that pass a filter, the newest first by creation.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>>;

    /// All collections that have a document, in the order of their names.
    async fn list_collections(&self) -> Result<Vec<CollectionSummary>>;

    /// At most `limit` documents that were not split by [`crate::chunk::CHUNKING_VERSION`].
    async fn documents_to_chunk(&self, limit: usize) -> Result<Vec<Document>>;

    /// The chunks of these numbers that there are, in no order.
    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>>;

    /// The chunks of a document, in order.
    async fn list_chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>>;

    /// At most `limit` changes after a position, in their order. Of a chunk that changed more than
    /// once only the newest change is told.
    async fn list_changes(&self, after: u64, limit: usize) -> Result<Vec<ChunkChange>>;

    /// The position of the newest change; 0 before the first.
    async fn last_change(&self) -> Result<u64>;

    /// Appends to the planner's log and stores the document by which the entry is found, together.
    async fn log_dispatch(&self, dispatch: &Dispatch, document: &Document, chunks: &[NewChunk])
    -> Result<()>;

    /// The planner's log, the newest first.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>>;
}
