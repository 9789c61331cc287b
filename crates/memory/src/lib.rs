//! Memory: what a workspace knows, and how it is found again.
//!
//! Whatever should be found again is a [`Document`]: the outcome of a run, a planner's dispatch, a
//! note. A search takes candidates from the store's keyword index and ranks them by keyword score,
//! by similarity of words, so that typos and inflections count too, and a little by age; every
//! [`Hit`] shows what each of these gave to its score.
//!
//! [`VectorIndex`] keeps a vector of each document beside them, one version for each embedder.
//!
//! Invariants:
//! - The store's documents are the truth; its keyword index is a cache kept in the same transaction.
//! - The order of hits does not depend on how many are asked for.
//! - Vectors of two embedders are never in one index.
//! - A dispatch is logged and indexed together or not at all.
//!
//! Start reading at [`service`], then [`search`].

pub mod dispatch;
pub mod document;
pub mod error;
mod passage;
pub mod search;
pub mod service;
mod similarity;
mod snapshot;
mod stop_words;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vectors;
pub mod words;

pub use dispatch::{Dispatch, NewDispatch};
pub use document::{Document, NewDocument};
pub use error::Error;
pub use search::{Hit, Query};
pub use service::Memory;
pub use snapshot::Snapshot;
pub use store::{Candidate, Filter, MemoryStore};
pub use vectors::{
    DocumentVector, Embedder, EmbedderIdentity, IndexProgress, IndexState, VectorIndex, VectorStore,
};
