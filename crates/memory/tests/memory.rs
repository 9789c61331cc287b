//! What the service promises, over the store double.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, FixedClock, Kind, PageRequest, Timestamp};
use memory::ingest::Earlier;
use memory::testing::{
    FakeMemoryStore, collection_contract, contract, embedding_contract, fact_contract, log_contract,
    summary_contract, vector_contract,
};
use memory::{
    DividedVectors, DocumentChange, EmbeddedVectors, EmbedderIdentity, Filter, Hit, LogFilter, LogKind,
    Memory, NewDispatch, NewDocument, NewFact, NewLogEntry, Query, VectorIndex,
};
use serde_json::{Value, json};

struct Fixture {
    memory: Memory,
    clock: Arc<FixedClock>,
}

fn fixture() -> Fixture {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let memory = memory::testing::memory(clock.clone());
    Fixture { memory, clock }
}

impl Fixture {
    async fn remember(&self, key: &str, title: &str, text: &str) {
        self.clock.advance(Duration::from_secs(1));
        let new = NewDocument {
            collection: "notes".into(),
            key: key.into(),
            title: title.into(),
            text: text.into(),
            source: format!("test:{key}"),
            ..NewDocument::default()
        };
        self.memory.remember(new).await.unwrap();
    }

    async fn dispatch(&self, prompt: &str) {
        self.clock.advance(Duration::from_secs(1));
        let plan = json!({"title": "A plan", "steps": [{"id": "s1", "title": "Water the ficus"}]});
        let new = NewDispatch {
            prompt: prompt.into(),
            task_type: "auto".into(),
            plan,
            actor: Actor::Owner,
            request_id: None,
        };
        self.memory.log_dispatch(new).await.unwrap();
    }

    async fn search(&self, text: &str) -> Vec<Hit> {
        let hits = self.memory.search(Query::new(text, 10)).await.unwrap().hits;
        for hit in &hits {
            let sum: f64 = hit.parts.iter().map(memory::Part::share).sum();
            assert!((hit.score - sum).abs() < 1e-9, "{hit:?}");
            let features: Vec<_> = hit.parts.iter().map(|part| part.feature).collect();
            assert_eq!(features, memory::FEATURES);
        }
        hits
    }

    async fn keys(&self, text: &str) -> Vec<String> {
        self.search(text).await.into_iter().map(|hit| hit.document.key).collect()
    }

    async fn search_error(&self, text: &str, limit: usize) -> (Kind, &'static str) {
        let error = self.memory.search(Query::new(text, limit)).await.unwrap_err();
        assert!(error.hint.is_some());
        (error.kind, error.code)
    }
}

#[tokio::test]
async fn the_double_keeps_the_contracts() {
    contract(Arc::new(FakeMemoryStore::default())).await;
    let store = Arc::new(FakeMemoryStore::default());
    collection_contract(store.clone(), store).await;
    let store = Arc::new(FakeMemoryStore::default());
    embedding_contract(store.clone(), store).await;
    let store = Arc::new(FakeMemoryStore::default());
    log_contract(store.clone(), store).await;
    let store = Arc::new(FakeMemoryStore::default());
    fact_contract(store.clone(), store).await;
    summary_contract(Arc::new(FakeMemoryStore::default())).await;
}

#[tokio::test]
async fn the_embedded_index_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |identity: &EmbedderIdentity| {
        Arc::new(EmbeddedVectors::open(folder.path(), identity).unwrap()) as Arc<dyn VectorIndex>
    };
    vector_contract(open).await;
}

#[tokio::test]
async fn two_indices_keep_the_contract_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let open = async |identity: &EmbedderIdentity| {
        let part = |name: &str| Arc::new(EmbeddedVectors::open(&folder.path().join(name), identity).unwrap());
        Arc::new(DividedVectors::new(part("here"), part("elsewhere"))) as Arc<dyn VectorIndex>
    };
    vector_contract(open).await;
}

#[tokio::test]
async fn questions_find_answers_in_english_and_portuguese() {
    let f = fixture();
    f.remember("invoices", "Billing", "We decided to send the invoices on the first Monday of each month.")
        .await;
    f.remember("vendas", "Relatório de vendas", "As vendas de março cresceram 12% em São Paulo.").await;
    f.remember("what", "Noise", "What did we do? When did we do it? Who was it?").await;
    assert_eq!(f.keys("When do we send the invoices?").await[0], "invoices");
    assert_eq!(f.keys("Como foram as vendas em SAO PAULO?").await[0], "vendas");
    assert_eq!(f.keys("relatório de março").await, ["vendas"]);
}

#[tokio::test]
async fn a_hit_shows_its_passage_and_its_fields() {
    let f = fixture();
    f.remember(
        "long",
        "Notes",
        &format!("{} The ficus\nneeds water. {}", "Filler words. ".repeat(50), "More. ".repeat(80)),
    )
    .await;
    let hit = f.search("ficus water").await.remove(0);
    assert!(hit.snippet.contains("The ficus needs water."), "{}", hit.snippet);
    assert!(hit.snippet.chars().count() <= 240);
    assert_eq!((hit.document.source.as_str(), hit.document.collection.as_str()), ("test:long", "notes"));
}

#[tokio::test]
async fn typos_find_what_no_keyword_finds() {
    let f = fixture();
    f.remember("report", "Quarterly report", "Revenue by region.").await;
    f.remember("garden", "Garden", "Tomatoes and basil.").await;
    f.remember("emoji", "", "We shipped it 🚀").await;
    f.remember("japanese", "", "明日会議をする").await;
    assert_eq!(f.keys("qarterly reprot").await, ["report"]);
    assert_eq!(f.keys("tomatos").await, ["garden"]);
    assert_eq!(f.keys("会議").await, ["japanese"]);
    assert_eq!(f.keys("🚀").await, ["emoji"]);
    assert!(f.keys("xylophone").await.is_empty());
}

#[tokio::test]
async fn newer_wins_among_equals_only() {
    let f = fixture();
    f.remember("old", "", "The ficus was watered.").await;
    f.clock.advance(Duration::from_secs(90 * 24 * 60 * 60));
    f.remember("new", "", "The ficus was watered.").await;
    f.remember("weaker", "", "A ficus, among many other plants of the office that nobody looks after.").await;
    assert_eq!(f.keys("watered ficus").await, ["new", "old", "weaker"]);
}

#[tokio::test]
async fn the_order_does_not_change_with_the_limit() {
    let f = fixture();
    for number in 0..130_usize {
        let text = format!("alpha {} beta {}", "gamma ".repeat(number % 7), "delta ".repeat(number % 11));
        f.remember(&number.to_string(), "", &text).await;
    }
    let query = async |limit| f.memory.search(Query::new("alpha gamma delta", limit)).await.unwrap().hits;
    let all = query(100).await;
    assert_eq!(all.len(), 100);
    for limit in [1, 2, 10, 99] {
        assert_eq!(query(limit).await, all[..limit], "{limit}");
    }
}

#[tokio::test]
async fn collections_and_sources_narrow_a_search() {
    let f = fixture();
    f.remember("a", "", "the ficus").await;
    f.dispatch("Water the ficus").await;
    assert_eq!(f.search("ficus").await.len(), 2);
    let narrowed = async |filter| {
        let found = f.memory.search(Query { filter, ..Query::new("ficus", 10) }).await.unwrap();
        found.hits.into_iter().map(|hit| hit.document.collection).collect::<Vec<_>>()
    };
    assert_eq!(narrowed(Filter::of_collection("notes")).await, ["notes"]);
    let others = Filter { excluded_source: Some("test:a".into()), ..Filter::default() };
    assert_eq!(narrowed(others).await, ["dispatches"]);
    let before = Filter { until: Some(Timestamp(1_700_000_001_001)), ..Filter::default() };
    assert_eq!(narrowed(before).await, ["notes"]);
    assert!(narrowed(Filter { author: Some("Ana".into()), ..Filter::default() }).await.is_empty());
}

#[tokio::test]
async fn impossible_searches_are_refused() {
    let f = fixture();
    for empty in ["", "   ", "?!…", "\0"] {
        assert_eq!(f.search_error(empty, 10).await, (Kind::Invalid, "empty_query"), "{empty:?}");
    }
    for long in ["x".repeat(100_000), "é ".repeat(1_001)] {
        assert_eq!(f.search_error(&long, 10).await, (Kind::Invalid, "query_too_long"));
    }
    for limit in [0, 101] {
        assert_eq!(f.search_error("word", limit).await, (Kind::Invalid, "limit_out_of_range"));
    }
    for odd in
        ["a".repeat(2_000), "\u{202e}\u{feff}x".into(), "\u{10ffff}a".into(), "ab ".repeat(666), "ﷺ".into()]
    {
        assert!(f.search(&odd).await.is_empty());
    }
}

#[tokio::test]
async fn recall_gives_what_bears_on_a_goal() {
    let f = fixture();
    f.remember("ficus", "Ficus care", "Water the ficus each Friday.").await;
    f.remember("friday", "Party", "The party is on Friday.").await;
    f.remember("mine", "The ficus", "Water it on Friday.").await;
    f.dispatch("Plan how to water the ficus on Friday").await;
    f.dispatch("Water the ficus again on Saturday").await;
    let recall = async |goal: &str| {
        let hits = f.memory.recall(goal, 5, "test:mine").await.unwrap();
        let mut titles: Vec<_> = hits.into_iter().map(|hit| hit.document.title).collect();
        titles.sort();
        titles
    };
    let found = recall("Plan how to water the ficus on Friday").await;
    assert_eq!(found, ["Ficus care", "Water the ficus again on Saturday"]);
    assert_eq!(recall("party").await, ["Party"], "one word is enough when it is the only one");
    assert!(recall("🎉").await.is_empty());
    assert!(recall("").await.is_empty());
    assert!(recall(&"nothing of the sort ".repeat(10_000)).await.is_empty());
}

#[tokio::test]
async fn every_dispatch_is_listed_and_found_by_prompt_and_plan() {
    let f = fixture();
    f.dispatch("Create a repo; add CI; write tests").await;
    f.dispatch("Organise the archive").await;
    let listed = f.memory.list_dispatches(&PageRequest::default()).await.unwrap().items;
    assert_eq!(listed.iter().map(|dispatch| dispatch.prompt.len()).collect::<Vec<_>>(), [20, 34]);
    let hits = f.search("tests").await;
    assert_eq!(hits[0].document.source, format!("dispatch:{}", listed[1].id));
    assert_eq!(hits[0].document.title, "Create a repo; add CI; write tests");
    assert_eq!(f.search("ficus").await.len(), 2, "both plans water it");
    f.dispatch(&format!("# A runbook\n\n{}", "line of a runbook\n".repeat(60_000))).await;
    let found = f.search("runbook").await;
    assert!(found.len() == 10 && found.iter().all(|hit| hit.document.title == "# A runbook"), "its parts");
}

#[tokio::test]
async fn a_snapshot_has_the_newest_dispatches_and_takes_no_ones_place() {
    let f = fixture();
    for number in 0..1_200 {
        f.dispatch(&format!("goal {number}")).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/for/it");
    let first = f.memory.snapshot(1_100, &folder).await.unwrap();
    let second = f.memory.snapshot(2, &folder).await.unwrap();
    assert_eq!((first.count, second.count), (1_100, 2));
    assert_ne!(first.path, second.path);
    let lines = |path: &std::path::Path| -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let prompts = |lines: &[Value]| -> Vec<String> {
        lines.iter().map(|line| line["prompt"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(prompts(&lines(&second.path)), ["goal 1198", "goal 1199"]);
    let expected: Vec<String> = (100..1_200).map(|number| format!("goal {number}")).collect();
    assert_eq!(prompts(&lines(&first.path)), expected);
    let line = &lines(&second.path)[1];
    assert_eq!(line["created_at"], json!(f.clock.now().to_string()));
    assert_eq!((&line["actor"], &line["task_type"]), (&json!("owner"), &json!("auto")));
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["snapshot-2023-11-14T22-33-20.000Z-2.jsonl", "snapshot-2023-11-14T22-33-20.000Z.jsonl"]
    );
}

#[tokio::test]
async fn a_snapshot_that_cannot_be_written_says_why() {
    let f = fixture();
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = f.memory.snapshot(10, file.path()).await.unwrap_err();
    assert_eq!((error.kind, error.code), (Kind::Unavailable, "snapshot_failed"));
    for limit in [0, 10_001] {
        assert_eq!(f.memory.snapshot(limit, file.path()).await.unwrap_err().code, "limit_out_of_range");
    }
}

#[tokio::test]
async fn a_document_can_be_read_listed_and_forgotten() {
    let f = fixture();
    f.remember("one", "One", "first").await;
    let listed = f
        .memory
        .list_documents(&Filter::of_collection("notes"), &PageRequest::default())
        .await
        .unwrap()
        .items;
    let id = &listed[0].document.id;
    let document = f.memory.document(id).await.unwrap();
    assert_eq!((document.key.as_str(), document.text.as_str()), ("one", "first"));
    let title = DocumentChange { title: Some("Another".into()), ..DocumentChange::default() };
    assert_eq!(f.memory.change(id, title).await.unwrap().title, "Another");
    assert_eq!(f.keys("another").await, ["one"]);
    f.memory.forget(id).await.unwrap();
    assert_eq!(f.memory.forget(id).await.unwrap_err().code, "document_not_found");
    assert_eq!(f.memory.document(id).await.unwrap_err().kind, Kind::NotFound);
    assert!(f.search("first").await.is_empty());
}

#[tokio::test]
async fn a_late_passage_of_a_long_document_is_shown() {
    let f = fixture();
    f.remember("long", "", &format!("{} The ficus needs water.", "filler ".repeat(30_000))).await;
    assert!(f.search("ficus").await[0].snippet.contains("The ficus needs water."));
}

fn fact(key: &str, value: Value) -> NewFact {
    NewFact {
        agent: "scout".into(),
        key: key.into(),
        value,
        privacy: kernel::Privacy::default(),
        expires_at: None,
        expected_version: None,
        actor: Actor::Owner,
    }
}

#[tokio::test]
async fn what_an_agent_learned_is_found_until_it_learns_otherwise() {
    let f = fixture();
    f.memory.set_fact(fact("customers/ana", json!("Ana prefers e-mail"))).await.unwrap();
    f.memory.set_fact(fact("cursor", json!({"page": 3}))).await.unwrap();
    assert_eq!(f.keys("how does Ana like to be contacted: e-mail?").await, ["scout/customers/ana"]);
    let set = f.memory.set_fact(fact("customers/ana", json!("Ana prefers the telephone"))).await.unwrap();
    assert_eq!(set.version, 2);
    assert!(f.search("e-mail").await.is_empty());
    assert_eq!(f.keys("telephone").await, ["scout/customers/ana"]);
    let versions = f.memory.fact_history("scout", "customers/ana").await.unwrap();
    // Undoing is setting what was there.
    let before = versions[1].value.clone().unwrap();
    f.memory.set_fact(fact("customers/ana", before)).await.unwrap();
    assert_eq!(f.keys("e-mail").await, ["scout/customers/ana"]);
    f.memory.delete_fact("scout", "customers/ana", &Actor::Owner).await.unwrap();
    assert!(f.search("e-mail").await.is_empty());
    assert_eq!(f.memory.fact("scout", "customers/ana").await.unwrap_err().code, "fact_not_found");
    assert_eq!(f.memory.fact_history("scout", "customers/ana").await.unwrap().len(), 4);
}

#[tokio::test]
async fn what_has_expired_is_neither_shown_nor_found() {
    let f = fixture();
    let expires_at = Some(f.clock.now().plus(Duration::from_secs(60)));
    f.memory.set_fact(NewFact { expires_at, ..fact("offer", json!("Ten percent off")) }).await.unwrap();
    assert_eq!(f.keys("percent").await, ["scout/offer"]);
    f.clock.advance(Duration::from_secs(60));
    assert!(f.search("percent").await.is_empty());
    for error in [
        f.memory.fact("scout", "offer").await.unwrap_err(),
        f.memory.fact_history("scout", "offer").await.unwrap_err(),
    ] {
        assert_eq!(error.code, "fact_not_found");
    }
    let late = f.memory.set_fact(NewFact { expires_at, ..fact("offer", json!("Late")) }).await.unwrap_err();
    assert_eq!(late.code, "fact_expired");
}

#[tokio::test]
async fn a_fact_somebody_else_has_set_meanwhile_is_not_overwritten() {
    let f = fixture();
    let first = f.memory.set_fact(fact("n", json!(1))).await.unwrap();
    f.memory.set_fact(fact("n", json!(2))).await.unwrap();
    let expected_version = Some(first.version);
    let lost = f.memory.set_fact(NewFact { expected_version, ..fact("n", json!(3)) }).await.unwrap_err();
    assert_eq!((lost.kind, lost.code), (Kind::Conflict, "fact_changed"));
    assert_eq!(f.memory.fact("scout", "n").await.unwrap().value, json!(2));
}

#[tokio::test]
async fn decisions_and_errors_are_found_by_what_they_say() {
    let f = fixture();
    let entry = |title: &str, detail: &str| NewLogEntry {
        detail: detail.into(),
        agent: Some("planner".into()),
        ..NewLogEntry::titled(title, Actor::Owner)
    };
    let earlier =
        f.memory.log_decision(entry("Invoices go out on Mondays", "Ana asked for it")).await.unwrap();
    f.memory.log_decision(entry("Logs are kept for a week", "")).await.unwrap();
    f.memory.log_error(entry("Invoices could not be sent", "The mail server refused them")).await.unwrap();
    let filter = LogFilter { agent: Some("planner".into()), ..LogFilter::of(LogKind::Decision) };
    let titles = async |text: &str| -> Vec<String> {
        let found = f.memory.search_log(&filter, text, 10).await.unwrap();
        found.into_iter().map(|entry| entry.title).collect()
    };
    assert_eq!(titles("when are invoices sent?").await, ["Invoices go out on Mondays"]);
    let later = NewLogEntry {
        supersedes: Some(earlier.id.clone()),
        ..entry("Invoices go out on Fridays", "Mondays were too late")
    };
    let later = f.memory.log_decision(later).await.unwrap();
    assert_eq!(titles("when are invoices sent?").await, ["Invoices go out on Fridays"]);
    assert_eq!(f.memory.log_entry(&earlier.id).await.unwrap().superseded_by, Some(later.id));
    let page = PageRequest::first(10);
    assert_eq!(f.memory.list_log(&filter, &page).await.unwrap().items.len(), 3);
    let twice = NewLogEntry { supersedes: Some(earlier.id), ..entry("Never", "") };
    assert_eq!(f.memory.log_decision(twice).await.unwrap_err().code, "already_superseded");
    let again = f.memory.log_error(entry("Invoices could not be sent", "the mail server refused them!"));
    assert_eq!(again.await.unwrap().count, 2);
}

#[tokio::test]
async fn what_was_superseded_is_found_only_when_asked_for() {
    let f = fixture();
    f.remember("old", "Opening hours", "The shop opens at nine.").await;
    f.remember("new", "Opening hours", "The shop opens at eight.").await;
    let key = |key: &str| Earlier::Key { collection: "notes".into(), key: key.into() };
    let (old, new) =
        (f.memory.earlier(&key("old")).await.unwrap(), f.memory.earlier(&key("new")).await.unwrap());
    f.memory.supersede(&old.id, Some(&new.id)).await.unwrap();
    assert_eq!(f.keys("shop opens").await, ["new"]);
    let mut all = Query::new("shop opens", 10);
    all.filter.add("superseded", "include").unwrap();
    assert_eq!(f.memory.search(all).await.unwrap().hits.len(), 2);
    assert_eq!(f.memory.document(&old.id).await.unwrap().superseded_by, Some(new.id.clone()));
    let stand_again = DocumentChange { superseded_by: Some(None), ..DocumentChange::default() };
    assert_eq!(f.memory.change(&old.id, stand_again).await.unwrap().superseded_by, None);
    assert_eq!(f.keys("shop opens").await.len(), 2);
    let circular = f.memory.supersede(&new.id, Some(&new.id)).await.unwrap_err();
    assert_eq!(circular.code, "supersedes_itself");
    assert_eq!(f.memory.earlier(&key("none")).await.unwrap_err().code, "document_not_found");
}
