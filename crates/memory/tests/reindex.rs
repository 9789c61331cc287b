//! What making the indices anew promises while something else goes on.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{FixedClock, Privacy, Result};
use memory::embedding::VectorChange;
use memory::testing::{FakeEmbedder, memory_with_vectors};
use memory::{EmbeddedVectors, Embedder, Near, NewDocument, VectorIndex};
use roaring::RoaringBitmap;
use tokio::sync::Notify;

/// An index that is held up when it is first given something.
struct HeldUp {
    index: EmbeddedVectors,
    is_held: AtomicBool,
    reached: Notify,
    go_on: Notify,
}

#[async_trait]
impl VectorIndex for HeldUp {
    async fn position(&self) -> Result<u64> {
        self.index.position().await
    }

    fn strictest(&self) -> Privacy {
        self.index.strictest()
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        if self.is_held.swap(false, Ordering::SeqCst) {
            self.reached.notify_one();
            self.go_on.notified().await;
        }
        self.index.apply(changes, position).await
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        self.index.search(vector, count, allowed).await
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        self.index.similarities(vector, numbers).await
    }

    async fn count(&self) -> Result<u64> {
        self.index.count().await
    }

    async fn clear(&self) -> Result<()> {
        self.index.clear().await
    }
}

fn note(number: u32) -> NewDocument {
    NewDocument {
        collection: "notes".into(),
        key: format!("note-{number}"),
        text: format!("This is the text of note {number}."),
        source: "test".into(),
        ..NewDocument::default()
    }
}

#[tokio::test]
async fn making_anew_while_vectors_are_taken_in_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let embedder = Arc::new(FakeEmbedder::new("fake", 3));
    let index = EmbeddedVectors::open(folder.path(), &embedder.identity()).unwrap();
    let index = Arc::new(HeldUp {
        index,
        is_held: AtomicBool::new(false),
        reached: Notify::new(),
        go_on: Notify::new(),
    });
    let memory = memory_with_vectors(Arc::new(FixedClock::default()), embedder, index.clone());
    for number in 0..10 {
        memory.remember(note(number)).await.unwrap();
    }
    memory.catch_up().await.unwrap();
    memory.remember(note(10)).await.unwrap();

    index.is_held.store(true, Ordering::SeqCst);
    let taking_in = tokio::spawn({
        let memory = memory.clone();
        async move { memory.catch_up().await }
    });
    index.reached.notified().await;
    let anew = tokio::spawn({
        let memory = memory.clone();
        async move { memory.reindex().await }
    });
    // Long enough to empty the index, if nothing kept it from that.
    tokio::time::sleep(Duration::from_millis(100)).await;
    index.go_on.notify_one();
    taking_in.await.unwrap().unwrap();
    anew.await.unwrap().unwrap();
    memory.catch_up().await.unwrap();

    assert_eq!(index.count().await.unwrap(), 11);
}
