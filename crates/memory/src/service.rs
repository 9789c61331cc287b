//! The service: remembers, searches, recalls, and keeps the planner's log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use extract::Workers;
use index::Keywords;
use kernel::{Clock, DispatchId, DocumentId, Entropy, Ids, Page, PageRequest, Result, Timestamp};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::chunk::{Chunk, NewChunk};
use crate::chunking;
use crate::dispatch::{self, Dispatch, NewDispatch};
use crate::document::{Document, DocumentChange, NewDocument};
use crate::embedding::{EmbeddingQueue, IndexProgress};
use crate::error::Error;
use crate::facts::FactStore;
use crate::fetching::Fetcher;
use crate::filter::Filter;
use crate::indexing::{KeywordFollower, VectorFollower, whenever};
use crate::log::LogStore;
use crate::search::reranking::Reranker;
use crate::search::{self, Found, Hit, MAX_HITS, Query};
use crate::snapshot::{self, Snapshot};
use crate::store::{CollectionSummary, Listed, MemoryStore, Stored, Supersession};
use crate::vectors::VectorIndex;
use crate::wording::{KeptVectors, WordVectors};

/// How long a search waits for what was stored just before it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many documents are split anew at once, after the rules have changed.
const SPLIT_AT_ONCE: usize = 50;

/// What memory is made of.
pub struct MemoryParts {
    /// The truth.
    pub store: Arc<dyn MemoryStore>,
    /// What agents note.
    pub facts: Arc<dyn FactStore>,
    /// What was decided and what failed.
    pub log: Arc<dyn LogStore>,
    /// Finds chunks by their words.
    pub keywords: Arc<Keywords>,
    /// Finds chunks by their meaning, where something makes vectors.
    pub vectors: Option<VectorParts>,
    /// Knows what single words mean, where something does.
    pub words: Option<Arc<dyn WordVectors>>,
    /// Read files in processes of their own; without them they are read in this one.
    pub readers: Option<Arc<Workers>>,
    /// Fetches pages; without it none are taken in.
    pub fetcher: Option<Arc<dyn Fetcher>>,
    /// Asks models how well hits answer; without it none are ordered by that.
    pub reranker: Option<Arc<dyn Reranker>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes identifiers.
    pub entropy: Arc<dyn Entropy>,
}

/// What makes vectors and where they are searched.
#[derive(Clone)]
pub struct VectorParts {
    /// Makes them.
    pub queue: EmbeddingQueue,
    /// Is searched.
    pub index: Arc<dyn VectorIndex>,
}

/// What a workspace remembers. Cheap to clone.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    parts: MemoryParts,
    ids: Ids,
    words: Arc<KeywordFollower>,
    meanings: Option<VectorFollower>,
    /// Counts what was stored.
    changed: watch::Sender<u64>,
}

impl Memory {
    /// Memory of these parts. Somebody has to [`Memory::keep_up`].
    pub fn new(mut parts: MemoryParts) -> Self {
        parts.words = parts.words.map(|words| Arc::new(KeptVectors::new(words)) as Arc<dyn WordVectors>);
        let ids = Ids::new(parts.clock.clone(), parts.entropy.clone());
        let words = Arc::new(KeywordFollower::new(parts.store.clone(), parts.keywords.clone()));
        let meanings = parts.vectors.clone().map(VectorFollower::new);
        Self(Arc::new(Inner { parts, ids, words, meanings, changed: watch::Sender::new(0) }))
    }

    pub(crate) fn store(&self) -> &dyn MemoryStore {
        &*self.0.parts.store
    }

    pub(crate) fn fact_store(&self) -> &dyn FactStore {
        &*self.0.parts.facts
    }

    pub(crate) fn log_store(&self) -> &dyn LogStore {
        &*self.0.parts.log
    }

    pub(crate) fn ids(&self) -> &Ids {
        &self.0.ids
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// Stores a document, in place of the one its collection has under the same key. Its text is
    /// split by headings and paragraphs.
    ///
    /// # Errors
    /// [`Error::InvalidCollection`], [`Error::InvalidKey`], [`Error::TextTooLong`],
    /// [`Error::UnknownField`].
    pub async fn remember(&self, new: NewDocument) -> Result<DocumentId> {
        let document = self.checked(new)?;
        let (chunks, max_characters) = self.divided(&document).await?;
        Ok(self.put(&document, &chunks, max_characters).await?.id)
    }

    /// Stores a document that was split by whoever knows its structure.
    ///
    /// # Errors
    /// As [`Memory::remember`].
    pub async fn remember_chunks(&self, new: NewDocument, chunks: &[NewChunk]) -> Result<DocumentId> {
        let document = self.checked(new)?;
        let max_characters = self.settings_of(&document.collection).await?.max_characters();
        Ok(self.put(&document, chunks, max_characters).await?.id)
    }

    /// A document as it is stored now.
    pub(crate) fn checked(&self, new: NewDocument) -> std::result::Result<Document, Error> {
        new.checked(&self.0.ids, self.0.parts.clock.now())
    }

    /// What fetches pages, where something does.
    pub(crate) fn fetcher(&self) -> Option<&Arc<dyn Fetcher>> {
        self.0.parts.fetcher.as_ref()
    }

    /// What reads files, where something does.
    pub(crate) fn readers(&self) -> Option<&Arc<Workers>> {
        self.0.parts.readers.as_ref()
    }

    /// What makes vectors, where something does.
    pub(crate) fn queue(&self) -> Option<&EmbeddingQueue> {
        self.0.parts.vectors.as_ref().map(|vectors| &vectors.queue)
    }

    /// The chunks of a document by its text, and how many characters its collection gives one.
    pub(crate) async fn divided(&self, document: &Document) -> Result<(Vec<NewChunk>, usize)> {
        let max_characters = self.settings_of(&document.collection).await?.max_characters();
        Ok((chunking::chunks_of(document, &chunking::options(max_characters)), max_characters))
    }

    /// Stores a document with chunks that have as many characters as its collection gave them when
    /// they were made.
    pub(crate) async fn put(
        &self,
        document: &Document,
        chunks: &[NewChunk],
        max_characters: usize,
    ) -> Result<Stored> {
        let stored = self.store().put_document(document, chunks).await?;
        self.see_to_length(&document.collection, max_characters).await?;
        self.tell();
        Ok(stored)
    }

    /// Lets the indices know that something was stored.
    pub(crate) fn tell(&self) {
        self.0.changed.send_modify(|count| *count += 1);
    }

    /// The document with this id.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`].
    pub async fn document(&self, id: &DocumentId) -> Result<Document> {
        let found = self.store().find_document(id).await?;
        Ok(found.ok_or_else(|| Error::DocumentNotFound(id.clone()))?)
    }

    /// The chunks of a document, in order.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>> {
        self.store().list_chunks(id).await
    }

    /// Changes a document's label, title or end, or what it is superseded by, and nothing of its text.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`], [`Error::SupersedesItself`], [`Error::CollectionIsLocal`] for a lower
    /// label than its collection's.
    pub async fn change(&self, id: &DocumentId, change: DocumentChange) -> Result<Document> {
        if let Some(by) = &change.superseded_by {
            self.supersede(id, by.as_ref()).await?;
        }
        let mut document = self.document(id).await?;
        let floor = self.settings_of(&document.collection).await?.floor();
        if change.privacy.is_some_and(|privacy| privacy < floor) {
            return Err(Error::CollectionIsLocal { collection: document.collection }.into());
        }
        let chunks = self.chunks(id).await?.into_iter().map(|chunk| chunk.content).collect::<Vec<_>>();
        change.apply(&mut document);
        document.updated_at = self.0.parts.clock.now();
        self.store().change_document(&document, &chunks).await?;
        self.tell();
        Ok(document)
    }

    /// Has a document take the place of another, which can be read but is not searched from then on;
    /// or lets that one stand again.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`], [`Error::SupersedesItself`] when the other supersedes it, directly
    /// or not.
    pub async fn supersede(&self, id: &DocumentId, by: Option<&DocumentId>) -> Result<()> {
        self.document(id).await?;
        let superseded = self.store().supersede(id, by).await?;
        self.tell();
        match superseded {
            Supersession::Done => Ok(()),
            Supersession::Missing => Err(Error::DocumentNotFound(by.unwrap_or(id).clone()).into()),
            Supersession::Circular => Err(Error::SupersedesItself(id.clone()).into()),
        }
    }

    /// Removes a document.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`].
    pub async fn forget(&self, id: &DocumentId) -> Result<()> {
        let found = self.store().delete_document(id).await?;
        self.tell();
        if found { Ok(()) } else { Err(Error::DocumentNotFound(id.clone()).into()) }
    }

    /// The documents that pass a filter, the newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>> {
        self.store().list_documents(filter, page).await
    }

    /// All collections that have a document, in the order of their names.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_collections(&self) -> Result<Vec<CollectionSummary>> {
        self.store().list_collections().await
    }

    /// Finds chunks, the best first. What was stored before is found.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`], [`Error::QueryTooLong`], [`Error::LimitOutOfRange`].
    pub async fn search(&self, query: Query) -> Result<Found> {
        query.check()?;
        self.see_what_is_stored().await?;
        search::search(&self.0.parts, &query).await
    }

    /// What is known that bears on a goal, the best first: what shares two of its words, or its only
    /// one, or is near in meaning. A goal may be of any length and say anything; when there is
    /// nothing to look for, nothing is found. What came from `excluded_source`, such as the run that
    /// asks, is left out, and so are dispatches of the very same goal, which only repeat it.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] for a limit that is not 1 to [`MAX_HITS`].
    pub async fn recall(&self, goal: &str, limit: usize, excluded_source: &str) -> Result<Vec<Hit>> {
        search::check_limit(limit, MAX_HITS)?;
        let Some(mut query) = Query::of_goal(goal) else { return Ok(Vec::new()) };
        query.filter.excluded_source = Some(excluded_source.to_owned());
        self.see_what_is_stored().await?;
        let mut hits = search::search(&self.0.parts, &query).await?.hits;
        hits.retain(|hit| {
            hit.bears_on_goal() && !(hit.document.collection == dispatch::COLLECTION && hit.repeats(goal))
        });
        hits.truncate(limit);
        Ok(hits)
    }

    /// Brings the keyword index up to what is stored now, or gives up after a while: what is not
    /// there yet is found later.
    async fn see_what_is_stored(&self) -> Result<()> {
        if self.0.words.position() >= self.store().last_change().await? {
            return Ok(());
        }
        // It goes on when this search stops waiting.
        let words = Arc::clone(&self.0.words);
        let catching_up = tokio::spawn(async move { words.catch_up().await });
        match timeout(PATIENCE, catching_up).await {
            Ok(caught_up) => caught_up.map_err(kernel::Error::internal)?,
            Err(_) => Ok(()),
        }
    }

    /// Logs what the planner was asked and what it planned, so that search finds it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn log_dispatch(&self, new: NewDispatch) -> Result<DispatchId> {
        let dispatch = new.at(&self.0.ids, self.0.parts.clock.now());
        let document = dispatch.to_document(&self.0.ids);
        let (chunks, max_characters) = self.divided(&document).await?;
        self.store().log_dispatch(&dispatch, &document, &chunks).await?;
        self.see_to_length(dispatch::COLLECTION, max_characters).await?;
        self.tell();
        Ok(dispatch.id)
    }

    /// The planner's log, the newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>> {
        self.store().list_dispatches(page).await
    }

    /// Writes the newest `limit` dispatches, 1 to [`snapshot::MAX_DISPATCHES`], into a new file in
    /// `folder`: one a line, as JSON, the newest last.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`], [`Error::Snapshot`].
    pub async fn snapshot(&self, limit: usize, folder: &Path) -> Result<Snapshot> {
        search::check_limit(limit, snapshot::MAX_DISPATCHES)?;
        let mut dispatches = Vec::new();
        let mut cursor = None;
        loop {
            let missing = u32::try_from(limit - dispatches.len()).unwrap_or(PageRequest::MAX);
            let page = PageRequest { limit: missing.min(PageRequest::MAX), cursor };
            let page = self.store().list_dispatches(&page).await?;
            dispatches.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || dispatches.len() >= limit {
                break;
            }
        }
        let (folder, now) = (folder.to_owned(), self.0.parts.clock.now());
        Ok(blocking(move || snapshot::write(&folder, now, &dispatches)).await??)
    }

    /// How far the vectors are; none where nothing makes them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn progress(&self) -> Result<Option<IndexProgress>> {
        match &self.0.parts.vectors {
            Some(vectors) => vectors.queue.progress().await,
            None => Ok(None),
        }
    }

    /// How large the indices are and how far behind what is stored.
    ///
    /// # Errors
    /// Those of the store and of the vector index.
    pub async fn standing(&self) -> Result<Standing> {
        let last = self.store().last_change().await?;
        // Positions before what they reach, so that what is said to be there is counted.
        let behind = last.saturating_sub(self.0.words.position());
        let keywords = self.0.parts.keywords.clone();
        let (chunks, bytes) = blocking(move || (keywords.len(), keywords.bytes())).await?;
        let vectors = match &self.0.parts.vectors {
            Some(VectorParts { index, .. }) => vectors_and_behind(&**index, last).await?,
            None => None,
        };
        Ok(Standing { chunks, bytes, behind, vectors })
    }

    /// Makes both indices anew from what is stored. Searches go on meanwhile; those by meaning find
    /// what has been put back so far.
    ///
    /// # Errors
    /// Those of the store and of the indices.
    pub async fn reindex(&self) -> Result<()> {
        if let Some(meanings) = &self.0.meanings {
            meanings.clear().await?;
        }
        self.0.words.rebuild().await?;
        self.tell();
        Ok(())
    }

    /// Keeps the indices in step with what is stored, and erases facts that have expired. Never ends by
    /// itself; may be dropped at any time.
    pub async fn keep_up(&self) {
        let words = whenever("the keyword index", self.0.changed.subscribe(), || async {
            self.split_anew().await?;
            self.0.words.catch_up().await
        });
        let meanings = async {
            if let Some(meanings) = &self.0.meanings {
                whenever("the vector index", self.0.changed.subscribe(), || meanings.catch_up()).await;
            }
        };
        tokio::join!(words, meanings, self.erase_what_expires());
    }

    /// Splits documents that were split by other rules, for chunks of another length, or never.
    pub(crate) async fn split_anew(&self) -> Result<()> {
        loop {
            let documents = self.store().documents_to_chunk(SPLIT_AT_ONCE).await?;
            if documents.is_empty() {
                return Ok(());
            }
            for document in documents {
                let max_characters = self.settings_of(&document.collection).await?.max_characters();
                let before: Vec<NewChunk> =
                    self.chunks(&document.id).await?.into_iter().map(|chunk| chunk.content).collect();
                let divide = move || {
                    let chunks =
                        chunking::chunks_anew(&document, &before, &chunking::options(max_characters));
                    (document, chunks)
                };
                let (document, chunks) = blocking(divide).await?;
                self.store().split_document(&document, &chunks).await?;
                self.see_to_length(&document.collection, max_characters).await?;
            }
            self.tell();
        }
    }

    /// Brings everything up to date, and returns when it is.
    ///
    /// # Errors
    /// Those of the stores, of the embedder and of the indices.
    pub async fn catch_up(&self) -> Result<()> {
        self.split_anew().await?;
        self.0.words.catch_up().await?;
        if let Some(meanings) = &self.0.meanings {
            meanings.catch_up().await?;
        }
        Ok(())
    }
}

/// How large the indices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many chunks the keyword index has.
    pub chunks: u64,
    /// How many bytes it has on disk.
    pub bytes: u64,
    /// How many changes it is behind.
    pub behind: u64,
    /// How many vectors there are and how many changes their index is behind, where something makes
    /// them and the index can be asked.
    pub vectors: Option<(u64, u64)>,
}

async fn vectors_and_behind(index: &dyn VectorIndex, last: u64) -> Result<Option<(u64, u64)>> {
    let asked = async {
        let behind = last.saturating_sub(index.position().await?);
        Ok((index.count().await?, behind))
    };
    match asked.await {
        Ok(found) => Ok(Some(found)),
        Err(kernel::Error { kind: kernel::Kind::Unavailable, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Does what takes more than a moment where it holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(kernel::Error::internal)
}
