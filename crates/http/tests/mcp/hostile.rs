//! Whatever is sent, there is an answer, it is no defect, and the server goes on.

use axum::body::Body;
use axum::http::HeaderValue;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::api::support::Server;
use crate::exchange::{Speaker, WAYS, Way};

const METHODS: [&str; 16] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "notifications/cancelled",
    "tasks/get",
    "no/such",
];

/// Any JSON, not too deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop_oneof![
            Just("2.0"),
            Just("run_goal"),
            Just("memory_search"),
            Just("get_run"),
            Just("list_runs"),
            Just("atelier://runs/x"),
            Just("ref/resource")
        ]
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("name".to_owned()),
        Just("arguments".to_owned()),
        Just("uri".to_owned()),
        Just("_meta".to_owned()),
        Just("ref".to_owned()),
        Just("type".to_owned()),
        Just("argument".to_owned()),
        Just("value".to_owned()),
        Just("progressToken".to_owned()),
        Just("query".to_owned()),
        Just("run_id".to_owned()),
        Just("cursor".to_owned()),
        Just("level".to_owned()),
        Just("requestId".to_owned()),
        Just("io.modelcontextprotocol/protocolVersion".to_owned()),
        Just("filters".to_owned()),
        any::<String>(),
    ];
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Something like a message.
fn any_message() -> impl Strategy<Value = Value> {
    let method = prop_oneof![8 => prop::sample::select(&METHODS[..]).prop_map(Value::from), 1 => any_json()];
    let id = prop_oneof![4 => Just(json!(7)), 1 => any_json()];
    let message = (any::<u8>(), id, method, any_json()).prop_map(|(present, id, method, params)| {
        let mut message = json!({});
        let members = [("jsonrpc", json!("2.0")), ("id", id), ("method", method), ("params", params)];
        for (place, (name, value)) in members.into_iter().enumerate() {
            // Each is missing now and then.
            if present & (3 << (2 * place)) != 0 {
                message[name] = value;
            }
        }
        message
    });
    prop_oneof![9 => message, 1 => any_json()]
}

/// What a body may be: a message, a message that was cut, anything.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => any_message().prop_map(|message| message.to_string().into_bytes()),
        1 => (any_message(), any::<prop::sample::Index>()).prop_map(|(message, at)| {
            let text = message.to_string().into_bytes();
            let cut = at.index(text.len() + 1);
            text[..cut].to_vec()
        }),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ]
}

#[test]
fn no_body_is_a_defect() {
    let cases = if std::env::var("ATELIER_TEST_PROFILE").is_ok_and(|profile| profile == "nightly") {
        20_000
    } else {
        600
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::start());
    for way in WAYS {
        let speaker = runtime.block_on(Speaker::owner(&server, way));
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let checked = runner.run(&any_body(), |body| {
            let message: Value = serde_json::from_slice(&body).unwrap_or_default();
            let mut request = speaker.request(&json!({}));
            // The headers agree with the body, so that it is read.
            if let Some(method) =
                message["method"].as_str().and_then(|method| HeaderValue::from_str(method).ok())
            {
                request.headers_mut().insert("mcp-method", method);
            }
            *request.body_mut() = Body::from(body);
            let answer = runtime.block_on(async {
                tokio::time::timeout(std::time::Duration::from_secs(30), server.send(request)).await
            });
            let answer = answer.map_err(|_| TestCaseError::fail("no answer"))?;
            prop_assert!(!answer.status.is_server_error(), "{}: {}", answer.status, answer.text());
            if answer.status.is_client_error() {
                prop_assert!(answer.json().is_object());
            }
            Ok(())
        });
        checked.unwrap();
        assert!(!runtime.block_on(speaker.tools()).is_empty(), "it goes on");
    }
}

#[tokio::test]
async fn no_header_is_a_defect() {
    let server = Server::start().await;
    for way in WAYS {
        let speaker = Speaker::owner(&server, way).await;
        let message = speaker.message("tools/list", &Value::Null);
        for name in [
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "accept",
            "content-type",
            "last-event-id",
        ] {
            for value in [&b""[..], b"\xff\xfe", b"..", b"2026-07-28", b"0", &[b'a'; 4_000]] {
                let mut request = speaker.request(&message);
                request.headers_mut().insert(name, HeaderValue::from_bytes(value).unwrap());
                let answer = server.send(request).await;
                assert!(!answer.status.is_server_error(), "{name}: {value:?}: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn what_is_nested_without_end_is_refused() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    let mut request = owner.request(&json!({}));
    *request.body_mut() = Body::from("[".repeat(100_000));
    assert_eq!(owner.send_request(request).await.status, 400);
}
