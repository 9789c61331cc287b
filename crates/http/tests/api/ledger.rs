//! What models were asked, what it cost, and how much may be.

use axum::http::Method;
use models::{CacheOptions, ModelsOptions, Price, ProviderOptions, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use testkit::{Reply, Script, ScriptedModel};

use crate::support::{Answer, Server, doubles};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const LIMITS: &str = "/api/v1/llm/limits";

/// A server over one provider that says it took 1,000 tokens and 500, and costs 1 and 2 dollars a
/// million.
async fn server(cache: bool) -> (Server, ScriptedModel) {
    let model = ScriptedModel::start(Script::always(Reply::text("forty two").usage(1_000, 500))).await;
    let provider = ProviderOptions {
        name: "priced".into(),
        base_url: model.base_url(),
        model: "m".into(),
        price: Some(Price { input: 1.0, output: 2.0, cached: None }),
        ..ProviderOptions::default()
    };
    let options = ModelsOptions { providers: vec![provider], ..ModelsOptions::default() };
    let mut server = Server::start().await;
    let accounting = doubles::accounting(&CacheOptions { enabled: cache, ..CacheOptions::default() }).await;
    let router = Arc::into_inner(doubles::router(&options)).expect("nobody else has it yet");
    server.app.services.router = Arc::new(Router::with_accounting(router, accounting.clone()));
    server.app.services.accounting = accounting;
    server.router = http_surface::router(server.app.clone());
    (server, model)
}

fn question(more: &Value) -> Value {
    let mut question =
        json!({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "Say something"}]});
    question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    question
}

async fn create(server: &Server, limit: Value) -> Value {
    let made = server.post(LIMITS, limit).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()
}

#[tokio::test]
async fn every_door_is_accounted_for_with_tokens_and_cost() {
    let (server, _model) = server(false).await;
    for path in [CHAT, MESSAGES] {
        for stream in [false, true] {
            let answer = server.post(path, question(&json!({"stream": stream}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    assert_eq!(server.post("/api/v1/llm/infer", json!({"input": "?"})).await.status, 200);
    let usage = server.get("/api/v1/llm/usage?bucket=hour").await.json();
    let totals = &usage["totals"];
    assert_eq!(
        (&totals["requests"], &totals["tokens_in"], &totals["tokens_out"]),
        (&5.into(), &5_000.into(), &2_500.into()),
        "{usage}"
    );
    assert!((totals["usd"].as_f64().unwrap() - 0.01).abs() < 1e-9, "{usage}");
    assert_eq!(totals["is_estimated"], false);
    assert_eq!(usage["by_model"][0]["model"], "m");
    assert_eq!(usage["series"][0]["start"], "2026-11-21T09:00:00.000Z");
    let page = server.get("/api/v1/llm/calls?limit=2").await.json();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = server.get(&format!("/api/v1/llm/calls?cursor={next}")).await.json();
    let calls: Vec<&Value> =
        [&page, &rest].iter().flat_map(|page| page["items"].as_array().unwrap()).collect();
    let mut doors: Vec<_> = calls.iter().map(|call| call["surface"].as_str().unwrap()).collect();
    doors.sort_unstable();
    assert_eq!(doors, ["chat", "chat", "infer", "messages", "messages"]);
    for call in calls {
        assert_eq!((&call["provider"], &call["outcome"]), (&json!("priced"), &json!("answered")));
        assert!(call["request_id"].as_str().unwrap().starts_with("req_"), "{call}");
        assert_eq!(call["attempts"][0]["usd"], 0.002);
    }
    let nobody = server.get("/api/v1/llm/calls?outcome=refused&provider=other").await.json();
    assert_eq!(nobody, json!({"items": [], "next_cursor": null}));
}

#[tokio::test]
async fn whoever_nears_a_limit_is_warned_and_beyond_it_refused_in_their_own_dialect() {
    let (server, _model) = server(false).await;
    let limit =
        create(&server, json!({"scope": "workspace", "window": "day", "requests": 2, "warn_at": 0.5})).await;
    let warned = server.post(CHAT, question(&json!({}))).await;
    let warning = warned.header("x-atelier-warning").to_owned();
    assert!(warning.starts_with("50 % of the workspace's limit of 2 requests a day is used"), "{warning}");
    let infer = server.post("/api/v1/llm/infer", json!({"input": "?"})).await.json();
    assert!(infer["warning"].as_str().unwrap().starts_with("100 %"), "{infer}");

    let until_midnight = (14 * 3_600 + 1_800).to_string();
    let check = |answer: &Answer, code: &str| {
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("retry-after"), until_midnight);
        assert!(answer.text().contains(code), "{}", answer.text());
    };
    let refused = server.post(CHAT, question(&json!({"stream": true}))).await;
    check(&refused, "budget_exhausted");
    assert_eq!(refused.json()["error"]["code"], "budget_exhausted");
    let refused = server.post(MESSAGES, question(&json!({}))).await;
    check(&refused, "the workspace's limit of 2 requests a day is used up");
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
    let refused = server.post("/api/v1/llm/infer", json!({"input": "?"})).await;
    check(&refused, "budget_exhausted");

    let id = limit["id"].as_str().unwrap();
    let path = format!("{LIMITS}/{id}");
    let changed = server.send_json(Method::PATCH, &path, &json!({"requests": 9})).await.json();
    assert_eq!(
        (&changed["requests"], &changed["used"]["requests"], &changed["state"]),
        (&9.into(), &2.into(), &json!("ok"))
    );
    assert_eq!(server.post(CHAT, question(&json!({}))).await.status, 200);
    let refused = server.get("/api/v1/llm/calls?outcome=refused").await.json();
    assert_eq!(refused["items"].as_array().unwrap().len(), 3);
    assert_eq!(refused["items"][0]["error_code"], "budget_exhausted");
}

#[tokio::test]
async fn limits_are_made_changed_listed_and_removed_by_admins_only() {
    let (server, _model) = server(false).await;
    let limit =
        create(&server, json!({"scope": "provider", "subject": "priced", "window": "minute", "usd": 0.5}))
            .await;
    assert_eq!(limit["used"], json!({"requests": 0, "tokens": 0, "usd": 0.0}));
    assert_eq!((&limit["warn_at"], &limit["state"]), (&json!(0.8), &json!("ok")));
    let again = server
        .post(LIMITS, json!({"scope": "provider", "subject": "priced", "window": "minute", "requests": 1}))
        .await;
    assert_eq!(again.refusal(), (409, "limit_exists".into()));
    let path = format!("{LIMITS}/{}", limit["id"].as_str().unwrap());
    let empty = server.send_json(Method::PATCH, &path, &json!({"usd": null})).await;
    assert_eq!(empty.refusal(), (409, "limit_empty".into()));
    assert_eq!(server.get(LIMITS).await.json()["items"], json!([limit]));
    assert_eq!(server.send(server.request(Method::DELETE, &path)).await.status, 204);
    for (method, path) in [(Method::DELETE, path.as_str()), (Method::DELETE, "/api/v1/llm/limits/none")] {
        let refused = server.send(server.request(method, path)).await;
        assert_eq!(refused.refusal(), (404, "limit_not_found".into()));
    }
    for body in [
        json!({"scope": "workspace", "window": "day"}),
        json!({"scope": "workspace", "subject": "x", "window": "day", "usd": 1}),
        json!({"scope": "token", "window": "day", "usd": 1}),
        json!({"scope": "token", "subject": "a b", "window": "day", "usd": 1}),
        json!({"scope": "workspace", "window": "year", "usd": 1}),
        json!({"scope": "workspace", "window": "day", "usd": -1}),
        json!({"scope": "workspace", "window": "day", "requests": 0}),
        json!({"scope": "workspace", "window": "day", "usd": 1, "warn_at": 2}),
    ] {
        assert_eq!(server.post(LIMITS, body.clone()).await.status, 422, "{body}");
    }
    let token = server.token_for(&[accounts::Scope::InvokeModels]).await;
    let mut guest = server.request(Method::DELETE, "/api/v1/llm/limits/none");
    guest.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(server.send(guest).await.refusal(), (403, "scope_lacking".into()));
}

#[tokio::test]
async fn a_known_answer_is_given_again_without_asking_and_says_so() {
    let (server, model) = server(true).await;
    let same = question(&json!({"temperature": 0}));
    let first = server.post(CHAT, same.clone()).await;
    assert!(!first.headers.contains_key("x-atelier-cache"));
    let second = server.post(CHAT, same).await;
    assert_eq!((second.header("x-atelier-cache"), second.header("x-atelier-provider")), ("hit", "priced"));
    assert_eq!(second.json()["choices"], first.json()["choices"]);
    assert_eq!(model.requests().len(), 1);
    let totals = server.get("/api/v1/llm/usage").await.json()["totals"].clone();
    assert_eq!(
        (&totals["requests"], &totals["cached"], &totals["tokens_in"]),
        (&2.into(), &1.into(), &1_000.into())
    );
}

#[tokio::test]
async fn usage_is_shown_for_the_time_asked_for_and_for_no_more_than_can_be_shown() {
    let (server, _model) = server(false).await;
    let shown = async |query: &str| {
        let answer = server.get(&format!("/api/v1/llm/usage?{query}")).await.json();
        (answer["from"].as_str().unwrap().to_owned(), answer["to"].as_str().unwrap().to_owned())
    };
    let times = |from: &str, to: &str| (format!("{from}.000Z"), format!("{to}.000Z"));
    assert_eq!(shown("").await, times("2026-11-14T09:30:00", "2026-11-21T09:30:00"));
    let swapped = "from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z";
    assert_eq!(shown(swapped).await, times("2026-11-19T00:00:00", "2026-11-20T00:00:00"));
    let long = "from=1999-01-01T00:00:00Z&to=2026-11-21T00:00:00Z&bucket=hour";
    assert_eq!(shown(long).await, times("2026-10-21T00:00:00", "2026-11-21T00:00:00"));
    let refused = server.get("/api/v1/llm/usage?from=yesterday").await;
    assert_eq!(refused.refusal(), (400, "invalid_parameter".into()));
}
