//! The client against small servers that misbehave.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kernel::Kind;
use serde_json::json;
use tokio::net::TcpListener;

use super::stream::{Events, Update};
use super::{Client, Endpoint, NewRun, Source};

const RUN: &str = "run_01hv5k3m9x7q2w8e4r6t";

async fn serve(router: Router) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Endpoint { url, token: Some("atl_right".into()) }
}

async fn client(router: Router) -> Client {
    Client::new(serve(router).await, Source::Named).unwrap()
}

fn event(seq: u64) -> String {
    format!(
        "id: {seq}\nevent: log\ndata: {{\"seq\":{seq},\"ts\":\"\",\"kind\":\"log\",\"payload\":{{}}}}\n\n"
    )
}

fn stream(pieces: Vec<String>) -> Response {
    let pieces = pieces.into_iter().map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece)));
    let body = Body::from_stream(futures::stream::iter(pieces));
    ([("content-type", "text/event-stream")], body).into_response()
}

fn after(headers: &HeaderMap) -> u64 {
    headers["last-event-id"].to_str().unwrap().parse().unwrap()
}

async fn read_to_end(events: &mut Events<'_>) -> Vec<String> {
    let mut read = Vec::new();
    loop {
        read.push(match events.next().await.unwrap() {
            Update::Event(event, _) => event.seq.to_string(),
            Update::Lost => "lost".into(),
            Update::Restored => "restored".into(),
            Update::End => return read,
        });
    }
}

#[tokio::test]
async fn a_stream_that_breaks_goes_on_behind_the_last_event() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let answer = async |State(asked): State<Arc<Mutex<Vec<u64>>>>, headers: HeaderMap| {
        let after = after(&headers);
        let mut asked = asked.lock().unwrap();
        asked.push(after);
        match asked.len() {
            // Cut in the middle of an event.
            1 => stream(vec![event(1), event(2), event(3)[..20].into()]),
            2 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            // Tells one event again, and the end comes without one.
            3 => stream(vec![event(2), event(3)]),
            _ => stream(vec![event(4), "event: end\ndata: {}\n\n".into()]),
        }
    };
    let router = Router::new().route("/api/v1/runs/{id}/stream", get(answer)).with_state(asked.clone());
    let client = client(router).await;
    let read = read_to_end(&mut Events::after(&client, RUN, 0)).await;
    assert_eq!(read, ["1", "2", "lost", "restored", "3", "lost", "restored", "4"]);
    assert_eq!(*asked.lock().unwrap(), [0, 2, 2, 3]);
}

#[tokio::test]
async fn a_stream_finds_the_server_again_after_it_has_moved() {
    let folder = tempfile::tempdir().unwrap();
    let announce = |endpoint: &Endpoint, token: &str| {
        let content = json!({"url": endpoint.url.as_str(), "pid": std::process::id(), "token": token});
        std::fs::write(folder.path().join("server.json"), content.to_string()).unwrap();
    };
    let moved = async |headers: HeaderMap| {
        if headers["authorization"] != "Bearer atl_new" {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        stream(vec![event(after(&headers) + 1), "event: end\ndata: {}\n\n".into()])
    };
    let new = serve(Router::new().route("/api/v1/runs/{id}/stream", get(moved))).await;
    let old = async || stream(vec![event(1)]);
    let old = serve(Router::new().route("/api/v1/runs/{id}/stream", get(old))).await;
    announce(&old, "atl_old");
    let client = Client::new(old, Source::Folder(folder.path().to_owned())).unwrap();
    let mut events = Events::after(&client, RUN, 0);
    assert!(matches!(events.next().await.unwrap(), Update::Event(..)));
    announce(&new, "atl_new");
    assert_eq!(read_to_end(&mut events).await, ["lost", "restored", "2"]);
}

#[tokio::test]
async fn a_stream_waits_for_a_server_that_has_not_come_as_far() {
    let calls = Arc::new(AtomicUsize::new(0));
    let answer = async |State(calls): State<Arc<AtomicUsize>>, headers: HeaderMap| {
        if calls.fetch_add(1, Ordering::Relaxed) < 2 {
            let body =
                json!({"detail": "The run has no event 3 yet", "code": "position_ahead", "request_id": "r"});
            return (StatusCode::CONFLICT, axum::Json(body)).into_response();
        }
        stream(vec![event(after(&headers) + 1), "event: end\ndata: {}\n\n".into()])
    };
    let router = Router::new().route("/api/v1/runs/{id}/stream", get(answer)).with_state(calls);
    let client = client(router).await;
    assert_eq!(read_to_end(&mut Events::after(&client, RUN, 3)).await, ["4"]);
}

#[tokio::test]
async fn a_stream_that_is_refused_ends_with_the_reason() {
    let refuse = async || {
        let body = json!({"detail": "There is no run", "code": "run_not_found", "hint": "List them", "request_id": "r"});
        (StatusCode::NOT_FOUND, axum::Json(body))
    };
    let client = client(Router::new().route("/api/v1/runs/{id}/stream", get(refuse))).await;
    let problem = Events::after(&client, RUN, 0).next().await.unwrap_err();
    assert_eq!((problem.kind, problem.code.as_str()), (Kind::NotFound, "run_not_found"));
}

#[tokio::test]
async fn a_submission_is_repeated_under_one_key() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let submit = async |State(keys): State<Arc<Mutex<Vec<String>>>>, headers: HeaderMap| {
        let mut keys = keys.lock().unwrap();
        keys.push(headers["idempotency-key"].to_str().unwrap().to_owned());
        if keys.len() == 1 {
            return StatusCode::BAD_GATEWAY.into_response();
        }
        (StatusCode::ACCEPTED, axum::Json(json!({"id": RUN, "status": "queued"}))).into_response()
    };
    let router = Router::new().route("/api/v1/runs", post(submit)).with_state(keys.clone());
    let client = client(router).await;
    let run = client.submit(&NewRun { goal: "x".into(), ..NewRun::default() }).await.unwrap();
    assert_eq!(run.id, RUN);
    let keys = keys.lock().unwrap();
    assert_eq!((keys.len(), &keys[0]), (2, &keys[1]));
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_told_from_atelier_s() {
    let calls = Arc::new(AtomicUsize::new(0));
    let page = async |State(calls): State<Arc<AtomicUsize>>| {
        calls.fetch_add(1, Ordering::Relaxed);
        "<html>Welcome to nginx</html>"
    };
    let router = Router::new().route("/api/v1/runs/{id}", get(page)).with_state(calls.clone());
    let problem = client(router).await.run(RUN).await.unwrap_err();
    assert_eq!((problem.kind, problem.code.as_str()), (Kind::Unavailable, "not_atelier"));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn paths_of_artifacts_keep_their_slashes_and_nothing_else() {
    let path = async |uri: axum::http::Uri| uri.path().to_owned();
    let client = client(Router::new().fallback(path)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut writer = tokio::fs::File::from_std(file.reopen().unwrap());
    client.download(RUN, "out/50% é?#.csv", &mut writer).await.unwrap();
    let seen = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(seen, format!("/api/v1/runs/{RUN}/artifacts/out/50%25%20%C3%A9%3F%23.csv"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(Endpoint { url: url.parse().unwrap(), token: None }, Source::Named).unwrap();
    let problem = client.run(RUN).await.unwrap_err();
    assert_eq!((problem.kind, problem.code.as_str()), (Kind::Unavailable, "server_unreachable"));
    assert!(problem.message.contains(&url), "{}", problem.message);
}
