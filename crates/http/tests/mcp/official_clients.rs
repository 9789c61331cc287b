//! The protocol's official clients, over HTTP.

use serde_json::{Value, json};

use crate::api::support::Server;
use crate::packages::{self, ClientProgram};

async fn check(program: ClientProgram) {
    let server = Server::start().await;
    let address = server.listen().await;
    let (url, token) = (format!("http://{address}"), server.token.clone());
    let found =
        tokio::task::spawn_blocking(move || packages::found_by(program, &url, &token, None)).await.unwrap();
    assert_eq!(found["found"], json!(["The rooftop garden opens at seven."]), "{found}");
    assert_eq!(found["read"], "The rooftop garden opens at seven.");
    assert_eq!(found["templates"], json!(["atelier://runs/{id}", "atelier://documents/{id}"]));
    assert_eq!(found["status"], "waiting_approval");
    for held in ["completed", "prompt", "progress", "refused"] {
        assert_eq!(found[held], true, "{held}: {found}");
    }
    let tools = found["tools"].as_array().unwrap();
    for name in ["memory_search", "memory_ingest", "run_goal", "answer_gate"] {
        assert!(tools.contains(&Value::from(name)), "{tools:?}");
    }
    if let ClientProgram::Python(mode) = program {
        let version = if mode == "legacy" { "2025-11-25" } else { "2026-07-28" };
        assert_eq!(found["version"], version);
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

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_finds_out_which_way_it_is() {
    check(ClientProgram::Python("auto")).await;
}
