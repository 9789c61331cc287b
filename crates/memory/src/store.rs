//! The port through which documents, their chunks and dispatches are kept.
//!
//! Invariant: every method is one atomic operation, and what it wrote is on disk when it returns.
//! Each change of a chunk has a position; whoever follows [`MemoryStore::list_changes`] from the
//! position it has reached misses none.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{DocumentId, Page, PageRequest, Result, Timestamp};

use crate::chunk::{Chunk, ChunkChange, IndexedChunk, NewChunk};
use crate::collection::{CollectionChange, CollectionSettings};
use crate::dispatch::Dispatch;
use crate::document::Document;
use crate::filter::Filter;

/// How much text [`MemoryStore::list_whole`] gathers before it gives back what it has, in bytes.
pub const WHOLE_BYTES: usize = 4 << 20;

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

/// What came of having a document take the place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supersession {
    /// It is so.
    Done,
    /// Nothing was done: there is no such document.
    Missing,
    /// Nothing was done: what should take its place is the document itself, or superseded by it.
    Circular,
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

/// A document with everything that is its own, as it was at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeDocument {
    /// The document with its text.
    pub document: Document,
    /// Its chunks, in order.
    pub chunks: Vec<NewChunk>,
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
    /// How many documents are still to be divided into chunks as the collection is set up now.
    pub to_divide: u64,
    /// When something was last stored in it.
    pub newest: Timestamp,
}

/// Keeps documents and dispatches. Implementations pass [`crate::testing::contract`].
#[async_trait]
pub trait MemoryStore: Send + Sync {
    /// Stores a document with its chunks. When its collection has the key already, that document is
    /// replaced but keeps its id, its time of creation and what it is superseded by, and those of its chunks that say the same as
    /// before keep their numbers.
    async fn put_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<Stored>;

    /// Stores a document that is there already as [`MemoryStore::put_document`] does, with chunks that
    /// were made before: if they were to be made anew, they still are.
    async fn change_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()>;

    /// Stores the chunks of a document that was split by other rules, unless it has been stored
    /// again since it was read.
    async fn split_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()>;

    /// The document with this id.
    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>>;

    /// The document with this key.
    async fn find_document_by_key(&self, collection: &str, key: &str) -> Result<Option<Document>>;

    /// Has a document take the place of another, or lets that one stand again when there is none to
    /// take its place. When the one that took its place is removed, it stands again too.
    async fn supersede(&self, id: &DocumentId, by: Option<&DocumentId>) -> Result<Supersession>;

    /// Removes a document with its chunks. Tells whether there was one.
    async fn delete_document(&self, id: &DocumentId) -> Result<bool>;

    /// The documents that pass a filter, the newest first by creation.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>>;

    /// At most `limit` documents that pass a filter, with their texts and chunks, in the order of
    /// their collections and then of their keys, byte by byte; those behind the collection and key
    /// `after`. Fewer come once their texts have [`WHOLE_BYTES`]; none only when there are no more.
    async fn list_whole(
        &self,
        filter: &Filter,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WholeDocument>>;

    /// All collections that have a document, in the order of their names.
    async fn list_collections(&self) -> Result<Vec<CollectionSummary>>;

    /// How a collection is set up; by default where it never was.
    async fn find_collection_settings(&self, collection: &str) -> Result<CollectionSettings>;

    /// The collections that were set up, and how.
    async fn list_collection_settings(&self) -> Result<BTreeMap<String, CollectionSettings>>;

    /// Sets a collection up, and has what is stored follow: its documents get its label, chunks of
    /// another length are to be made, and chunks that get or lose their vectors count as changed.
    /// What is stored in it from then on has its label at least.
    async fn change_collection(
        &self,
        collection: &str,
        change: &CollectionChange,
        now: Timestamp,
    ) -> Result<CollectionSettings>;

    /// Has all documents of a collection be among [`MemoryStore::documents_to_chunk`].
    async fn divide_anew(&self, collection: &str) -> Result<()>;

    /// At most `limit` documents that were not split by [`crate::chunk::CHUNKING_VERSION`], or as
    /// their collection was set up before.
    async fn documents_to_chunk(&self, limit: usize) -> Result<Vec<Document>>;

    /// The chunks of these numbers that there are, in no order.
    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>>;

    /// The chunks that stand at most `reach` places before or after one of these numbers in the same
    /// document, each with the number it stands beside: as often as it stands beside one, in the
    /// order of those numbers and then of the document.
    async fn find_neighbours(&self, numbers: &[u32], reach: u32) -> Result<Vec<(u32, IndexedChunk)>>;

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
