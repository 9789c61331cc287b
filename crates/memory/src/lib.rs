//! Memory: what a workspace knows, and how it is found again.
//!
//! Whatever should be found again is a [`Document`]: a note, a file, the outcome of a run, a
//! planner's dispatch. It is split into chunks ([`chunk`]); a search takes candidates by keyword and
//! by meaning, ranks them together, and every [`Hit`] shows what gave it its score ([`ranking`]).
//!
//! What is stored is the truth; indices are caches of it that follow its changes and can
//! be thrown away. [`embedding`] keeps a vector of each chunk's text, one generation of them for
//! each embedder.
//!
//! Invariants:
//! - What was acknowledged is found by every search that begins afterwards.
//! - The order of hits does not depend on how many are asked for.
//! - Vectors of two embedders are never in one index.
//! - A dispatch, a decision, an error or a fact is written and indexed together or not at all.
//! - A document has at least the label of its collection ([`collection`]).
//! - What was superseded can be read, and is not searched unless that is asked for.
//!
//! Start reading at [`service`], then [`search`].

pub mod archive;
pub mod chunk;
mod chunking;
pub mod collection;
pub mod conversation;
pub mod dispatch;
pub mod document;
pub mod embedding;
pub mod error;
pub mod facts;
pub mod fetching;
pub mod filter;
mod indexing;
pub mod ingest;
pub mod log;
pub mod pack;
mod passage;
mod question;
pub mod ranking;
pub mod search;
pub mod service;
mod similarity;
mod snapshot;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vectors;
mod wording;

pub use chunk::{Chunk, NewChunk};
pub use collection::{Collection, CollectionChange, CollectionSettings};
pub use conversation::{Conversations, Summarizer, SummaryStore};
pub use dispatch::{Dispatch, NewDispatch};
pub use document::{Document, DocumentChange, NewDocument, is_canonical};
pub use embedding::{Embedder, EmbedderIdentity, EmbeddingQueue, EmbeddingStore, IndexProgress, IndexState};
pub use error::Error;
pub use facts::{Fact, FactStore, FactVersion, NewFact};
pub use fetching::{Fetched, Fetcher, Page};
pub use filter::Filter;
pub use ingest::{Content, Incoming, Ingested, Outcome};
pub use log::{LogEntry, LogFilter, LogKind, LogStore, NewLogEntry};
pub use ranking::{FEATURES, Feature, Part, Weights};
pub use search::reranking::{Reranker, Reranking, ToGrade};
pub use search::{Found, Hit, Query};
pub use service::{Memory, MemoryParts, Standing, VectorParts};
pub use snapshot::Snapshot;
pub use store::{CollectionSummary, Listed, MemoryStore, WholeDocument};
pub use vectors::{DividedVectors, EmbeddedVectors, Near, Reachable, VectorIndex};
pub use wording::{WordMatch, WordVectors};
