//! What clients and providers send that is no sense, too much or not text, and a clock that jumps:
//! a clear error each, in the client's dialect, and nothing lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::Method;
use kernel::{Clock, SeededEntropy, Timestamp};
use models::{Dialect, ModelsOptions, ProviderOptions, RetryOptions, Router};
use serde_json::{Value, json};
use testkit::{Fault, Reply, Script, ScriptedModel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::gateway::{CHAT, MESSAGES, events, gateway, question, scripted, text_of};
use crate::support::{NOW, Server};

#[tokio::test]
async fn tools_with_invalid_schemas_are_refused_with_their_place() {
    let model = scripted(Reply::text("never")).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    for (path, tools, part) in [
        (CHAT, json!("x"), "`tools` must be a list"),
        (CHAT, json!([{"type": "function"}]), "`tools[0]`: a function needs a `name`"),
        (
            CHAT,
            json!([{"type": "function", "function": {"name": "f", "parameters": 7}}]),
            "must be a JSON schema",
        ),
        (MESSAGES, json!({}), "`tools` must be a list"),
        (
            MESSAGES,
            json!([{"name": "f", "input_schema": {}}, {"name": "g"}]),
            "`tools[1]`: `input_schema` must be",
        ),
        (MESSAGES, json!([{"input_schema": {}}]), "`tools[0]`: a tool needs a `name`"),
    ] {
        let mut body = question(false);
        body["tools"] = tools;
        let answer = server.post(path, body).await;
        assert_eq!((answer.status.as_u16(), model.requests().len()), (400, 0), "{}", answer.text());
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_unknown_model_and_too_long_a_prompt_keep_their_meaning() {
    for (reply, status, code, kind) in [
        (Reply::status(404, "no such model"), 404, "model_not_found", "not_found_error"),
        (
            Reply::status(400, "prompt is too long: 9 tokens > 8 maximum"),
            400,
            "context_length_exceeded",
            "invalid_request_error",
        ),
    ] {
        let model = scripted(reply).await;
        for dialect in [Dialect::Chat, Dialect::Anthropic] {
            let server = gateway(&[(&model, dialect)]).await;
            for path in [CHAT, MESSAGES] {
                for stream in [false, true] {
                    let answer = server.post(path, question(stream)).await;
                    let error = &answer.json()["error"];
                    assert_eq!((answer.status.as_u16(), &error["code"]), (status, &json!(code)), "{path}");
                    assert_eq!((&error["type"], &error["provider"]), (&json!(kind), &json!("first")));
                }
            }
        }
    }
}

/// A gigabyte, or an answer without end, is left off at the limit and never held.
#[tokio::test]
async fn an_answer_without_end_is_left_off_and_is_an_error() {
    let model = scripted(Reply::text("word ").fault(Fault::Endless)).await;
    for dialect in [Dialect::Chat, Dialect::Anthropic] {
        let server = gateway(&[(&model, dialect)]).await;
        let whole = server.post(CHAT, question(false)).await;
        assert_eq!(whole.status, 502, "{dialect:?}");
        assert!(whole.text().contains("is larger than"), "{}", whole.text());
    }
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let answer = server.post(CHAT, question(true)).await;
    assert!(answer.body.len() < 20 << 20, "{} bytes", answer.body.len());
    let tail = &answer.text()[answer.body.len() - 600..];
    assert!(tail.contains("is larger than") && !tail.contains("[DONE]"), "{tail}");
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_from_clients() {
    let model = scripted(Reply::text("never")).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let bad = b"{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]}";
    for path in [CHAT, MESSAGES, "/v1/messages/count_tokens"] {
        let mut request = server.request(Method::POST, path);
        *request.body_mut() = Body::from(&bad[..]);
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), model.requests().len()), (400, 0), "{path}");
        assert!(answer.json()["error"]["message"].is_string(), "{}", answer.text());
    }
}

/// Serves these bytes to whoever connects.
async fn serving(content_type: &str, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (head, body) = (head.clone(), body.clone());
            tokio::spawn(async move {
                let mut request = [0; 65_536];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
            });
        }
    });
    url
}

#[tokio::test]
async fn bytes_that_are_no_text_from_a_provider_are_an_error_and_no_gap() {
    let piece =
        |text: &[u8]| [b"data: {\"choices\":[{\"delta\":{\"content\":\"", text, b"\"}}]}\n\n"].concat();
    let stream = [piece(b"one "), piece(b"\xff\xfe"), b"data: [DONE]\n\n".to_vec()].concat();
    let document =
        b"{\"choices\":[{\"message\":{\"content\":\"\xff\"},\"finish_reason\":\"stop\"}]}".to_vec();
    let base = Server::start().await;
    for (content_type, body) in [("text/event-stream", stream), ("application/json", document)] {
        let options = provider_at(serving(content_type, body).await);
        let server = base.serving(crate::support::doubles::router(&options));
        for path in [CHAT, MESSAGES] {
            let answer = server.post(path, question(content_type == "text/event-stream")).await;
            if answer.status == 200 {
                assert_eq!(text_of(path, &answer), ("one ".into(), false), "{}", answer.text());
                assert!(events(&answer).pop().unwrap()["error"]["message"].is_string());
            } else {
                assert_eq!(answer.status, 502, "{}", answer.text());
            }
        }
    }
}

fn provider_at(base_url: String) -> ModelsOptions {
    let provider =
        ProviderOptions { name: "first".into(), base_url, model: "m".into(), ..ProviderOptions::default() };
    ModelsOptions {
        providers: vec![provider],
        retry: RetryOptions { attempts: 2, first_pause_ms: 1, longest_pause_ms: 1 },
        ..ModelsOptions::default()
    }
}

struct JumpingClock(AtomicI64);

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// The clock goes a day forth and two days back while an answer is on its way: waits go by a clock
/// that cannot jump, and only a date in `Retry-After` is read against the one that can.
#[tokio::test]
async fn a_clock_that_jumps_does_no_harm() {
    const DAY_MS: i64 = 86_400_000;
    let clock = Arc::new(JumpingClock(AtomicI64::new(NOW.0)));
    let (jumping, mut asked) = (clock.clone(), 0);
    let script = Script::answering(move |_| {
        asked += 1;
        jumping.0.store(NOW.0 + if asked % 2 == 0 { -DAY_MS } else { DAY_MS }, Ordering::SeqCst);
        if asked % 2 == 1 {
            return Reply::status(429, "later").retry_after("Sat, 21 Nov 2026 09:30:00 GMT");
        }
        Reply { pause_ms: 2, ..Reply::text("one two three four") }
    });
    let model = ScriptedModel::start(script).await;
    let time: Arc<dyn Clock> = clock;
    let router = Router::from_options(&provider_at(model.base_url()), &time, Arc::new(SeededEntropy::new(3)));
    let server = Server::start().await.serving(Arc::new(router.unwrap()));
    for path in [CHAT, MESSAGES] {
        for _ in 0..2 {
            let answer = server.post(path, question(true)).await;
            assert_eq!(text_of(path, &answer), ("one two three four".into(), true), "{}", answer.text());
        }
    }
    let inferred: Value = server.post("/api/v1/llm/infer", json!({"input": "x"})).await.json();
    assert!(inferred["latency_ms"].as_u64().unwrap() < 60_000, "{inferred}");
}
