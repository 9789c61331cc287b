//! Memory's own routes.

use std::sync::{Arc, Mutex};

use accounts::Scope;
use async_trait::async_trait;
use axum::http::Method;
use kernel::{Actor, FixedClock, Privacy};
use memory::{Reranker, ToGrade};
use serde_json::json;

use crate::support::{NOW, Server};

#[tokio::test]
async fn documents_are_taken_in_found_shown_changed_and_forgotten() {
    let server = Server::start().await;
    let documents = json!({"documents": [
        {"collection": "notes", "name": "garden.md", "format": "markdown", "text": "# Garden\n\nThe ficus needs water."},
        {"collection": "No Name", "text": "refused"},
        {"collection": "notes", "key": "k", "text": "A kumquat is a fruit.", "attributes": {"brand_id": "b1"}},
    ]});
    let answer = server.post("/v1/ingest", documents).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()["items"].clone();
    assert_eq!(
        (&items[0]["state"], &items[1]["state"], &items[2]["state"]),
        (&json!("new"), &json!("failed"), &json!("new"))
    );
    assert_eq!(items[1]["error"]["code"], "invalid_collection");

    let found = server.get("/v1/search?q=where+is+the+ficus&topK=3").await.json();
    let hit = &found["items"][0];
    assert_eq!((&hit["title"], &hit["text"]), (&json!("Garden"), &json!("Garden\n\nThe ficus needs water.")));
    let shares: f64 =
        hit["parts"].as_array().unwrap().iter().map(|part| part["share"].as_f64().unwrap()).sum();
    assert!((shares - hit["score"].as_f64().unwrap()).abs() < 1e-9);
    assert_eq!(found["has_meaning"], false);
    let weighted =
        json!({"query": "ficus kumquat", "weights": {"words": 0, "window": 0, "document": 0, "alone": 0}});
    let flat = server.post("/api/v1/search", weighted).await.json();
    assert!(flat["items"][0]["score"].as_f64().unwrap() < 0.1, "{flat}");
    let narrowed = server.get("/api/v1/search?q=ficus+kumquat&filters=brand_id:b1").await.json();
    assert_eq!(narrowed["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/context/search?q=kumquat").await.json()["items"][0]["source"], "api");

    let wanted = json!({"query": "What is a kumquat?", "budget_tokens": 200, "model": "gpt-4o"});
    let pack = server.post("/v1/context/packs", wanted).await.json();
    assert_eq!((&pack["sections"][0]["name"], &pack["counter"]), (&json!("retrieved"), &json!("o200k_base")));
    assert!(pack["text"].as_str().unwrap().ends_with("## Request\n\nWhat is a kumquat?"), "{pack}");
    assert!(pack["tokens"].as_u64().unwrap() <= 200);
    let small = json!({"query": "What is a kumquat?", "budget_tokens": 2});
    assert_eq!(server.post("/v1/context/packs", small).await.refusal(), (413, "pack_too_small".into()));

    let id = hit["document_id"].as_str().unwrap();
    let path = format!("/api/v1/memory/documents/{id}");
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["text"], &shown["chunks"]), (&json!("# Garden\n\nThe ficus needs water."), &json!(1)));
    assert_eq!(
        server.get(&format!("{path}/chunks")).await.json()["items"][0]["text"],
        "Garden\n\nThe ficus needs water."
    );
    let change = json!({"privacy": "local", "expires_at": "2000-01-01"});
    let changed = server.send_json(Method::PATCH, &path, &change).await.json();
    assert_eq!(changed["privacy"], "local");
    assert_eq!(server.get("/v1/search?q=ficus").await.json()["items"], json!([]), "it has expired");
    let listed = server.get("/api/v1/memory/documents?collection=notes").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let collections = server.get("/api/v1/memory/collections").await.json();
    let notes = collections["items"].as_array().unwrap().iter().find(|it| it["name"] == "notes").unwrap();
    assert_eq!((&notes["documents"], &notes["local_documents"]), (&json!(2), &json!(1)));
    assert_eq!(server.send(server.request(Method::DELETE, &path)).await.status, 204);
    assert_eq!(server.get(&path).await.refusal(), (404, "document_not_found".into()));
    let stats = server.get("/api/v1/memory/stats").await.json();
    assert_eq!((&stats["documents"], &stats["vector"]), (&json!(1), &json!(null)));
    assert_eq!(server.send(server.request(Method::POST, "/api/v1/memory/reindex")).await.status, 202);
    let features = server.get("/api/v1/search/weights").await.json();
    assert_eq!(features["items"].as_array().unwrap().len(), 15);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let server = Server::start().await;
    let check = async |path: &str, code: &str| {
        assert_eq!(server.get(path).await.refusal(), (400, code.into()), "{path}");
    };
    check("/api/v1/search?q=x&filters=colour:red", "unknown_field").await;
    check("/api/v1/search?q=x&filters=red", "invalid_parameter").await;
    check("/api/v1/search?q=x&filters=since:soon", "unfit_value").await;
    check("/api/v1/search?q=x&top_k=101", "limit_out_of_range").await;
    check("/api/v1/search?q=x&neighbours=4", "limit_out_of_range").await;
    check("/api/v1/search?q=%3F", "empty_query").await;
    check(&format!("/api/v1/search?q={}", "x".repeat(5_000)), "query_too_long").await;
    check("/api/v1/search", "invalid_parameter").await;
    let refusal =
        server.post("/api/v1/search", json!({"query": "x", "weights": {"mood": 1}})).await.refusal();
    assert_eq!(refusal, (422, "unfit_body".into()));
    assert_eq!(server.post("/api/v1/ingest", json!({"documents": []})).await.refusal().0, 422);
    let no_bytes = server.send(server.request(Method::POST, "/api/v1/ingest/file?name=a.txt")).await;
    assert_eq!(no_bytes.refusal(), (400, "empty_file".into()));
    let both = json!({"documents": [{"text": "x", "url": "https://example.com/"}, {"title": "neither"}], "url": "https://example.com/"});
    let items = server.post("/api/v1/ingest", both).await.json()["items"].clone();
    let codes = [0, 1, 2].map(|at| items[at]["error"]["code"].as_str().unwrap().to_owned());
    assert_eq!(codes, ["unfit_body", "unfit_body", "nothing_fetches"]);
    assert_eq!(
        server.get("/api/v1/memory/documents/nothing").await.refusal(),
        (404, "document_not_found".into())
    );
}

#[tokio::test]
async fn a_hit_is_shown_with_what_stands_around_it() {
    let server = Server::start().await;
    let paragraph = |word: &str| format!("{word} {}", "and so on at some length ".repeat(60));
    let text = ["apple", "kumquat", "pear"].map(paragraph).join("\n\n");
    let documents = json!({"documents": [{"collection": "notes", "key": "fruit", "text": text}]});
    assert_eq!(server.post("/api/v1/ingest", documents).await.status, 200);
    let bare = server.get("/api/v1/search?q=kumquat&top_k=1").await.json();
    assert_eq!((&bare["items"][0]["before"], &bare["items"][0]["after"]), (&json!([]), &json!([])));
    let wanted = json!({"query": "kumquat", "top_k": 1, "neighbours": 1});
    for answer in [
        server.get("/api/v1/search?q=kumquat&top_k=1&neighbours=1").await.json(),
        server.post("/api/v1/search", wanted).await.json(),
    ] {
        let hit = &answer["items"][0];
        let ordinal = hit["ordinal"].as_u64().unwrap();
        assert_eq!(hit["score"], bare["items"][0]["score"]);
        for (side, place) in [("before", ordinal.checked_sub(1).unwrap()), ("after", ordinal + 1)] {
            let beside = hit[side].as_array().unwrap();
            assert_eq!((beside.len(), &beside[0]["ordinal"]), (1, &json!(place)), "{side}: {hit}");
            assert!(beside[0]["text"].is_string() && beside[0]["chunk"].is_u64(), "{hit}");
        }
    }
}

#[tokio::test]
async fn a_collection_is_set_up_and_what_is_in_it_follows() {
    let server = Server::start().await;
    let notes = "/api/v1/memory/collections/notes";
    let empty = server.get(notes).await.json();
    assert_eq!((&empty["documents"], &empty["newest"]), (&json!(0), &json!(null)));
    assert_eq!(empty["chunking"], json!({"version": 1, "max_characters": 1200, "waiting": 0}));
    assert_eq!(empty["settings"], json!({"privacy": null, "chunk_characters": null, "embedded": null}));
    let garden =
        |key: &str| json!({"documents": [{"collection": "notes", "key": key, "text": "The ficus."}]});
    let id = server.post("/v1/ingest", garden("a")).await.json()["items"][0]["id"].clone();
    let set =
        async |path: &str, change: serde_json::Value| server.send_json(Method::PATCH, path, &change).await;
    let changed = set(notes, json!({"privacy": "local", "chunk_characters": 300})).await.json();
    assert_eq!((&changed["privacy"], &changed["local_documents"]), (&json!("local"), &json!(1)), "{changed}");
    assert_eq!(changed["chunking"]["max_characters"], 300);
    let document = format!("/api/v1/memory/documents/{}", id.as_str().unwrap());
    let refusal = set(&document, json!({"privacy": "shareable"})).await.refusal();
    assert_eq!(refusal, (409, "collection_is_local".into()));
    server.post("/v1/ingest", garden("b")).await;
    assert_eq!(server.get(notes).await.json()["local_documents"], 2);
    let reset = json!({"privacy": null, "chunk_characters": null, "embedded": null});
    let opened = set(notes, reset.clone()).await.json();
    assert_eq!((&opened["privacy"], &opened["local_documents"]), (&json!("shareable"), &json!(2)));
    assert_eq!(set(&document, json!({"privacy": "shareable"})).await.json()["privacy"], "shareable");

    let own = "/api/v1/memory/collections/diary";
    assert_eq!(server.get(own).await.refusal(), (404, "collection_not_found".into()));
    assert_eq!(set(own, json!({"embedded": false})).await.json()["settings"]["embedded"], false);
    assert_eq!(server.get(own).await.json()["embedding"], json!(null));
    assert_eq!(set(own, reset).await.json()["documents"], 0);
    assert_eq!(server.get(own).await.refusal(), (404, "collection_not_found".into()));
    let refusal = set("/api/v1/memory/collections/No", json!({"embedded": false})).await.refusal();
    assert_eq!(refusal, (400, "invalid_collection".into()));
    for length in [0, 199, 4_001] {
        let refusal = set(own, json!({"chunk_characters": length})).await.refusal();
        assert_eq!(refusal, (400, "chunk_size_out_of_range".into()));
    }
    assert_eq!(set(own, json!({"colour": "red"})).await.refusal(), (422, "unknown_member".into()));
}

/// Grades the last passage best, and keeps what it was asked.
#[derive(Default)]
struct LastIsBest(Mutex<Vec<ToGrade>>);

#[async_trait]
impl Reranker for LastIsBest {
    async fn grade(&self, wanted: &ToGrade) -> kernel::Result<String> {
        self.0.lock().unwrap().push(wanted.clone());
        let asked: serde_json::Value = serde_json::from_str(&wanted.passages).unwrap();
        let numbers = 1..=asked["passages"].as_array().unwrap().len();
        let grades: Vec<_> = numbers.map(|number| json!({"number": number, "grade": number})).collect();
        Ok(json!({"grades": grades}).to_string())
    }
}

#[tokio::test]
async fn hits_are_ordered_by_a_models_grades_for_who_may_ask_models() {
    let model = Arc::new(LastIsBest::default());
    let memory = memory::testing::memory_reranked_by(Arc::new(FixedClock::at(NOW)), model.clone());
    let server = Server::start().await.remembering(memory);
    let documents = json!({"documents": [
        {"collection": "notes", "key": "a", "text": "kumquat ficus water"},
        {"collection": "notes", "key": "b", "text": "kumquat and many other words", "privacy": "local"},
    ]});
    assert_eq!(server.post("/api/v1/ingest", documents).await.status, 200);
    let search = async |rerank: serde_json::Value| {
        let body = json!({"query": "kumquat ficus water", "top_k": 1, "rerank": rerank});
        server.post("/api/v1/search", body).await
    };
    let found = search(json!({"model": "scripted"})).await.json();
    assert_eq!((&found["reranked"], &found["rerank_problem"]), (&json!(true), &json!(null)));
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["key"], "b");
    assert_eq!(found["items"][0]["rerank"], json!({"grade": 2.0, "rank_before": 2}));
    let asked = model.0.lock().unwrap().pop().unwrap();
    assert_eq!((asked.model.as_deref(), asked.privacy), (Some("scripted"), Privacy::Local));
    assert!(matches!(asked.actor, Actor::Token(_)) && asked.request_id.is_some(), "{asked:?}");

    assert_eq!(search(json!({"candidates": 1})).await.refusal(), (400, "limit_out_of_range".into()));
    assert_eq!(search(json!({"model": " "})).await.refusal(), (422, "unfit_body".into()));
    let bare = search(json!(null)).await.json();
    let hit = &bare["items"][0];
    assert_eq!((&hit["key"], &hit["rerank"], &bare["reranked"]), (&json!("a"), &json!(null), &json!(false)));

    let reader = Server { token: server.token_for(&[Scope::ReadMemory]).await, ..server };
    let body = json!({"query": "kumquat", "rerank": {}});
    assert_eq!(reader.post("/api/v1/search", body).await.status, 403);
    assert_eq!(reader.post("/api/v1/search", json!({"query": "kumquat"})).await.status, 200);
    assert_eq!(model.0.lock().unwrap().len(), 0, "nobody else was asked");
}
