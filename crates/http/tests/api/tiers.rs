//! What agents note, what was decided and what failed, what supersedes what, and who may change what is
//! canonical.

use accounts::Scope;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Server};

/// A request by a program that may only do this.
async fn send_with(server: &Server, scopes: &[Scope], method: Method, path: &str, body: Value) -> Answer {
    let token = server.token_for(scopes).await;
    let mut request = server.request(method, path);
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    if !body.is_null() {
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = body.to_string().into();
    }
    server.send(request).await
}

async fn found(server: &Server, query: &str) -> Vec<String> {
    let found = server.get(&format!("/api/v1/search?q={query}")).await.json();
    let title = |hit: &Value| hit["title"].as_str().unwrap().to_owned();
    found["items"].as_array().unwrap().iter().map(title).collect()
}

#[tokio::test]
async fn what_an_agent_notes_is_kept_listed_found_and_undone() {
    let server = Server::start().await;
    let path = "/api/v1/agents/scout/memory/customers%2Fana";
    let put = async |body: Value| server.send_json(Method::PUT, path, &body).await;
    let noted = put(json!({"value": "Ana prefers e-mail", "expected_version": 0})).await;
    assert_eq!(noted.status, 200, "{}", noted.text());
    assert_eq!(noted.json()["version"], 1);
    let lost = put(json!({"value": "Ana prefers fax", "expected_version": 0})).await;
    assert_eq!(lost.refusal(), (409, "fact_changed".into()));
    assert_eq!(found(&server, "how+does+Ana+like+e-mail").await, ["customers/ana"]);

    let nothing = json!({"value": null});
    let other = server.send_json(Method::PUT, "/api/v1/agents/scout/memory/cursor", &nothing).await;
    assert_eq!(other.json()["value"], Value::Null);
    let listed = server.get("/api/v1/agents/scout/memory?limit=1").await.json();
    assert_eq!(listed["items"][0]["key"], "cursor");
    let cursor = listed["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/api/v1/agents/scout/memory?limit=1&cursor={cursor}")).await.json();
    assert_eq!((&next["items"][0]["key"], &next["next_cursor"]), (&json!("customers/ana"), &Value::Null));
    let customers = server.get("/api/v1/agents/scout/memory?prefix=customers%2F").await.json();
    assert_eq!(customers["items"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/api/v1/agents/nobody/memory").await.json()["items"], json!([]));

    put(json!({"value": "Ana prefers the telephone"})).await;
    let history = server.get(&format!("{path}/history")).await.json();
    let before = &history["items"][1];
    assert_eq!((&before["version"], &before["value"]), (&json!(1), &json!("Ana prefers e-mail")));
    assert!(before["written_by"].as_str().unwrap().starts_with("token:tok_"), "{before}");
    put(json!({"value": before["value"]})).await;
    assert_eq!(server.get(path).await.json()["value"], "Ana prefers e-mail");
    assert_eq!(server.send(server.request(Method::DELETE, path)).await.status, 204);
    assert_eq!(server.get(path).await.refusal(), (404, "fact_not_found".into()));
    assert_eq!(server.get(&format!("{path}/history")).await.json()["items"][0]["is_deleted"], true);
    assert!(found(&server, "Ana").await.is_empty());
}

#[tokio::test]
async fn notes_that_cannot_be_meant_are_refused() {
    let server = Server::start().await;
    let check = async |path: &str, body: Value, expected: (u16, &str)| {
        let refusal = server.send_json(Method::PUT, path, &body).await.refusal();
        assert_eq!(refusal, (expected.0, expected.1.to_owned()), "{path}");
    };
    let path = "/api/v1/agents/scout/memory/k";
    check("/api/v1/agents/Scout/memory/k", json!({"value": 1}), (400, "invalid_agent")).await;
    let long = format!("/api/v1/agents/scout/memory/{}", "k".repeat(257));
    check(&long, json!({"value": 1}), (400, "invalid_fact_key")).await;
    check(path, json!({"value": 1, "expires_at": "2000-01-01"}), (400, "fact_expired")).await;
    check(path, json!({"value": 1, "expires_at": "soon"}), (400, "unknown_moment")).await;
    check(path, json!({"value": "x".repeat(70_000)}), (413, "fact_too_long")).await;
    check(path, json!({}), (422, "unfit_body")).await;
    let reader = send_with(&server, &[Scope::ReadMemory], Method::PUT, path, json!({"value": 1})).await;
    assert_eq!(reader.refusal(), (403, "scope_lacking".into()));
    let list = server.get("/api/v1/agents/scout/memory?cursor=x").await;
    assert_eq!(list.refusal(), (400, "unfit_value".into()));
}

#[tokio::test]
async fn decisions_and_errors_are_logged_listed_and_asked_for() {
    let server = Server::start().await;
    let run = "run_01hv5k3m9x7q2w8e4r6t";
    let decision = json!({"title": "Invoices go out on Mondays", "detail": "Ana asked for it.", "agent": "planner",
        "run_id": run, "step": "s1"});
    let first = server.post("/api/v1/memory/decisions", decision.clone()).await;
    assert_eq!(first.status, 201, "{}", first.text());
    let first = first.json();
    assert_eq!(server.post("/api/v1/memory/decisions", decision).await.json(), first, "logged once");
    let later = json!({"title": "Invoices go out on Fridays", "supersedes": first["id"]});
    let later = server.post("/api/v1/memory/decisions", later).await.json();
    let again = json!({"title": "Never", "supersedes": first["id"]});
    let again = server.post("/api/v1/memory/decisions", again).await;
    assert_eq!(again.refusal(), (409, "already_superseded".into()));
    let all = server.get("/api/v1/memory/decisions").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let of_run = server.get(&format!("/api/v1/memory/decisions?run_id={run}&agent=planner")).await.json();
    assert_eq!(of_run["items"][0]["superseded_by"], later["id"]);
    let asked = server.get("/api/v1/memory/decisions?q=when+do+invoices+go+out").await.json();
    assert_eq!(asked["items"].as_array().unwrap().len(), 1, "{asked}");
    assert_eq!(asked["items"][0]["id"], later["id"]);

    for detail in ["No answer after 30 s", "No answer after 31 s"] {
        let error = json!({"title": "The mail server failed", "detail": detail});
        server.post("/api/v1/memory/errors", error).await;
    }
    let errors = server.get("/api/v1/memory/errors").await.json();
    assert_eq!(errors["items"].as_array().unwrap().len(), 1);
    assert_eq!((&errors["items"][0]["count"], &errors["items"][0]["kind"]), (&json!(2), &json!("error")));
    assert_eq!(found(&server, "mail+server").await, ["The mail server failed"]);

    let refused = async |body: Value, expected: (u16, &str)| {
        let refusal = server.post("/api/v1/memory/decisions", body).await.refusal();
        assert_eq!(refusal, (expected.0, expected.1.to_owned()));
    };
    refused(json!({"title": " "}), (400, "empty_title")).await;
    refused(json!({"title": "a", "agent": "A"}), (400, "invalid_agent")).await;
    refused(json!({"title": "a", "run_id": "x"}), (400, "invalid_parameter")).await;
    refused(json!({"title": "a", "supersedes": "x"}), (404, "log_entry_not_found")).await;
    for path in ["errors?cursor=x", "errors?q=a&cursor=x", "errors?q=%3F", "decisions?q=a&limit=101"] {
        assert_eq!(server.get(&format!("/api/v1/memory/{path}")).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_document_that_is_superseded_is_read_and_not_found_and_stands_again() {
    let server = Server::start().await;
    let ingest = async |document: Value| {
        server.post("/api/v1/ingest", json!({"documents": [document]})).await.json()["items"][0].clone()
    };
    let old =
        ingest(json!({"collection": "notes", "key": "old", "title": "Old", "text": "Open at nine."})).await;
    let newer = json!({"collection": "notes", "key": "new", "title": "New", "text": "Open at eight.",
        "supersedes": {"collection": "notes", "key": "old"}});
    let new = ingest(newer.clone()).await;
    assert_eq!(new["state"], "new", "{new}");
    assert_eq!(found(&server, "open").await, ["New"]);
    assert_eq!(ingest(newer).await["state"], "unchanged", "asked again it is the same");
    let all = server.get("/api/v1/search?q=open&filters=superseded:include").await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let path = format!("/api/v1/memory/documents/{}", old["id"].as_str().unwrap());
    let shown = server.get(&path).await.json();
    assert_eq!((&shown["superseded_by"], &shown["text"]), (&new["id"], &json!("Open at nine.")));
    let back = server.send_json(Method::PATCH, &path, &json!({"superseded_by": null})).await.json();
    assert_eq!(back["superseded_by"], Value::Null);
    assert_eq!(found(&server, "open").await.len(), 2);
    let itself = server.send_json(Method::PATCH, &path, &json!({"superseded_by": old["id"]})).await;
    assert_eq!(itself.refusal(), (409, "supersedes_itself".into()));
    for supersedes in [json!("doc_01hv5k3m9x7q2w8e4r6t"), json!({"collection": "notes", "key": "none"})] {
        let lost =
            ingest(json!({"collection": "notes", "key": "x", "text": "x", "supersedes": supersedes})).await;
        assert_eq!(
            (&lost["state"], &lost["error"]["code"]),
            (&json!("failed"), &json!("document_not_found"))
        );
    }
}

#[tokio::test]
async fn what_is_canonical_is_changed_only_by_who_may() {
    let server = Server::start().await;
    let agent = &[Scope::ReadMemory, Scope::WriteMemory];
    let steward = &[Scope::WriteMemory, Scope::WriteCanonical];
    let brand = json!({"documents": [{"collection": "brands", "key": "b1", "text": "The voice is calm."}]});
    let ingest = "/api/v1/ingest";
    let lacking = (403, "scope_lacking".to_owned());
    let refused = send_with(&server, agent, Method::POST, ingest, brand.clone()).await;
    assert_eq!(refused.refusal(), lacking);
    let file = "/api/v1/ingest/file?name=a.txt&collection=products";
    assert_eq!(send_with(&server, agent, Method::POST, file, json!("x")).await.refusal(), lacking);
    let stored = send_with(&server, steward, Method::POST, ingest, brand).await.json();
    let id = stored["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/memory/documents/{id}");
    for (method, body) in
        [(Method::PATCH, json!({"expires_at": "2000-01-01"})), (Method::DELETE, Value::Null)]
    {
        assert_eq!(send_with(&server, agent, method, &path, body).await.refusal(), lacking);
    }
    for supersedes in [json!(id), json!({"collection": "brands", "key": "b1"})] {
        let coup = json!({"documents": [{"collection": "notes", "text": "The voice is loud.", "supersedes": supersedes}]});
        assert_eq!(send_with(&server, agent, Method::POST, ingest, coup).await.refusal(), lacking);
    }
    assert_eq!(server.get(&path).await.json()["superseded_by"], Value::Null);
    assert_eq!(send_with(&server, agent, Method::GET, &path, Value::Null).await.status, 200);
    assert_eq!(server.send(server.request(Method::DELETE, &path)).await.status, 204, "the owner may");
}
