//! Chunks: the parts of a document that are indexed and found.
//!
//! Invariant: a chunk's number is never used for another one, and a chunk whose text and place in
//! its section stay the same keeps its number and its vector when the document around it changes.

use kernel::{DocumentId, Timestamp};
use serde_json::Value;

use crate::document::Document;

/// Which rules documents are split by. Documents that were split by others are split again.
pub const CHUNKING_VERSION: u32 = extract::CHUNKING_VERSION;

/// What tells a chunk's embedded text from others.
pub type Digest = [u8; 32];

/// A chunk to store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewChunk {
    /// What is indexed.
    pub text: String,
    /// The headings above it, the outermost first.
    pub headings: Vec<String>,
    /// Where in its document it is: page, lines, row, message, …
    pub place: Value,
    /// Who wrote it, where that is known of the chunk itself.
    pub author: Option<String>,
    /// When it was written or happens, where that is known of the chunk itself.
    pub time: Option<Timestamp>,
}

impl NewChunk {
    /// What stands for it in the indices: its text under the title and the headings above it. What
    /// one person says in a conversation stands for itself; who says it is looked at apart.
    #[must_use]
    pub fn embedded(&self, document: &Document) -> String {
        if self.author.is_some() {
            return self.text.clone();
        }
        let mut text = String::with_capacity(self.text.len() + 80);
        let title = Some(&document.title).filter(|title| self.headings.first() != Some(title));
        for heading in title.into_iter().chain(&self.headings).filter(|heading| !heading.is_empty()) {
            // What is called by its own beginning needs it only once.
            if !self.text.starts_with(heading.as_str()) {
                text.push_str(heading);
                text.push('\n');
            }
        }
        text.push_str(&self.text);
        text
    }

    /// What its embedded text is called.
    #[must_use]
    pub fn digest(&self, document: &Document) -> Digest {
        *blake3::hash(self.embedded(document).as_bytes()).as_bytes()
    }
}

/// A chunk as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// What indices call it.
    pub number: u32,
    /// The document it is of.
    pub document: DocumentId,
    /// Its place among the document's chunks, from 0.
    pub ordinal: u32,
    /// The rest.
    pub content: NewChunk,
}

/// What an index holds of a chunk beside its text.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexedChunk {
    /// The number of the document, the same for all its chunks.
    pub document_number: u32,
    /// The document without its text.
    pub document: Document,
    /// The chunk.
    pub chunk: Chunk,
}

impl IndexedChunk {
    /// Who wrote it, as far as is known.
    pub fn author(&self) -> Option<&str> {
        self.chunk.content.author.as_deref().or(self.document.author.as_deref())
    }

    /// Its moment.
    pub fn time(&self) -> Timestamp {
        self.chunk.content.time.unwrap_or_else(|| self.document.time())
    }
}

/// A change that indices follow.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkChange {
    /// Where in the order of all changes it stands.
    pub position: u64,
    /// The chunk.
    pub number: u32,
    /// What it is now; none when it is gone.
    pub content: Option<IndexedChunk>,
}
