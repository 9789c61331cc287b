//! The Factory, at the seed's paths and the canonical ones.

use std::time::Duration;

use axum::http::Method;
use http_surface::Options;
use serde_json::{Value, json};

use crate::support::Server;

#[tokio::test]
async fn plans_are_made_logged_and_found() {
    let server = Server::start().await;
    let prompt = json!({"prompt": "Create a repo; add CI; write tests", "task_type": "coding"});
    for path in ["/planner/dispatch", "/api/v1/planner/dispatch"] {
        let answer = server.post(path, prompt.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let made = answer.json();
        assert_eq!(made["planner"], "rules");
        assert_eq!(made["plan"]["steps"].as_array().unwrap().len(), 3);
        assert!(made["id"].as_str().unwrap().starts_with("dsp_"));
    }
    for path in ["/memory/logs?limit=5", "/api/v1/memory/logs?limit=5"] {
        let log = server.get(path).await.json();
        assert_eq!(log["items"].as_array().unwrap().len(), 2);
        assert_eq!(log["items"][0]["task_type"], "coding");
    }
    let hits = server.get("/memory/search?q=tests&n=3").await.json();
    assert_eq!(hits["items"].as_array().unwrap().len(), 2);
    assert!(hits["items"][0]["parts"]["words"].as_f64().unwrap() > 0.1, "{hits}");
    let snapshot = server.get("/memory/snapshot?limit=50").await.json();
    assert_eq!(snapshot["count"], 2);
    assert!(snapshot["path"].as_str().unwrap().starts_with("snapshots/snapshot-"), "{snapshot}");
    let index = server.get("/api/v1/memory/index").await.json();
    assert_eq!((&index["state"], &index["embedder"]), (&json!("none"), &json!(null)));
    assert_eq!(server.get("/memory/search").await.refusal(), (400, "invalid_parameter".into()));
    assert_eq!(server.get("/memory/search?q=%20").await.refusal(), (400, "invalid_parameter".into()));
    assert_eq!(server.get("/memory/snapshot?limit=0").await.refusal(), (400, "invalid_parameter".into()));
}

#[tokio::test]
async fn code_is_run_and_found_again() {
    let server = Server::start().await;
    let answer = server.post("/debugger/run", json!({"code": "print(2+2)", "language": "python"})).await;
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "run_id": "run_01hv5k3m9x7q2w8e4r6t",
      "language": "python",
      "code": "print(2+2)",
      "outcome": "completed",
      "stdout": "4\n",
      "stderr": "",
      "exit_code": 0,
      "signal": null,
      "duration_ms": 21,
      "timed_out": false,
      "stdout_truncated": false,
      "stderr_truncated": false,
      "peak_memory_bytes": null,
      "created_at": "2026-11-21T09:30:00.000Z"
    }
    "#);
    let answer =
        server.post("/debugger/run", json!({"code": "while True: pass", "language": "python"})).await;
    assert_eq!((&answer.json()["timed_out"], &answer.json()["exit_code"]), (&json!(true), &Value::Null));
    let log = server.get("/debugger/logs?limit=1").await.json();
    assert_eq!(log["items"][0]["code"], "while True: pass");
    let found = server.get("/debugger/search?q=2%2B2&n=3").await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    let answer =
        server.post("/debugger/run", json!({"code": "1", "language": "shell", "timeout_ms": 9.0})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    for (body, status) in [
        (json!({"code": "x", "language": "python", "timeout_ms": 1.5}), 422),
        (json!({"code": "x", "language": "cobol"}), 422),
        (json!({"code": "", "language": "python"}), 422),
        (json!({"code": "x", "language": "python", "timeout_ms": 0}), 422),
        (json!({"code": "x", "language": "python", "timeout_ms": -1}), 422),
        (json!({"code": "x"}), 422),
    ] {
        assert_eq!(server.post("/debugger/run", body.clone()).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn a_session_of_the_supervisor_waits_for_its_end_or_for_a_person() {
    let server = Server::start().await;
    let answer = server.post("/supervisor/run", json!({"goal": "add 2 and 2"})).await;
    assert_eq!(answer.status, 202);
    let session = answer.json();
    assert_eq!((&session["status"], &session["goal"]), (&json!("waiting_approval"), &json!("add 2 and 2")));
    assert_eq!(session["results"][0]["name"], "s1");
    let id = session["session_id"].as_str().unwrap();
    server.post(&format!("/api/v1/runs/{id}/approve"), json!({"decision": "approve"})).await;
    server.until(id, "completed").await;
    let status = server.get("/supervisor/status?limit=5").await.json();
    assert_eq!(status["items"][0]["plan"]["title"], "Report");
    let history = server.get("/supervisor/history?limit=5").await.json();
    assert_eq!(
        (&history["items"][0]["summary"], &history["items"][0]["steps_done"]),
        (&json!("Four."), &json!(4))
    );
    assert_eq!(
        server.get("/supervisor/history?limit=101").await.refusal(),
        (400, "invalid_parameter".into())
    );
}

#[tokio::test]
async fn a_session_that_takes_long_is_answered_with_what_there_is() {
    let options = Options { supervisor_wait: Duration::ZERO, ..Options::default() };
    let server = Server::with_options(options).await;
    let answer = server.post("/api/v1/supervisor/run", json!({"goal": "add"})).await;
    assert_eq!(answer.status, 202);
    assert!(answer.json()["session_id"].as_str().unwrap().starts_with("run_"));
}

#[tokio::test]
async fn health_is_open_to_everyone() {
    let server = Server::start().await;
    for path in
        ["/healthcheck", "/api/v1/health", "/healthz", "/readyz", "/api/v1/openapi.json", "/api/docs", "/"]
    {
        let mut request = server.request(Method::GET, path);
        request.headers_mut().remove("authorization");
        assert_eq!(server.send(request).await.status, 200, "{path}");
    }
    let health = server.get("/healthcheck").await.json();
    assert_eq!((&health["status"], &health["checks"]), (&json!("ok"), &json!({"store": "ok"})));
    server.app.lifetime.stopping.cancel();
    assert_eq!(server.get("/readyz").await.refusal(), (503, "not_ready".into()));
    assert_eq!(server.get("/healthz").await.text(), "ok");
}

#[tokio::test]
async fn settings_are_kept_and_models_listed() {
    let server = Server::start().await;
    let nothing = json!({"theme": null, "language": null});
    assert_eq!(server.get("/api/v1/settings").await.json(), nothing);
    let patch = async |body: Value| server.send_json(Method::PATCH, "/api/v1/settings", &body).await;
    assert_eq!(patch(json!({"theme": "dark"})).await.json(), json!({"theme": "dark", "language": null}));
    assert_eq!(
        patch(json!({"language": "pt-BR"})).await.json(),
        json!({"theme": "dark", "language": "pt-BR"})
    );
    assert_eq!(patch(json!({"theme": null, "language": null})).await.json(), nothing);
    assert_eq!(patch(json!({"theme": "pink"})).await.refusal(), (422, "unfit_body".into()));
    assert_eq!(patch(json!({"thene": "dark"})).await.json()["hint"], "Did you mean `theme`?");
    let models = server.get("/api/v1/models").await.json();
    assert_eq!(
        models["items"][0],
        json!({"name": "offline", "kind": "offline", "local": true, "available": true})
    );
}
