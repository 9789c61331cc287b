//! Runs and jobs: submit, look, decide, go again.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::support::Server;

/// A run with one line a member, and one a step.
fn lines(run: &Value, known: &[(&str, &str)]) -> String {
    let member = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("steps", Value::Array(steps)) => steps.iter().map(|step| format!("step: {step}\n")).collect(),
        _ => format!("{name}: {value}\n"),
    };
    let text: String = run.as_object().unwrap().iter().map(member).collect();
    known.iter().fold(text, |text, (value, name)| text.replace(value, name))
}

#[tokio::test]
async fn a_goal_is_carried_out_to_its_gate_approved_and_finished() {
    let server = Server::start().await;
    let answer = server.post("/api/v1/runs", json!({"goal": "add 2 and 2", "title": "Add"})).await;
    assert_eq!(answer.status, 202);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/v1/runs/{id}"));

    let run = server.until(&id, "waiting_approval").await;
    let known = [(id.as_str(), "[id]"), (run["actor"].as_str().unwrap(), "[actor]")];
    insta::assert_snapshot!(lines(&run, &known), @r#"
    id: "[id]"
    workflow: "supervisor"
    title: "Add"
    status: "waiting_approval"
    created_at: "2026-11-21T09:30:00.000Z"
    updated_at: "2026-11-21T09:30:00.000Z"
    finished_at: null
    parent_id: null
    forked_from: null
    actor: "[actor]"
    waiting_gates: 1
    error: null
    input: {"goal":"add 2 and 2","task_type":"auto","require_approval":null,"files":[]}
    result: null
    plan: {"goal":"add 2 and 2","title":"Report","planner":"rules","language":"en","steps":[{"id":"s1","title":"Compute","kind":"code","depends_on":[],"language":"python","code":"print(4)","acceptance":[{"text":"prints 4","check":{"kind":"output_contains","text":"4"}}]},{"id":"s2","title":"Publish?","kind":"gate","depends_on":["s1"],"acceptance":[]},{"id":"s3","title":"Write up","kind":"report","depends_on":["s2"],"acceptance":[{"text":"is clear"}]}]}
    step: {"name":"plan","title":"Plan","kind":"plan","status":"completed","depends_on":[],"attempts":1,"started_at":"2026-11-21T09:30:00.000Z","finished_at":"2026-11-21T09:30:00.000Z","duration_ms":0,"result":{"goal":"add 2 and 2","title":"Report","planner":"rules","language":"en","steps":[{"id":"s1","title":"Compute","kind":"code","depends_on":[],"language":"python","code":"print(4)","acceptance":[{"text":"prints 4","check":{"kind":"output_contains","text":"4"}}]},{"id":"s2","title":"Publish?","kind":"gate","depends_on":["s1"],"acceptance":[]},{"id":"s3","title":"Write up","kind":"report","depends_on":["s2"],"acceptance":[{"text":"is clear"}]}]},"error":null,"acceptance":[]}
    step: {"name":"s1","title":"Compute","kind":"code","status":"completed","depends_on":[],"attempts":1,"started_at":"2026-11-21T09:30:00.000Z","finished_at":"2026-11-21T09:30:00.000Z","duration_ms":0,"result":{"acceptance":[{"text":"prints 4","passed":true,"detail":"found"}],"execution":{"exit_code":0}},"error":null,"acceptance":[{"text":"prints 4","passed":true,"detail":"found"}]}
    step: {"name":"s2","title":"Publish?","kind":"gate","status":"waiting","depends_on":["s1"],"attempts":1,"started_at":"2026-11-21T09:30:00.000Z","finished_at":null,"duration_ms":null,"result":null,"error":null,"acceptance":[]}
    step: {"name":"s3","title":"Write up","kind":"report","status":"pending","depends_on":["s2"],"attempts":0,"started_at":null,"finished_at":null,"duration_ms":null,"result":null,"error":null,"acceptance":[{"text":"is clear","passed":null,"detail":null}]}
    gates: [{"name":"s2","title":"Publish?","detail":"The report says four","digest":"6e7138fc41a7242a993d825319cc69824ab09fb7209d2aa2010b054d96c0ca44","proposal":{"publish":true},"opened_at":"2026-11-21T09:30:00.000Z","decision":null,"feedback":null,"decided_at":null,"decided_by":null,"stage":"s2"}]
    artifacts: [{"path":"out/report.md","content_type":"text/markdown","size":7,"digest":"5f13b9f67d293d835a072f50965e5128c9bf4fff26c3e9ac6535c12c2f1eaf59","created_at":"2026-11-21T09:30:00.000Z"},{"path":"page.html","content_type":"text/html","size":25,"digest":"23dc819ff06ab7ed380d4ab221f5d29063e0ae5c6bdd1286d7417bdf98c3f19d","created_at":"2026-11-21T09:30:00.000Z"}]
    cost: {"tokens_in":40,"tokens_out":9,"usd":0.5}
    last_seq: 12
    "#);

    let gate = &run["gates"][0];
    let decision = json!({"gate": "s2", "decision": "approve", "feedback": "fine", "digest": gate["digest"]});
    let approved = server.post(&format!("/api/v1/runs/{id}/approve"), decision.clone()).await;
    assert_eq!(approved.status, 200, "{}", approved.text());
    let run = server.until(&id, "completed").await;
    let statuses: Vec<_> =
        run["steps"].as_array().unwrap().iter().map(|step| step["status"].clone()).collect();
    assert_eq!(statuses, ["completed", "completed", "completed", "completed"]);
    assert_eq!(run["result"], json!({"summary": "Four."}));
    assert_eq!(
        (&run["gates"][0]["decision"], &run["gates"][0]["decided_by"]),
        (&json!("approve"), &run["actor"])
    );

    let again = server.post(&format!("/api/v1/runs/{id}/approve"), decision).await;
    assert_eq!(again.refusal(), (409, "wrong_run_state".into()));
}

#[tokio::test]
async fn whether_the_plan_is_approved_first_may_be_left_open() {
    let server = Server::start().await;
    for (given, expected) in [
        (json!({"goal": "x"}), Value::Null),
        (json!({"goal": "x", "require_approval": null}), Value::Null),
        (json!({"goal": "x", "require_approval": true}), json!(true)),
        (json!({"goal": "x", "require_approval": false}), json!(false)),
    ] {
        let answer = server.post("/api/v1/runs", given.clone()).await;
        let run = server.get(answer.header("location")).await.json();
        assert_eq!(run["input"]["require_approval"], expected, "{given}");
    }
    let answer = server.post("/api/v1/runs", json!({"goal": "x", "require_approval": "no"})).await;
    assert_eq!(answer.refusal(), (422, "unfit_body".into()));
}

#[tokio::test]
async fn an_approval_of_something_else_is_refused() {
    let server = Server::start().await;
    let id = server.submit("supervisor", json!({"goal": "x"})).await;
    server.until(&id, "waiting_approval").await;
    let path = format!("/api/v1/runs/{id}/approve");
    let answer = server.post(&path, json!({"decision": "approve", "digest": "0000"})).await;
    assert_eq!(answer.refusal(), (409, "digest_mismatch".into()));
    let answer = server.post(&path, json!({"gate": "s9", "decision": "approve"})).await;
    assert_eq!(answer.refusal(), (404, "gate_not_found".into()));
    let answer = server.post(&path, json!({"decision": "yes"})).await;
    assert_eq!(answer.refusal(), (422, "unfit_body".into()));
}

#[tokio::test]
async fn the_same_request_with_the_same_key_is_one_run() {
    let server = Server::start().await;
    let submit = async |key: &str, goal: &str| {
        let mut request = server.request(Method::POST, "/api/v1/runs");
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        *request.body_mut() = json!({"goal": goal}).to_string().into();
        server.send(request).await
    };
    let first = submit("k1", "add").await.json();
    assert_eq!(submit("k1", "add").await.json()["id"], first["id"]);
    assert_ne!(submit("k2", "add").await.json()["id"], first["id"]);
    assert_eq!(submit("k1", "subtract").await.refusal(), (409, "idempotency_key_reused".into()));
    assert_eq!(submit("", "add").await.refusal(), (400, "invalid_parameter".into()));
}

#[tokio::test]
async fn a_failed_run_is_retried_and_a_finished_one_forked() {
    let server = Server::start().await;
    let id = server.submit("supervisor", json!({"goal": "x"})).await;
    server.until(&id, "waiting_approval").await;
    let path = |verb: &str| format!("/api/v1/runs/{id}/{verb}");
    server.post(&path("approve"), json!({"decision": "reject"})).await;
    let failed = server.until(&id, "failed").await;
    assert_eq!(
        failed["error"],
        json!({"code": "rejected", "message": "The report was rejected", "hint": null})
    );
    assert_eq!(failed["steps"][2]["status"], "failed");

    let empty = server.send(server.request(Method::POST, &path("retry"))).await;
    assert_eq!(empty.status, 200, "{}", empty.text());
    server.until(&id, "waiting_approval").await;
    server.post(&path("approve"), json!({"decision": "skip"})).await;
    let done = server.until(&id, "completed").await;
    assert_eq!(done["steps"][2]["status"], "skipped");

    let fork = server.post(&path("fork"), json!({"after_step": "s1"})).await;
    assert_eq!(fork.status, 202);
    let fork = server.until(fork.json()["id"].as_str().unwrap(), "waiting_approval").await;
    assert_eq!(fork["forked_from"], json!(id));
    assert_eq!(fork["artifacts"].as_array().unwrap().len(), 2);
    assert_eq!(done["cost"], json!({"tokens_in": 40, "tokens_out": 9, "usd": 0.5}));
    assert_eq!(fork["cost"]["tokens_in"], 0, "what the fork took over was paid for already");
    let answer = server.post(&path("fork"), json!({"after_step": "s9"})).await;
    assert_eq!(answer.refusal(), (404, "stage_not_found".into()));
}

#[tokio::test]
async fn a_run_is_cancelled_once() {
    let server = Server::start().await;
    let id = server.submit("stuck", json!({})).await;
    server.until(&id, "running").await;
    let path = format!("/api/v1/runs/{id}/cancel");
    let answer = server.send(server.request(Method::POST, &path)).await;
    assert_eq!(answer.status, 200);
    let run = server.until(&id, "cancelled").await;
    assert_eq!(run["error"], Value::Null);
    let answer = server.send(server.request(Method::POST, &path)).await;
    assert_eq!(answer.refusal(), (409, "wrong_run_state".into()));
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let server = Server::start().await;
    for number in 0..5 {
        server.post("/api/v1/runs", json!({"goal": "x", "title": format!("Goal {number}")})).await;
        // Ids sort by time.
        server.clock.advance(Duration::from_millis(1));
    }
    let first = server.get("/api/v1/runs?limit=2").await.json();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    assert_eq!(first["items"][0]["title"], "Goal 4");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.get(&format!("/api/v1/runs?limit=2&cursor={cursor}")).await.json();
    assert_eq!(second["items"][0]["title"], "Goal 2");
    let found = server.get("/api/v1/runs?q=goal%203&workflow=supervisor").await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["next_cursor"], Value::Null);
    let none = server.get("/api/v1/runs?status=failed,cancelled").await.json();
    assert_eq!(none, json!({"items": [], "next_cursor": null}));

    for (query, code) in [
        ("limit=0", "invalid_parameter"),
        ("limit=501", "invalid_parameter"),
        ("limit=many", "invalid_parameter"),
        ("status=asleep", "unknown_status"),
        ("status=", "unknown_status"),
        ("cursor=%00", "invalid_parameter"),
        ("limit=1&limit=2", "invalid_parameter"),
        ("lmit=1", "unknown_parameter"),
    ] {
        let answer = server.get(&format!("/api/v1/runs?{query}")).await;
        assert_eq!(answer.refusal(), (400, code.into()), "{query}");
    }
}

#[tokio::test]
async fn events_are_read_in_pages() {
    let server = Server::start().await;
    let id = server.submit("chatter", json!({"events": 5})).await;
    server.until(&id, "completed").await;
    let path = format!("/api/v1/runs/{id}/events");
    let all = server.get(&path).await.json();
    let seqs: Vec<_> =
        all["items"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(all["next_after"], Value::Null);
    let part = server.get(&format!("{path}?after=2&limit=3")).await.json();
    assert_eq!((&part["items"][0]["seq"], &part["next_after"]), (&json!(3), &json!(5)));
    insta::assert_snapshot!(all["items"][3].to_string().replace(&id, "[id]"), @r#"{"run_id":"[id]","seq":4,"ts":"2026-11-21T09:30:00.000Z","kind":"said","payload":{"number":1}}"#);
}

#[tokio::test]
async fn a_job_is_a_run_by_another_name() {
    let server = Server::start().await;
    let answer =
        server.post("/v1/jobs", json!({"type": "chatter", "input": {"events": 2}, "title": "Talk"})).await;
    assert_eq!(answer.status, 202);
    let id = answer.json()["jobId"].as_str().unwrap().to_owned();
    server.until(&id, "completed").await;
    let job = server.get(&format!("/v1/jobs/{id}")).await.json();
    insta::assert_snapshot!(job.to_string().replace(&id, "[id]"), @r#"{"jobId":"[id]","type":"chatter","title":"Talk","status":"completed","created_at":"2026-11-21T09:30:00.000Z","updated_at":"2026-11-21T09:30:00.000Z","finished_at":"2026-11-21T09:30:00.000Z","error":null,"result":2}"#);
    let list = server.get("/api/v1/jobs").await.json();
    assert_eq!(list["items"][0]["jobId"], json!(id));
    let answer = server.post("/v1/jobs", json!({"type": "mining", "input": {}})).await;
    assert_eq!(answer.refusal(), (422, "unfit_body".into()));
    let answer = server.post(&format!("/v1/jobs/{id}/cancel"), json!({})).await;
    assert_eq!(answer.refusal(), (409, "wrong_run_state".into()));
}

#[tokio::test]
async fn artifacts_are_found_by_their_exact_path_and_are_inert() {
    let server = Server::start().await;
    let id = server.submit("supervisor", json!({"goal": "x"})).await;
    server.until(&id, "waiting_approval").await;
    let base = format!("/api/v1/runs/{id}/artifacts");
    let list = server.get(&base).await.json();
    let paths: Vec<_> =
        list["items"].as_array().unwrap().iter().map(|artifact| artifact["path"].clone()).collect();
    assert_eq!(paths, ["out/report.md", "page.html"]);
    let second = server.get(&format!("{base}?limit=1&cursor=1")).await.json();
    assert_eq!(second["items"][0]["path"], "page.html");

    let report = server.get(&format!("{base}/out/report.md")).await;
    assert_eq!((report.text().as_str(), report.header("content-type")), ("# Four\n", "text/markdown"));
    assert_eq!(report.header("content-disposition"), "inline; filename*=UTF-8''report.md");
    let mut request = server.request(Method::GET, &format!("{base}/out/report.md"));
    request.headers_mut().insert("if-none-match", report.headers["etag"].clone());
    assert_eq!(server.send(request).await.status, 304);

    let page = server.get(&format!("{base}/page.html")).await;
    assert_eq!(page.header("content-disposition"), "attachment; filename*=UTF-8''page.html");
    assert!(page.header("content-security-policy").starts_with("sandbox;"));
    assert_eq!(page.header("x-content-type-options"), "nosniff");

    for (path, expected) in [
        ("nothing.txt", (404, "artifact_not_found")),
        ("report.md", (404, "artifact_not_found")),
        ("../out/report.md", (400, "unsafe_path")),
        ("..%2F..%2Fetc%2Fpasswd", (400, "unsafe_path")),
        ("%2Fetc%2Fpasswd", (400, "unsafe_path")),
        ("out%5C..%5Cx", (400, "unsafe_path")),
        ("x%00", (400, "unsafe_path")),
    ] {
        let answer = server.get(&format!("{base}/{path}")).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.into()), "{path}");
    }
}

#[tokio::test]
async fn files_go_with_a_goal_under_safe_names_only() {
    let server = Server::start().await;
    let submit = async |name: &str, content: &str| {
        server
            .post("/api/v1/runs", json!({"goal": "x", "files": [{"name": name, "content_base64": content}]}))
            .await
    };
    let answer = submit("dados/relatório.csv", "YQo=").await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let run = server.get(answer.header("location")).await.json();
    assert_eq!(run["input"]["files"], json!([{"name": "dados/relatório.csv", "size": 2}]));
    assert_eq!(submit("a.csv", "YQo").await.refusal(), (422, "unfit_body".into()));
    for name in ["../x", "/etc/passwd", "a/../b", "a//b", "", ".git/config", "a\\b", "a\nb"] {
        assert_eq!(submit(name, "YQo=").await.refusal(), (400, "unsafe_path".into()), "{name:?}");
    }
}
