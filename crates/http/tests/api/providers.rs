//! Model providers over HTTP: set up, changed, tested and removed, and their keys never shown.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{PullFault, Reply, Script, ScriptedModel, ScriptedOllama};

use crate::support::{Answer, Server, doubles};

const PROVIDERS: &str = "/api/v1/providers";
const CANARY: &str = "canary-5e21-provider-key";

/// A server whose routes, gateway and providers share one router.
async fn server() -> Server {
    let mut server = Server::start().await;
    server.app.services.router = doubles::router(&models::ModelsOptions::default());
    server.app.services.providers = doubles::providers(server.app.services.router.clone());
    server.router = http_surface::router(server.app.clone());
    server
}

async fn send(server: &Server, method: Method, path: &str, body: Value) -> Answer {
    let mut request = server.request(method, path);
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *request.body_mut() = body.to_string().into();
    let answer = server.send(request).await;
    assert!(!answer.text().contains(CANARY), "{path}: {}", answer.text());
    answer
}

async fn create(server: &Server, body: Value) -> Value {
    let created = send(server, Method::POST, PROVIDERS, body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text());
    created.json()
}

#[tokio::test]
async fn a_provider_is_set_up_asked_changed_and_removed_while_the_server_runs() {
    let model = ScriptedModel::start(Script::always(Reply::text("Hello"))).await;
    let server = server().await;
    let question = || json!({"input": "Say hello"});
    let answer = send(&server, Method::POST, "/api/v1/llm/infer", question()).await;
    assert_eq!(answer.json()["provider"], "offline");

    let made = create(
        &server,
        json!({"name": "mine", "base_url": model.base_url(), "model": "scripted-1", "api_key": CANARY}),
    )
    .await;
    assert_eq!(made["key"], json!({"state": "set", "storage": "encrypted_file", "ending": "-key"}));
    assert_eq!((&made["source"], &made["is_local"]), (&json!("workspace"), &json!(true)));
    assert_eq!(made["health"]["state"], "unknown");
    let answer = send(&server, Method::POST, "/api/v1/llm/infer", question()).await;
    assert_eq!((&answer.json()["provider"], &answer.json()["text"]), (&json!("mine"), &json!("Hello")));
    assert_eq!(model.requests()[0].header("authorization"), Some(format!("Bearer {CANARY}").as_str()));

    let shown = server.get("/api/v1/providers/mine").await;
    assert_eq!(shown.json()["health"]["state"], "healthy", "{}", shown.text());
    let test =
        send(&server, Method::POST, "/api/v1/providers/mine/test", json!({"prompt": true})).await.json();
    assert_eq!(
        (&test["ok"], &test["has_model"], &test["problem"]),
        (&json!(true), &json!(true), &Value::Null)
    );

    let path = "/api/v1/providers/mine";
    let changed =
        send(&server, Method::PATCH, path, json!({"enabled": false, "title": "Mine", "concurrency": 2}))
            .await;
    assert_eq!((&changed.json()["title"], &changed.json()["concurrency"]), (&json!("Mine"), &json!(2)));
    let answer = send(&server, Method::POST, "/api/v1/llm/infer", question()).await;
    assert_eq!(answer.json()["provider"], "offline", "a disabled one is left out");
    let changed = send(&server, Method::PATCH, path, json!({"title": null, "api_key": null})).await.json();
    assert_eq!((&changed["title"], &changed["key"]["state"]), (&json!("mine"), &json!("none")));

    assert_eq!(send(&server, Method::DELETE, path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(server.get(path).await.refusal(), (404, "provider_not_found".into()));
    assert_eq!(server.get(PROVIDERS).await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_preset_fills_what_is_left_out() {
    let server = server().await;
    let presets = server.get("/api/v1/llm/presets").await.json();
    let openai = presets["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|preset| preset["name"] == "openai")
        .unwrap()
        .clone();
    assert_eq!((&openai["needs_key"], &openai["key_variable"]), (&json!(true), &json!("OPENAI_API_KEY")));
    let made = create(&server, json!({"preset": "openai"})).await;
    for (member, from) in
        [("name", "name"), ("title", "title"), ("base_url", "base_url"), ("model", "default_model")]
    {
        assert_eq!(made[member], openai[from], "{member}");
    }
    assert_eq!(made["price"], json!({"input": 0.4, "output": 1.6, "cached": 0.1}));
    assert_eq!(made["key"]["state"], "missing");
    let test = send(&server, Method::POST, "/api/v1/providers/openai/test", json!({})).await.json();
    assert_eq!((&test["ok"], &test["problem"]["code"]), (&json!(false), &json!("provider_key_missing")));
    let other =
        send(&server, Method::PATCH, "/api/v1/providers/openai", json!({"model": "gpt-4.1"})).await.json();
    assert_eq!((&other["price"]["input"], &other["context_tokens"]), (&json!(2.0), &json!(1_047_576)));
}

#[tokio::test]
async fn what_cannot_be_set_up_is_refused_and_says_why() {
    let server = server().await;
    create(&server, json!({"preset": "ollama"})).await;
    let url = "http://127.0.0.1:1/v1";
    for (body, expected) in [
        (json!({"preset": "ollama"}), (409, "provider_exists")),
        (json!({"name": "offline", "base_url": url, "model": "m"}), (409, "provider_exists")),
        (json!({"preset": "none"}), (404, "preset_not_found")),
        (json!({}), (422, "unfit_body")),
        (json!({"name": "a", "base_url": url}), (422, "unfit_body")),
        (json!({"name": "A b", "base_url": url, "model": "m"}), (422, "unfit_body")),
        (json!({"name": "a", "base_url": "file:///etc/passwd", "model": "m"}), (422, "unfit_body")),
        (json!({"name": "a", "base_url": url, "model": " "}), (422, "unfit_body")),
        (json!({"preset": "kimi", "api_key": format!("{CANARY} with a space")}), (422, "unfit_body")),
        (json!({"preset": "kimi", "api_key_env": "PATH"}), (422, "unfit_body")),
        (json!({"preset": "kimi", "dialect": "smalltalk"}), (422, "unfit_body")),
        (json!({"preset": "kimi", "concurrency": 0}), (422, "unfit_body")),
        (json!({"preset": "kimi", "price": {"input": -1.0, "output": 0.0}}), (422, "unfit_body")),
        (json!({"preset": "kimi", "apikey": CANARY}), (422, "unknown_member")),
    ] {
        let shown = body.to_string();
        let answer = send(&server, Method::POST, PROVIDERS, body).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.into()), "{shown}");
        assert!(answer.json()["hint"].is_string(), "{shown}");
    }
    for (method, path, body, expected) in [
        (Method::PATCH, "/api/v1/providers/none", json!({}), (404, "provider_not_found")),
        (Method::DELETE, "/api/v1/providers/none", json!({}), (404, "provider_not_found")),
        (Method::POST, "/api/v1/providers/none/test", json!({}), (404, "provider_not_found")),
        (Method::POST, "/api/v1/providers/none/pull", json!({"model": "m"}), (404, "provider_not_found")),
        (Method::PATCH, "/api/v1/providers/ollama", json!({"model": null}), (422, "unfit_body")),
        (Method::PATCH, "/api/v1/llm/routing", json!({"order": ["none"]}), (404, "provider_not_found")),
        (Method::PATCH, "/api/v1/llm/routing", json!({"chain": []}), (422, "unfit_body")),
        (Method::DELETE, "/api/v1/llm/suggestions/none", json!({}), (404, "suggestion_not_found")),
    ] {
        let answer = send(&server, method, path, body).await;
        assert_eq!(answer.refusal(), (expected.0, expected.1.into()), "{path}");
    }
}

#[tokio::test]
async fn a_stored_key_is_not_sent_to_another_host() {
    let server = server().await;
    let body = json!({"name": "a", "base_url": "http://127.0.0.1:1/v1", "model": "m", "api_key": CANARY});
    create(&server, body).await;
    let path = "/api/v1/providers/a";
    let same =
        send(&server, Method::PATCH, path, json!({"base_url": "http://127.0.0.1:1/other"})).await.json();
    assert_eq!(same["key"]["state"], "set");
    let moved =
        send(&server, Method::PATCH, path, json!({"base_url": "https://elsewhere.example/v1"})).await.json();
    assert_eq!(moved["key"], json!({"state": "none", "storage": null, "ending": null}));
}

#[tokio::test]
async fn the_owner_says_who_is_asked_and_in_which_order() {
    let (one, two) = (Script::always(Reply::text("one")), Script::always(Reply::text("two")));
    let (one, two) = (ScriptedModel::start(one).await, ScriptedModel::start(two).await);
    let server = server().await;
    for (name, model) in [("one", &one), ("two", &two)] {
        create(&server, json!({"name": name, "base_url": model.base_url(), "model": "m"})).await;
    }
    let far = json!({"name": "far", "base_url": "https://far.example/v1", "model": "m"});
    create(&server, far).await;
    let path = "/api/v1/llm/routing";
    let before = server.get(path).await.json();
    assert_eq!((&before["order"], &before["chain"]), (&json!(["one", "two", "far"]), &Value::Null));
    let ask = async || {
        let body = json!({"input": "x", "policyOverride": "local-first"});
        send(&server, Method::POST, "/api/v1/llm/infer", body).await.json()["text"].clone()
    };
    assert_eq!(ask().await, "one");
    let after =
        send(&server, Method::PATCH, path, json!({"order": ["two"], "hedge_after_ms": 900})).await.json();
    assert_eq!((&after["order"], &after["hedge_after_ms"]), (&json!(["two", "one", "far"]), &json!(900)));
    assert_eq!(ask().await, "two");

    let chain = json!({"chain": ["one/other-model"], "hedge_after_ms": null});
    send(&server, Method::PATCH, path, chain).await;
    let chained = send(&server, Method::POST, "/api/v1/llm/infer", json!({"input": "x"})).await.json();
    assert_eq!(
        (&chained["text"], &one.requests().last().unwrap().json["model"]),
        (&json!("one"), &json!("other-model"))
    );

    let only = send(&server, Method::PATCH, path, json!({"local_only": true, "chain": null})).await.json();
    assert_eq!((&only["local_only"], &only["policy"]), (&json!(true), &json!("local-first")));
    let body = json!({"input": "x", "model": "far", "policyOverride": "cloud-first"});
    let answer = send(&server, Method::POST, "/api/v1/llm/infer", body).await.json();
    assert_eq!(answer["provider"], "two", "no override reaches beyond this machine: {answer}");
}

#[tokio::test]
async fn ollama_lists_fetches_and_loads_models() {
    let ollama = ScriptedOllama::start(&[("llama3.1:8b", "aabbccdd0011")]).await;
    let server = server().await;
    create(&server, json!({"preset": "ollama", "base_url": ollama.base_url()})).await;
    let listed = server.get("/api/v1/providers/ollama/models").await.json();
    assert_eq!(listed["items"][0]["id"], "llama3.1:8b", "{listed}");
    assert_eq!(
        (&listed["items"][0]["digest"], &listed["items"][0]["is_loaded"]),
        (&json!("aabbccdd0011"), &json!(false))
    );

    let warm_up = "/api/v1/providers/ollama/warm-up";
    assert_eq!(send(&server, Method::POST, warm_up, json!({})).await.json()["ok"], true);
    assert_eq!(ollama.loaded(), ["llama3.1:8b"]);
    let absent = send(&server, Method::POST, warm_up, json!({"model": "none"})).await;
    assert_eq!(absent.refusal(), (400, "model_request_refused".into()));

    let pull = "/api/v1/providers/ollama/pull";
    for (fault, last, code) in [
        (PullFault::NotFound, "failed", "model_answer_failed"),
        (PullFault::Cut, "failed", "model_answer_interrupted"),
        (PullFault::Malformed, "failed", "model_answer_malformed"),
        (PullFault::None, "done", "{}"),
    ] {
        ollama.fail_pulls(fault);
        let answer = send(&server, Method::POST, pull, json!({"model": "qwen2.5:3b"})).await;
        assert_eq!(answer.header("content-type"), "text/event-stream");
        let text = answer.text();
        assert!(text.contains(
            "event: progress\ndata: {\"status\":\"pulling 46e0c10c039e\",\"completed\":40,\"total\":100}"
        ));
        let end = text.trim_end().rsplit("\n\n").next().unwrap().to_owned();
        assert!(end.starts_with(&format!("event: {last}")) && end.contains(code), "{end}");
    }
    let listed = server.get("/api/v1/providers/ollama/models").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);

    create(&server, json!({"name": "other", "base_url": "http://127.0.0.1:1/v1", "model": "m"})).await;
    let refused = send(&server, Method::POST, "/api/v1/providers/other/pull", json!({"model": "m"})).await;
    assert_eq!(refused.refusal(), (409, "provider_not_ollama".into()));
    let away = server.get("/api/v1/providers/other/models").await;
    assert_eq!(away.refusal(), (503, "model_unreachable".into()));
}
