//! Memory with all-MiniLM-L6-v2, as the program composes it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use embeddings::MiniLm;
use index::Keywords;
use kernel::{Privacy, SystemClock, SystemEntropy};
use memory::{
    EmbeddedVectors, Embedder, EmbedderIdentity, EmbeddingQueue, Memory, MemoryParts, VectorParts,
    WordVectors,
};
use store::{SqlEmbeddingStore, SqlMemoryStore, Workspace};

/// Memory in a folder, with all its indices.
pub async fn open(folder: &Path, model: &Arc<impl Embedder + WordVectors + 'static>) -> Memory {
    let workspace = Workspace::open(&folder.join("workspace")).await.expect("the workspace opens");
    let database = workspace.database();
    let index = EmbeddedVectors::open(&folder.join("vectors"), &model.identity()).expect("the index opens");
    let queue = EmbeddingQueue::new(Arc::new(SqlEmbeddingStore::new(database.clone())), model.clone());
    let store = Arc::new(SqlMemoryStore::new(database.clone()));
    Memory::new(MemoryParts {
        store: store.clone(),
        facts: store.clone(),
        log: store,
        keywords: Arc::new(Keywords::open(&folder.join("words"), "").expect("the index opens")),
        vectors: Some(VectorParts { queue, index: Arc::new(index) }),
        words: Some(model.clone()),
        readers: None,
        fetcher: None,
        reranker: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    })
}

/// The model, as memory takes it.
pub struct Local(pub MiniLm);

#[async_trait]
impl Embedder for Local {
    fn identity(&self) -> EmbedderIdentity {
        EmbedderIdentity { name: "minilm".into(), version: "int8".into(), dimensions: MiniLm::DIMENSIONS }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn batch(&self) -> usize {
        256
    }

    async fn embed(&self, texts: Vec<String>, _: Privacy) -> kernel::Result<Vec<Vec<f32>>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(self.0.embed(&texts, 2).into_iter().map(Vec::from).collect())
    }
}

impl WordVectors for Local {
    fn vector(&self, word: &str) -> Option<Arc<[f32]>> {
        self.0.word(word).map(Arc::from)
    }
}
