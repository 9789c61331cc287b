//! What setting a collection up promises.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::io::Write;
use std::sync::Arc;

use kernel::{Actor, FixedClock, PageRequest, Privacy, Timestamp};
use memory::archive::{ImportEvent, ImportOptions};
use memory::testing::{FakeEmbedder, memory_with_vectors};
use memory::{
    CollectionChange, Content, DocumentChange, EmbeddedVectors, Embedder, Filter, Incoming, Memory,
    NewDispatch, NewDocument, NewFact, NewLogEntry, Outcome, Query, VectorIndex,
};
use serde_json::json;

struct Fixture {
    memory: Memory,
    embedder: Arc<FakeEmbedder>,
    vectors: Arc<EmbeddedVectors>,
    _folder: tempfile::TempDir,
}

fn fixture(is_local: bool) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let embedder = Arc::new(FakeEmbedder { is_local, ..FakeEmbedder::new("fake", 3) });
    let vectors = EmbeddedVectors::open(folder.path(), &embedder.identity()).unwrap();
    let vectors = Arc::new(vectors);
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let memory = memory_with_vectors(clock, embedder.clone(), vectors.clone());
    Fixture { memory, embedder, vectors, _folder: folder }
}

fn note(collection: &str, key: &str, text: &str) -> NewDocument {
    NewDocument {
        collection: collection.into(),
        key: key.into(),
        text: text.into(),
        source: "test".into(),
        ..NewDocument::default()
    }
}

fn privacy(label: Option<Privacy>) -> CollectionChange {
    CollectionChange { privacy: Some(label), ..CollectionChange::default() }
}

fn length(characters: Option<u32>) -> CollectionChange {
    CollectionChange { chunk_characters: Some(characters), ..CollectionChange::default() }
}

fn embedded(is_embedded: bool) -> CollectionChange {
    CollectionChange { embedded: Some(Some(is_embedded)), ..CollectionChange::default() }
}

impl Fixture {
    async fn set(&self, collection: &str, change: CollectionChange) {
        self.memory.change_collection(collection, change).await.unwrap();
    }

    async fn ingest(&self, document: NewDocument) -> Outcome {
        let content = Content::Text(document.text.clone());
        let incoming = Incoming { name: String::new(), content, document, supersedes: None };
        self.memory.ingest(incoming).await.unwrap().outcome
    }

    async fn labels(&self, collection: &str) -> Vec<Privacy> {
        let page = PageRequest::default();
        let listed = self.memory.list_documents(&Filter::of_collection(collection), &page).await.unwrap();
        listed.items.into_iter().map(|listed| listed.document.privacy).collect()
    }

    async fn chunks(&self, id: &kernel::DocumentId) -> Vec<String> {
        self.memory.chunks(id).await.unwrap().into_iter().map(|chunk| chunk.content.text).collect()
    }
}

#[tokio::test]
async fn what_comes_into_a_local_collection_is_local_by_whatever_way_it_comes() {
    let f = fixture(true);
    for collection in ["diary", "facts", "decisions", "errors", "dispatches"] {
        f.set(collection, privacy(Some(Privacy::Local))).await;
    }
    f.memory.remember(note("diary", "remembered", "one")).await.unwrap();
    assert_eq!(f.ingest(note("diary", "ingested", "two")).await, Outcome::New);
    assert_eq!(f.ingest(note("diary", "ingested", "two")).await, Outcome::Unchanged);
    let mut archive = tempfile::tempfile().unwrap();
    archive.write_all(b"# A note\n\nthree").unwrap();
    let options = ImportOptions {
        name: "note.md".into(),
        collection: Some("diary".into()),
        overwrite: true,
        ..ImportOptions::default()
    };
    let mut import = f.memory.import(archive, options);
    while let Some(event) = import.next().await.unwrap() {
        if let ImportEvent::Document(document) = event {
            document.result.unwrap();
        }
    }
    assert_eq!(f.labels("diary").await, [Privacy::Local; 3]);

    let fact = NewFact {
        agent: "scout".into(),
        key: "k".into(),
        value: json!("kumquat"),
        privacy: Privacy::Shareable,
        expires_at: None,
        expected_version: None,
        actor: Actor::Owner,
    };
    assert_eq!(f.memory.set_fact(fact).await.unwrap().privacy, Privacy::Local);
    assert_eq!(f.memory.fact("scout", "k").await.unwrap().privacy, Privacy::Local);
    let entry = |title: &str| NewLogEntry::titled(title, Actor::Owner);
    assert_eq!(f.memory.log_decision(entry("Ship it")).await.unwrap().privacy, Privacy::Local);
    assert_eq!(f.memory.log_error(entry("It broke")).await.unwrap().privacy, Privacy::Local);
    let dispatch = NewDispatch {
        prompt: "Water the ficus".into(),
        task_type: "auto".into(),
        plan: json!({}),
        actor: Actor::Owner,
        request_id: None,
    };
    f.memory.log_dispatch(dispatch).await.unwrap();
    for collection in ["facts", "decisions", "errors", "dispatches"] {
        assert_eq!(f.labels(collection).await, [Privacy::Local], "{collection}");
    }
}

#[tokio::test]
async fn a_document_is_made_shareable_only_after_its_collection() {
    let f = fixture(true);
    let id = f.memory.remember(note("diary", "k", "one")).await.unwrap();
    f.set("diary", privacy(Some(Privacy::Local))).await;
    let share = || DocumentChange { privacy: Some(Privacy::Shareable), ..DocumentChange::default() };
    assert_eq!(f.memory.change(&id, share()).await.unwrap_err().code, "collection_is_local");
    f.set("diary", privacy(None)).await;
    assert_eq!(f.labels("diary").await, [Privacy::Local]);
    assert_eq!(f.memory.change(&id, share()).await.unwrap().privacy, Privacy::Shareable);
}

#[tokio::test]
async fn vectors_made_elsewhere_leave_the_index_when_their_collection_becomes_local() {
    let f = fixture(false);
    f.memory.remember(note("diary", "k", "one")).await.unwrap();
    f.memory.remember(note("notes", "k", "two")).await.unwrap();
    f.memory.catch_up().await.unwrap();
    assert_eq!(f.vectors.count().await.unwrap(), 2);
    f.set("diary", privacy(Some(Privacy::Local))).await;
    f.memory.remember(note("diary", "later", "three")).await.unwrap();
    f.memory.catch_up().await.unwrap();
    assert_eq!(f.vectors.count().await.unwrap(), 1);
    assert_eq!(f.embedder.given.lock().len(), 2, "what is local is given to nobody elsewhere");
}

#[tokio::test]
async fn another_length_divides_anew_and_embeds_only_what_is_new() {
    let f = fixture(true);
    let long = "A sentence about the ficus and its water. ".repeat(20);
    let long = f.memory.remember(note("notes", "long", &long)).await.unwrap();
    let short = f.memory.remember(note("notes", "short", "A kumquat is a fruit.")).await.unwrap();
    f.memory.catch_up().await.unwrap();
    assert_eq!((f.chunks(&long).await.len(), f.embedder.given.lock().len()), (1, 2));
    f.set("notes", length(Some(300))).await;
    let waiting = async || {
        let notes = f.memory.collection("notes").await.unwrap();
        notes.contents.unwrap().to_divide
    };
    assert_eq!(waiting().await, 2);
    let found = f.memory.search(Query::new("ficus", 3)).await.unwrap().hits;
    assert_eq!(found[0].document.id, long, "it is found meanwhile");
    f.memory.catch_up().await.unwrap();
    let pieces = f.chunks(&long).await;
    assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.chars().count() <= 300), "{pieces:?}");
    assert_eq!((f.chunks(&short).await.len(), waiting().await), (1, 0));
    let given = f.embedder.given.lock().iter().filter(|(text, _)| text.contains("kumquat")).count();
    assert_eq!(given, 1, "what says the same is not embedded again");
    assert_eq!(f.vectors.count().await.unwrap(), pieces.len() as u64 + 1);

    let later = "Another sentence about tulips in the spring. ".repeat(20);
    f.ingest(note("notes", "later", &later)).await;
    let listed = f.memory.search(Query::new("tulips", 9)).await.unwrap().hits;
    assert!(f.chunks(&listed[0].document.id).await.iter().all(|piece| piece.chars().count() <= 300));
    f.set("notes", length(None)).await;
    f.memory.catch_up().await.unwrap();
    assert_eq!(f.chunks(&long).await.len(), 1);
    for characters in [0, 199, 4_001] {
        let refused = f.memory.change_collection("notes", length(Some(characters))).await.unwrap_err();
        assert_eq!(refused.code, "chunk_size_out_of_range");
    }
}

#[tokio::test]
async fn without_vectors_a_collection_is_found_by_words_and_with_them_again_nothing_is_made_twice() {
    let f = fixture(true);
    f.memory.remember(note("notes", "one", "The ficus needs water.")).await.unwrap();
    f.memory.catch_up().await.unwrap();
    let counts = async || {
        let given = f.embedder.given.lock().len();
        (given, f.vectors.count().await.unwrap())
    };
    assert_eq!(counts().await, (1, 1));
    f.set("notes", embedded(false)).await;
    f.memory.remember(note("notes", "two", "A kumquat is a fruit.")).await.unwrap();
    f.memory.catch_up().await.unwrap();
    assert_eq!(counts().await, (1, 0));
    assert_eq!(f.memory.collection("notes").await.unwrap().vectors, None);
    let found = f.memory.search(Query::new("kumquat", 3)).await.unwrap().hits;
    assert_eq!(found[0].document.key, "two");
    f.set("notes", embedded(true)).await;
    f.memory.catch_up().await.unwrap();
    let before = f.embedder.given.lock().iter().filter(|(text, _)| text.contains("ficus")).count();
    assert_eq!((before, f.vectors.count().await.unwrap()), (1, 2));
    let (embedder, vectors) = f.memory.collection("notes").await.unwrap().vectors.unwrap();
    assert_eq!((embedder.name.as_str(), embedder.dimensions, vectors), ("fake", 3, 2));
}

#[tokio::test]
async fn the_well_known_are_there_before_anything_is_and_ones_own_once_it_is_set_up() {
    let f = fixture(true);
    let names = async || -> Vec<String> {
        f.memory.collections().await.unwrap().into_iter().map(|collection| collection.name).collect()
    };
    let known = names().await;
    assert_eq!(known, memory::collection::WELL_KNOWN);
    f.set("diary", privacy(Some(Privacy::Shareable))).await;
    assert!(names().await.contains(&"diary".to_owned()));
    f.set("diary", privacy(None)).await;
    assert_eq!(names().await, known);
    assert_eq!(f.memory.collection("diary").await.unwrap_err().code, "collection_not_found");
    let refused = f.memory.change_collection("My Diary", privacy(None)).await.unwrap_err();
    assert_eq!(refused.code, "invalid_collection");
}
