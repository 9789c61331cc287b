//! How the browser gets in and out.

use accounts::Scope;
use axum::http::{HeaderValue, Method};
use serde_json::json;

use crate::support::{Answer, Server};

/// A request with this cookie and no token.
async fn with_cookie(server: &Server, method: Method, path: &str, cookie: &str) -> Answer {
    let mut request = server.request(method, path);
    request.headers_mut().remove("authorization");
    request.headers_mut().insert("cookie", HeaderValue::from_str(cookie).unwrap());
    server.send(request).await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_one_time_link_opens_the_owners_session_once() {
    let server = Server::start().await;
    let key = server.app.accounts.new_open_key().await.unwrap();
    let link = format!("/open?key={key}");
    let answer = with_cookie(&server, Method::GET, &link, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"));
    let attributes = answer.header("set-cookie").split_once("; ").unwrap().1.to_owned();
    insta::assert_snapshot!(attributes, @"Path=/; HttpOnly; SameSite=Strict; Max-Age=34560000");

    let session = with_cookie(&server, Method::GET, "/api/v1/auth/session", &cookie_of(&answer)).await;
    insta::assert_json_snapshot!(session.json(), @r#"
    {
      "actor": "owner",
      "scopes": [
        "read:runs",
        "write:runs",
        "read:memory",
        "write:memory",
        "run:code",
        "llm:invoke",
        "write:canonical",
        "admin"
      ],
      "version": "0.1.0",
      "workspace": "/home/ada/atelier"
    }
    "#);
    let again = with_cookie(&server, Method::GET, &link, "").await;
    assert_eq!(again.refusal(), (401, "open_key_invalid".into()));
    let mut request = server.request(Method::GET, &link);
    request.headers_mut().insert("accept", "text/html".parse().unwrap());
    let page = server.send(request).await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (401, "text/html; charset=utf-8"));
    assert!(page.text().contains("atelier open"));
    assert_eq!(server.get("/open").await.refusal(), (401, "open_key_invalid".into()));
}

#[tokio::test]
async fn a_one_time_link_leads_to_a_page_of_ours_and_nowhere_else() {
    let server = Server::start().await;
    for (next, expected) in [
        ("%2Fstudio%2Fses_01hv5k3m9x7q2w8e4r6t", "/studio/ses_01hv5k3m9x7q2w8e4r6t"),
        ("%2F%2Fevil.test", "/"),
        ("%2F%5Cevil.test", "/"),
        ("https%3A%2F%2Fevil.test%2Fstudio", "/"),
        ("%2Fstudio%0D%0ASet-Cookie%3A%20a%3Db", "/"),
    ] {
        let key = server.app.accounts.new_open_key().await.unwrap();
        let answer = with_cookie(&server, Method::GET, &format!("/open?key={key}&next={next}"), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, expected), "{next}");
        assert!(cookie_of(&answer).starts_with("atelier_session="));
    }
    let spent = with_cookie(&server, Method::GET, "/open?key=x&next=%2Fruns", "").await;
    assert_eq!(spent.refusal(), (401, "open_key_invalid".into()));
}

#[tokio::test]
async fn a_pasted_token_is_exchanged_for_a_session_that_can_be_closed() {
    let server = Server::start().await;
    let narrow = server.token_for(&[Scope::ReadRuns]).await;
    let answer = server.post("/api/v1/auth/session", json!({"token": narrow})).await;
    assert_eq!(answer.status, 204);
    let cookie = cookie_of(&answer);
    assert!(!cookie.contains(&narrow));
    assert_eq!(with_cookie(&server, Method::GET, "/api/v1/runs", &cookie).await.status, 200);
    let denied = with_cookie(&server, Method::POST, "/api/v1/runs", &cookie).await;
    assert_eq!(denied.refusal(), (403, "scope_lacking".into()));

    let closed = with_cookie(&server, Method::DELETE, "/api/v1/auth/session", &cookie).await;
    assert_eq!((closed.status.as_u16(), cookie_of(&closed).as_str()), (204, "atelier_session="));
    let answer = with_cookie(&server, Method::GET, "/api/v1/runs", &cookie).await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".into()));
    let answer = server.post("/api/v1/auth/session", json!({"token": "atl_wrong"})).await;
    assert_eq!(answer.refusal(), (401, "unauthenticated".into()));
}
