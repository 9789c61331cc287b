//! What the protocol's own suite requires of a server, of each version, scenario by scenario.

use std::path::Path;
use std::process::Command;

use http_surface::mcp::{Limits, speaking_for};
use tokio::net::TcpListener;

use crate::api::support::Server;
use crate::fixture::Fixture;
use crate::packages;

/// How many scenarios the suite requires of a server. One that requires fewer proves less.
const REQUIRED: [(&str, usize); 2] = [("2025-11-25", 30), ("2026-07-28", 37)];

async fn check(version: &str, required: usize) {
    let server = Server::start().await;
    let fixture = Fixture::default();
    let router = speaking_for(server.app.clone(), Limits::default(), move || fixture.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (options, lifetime) = (server.app.options.clone(), server.app.lifetime.clone());
    tokio::spawn(async move {
        http_surface::serve(listener, router, &options, &lifetime, std::future::pending()).await
    });
    let results = tempfile::tempdir().unwrap();
    let version = version.to_owned();
    let folder = results.path().to_owned();
    let (wanted, output) = tokio::task::spawn_blocking(move || {
        let modules = packages::node();
        let wanted = required_scenarios(&modules, &version);
        let suite = modules.join("@modelcontextprotocol/conformance/dist/index.js");
        let mut command = Command::new(packages::node_program(&modules));
        command.arg(suite).args(["server", "--requirements", &version, "--url", &url, "--output-dir"]);
        (wanted, command.arg(&folder).current_dir(&folder).output().unwrap())
    })
    .await
    .unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(wanted.len(), required, "the suite requires another number of scenarios: {wanted:?}");
    for scenario in wanted {
        let (fulfilled, nothing) = (format!("✓ {scenario}: "), format!("✓ {scenario}: 0 passed"));
        let is_fulfilled = |line: &str| line.starts_with(&fulfilled) && !line.starts_with(&nothing);
        assert!(told.lines().any(is_fulfilled), "{scenario} was not fulfilled: {told}");
    }
}

/// The scenarios that the suite's own list requires of a server.
fn required_scenarios(modules: &Path, version: &str) -> Vec<String> {
    let list = modules.join(format!("@modelcontextprotocol/conformance/requirements/{version}.yaml"));
    let list = std::fs::read_to_string(list).unwrap();
    let of_servers = list.lines().skip_while(|line| *line != "server:").skip(1);
    let names = of_servers.map_while(|line| line.trim().strip_prefix("- ").map(str::to_owned));
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_finds_every_required_scenario_of_2025_11_25_fulfilled() {
    let (version, required) = REQUIRED[0];
    check(version, required).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_suite_finds_every_required_scenario_of_2026_07_28_fulfilled() {
    let (version, required) = REQUIRED[1];
    check(version, required).await;
}
