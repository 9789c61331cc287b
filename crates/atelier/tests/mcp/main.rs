//! `atelier mcp`: the protocol's official clients over its standard input and output, and what it does
//! when the server goes away.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../http/tests/mcp/packages.rs"]
#[allow(dead_code, reason = "it serves another suite too")]
mod packages;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "it serves other suites too")]
mod server;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use packages::ClientProgram;
use serde_json::{Value, json};
use server::{Server, new_token};
use testkit::TemporaryWorkspace;

/// A server on a workspace.
async fn serve(workspace: &TemporaryWorkspace) -> Server {
    // Once is enough, and the tests are several.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let token = new_token(workspace.path());
    Server::start(workspace.path(), &token).await
}

async fn check(client: ClientProgram) {
    let workspace = TemporaryWorkspace::new();
    let server = serve(&workspace).await;
    let token = server.token.clone();
    let url = server.url.clone();
    let found = tokio::task::spawn_blocking(move || {
        packages::found_by(client, &url, &token, Some(Path::new(env!("CARGO_BIN_EXE_atelier"))))
    });
    let found = found.await.unwrap();
    assert_eq!(found["read"], "The rooftop garden opens at seven.", "{found}");
    assert_eq!(found["found"][0], "The rooftop garden opens at seven.");
    for held in ["completed", "prompt", "progress", "refused"] {
        assert_eq!(found[held], true, "{held}: {found}");
    }
    assert!(found["tools"].as_array().unwrap().contains(&Value::from("run_goal")));
    if let ClientProgram::Python(mode) = client {
        assert_eq!(found["version"], if mode == "legacy" { "2025-11-25" } else { "2026-07-28" });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_finds_its_way() {
    check(ClientProgram::TypeScript).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_finds_its_way_with_a_session() {
    check(ClientProgram::Python("legacy")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_finds_its_way_with_requests_that_stand_alone() {
    check(ClientProgram::Python("2026-07-28")).await;
}

/// A bridge to talk to by hand.
struct Bridge {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Bridge {
    fn over(workspace: &TemporaryWorkspace) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_atelier"))
            .args(["mcp", "--data"])
            .arg(workspace.path())
            .env_remove("ATELIER_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    fn send(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, id: u64, method: &str, params: &Value) -> Value {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        let heard = self.hear();
        assert_eq!(heard["id"], id, "{heard}");
        heard
    }

    /// Says no more, and tells how the program ends.
    fn leave(mut self) -> bool {
        drop(self.input.take());
        self.child.wait().unwrap().success()
    }
}

fn opening() -> Value {
    json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_outlives_the_server_and_what_is_no_message_is_told() {
    let workspace = TemporaryWorkspace::new();
    let server = serve(&workspace).await;
    let mut bridge = Bridge::over(&workspace);
    assert_eq!(bridge.ask(1, "initialize", &opening())["result"]["protocolVersion"], "2025-11-25");
    bridge.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert!(bridge.ask(2, "tools/list", &json!({}))["result"]["tools"][0].is_object());
    for line in ["nonsense", "[]", "1"] {
        bridge.send(line);
        assert_eq!(bridge.hear()["error"]["code"], -32_700, "{line}");
    }
    server.kill();
    let refused = bridge.ask(3, "tools/list", &json!({}));
    assert_eq!(refused["error"]["data"]["code"], "server_unreachable", "{refused}");
    let _server = serve(&workspace).await;
    assert!(bridge.ask(4, "tools/list", &json!({}))["result"]["tools"][0].is_object());
    let alone = json!({"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    }});
    assert_eq!(bridge.ask(5, "server/discover", &alone)["result"]["supportedVersions"][0], "2026-07-28");
    assert!(bridge.leave());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_it_starts_one_and_stops_it_again() {
    let workspace = TemporaryWorkspace::new();
    let mut bridge = Bridge::over(&workspace);
    assert_eq!(bridge.ask(1, "initialize", &opening())["result"]["serverInfo"]["name"], "atelier");
    let place = std::fs::read_to_string(workspace.path().join("server.json")).unwrap();
    let place: Value = serde_json::from_str(&place).unwrap();
    assert!(bridge.leave());
    let process = format!("/proc/{}", place["pid"]);
    assert!(!Path::new(&process).exists(), "the server is left running");
}
