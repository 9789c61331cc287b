//! A server that is killed while it takes vectors in.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Entropy, Privacy, SeededEntropy};
use memory::embedding::VectorChange;
use memory::{EmbedderIdentity, VectorIndex};
use vector_stores::Store;

use crate::servers::Server;

const DIMENSIONS: usize = 64;
/// How many changes there are, and how many are applied at once.
const CHANGES: u64 = 3_000;
const BATCH: u64 = 250;

fn embedder() -> EmbedderIdentity {
    EmbedderIdentity { name: "a".into(), version: "1".into(), dimensions: DIMENSIONS }
}

/// The vector of a chunk after a change, which says by its own numbers which of the two it is.
fn vector(number: u32, position: u64) -> Vec<f32> {
    let entropy = SeededEntropy::new(u64::from(number) << 32 | position);
    (0..DIMENSIONS).map(|_| (entropy.next_u64() % 2_001) as f32 - 1_000.0).collect()
}

/// A third of the changes is of chunks that had a vector before; every ninth takes one away.
fn change(position: u64) -> VectorChange {
    let number = (position % (2 * CHANGES / 3)) as u32;
    let vector = (!position.is_multiple_of(9)).then(|| vector(number, position));
    VectorChange { number, vector, privacy: Privacy::Local }
}

/// Goes on from the position that the index says it has, as memory does.
async fn follow(index: &dyn VectorIndex) -> kernel::Result<()> {
    loop {
        let after = index.position().await?;
        if after == CHANGES {
            return Ok(());
        }
        let to = (after + BATCH).min(CHANGES);
        index.apply((after + 1..=to).map(change).collect(), to).await?;
    }
}

/// Checks that the index has what there is after the change at its position, and in Postgres no more.
async fn agrees(index: &dyn VectorIndex, is_atomic: bool) {
    let position = index.position().await.unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for change in (1..=position).map(change) {
        expected.insert(change.number, change.vector);
    }
    let query = vector(0, 0);
    let numbers: Vec<u32> = (0..(2 * CHANGES / 3) as u32).collect();
    let found = index.similarities(&query, &numbers).await.unwrap();
    let cosine = |vector: &Vec<f32>| {
        let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f32>();
        dot(&query, vector) / (dot(&query, &query) * dot(vector, vector)).sqrt()
    };
    for (number, found) in numbers.iter().zip(found) {
        let expected = expected.get(number).and_then(|vector| vector.as_ref().map(cosine));
        let is_same = match (found, expected) {
            (Some(found), Some(expected)) => (found - expected).abs() < 1e-4,
            (found, expected) => found == expected,
        };
        // What Chroma has beyond its position is applied again.
        assert!(
            is_same || !is_atomic && position < CHANGES,
            "{number}: {found:?}, {expected:?} at {position}"
        );
    }
}

async fn survives_kills(store: Store) {
    let mut server = Server::start(store);
    let kills =
        if std::env::var("ATELIER_TEST_PROFILE").is_ok_and(|profile| profile == "nightly") { 20 } else { 2 };
    let entropy = SeededEntropy::new(11);
    for _ in 0..kills {
        let index = server.open(&embedder());
        let following = Arc::clone(&index);
        let following = tokio::spawn(async move { follow(&*following).await });
        tokio::time::sleep(Duration::from_millis(60 + entropy.next_u64() % 400)).await;
        server.kill();
        let _ = following.await.unwrap();
        server.start_again();
        agrees(&*eventually(&server).await, store == Store::Pgvector).await;
    }
    let index = eventually(&server).await;
    follow(&*index).await.unwrap();
    agrees(&*index, true).await;
    let alive = (1..=CHANGES).rev().map(change).collect::<Vec<_>>();
    let mut seen = std::collections::BTreeMap::new();
    for change in alive {
        seen.entry(change.number).or_insert(change.vector.is_some());
    }
    assert_eq!(index.count().await.unwrap(), seen.values().filter(|there| **there).count() as u64);
}

/// The index, once the server has recovered.
async fn eventually(server: &Server) -> Arc<dyn VectorIndex> {
    let index = server.open(&embedder());
    let recovered = async {
        while index.position().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), recovered).await.expect("it recovers");
    index
}

#[tokio::test(flavor = "multi_thread")]
async fn pgvector_has_what_its_position_says_after_a_crash() {
    survives_kills(Store::Pgvector).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chroma_has_at_least_what_its_position_says_after_a_crash() {
    survives_kills(Store::Chroma).await;
}
