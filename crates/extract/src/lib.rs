//! Any document becomes text with structure, and structure becomes chunks to search in.
//!
//! [`extract()`] finds out what the bytes are and reads them into [`Block`]s: headings, paragraphs,
//! rows, messages, events, each with its place in the document. [`chunk()`] packs blocks into
//! [`Chunk`]s of a bounded size. Both are pure functions of their arguments. [`Workers`] does both in
//! child processes with limits of their own, so that a document that kills its reader takes nothing
//! else with it.
//!
//! Invariants:
//! - No input makes a function here panic, and whatever it costs is bounded by [`Limits`].
//! - Bytes that are text are always read; what had to be guessed or replaced stands in the notes.
//! - Every word of the blocks is in the chunks, in order; no chunk is empty or longer than asked for.
//! - The same bytes and options give the same chunks, on every machine, until [`CHUNKING_VERSION`]
//!   changes.
//!
//! Start reading at [`mod@extract`], then [`mod@chunk`], then [`workers`].

pub mod chunk;
mod collector;
mod detect;
pub mod document;
mod encoding;
pub mod error;
pub mod extract;
mod formats;
pub mod language;
pub mod limits;
mod moment;
pub mod workers;

pub use chunk::{CHUNKING_VERSION, Chunk, ChunkOptions, chunk};
pub use document::{Block, Extracted, Hint, Kind, Place, Role};
pub use error::Error;
pub use extract::extract;
pub use language::Language;
pub use limits::Limits;
pub use workers::{Workers, serve_worker};
