//! What every [`EmbeddingStore`] must do, seen through the [`EmbeddingQueue`] over it.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Clock, Error, FixedClock, Ids, Privacy, Result, SeededEntropy, Timestamp};
use parking_lot::Mutex;

use crate::chunk::NewChunk;
use crate::document::NewDocument;
use crate::embedding::{
    Embedder, EmbedderIdentity, EmbeddingQueue, EmbeddingStore, IndexProgress, IndexState, VectorChange,
};
use crate::store::MemoryStore;

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
        let (batches_left, given) = (Mutex::new(usize::MAX), Mutex::default());
        Self { name, dimensions, is_local: true, batches_left, given }
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

/// Checks a store that is empty, with the chunks beside it.
///
/// # Panics
/// When it does not keep the contract.
pub async fn embedding_contract(documents: Arc<dyn MemoryStore>, vectors: Arc<dyn EmbeddingStore>) {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
    let suite = Suite { documents, vectors, clock, ids };
    suite.every_text_is_embedded_once().await;
    suite.a_changed_chunk_gets_a_new_vector().await;
    suite.indices_follow_what_was_embedded().await;
    suite.a_new_embedder_builds_beside_and_goes_on_where_it_was().await;
    suite.going_back_gives_up_what_was_half_built().await;
    suite.one_that_is_refused_keeps_no_other_from_its_vector().await;
    suite.local_documents_stay_here().await;
}

struct Suite {
    documents: Arc<dyn MemoryStore>,
    vectors: Arc<dyn EmbeddingStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

impl Suite {
    async fn remember(&self, key: &str, texts: &[&str], privacy: Privacy) {
        let new = NewDocument {
            collection: "notes".into(),
            key: key.into(),
            source: "test".into(),
            privacy,
            ..NewDocument::default()
        };
        let document = new.checked(&self.ids, self.clock.now()).unwrap();
        let chunk = |text: &&str| NewChunk { text: (*text).into(), ..NewChunk::default() };
        let chunks: Vec<NewChunk> = texts.iter().map(chunk).collect();
        self.documents.put_document(&document, &chunks).await.unwrap();
    }

    fn queue(&self, embedder: &Arc<FakeEmbedder>) -> EmbeddingQueue {
        EmbeddingQueue::new(self.vectors.clone(), embedder.clone())
    }

    /// Name, state, done and total of each generation that is not retired.
    async fn standing(&self) -> Vec<(String, IndexState, u64, u64)> {
        let mut all = self.vectors.list_generations(Privacy::Local).await.unwrap();
        all.retain(|index| index.state != IndexState::Retired || index.done > 0);
        let row = |it: IndexProgress| (it.embedder.name, it.state, it.done, it.total);
        all.into_iter().map(row).collect()
    }

    #[track_caller]
    fn check(found: &[(String, IndexState, u64, u64)], expected: &[(&str, IndexState, u64, u64)]) {
        let found: Vec<_> = found.iter().map(|(name, a, b, c)| (name.as_str(), *a, *b, *c)).collect();
        assert_eq!(found, expected);
    }

    async fn every_text_is_embedded_once(&self) {
        self.remember("a", &["one", "two", "three"], Privacy::Local).await;
        self.remember("b", &["two", "four"], Privacy::Local).await;
        let embedder = Arc::new(FakeEmbedder::new("first", 3));
        let queue = self.queue(&embedder);
        assert_eq!(queue.progress().await.unwrap(), None);
        queue.catch_up().await.unwrap();
        Self::check(&self.standing().await, &[("first", IndexState::Active, 5, 5)]);
        let mut given: Vec<String> = embedder.given.lock().iter().map(|(text, _)| text.clone()).collect();
        given.sort();
        assert_eq!(given, ["four", "one", "three", "two"]);
        queue.catch_up().await.unwrap();
        self.remember("c", &["three"], Privacy::Local).await;
        queue.catch_up().await.unwrap();
        assert_eq!(embedder.given.lock().len(), 4, "nothing is embedded twice");
    }

    async fn a_changed_chunk_gets_a_new_vector(&self) {
        self.remember("a", &["one", "another", "three"], Privacy::Local).await;
        let embedder = Arc::new(FakeEmbedder::new("first", 3));
        Self::check(&self.standing().await, &[("first", IndexState::Active, 5, 6)]);
        // It changes once more while it is being embedded: what was made of it is not missed.
        let identity = embedder.identity();
        let work = self.vectors.next_texts(&identity, Privacy::Local, 9).await.unwrap();
        self.remember("a", &["one", "a third", "three"], Privacy::Local).await;
        let vector = |text: crate::embedding::TextToEmbed| crate::embedding::TextVector {
            digest: text.digest,
            vector: Some(vec![0.0; 3]),
        };
        let stale: Vec<_> = work.texts.into_iter().map(vector).collect();
        self.vectors.add_vectors(&identity, &stale, work.position).await.unwrap();
        assert!(!self.vectors.activate_generation(&identity).await.unwrap());
        self.queue(&embedder).catch_up().await.unwrap();
        assert_eq!(*embedder.given.lock(), [("a third".to_owned(), Privacy::Local)]);
        Self::check(&self.standing().await, &[("first", IndexState::Active, 6, 6)]);
        // With nothing left, the last change is reached however few texts are asked for.
        let next = |limit| self.vectors.next_texts(&identity, Privacy::Local, limit);
        assert_eq!(next(1).await.unwrap(), next(9).await.unwrap());
    }

    async fn changes(&self, name: &'static str, after: u64, strictest: Privacy) -> (Vec<VectorChange>, u64) {
        let identity = FakeEmbedder::new(name, 3).identity();
        let mut all = Vec::new();
        let mut reached = after;
        loop {
            let (changes, to) =
                self.vectors.list_vector_changes(&identity, strictest, reached, 2).await.unwrap();
            if changes.is_empty() {
                return (all, reached);
            }
            assert!(to > reached && changes.len() <= 2);
            all.extend(changes);
            reached = to;
        }
    }

    async fn indices_follow_what_was_embedded(&self) {
        let (changes, reached) = self.changes("first", 0, Privacy::Local).await;
        assert_eq!(reached, self.documents.last_change().await.unwrap());
        let there: Vec<&VectorChange> = changes.iter().filter(|change| change.vector.is_some()).collect();
        assert_eq!(there.len(), 6, "{changes:?}");
        let (none, _) = self.changes("first", 0, Privacy::Shareable).await;
        assert!(none.iter().all(|change| change.vector.is_none()), "{none:?}");
        // What has no vector yet is not told; what is gone is.
        self.remember("c", &["not embedded yet"], Privacy::Local).await;
        assert_eq!(self.changes("first", reached, Privacy::Local).await, (Vec::new(), reached));
        self.queue(&Arc::new(FakeEmbedder::new("first", 3))).catch_up().await.unwrap();
        let (changes, _) = self.changes("first", reached, Privacy::Local).await;
        let mut vectors: Vec<Option<f32>> =
            changes.iter().map(|change| change.vector.as_ref().map(|vector| vector[0])).collect();
        vectors.sort_by(|one, other| one.partial_cmp(other).unwrap());
        assert_eq!(vectors, [None, Some(16.0)]);
        assert_eq!(self.changes("unknown", 0, Privacy::Local).await, (Vec::new(), 0));
    }

    async fn a_new_embedder_builds_beside_and_goes_on_where_it_was(&self) {
        let tired = Arc::new(FakeEmbedder { batches_left: Mutex::new(1), ..FakeEmbedder::new("second", 7) });
        assert_eq!(self.queue(&tired).catch_up().await.unwrap_err().code, "model_unreachable");
        let standing = self.standing().await;
        assert_eq!(standing[0], ("first".into(), IndexState::Active, 6, 6));
        assert_eq!((standing[1].0.as_str(), standing[1].1), ("second", IndexState::Building));
        assert!((2..=3).contains(&standing[1].2), "{standing:?}");
        // As after a kill: another process begins with what is there.
        let fresh = Arc::new(FakeEmbedder::new("second", 7));
        self.queue(&fresh).catch_up().await.unwrap();
        assert_eq!(fresh.given.lock().len(), 4);
        Self::check(&self.standing().await, &[("second", IndexState::Active, 6, 6)]);
    }

    async fn going_back_gives_up_what_was_half_built(&self) {
        let tired = Arc::new(FakeEmbedder { batches_left: Mutex::new(1), ..FakeEmbedder::new("third", 7) });
        self.queue(&tired).catch_up().await.unwrap_err();
        let second = Arc::new(FakeEmbedder::new("second", 7));
        self.queue(&second).catch_up().await.unwrap();
        assert!(second.given.lock().is_empty(), "it was the active one all the time");
        Self::check(&self.standing().await, &[("second", IndexState::Active, 6, 6)]);
        let longer = Arc::new(FakeEmbedder::new("second", 8));
        self.queue(&longer).catch_up().await.unwrap();
        assert_eq!(longer.given.lock().len(), 6, "other dimensions are another generation");
    }

    async fn one_that_is_refused_keeps_no_other_from_its_vector(&self) {
        self.remember("f", &["this is refused", "this is not"], Privacy::Local).await;
        self.remember("g", &["  "], Privacy::Local).await;
        let embedder = Arc::new(FakeEmbedder::new("second", 8));
        self.queue(&embedder).catch_up().await.unwrap();
        let given: Vec<String> = embedder.given.lock().iter().map(|(text, _)| text.clone()).collect();
        assert_eq!(given, ["hello", "this is not"]);
        Self::check(&self.standing().await, &[("second", IndexState::Active, 9, 9)]);
    }

    async fn local_documents_stay_here(&self) {
        self.remember("h", &["for everyone"], Privacy::Shareable).await;
        let elsewhere = Arc::new(FakeEmbedder { is_local: false, ..FakeEmbedder::new("elsewhere", 3) });
        let queue = self.queue(&elsewhere);
        queue.catch_up().await.unwrap();
        assert_eq!(*elsewhere.given.lock(), [("for everyone".to_owned(), Privacy::Shareable)]);
        let progress = queue.progress().await.unwrap().unwrap();
        assert_eq!((progress.state, progress.done, progress.total), (IndexState::Active, 1, 1));
        self.remember("h", &["for everyone"], Privacy::Local).await;
        queue.catch_up().await.unwrap();
        assert_eq!(elsewhere.given.lock().len(), 1);
        assert_eq!(queue.progress().await.unwrap().unwrap().total, 0);
    }
}
