//! How collections are set up, in every [`MemoryStore`] and the [`EmbeddingStore`] beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Clock, FixedClock, Ids, Privacy, SeededEntropy, Timestamp};

use super::FakeEmbedder;
use crate::chunk::NewChunk;
use crate::collection::{CollectionChange, CollectionSettings};
use crate::document::{Document, NewDocument};
use crate::embedding::{EmbeddingQueue, EmbeddingStore, VectorChange};
use crate::store::MemoryStore;

/// Checks a store that is empty.
///
/// # Panics
/// When it does not keep the contract.
pub async fn collection_contract(store: Arc<dyn MemoryStore>, vectors: Arc<dyn EmbeddingStore>) {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
    let suite = Suite { store, vectors, clock, ids };
    suite.what_is_not_set_is_the_default().await;
    suite.what_is_stored_has_the_label_of_its_collection().await;
    suite.chunks_of_another_length_are_to_be_made().await;
    suite.what_has_no_vectors_is_not_there_for_embedders().await;
}

struct Suite {
    store: Arc<dyn MemoryStore>,
    vectors: Arc<dyn EmbeddingStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

const LOCAL: CollectionChange =
    CollectionChange { privacy: Some(Some(Privacy::Local)), chunk_characters: None, embedded: None };

impl Suite {
    async fn stored(&self, collection: &str, key: &str) -> Document {
        let new = NewDocument {
            collection: collection.into(),
            key: key.into(),
            source: "test".into(),
            text: key.into(),
            ..NewDocument::default()
        };
        let document = new.checked(&self.ids, self.clock.now()).unwrap();
        let chunk = NewChunk { text: format!("{collection} {key}"), ..NewChunk::default() };
        let id = self.store.put_document(&document, &[chunk]).await.unwrap().id;
        self.store.find_document(&id).await.unwrap().unwrap()
    }

    async fn set(&self, collection: &str, change: CollectionChange) -> CollectionSettings {
        let settings = self.store.change_collection(collection, &change, self.clock.now()).await.unwrap();
        assert_eq!(self.store.find_collection_settings(collection).await.unwrap(), settings);
        settings
    }

    async fn what_is_not_set_is_the_default(&self) {
        let default = CollectionSettings::default();
        assert_eq!(self.store.find_collection_settings("mine").await.unwrap(), default);
        let all = CollectionChange {
            privacy: Some(Some(Privacy::Shareable)),
            chunk_characters: Some(Some(300)),
            embedded: Some(Some(false)),
        };
        self.set("mine", all).await;
        let open = CollectionSettings {
            privacy: Some(Privacy::Shareable),
            chunk_characters: None,
            embedded: Some(false),
        };
        let change = CollectionChange { chunk_characters: Some(None), ..CollectionChange::default() };
        assert_eq!(self.set("mine", change).await, open);
        let listed = self.store.list_collection_settings().await.unwrap();
        assert_eq!(listed, BTreeMap::from([("mine".to_owned(), open)]));
        let nothing = CollectionChange { privacy: Some(None), embedded: Some(None), ..change };
        assert_eq!(self.set("mine", nothing).await, default);
        assert!(self.store.list_collection_settings().await.unwrap().is_empty());
    }

    async fn what_is_stored_has_the_label_of_its_collection(&self) {
        let before = self.stored("diary", "one").await;
        let other = self.stored("elsewhere", "one").await;
        assert_eq!(before.privacy, Privacy::Shareable);
        let start = self.store.last_change().await.unwrap();
        self.set("diary", LOCAL).await;
        let label = async |of: &Document| self.store.find_document(&of.id).await.unwrap().unwrap().privacy;
        assert_eq!(label(&before).await, Privacy::Local);
        assert_eq!(label(&other).await, Privacy::Shareable);
        let changes = self.store.list_changes(start, 9).await.unwrap();
        let [change] = changes.as_slice() else { panic!("the indices follow: {changes:?}") };
        assert_eq!(change.content.as_ref().unwrap().document.privacy, Privacy::Local);
        assert_eq!(self.stored("diary", "two").await.privacy, Privacy::Local);
        assert_eq!(self.stored("diary", "one").await.privacy, Privacy::Local, "also one that is there");
        let chunks = self.store.list_chunks(&before.id).await.unwrap();
        let chunks: Vec<NewChunk> = chunks.into_iter().map(|chunk| chunk.content).collect();
        self.store.change_document(&before, &chunks).await.unwrap();
        assert_eq!(label(&before).await, Privacy::Local, "also when it is changed");
        let open = CollectionChange { privacy: Some(None), ..CollectionChange::default() };
        self.set("diary", open).await;
        assert_eq!(label(&before).await, Privacy::Local, "a label is never dropped by itself");
        assert_eq!(self.stored("diary", "three").await.privacy, Privacy::Shareable);
    }

    async fn chunks_of_another_length_are_to_be_made(&self) {
        let one = self.stored("long", "one").await;
        self.stored("long", "two").await;
        let waiting = async || -> Vec<String> {
            let documents = self.store.documents_to_chunk(9).await.unwrap();
            documents
                .into_iter()
                .map(|document| format!("{}/{}", document.collection, document.key))
                .collect()
        };
        assert!(waiting().await.is_empty());
        let characters = |max: Option<u32>| CollectionChange {
            chunk_characters: Some(max),
            ..CollectionChange::default()
        };
        self.set("long", characters(Some(1_200))).await;
        assert!(waiting().await.is_empty(), "as many as by default");
        self.set("long", characters(Some(300))).await;
        assert_eq!(waiting().await, ["long/one", "long/two"]);
        let summaries = self.store.list_collections().await.unwrap();
        let to_divide: Vec<(&str, u64)> = summaries
            .iter()
            .filter(|it| it.to_divide > 0)
            .map(|it| (it.name.as_str(), it.to_divide))
            .collect();
        assert_eq!(to_divide, [("long", 2)]);
        let chunk = NewChunk { text: "anew".into(), ..NewChunk::default() };
        self.store.change_document(&one, std::slice::from_ref(&chunk)).await.unwrap();
        assert_eq!(waiting().await.len(), 2, "a new label makes no chunks");
        self.store.split_document(&one, &[chunk]).await.unwrap();
        assert_eq!(waiting().await, ["long/two"]);
        self.stored("long", "two").await;
        assert!(waiting().await.is_empty());
        self.store.divide_anew("long").await.unwrap();
        assert_eq!(waiting().await.len(), 2);
    }

    async fn vectors(&self, after: u64) -> Vec<bool> {
        let identity = crate::embedding::Embedder::identity(&FakeEmbedder::new("one", 3));
        let changes = self.vectors.list_vector_changes(&identity, Privacy::Local, after, 99).await.unwrap().0;
        changes.iter().map(|VectorChange { vector, .. }| vector.is_some()).collect()
    }

    async fn what_has_no_vectors_is_not_there_for_embedders(&self) {
        self.stored("words", "one").await;
        self.stored("words", "two").await;
        let embedder = Arc::new(FakeEmbedder::new("one", 3));
        let queue = EmbeddingQueue::new(self.vectors.clone(), embedder.clone());
        queue.catch_up().await.unwrap();
        let calls = || embedder.given.lock().len();
        let (all, given) = (queue.progress().await.unwrap().unwrap().total, calls());
        assert_eq!(queue.count_vectors().await.unwrap().get("words"), Some(&2));
        let set = async |embedded: bool| {
            let change = CollectionChange { embedded: Some(Some(embedded)), ..CollectionChange::default() };
            let start = self.store.last_change().await.unwrap();
            self.set("words", change).await;
            start
        };
        let start = set(false).await;
        self.stored("words", "three").await;
        queue.catch_up().await.unwrap();
        assert_eq!(self.vectors(start).await, [false, false, false], "an index loses what it has");
        assert_eq!(calls(), given, "nothing more is embedded");
        let progress = queue.progress().await.unwrap().unwrap();
        assert_eq!((progress.done, progress.total), (all - 2, all - 2));
        assert_eq!(queue.count_vectors().await.unwrap().get("words"), None);
        let start = set(true).await;
        queue.catch_up().await.unwrap();
        assert_eq!(self.vectors(start).await, [true, true, true]);
        assert_eq!(calls(), given + 1, "only what never was");
    }
}
