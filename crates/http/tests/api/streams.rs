//! Streams: no event is missing, doubled or out of order, however often a reader reconnects.

use std::time::Duration;

use axum::http::Method;
use http_surface::Options;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::socket::{Connection, messages};

/// The ids of a run's whole stream, which ends because the run is over.
async fn stream(server: &Server, id: &str, query: &str, last_event_id: Option<&str>) -> Vec<u64> {
    let mut request = server.request(Method::GET, &format!("/api/v1/runs/{id}/stream{query}"));
    if let Some(last) = last_event_id {
        request.headers_mut().insert("last-event-id", last.parse().unwrap());
    }
    let answer = server.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut all = messages(&answer.text());
    assert_eq!(all.pop(), Some((None, "end".into(), "{}".into())));
    all.iter().map(|(id, _, _)| id.as_deref().unwrap().parse().unwrap()).collect()
}

#[tokio::test]
async fn a_finished_run_is_told_whole_and_ends() {
    let server = Server::start().await;
    let id = server.submit("chatter", json!({"events": 3})).await;
    let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    let answer = server.get(&format!("/api/v1/runs/{id}/stream")).await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(!answer.headers.contains_key("content-encoding"));
    let actor = server.get(&format!("/api/v1/runs/{id}")).await.json()["actor"].as_str().unwrap().to_owned();
    insta::assert_snapshot!(answer.text().replace(&id, "[id]").replace(&actor, "[actor]"), @r#"
    id: 1
    event: submitted
    data: {"run_id":"[id]","seq":1,"ts":"2026-11-21T09:30:00.000Z","kind":"submitted","payload":{"workflow":"chatter","version":1,"title":"chatter","input":{"events":3},"actor":"[actor]"}}

    id: 2
    event: started
    data: {"run_id":"[id]","seq":2,"ts":"2026-11-21T09:30:00.000Z","kind":"started","payload":{"epoch":1}}

    id: 3
    event: said
    data: {"run_id":"[id]","seq":3,"ts":"2026-11-21T09:30:00.000Z","kind":"said","payload":{"number":0}}

    id: 4
    event: said
    data: {"run_id":"[id]","seq":4,"ts":"2026-11-21T09:30:00.000Z","kind":"said","payload":{"number":1}}

    id: 5
    event: said
    data: {"run_id":"[id]","seq":5,"ts":"2026-11-21T09:30:00.000Z","kind":"said","payload":{"number":2}}

    id: 6
    event: step_completed
    data: {"run_id":"[id]","seq":6,"ts":"2026-11-21T09:30:00.000Z","kind":"step_completed","payload":{"step":"talk","attempt":1,"started_at":1795253400000,"result":3}}

    id: 7
    event: completed
    data: {"run_id":"[id]","seq":7,"ts":"2026-11-21T09:30:00.000Z","kind":"completed","payload":{"result":3}}

    event: end
    data: {}
    "#);

    let expected: Vec<u64> = (1..=last).collect();
    assert_eq!(stream(&server, &id, "", None).await, expected);
    assert_eq!(stream(&server, &id, "?after=2", None).await, expected[2..]);
    assert_eq!(stream(&server, &id, "?after=1", Some("4")).await, expected[4..]);
    assert_eq!(stream(&server, &id, "", Some(&last.to_string())).await, Vec::<u64>::new());

    let ahead = server.get(&format!("/api/v1/runs/{id}/stream?after={}", last + 1)).await;
    assert_eq!(ahead.refusal(), (409, "position_ahead".into()));
    let mut request = server.request(Method::GET, &format!("/api/v1/runs/{id}/stream"));
    request.headers_mut().insert("last-event-id", "seven".parse().unwrap());
    assert_eq!(server.send(request).await.refusal(), (400, "invalid_parameter".into()));
}

#[tokio::test]
async fn a_reader_that_reconnects_in_the_middle_misses_and_doubles_nothing() {
    let server = Server::start().await;
    let address = server.listen().await;
    let id = server.submit("chatter", json!({"events": 3_000})).await;
    let authorization = format!("Bearer {}", server.token);
    let mut seen: Vec<u64> = Vec::new();
    let mut connections = 0;
    'run: loop {
        connections += 1;
        let last = seen.last().map(u64::to_string);
        let mut headers = vec![("Authorization", authorization.as_str())];
        headers.extend(last.as_deref().map(|last| ("Last-Event-ID", last)));
        let mut connection = Connection::open(address, &format!("/api/v1/runs/{id}/stream"), &headers).await;
        assert!(connection.head.starts_with("HTTP/1.1 200"), "{}", connection.head);
        // Each connection is dropped after two chunks.
        for _ in 0..2 {
            let Some(chunk) = connection.chunk().await else { break };
            for (id, kind, _) in messages(&chunk) {
                match id {
                    Some(id) => seen.push(id.parse().unwrap()),
                    None => {
                        assert_eq!(kind, "end");
                        break 'run;
                    }
                }
            }
        }
    }
    let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    assert_eq!(seen, (1..=last).collect::<Vec<_>>());
    assert!(connections > 2, "{connections}");
}

#[tokio::test]
async fn many_readers_of_a_live_run_all_see_everything() {
    let server = Server::start().await;
    let address = server.listen().await;
    let id = server.submit("supervisor", json!({"goal": "x"})).await;
    server.until(&id, "waiting_approval").await;
    let authorization = format!("Bearer {}", server.token);
    let mut readers = Vec::new();
    for number in 0..40_u64 {
        let path = format!("/api/v1/runs/{id}/stream?after={}", number % 4);
        let mut connection = Connection::open(address, &path, &[("Authorization", &authorization)]).await;
        readers.push(tokio::spawn(async move {
            let mut text = String::new();
            while let Some(chunk) = connection.chunk().await {
                text.push_str(&chunk);
            }
            (number % 4, messages(&text))
        }));
    }
    server.post(&format!("/api/v1/runs/{id}/approve"), json!({"decision": "approve"})).await;
    let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    for reader in readers {
        let (after, mut all) = reader.await.unwrap();
        assert_eq!(all.pop().unwrap().1, "end");
        let seqs: Vec<u64> = all.iter().map(|(id, _, _)| id.as_deref().unwrap().parse().unwrap()).collect();
        assert_eq!(seqs, (after + 1..=last).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_run_that_is_retried_goes_on_in_the_same_stream() {
    let server = Server::start().await;
    let id = server.submit("supervisor", json!({"goal": "x"})).await;
    server.until(&id, "waiting_approval").await;
    server.post(&format!("/api/v1/runs/{id}/approve"), json!({"decision": "reject"})).await;
    let failed = server.until(&id, "failed").await["last_seq"].as_u64().unwrap();
    server.post(&format!("/api/v1/runs/{id}/retry"), json!({})).await;
    server.until(&id, "waiting_approval").await;
    server.post(&format!("/api/v1/runs/{id}/approve"), json!({"decision": "approve"})).await;
    let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    let all = stream(&server, &id, "", None).await;
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    assert_eq!(
        stream(&server, &id, "", Some(&failed.to_string())).await,
        (failed + 1..=last).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_and_a_stop_ends_every_stream() {
    let server =
        Server::with_options(Options { heartbeat: Duration::from_millis(20), ..Options::default() }).await;
    let address = server.listen().await;
    let id = server.submit("stuck", json!({})).await;
    server.until(&id, "running").await;
    let authorization = format!("Bearer {}", server.token);
    let headers = [("Authorization", authorization.as_str())];
    let mut run = Connection::open(address, &format!("/api/v1/runs/{id}/stream"), &headers).await;
    let mut all = Connection::open(address, "/api/v1/events", &headers).await;
    let mut socket = Connection::upgrade(address, &format!("/v1/stream/{id}"), &headers).await;
    assert!(socket.head.starts_with("HTTP/1.1 101"), "{}", socket.head);
    while run.chunk().await.unwrap() != ": heartbeat\n\n" {}
    while all.chunk().await.unwrap() != ": heartbeat\n\n" {}
    loop {
        let (_, frame) = socket.frame().await.unwrap();
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        if frame["type"] == "heartbeat" {
            assert_eq!(frame["ts"], "2026-11-21T09:30:00.000Z");
            break;
        }
    }
    server.app.lifetime.stopping.cancel();
    while let Some(chunk) = run.chunk().await {
        assert_eq!(chunk, ": heartbeat\n\n");
    }
    while all.chunk().await.is_some() {}
    loop {
        match socket.frame().await.unwrap() {
            (8, payload) => break assert_eq!(payload[..2], 1001_u16.to_be_bytes()),
            (opcode, _) => assert_eq!(opcode, 1),
        }
    }
}

#[tokio::test]
async fn streams_are_never_compressed_and_lists_are() {
    let server = Server::start().await;
    let id = server.submit("chatter", json!({"events": 300})).await;
    server.until(&id, "completed").await;
    for (path, encoding) in [("stream", None), ("events", Some("gzip"))] {
        let mut request = server.request(Method::GET, &format!("/api/v1/runs/{id}/{path}"));
        request.headers_mut().insert("accept-encoding", "gzip".parse().unwrap());
        let answer = server.send(request).await;
        let found = answer.headers.get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(found, encoding, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_lets_streams_end_and_stops() {
    let server = Server::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let (router, options, lifetime) =
        (server.router.clone(), server.app.options.clone(), server.app.lifetime.clone());
    let serving = tokio::spawn(async move {
        let shutdown = async { told.await.unwrap() };
        http_surface::serve(listener, router, &options, &lifetime, shutdown).await
    });
    let id = server.submit("stuck", json!({})).await;
    let authorization = format!("Bearer {}", server.token);
    let headers = [("Authorization", authorization.as_str())];
    let mut stream = Connection::open(address, &format!("/api/v1/runs/{id}/stream"), &headers).await;
    assert!(stream.chunk().await.is_some());
    tell.send(()).unwrap();
    while stream.chunk().await.is_some() {}
    drop(stream);
    tokio::time::timeout(Duration::from_secs(5), serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn only_loopback_is_served_unless_it_is_said_otherwise() {
    let server = Server::start().await;
    let listener = tokio::net::TcpListener::bind("0.0.0.0:0").await.unwrap();
    let (options, lifetime) = (&server.app.options, &server.app.lifetime);
    let refused =
        http_surface::serve(listener, server.router.clone(), options, lifetime, std::future::pending());
    assert_eq!(refused.await.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_socket_tells_the_same_and_resumes() {
    let server = Server::start().await;
    let address = server.listen().await;
    let id = server.submit("chatter", json!({"events": 20})).await;
    let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    let authorization = format!("Bearer {}", server.token);
    let origin = format!("http://{address}");
    let headers = [("Authorization", authorization.as_str()), ("Origin", origin.as_str())];
    for (after, path) in [(0, format!("/api/v1/stream/{id}")), (7, format!("/v1/stream/{id}?after=7"))] {
        let mut socket = Connection::upgrade(address, &path, &headers).await;
        let mut seqs = Vec::new();
        let mut sorts = Vec::new();
        loop {
            match socket.frame().await.unwrap() {
                (8, payload) => break assert_eq!(payload[..2], 1000_u16.to_be_bytes()),
                (_, payload) => {
                    let frame: Value = serde_json::from_slice(&payload).unwrap();
                    seqs.push(frame["seq"].as_u64().unwrap());
                    sorts.push(frame["type"].as_str().unwrap().to_owned());
                }
            }
        }
        assert_eq!(seqs, (after + 1..=last).collect::<Vec<_>>());
        assert_eq!(sorts.last().unwrap(), "result");
    }
    let plain = server.get(&format!("/api/v1/stream/{id}?after=7")).await;
    assert_eq!(plain.header("content-type"), "text/event-stream");
    assert_eq!(messages(&plain.text()).len() as u64, last - 7 + 1);
    let mut broken = server.request(Method::GET, &format!("/api/v1/stream/{id}"));
    broken.headers_mut().insert("upgrade", "websocket".parse().unwrap());
    assert_eq!(server.send(broken).await.refusal(), (426, "upgrade_required".into()));
}

#[tokio::test]
async fn all_runs_are_followed_with_filters() {
    let server = Server::start().await;
    let address = server.listen().await;
    let authorization = format!("Bearer {}", server.token);
    let path = "/api/v1/events?kind=completed";
    let mut connection = Connection::open(address, path, &[("Authorization", &authorization)]).await;
    let mut expected = Vec::new();
    for _ in 0..3 {
        let id = server.submit("chatter", json!({"events": 1})).await;
        let last = server.until(&id, "completed").await["last_seq"].as_u64().unwrap();
        expected.push(Some(format!("{id}:{last}")));
    }
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.extend(messages(&connection.chunk().await.unwrap()));
    }
    assert_eq!(seen.iter().map(|(id, _, _)| id.clone()).collect::<Vec<_>>(), expected);
    assert!(seen.iter().all(|(_, kind, _)| kind == "completed"));
    let answer = server.get("/api/v1/events?run_id=nonsense").await;
    assert_eq!(answer.refusal(), (400, "invalid_parameter".into()));
}

#[tokio::test]
async fn a_server_that_starts_again_goes_on_where_the_reader_was() {
    let before = Server::start().await;
    let id = before.submit("supervisor", json!({"goal": "x"})).await;
    let seen = before.until(&id, "waiting_approval").await["last_seq"].as_u64().unwrap();
    before.app.engine.stop(Duration::from_secs(1)).await;

    let after = Server::over(before.store.reopen(), Options::default()).await;
    let approved = after.post(&format!("/api/v1/runs/{id}/approve"), json!({"decision": "approve"})).await;
    assert_eq!(approved.status, 200, "{}", approved.text());
    let last = after.until(&id, "completed").await["last_seq"].as_u64().unwrap();
    assert_eq!(stream(&after, &id, "", Some(&seen.to_string())).await, (seen + 1..=last).collect::<Vec<_>>());
}
