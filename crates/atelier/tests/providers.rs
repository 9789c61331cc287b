//! Model providers from the command line, with the real server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/desk.rs"]
mod desk;

use std::path::Path;

use desk::Desk;
use serde_json::json;
use testkit::{PullFault, Reply, Script, ScriptedModel, ScriptedOllama};

const CANARY: &str = "canary-b00c-provider-key";

/// Whether any file below the folder holds the text.
fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_added_asked_changed_and_removed_and_its_key_is_seen_nowhere() {
    let model = ScriptedModel::start(Script::always(Reply::text("Hello, there").usage(3, 4))).await;
    let desk = Desk::new().serving();
    let url = model.base_url();
    let add = ["providers", "add", "mine", "--base-url", &url, "--model", "scripted-1"];
    let added = desk.run_with(&add, &format!("{CANARY}\n")).expect(0);
    assert!(added.out.contains("mine") && added.out.contains("…-key"), "{}", added.out);
    desk.run_with(&add, CANARY).expect(5);

    let listed = desk.run(&["providers", "list", "--json"]).expect(0);
    assert_eq!(listed.json()["items"][0]["key"]["storage"], "encrypted_file");
    assert!(desk.run(&["providers", "test", "mine", "--prompt"]).expect(0).out.contains("mine answers"));

    let answer = desk.run(&["infer", "--system", "Be brief", "Say hello"]).expect(0);
    assert_eq!(answer.out, "Hello, there\n");
    assert!(answer.err.contains("mine/") && answer.err.contains("3 + 4 tokens"), "{}", answer.err);
    let piped = desk.run_with(&["infer", "--no-stream", "--model", "mine", "-"], "Say hello").expect(0);
    assert_eq!(piped.out, "Hello, there\n");
    assert_eq!(desk.run(&["infer", "--json", "--local", "Hello"]).expect(0).json()["provider"], "mine");
    let request = model.requests().pop().unwrap();
    assert_eq!(request.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));

    desk.run(&["providers", "edit", "mine", "--disable"]).expect(0);
    assert!(desk.run(&["infer", "Hello"]).expect(0).err.contains("offline/"));
    let routing = desk.run(&["providers", "routing", "--order", "mine", "--chain", "mine/m"]).expect(0).out;
    assert!(
        routing.starts_with("order       mine\n") && routing.contains("chain       mine/m\n"),
        "{routing}"
    );
    assert!(!desk.run(&["providers", "routing", "--no-chain"]).expect(0).out.contains("chain"));
    assert!(desk.data.join("secrets.json").exists());
    assert!(!holds(desk.folder.path(), CANARY), "the key lies somewhere in the clear");
    for done in [added.out, added.err, listed.out, answer.err] {
        assert!(!done.contains(CANARY), "{done}");
    }
    desk.run(&["providers", "remove", "mine"]).expect(0);
    desk.run(&["providers", "remove", "mine"]).expect(4);
    assert!(desk.run(&["providers", "list"]).expect(0).err.contains("No model provider is set up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_there_after_a_restart_and_ollama_fetches_a_model() {
    let model = ScriptedModel::start(Script::always(Reply::text("ok"))).await;
    let ollama = ScriptedOllama::start(&[]).await;
    let desk = Desk::new();
    let url = model.base_url();
    desk.run_with(&["providers", "add", "mine", "--base-url", &url, "--model", "m"], CANARY).expect(0);
    assert_eq!(
        desk.run(&["infer", "Hello"]).expect(0).out,
        "ok\n",
        "another server than the one it was told"
    );
    assert!(model.requests()[0].header("authorization").unwrap().contains(CANARY));

    let desk = desk.serving();
    desk.run(&["providers", "add", "ollama", "--base-url", &ollama.base_url()]).expect(0);
    assert_eq!(desk.run(&["providers", "pull", "ollama", "small:1b"]).expect(0).out, "small:1b is there\n");
    ollama.fail_pulls(PullFault::NotFound);
    let failed = desk.run(&["providers", "pull", "ollama", "none", "--json"]).expect(7);
    assert!(failed.err.contains("file does not exist") || failed.out.contains("file does not exist"));
    desk.run(&["providers", "pull", "mine", "x"]).expect(5);
}

#[test]
fn a_file_of_presets_adds_to_those_there_are_and_says_where_it_is_wrong() {
    let desk = Desk::new();
    std::fs::create_dir_all(&desk.data).unwrap();
    let file = desk.data.join("presets.yaml");
    let good = "- name: house\n  title: House\n  base_url: http://127.0.0.1:9/v1\n  default_model: m\n";
    std::fs::write(&file, good).unwrap();
    let presets = desk.run(&["providers", "presets", "--json"]).expect(0).json();
    let names: Vec<_> =
        presets["items"].as_array().unwrap().iter().map(|preset| preset["name"].clone()).collect();
    assert!(names.contains(&json!("house")) && names.contains(&json!("openai")), "{names:?}");
    desk.run(&["providers", "add", "house"]).expect(0);
    std::fs::write(&file, good.replace("title", "titel")).unwrap();
    let failed = desk.run(&["providers", "list"]).expect(2);
    assert!(failed.err.contains("titel") && failed.err.contains("line 2"), "{}", failed.err);
}
