//! What taking documents in promises.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::sync::Arc;

use kernel::{FixedClock, PageRequest, Timestamp};
use memory::document::Attributes;
use memory::{Content, Filter, Incoming, Ingested, Memory, NewDocument, Outcome, Query};

fn memory() -> Memory {
    memory::testing::memory(Arc::new(FixedClock::at(Timestamp(1_700_000_000_000))))
}

fn file(name: &str, bytes: &[u8]) -> Incoming {
    let content = Content::File { bytes: bytes.to_vec(), media_type: None };
    Incoming { name: name.into(), content, document: NewDocument::default(), supersedes: None }
}

fn text(text: &str, document: NewDocument) -> Incoming {
    Incoming { name: String::new(), content: Content::Text(text.into()), document, supersedes: None }
}

async fn ingest(memory: &Memory, incoming: Incoming) -> Result<Ingested, &'static str> {
    memory.ingest(incoming).await.map_err(|error| {
        assert!(error.hint.is_some(), "{error:?}");
        error.code
    })
}

#[tokio::test]
async fn a_document_goes_where_its_kind_belongs_and_is_found() {
    let memory = memory();
    let check = async |name: &str, bytes: &str, collection: &str, query: &str| {
        let ingested = ingest(&memory, file(name, bytes.as_bytes())).await.unwrap();
        assert_eq!((ingested.collection.as_str(), ingested.outcome), (collection, Outcome::New), "{name}");
        let hits = memory.search(Query::new(query, 3)).await.unwrap().hits;
        assert_eq!(hits[0].document.id, ingested.id, "{name}");
        assert_eq!(hits[0].document.key, name);
    };
    check("garden.md", "# Garden\n\nThe ficus needs water.", "notes", "ficus").await;
    check("lib.rs", "/// Waters it.\npub fn irrigate(plant: &str) {}\n", "code", "irrigate").await;
    check("sales.csv", "region,total\nnorth,12\nsouth,kumquat\n", "files", "kumquat").await;
    let mail = "From: Ana <ana@example.org>\r\nTo: b@example.org\r\nSubject: Orcamento\r\nDate: Tue, 3 Mar 2026 10:00:00 +0000\r\n\r\nThe quotation is ready.\r\n";
    check("mail.eml", mail, "emails", "quotation").await;
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260403T090000Z\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    check("plan.ics", event, "calendar", "dentist").await;
    let document =
        memory.list_documents(&Filter::of_collection("code"), &PageRequest::default()).await.unwrap();
    assert_eq!(document.items[0].document.attributes["language"], "rust");
}

#[tokio::test]
async fn the_same_again_costs_nothing_and_a_change_only_what_changed() {
    let memory = memory();
    let paragraphs = |last: &str| {
        let section = |n: usize| format!("# Section {n}\n\n{}", format!("words of section {n} ").repeat(30));
        let sections: Vec<String> = (0..6).map(section).collect();
        format!("{}\n\n# Last\n\n{}", sections.join("\n\n"), last.repeat(20))
    };
    let first = ingest(&memory, file("long.md", paragraphs("the ficus ").as_bytes())).await.unwrap();
    assert_eq!(first.outcome, Outcome::New);
    let again = ingest(&memory, file("long.md", paragraphs("the ficus ").as_bytes())).await.unwrap();
    assert_eq!((again.outcome, &again.id, again.chunks), (Outcome::Unchanged, &first.id, first.chunks));
    let changed = ingest(&memory, file("long.md", paragraphs("the kumquat ").as_bytes())).await.unwrap();
    assert_eq!((changed.outcome, &changed.id), (Outcome::Changed(1), &first.id));
    assert!(memory.search(Query::new("ficus", 5)).await.unwrap().hits.is_empty());
    assert!(!memory.search(Query::new("kumquat", 5)).await.unwrap().hits.is_empty());
    // Another label is a change, even of the same bytes.
    let mut local = file("long.md", paragraphs("the kumquat ").as_bytes());
    local.document.privacy = kernel::Privacy::Local;
    assert_eq!(ingest(&memory, local).await.unwrap().outcome, Outcome::Changed(0));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name_and_keeps_nothing_from_being_read() {
    let memory = memory();
    let check = async |name: &str, bytes: &[u8], code: &str| {
        assert_eq!(ingest(&memory, file(name, bytes)).await, Err(code), "{name}");
    };
    check("broken.pdf", b"%PDF-1.7\n1 0 obj << /Type", "document_damaged").await;
    check("picture.png", b"\x89PNG\r\n\x1a\n0000", "unsupported_format").await;
    check("empty.txt", b"", "document_empty").await;
    check("blank.md", b" \n\t\n", "document_empty").await;
    let mut unnamed = file("fine.txt", b"fine");
    unnamed.document.collection = "No Name".into();
    assert_eq!(ingest(&memory, unnamed).await, Err("invalid_collection"));
    let latin = ingest(
        &memory,
        file("latin.txt", b"A reuni\xe3o \xe9 em mar\xe7o, \xe0s nove, com a Concei\xe7\xe3o."),
    )
    .await;
    assert!(latin.is_ok(), "{latin:?}");
    assert!(!memory.search(Query::new("reunião", 3)).await.unwrap().hits.is_empty());
}

#[tokio::test]
async fn a_text_needs_no_name() {
    let memory = memory();
    let notes = || NewDocument { collection: "notes".into(), ..NewDocument::default() };
    let first = ingest(&memory, text("The ficus needs water.", notes())).await.unwrap();
    let again = ingest(&memory, text("The ficus needs water.", notes())).await.unwrap();
    assert_eq!((again.id, again.outcome), (first.id, Outcome::Unchanged));
    let brand = NewDocument {
        attributes: Attributes::from([("brand_id".to_owned(), "b1".to_owned())]),
        key: "soul".into(),
        format: "markdown".into(),
        ..notes()
    };
    ingest(&memory, text("# Soul\n\nCalm and warm.", brand)).await.unwrap();
    let mut filter = Filter::default();
    filter.add("brand_id", "b1").unwrap();
    let hits = memory.search(Query { filter, ..Query::new("calm water", 5) }).await.unwrap().hits;
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].document.key, "soul");
    let unknown =
        NewDocument { attributes: Attributes::from([("mood".to_owned(), "x".to_owned())]), ..notes() };
    assert_eq!(ingest(&memory, text("x", unknown)).await, Err("unknown_field"));
}
