//! Requests that must be refused, and how refusals look.

use std::time::Duration;

use accounts::Scope;
use axum::body::Body;
use axum::http::{Method, Request};
use http_surface::Options;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::socket::Connection;
use crate::support::{Answer, Server};

async fn bare(server: &Server, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "127.0.0.1:8080");
    }
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    server.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn strangers_get_401_and_nothing_of_their_body_is_read() {
    let server = Server::start().await;
    let token_in_body = json!({"code": "print(1)", "language": "python", "token": server.token}).to_string();
    for path in ["/api/v1/debugger/run", "/debugger/run", "/api/v1/runs", "/api/v1/jobs", "/supervisor/run"] {
        let answer = bare(&server, Method::POST, path, &[JSON], &token_in_body).await;
        assert_eq!(answer.refusal(), (401, "no_credentials".into()), "{path}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"atelier\"");
        let answer = bare(&server, Method::POST, path, &[], "not json").await;
        assert_eq!(answer.refusal(), (401, "no_credentials".into()), "{path}");
    }
    for credentials in [
        "Bearer ' OR 1=1--",
        "Bearer",
        "Bearer ",
        "Basic b3duZXI6",
        "Bearer atl_0000000000000000000000000000000000000000000000000000",
        // alg: none, exp as a string.
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciIsImV4cCI6Ijk5OTk5OTk5OTkifQ.",
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvd25lciJ9.c2VjcmV0",
    ] {
        let answer = bare(&server, Method::GET, "/api/v1/runs", &[("authorization", credentials)], "").await;
        assert_eq!(answer.refusal(), (401, "unauthenticated".into()), "{credentials}");
    }
    let cookie = ("cookie", "atelier_session=00000000000000000000000000");
    let answer = bare(&server, Method::GET, "/api/v1/runs", &[cookie], "").await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn foreign_hosts_and_origins_get_403() {
    let server = Server::start().await;
    let bearer = format!("Bearer {}", server.token);
    let authorization = ("authorization", bearer.as_str());
    for path in ["/", "/api/v1/runs", "/api/v1/health", "/v1/jobs", "/nothing"] {
        let answer = bare(&server, Method::GET, path, &[("host", "evil.test"), authorization], "").await;
        assert_eq!(answer.refusal(), (403, "foreign_host".into()), "{path}");
    }
    let foreign = ("origin", "http://evil.test");
    let goal = r#"{"goal":"x"}"#;
    let answer = bare(&server, Method::POST, "/api/v1/runs", &[foreign, authorization, JSON], goal).await;
    assert_eq!(answer.refusal(), (403, "foreign_origin".into()));
    let token = json!({"token": server.token}).to_string();
    let answer = bare(&server, Method::POST, "/api/v1/auth/session", &[foreign, JSON], &token).await;
    assert_eq!(answer.refusal(), (403, "foreign_origin".into()));
    let upgrade = [foreign, authorization, ("connection", "upgrade"), ("upgrade", "websocket")];
    for path in ["/api/v1/stream/run_01hv5k3m9x7q2w8e4r6t", "/v1/stream/run_01hv5k3m9x7q2w8e4r6t"] {
        let answer = bare(&server, Method::GET, path, &upgrade, "").await;
        assert_eq!(answer.refusal(), (403, "foreign_origin".into()), "{path}");
    }
}

#[tokio::test]
async fn a_token_in_another_header_gets_403() {
    let server = Server::start().await;
    let narrow = server.token_for(&[Scope::ReadRuns]).await;
    for header in ["x-api-key", "api-key", "x-auth-token"] {
        let answer = bare(&server, Method::GET, "/api/v1/runs", &[(header, &narrow)], "").await;
        assert_eq!(answer.refusal(), (403, "misplaced_credentials".into()), "{header}");
    }
}

#[tokio::test]
async fn a_scope_that_lacks_is_named() {
    let server = Server::start().await;
    let narrow = format!("Bearer {}", server.token_for(&[Scope::ReadRuns]).await);
    let authorization = ("authorization", narrow.as_str());
    assert_eq!(bare(&server, Method::GET, "/api/v1/runs", &[authorization], "").await.status, 200);
    let answer = bare(&server, Method::POST, "/api/v1/debugger/run", &[authorization, JSON], "{}").await;
    insta::assert_json_snapshot!(answer.json(), {".request_id" => "[id]"}, @r#"
    {
      "type": "about:blank",
      "title": "Forbidden",
      "status": 403,
      "detail": "These credentials lack the scope `run:code`",
      "code": "scope_lacking",
      "hint": "Issue a token with this scope: `atelier token new --scopes …`",
      "request_id": "[id]"
    }
    "#);
}

#[tokio::test]
async fn bodies_that_do_not_fit_say_why() {
    let server = Server::start().await;
    let send = async |content_type: &str, body: &str| {
        let mut request = server.request(Method::POST, "/api/v1/runs");
        request.headers_mut().insert("content-type", content_type.parse().unwrap());
        *request.body_mut() = Body::from(body.to_owned());
        let answer = server.send(request).await;
        let problem = answer.json();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {} | {}", answer.refusal().0, text("code"), text("detail"), text("hint"))
    };
    insta::assert_snapshot!(send("application/json", "{\n \"goal\": tru }").await, @"400 malformed_json: The body is not valid JSON: expected ident at line 2, column 13 | Mend the JSON at the place named");
    insta::assert_snapshot!(send("application/json", "").await, @"400 malformed_json: The body is not valid JSON: EOF while parsing a value at line 1, column 0 | Mend the JSON at the place named");
    insta::assert_snapshot!(send("application/json", r#"{"gaol": "x"}"#).await, @"422 unknown_member: The body has the unknown member `gaol` | Did you mean `goal`?");
    insta::assert_snapshot!(send("application/json", r#"{"goal": 5}"#).await, @"422 unfit_body: The body does not fit this request: invalid type: integer `5`, expected a string, at line 1, column 10 | /api/docs shows what this request takes");
    insta::assert_snapshot!(send("application/json", r#"{"goal": " \n "}"#).await, @"422 unfit_body: The body does not fit this request: `goal` is empty | /api/docs shows what this request takes");
    insta::assert_snapshot!(send("application/json", "{}").await, @"422 unfit_body: The body does not fit this request: missing field `goal`, at line 1, column 2 | /api/docs shows what this request takes");
    insta::assert_snapshot!(send("application/json", r#"{"goal": "x", "task_type": "cooking"}"#).await, @"422 unfit_body: The body does not fit this request: unknown variant `cooking`, expected one of `auto`, `coding`, `writing`, `research`, `data`, at line 1, column 36 | /api/docs shows what this request takes");
    insta::assert_snapshot!(send("application/json", "[1]").await, @"422 unfit_body: The body does not fit this request: invalid type: integer `1`, expected a string, at line 1, column 2 | /api/docs shows what this request takes");
    insta::assert_snapshot!(send("multipart/form-data; boundary=x", r#"{"goal": "x"}"#).await, @"415 wrong_content_type: The body's Content-Type is `multipart/form-data`, and this request takes application/json | Send JSON with the header `Content-Type: application/json`");
    insta::assert_snapshot!(send("text/plain", r#"{"goal": "x"}"#).await, @"415 wrong_content_type: The body's Content-Type is `text/plain`, and this request takes application/json | Send JSON with the header `Content-Type: application/json`");
    let deep = format!("{{\"goal\": {}", "[".repeat(100_000));
    insta::assert_snapshot!(send("application/json", &deep).await, @"422 unfit_body: The body does not fit this request: invalid type: sequence, expected a string, at line 1, column 9 | /api/docs shows what this request takes");
}

#[tokio::test]
async fn an_array_does_not_pass_for_an_object() {
    let server = Server::start().await;
    let answer = server.send_json(Method::PATCH, "/api/v1/settings", &json!([])).await;
    assert_eq!(answer.refusal(), (422, "unfit_body".into()));
}

#[tokio::test]
async fn bodies_that_are_too_large_get_413_with_the_limit() {
    let server = Server::start().await;
    let code = json!({"code": "#".repeat(1_000_001), "language": "python"});
    let answer = server.post("/api/v1/debugger/run", code).await;
    assert_eq!(answer.refusal(), (413, "too_large".into()));
    assert_eq!(answer.json()["detail"], "`code` is larger than 1,000,000 bytes, the most that is taken here");
    let answer = server.post("/api/v1/jobs", json!({"type": "chatter", "input": "x".repeat(3 << 20)})).await;
    assert_eq!(answer.refusal(), (413, "too_large".into()));
    assert_eq!(answer.json()["detail"], "The body is larger than 2 MiB, the most that is taken here");
}

#[tokio::test]
async fn code_of_50_megabytes_gets_its_answer_even_when_the_client_sends_first() {
    let server = Server::start().await;
    let address = server.listen().await;
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let size = 50 << 20;
    let head = format!(
        "POST /debugger/run HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n",
        server.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = vec![b' '; 1 << 20];
    for _ in 0..50 {
        stream.write_all(&piece).await.unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.contains("larger than 8 MiB"), "{answer}");
}

#[tokio::test]
async fn a_connection_goes_on_after_a_request_that_was_refused_unread() {
    let server = Server::start().await;
    let address = server.listen().await;
    let host = format!("Host: {address}\r\n");
    let refused = format!("POST /v1/chat/completions HTTP/1.1\r\n{host}Authorization: Bearer atl_wrong\r\n");
    let json = "Content-Type: application/json\r\n";
    for (framing, body) in
        [("Content-Length: 2", "{}"), ("Transfer-Encoding: chunked", "2\r\n{}\r\n0\r\n\r\n")]
    {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let mut connection = Connection::send(stream, &format!("{refused}{json}{framing}\r\n\r\n")).await;
        connection.read_head().await;
        assert!(connection.head.starts_with("HTTP/1.1 401 "), "{}", connection.head);
        let length =
            connection.head.to_ascii_lowercase().split_once("content-length: ").unwrap().1.to_owned();
        connection.exactly(length.split("\r\n").next().unwrap().parse().unwrap()).await;
        connection.send_more(&format!("{body}GET /api/v1/health HTTP/1.1\r\n{host}\r\n")).await;
        connection.read_head().await;
        assert!(connection.head.starts_with("HTTP/1.1 200 "), "{}", connection.head);
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    let answer = server.get("/api/v1/nothing").await;
    insta::assert_json_snapshot!(answer.json(), {".request_id" => "[id]"}, @r#"
    {
      "type": "about:blank",
      "title": "Not Found",
      "status": 404,
      "detail": "Nothing answers at this path",
      "code": "no_route",
      "hint": "/api/docs lists every path with its methods",
      "request_id": "[id]"
    }
    "#);
    let answer = server.send(server.request(Method::DELETE, "/api/v1/runs")).await;
    assert_eq!(answer.refusal(), (405, "no_method".into()));
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    let answer = server.post("/index.html", json!({})).await;
    assert_eq!(answer.refusal(), (404, "no_route".into()));
    for id in ["run_01hv5k3m9x7q2w8e4r6t", "run_", "1", "%00", "%F0%9F%8D%80", &"x".repeat(5_000)] {
        let answer = server.get(&format!("/api/v1/runs/{id}")).await;
        assert_eq!(answer.refusal(), (404, "run_not_found".into()), "{id}");
        assert!(answer.text().len() < 600);
    }
    let answer = server.get("/api/v1/runs/%FF").await;
    assert_eq!(answer.refusal(), (400, "invalid_parameter".into()));
    let answer = server.get("/api/v1/stream/run_01hv5k3m9x7q2w8e4r6t").await;
    assert_eq!(answer.refusal(), (404, "run_not_found".into()));
}

#[tokio::test]
async fn internal_detail_never_reaches_the_one_who_asked() {
    let server = Server::start().await;
    for prompt in ["a defect", "a panic"] {
        let answer = server.post("/planner/dispatch", json!({"prompt": prompt, "task_type": "coding"})).await;
        assert_eq!(answer.refusal(), (500, "internal".into()));
        assert!(!answer.text().contains("secret"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_store_that_fails_is_told_as_what_it_is() {
    let server = Server::start().await;
    server
        .store
        .fail_next(kernel::Error::unavailable("store_unavailable", "The workspace's folder is read-only"));
    let answer = server.post("/api/v1/jobs", json!({"type": "chatter"})).await;
    assert_eq!(answer.refusal(), (503, "store_unavailable".into()));
    assert_eq!(answer.header("retry-after"), "1");
    server.store.fail_next(kernel::Error::new(kernel::Kind::Unavailable, "disk_full", "The disk is full"));
    let answer = server.post("/api/v1/jobs", json!({"type": "chatter"})).await;
    assert_eq!(answer.refusal(), (503, "disk_full".into()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_takes_too_long_is_given_up() {
    let options = Options {
        request_timeout: Duration::from_secs(5),
        supervisor_wait: Duration::from_secs(60),
        ..Options::default()
    };
    let server = Server::with_options(options).await;
    // Nothing is read from this body, because nothing ever comes.
    let mut request = server.request(Method::POST, "/api/v1/runs");
    request.headers_mut().insert("content-type", "application/json".parse().unwrap());
    *request.body_mut() = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    assert_eq!(server.send(request).await.refusal(), (503, "timed_out".into()));
}

#[tokio::test]
async fn every_answer_has_its_id_its_duration_and_what_browsers_must_know() {
    let server = Server::start().await;
    let mut request = server.request(Method::GET, "/api/v1/runs");
    request.headers_mut().insert("x-request-id", "my.id-1_A".parse().unwrap());
    let answer = server.send(request).await;
    assert_eq!(answer.header("x-request-id"), "my.id-1_A");
    assert!(answer.header("x-duration").parse::<f64>().unwrap() < 10.0);
    assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cache-control"), "no-store");
    for bad in ["", "with space", "a/b", &"x".repeat(65)] {
        let mut request = server.request(Method::GET, "/api/v1/nothing");
        request.headers_mut().insert("x-request-id", bad.parse().unwrap());
        let answer = server.send(request).await;
        assert!(answer.header("x-request-id").starts_with("req_"), "{bad}");
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"));
    }
}
