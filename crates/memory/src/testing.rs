//! For tests of this and other crates: a store in memory, the suites every store must pass, and sets
//! of questions that say how well memory finds.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod contract;
mod embedding_contract;
mod evaluation;
mod fake;

pub use contract::contract;
pub use embedding_contract::{FakeEmbedder, embedding_contract};
pub use evaluation::{
    EvaluationSet, Figures, Ranks, SetChunk, SetDocument, SetQuestion, ask, ranks, remember_set,
};
pub use fake::FakeMemoryStore;
