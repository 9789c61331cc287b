//! Memory moved out and in over HTTP.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Server};

async fn import(server: &Server, query: &str, accept: &str, bytes: &[u8]) -> Answer {
    let mut request = server.request(Method::POST, &format!("/api/v1/memory/import?{query}"));
    request.headers_mut().insert("accept", accept.parse().unwrap());
    *request.body_mut() = Body::from(bytes.to_vec());
    server.send(request).await
}

async fn filled() -> Server {
    let server = Server::start().await;
    let documents = json!({"documents": [
        {"collection": "notes", "name": "garden.md", "format": "markdown", "text": "# Garden\n\nThe ficus needs water."},
        {"collection": "diary", "key": "k", "text": "A kumquat is a fruit.", "privacy": "local"},
    ]});
    assert_eq!(server.post("/v1/ingest", documents).await.status, 200);
    server
}

#[tokio::test]
async fn what_is_exported_is_imported_elsewhere_and_exported_alike() {
    let server = filled().await;
    for (format, content_type, ending) in
        [("jsonl", "application/x-ndjson", "jsonl"), ("markdown", "application/zip", "zip")]
    {
        let path = format!("/api/v1/memory/export?format={format}");
        let exported = server.get(&path).await;
        assert_eq!((exported.status.as_u16(), exported.header("content-type")), (200, content_type));
        let disposition = format!("attachment; filename=\"memory.{ending}\"");
        assert_eq!(exported.header("content-disposition"), disposition);
        let other = Server::start().await;
        let query = "name=export&collection=&privacy=shareable";
        let answer = import(&other, query, "application/json", &exported.body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        assert_eq!((&told["recognised"], &told["totals"]["new"]), (&json!(format), &json!(2)));
        let outcomes: Vec<&Value> =
            told["items"].as_array().unwrap().iter().map(|item| &item["state"]).collect();
        assert_eq!(outcomes, ["new", "new"]);
        assert_eq!(other.get(&path).await.body, exported.body);
        let again = import(&other, query, "application/json", &exported.body).await.json();
        assert_eq!(again["totals"]["unchanged"], 2);
        assert_eq!(other.get("/api/v1/search?q=kumquat").await.json()["items"][0]["privacy"], "local");
    }
}

#[tokio::test]
async fn an_export_can_be_of_one_collection_and_without_what_is_local() {
    let server = filled().await;
    let one = server.get("/api/v1/memory/export?collection=notes").await;
    assert_eq!(one.header("content-disposition"), "attachment; filename=\"memory-notes.jsonl\"");
    assert_eq!((one.text().lines().count(), one.text().contains("ficus")), (2, true));
    let open = server.get("/api/v1/memory/export?privacy=shareable").await.text();
    assert!(open.contains("ficus") && !open.contains("kumquat"));
    let odd = server.get("/api/v1/memory/export?collection=%22%0d%0ax%2f..").await;
    assert_eq!(odd.header("content-disposition"), "attachment; filename=\"memory----x---.jsonl\"");
}

#[tokio::test]
async fn each_document_is_told_as_it_is_stored_to_who_reads_lines() {
    let server = filled().await;
    let exported = server.get("/api/v1/memory/export").await.text();
    let lines = format!("{exported}nothing\n");
    let other = Server::start().await;
    let dry = import(&other, "name=x&dry_run=true", "application/x-ndjson", lines.as_bytes()).await;
    let answer = import(&other, "name=x", "application/x-ndjson", lines.as_bytes()).await;
    for answer in [dry, answer] {
        let told: Vec<Value> =
            answer.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let states: Vec<&Value> = told.iter().map(|line| &line["state"]).collect();
        assert_eq!(states, [&json!("new"), &json!("new"), &json!("failed"), &Value::Null]);
        assert_eq!(
            (&told[2]["name"], &told[2]["error"]["code"]),
            (&json!("line 4"), &json!("record_damaged"))
        );
        let totals =
            json!({"new": 2, "changed": 0, "unchanged": 0, "kept": 0, "failed": 1, "passed_over": 0});
        assert_eq!(told[3], json!({"recognised": "jsonl", "totals": totals}));
    }
}

#[tokio::test]
async fn what_is_no_archive_is_refused() {
    let server = Server::start().await;
    let check = async |query: &str, bytes: &[u8], status: u16, code: &str| {
        let refusal = import(&server, query, "application/json", bytes).await.refusal();
        assert_eq!(refusal, (status, code.into()), "{query}");
    };
    check("name=x.zip", b"PK\x03\x04nothing", 400, "import_refused").await;
    check("name=x", b"{\"atelier\":\"memory\",\"version\":9}\n", 400, "archive_too_new").await;
    check("name=", b"x", 400, "invalid_parameter").await;
    check("name=x&colour=red", b"x", 400, "unknown_parameter").await;
    check("name=x.md", b"", 400, "empty_file").await;
    let blank = import(&server, "name=x.md", "application/json", b" ").await.json();
    assert_eq!(blank["items"][0]["error"]["code"], "document_empty");
    assert_eq!(server.get("/api/v1/memory/export?format=pdf").await.refusal().0, 400);
}
