//! What every [`VectorStore`] must do, seen through the [`VectorIndex`] over it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Error, FixedClock, Privacy, Result, SeededEntropy, Timestamp};
use parking_lot::Mutex;

use crate::document::NewDocument;
use crate::service::Memory;
use crate::store::MemoryStore;
use crate::vectors::{Embedder, EmbedderIdentity, IndexProgress, IndexState, VectorIndex, VectorStore};

/// An embedder whose vectors say nothing but how long a text is.
pub struct FakeEmbedder {
    /// Told as the identity's name.
    pub name: &'static str,
    /// How long its vectors are.
    pub dimensions: usize,
    /// Whether it is on this machine.
    pub is_local: bool,
    /// Fails once it has embedded so many batches.
    pub batches_left: Mutex<usize>,
    /// Every text it was given, with the label of its batch.
    pub given: Mutex<Vec<(String, Privacy)>>,
}

impl FakeEmbedder {
    /// One on this machine that never tires.
    pub fn new(name: &'static str, dimensions: usize) -> Self {
        Self {
            name,
            dimensions,
            is_local: true,
            batches_left: Mutex::new(usize::MAX),
            given: Mutex::default(),
        }
    }
}

#[async_trait]
impl Embedder for FakeEmbedder {
    fn identity(&self) -> EmbedderIdentity {
        EmbedderIdentity { name: self.name.into(), version: "1".into(), dimensions: self.dimensions }
    }

    fn is_local(&self) -> bool {
        self.is_local
    }

    fn batch(&self) -> usize {
        2
    }

    async fn embed(&self, texts: Vec<String>, privacy: Privacy) -> Result<Vec<Vec<f32>>> {
        if texts.iter().any(|text| text.contains("refused")) {
            return Err(Error::invalid("refused", "This text is never taken"));
        }
        let mut left = self.batches_left.lock();
        *left = left.checked_sub(1).ok_or_else(|| Error::unavailable("model_unreachable", "It is tired"))?;
        self.given.lock().extend(texts.iter().map(|text| (text.clone(), privacy)));
        Ok(texts.iter().map(|text| vec![text.len() as f32; self.dimensions]).collect())
    }
}

/// Checks a store that is empty, with the documents beside it.
///
/// # Panics
/// When it does not keep the contract.
pub async fn vector_contract(documents: Arc<dyn MemoryStore>, vectors: Arc<dyn VectorStore>) {
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let memory = Memory::new(documents, clock, Arc::new(SeededEntropy::new(7)));
    let suite = Suite { memory, vectors };
    suite.every_document_gets_a_vector().await;
    suite.a_changed_document_gets_a_new_one().await;
    suite.a_new_embedder_builds_beside_and_goes_on_where_it_was().await;
    suite.going_back_gives_up_what_was_half_built().await;
    suite.one_that_is_refused_keeps_no_other_from_its_vector().await;
    suite.local_documents_stay_here().await;
}

struct Suite {
    memory: Memory,
    vectors: Arc<dyn VectorStore>,
}

impl Suite {
    async fn remember(&self, key: &str, text: &str, privacy: Privacy) {
        let new = NewDocument {
            collection: "notes".into(),
            key: key.into(),
            title: key.into(),
            text: text.into(),
            source: "test".into(),
            privacy,
        };
        self.memory.remember(new).await.unwrap();
    }

    fn index(&self, embedder: &Arc<FakeEmbedder>) -> VectorIndex {
        VectorIndex::new(self.vectors.clone(), embedder.clone())
    }

    /// Name, state, done and total of each version that is not retired.
    async fn standing(&self) -> Vec<(String, IndexState, u64, u64)> {
        let mut all = self.vectors.list_indices(Privacy::Local).await.unwrap();
        all.retain(|index| index.state != IndexState::Retired || index.done > 0);
        let row = |it: IndexProgress| (it.embedder.name, it.state, it.done, it.total);
        all.into_iter().map(row).collect()
    }

    #[track_caller]
    fn check(found: &[(String, IndexState, u64, u64)], expected: &[(&str, IndexState, u64, u64)]) {
        let found: Vec<_> = found.iter().map(|(name, a, b, c)| (name.as_str(), *a, *b, *c)).collect();
        assert_eq!(found, expected);
    }

    async fn every_document_gets_a_vector(&self) {
        for key in ["a", "b", "c", "d", "e"] {
            self.remember(key, "some text", Privacy::Local).await;
        }
        let embedder = Arc::new(FakeEmbedder::new("first", 3));
        let index = self.index(&embedder);
        assert_eq!(index.progress().await.unwrap(), None);
        index.catch_up().await.unwrap();
        Self::check(&self.standing().await, &[("first", IndexState::Active, 5, 5)]);
        assert_eq!(embedder.given.lock().len(), 5);
        index.catch_up().await.unwrap();
        assert_eq!(embedder.given.lock().len(), 5, "nothing is embedded twice");
    }

    async fn a_changed_document_gets_a_new_one(&self) {
        self.remember("a", "another text", Privacy::Local).await;
        self.remember("b", "some text", Privacy::Local).await;
        Self::check(&self.standing().await, &[("first", IndexState::Active, 4, 5)]);
        let embedder = Arc::new(FakeEmbedder::new("first", 3));
        // It changes once more while it is being embedded: what was made of it is left out.
        let identity = embedder.identity();
        let stale = self.vectors.documents_without_vector(&identity, Privacy::Local, 9).await.unwrap();
        self.remember("a", "a third text", Privacy::Local).await;
        let vector = |document| crate::vectors::DocumentVector { document, vector: Some(vec![0.0; 3]) };
        let stale: Vec<_> = stale.into_iter().map(vector).collect();
        self.vectors.add_vectors(&identity, &stale).await.unwrap();
        assert!(!self.vectors.activate_index(&identity, Privacy::Local).await.unwrap());
        self.index(&embedder).catch_up().await.unwrap();
        assert_eq!(*embedder.given.lock(), [("a\na third text".to_owned(), Privacy::Local)]);
    }

    async fn a_new_embedder_builds_beside_and_goes_on_where_it_was(&self) {
        let tired = Arc::new(FakeEmbedder { batches_left: Mutex::new(1), ..FakeEmbedder::new("second", 7) });
        assert_eq!(self.index(&tired).catch_up().await.unwrap_err().code, "model_unreachable");
        let building = [("first", IndexState::Active, 5, 5), ("second", IndexState::Building, 2, 5)];
        Self::check(&self.standing().await, &building);
        // As after a kill: another process begins with what is there.
        let fresh = Arc::new(FakeEmbedder::new("second", 7));
        self.index(&fresh).catch_up().await.unwrap();
        assert_eq!(fresh.given.lock().len(), 3);
        Self::check(&self.standing().await, &[("second", IndexState::Active, 5, 5)]);
    }

    async fn going_back_gives_up_what_was_half_built(&self) {
        let tired = Arc::new(FakeEmbedder { batches_left: Mutex::new(1), ..FakeEmbedder::new("third", 7) });
        self.index(&tired).catch_up().await.unwrap_err();
        let second = Arc::new(FakeEmbedder::new("second", 7));
        self.index(&second).catch_up().await.unwrap();
        assert!(second.given.lock().is_empty(), "it was the active one all the time");
        Self::check(&self.standing().await, &[("second", IndexState::Active, 5, 5)]);
        let longer = Arc::new(FakeEmbedder::new("second", 8));
        self.index(&longer).catch_up().await.unwrap();
        assert_eq!(longer.given.lock().len(), 5, "other dimensions are another version");
    }

    async fn one_that_is_refused_keeps_no_other_from_its_vector(&self) {
        self.remember("f", "this is refused", Privacy::Local).await;
        self.remember("g", "this is not", Privacy::Local).await;
        let embedder = Arc::new(FakeEmbedder::new("second", 8));
        self.index(&embedder).catch_up().await.unwrap();
        let given: Vec<String> = embedder.given.lock().iter().map(|(text, _)| text.clone()).collect();
        assert_eq!(given, ["hello", "g\nthis is not"]);
        Self::check(&self.standing().await, &[("second", IndexState::Active, 7, 7)]);
    }

    async fn local_documents_stay_here(&self) {
        self.remember("h", "for everyone", Privacy::Shareable).await;
        let elsewhere = Arc::new(FakeEmbedder { is_local: false, ..FakeEmbedder::new("elsewhere", 3) });
        let index = self.index(&elsewhere);
        index.catch_up().await.unwrap();
        assert_eq!(*elsewhere.given.lock(), [("h\nfor everyone".to_owned(), Privacy::Shareable)]);
        let progress = index.progress().await.unwrap().unwrap();
        assert_eq!((progress.state, progress.done, progress.total), (IndexState::Active, 1, 1));
        // What becomes local is forgotten there and not given again.
        self.remember("h", "for everyone", Privacy::Local).await;
        index.catch_up().await.unwrap();
        assert_eq!(elsewhere.given.lock().len(), 1);
        assert_eq!(index.progress().await.unwrap().unwrap().total, 0);
    }
}
