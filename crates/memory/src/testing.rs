//! For tests of this and other crates: a store in memory, the suites every store must pass, and sets
//! of questions that say how well memory finds.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod contract;
mod embedding_contract;
mod evaluation;
mod fake;

use std::sync::Arc;

use index::Keywords;
use kernel::{Clock, SeededEntropy};

use crate::service::{Memory, MemoryParts};

pub use contract::contract;
pub use embedding_contract::{FakeEmbedder, embedding_contract};
pub use evaluation::{
    EvaluationSet, Figures, Ranks, SetChunk, SetDocument, SetQuestion, ask, ranks, remember_set,
};
pub use fake::FakeMemoryStore;

/// Memory that lives as long as the process, with words but without vectors.
pub fn memory(clock: Arc<dyn Clock>) -> Memory {
    let folder = tempfile::tempdir().unwrap().keep();
    Memory::new(MemoryParts {
        store: Arc::new(FakeMemoryStore::default()),
        keywords: Arc::new(Keywords::open(&folder, "").unwrap()),
        vectors: None,
        words: None,
        readers: None,
        clock,
        entropy: Arc::new(SeededEntropy::new(1)),
    })
}
