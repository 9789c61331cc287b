//! Memory's own routes.

use axum::http::Method;
use serde_json::json;

use crate::support::Server;

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
    assert_eq!(
        (&collections["items"][0]["documents"], &collections["items"][0]["local_documents"]),
        (&json!(2), &json!(1))
    );
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
    check("/api/v1/search?q=%3F", "empty_query").await;
    check(&format!("/api/v1/search?q={}", "x".repeat(5_000)), "query_too_long").await;
    check("/api/v1/search", "invalid_parameter").await;
    let refusal =
        server.post("/api/v1/search", json!({"query": "x", "weights": {"mood": 1}})).await.refusal();
    assert_eq!(refusal, (422, "unfit_body".into()));
    assert_eq!(server.post("/api/v1/ingest", json!({"documents": []})).await.refusal().0, 422);
    assert_eq!(
        server.get("/api/v1/memory/documents/nothing").await.refusal(),
        (404, "document_not_found".into())
    );
}
