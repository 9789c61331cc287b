//! From blocks to chunks: pieces of a bounded size that can be found on their own.
//!
//! Blocks are gathered into groups that belong together: a section under its heading, a message, an
//! event, a table (`groups`). A group is packed into as few chunks as it needs, cut where the cut is
//! best: between paragraphs rather than sentences, between sentences rather than words (`pack`).
//! Source code is divided by its functions and classes (`code`).
//!
//! Everything here takes time in proportion to the text.

mod atoms;
mod code;
mod groups;
mod pack;
mod sentences;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{Extracted, Kind, Place, Role};

/// Changes whenever the same document may give other chunks than before.
pub const CHUNKING_VERSION: u32 = 1;

/// How large chunks are. Sizes are in characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChunkOptions {
    /// No chunk is longer. Less than 64 counts as 64.
    pub max_chars: usize,
    /// Neighbouring sections and functions shorter than this are put together where they belong to
    /// the same one.
    pub min_chars: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { max_chars: 1200, min_chars: 200 }
    }
}

/// A piece of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The text; never blank.
    pub text: String,
    /// The headings, keys, classes and functions that it stands under, from the outermost.
    pub heading_path: Vec<String>,
    /// Where it stands.
    pub place: Place,
    /// Who wrote it, for messages; who invited, for events.
    pub author: Option<String>,
    /// When it was written, or when an event begins.
    pub time: Option<Timestamp>,
    /// Its number in the document, from 0.
    pub ordinal: u32,
}

/// Divides a document into chunks.
pub fn chunk(document: &Extracted, options: &ChunkOptions) -> Vec<Chunk> {
    const LEAST: usize = 64;
    let max_chars = options.max_chars.max(LEAST);
    let options = ChunkOptions { max_chars, min_chars: options.min_chars.min(max_chars / 2) };
    let mut chunks = Chunks { options: &options, found: Vec::new() };
    for block in document.blocks.iter().filter(|_| document.kind == Kind::Code) {
        if let Role::Code { language } = &block.role {
            code::divide(&block.text, language.as_ref(), &block.place, &[], &mut chunks);
        }
    }
    if document.kind != Kind::Code {
        groups::divide(document, &mut chunks);
    }
    chunks.found
}

/// The chunks that were made so far.
struct Chunks<'o> {
    options: &'o ChunkOptions,
    found: Vec<Chunk>,
}

impl Chunks<'_> {
    /// Puts the one chunk at `first` and the next one together, if `next` follows it and both fit.
    fn join(&mut self, first: usize, next: usize) {
        let [.., before, after] = &self.found[..self.found.len().min(next + 1)] else { return };
        let chars = before.text.chars().count() + 2 + after.text.chars().count();
        if next != first + 1 || chars > self.options.max_chars {
            return;
        }
        let after = self.found.remove(next);
        let before = &mut self.found[first];
        before.text = format!("{}\n\n{}", before.text, after.text);
        before.place = before.place.to(&after.place);
        before.heading_path = after.heading_path;
        for (ordinal, chunk) in (0_u32..).zip(&mut self.found).skip(next) {
            chunk.ordinal = ordinal;
        }
    }

    /// Adds a chunk without the blank lines around it.
    fn push(
        &mut self,
        text: &str,
        heading_path: Vec<String>,
        place: Place,
        origin: (Option<String>, Option<Timestamp>),
    ) {
        let text = text.trim_end();
        let blank = text.len() - text.trim_start().len();
        let text = text[..blank].rfind('\n').map_or(text, |end| &text[end + 1..]);
        if text.is_empty() {
            return;
        }
        let ordinal = u32::try_from(self.found.len()).unwrap_or(u32::MAX);
        let (author, time) = origin;
        self.found.push(Chunk { text: text.to_owned(), heading_path, place, author, time, ordinal });
    }
}
