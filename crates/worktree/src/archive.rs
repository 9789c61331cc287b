//! The folder as a zip file, and zip files into the folder.
//!
//! Invariant: of an archive that is refused nothing is written.

mod export;
mod import;

pub use export::Exported;
pub use import::{ArchiveLimits, Imported};
