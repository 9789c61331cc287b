//! Documents taken in from an archive, and what became of each.
//!
//! A thread reads the archive ([`super::reading`]) while documents are stored, several at once, and
//! told of in the order in which they stand in it. Dropping an [`Import`] ends it: what was stored
//! stays, and the same import again passes over it.

use std::collections::VecDeque;
use std::fs::File;

use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesOrdered, StreamExt};
use kernel::{DocumentId, Kind, Privacy, Result};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::reading::{self, Given, Halt, Item, Recognised};
use super::record::{Record, Successor};
use crate::chunk::NewChunk;
use crate::chunking::{self, chunks_anew, chunks_of};
use crate::document::Document;
use crate::ingest::{Content, Incoming, Ingested, Outcome, Prepared};
use crate::service::{Memory, blocking};

/// How many documents are stored at once, and how many bytes they may have together.
const AT_ONCE: usize = 8;
const BYTES_AT_ONCE: usize = 32 << 20;
/// After so many documents in a row that could not be stored, the fault is not with them.
const MAX_UNAVAILABLE: usize = 5;

/// How an archive is taken in.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The name of its file. It tells what it is where its content does not, and names what has no
    /// name of its own.
    pub name: String,
    /// Where everything goes; to where it was, or by what it is, where absent.
    pub collection: Option<String>,
    /// How far documents without a label may travel; those with one travel no further than this.
    pub privacy: Privacy,
    /// Whether it takes the place of what is newer here or came from elsewhere.
    pub overwrite: bool,
    /// Only tells what would be done.
    pub dry_run: bool,
}

/// What happens during an import.
#[derive(Debug)]
pub enum ImportEvent {
    /// What the archive is. Comes first, unless it cannot be read at all.
    Recognised(Recognised),
    /// What became of a document.
    Document(ImportedDocument),
}

/// What became of a document of an archive.
#[derive(Debug)]
pub struct ImportedDocument {
    /// Its path or title there.
    pub name: String,
    /// What became of it.
    pub result: Result<Ingested>,
}

/// How many documents came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Were not there before.
    pub new: u64,
    /// Took the place of an older version.
    pub changed: u64,
    /// Were there already, the same in everything.
    pub unchanged: u64,
    /// Are newer here, or came from elsewhere, and were kept as they are here.
    pub kept: u64,
    /// Could not be read or stored.
    pub failed: u64,
    /// Hold no text or nobody's own: pictures, settings, hidden and empty files.
    pub passed_over: u64,
}

impl Totals {
    fn add(&mut self, result: &Result<Ingested>) {
        let count = match result.as_ref().map(|ingested| ingested.outcome) {
            Ok(Outcome::New) => &mut self.new,
            Ok(Outcome::Changed(_)) => &mut self.changed,
            Ok(Outcome::Unchanged) => &mut self.unchanged,
            Ok(Outcome::Kept) => &mut self.kept,
            Err(_) => &mut self.failed,
        };
        *count += 1;
    }
}

impl Memory {
    /// Begins to take in an archive, from its beginning.
    pub fn import(&self, archive: File, options: ImportOptions) -> Import {
        let (sender, items) = mpsc::channel(1);
        let given = Given {
            name: options.name.clone(),
            collection: options.collection.clone(),
            privacy: options.privacy,
        };
        let reading = tokio::task::spawn_blocking(move || {
            let mut send = |item| sender.blocking_send(item).map_err(|_| Halt::Gone);
            reading::read(archive, &given, &mut send)
        });
        Import {
            memory: self.clone(),
            options,
            items,
            reading: Some(reading),
            broken: None,
            held: None,
            storing: FuturesOrdered::new(),
            stored_keys: VecDeque::new(),
            totals: Totals::default(),
            unavailable: 0,
            is_one_file: false,
            successors: Vec::new(),
        }
    }
}

/// What became of a document, and what it is superseded by.
type Taken = (ImportedDocument, Option<Successor>);

/// An import on its way.
pub struct Import {
    memory: Memory,
    options: ImportOptions,
    items: mpsc::Receiver<Item>,
    /// None when it has been asked how it ended.
    reading: Option<JoinHandle<std::result::Result<(), Halt>>>,
    /// Why it ended before the end of the archive.
    broken: Option<kernel::Error>,
    /// Waits until those before it are stored.
    held: Option<Item>,
    storing: FuturesOrdered<BoxFuture<'static, Option<Taken>>>,
    /// The keys and bytes of what is being stored.
    stored_keys: VecDeque<(String, usize)>,
    totals: Totals,
    unavailable: usize,
    is_one_file: bool,
    /// What has taken the place of which document, once all of them are there.
    successors: Vec<(DocumentId, Successor)>,
}

impl Import {
    /// What happened next, and none at the end.
    ///
    /// # Errors
    /// When the archive cannot be read on, or nothing can be stored any more; what was stored stays.
    pub async fn next(&mut self) -> Result<Option<ImportEvent>> {
        loop {
            // Here, since what was stored is told at once and makes room for what waits.
            self.begin_held();
            let has_room = self.held.is_none();
            let is_storing = !self.storing.is_empty();
            tokio::select! {
                biased;
                Some(stored) = self.storing.next(), if is_storing => {
                    if let Some(event) = self.stored(stored)? {
                        return Ok(Some(event));
                    }
                }
                item = self.items.recv(), if has_room && self.reading.is_some() => match item {
                    Some(Item::Recognised(recognised)) => {
                        self.is_one_file = recognised == Recognised::File;
                        return Ok(Some(ImportEvent::Recognised(recognised)));
                    }
                    Some(item) => self.held = Some(item),
                    None => self.broken = self.ended().await.err(),
                },
                // What was read before is stored by now.
                else => {
                    self.supersede().await?;
                    return self.broken.take().map_or(Ok(None), Err);
                }
            }
        }
    }

    /// How many documents came to what so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Has documents take the places that they had where they came from.
    async fn supersede(&mut self) -> Result<()> {
        for (id, Successor { collection, key }) in std::mem::take(&mut self.successors) {
            // What it was superseded by may have been left out of the archive.
            if let Some(successor) = self.memory.store().find_document_by_key(&collection, &key).await? {
                self.memory.store().supersede(&id, Some(&successor.id)).await?;
            }
        }
        self.memory.tell();
        Ok(())
    }

    async fn ended(&mut self) -> Result<()> {
        let Some(reading) = self.reading.take() else { return Ok(()) };
        match reading.await.map_err(kernel::Error::internal)? {
            Ok(()) | Err(Halt::Gone) => Ok(()),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    fn stored(&mut self, stored: Option<Taken>) -> Result<Option<ImportEvent>> {
        self.stored_keys.pop_front();
        let Some((document, successor)) = stored else {
            self.totals.passed_over += 1;
            return Ok(None);
        };
        let is_unavailable = |error: &kernel::Error| matches!(error.kind, Kind::Unavailable | Kind::Internal);
        self.unavailable = match &document.result {
            Err(error) if is_unavailable(error) => self.unavailable + 1,
            _ => 0,
        };
        if self.unavailable >= MAX_UNAVAILABLE {
            document.result?;
            return Ok(None);
        }
        self.totals.add(&document.result);
        if let (Ok(Ingested { id, outcome, .. }), Some(successor)) = (&document.result, successor)
            && *outcome != Outcome::Kept
            && !self.options.dry_run
        {
            self.successors.push((id.clone(), successor));
        }
        Ok(Some(ImportEvent::Document(document)))
    }

    /// Begins to store what waits, once there is room and nothing of its key is being stored.
    fn begin_held(&mut self) {
        let Some(item) = &self.held else { return };
        let (key, weight) = match item {
            Item::Record { record, .. } => (record.key.as_str(), record.weight()),
            Item::Foreign { incoming, .. } => (incoming.document.key.as_str(), weight_of(incoming)),
            _ => ("", 0),
        };
        let bytes: usize = self.stored_keys.iter().map(|(_, weight)| weight).sum();
        let is_full = self.stored_keys.len() >= AT_ONCE || bytes + weight > BYTES_AT_ONCE;
        let is_double = !key.is_empty() && self.stored_keys.iter().any(|(other, _)| other == key);
        if (is_full || is_double) && !self.stored_keys.is_empty() {
            return;
        }
        self.stored_keys.push_back((key.to_owned(), weight));
        if let Some(item) = self.held.take() {
            let (memory, options, alone) = (self.memory.clone(), self.options.clone(), self.is_one_file);
            self.storing.push_back(async move { memory.take(item, &options, alone).await }.boxed());
        }
    }
}

fn weight_of(incoming: &Incoming) -> usize {
    match &incoming.content {
        Content::Text(text) => text.len(),
        Content::File { bytes, .. } => bytes.len(),
    }
}

impl Memory {
    /// Takes in one item; none for what is passed over.
    async fn take(&self, item: Item, options: &ImportOptions, alone: bool) -> Option<Taken> {
        let mut successor = None;
        let (name, result) = match item {
            Item::Recognised(_) | Item::PassedOver => return None,
            Item::Failed { name, error } => (name, Err(error)),
            Item::Record { name, mut record } => {
                record.adapt(options.collection.as_deref(), options.privacy);
                successor = record.superseded_by.take();
                (name, self.take_record(*record, options).await)
            }
            Item::Foreign { name, incoming } => match self.take_foreign(*incoming, options).await {
                // A note without a word is no fault, unless it is all there is.
                Err(error) if error.code == "document_empty" && !alone => return None,
                result => (name, result),
            },
        };
        Some((ImportedDocument { name, result }, successor))
    }

    async fn take_record(&self, record: Record, options: &ImportOptions) -> Result<Ingested> {
        let is_edited = record.is_edited;
        let (mut document, chunks) = record.into_document(self.ids())?;
        let settings = self.settings_of(&document.collection).await?;
        document.privacy = document.privacy.max(settings.floor());
        let there = self.store().find_document_by_key(&document.collection, &document.key).await?;
        if let Some(there) = &there {
            if !options.overwrite {
                document.privacy = document.privacy.max(there.privacy);
            }
            // An edited text says nothing of when it was edited, and what it was taken from.
            let (updated_at, digest) = match is_edited {
                true => (there.updated_at, there.digest),
                false => (document.updated_at, document.digest),
            };
            let Document { id, created_at, superseded_by, .. } = there.clone();
            if *there == (Document { id, created_at, superseded_by, updated_at, digest, ..document.clone() })
            {
                return self.as_it_is(there, Outcome::Unchanged).await;
            }
            if there.updated_at > document.updated_at && !options.overwrite {
                return self.as_it_is(there, Outcome::Kept).await;
            }
        }
        if is_edited {
            document.updated_at = self.now();
        }
        let max_characters = settings.max_characters();
        let divide = move || {
            let divided = chunking::options(max_characters);
            let is_longer = |chunk: &NewChunk| chunk.text.chars().count() > max_characters;
            let chunks = match chunks {
                Some(chunks) if chunks.iter().any(is_longer) => chunks_anew(&document, &chunks, &divided),
                Some(chunks) => chunks,
                None => chunks_of(&document, &divided),
            };
            (document, chunks)
        };
        let (document, chunks) = blocking(divide).await?;
        let divided = (chunks, max_characters);
        self.put_imported(document, divided, there.map(|there| there.id), options).await
    }

    async fn take_foreign(&self, incoming: Incoming, options: &ImportOptions) -> Result<Ingested> {
        let (mut document, divided) = match self.prepare(incoming).await? {
            Prepared::Same(same) => return Ok(same),
            Prepared::Read { document, chunks, max_characters } => (*document, (chunks, max_characters)),
        };
        let there = self.store().find_document_by_key(&document.collection, &document.key).await?;
        if let Some(there) = there.as_ref().filter(|_| !options.overwrite) {
            if there.source != document.source {
                return self.as_it_is(there, Outcome::Kept).await;
            }
            document.privacy = document.privacy.max(there.privacy);
        }
        self.put_imported(document, divided, there.map(|there| there.id), options).await
    }

    async fn put_imported(
        &self,
        document: Document,
        (chunks, max_characters): (Vec<NewChunk>, usize),
        there: Option<DocumentId>,
        options: &ImportOptions,
    ) -> Result<Ingested> {
        let (id, outcome) = if options.dry_run {
            let outcome = if there.is_some() { Outcome::Changed(chunks.len()) } else { Outcome::New };
            (there.unwrap_or_else(|| document.id.clone()), outcome)
        } else {
            let stored = self.put(&document, &chunks, max_characters).await?;
            let outcome = if stored.is_new { Outcome::New } else { Outcome::Changed(stored.changed_chunks) };
            (stored.id, outcome)
        };
        let Document { collection, title, .. } = document;
        Ok(Ingested { id, collection, title, chunks: chunks.len(), outcome })
    }

    async fn as_it_is(&self, there: &Document, outcome: Outcome) -> Result<Ingested> {
        let chunks = self.store().list_chunks(&there.id).await?.len();
        let Document { id, collection, title, .. } = there.clone();
        Ok(Ingested { id, collection, title, chunks, outcome })
    }
}
