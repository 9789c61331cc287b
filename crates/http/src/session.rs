//! `GET|POST|DELETE /api/v1/auth/session` and `GET /open`: how the browser gets in and out.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{self, Anyone, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody};
use crate::runs::check_length;

/// The longest path of a page, in bytes.
const LONGEST_PATH: usize = 200;

/// The routes of the session.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_session, open_session, close_session))
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "actor": "owner",
    "scopes": ["read:runs", "write:runs", "read:memory", "write:memory", "run:code", "llm:invoke", "write:canonical", "admin"],
    "version": "0.1.0",
    "workspace": "/home/ada/atelier",
}))]
struct Session {
    /// `owner`, or `token:tok_…`.
    actor: String,
    /// What the credentials allow.
    scopes: Vec<String>,
    /// Atelier's version.
    version: String,
    /// The workspace's folder.
    workspace: String,
}

/// A token to open a session with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "atl_…"}))]
struct OpenSession {
    /// What `atelier token new` printed.
    #[schema(max_length = 200)]
    token: String,
}

impl WireBody for OpenSession {
    const LIMIT_BYTES: usize = 16 * 1024;

    fn validate(&self) -> Result<(), Error> {
        check_length("token", &self.token, 200)
    }
}

/// Shows who is signed in
///
/// And what they may do.
#[utoipa::path(
    get,
    path = "/api/v1/auth/session",
    tag = "session",
    responses((status = 200, description = "The one who asks", body = Session)),
    security(("token" = [])),
)]
async fn get_session(caller: Caller<Anyone>, State(app): State<App>) -> Json<Session> {
    let scopes = caller.identity.scopes;
    Json(Session {
        actor: caller.actor.to_string(),
        scopes: scopes.iter().map(|scope| scope.to_string()).collect(),
        version: app.version.to_owned(),
        workspace: app.workspace.display().to_string(),
    })
}

/// Opens a session
///
/// Exchanges a token for the cookie `atelier_session`. The session can do what the token can.
#[utoipa::path(
    post,
    path = "/api/v1/auth/session",
    tag = "session",
    request_body = OpenSession,
    responses(
        (status = 204, description = "The cookie is set", headers(("Set-Cookie" = String, description = "The session"))),
        (status = 401, description = "`unauthenticated`: the token is not valid"),
        (status = 413, description = "`too_large`: the body is larger than 16 kB"),
    ),
    security(()),
)]
async fn open_session(
    State(app): State<App>,
    JsonBody(body): JsonBody<OpenSession>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Error> {
    let session = app.accounts.exchange(body.token.trim()).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, auth::set_cookie(&session))]))
}

/// Closes the session
///
/// The cookie is taken away and no longer accepted. Without a session, nothing happens.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/session",
    tag = "session",
    responses((status = 204, description = "There is no session any more",
        headers(("Set-Cookie" = String, description = "Takes the cookie away")))),
    security(("token" = [])),
)]
async fn close_session(
    _caller: Caller<Anyone>,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1]), Error> {
    if let Some(cookie) = auth::session_cookie(&headers) {
        app.accounts.end_session(cookie).await?;
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, auth::clear_cookie())]))
}

/// The one-time key of a link, and where it leads.
#[derive(Deserialize)]
pub(crate) struct OpenKey {
    #[serde(default)]
    key: String,
    #[serde(default)]
    next: String,
}

/// `GET /open?key=&next=`: gives the browser its session and sends it to the UI: to the page `next`,
/// where that is one.
pub(crate) async fn open(
    State(app): State<App>,
    headers: HeaderMap,
    key: Query<OpenKey>,
) -> Result<Response, Error> {
    match app.accounts.open_with_key(&key.key).await {
        Ok(session) => {
            let to_ui = [(LOCATION, page_of_ours(&key.next)), (SET_COOKIE, auth::set_cookie(&session))];
            Ok((StatusCode::SEE_OTHER, to_ui).into_response())
        }
        Err(error) if error.kind == kernel::Kind::Unauthenticated && wants_page(&headers) => {
            let page = include_str!("session/spent_link.html");
            let html = [(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))];
            Ok((StatusCode::UNAUTHORIZED, html, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// The path of a page of the UI, or its first one for anything else: a browser reads `//host`,
/// `/\host` and `https:` as addresses of others.
fn page_of_ours(next: &str) -> HeaderValue {
    let is_plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    let is_page = next.len() <= LONGEST_PATH
        && next.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain));
    let page = HeaderValue::from_str(next).ok().filter(|_| is_page);
    page.unwrap_or(HeaderValue::from_static("/"))
}

/// Whether a browser navigates here.
pub(crate) fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_pages_of_ours_only() {
        for page in ["/studio/ses_01hv5k3m9x7q2w8e4r6t", "/settings/providers", "/runs"] {
            assert_eq!(page_of_ours(page), page);
        }
        for other in [
            "",
            "/",
            "studio",
            "//evil.test",
            "/\\evil.test",
            "/studio//evil.test",
            "https://evil.test",
            "/..//evil.test",
            "/\t/evil.test",
            "/studio\r\nset-cookie: a=b",
            "/studio?next=https://evil.test",
            "/@evil.test",
            "/%2f/evil.test",
        ] {
            assert_eq!(page_of_ours(other), "/", "{other:?}");
        }
        assert_eq!(page_of_ours(&format!("/{}", "a".repeat(LONGEST_PATH))), "/");
    }
}
