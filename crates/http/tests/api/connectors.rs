//! Servers of tools over HTTP: added, proposed, approved, granted and removed, and their secrets never
//! shown.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Server};
use crate::tool_server::Scripted;

const CONNECTORS: &str = "/api/v1/connectors";
const CANARY: &str = "canary-77aa-connector-secret";

async fn send(server: &Server, method: Method, path: &str, body: Value) -> Answer {
    let mut request = server.request(method, path);
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *request.body_mut() = body.to_string().into();
    let answer = server.send(request).await;
    assert!(!answer.text().contains(CANARY), "{path}: {}", answer.text());
    answer
}

fn tool() -> Value {
    json!({
        "name": "say", "description": "Says it.\u{202e}",
        "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
        "annotations": {"readOnlyHint": true},
    })
}

#[tokio::test]
async fn a_server_is_added_tested_granted_changed_approved_and_removed() {
    let tools = Scripted::start(vec![tool()], |_| None).await;
    let server = Server::start().await;
    let body = json!({"name": "it", "url": tools.url, "token": CANARY});
    let made = send(&server, Method::POST, CONNECTORS, body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let made = made.json();
    assert_eq!((&made["approval"], &made["has_token"]), (&json!("approved"), &json!(true)));
    assert!(tools.methods().is_empty(), "adding contacts nobody");
    let again = send(&server, Method::POST, CONNECTORS, body).await;
    assert_eq!((again.status, &again.json()["code"]), (StatusCode::CONFLICT, &json!("connector_exists")));

    let report = send(&server, Method::POST, "/api/v1/connectors/it/test", json!({})).await.json();
    assert_eq!((&report["ok"], &report["tools"]), (&json!(true), &json!(1)), "{report}");
    let shown = server.get("/api/v1/connectors/it").await.json();
    let listed = &shown["tools"][0];
    assert_eq!((&listed["description"], &listed["grant"]), (&json!("Says it."), &json!("ask")));
    assert_eq!((&listed["class"], &shown["connector"]["is_local"]), (&json!("network"), &json!(true)));

    let path = "/api/v1/connectors/it";
    let grant = json!({"tools": {"say": {"grant": "allow", "class": "read"}}});
    let granted = send(&server, Method::PATCH, path, grant).await.json();
    let listed = &granted["tools"][0];
    assert_eq!((&listed["grant"], &listed["class"]), (&json!("allow"), &json!("read")));
    assert_eq!(listed["guessed_class"], "network");
    let missing = send(&server, Method::PATCH, path, json!({"tools": {"none": {"grant": "deny"}}})).await;
    assert_eq!(missing.json()["code"], "connector_tool_not_found");

    let moved = json!({"url": "https://other.example/mcp"});
    let changed = send(&server, Method::PATCH, path, moved).await.json();
    assert_eq!(changed["connector"]["approval"], "withdrawn");
    assert_eq!(changed["connector"]["has_token"], false, "a token goes to no other host");
    let refused = send(&server, Method::POST, "/api/v1/connectors/it/test", json!({})).await;
    assert_eq!(refused.json()["code"], "connector_not_approved");
    let approve = "/api/v1/connectors/it/approve";
    let stale = send(&server, Method::POST, approve, json!({"digest": made["digest"]})).await;
    assert_eq!(stale.json()["code"], "connector_digest_stale");
    let digest = changed["connector"]["digest"].clone();
    let approved = send(&server, Method::POST, approve, json!({"digest": digest})).await.json();
    assert_eq!(approved["approval"], "approved");

    let removed = send(&server, Method::DELETE, path, Value::Null).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(path).await.json()["code"], "connector_not_found");
}

#[tokio::test]
async fn an_imported_configuration_is_only_proposed() {
    let tools = Scripted::start(vec![tool()], |_| None).await;
    let server = Server::start().await;
    let configuration = json!({"mcpServers": {
        "it": {"url": tools.url, "headers": {"Authorization": format!("Bearer {CANARY}")}},
        "program": {"command": "npx", "args": ["-y", "x"], "env": {"X_TOKEN": CANARY, "MODE": "a"}},
        "old": {"type": "sse", "url": "https://old.example/"},
    }});
    let import = "/api/v1/connectors/import";
    let imported = send(&server, Method::POST, import, json!({"configuration": configuration})).await.json();
    assert_eq!(imported["left_out"][0]["name"], "old");
    let program = &imported["proposed"][1]["connector"];
    assert_eq!((&program["approval"], &program["registries"]), (&json!("proposed"), &json!(true)));
    assert_eq!((&program["secrets"], &program["env"]), (&json!(["X_TOKEN"]), &json!({"MODE": "a"})));
    for name in ["it", "program"] {
        let path = format!("/api/v1/connectors/{name}/test");
        let refused = send(&server, Method::POST, &path, json!({})).await;
        assert_eq!(
            (refused.status, refused.json()["code"].clone()),
            (StatusCode::FORBIDDEN, json!("connector_not_approved"))
        );
    }
    assert!(tools.methods().is_empty());
    let unfit = send(&server, Method::POST, import, json!({"configuration": {"x": CANARY}})).await;
    assert_eq!(unfit.json()["code"], "connector_import_unfit");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let server = Server::start().await;
    for (body, code) in [
        (json!({"name": "it"}), "unfit_body"),
        (json!({"name": "it", "url": "https://a.example", "command": "x"}), "unfit_body"),
        (json!({"name": "it", "url": "https://a.example", "args": ["x"]}), "unfit_body"),
        (json!({"name": "It", "url": "https://a.example"}), "connector_unfit"),
        (json!({"name": "it", "url": "http://169.254.169.254/"}), "connector_unfit"),
        (json!({"name": "it", "url": "http://a.example/", "token": "t"}), "connector_unfit"),
        (json!({"name": "it", "command": "x", "folders": ["/"]}), "connector_unfit"),
    ] {
        let answer = send(&server, Method::POST, CONNECTORS, body.clone()).await;
        assert_eq!(answer.json()["code"], code, "{body}: {}", answer.text());
    }
}
