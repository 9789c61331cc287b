//! All SQL and all blobs: where everything the planes keep ends up.
//!
//! Invariants:
//! - Every change goes through one [`writer::Writer`], a thread that commits what is waiting as one
//!   transaction; who asked is answered only when it is as safe as was asked for.
//! - Readers never wait for the writer (write-ahead log).
//! - No other crate knows SQL; planes see only the ports they declared.
//!
//! Start reading at [`workspace`], then [`writer`].

pub mod account_store;
pub mod blobs;
pub mod connector_store;
pub mod embedding_store;
pub mod error;
mod happenings;
pub mod ledger;
pub mod memory_store;
mod preferences;
pub mod provider_store;
mod reader;
mod run_rows;
pub mod run_store;
pub mod sqlite;
pub mod studio_store;
pub mod workspace;
pub mod writer;

pub use account_store::SqlAccountStore;
pub use blobs::FileBlobs;
pub use connector_store::SqlConnectorStore;
pub use embedding_store::SqlEmbeddingStore;
pub use error::Error;
pub use ledger::SqlLedger;
pub use memory_store::SqlMemoryStore;
pub use provider_store::SqlProviderStore;
pub use run_store::SqlRunStore;
pub use sqlite::Database;
pub use studio_store::SqlStudioStore;
pub use workspace::Workspace;
