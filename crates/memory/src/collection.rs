//! Collections and how each is set up: the label of what is in it, how long its chunks are, whether
//! they have vectors.
//!
//! Invariants: a document has at least the label of its collection, by whatever way it came; lowering
//! that label lowers none that is stored. All collections share one embedder, since the scores of two
//! do not compare.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use extract::ChunkOptions;
use kernel::{Kind, Privacy, Result};

use crate::chunk::CHUNKING_VERSION;
use crate::document::check_collection;
use crate::embedding::EmbedderIdentity;
use crate::error::Error;
use crate::service::Memory;
use crate::store::CollectionSummary;

/// The collections that are there before anything is stored.
pub const WELL_KNOWN: [&str; 9] =
    ["artifacts", "brands", "calendar", "chat", "code", "emails", "files", "notes", "runs"];

/// How long the longest chunk may be set to be, in characters: less says nothing by itself, and no
/// more of a chunk is embedded.
pub const CHUNK_CHARACTERS: RangeInclusive<u32> = 200..=4_000;

/// How a collection is set up. What is none is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectionSettings {
    /// The label that everything in it has at least; shareable by default.
    pub privacy: Option<Privacy>,
    /// How many characters a chunk has at most, one of [`CHUNK_CHARACTERS`].
    pub chunk_characters: Option<u32>,
    /// Whether its chunks have vectors; they have by default.
    pub embedded: Option<bool>,
}

/// What to change about a collection: none stays, and none within is the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectionChange {
    /// The label that everything in it has at least.
    pub privacy: Option<Option<Privacy>>,
    /// How many characters a chunk has at most.
    pub chunk_characters: Option<Option<u32>>,
    /// Whether its chunks have vectors.
    pub embedded: Option<Option<bool>>,
}

impl CollectionSettings {
    /// These settings after a change.
    #[must_use]
    pub fn with(self, change: &CollectionChange) -> Self {
        Self {
            privacy: change.privacy.unwrap_or(self.privacy),
            chunk_characters: change.chunk_characters.unwrap_or(self.chunk_characters),
            embedded: change.embedded.unwrap_or(self.embedded),
        }
    }

    /// The label that everything in it has at least.
    pub fn floor(&self) -> Privacy {
        self.privacy.unwrap_or_default()
    }

    /// How many characters a chunk has at most.
    pub fn max_characters(&self) -> usize {
        self.chunk_characters.map_or_else(|| ChunkOptions::default().max_chars, |max| max as usize)
    }

    /// Whether its chunks have vectors.
    pub fn is_embedded(&self) -> bool {
        self.embedded.unwrap_or(true)
    }
}

/// A collection, with what is in it and how it is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// What is in it; none when it is empty.
    pub contents: Option<CollectionSummary>,
    /// How it is set up.
    pub settings: CollectionSettings,
    /// Whose vectors its chunks have, and how many have one by now; none where nothing makes them or
    /// the collection has none.
    pub vectors: Option<(EmbedderIdentity, u64)>,
    /// By which rules its documents are divided.
    pub chunking_version: u32,
}

impl Collection {
    /// One of which nothing is left.
    fn empty(name: &str, settings: CollectionSettings) -> Self {
        let (contents, vectors) = (None, None);
        Self { name: name.to_owned(), contents, settings, vectors, chunking_version: CHUNKING_VERSION }
    }
}

impl Memory {
    /// The collections that have a document, that were set up, or that are [`WELL_KNOWN`], in the
    /// order of their names.
    ///
    /// # Errors
    /// Those of the stores.
    pub async fn collections(&self) -> Result<Vec<Collection>> {
        let mut settings = self.store().list_collection_settings().await?;
        let (embedder, mut vectors) = match self.queue() {
            Some(queue) => (Some(queue.embedder().identity()), queue.count_vectors().await?),
            None => (None, BTreeMap::new()),
        };
        let summaries = self.store().list_collections().await?;
        let mut contents: BTreeMap<String, Option<CollectionSummary>> = WELL_KNOWN
            .into_iter()
            .map(str::to_owned)
            .chain(settings.keys().cloned())
            .map(|it| (it, None))
            .collect();
        contents.extend(summaries.into_iter().map(|summary| (summary.name.clone(), Some(summary))));
        let collection = |(name, contents): (String, Option<CollectionSummary>)| {
            let settings = settings.remove(&name).unwrap_or_default();
            let count = vectors.remove(&name).unwrap_or_default();
            let vectors =
                embedder.clone().filter(|_| settings.is_embedded()).map(|embedder| (embedder, count));
            Collection { name, contents, settings, vectors, chunking_version: CHUNKING_VERSION }
        };
        Ok(contents.into_iter().map(collection).collect())
    }

    /// One of [`Memory::collections`].
    ///
    /// # Errors
    /// [`Error::CollectionNotFound`].
    pub async fn collection(&self, name: &str) -> Result<Collection> {
        let found = self.collections().await?.into_iter().find(|collection| collection.name == name);
        Ok(found.ok_or_else(|| Error::CollectionNotFound(crate::document::cut(name, 64)))?)
    }

    /// Sets a collection up, which may be a new one. Raising its label raises that of everything in
    /// it at once; lowering it lowers none. What else has changed is followed in the background. A
    /// collection that is empty and has no setting any more is gone, unless it is well known.
    ///
    /// # Errors
    /// [`Error::InvalidCollection`], [`Error::ChunkSizeOutOfRange`].
    pub async fn change_collection(&self, name: &str, change: CollectionChange) -> Result<Collection> {
        check_collection(name)?;
        if let Some(characters) = change.chunk_characters.flatten()
            && !CHUNK_CHARACTERS.contains(&characters)
        {
            return Err(Error::ChunkSizeOutOfRange { characters }.into());
        }
        let settings = self.store().change_collection(name, &change, self.now()).await?;
        self.tell();
        match self.collection(name).await {
            Err(error) if error.kind == Kind::NotFound => Ok(Collection::empty(name, settings)),
            found => found,
        }
    }

    /// How a collection is set up.
    pub(crate) async fn settings_of(&self, collection: &str) -> Result<CollectionSettings> {
        self.store().find_collection_settings(collection).await
    }

    /// Has a collection be divided anew, if the length of its chunks was set otherwise while some of
    /// this length were being stored.
    pub(crate) async fn see_to_length(&self, collection: &str, max_characters: usize) -> Result<()> {
        if self.settings_of(collection).await?.max_characters() != max_characters {
            self.store().divide_anew(collection).await?;
        }
        Ok(())
    }
}
