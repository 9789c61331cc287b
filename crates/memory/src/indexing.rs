//! Keeping the indices in step with what is stored.
//!
//! Each index follows the changes of chunks from the position it has reached, in batches; a batch is
//! in the index as a whole or not at all. Keywords follow the store itself, vectors follow the
//! embedder. What is behind catches up by itself, after a crash as after an outage.

use std::sync::Arc;
use std::time::Duration;

use index::{Change, Entry, Keywords};
use kernel::Result;
use tokio::sync::{Mutex, watch};

use crate::chunk::{ChunkChange, IndexedChunk};
use crate::embedding::EmbeddingQueue;
use crate::filter;
use crate::service::{VectorParts, blocking};
use crate::store::MemoryStore;
use crate::vectors::VectorIndex;

/// How many changes of chunks are taken in at once: enough that writing them out, which costs the same
/// for a few, is little of it.
const BATCH: usize = 8_000;
/// How many changes of vectors.
const VECTORS: usize = 2_000;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Takes changes of chunks into the keyword index.
pub(crate) struct KeywordFollower {
    store: Arc<dyn MemoryStore>,
    keywords: Arc<Keywords>,
    /// Held while changes are taken in, so that none is taken in twice.
    following: Mutex<()>,
}

impl KeywordFollower {
    pub fn new(store: Arc<dyn MemoryStore>, keywords: Arc<Keywords>) -> Self {
        Self { store, keywords, following: Mutex::default() }
    }

    /// The change that searches see last.
    pub fn position(&self) -> u64 {
        self.keywords.position()
    }

    /// Makes the index anew, which is searched as it was meanwhile.
    pub async fn rebuild(&self) -> Result<()> {
        let _one = self.following.lock().await;
        let (keywords, store) = (Arc::clone(&self.keywords), Arc::clone(&self.store));
        let runtime = tokio::runtime::Handle::current();
        let rebuild = move || {
            let mut rebuild = keywords.rebuild()?;
            let mut changes = runtime.block_on(store.list_changes(0, BATCH))?;
            while let Some(last) = changes.last() {
                let position = last.position;
                let store = Arc::clone(&store);
                let next = runtime.spawn(async move { store.list_changes(position, BATCH).await });
                with_rows(&changes, |changes| rebuild.add(changes, position))?;
                changes = runtime.block_on(next).map_err(kernel::Error::internal)??;
            }
            Ok(rebuild.finish()?)
        };
        blocking(rebuild).await?
    }

    /// Goes on until it has every change there is.
    pub async fn catch_up(&self) -> Result<()> {
        let _one = self.following.lock().await;
        let mut changes = self.store.list_changes(self.keywords.position(), BATCH).await?;
        while let Some(last) = changes.last() {
            // What comes next is read meanwhile.
            let next = self.store.list_changes(last.position, BATCH);
            let keywords = Arc::clone(&self.keywords);
            let taken_in = blocking(move || take_in(&keywords, &changes));
            let (taken_in, next) = tokio::join!(taken_in, next);
            taken_in??;
            changes = next?;
        }
        Ok(())
    }
}

fn take_in(keywords: &Keywords, changes: &[ChunkChange]) -> std::result::Result<(), index::Error> {
    let position = changes.last().map_or(keywords.position(), |change| change.position);
    with_rows(changes, |changes| keywords.apply(changes, position))
}

/// Gives changes as the keyword index takes them.
fn with_rows<T>(changes: &[ChunkChange], take: impl FnOnce(&[Change<'_>]) -> T) -> T {
    let rows: Vec<(u32, Option<Row<'_>>)> =
        changes.iter().map(|change| (change.number, change.content.as_ref().map(Row::of))).collect();
    let changes_of_index: Vec<Change<'_>> = rows
        .iter()
        .map(|(number, row)| row.as_ref().map_or(Change::Remove(*number), |row| Change::Put(row.entry())))
        .collect();
    take(&changes_of_index)
}

/// A chunk as the keyword index takes it.
struct Row<'a> {
    indexed: &'a IndexedChunk,
    text: String,
    facets: Vec<String>,
}

impl<'a> Row<'a> {
    fn of(indexed: &'a IndexedChunk) -> Self {
        let text = indexed.chunk.content.embedded(&indexed.document);
        Self { indexed, text, facets: filter::facets(&indexed.document, indexed.author()) }
    }

    fn entry(&self) -> Entry<'_> {
        let IndexedChunk { document_number, chunk, .. } = self.indexed;
        Entry {
            number: chunk.number,
            document: *document_number,
            ordinal: chunk.ordinal,
            time_ms: self.indexed.time().0,
            text: &self.text,
            facets: &self.facets,
        }
    }
}

/// Takes the vectors that an embedder has made into a vector index.
pub(crate) struct VectorFollower {
    queue: EmbeddingQueue,
    index: Arc<dyn VectorIndex>,
    /// Held while changes are taken in and while the index is emptied: what was read for one position
    /// must not be taken in at another.
    following: Mutex<()>,
}

impl VectorFollower {
    pub fn new(VectorParts { queue, index }: VectorParts) -> Self {
        Self { queue, index, following: Mutex::default() }
    }

    /// Empties the index, so that it is filled anew.
    pub async fn clear(&self) -> Result<()> {
        let _one = self.following.lock().await;
        self.index.clear().await
    }

    /// Goes on until every chunk has its vector and the index has all of them.
    pub async fn catch_up(&self) -> Result<()> {
        let identity = self.queue.embedder().identity();
        self.queue.store().begin_generation(&identity).await?;
        loop {
            // What has vectors already is taken in, and searched, while the rest is being embedded.
            let (taken_in, is_any) = tokio::join!(self.take_in(), self.queue.embed_batch(&identity));
            taken_in?;
            if is_any? {
                continue;
            }
            self.take_in().await?;
            if self.queue.store().activate_generation(&identity).await? {
                return self.index.maintain().await;
            }
        }
    }

    async fn take_in(&self) -> Result<()> {
        let identity = self.queue.embedder().identity();
        loop {
            let _one = self.following.lock().await;
            let after = self.index.position().await?;
            let strictest = self.index.strictest().min(self.queue.strictest());
            let store = self.queue.store();
            let (changes, reached) = store.list_vector_changes(&identity, strictest, after, VECTORS).await?;
            if changes.is_empty() {
                return Ok(());
            }
            self.index.apply(changes, reached).await?;
        }
    }
}

/// Does `work` whenever something has changed, and again after a while when it fails. Never ends by
/// itself; may be dropped at any time.
pub(crate) async fn whenever<F>(what: &str, mut changed: watch::Receiver<u64>, work: impl Fn() -> F)
where
    F: Future<Output = Result<()>>,
{
    let mut pause = FIRST_PAUSE;
    loop {
        changed.mark_unchanged();
        match work().await {
            Ok(()) => {
                pause = FIRST_PAUSE;
                if changed.changed().await.is_err() {
                    return;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "{what} cannot be brought up to date for now");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}
