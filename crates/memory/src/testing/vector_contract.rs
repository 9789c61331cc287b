//! What every [`VectorIndex`] must do, beside a plain scan of the same vectors.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Entropy, Privacy, SeededEntropy};
use roaring::RoaringBitmap;

use crate::embedding::{EmbedderIdentity, VectorChange};
use crate::vectors::{Near, VectorIndex};

const DIMENSIONS: usize = 32;
/// Enough for an index with lists or graphs to have something to pass over.
const ROWS: u32 = 3_000;
/// What a cosine may be off by, in an index that keeps halves of floats.
const TOLERANCE: f32 = 2e-3;
/// How many of the nearest must be found, where an index does not look at all vectors.
const LEAST_RECALL: f64 = 0.99;

/// Checks the indices that `open` gives for an embedder: the first one it gives is empty, and each
/// later one for the same embedder has what was applied before, as after a restart.
///
/// # Panics
/// When one does not keep the contract.
pub async fn vector_contract(open: impl AsyncFn(&EmbedderIdentity) -> Arc<dyn VectorIndex>) {
    let identity =
        |name: &str| EmbedderIdentity { name: name.into(), version: "1".into(), dimensions: DIMENSIONS };
    let index = open(&identity("contract")).await;
    an_empty_one_finds_nothing(&*index).await;
    changes_are_seen_at_once_and_the_last_one_counts(&*index).await;
    vectors_without_a_direction_are_near_to_nothing(&*index).await;
    assert_eq!(index.position().await.unwrap(), 12);
    index.clear().await.unwrap();
    an_empty_one_finds_nothing(&*index).await;
    let model = Model::filled(&*index).await;
    model.agrees_with(&*index).await;
    index.maintain().await.unwrap();
    model.agrees_with(&*index).await;
    drop(index);
    let index = open(&identity("contract")).await;
    assert_eq!(index.position().await.unwrap(), u64::from(ROWS));
    model.agrees_with(&*index).await;
    drop(index);
    an_empty_one_finds_nothing(&*open(&identity("another")).await).await;
}

fn put(number: u32, vector: Vec<f32>) -> VectorChange {
    VectorChange { number, vector: Some(vector), privacy: Privacy::Shareable }
}

fn remove(number: u32) -> VectorChange {
    VectorChange { number, vector: None, privacy: Privacy::Local }
}

/// A vector along one axis, with a little of another.
fn axis(at: usize, other: usize, little: f32) -> Vec<f32> {
    let mut vector = vec![0.0; DIMENSIONS];
    (vector[at], vector[other]) = (3.0, 3.0 * little);
    vector
}

fn numbers(found: &[Near]) -> Vec<u32> {
    found.iter().map(|near| near.number).collect()
}

async fn an_empty_one_finds_nothing(index: &dyn VectorIndex) {
    let query = axis(0, 1, 0.0);
    assert_eq!((index.position().await.unwrap(), index.count().await.unwrap()), (0, 0));
    assert_eq!(index.search(&query, 5, None).await.unwrap(), []);
    let some = Arc::new(RoaringBitmap::from_iter([1, 2]));
    assert_eq!(index.search(&query, 5, Some(some)).await.unwrap(), []);
    assert_eq!(index.similarities(&query, &[7, 8]).await.unwrap(), [None, None]);
    assert_eq!(index.similarities(&query, &[]).await.unwrap(), []);
    index.maintain().await.unwrap();
}

async fn changes_are_seen_at_once_and_the_last_one_counts(index: &dyn VectorIndex) {
    let query = axis(0, 1, 0.0);
    let near = async || numbers(&index.search(&query, 10, None).await.unwrap());
    let changes = vec![put(5, axis(0, 1, 0.3)), put(3, axis(0, 1, 0.1)), put(4, axis(1, 0, 0.2)), remove(77)];
    index.apply(changes.clone(), 4).await.unwrap();
    assert_eq!(near().await, [3, 5, 4]);
    // As after a crash between the vectors and the position.
    index.apply(changes, 4).await.unwrap();
    assert_eq!((near().await, index.count().await.unwrap()), (vec![3, 5, 4], 3));
    let changes = vec![remove(3), put(4, axis(2, 0, 0.0)), put(5, axis(1, 0, 0.0)), put(4, axis(0, 1, 0.0))];
    index.apply(changes, 8).await.unwrap();
    assert_eq!(near().await, [4, 5]);
    index
        .apply(vec![put(9, axis(0, 1, 0.0)), remove(9), remove(5), put(u32::MAX, axis(0, 1, 0.0))], 10)
        .await
        .unwrap();
    assert_eq!(near().await, [4, u32::MAX], "as near, and so by their numbers");
    let allowed = |all: &[u32]| Some(Arc::new(RoaringBitmap::from_iter(all)));
    for (some, expected) in [(&[][..], &[][..]), (&[3, 5, 9], &[]), (&[1, u32::MAX, 5], &[u32::MAX])] {
        let found = index.search(&query, 10, allowed(some)).await.unwrap();
        assert_eq!(numbers(&found), expected, "{some:?}");
    }
    assert_eq!(index.search(&query, 0, None).await.unwrap(), []);
    index.apply(Vec::new(), 11).await.unwrap();
    assert_eq!(index.position().await.unwrap(), 11);
}

async fn vectors_without_a_direction_are_near_to_nothing(index: &dyn VectorIndex) {
    let broken = [vec![0.0; DIMENSIONS], vec![f32::NAN; DIMENSIONS], vec![f32::INFINITY; DIMENSIONS]];
    let changes: Vec<VectorChange> =
        (20..).zip(&broken).map(|(at, vector)| put(at, vector.clone())).collect();
    index.apply(changes, 12).await.unwrap();
    assert_eq!(index.count().await.unwrap(), 5);
    let query = axis(0, 1, 0.0);
    let found = index.similarities(&query, &[22, 4, 21, 6, 20]).await.unwrap();
    assert!((found[1].unwrap() - 1.0).abs() < TOLERANCE, "{found:?}");
    assert_eq!([found[0], found[2], found[3], found[4]], [Some(0.0), Some(0.0), None, Some(0.0)]);
    for query in broken {
        assert_eq!(index.search(&query, 5, None).await.unwrap(), []);
        assert_eq!(index.similarities(&query, &[4, 6]).await.unwrap(), [Some(0.0), None]);
    }
}

/// The same vectors in a map.
struct Model {
    rows: BTreeMap<u32, Vec<f32>>,
    entropy: SeededEntropy,
}

impl Model {
    /// Puts vectors that lie in heaps, as those of texts do, into an index, and replaces and removes
    /// some of them.
    async fn filled(index: &dyn VectorIndex) -> Self {
        let mut model = Self { rows: BTreeMap::new(), entropy: SeededEntropy::new(3) };
        let heaps: Vec<Vec<f32>> = (0..40).map(|_| model.vector(None)).collect();
        let mut changes = Vec::new();
        for position in 1..=ROWS {
            let number = (model.entropy.next_u64() % u64::from(ROWS)) as u32;
            let heap = &heaps[(model.entropy.next_u64() % 40) as usize];
            if position % 7 == 0 {
                changes.push(remove(number));
                model.rows.remove(&number);
            } else {
                let vector = model.vector(Some(heap));
                changes.push(put(number, vector.clone()));
                model.rows.insert(number, vector);
            }
            if position % 500 == 0 {
                index.apply(std::mem::take(&mut changes), u64::from(position)).await.unwrap();
                assert_eq!(index.count().await.unwrap(), model.rows.len() as u64);
            }
        }
        model
    }

    fn vector(&self, heap: Option<&Vec<f32>>) -> Vec<f32> {
        let number = || (self.entropy.next_u64() % 2_001) as f32 / 1_000.0 - 1.0;
        let around = |at: usize| heap.map_or(0.0, |heap| 2.0 * heap[at]);
        (0..DIMENSIONS).map(|at| around(at) + number()).collect()
    }

    /// The cosines of all rows that are allowed, the highest first.
    fn scan(&self, query: &[f32], allowed: Option<&RoaringBitmap>) -> Vec<(u32, f32)> {
        let passes = |number: u32| allowed.is_none_or(|allowed| allowed.contains(number));
        let rows = self.rows.iter().filter(|(number, _)| passes(**number));
        let mut found: Vec<_> = rows.map(|(number, row)| (*number, cosine(query, row))).collect();
        found.sort_by(|one, other| other.1.total_cmp(&one.1));
        found
    }

    async fn agrees_with(&self, index: &dyn VectorIndex) {
        let some = |part: u64| {
            RoaringBitmap::from_iter((0..ROWS).filter(|_| self.entropy.next_u64().is_multiple_of(part)))
        };
        let rare: RoaringBitmap = some(200);
        let filters =
            [None, Some(rare), Some(some(10)), Some(some(2)), Some(RoaringBitmap::from_iter(1..ROWS)), None];
        let (mut expected, mut missed) = (0, 0);
        for (at, allowed) in filters.into_iter().enumerate() {
            let query = self.vector(self.rows.values().nth(100 * at));
            let (exact, allowed) = (self.scan(&query, allowed.as_ref()), allowed.map(Arc::new));
            for count in [1, 10, 100] {
                let found = index.search(&query, count, allowed.clone()).await.unwrap();
                missed += self.compare(&query, &exact, &found, count);
                expected += count.min(exact.len());
            }
            let asked: Vec<u32> = (0..ROWS).step_by(7).rev().collect();
            let similarities = index.similarities(&query, &asked).await.unwrap();
            for (number, similarity) in asked.iter().zip(similarities) {
                let known = self.rows.get(number).map(|row| cosine(&query, row));
                assert_eq!(known.is_some(), similarity.is_some(), "{number}");
                assert!((known.unwrap_or_default() - similarity.unwrap_or_default()).abs() < TOLERANCE);
            }
        }
        assert!(missed as f64 <= (1.0 - LEAST_RECALL) * expected as f64, "{missed} of {expected} missed");
    }

    /// How many are missing among those found; panics when one that is there is not what it is said
    /// to be.
    fn compare(&self, query: &[f32], exact: &[(u32, f32)], found: &[Near], count: usize) -> usize {
        assert_eq!(found.len(), count.min(exact.len()));
        for near in found {
            let cosine = cosine(query, &self.rows[&near.number]);
            assert!((cosine - near.similarity).abs() < TOLERANCE, "{near:?} has the cosine {cosine}");
        }
        let is_sorted = |pair: &[Near]| {
            let order = pair[1].similarity.total_cmp(&pair[0].similarity);
            order.then(pair[0].number.cmp(&pair[1].number)).is_lt()
        };
        assert!(found.windows(2).all(is_sorted), "{found:?}");
        let Some(least) = exact[..count.min(exact.len())].last() else { return 0 };
        found.iter().filter(|near| cosine(query, &self.rows[&near.number]) < least.1 - TOLERANCE).count()
    }
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |one: &[f32], other: &[f32]| -> f64 {
        one.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    (dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()) as f32
}
