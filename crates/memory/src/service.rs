//! The service: remembers, searches, recalls, and keeps the planner's log.

use std::path::Path;
use std::sync::Arc;

use kernel::{Clock, DispatchId, DocumentId, Entropy, Ids, Page, PageRequest, Result};
use tokio::sync::Notify;

use crate::dispatch::{self, Dispatch, NewDispatch};
use crate::document::{Document, NewDocument};
use crate::error::Error;
use crate::search::{self, Bar, Hit, MAX_HITS, MAX_QUERY_CHARS, POOL, Query, SCANNED};
use crate::snapshot::{self, Snapshot};
use crate::stop_words::query_words;
use crate::store::{Candidate, Filter, MemoryStore};

/// What a workspace remembers.
#[derive(Clone)]
pub struct Memory {
    store: Arc<dyn MemoryStore>,
    clock: Arc<dyn Clock>,
    ids: Ids,
    changed: Arc<Notify>,
}

impl Memory {
    /// Memory over `store`.
    pub fn new(store: Arc<dyn MemoryStore>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let ids = Ids::new(clock.clone(), entropy);
        Self { store, clock, ids, changed: Arc::default() }
    }

    /// Stores a document, in place of the one its collection has under the same key.
    ///
    /// # Errors
    /// [`Error::InvalidCollection`], [`Error::InvalidKey`], [`Error::TextTooLong`].
    pub async fn remember(&self, new: NewDocument) -> Result<DocumentId> {
        let document = new.checked(&self.ids, self.clock.now())?;
        let id = self.store.upsert_document(&document).await?;
        self.changed.notify_one();
        Ok(id)
    }

    /// The document with this id.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`].
    pub async fn document(&self, id: &DocumentId) -> Result<Document> {
        let found = self.store.find_document(id).await?;
        Ok(found.ok_or_else(|| Error::DocumentNotFound(id.clone()))?)
    }

    /// Removes a document.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`].
    pub async fn forget(&self, id: &DocumentId) -> Result<()> {
        let found = self.store.delete_document(id).await?;
        if found { Ok(()) } else { Err(Error::DocumentNotFound(id.clone()).into()) }
    }

    /// A collection's documents, the newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_documents(&self, collection: &str, page: &PageRequest) -> Result<Page<Document>> {
        self.store.list_documents(collection, page).await
    }

    /// Finds documents, the best first. When no document has any of the query's words, those among
    /// the newest are found whose words are similar.
    ///
    /// # Errors
    /// [`Error::EmptyQuery`], [`Error::QueryTooLong`], [`Error::LimitOutOfRange`].
    pub async fn search(&self, query: Query) -> Result<Vec<Hit>> {
        let words = query.checked_words()?;
        let filter = Filter { collections: query.collections, excluded_source: query.excluded_source };
        let found = self.store.keyword_candidates(&words, &filter, POOL).await?;
        if !found.is_empty() {
            return self.rank(words, found, Bar::None, query.limit).await;
        }
        let recent = self.store.recent_documents(&filter, SCANNED).await?;
        let candidates = recent.into_iter().map(|document| Candidate { document, score: 0.0 }).collect();
        self.rank(words, candidates, Bar::Similar, query.limit).await
    }

    /// What is known that bears on a goal, the best first: documents whose title and best passage
    /// have two of its words, or its only one. A goal may be of any length and say anything; when
    /// there is nothing to look for, nothing is found. What came from `excluded_source`, such as
    /// the run that asks, is left out, and so are dispatches of the very same goal, which only
    /// repeat it.
    ///
    /// # Errors
    /// [`Error::LimitOutOfRange`] for a limit that is not 1 to [`MAX_HITS`].
    pub async fn recall(&self, goal: &str, limit: usize, excluded_source: &str) -> Result<Vec<Hit>> {
        search::check_limit(limit, MAX_HITS)?;
        let end = goal.char_indices().nth(MAX_QUERY_CHARS).map_or(goal.len(), |(at, _)| at);
        let words = query_words(&goal[..end]);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let filter = Filter { collections: Vec::new(), excluded_source: Some(excluded_source.to_owned()) };
        let mut found = self.store.keyword_candidates(&words, &filter, POOL).await?;
        found.retain(|candidate| {
            let document = &candidate.document;
            document.collection != dispatch::COLLECTION || !document.text.starts_with(goal)
        });
        self.rank(words, found, Bar::TwoWords, limit).await
    }

    /// Logs what the planner was asked and what it planned, so that search finds it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn log_dispatch(&self, new: NewDispatch) -> Result<DispatchId> {
        let dispatch = new.at(&self.ids, self.clock.now());
        self.store.log_dispatch(&dispatch, &dispatch.to_document(&self.ids)).await?;
        self.changed.notify_one();
        Ok(dispatch.id)
    }

    /// Waits until something was stored since the last time this was waited for.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The planner's log, the newest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>> {
        self.store.list_dispatches(page).await
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
            let page = self.store.list_dispatches(&page).await?;
            dispatches.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() || dispatches.len() >= limit {
                break;
            }
        }
        let (folder, now) = (folder.to_owned(), self.clock.now());
        Ok(blocking(move || snapshot::write(&folder, now, &dispatches)).await??)
    }

    async fn rank(
        &self,
        words: Vec<String>,
        found: Vec<Candidate>,
        bar: Bar,
        limit: usize,
    ) -> Result<Vec<Hit>> {
        let now = self.clock.now();
        blocking(move || search::rank(&words, found, bar, limit, now)).await
    }
}

/// Does what takes more than a moment where it holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(kernel::Error::internal)
}
