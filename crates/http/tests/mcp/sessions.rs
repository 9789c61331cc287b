//! Sessions, versions, credentials and limits.

use std::time::Duration;

use accounts::Scope;
use axum::body::Body;
use axum::http::{Method, Request};
use http_surface::mcp::{Limits, speaking_for};
use kernel::Actor;
use serde_json::{Value, json};

use crate::api::support::Server;
use crate::exchange::{Speaker, WAYS, Way, initialize};
use crate::fixture::Fixture;

/// A request of a session without a body.
fn bare(speaker: &Speaker<'_>, method: Method) -> Request<Body> {
    let mut request = speaker.request(&Value::Null);
    *request.method_mut() = method;
    *request.body_mut() = Body::empty();
    request
}

#[tokio::test]
async fn a_session_is_nobody_elses_and_gone_when_it_was_ended() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Session).await;
    let other = Speaker {
        token: server.token_for(&[Scope::Admin]).await,
        session: owner.session.clone(),
        way: Way::Session,
        server: &server,
    };
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(other.send_request(bare(&other, method)).await.status, 404);
    }
    let reply = other.ask("tools/list", Value::Null).await;
    assert_eq!((reply.status.as_u16(), &reply.response()["error"]["code"]), (404, &json!(-32_001)));
    assert!(!owner.tools().await.is_empty());

    assert!(owner.send_request(bare(&owner, Method::DELETE)).await.status.is_success());
    let reply = owner.ask("tools/list", Value::Null).await;
    assert_eq!((reply.status.as_u16(), &reply.response()["error"]["code"]), (404, &json!(-32_001)));
    assert_eq!(reply.headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_revoked_token_opens_nothing_any_more() {
    let server = Server::start().await;
    for way in WAYS {
        let token = server.token_for(&[Scope::ReadRuns]).await;
        let speaker = Speaker::with(&server, way, token).await;
        assert!(!speaker.tools().await.is_empty());
        let identity = server.app.accounts.authenticate_bearer(&speaker.token).await.unwrap();
        let Actor::Token(id) = identity.actor else { panic!("a token is no person") };
        server.app.accounts.revoke_token(&id.parse().unwrap()).await.unwrap();
        let reply = speaker.ask("tools/list", Value::Null).await;
        assert_eq!(reply.status, 401, "{way:?}");
        assert!(reply.headers.contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn asks_who_it_is_before_it_reads_and_turns_strangers_away() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    let message = owner.message("tools/list", &Value::Null);
    let cases: [(&str, Option<&str>, u16); 5] = [
        ("authorization", None, 401),
        ("authorization", Some("Bearer atl_wrong"), 401),
        ("host", Some("evil.test"), 403),
        ("origin", Some("http://evil.test"), 403),
        ("origin", Some("http://127.0.0.1:8080"), 200),
    ];
    for (name, value, expected) in cases {
        let mut request = owner.request(&message);
        request.headers_mut().remove(name);
        if let Some(value) = value {
            request.headers_mut().insert(axum::http::HeaderName::from_static(name), value.parse().unwrap());
        }
        assert_eq!(owner.send_request(request).await.status.as_u16(), expected, "{name}: {value:?}");
    }
}

#[tokio::test]
async fn each_version_is_spoken_as_it_wants() {
    let server = Server::start().await;
    let owner = Speaker::owner(&server, Way::Alone).await;
    let discovered = owner.result("server/discover", Value::Null).await;
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28", "2025-11-25", "2025-06-18"]));
    assert_eq!(discovered["cacheScope"], "private");

    let unknown = owner.ask("no/such", Value::Null).await;
    assert_eq!((unknown.status.as_u16(), &unknown.response()["error"]["code"]), (404, &json!(-32_601)));
    let mut message = owner.message("tools/list", &Value::Null);
    message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2031-01-01".into();
    let mut request = owner.request(&message);
    request.headers_mut().insert("mcp-protocol-version", "2031-01-01".parse().unwrap());
    let refused = owner.send_request(request).await;
    assert_eq!((refused.status.as_u16(), &refused.response()["error"]["code"]), (400, &json!(-32_022)));

    let session = Speaker::owner(&server, Way::Session).await;
    assert_eq!(session.error("no/such", Value::Null).await["code"], -32_601);
    session.result("ping", Value::Null).await;
    for (asked, answered) in
        [("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25"), ("1999-01-01", "2025-11-25")]
    {
        let mut message = initialize();
        message["params"]["protocolVersion"] = asked.into();
        let speaker =
            Speaker { server: &server, token: server.token.clone(), way: Way::Session, session: None };
        let reply = speaker.send(&message).await;
        assert_eq!(reply.response()["result"]["protocolVersion"], answered, "{asked}: {reply:?}");
    }
}

#[tokio::test]
async fn takes_no_more_than_its_limits() {
    let mut server = Server::start().await;
    let fixture = Fixture::default();
    let limits = Limits { body_bytes: 4_096, sessions: 3, sessions_each: 2, idle: Duration::from_secs(60) };
    server.router = speaking_for(server.app.clone(), limits, move || fixture.clone());
    let owner = |session: Option<String>| Speaker {
        server: &server,
        token: String::new(),
        way: Way::Session,
        session,
    };
    let first = Speaker::owner(&server, Way::Session).await;
    let second = Speaker::owner(&server, Way::Session).await;
    first.result("ping", Value::Null).await;
    // The third takes the place of the second, which was quiet for longest.
    let third = Speaker::owner(&server, Way::Session).await;
    first.result("ping", Value::Null).await;
    third.result("ping", Value::Null).await;
    assert_eq!(second.ask("ping", Value::Null).await.status, 404);

    let mut large = initialize();
    large["params"]["clientInfo"]["title"] = "x".repeat(5_000).into();
    assert_eq!(owner(None).send(&large).await.status, 413);
}

#[tokio::test]
async fn when_everybody_together_has_too_many_sessions_nobody_is_thrown_out() {
    let mut server = Server::start().await;
    let fixture = Fixture::default();
    let limits = Limits { sessions: 2, sessions_each: 5, ..Limits::default() };
    server.router = speaking_for(server.app.clone(), limits, move || fixture.clone());
    let first = Speaker::owner(&server, Way::Session).await;
    let second = Speaker::owner(&server, Way::Session).await;
    let third = Speaker { server: &server, token: String::new(), way: Way::Session, session: None };
    let reply = third.send(&initialize()).await;
    assert_eq!((reply.status.as_u16(), &reply.response()["error"]["code"]), (503, &json!(-32_000)));
    assert!(reply.headers.contains_key("retry-after"));
    for speaker in [first, second] {
        speaker.result("ping", Value::Null).await;
    }
}
