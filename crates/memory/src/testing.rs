//! For tests of this and other crates: a store in memory, the suites every store must pass, and sets
//! of questions that say how well memory finds.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod collection_contract;
mod contract;
mod embedding_contract;
mod evaluation;
mod fact_contract;
mod fake;
mod fake_tiers;
mod log_contract;
mod summary_contract;
mod vector_contract;

use std::sync::Arc;

use index::Keywords;
use kernel::{Clock, SeededEntropy};

use crate::conversation::{Bounds, Conversations};
use crate::embedding::{Embedder, EmbeddingQueue};
use crate::fetching::Fetcher;
use crate::pack::TokenCounter;
use crate::search::reranking::Reranker;
use crate::service::{Memory, MemoryParts, VectorParts};
use crate::vectors::VectorIndex;

pub use collection_contract::collection_contract;
pub use contract::contract;
pub use embedding_contract::{FakeEmbedder, embedding_contract};
pub use evaluation::{
    EvaluationSet, Figures, Ranks, SetChunk, SetDocument, SetQuestion, ask, ranks, remember_set,
};
pub use fact_contract::fact_contract;
pub use fake::FakeMemoryStore;
pub use log_contract::log_contract;
pub use summary_contract::summary_contract;
pub use vector_contract::vector_contract;

/// Conversations whose summaries live as long as the process, extracted and not written by a model. A
/// token is a word.
pub fn conversations(clock: Arc<dyn Clock>, bounds: Bounds) -> Conversations {
    Conversations::new(Arc::new(FakeMemoryStore::default()), None, Arc::new(Words), clock, bounds)
}

/// Counts words as tokens.
struct Words;

impl TokenCounter for Words {
    fn name(&self) -> String {
        "words".into()
    }

    fn count(&self, text: &str) -> usize {
        text.split_whitespace().count()
    }
}

/// Memory that lives as long as the process, with words but without vectors.
pub fn memory(clock: Arc<dyn Clock>) -> Memory {
    memory_with(clock, None)
}

/// The same, with something that fetches pages.
pub fn memory_with(clock: Arc<dyn Clock>, fetcher: Option<Arc<dyn Fetcher>>) -> Memory {
    Memory::new(MemoryParts { fetcher, ..parts(clock) })
}

/// The same, whose hits can be ordered by a model.
pub fn memory_reranked_by(clock: Arc<dyn Clock>, reranker: Arc<dyn Reranker>) -> Memory {
    Memory::new(MemoryParts { reranker: Some(reranker), ..parts(clock) })
}

/// The same, which is searched by meaning too.
pub fn memory_with_vectors(
    clock: Arc<dyn Clock>,
    embedder: Arc<dyn Embedder>,
    index: Arc<dyn VectorIndex>,
) -> Memory {
    let store = Arc::new(FakeMemoryStore::default());
    let queue = EmbeddingQueue::new(store.clone(), embedder);
    Memory::new(MemoryParts { vectors: Some(VectorParts { queue, index }), ..parts_over(store, clock) })
}

fn parts(clock: Arc<dyn Clock>) -> MemoryParts {
    parts_over(Arc::new(FakeMemoryStore::default()), clock)
}

fn parts_over(store: Arc<FakeMemoryStore>, clock: Arc<dyn Clock>) -> MemoryParts {
    let folder = tempfile::tempdir().unwrap();
    let keywords = Keywords::open(folder.path(), "").unwrap();
    store.0.lock().folder = Some(folder);
    MemoryParts {
        store: store.clone(),
        facts: store.clone(),
        log: store,
        keywords: Arc::new(keywords),
        vectors: None,
        words: None,
        readers: None,
        fetcher: None,
        reranker: None,
        clock,
        entropy: Arc::new(SeededEntropy::new(1)),
    }
}
