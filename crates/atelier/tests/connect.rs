//! Servers of tools from the command line, with the real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desk.rs"]
mod desk;
#[path = "../../connectors/tests/connectors/scripted.rs"]
#[allow(dead_code, reason = "the tests of the plane use all of it")]
mod tool_server;

use desk::Desk;
use serde_json::json;
use tool_server::Scripted;

const CANARY: &str = "canary-c0de-connector-token";

fn tool() -> serde_json::Value {
    json!({"name": "say", "description": "Says it.", "inputSchema": {"type": "object"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_added_shown_granted_changed_approved_and_removed() {
    let server = Scripted::start(vec![tool()], |_| None).await;
    let desk = Desk::new().serving();
    let add = ["connect", "add", "it", "--address", &server.url, "--bearer"];
    let added = desk.run_with(&add, &format!("{CANARY}\n")).expect(0);
    assert!(added.out.contains("it answers with 1 tools"), "{}", added.out);
    assert!(server.heads().contains(CANARY));
    let shown = desk.run(&["connect", "show", "it"]).expect(0);
    assert!(shown.out.contains("say") && shown.out.contains("ask"), "{}", shown.out);
    assert!(!shown.out.contains(CANARY));
    let granted =
        desk.run(&["connect", "grant", "it", "say", "allow", "--class", "read", "--json"]).expect(0);
    assert_eq!(granted.json()["tools"][0]["grant"], "allow");

    let changed = desk.run(&["connect", "edit", "it", "--address", "https://other.example/mcp"]).expect(0);
    assert!(
        changed.out.contains("withdrawn") && changed.err.contains("approve"),
        "{}{}",
        changed.out,
        changed.err
    );
    assert!(desk.run(&["connect", "test", "it"]).expect(3).err.contains("not approved"));
    assert!(desk.run(&["connect", "approve", "it"]).expect(2).err.contains("--digest"));
    let listed = desk.run(&["connect", "list"]).expect(0);
    assert!(listed.out.contains("changed"), "{}", listed.out);
    desk.run(&["connect", "remove", "it"]).expect(0);
    assert!(desk.run(&["connect", "list"]).expect(0).err.contains("no servers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_shows_exactly_what_would_be_started() {
    let desk = Desk::new().serving();
    let file = desk.folder.path().join("mcp.json");
    let configuration = json!({"mcpServers": {"files": {
        "command": "npx", "args": ["-y", "server files", "$(touch mark)"], "env": {"MODE": "a", "X_TOKEN": CANARY},
    }}});
    std::fs::write(&file, configuration.to_string()).unwrap();
    let imported = desk.run(&["connect", "import", file.to_str().unwrap()]).expect(0);
    assert!(imported.out.contains("npx -y 'server files' '$(touch mark)'"), "{}", imported.out);
    assert!(imported.out.contains("MODE=a") && imported.out.contains("X_TOKEN"));
    assert!(imported.err.contains("Nothing was contacted or started"), "{}", imported.err);
    assert!(!format!("{}{}", imported.out, imported.err).contains(CANARY));
    let shown = desk.run(&["connect", "show", "files", "--json"]).expect(0).json();
    let digest = shown["connector"]["digest"].as_str().unwrap().to_owned();
    let approved = desk.run(&["connect", "approve", "files", "--digest", &digest, "--json"]).expect(0);
    assert_eq!(approved.json()["approval"], "approved");
}
