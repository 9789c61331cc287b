//! Memory over each store in turn: the setting is all that changes.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use embeddings::HashingEmbedder;
use kernel::{Privacy, SystemClock, SystemEntropy};
use memory::testing::{EvaluationSet, remember_set};
use memory::{
    DividedVectors, DocumentChange, EmbeddedVectors, Embedder, EmbedderIdentity, EmbeddingQueue, Filter,
    Memory, MemoryParts, NewDocument, Query, Reachable, VectorIndex, VectorParts,
};
use store::{SqlEmbeddingStore, SqlMemoryStore, Workspace};
use vector_stores::Store;

use crate::servers::Server;

/// How many questions of the set are asked of each store.
const QUESTIONS: usize = 20;
/// How far a score may be off: the embedded index keeps halves of floats.
const TOLERANCE: f64 = 0.01;

struct Hashing;

#[async_trait]
impl Embedder for Hashing {
    fn identity(&self) -> EmbedderIdentity {
        let (name, version) = ("hashing".into(), "1".into());
        EmbedderIdentity { name, version, dimensions: HashingEmbedder::DIMENSIONS }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn batch(&self) -> usize {
        256
    }

    async fn embed(&self, texts: Vec<String>, _: Privacy) -> kernel::Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| HashingEmbedder.embed(text)).collect())
    }
}

fn embedded(folder: &Path, name: &str) -> Arc<dyn VectorIndex> {
    Arc::new(EmbeddedVectors::open(&folder.join(name), &Hashing.identity()).unwrap())
}

fn over(folder: &Path, workspace: &Workspace, index: Arc<dyn VectorIndex>) -> Memory {
    let database = workspace.database();
    let queue = EmbeddingQueue::new(Arc::new(SqlEmbeddingStore::new(database.clone())), Arc::new(Hashing));
    let store = Arc::new(SqlMemoryStore::new(database.clone()));
    Memory::new(MemoryParts {
        store: store.clone(),
        facts: store.clone(),
        log: store,
        keywords: Arc::new(index::Keywords::open(&folder.join("words"), "").unwrap()),
        vectors: Some(VectorParts { queue, index }),
        words: None,
        readers: None,
        fetcher: None,
        reranker: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    })
}

fn set() -> EvaluationSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    EvaluationSet::read(&root.join("crates/memory/tests/evaluation/set.json"), &root)
}

/// Chunks and scores of the ten best of each question.
async fn answers(memory: &Memory, set: &EvaluationSet) -> Vec<Vec<(u32, f64)>> {
    let mut all = Vec::new();
    for question in set.questions.iter().step_by(set.questions.len() / QUESTIONS) {
        let query = Query { filter: question.filter(), ..Query::new(question.query.clone(), 10) };
        let found = memory.search(query).await.unwrap();
        assert!(found.has_meaning);
        all.push(found.hits.iter().map(|hit| (hit.chunk.number, hit.score)).collect());
    }
    all
}

#[track_caller]
fn assert_same(found: &[Vec<(u32, f64)>], expected: &[Vec<(u32, f64)>]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len());
        let least = expected.last().map_or(0.0, |(_, score)| *score);
        for ((number, score), (_, place)) in found.iter().zip(expected) {
            assert!((score - place).abs() < TOLERANCE, "{found:?}\n{expected:?}");
            let known = expected.iter().find(|(other, _)| other == number);
            let is_tie = (score - least).abs() < TOLERANCE;
            assert!(known.is_some_and(|(_, known)| (known - score).abs() < TOLERANCE) || is_tie, "{number}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_store_finds_the_same_and_one_can_go_to_another_and_back() {
    let (folder, set) = (tempfile::tempdir().unwrap(), set());
    let folder = folder.path();
    let workspace = Workspace::open(&folder.join("workspace")).await.unwrap();
    let memory = over(folder, &workspace, embedded(folder, "vectors"));
    remember_set(&memory, &set).await;
    memory.catch_up().await.unwrap();
    let expected = answers(&memory, &set).await;
    drop(memory);
    for store in [Store::Pgvector, Store::Chroma] {
        let server = Server::start(store);
        let begun = std::time::Instant::now();
        let memory = over(folder, &workspace, server.open(&Hashing.identity()));
        memory.catch_up().await.unwrap();
        let standing = memory.standing().await.unwrap();
        assert_eq!(standing.vectors, Some((standing.chunks, 0)));
        let filled = begun.elapsed();
        assert_same(&answers(&memory, &set).await, &expected);
        println!("{store}: {} vectors in {filled:?}, all in {:?}", standing.chunks, begun.elapsed());
        memory.reindex().await.unwrap();
        memory.catch_up().await.unwrap();
        assert_eq!(memory.standing().await.unwrap().vectors, Some((standing.chunks, 0)));
    }
    let memory = over(folder, &workspace, embedded(folder, "vectors"));
    memory.catch_up().await.unwrap();
    assert_same(&answers(&memory, &set).await, &expected);
}

fn note(key: &str, text: &str, privacy: Privacy) -> NewDocument {
    let (collection, key, source) = ("notes".into(), key.into(), "test".into());
    NewDocument { collection, key, text: text.into(), source, privacy, ..NewDocument::default() }
}

async fn count(index: &Arc<dyn VectorIndex>) -> u64 {
    index.count().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_local_stays_here_and_is_found_by_meaning_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let workspace = Workspace::open(&folder.join("workspace")).await.unwrap();
    let server = Server::start(Store::Pgvector);
    let (here, elsewhere) = (embedded(folder, "local"), server.open(&Hashing.identity()));
    let index = Arc::new(DividedVectors::new(here.clone(), elsewhere.clone()));
    let memory = over(folder, &workspace, index);
    memory.remember(note("secret", "The ficus is watered on Friday.", Privacy::Local)).await.unwrap();
    let open = note("open", "The ficus is watered on Monday.", Privacy::Shareable);
    let open = memory.remember(open).await.unwrap();
    memory.catch_up().await.unwrap();
    assert_eq!((count(&here).await, count(&elsewhere).await), (1, 1));
    let found = memory.search(Query::new("when is the ficus watered", 10)).await.unwrap();
    assert!(found.hits.len() == 2 && found.hits.iter().all(|hit| hit.vector.is_some()), "{found:?}");
    let change = DocumentChange { privacy: Some(Privacy::Local), ..DocumentChange::default() };
    memory.change(&open, change).await.unwrap();
    memory.catch_up().await.unwrap();
    assert_eq!((count(&here).await, count(&elsewhere).await), (2, 0), "it has left the other machine");
    let found = memory.search(Query::new("when is the ficus watered", 10)).await.unwrap();
    assert!(found.hits.iter().all(|hit| hit.vector.is_some()), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_leaves_the_words_and_catches_up_when_it_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let workspace = Workspace::open(&folder.join("workspace")).await.unwrap();
    let mut server = Server::start(Store::Pgvector);
    let index = Reachable::new(server.open(&Hashing.identity()), Arc::new(SystemClock));
    let memory = over(folder, &workspace, Arc::new(index));
    memory.remember(note("one", "The ficus is watered on Friday.", Privacy::Local)).await.unwrap();
    memory.catch_up().await.unwrap();
    let search = async || memory.search(Query::new("ficus", 10)).await.unwrap();
    assert!(search().await.has_meaning);
    server.kill();
    memory.remember(note("two", "A second ficus.", Privacy::Local)).await.unwrap();
    let begun = std::time::Instant::now();
    let found = search().await;
    assert_eq!((found.hits.len(), found.has_meaning), (2, false));
    assert!(begun.elapsed().as_secs() < 5);
    assert_eq!(memory.standing().await.unwrap().vectors, None);
    assert_eq!(memory.catch_up().await.unwrap_err().kind, kernel::Kind::Unavailable);
    assert_eq!(
        memory.list_documents(&Filter::default(), &kernel::PageRequest::default()).await.unwrap().items.len(),
        2
    );
    server.start_again();
    while memory.catch_up().await.is_err() {}
    let found = search().await;
    assert!(found.has_meaning && found.hits.iter().all(|hit| hit.vector.is_some()), "{found:?}");
}
