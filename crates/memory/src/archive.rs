//! Memory moved out and in: exports that come back as they were, and what other programs keep.
//!
//! [`Export`] writes documents in the order of their collections and keys, as JSON lines ([`jsonl`])
//! or as a zip file of Markdown ([`markdown`]). [`Import`] reads either, and besides vaults and
//! folders of Markdown, exports of chats ([`chats`]), and any files that can be read.
//!
//! Invariants:
//! - What is exported, imported into an empty workspace and exported again is the same, byte by byte.
//! - However large an archive is, a few of its documents are held at once.
//! - A document that is bad keeps no other from being taken in.
//! - An import takes nothing away: what is newer here, or came from elsewhere, is kept unless the
//!   caller says otherwise, and what is local stays local.
//!
//! Start reading at [`export`] and [`import`]; [`reading`] finds out what an archive is.

mod chats;
mod export;
mod import;
mod jsonl;
mod markdown;
mod members;
mod reading;
mod record;

pub use export::{Export, ExportFormat};
pub use import::{Import, ImportEvent, ImportOptions, ImportedDocument, Totals};
pub use reading::Recognised;
