//! What Atelier does over the protocol, in both of its ways, and for whom.

use std::sync::Arc;
use std::time::Duration;

use accounts::Scope;
use async_trait::async_trait;
use axum::http::Method;
use http_surface::services::{Goal, Supervisor};
use kernel::RunId;
use runs::{Engine, Submission};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::api::support::Server;
use crate::exchange::{Speaker, WAYS, Way};

const MEMORY: [&str; 6] = [
    "agent_memory_delete",
    "agent_memory_get",
    "agent_memory_set",
    "context_pack",
    "memory_ingest",
    "memory_search",
];
const RUNS: [&str; 5] = ["answer_gate", "get_run", "list_gates", "list_runs", "run_goal"];

/// Scopes, and the tools, prompts and templates that are seen with them.
type Seen = (&'static [Scope], &'static [&'static str], &'static [&'static str], &'static [&'static str]);

#[tokio::test]
async fn shows_what_the_token_may_use_and_refuses_the_rest() {
    let server = Server::start().await;
    let cases: [Seen; 5] = [
        (
            &[Scope::ReadMemory],
            &["agent_memory_get", "context_pack", "memory_search"],
            &["search_and_answer"],
            &["document"],
        ),
        (&[Scope::WriteMemory], &["agent_memory_delete", "agent_memory_set", "memory_ingest"], &[], &[]),
        (&[Scope::ReadRuns], &["get_run", "list_gates", "list_runs"], &["daily_brief"], &["run"]),
        (&[Scope::WriteRuns], &["answer_gate"], &[], &[]),
        (&[Scope::RunCode, Scope::InvokeModels], &[], &[], &[]),
    ];
    for way in WAYS {
        for (scopes, tools, prompts, templates) in cases {
            let speaker = Speaker::with(&server, way, server.token_for(scopes).await).await;
            assert_eq!(speaker.tools().await, tools, "{scopes:?}");
            let names = |list: &Value| -> Vec<String> {
                list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(names(&speaker.result("prompts/list", Value::Null).await["prompts"]), prompts);
            let listed = speaker.result("resources/templates/list", Value::Null).await;
            assert_eq!(names(&listed["resourceTemplates"]), templates);
            for tool in MEMORY.iter().chain(&RUNS).filter(|tool| !tools.contains(tool)) {
                let text = speaker.refused(tool, json!({})).await;
                assert!(text.contains("(scope_lacking)"), "{tool}: {text}");
            }
            if templates.is_empty() {
                assert_eq!(speaker.result("resources/list", Value::Null).await["resources"], json!([]));
            }
        }
    }
}

#[tokio::test]
async fn what_is_put_into_memory_is_found_read_and_answered_from() {
    for way in WAYS {
        let server = Server::start().await;
        let owner = Speaker::owner(&server, way).await;
        let note = json!({"collection": "notes", "title": "Invoices", "text": "Invoices go out on Mondays."});
        let stored = owner.call("memory_ingest", note).await;
        assert_eq!((&stored["state"], &stored["chunks"]), (&json!("new"), &json!(1)));
        let secret = json!({"collection": "notes", "title": "Pay", "text": "Invoices of Ana are late.", "privacy": "local"});
        let secret = owner.call("memory_ingest", secret).await;

        let found = owner.call("memory_search", json!({"query": "When do invoices go out?"})).await;
        let passages = found["passages"].as_array().unwrap();
        assert_eq!(passages.len(), 1, "what is local stays here: {found}");
        assert_eq!(passages[0]["uri"], stored["uri"]);
        assert_eq!(passages[0]["text"], "Invoices go out on Mondays.");
        let beside = json!({"query": "When do invoices go out?", "neighbours": 1});
        assert_eq!(owner.call("memory_search", beside).await, found, "it stands alone in its document");
        let filters = json!({"query": "invoices", "filters": {"collection": ["mail"]}});
        assert_eq!(owner.call("memory_search", filters).await["passages"], json!([]));

        let pack = owner
            .call("context_pack", json!({"query": "When do invoices go out?", "budget_tokens": 500}))
            .await;
        assert!(pack["text"].as_str().unwrap().contains("go out on Mondays"), "{pack}");
        assert_eq!(pack["sources"].as_array().unwrap().len(), 1, "what is local stays here: {pack}");
        assert_eq!(pack["sources"][0]["uri"], stored["uri"]);

        let read = owner.result("resources/read", json!({"uri": stored["uri"]})).await;
        assert_eq!(read["contents"][0]["text"], "Invoices go out on Mondays.");
        assert_eq!(read["contents"][0]["uri"], stored["uri"]);
        let error = owner.error("resources/read", json!({"uri": secret["uri"]})).await;
        assert_eq!(error["data"]["uri"], secret["uri"]);
        let listed = owner.result("resources/list", json!({"cursor": "1:"})).await;
        assert_eq!(listed["resources"].as_array().unwrap().len(), 1);
        assert_eq!(listed["resources"][0]["uri"], stored["uri"]);

        let complete = json!({"ref": {"type": "ref/resource", "uri": "atelier://documents/{id}"}, "argument": {"name": "id", "value": "invo"}});
        let completed = owner.result("completion/complete", complete).await;
        assert_eq!(completed["completion"]["values"], json!([stored["document_id"]]));

        let prompt =
            json!({"name": "search_and_answer", "arguments": {"question": "When do invoices go out?"}});
        let prompt = owner.result("prompts/get", prompt).await;
        let text = prompt["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(
            text.contains("go out on Mondays") && text.contains(stored["uri"].as_str().unwrap()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_goal_is_carried_out_up_to_its_gate_and_on_when_that_is_answered() {
    for way in WAYS {
        let server = Server::start().await;
        let owner = Speaker::owner(&server, way).await;
        let call = json!({
            "name": "run_goal", "arguments": {"goal": "report the sales", "title": "Sales"},
            "_meta": {"progressToken": "p1"},
        });
        let reply = owner.ask("tools/call", call).await;
        let run = &reply.response()["result"]["structuredContent"];
        assert_eq!((&run["title"], &run["status"]), (&json!("Sales"), &json!("waiting_approval")));
        assert_eq!(run["open_gates"][0]["proposal"], json!({"publish": true}));
        let progress = reply.notified("notifications/progress");
        let done: Vec<f64> = progress.iter().map(|told| told["progress"].as_f64().unwrap()).collect();
        assert!(done.len() > 1 && done.is_sorted_by(|a, b| a < b), "{done:?}");
        assert!(progress.iter().all(|told| told["progressToken"] == "p1"));

        let gates = owner.call("list_gates", json!({})).await;
        let gate = &gates["gates"][0];
        assert_eq!((&gate["run_id"], &gate["gate"]), (&run["run_id"], &json!("s2")));
        let mut answer =
            json!({"run_id": run["run_id"], "gate": "s2", "decision": "approve", "digest": "another"});
        assert!(owner.refused("answer_gate", answer.clone()).await.contains("(digest_mismatch)"));
        answer["digest"] = gate["digest"].clone();
        owner.call("answer_gate", answer).await;
        let ended = owner.call("get_run", json!({"run_id": run["run_id"], "wait_seconds": 20})).await;
        assert_eq!((&ended["status"], &ended["result"]["summary"]), (&json!("completed"), &json!("Four.")));
        assert_eq!(ended["artifacts"].as_array().unwrap().len(), 2);
        assert_eq!(owner.call("list_gates", json!({})).await["gates"], json!([]));

        let listed = owner.call("list_runs", json!({"status": ["completed"], "text": "sal"})).await;
        assert_eq!(listed["runs"][0]["run_id"], run["run_id"]);
        let uri = format!("atelier://runs/{}", run["run_id"].as_str().unwrap());
        let read = owner.result("resources/read", json!({"uri": uri})).await;
        let read: Value = serde_json::from_str(read["contents"][0]["text"].as_str().unwrap()).unwrap();
        assert_eq!(read["status"], "completed");
        let brief = owner
            .result("prompts/get", json!({"name": "daily_brief", "arguments": {"focus": "sales"}}))
            .await;
        let text = brief["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("- Sales: completed") && text.contains("Look most at: sales."), "{text}");
    }
}

#[tokio::test]
async fn what_an_agent_notes_is_read_again_and_taken_back() {
    for way in WAYS {
        let server = Server::start().await;
        let owner = Speaker::owner(&server, way).await;
        let note = |key: &str, value: Value| json!({"agent": "scout", "key": key, "value": value});
        assert_eq!(
            owner.call("agent_memory_set", note("customers/ana", json!({"likes": ["e-mail"]}))).await,
            json!({"key": "customers/ana", "done": true})
        );
        let mut brief = note("offer", json!("Ten percent"));
        brief["expires_at"] = "2100-01-01".into();
        owner.call("agent_memory_set", brief).await;
        let secret = json!({"value": "The pay of Ana", "privacy": "local"});
        server.send_json(Method::PUT, "/api/v1/agents/scout/memory/pay", &secret).await;

        let one = owner.call("agent_memory_get", json!({"agent": "scout", "key": "customers/ana"})).await;
        assert_eq!(one["notes"][0]["value"], json!({"likes": ["e-mail"]}));
        let all = owner.call("agent_memory_get", json!({"agent": "scout"})).await;
        let keys: Vec<&str> =
            all["notes"].as_array().unwrap().iter().map(|note| note["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["offer", "customers/ana"], "what is local stays here");
        assert_eq!(all["notes"][0]["expires_at"], "2100-01-01T00:00:00.000Z");
        let local = owner.call("agent_memory_get", json!({"agent": "scout", "key": "pay"})).await;
        assert_eq!(local["notes"], json!([]));

        let named = json!({"agent": "scout", "key": "offer"});
        assert_eq!(owner.call("agent_memory_delete", named.clone()).await["done"], true);
        assert!(owner.refused("agent_memory_get", named.clone()).await.contains("(fact_not_found)"));
        assert!(owner.refused("agent_memory_delete", named).await.contains("(fact_not_found)"));
        let unfit = json!({"agent": "No Agent", "key": "a", "value": 1});
        assert!(owner.refused("agent_memory_set", unfit).await.contains("(invalid_agent)"));
    }
}

#[tokio::test]
async fn says_what_happens_from_the_level_that_was_asked_for() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    for (level, expected) in [(Some("info"), true), (Some("error"), false), (None, false)] {
        let mut call = json!({"name": "run_goal", "arguments": {"goal": "report"}});
        if let Some(level) = level {
            call["_meta"]["io.modelcontextprotocol/logLevel"] = level.into();
        }
        let reply = owner.ask("tools/call", call).await;
        let said = reply.notified("notifications/message");
        let computing =
            said.iter().any(|told| told["data"]["message"] == "computing" && told["logger"] == "runs");
        assert_eq!(computing, expected, "{level:?}: {said:?}");
    }
    let session = Speaker::owner(&server, Way::Session).await;
    session.result("logging/setLevel", json!({"level": "warning"})).await;
    assert_eq!(session.error("logging/setLevel", json!({"level": "loud"})).await["code"], -32_602);
    assert_eq!(owner.error("logging/setLevel", json!({"level": "warning"})).await["code"], -32_601);
}

#[tokio::test]
async fn refusals_say_what_is_wrong_and_what_to_do() {
    let server = Server::start().await;
    for way in WAYS {
        let owner = Speaker::owner(&server, way).await;
        let cases = [
            ("get_run", json!({"run_id": "run_00000000000000000000"}), "run_not_found"),
            ("get_run", json!({"run_id": "../tokens"}), "run_not_found"),
            ("get_run", json!({}), "missing field `run_id`"),
            ("get_run", json!({"run_id": "x", "also": 1}), "unknown field `also`"),
            ("memory_search", json!({"query": " "}), "empty_query"),
            ("memory_search", json!({"query": "a", "top_k": 100_000}), "limit_out_of_range"),
            ("memory_search", json!({"query": "a", "filters": {"since": "soon"}}), "since"),
            ("memory_ingest", json!({"text": "a", "collection": "No Such Name"}), "collection"),
            ("run_goal", json!({"goal": ""}), "goal"),
            ("list_runs", json!({"limit": 100_000}), "limit"),
            ("context_pack", json!({"query": "a word", "budget_tokens": 1}), "(pack_too_small)"),
            ("list_gates", json!({"run_id": "nothing"}), "run_not_found"),
        ];
        for (tool, arguments, expected) in cases {
            let text = owner.refused(tool, arguments).await;
            assert!(text.contains(expected), "{tool}: {text}");
        }
        let unknown = owner.error("tools/call", json!({"name": "rm", "arguments": {}})).await;
        assert_eq!(unknown["code"], -32_602);
        for (method, params) in [
            ("prompts/get", json!({"name": "none"})),
            ("prompts/get", json!({"name": 1})),
            ("tools/call", json!({})),
            ("resources/read", json!({"uri": []})),
            ("prompts/get", json!({"name": "search_and_answer"})),
            ("resources/list", json!({"cursor": "9:"})),
            ("tools/list", json!({"cursor": "x"})),
        ] {
            assert_eq!(owner.error(method, params).await["code"], -32_602, "{method}");
        }
        for uri in ["atelier://runs/", "atelier://runs/run_0", "atelier://tokens/x", "file:///etc/passwd", ""]
        {
            let code = &owner.error("resources/read", json!({"uri": uri})).await["code"];
            assert!(*code == -32_602 || *code == -32_002, "{uri}: {code}");
        }
    }
}

#[tokio::test]
async fn every_tool_has_a_schema_of_what_it_takes_and_gives() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    let listed = owner.result("tools/list", Value::Null).await;
    for tool in listed["tools"].as_array().unwrap() {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert!(tool["description"].as_str().unwrap().len() > 10 && tool["title"].is_string());
        let writing = ["run_goal", "answer_gate", "memory_ingest", "agent_memory_set", "agent_memory_delete"];
        let writes = writing.contains(&tool["name"].as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], !writes, "{tool}");
    }
}

/// Submits runs that never end.
struct Endless(Engine);

#[async_trait]
impl Supervisor for Endless {
    async fn submit(&self, goal: Goal) -> kernel::Result<RunId> {
        let submission = Submission {
            workflow: "stuck".into(),
            title: "Endless".into(),
            input: Value::Null,
            actor: goal.actor,
            idempotency_key: None,
        };
        Ok(self.0.submit(submission).await?)
    }
}

/// A server whose goals never end.
async fn endless() -> Server {
    let mut server = Server::start().await;
    let supervisor = Arc::new(Endless(server.app.engine.clone()));
    server.app.services.supervisor = supervisor;
    server.router = http_surface::router(server.app.clone());
    server
}

async fn only_run(server: &Server) -> Value {
    let look = async {
        loop {
            let runs = server.get("/api/v1/runs").await.json();
            if runs["items"][0]["status"] == "running" {
                return runs["items"][0].clone();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.unwrap()
}

#[tokio::test]
async fn a_goal_that_takes_longer_goes_on_and_can_be_asked_for() {
    let server = endless().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    for seconds in [0, 1] {
        let run = owner.call("run_goal", json!({"goal": "wait", "wait_seconds": seconds})).await;
        assert!(["queued", "running"].contains(&run["status"].as_str().unwrap()), "{run}");
        let id = run["run_id"].as_str().unwrap();
        server.until(id, "running").await;
    }
}

#[tokio::test]
async fn who_takes_a_call_back_cancels_its_run_and_no_other() {
    // With a session by a message, without one by leaving.
    let server = endless().await;
    let owner = Speaker::owner(&server, Way::Session).await;
    let call = owner.message("tools/call", &json!({"name": "run_goal", "arguments": {"goal": "wait"}}));
    let take_back = async {
        let run = only_run(&server).await;
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
        assert_eq!(owner.send(&cancel).await.status, 202);
        server.until(run["id"].as_str().unwrap(), "cancelled").await;
    };
    // Nobody answers a call that was taken back.
    tokio::pin!(take_back);
    tokio::select! {
        _ = owner.send(&call) => take_back.await,
        () = &mut take_back => {}
    }

    let server = endless().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    let call = owner.message(
        "tools/call",
        &json!({"name": "run_goal", "arguments": {"goal": "wait"}, "_meta": {"progressToken": 1}}),
    );
    let response = server.router.clone().oneshot(owner.request(&call)).await.unwrap();
    let run = only_run(&server).await;
    drop(response);
    server.until(run["id"].as_str().unwrap(), "cancelled").await;

    let run = server.submit("stuck", Value::Null).await;
    let look = owner.message("tools/call", &json!({"name": "get_run", "arguments": {"run_id": run, "wait_seconds": 60}, "_meta": {"progressToken": 1}}));
    let response = server.router.clone().oneshot(owner.request(&look)).await.unwrap();
    drop(response);
    server.until(&run, "running").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.get(&format!("/api/v1/runs/{run}")).await.json()["status"], "running");
}
