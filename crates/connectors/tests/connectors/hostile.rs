//! Servers that do not behave.

use std::time::Instant;

use super::scripted::{Answer, Asked, Scripted};
use super::*;

fn is(asked: &Asked, method: &str) -> bool {
    asked.body["method"] == method
}

#[tokio::test]
async fn a_list_of_tools_without_an_end_is_cut() {
    let mut page = 0;
    let server = Scripted::start(Vec::new(), move |asked| {
        is(asked, "tools/list").then(|| {
            page += 1;
            let tools: Vec<Value> = (0..3).map(|one| text_tool(&format!("t{page}_{one}"))).collect();
            Answer::Result(json!({ "tools": tools, "nextCursor": format!("page {page}") }))
        })
    })
    .await;
    let bench = Bench::ready(&server.url).await;
    assert_eq!(bench.connectors.find("it").await.unwrap().tools.len(), 96);
    assert_eq!(server.count("tools/list"), 32);
}

#[tokio::test]
async fn too_many_tools_and_tools_that_cannot_be_shown_are_left_out() {
    let mut tools: Vec<Value> = (0..300).map(|one| text_tool(&format!("t{one}"))).collect();
    tools.insert(0, json!({"name": "hidden\u{200b}", "inputSchema": {"type": "object"}}));
    let server = Scripted::start(tools, |_| None).await;
    let bench = Bench::new();
    bench.add("it", &server.url, None).await;
    let report = bench.connectors.test("it").await.unwrap();
    assert_eq!((report.tools, report.left_out), (256, 45));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    for endless in [false, true] {
        let server = Scripted::start(vec![text_tool("say")], move |asked| {
            is(asked, "tools/call").then(|| match endless {
                true => Answer::Endless,
                false => Answer::Result(json!({"content": [{"type": "text", "text": "x".repeat(6 << 20)}]})),
            })
        })
        .await;
        let bench = Bench::ready(&server.url).await;
        let failed = bench.call("say", json!({"text": "x"})).await.unwrap_err();
        assert!(matches!(failed, Error::Broken { .. } | Error::TimedOut { .. }), "{endless} {failed:?}");
    }
}

#[tokio::test]
async fn a_long_answer_within_limits_is_cut_and_says_so() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        is(asked, "tools/call")
            .then(|| Answer::Result(json!({"content": [{"type": "text", "text": "x".repeat(1 << 20)}]})))
    })
    .await;
    let answer = Bench::ready(&server.url).await.call("say", json!({"text": "x"})).await.unwrap();
    assert!(answer.text.len() < 300 << 10 && answer.text.ends_with("left out]"));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for_and_told() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        is(asked, "tools/call").then_some(Answer::Silence(Duration::from_secs(30)))
    })
    .await;
    let bench = Bench::with(Arc::new(NoPrograms), Duration::from_millis(300));
    bench.add("it", &server.url, None).await;
    bench.connectors.test("it").await.unwrap();
    let begun = Instant::now();
    let failed = bench.call("say", json!({"text": "x"})).await.unwrap_err();
    assert!(matches!(failed, Error::TimedOut { .. }), "{failed:?}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    told(&server, "notifications/cancelled").await;
}

#[tokio::test]
async fn a_call_that_nobody_wants_any_more_is_cancelled_at_the_server() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        is(asked, "tools/call").then_some(Answer::Silence(Duration::from_secs(30)))
    })
    .await;
    let bench = Bench::with(Arc::new(NoPrograms), Duration::from_secs(60));
    bench.add("it", &server.url, None).await;
    bench.connectors.test("it").await.unwrap();
    let (digest, cancel) = (bench.tool("say").await.digest, CancellationToken::new());
    let calling = bench.call_as("say", &digest, json!({"text": "x"}), cancel.clone());
    let cancelling = async {
        told(&server, "tools/call").await;
        cancel.cancel();
    };
    let (called, ()) = tokio::join!(calling, cancelling);
    assert!(matches!(called, Err(Error::Cancelled)), "{called:?}");
    told(&server, "notifications/cancelled").await;

    // The same where whoever waits just goes away.
    let calling = bench.call_as("say", &digest, json!({"text": "x"}), CancellationToken::new());
    let _ = tokio::time::timeout(Duration::from_millis(300), calling).await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.count("notifications/cancelled") < 2 {
        assert!(Instant::now() < deadline, "{:?}", server.methods());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn told(server: &Scripted, method: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while server.count(method) == 0 {
        assert!(Instant::now() < deadline, "{:?}", server.methods());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_open_what_was_done_and_is_not_tried_at_once() {
    let server =
        Scripted::start(vec![text_tool("say")], |asked| is(asked, "tools/call").then_some(Answer::Cut)).await;
    let bench = Bench::ready(&server.url).await;
    let failed = bench.call("say", json!({"text": "x"})).await.unwrap_err();
    assert!(matches!(failed, Error::Broken { .. } | Error::TimedOut { .. }), "{failed:?}");
    assert_eq!(server.count("tools/call"), 1, "a call that may have worked is not made again");
    if matches!(failed, Error::Broken { .. }) {
        let paused = bench.call("say", json!({"text": "x"})).await.unwrap_err();
        assert!(matches!(paused, Error::Paused { .. }), "{paused:?}");
        assert!(bench.connectors.test("it").await.unwrap().problem.is_none(), "a test does not wait");
    }
}

#[tokio::test]
async fn what_is_no_protocol_is_said_to_be_none() {
    for body in ["<html>canary</html>", "{}", "[]", "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":{}}"] {
        let server = Scripted::start(Vec::new(), move |asked| {
            (asked.method == "POST").then(|| Answer::Body(body.into()))
        })
        .await;
        let bench = Bench::with(Arc::new(NoPrograms), Duration::from_secs(1));
        bench.add("it", &server.url, None).await;
        assert_eq!(bench.problem().await.0, "connector_unreachable", "{body}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Scripted::start(vec![text_tool("say")], |_| None).await;
    let elsewhere = other.url.clone();
    let server =
        Scripted::start(Vec::new(), move |_| Some(Answer::Status(307, "location", elsewhere.clone()))).await;
    let bench = Bench::new();
    bench.add("it", &server.url, Some("canary")).await;
    let (code, message) = bench.problem().await;
    assert_eq!(code, "connector_unreachable");
    assert!(message.contains("not approved"), "{message}");
    assert!(other.methods().is_empty() && !other.heads().contains("canary"));
}

#[tokio::test]
async fn a_lost_session_is_opened_anew_and_the_call_made_once() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        let is_old = is(asked, "tools/call") && asked.sessions == 1;
        is_old.then(|| Answer::Status(404, "x-gone", "yes".into()))
    })
    .await;
    let bench = Bench::ready(&server.url).await;
    let answer = bench.call("say", json!({"text": "again"})).await.unwrap();
    assert_eq!(answer.text, "again");
    assert_eq!((server.count("initialize"), server.count("tools/call")), (2, 2));
}

#[tokio::test]
async fn a_server_that_forgets_every_session_is_given_up() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        is(asked, "tools/call").then(|| Answer::Status(404, "x-gone", "yes".into()))
    })
    .await;
    let failed = Bench::ready(&server.url).await.call("say", json!({"text": "x"})).await.unwrap_err();
    assert!(matches!(failed, Error::Unreachable { .. }), "{failed:?}");
    assert_eq!(server.count("tools/call"), 2);
}

#[tokio::test]
async fn a_token_that_is_refused_is_said_and_not_shown() {
    let server = Scripted::start(Vec::new(), |_| {
        Some(Answer::Status(401, "www-authenticate", "Bearer error=\"canary-token\"".into()))
    })
    .await;
    let bench = Bench::new();
    bench.add("it", &server.url, Some("canary-token")).await;
    let (code, message) = bench.problem().await;
    assert_eq!(code, "connector_token_refused");
    assert!(!message.contains("canary"), "{message}");
}

#[tokio::test]
async fn progress_is_heard_and_patience_begins_anew() {
    let server = Scripted::start(vec![text_tool("say")], |asked| {
        is(asked, "tools/call").then(|| {
            let token = &asked.body["params"]["_meta"]["progressToken"];
            let progress = json!({
                "jsonrpc": "2.0", "method": "notifications/progress",
                "params": {"progressToken": token, "progress": 1, "total": 2, "message": "half\u{202e} way"},
            });
            let result = json!({"content": [{"type": "text", "text": "done"}], "isError": true});
            Answer::Events(vec![
                progress,
                json!({"jsonrpc": "2.0", "id": asked.body["id"], "result": result}),
            ])
        })
    })
    .await;
    let bench = Bench::ready(&server.url).await;
    let (heard, digest) = (Arc::new(parking_lot::Mutex::new(Vec::new())), bench.tool("say").await.digest);
    let listening = heard.clone();
    let request = CallRequest {
        server: "it",
        tool: "say",
        digest: &digest,
        arguments: json!({"text": "x"}).as_object().unwrap().clone(),
        cancel: CancellationToken::new(),
        hears: Some(Arc::new(move |progress| listening.lock().push(progress))),
    };
    let answer = bench.connectors.call(request).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.is_error), ("done", true));
    let heard = heard.lock();
    assert_eq!((heard[0].done, heard[0].of, heard[0].message.as_deref()), (1.0, Some(2.0), Some("half way")));
}
