//! Exports that come back as they were.

use std::io::{Cursor, Read};

use kernel::{Privacy, Timestamp};
use memory::archive::{ExportFormat, ImportOptions};
use memory::document::{ATTRIBUTES, Attributes};
use memory::{Content, DocumentChange, Filter, Incoming, NewChunk, NewDocument};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{World, world};

const FORMATS: [(ExportFormat, &str); 2] =
    [(ExportFormat::Jsonl, "jsonl"), (ExportFormat::Markdown, "markdown")];

/// That an export in either format, imported elsewhere, is exported alike.
async fn check_round_trip(from: &World) {
    for (format, name) in FORMATS {
        let exported = from.export(format, Filter::default()).await;
        let other = world();
        let came = other.import("export", &exported).await;
        assert_eq!((came.recognised, came.totals.failed), (Some(name), 0), "{came:?}");
        let again = other.export(format, Filter::default()).await;
        assert!(exported == again, "{name}:\n{}\n{}", shown(&exported), shown(&again));
        let twice = other.import("export", &exported).await;
        let expected =
            memory::archive::Totals { unchanged: came.totals.new, ..memory::archive::Totals::default() };
        assert_eq!(twice.totals, expected, "{name}: {twice:?}");
        assert!(other.export(format, Filter::default()).await == exported, "{name}");
    }
}

/// What is in an export, for people.
fn shown(bytes: &[u8]) -> String {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let mut shown = String::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        shown.push_str(&format!("== {}\n{text:?}\n", entry.name()));
    }
    shown
}

fn note(key: &str, text: &str) -> NewDocument {
    NewDocument { collection: "notes".into(), key: key.into(), text: text.into(), ..NewDocument::default() }
}

async fn filled() -> World {
    let world = world();
    for (key, text) in [
        ("plain", "A note."),
        ("Plain", "Another, to some systems the same file."),
        ("meetings/march.md", "---\ntitle: Mine\n---\n# Heading\n\ntext without an end"),
        ("fence", "---\n---\n---\n"),
        ("crlf", "one\r\ntwo\r\n\r\n"),
        ("odd", "\u{feff}\u{1}\u{7f}\u{85}\u{2028}\t\u{10ffff} \u{1b}[31m e\u{301}é"),
        ("", "called after its digest"),
        ("empty", ""),
        ("con", "a name that Windows keeps for itself"),
        ("../../etc/passwd", "leads nowhere"),
    ] {
        let mut document = note(key, text);
        if key.is_empty() {
            document.key = "a \"key\": with 'signs' | # & — 🚀".into();
        }
        document.format = "markdown".into();
        world.memory.remember(document).await.unwrap();
    }
    let chat = br#"[{"author":"Ana","text":"The ficus","time":"2026-01-02T03:04:05Z"},{"author":"Bo","text":"Water it","time":"2026-01-02T03:05:05Z"}]"#;
    let content = Content::File { bytes: chat.to_vec(), media_type: None };
    let incoming =
        Incoming { name: "talk.json".into(), content, document: NewDocument::default(), supersedes: None };
    world.memory.ingest(incoming).await.unwrap();
    let mut full = note("full", "Everything is known of it.");
    full.title = "A \"title\": - yes".into();
    full.author = Some("Ana\nBo".into());
    full.privacy = Privacy::Local;
    full.attributes =
        Attributes::from([("brand_id".into(), "{x: [y]}".into()), ("url".into(), "https://a.b/?c#d".into())]);
    (full.occurred_at, full.expires_at) = (Some(Timestamp(-1)), Some(Timestamp(i64::MAX)));
    let place = json!({"pages": {"first": 1, "last": 2}, "x": 0.1});
    let chunk = NewChunk {
        text: "Everything".into(),
        headings: vec!["A".into(), "B".into()],
        place,
        ..NewChunk::default()
    };
    world.memory.remember_chunks(full, &[chunk]).await.unwrap();
    let old = world.memory.remember(note("a price", "It costs 20.")).await.unwrap();
    let new = world.memory.remember(note("price", "It costs 30.")).await.unwrap();
    world.memory.supersede(&old, Some(&new)).await.unwrap();
    world
}

#[tokio::test]
async fn what_is_exported_comes_back_the_same_byte_by_byte() {
    check_round_trip(&filled().await).await;
    check_round_trip(&world()).await;
}

/// More than are read, and far more than are stored, at once.
#[tokio::test]
async fn a_long_export_comes_back_whole() {
    let world = world();
    for number in 0..450 {
        world.memory.remember(note(&format!("{number:03}"), &"words ".repeat(number))).await.unwrap();
    }
    for (format, _) in FORMATS {
        let exported = world.export(format, Filter::default()).await;
        let other = self::world();
        let came = other.import("export", &exported).await;
        assert_eq!((came.totals.new, came.outcomes.len()), (450, 450));
        let names: Vec<&str> = came.outcomes.iter().map(|(name, _)| name.as_str()).collect();
        assert!(names.is_sorted(), "they are told of in their order");
        assert!(other.export(format, Filter::default()).await == exported);
    }
}

fn arbitrary_text(longest: usize) -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        4 => any::<char>(),
        2 => prop::sample::select(vec!['\n', '\r', '-', ' ', '#', ':', '"', '\'', '\\', '\t', '\u{1}', '\u{85}', '\u{2028}', '\u{feff}']),
        4 => prop::char::range('a', 'z'),
    ];
    prop::collection::vec(letter, 0..longest).prop_map(|letters| letters.into_iter().collect())
}

fn arbitrary_document() -> impl Strategy<Value = NewDocument> {
    let moment = || prop::option::of(any::<i64>().prop_map(Timestamp));
    let attributes =
        prop::collection::btree_map(prop::sample::select(ATTRIBUTES.to_vec()), arbitrary_text(20), 0..4);
    let key = prop_oneof![arbitrary_text(12), arbitrary_text(500), "[a-zA-Z./ -]{1,6}"];
    (
        ("[a-c]|con", key, arbitrary_text(40), arbitrary_text(200)),
        (arbitrary_text(20), any::<bool>(), prop::sample::select(vec!["", "markdown", "code", "x\ny"])),
        (prop::option::of(arbitrary_text(20)), attributes, moment(), moment()),
    )
        .prop_map(|((collection, key, title, text), (source, is_local, format), rest)| {
            let key: String = key.chars().filter(|letter| !letter.is_control()).collect();
            NewDocument {
                collection,
                key: if key.is_empty() { "k".into() } else { key },
                title,
                text,
                source,
                privacy: if is_local { Privacy::Local } else { Privacy::Shareable },
                format: format.into(),
                author: rest.0,
                attributes: rest.1.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
                occurred_at: rest.2,
                expires_at: rest.3,
            }
        })
}

fn cases() -> u32 {
    let nightly = std::env::var("ATELIER_TEST_PROFILE").is_ok_and(|profile| profile == "nightly");
    if nightly { 2_000 } else { 32 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn any_documents_come_back_the_same(documents in prop::collection::vec(arbitrary_document(), 0..6)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let world = world();
            for document in documents {
                world.memory.remember(document).await.unwrap();
            }
            check_round_trip(&world).await;
        });
    }
}

#[tokio::test]
async fn what_is_local_is_left_out_when_only_shareable_is_asked_for() {
    let world = filled().await;
    let filter = Filter { strictest: Some(Privacy::Shareable), ..Filter::default() };
    for (format, _) in FORMATS {
        let all = shown(&world.export(format, Filter::default()).await);
        let some = shown(&world.export(format, filter.clone()).await);
        assert!(all.contains("Everything is known") && !some.contains("Everything is known"));
    }
}

#[tokio::test]
async fn what_is_newer_here_is_kept_and_what_is_local_stays_local() {
    let world = world();
    let id = world.memory.remember(note("k", "first")).await.unwrap();
    for (format, _) in FORMATS {
        let old = world.export(format, Filter::default()).await;
        world.clock.advance(std::time::Duration::from_secs(1));
        world.memory.remember(note("k", "second")).await.unwrap();
        let came = world.import("old", &old).await;
        assert_eq!((came.totals.kept, world.text("notes", "k").await.as_deref()), (1, Some("second")));
        let overwrite = ImportOptions { overwrite: true, ..ImportOptions::default() };
        let dry = ImportOptions { dry_run: true, ..overwrite.clone() };
        assert_eq!(world.import_with(&old, dry).await.totals.changed, 1);
        assert_eq!(world.text("notes", "k").await.as_deref(), Some("second"));
        assert_eq!(world.import_with(&old, overwrite).await.totals.changed, 1);
        assert_eq!(world.text("notes", "k").await.as_deref(), Some("first"));
    }
    let open = world.export(ExportFormat::Jsonl, Filter::default()).await;
    let came =
        world.import_with(&open, ImportOptions { privacy: Privacy::Local, ..ImportOptions::default() }).await;
    assert_eq!(came.totals.changed, 1, "{came:?}");
    assert_eq!(world.memory.document(&id).await.unwrap().privacy, Privacy::Local);
    assert_eq!(world.import("open", &open).await.totals.unchanged, 1);
    assert_eq!(world.memory.document(&id).await.unwrap().privacy, Privacy::Local);
    let change = DocumentChange { title: Some("Newer".into()), ..DocumentChange::default() };
    world.clock.advance(std::time::Duration::from_secs(1));
    world.memory.change(&id, change).await.unwrap();
    assert_eq!(world.import("open", &open).await.totals.kept, 1);
}

#[tokio::test]
async fn a_file_that_was_edited_is_taken_as_it_is_now() {
    let world = world();
    world.memory.remember(note("k", "The ficus needs water.")).await.unwrap();
    let exported = world.export(ExportFormat::Markdown, Filter::default()).await;
    let file = {
        let mut archive = zip::ZipArchive::new(Cursor::new(&exported)).unwrap();
        let mut text = String::new();
        archive.by_name("notes/k.md").unwrap().read_to_string(&mut text).unwrap();
        text
    };
    // As an editor of front matter writes it.
    let edited =
        file.replace("title: \"\"", "title: Plants\ntags:").replace("tags:\n", "").replace("needs", "has");
    let edited = edited.replace("\"notes\"", "notes").replace("\"memory/1\"", "memory/1");
    assert_ne!(file, edited);
    let came = world.import("k.md", edited.as_bytes()).await;
    assert_eq!((came.recognised, came.totals.changed), (Some("markdown"), 1), "{came:?}");
    let document = world.document("notes", "k").await.unwrap();
    assert_eq!((document.text.as_str(), document.title.as_str()), ("The ficus has water.", "Plants"));
    assert_eq!(document.updated_at, kernel::Clock::now(&*world.clock));
    assert_eq!(world.import("k.md", edited.as_bytes()).await.totals.unchanged, 1);
    assert_eq!(world.import("k.md", file.as_bytes()).await.totals.kept, 1);
}

#[tokio::test]
async fn everything_can_go_to_another_collection() {
    let world = filled().await;
    let exported = world.export(ExportFormat::Jsonl, Filter::of_collection("notes")).await;
    let options = ImportOptions { collection: Some("elsewhere".into()), ..ImportOptions::default() };
    let came = world.import_with(&exported, options).await;
    assert_eq!(came.totals.new, 13);
    assert_eq!(world.keys("elsewhere").await, world.keys("notes").await);
}

#[tokio::test]
async fn a_line_that_is_no_document_keeps_no_other_from_coming_back() {
    let world = world();
    let good = |key: &str| {
        format!(
            r#"{{"collection":"notes","key":"{key}","privacy":"shareable","created_at":"2026-01-01","updated_at":1,"text":"t"}}"#
        )
    };
    let lines = [
        r#"{"atelier":"memory","version":1}"#.to_owned(),
        good("a"),
        "not json".into(),
        String::new(),
        good("b").replace("notes", "No Name"),
        good("c").replace("shareable", "secret"),
        good("d").replace("\"text\"", "\"colour\""),
        good(""),
        good("a"),
        good("e"),
    ];
    let came = world.import("x.jsonl", lines.join("\n").as_bytes()).await;
    let codes: Vec<&str> = came.outcomes.iter().map(|(_, outcome)| outcome.as_str()).collect();
    let expected = [
        "new",
        "record_damaged",
        "invalid_collection",
        "record_damaged",
        "record_damaged",
        "invalid_key",
        "unchanged",
        "new",
    ];
    assert_eq!(codes, expected, "{came:?}");
    assert_eq!(came.outcomes[1].0, "line 3");
    let newer = world.import("x.jsonl", br#"{"atelier":"memory","version":2}"#).await;
    assert_eq!((newer.recognised, newer.broken), (None, Some("archive_too_new")));
}
