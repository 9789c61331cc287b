//! The same below a path of our own origin: `/api/v1/sessions/{id}/preview/proxy/~{token}/…`.
//!
//! What is shown there is in a sandbox of the browser's (`Content-Security-Policy: sandbox`): its
//! origin is none, so it reaches nothing of ours. Who has the address is let in, since a page without
//! an origin sends no cookies.
//!
//! An app that can't be shown below a path as it is gets a dev server of its own that knows the path.

use ::studio::Project;
use ::studio::template::Base;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_REQUEST_METHOD, ALT_SVC, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE,
    HeaderName, LOCATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use kernel::SessionId;
use std::sync::Arc;

use super::super::{PathSessionId, SessionPath};
use super::{CLOSED, forward, not_there, page};
use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;

const SANDBOX: HeaderValue =
    HeaderValue::from_static("sandbox allow-scripts allow-forms allow-modals allow-popups allow-downloads");
/// What an app may not say for our origin.
const NOT_OURS: [HeaderName; 4] =
    [SET_COOKIE, STRICT_TRANSPORT_SECURITY, ALT_SVC, HeaderName::from_static("clear-site-data")];

/// A request for an app below a path.
pub(crate) struct Below {
    id: SessionId,
    token: String,
    /// With its slash, and the query.
    rest: String,
}

/// What a request is for, if it has a token in its path.
pub(crate) fn below(request: &Request) -> Option<Below> {
    parse(request.uri())
}

fn parse(uri: &Uri) -> Option<Below> {
    let path = uri.path();
    let path = path.strip_prefix("/api/v1/sessions/").or_else(|| path.strip_prefix("/api/sessions/"))?;
    let (id, path) = path.split_once("/preview/proxy/~")?;
    let (token, path) = path.split_once('/').unwrap_or((path, ""));
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(Below { id: id.parse().ok()?, token: token.to_owned(), rest: format!("/{path}{query}") })
}

/// The path of an app, with a slash at both ends.
fn base(id: &SessionId, token: &str) -> String {
    format!("/api/v1/sessions/{id}/preview/proxy/~{token}/")
}

/// Answers a request for an app below a path.
pub(crate) async fn serve_below(app: App, wanted: Below, request: Request) -> Response {
    if !app.preview_key.verifies(&wanted.id, &wanted.token, app.clock.now()) {
        return sandboxed(page(StatusCode::UNAUTHORIZED, "This preview is closed", CLOSED, false));
    }
    if request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return allowed();
    }
    let response = match app.services.studio.project(&wanted.id).await {
        Ok(project) => passed_on(&app, &project, wanted, request).await,
        Err(error) => page(StatusCode::NOT_FOUND, "There is no such preview", &error.to_string(), false),
    };
    sandboxed(response)
}

async fn passed_on(app: &App, project: &Arc<Project>, wanted: Below, mut request: Request) -> Response {
    let headers = request.headers_mut();
    headers.remove(COOKIE);
    headers.remove(AUTHORIZATION);
    let serves = project.template().dev.as_ref().filter(|_| project.session().dev.is_none());
    let (port, path) = match serves.map(|dev| dev.base) {
        Some(Base::Environment) => {
            let own = base(&wanted.id, &wanted.token);
            if let Some(other) = project.base_below().filter(|other| *other != own)
                && is_open(app, &other)
            {
                return elsewhere(&format!("{}{}", other.trim_end_matches('/'), wanted.rest));
            }
            match project.dev_below(&own).await {
                Ok(port) => (port, format!("{}{}", own.trim_end_matches('/'), wanted.rest)),
                Err(problem) => {
                    return page(StatusCode::BAD_GATEWAY, "The dev server failed", &problem.message, true);
                }
            }
        }
        Some(Base::Relative) | None => match project.dev_state() {
            ::studio::DevState::Running { port } => (port, wanted.rest),
            _ => return not_there(project),
        },
    };
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    match project.connect(port).await {
        Ok(stream) => forward::forward(stream, request, &app.lifetime).await,
        Err(_) => not_there(project),
    }
}

/// Whether the token in the path of an app is still good.
fn is_open(app: &App, base: &str) -> bool {
    let uri = base.parse::<Uri>().ok();
    uri.and_then(|uri| parse(&uri))
        .is_some_and(|other| app.preview_key.verifies(&other.id, &other.token, app.clock.now()))
}

fn sandboxed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for name in &NOT_OURS {
        headers.remove(name);
    }
    headers.append(CONTENT_SECURITY_POLICY, SANDBOX);
    // A page without an origin asks for its own scripts as if they were another's.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn allowed() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("*"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*"));
    response
}

fn elsewhere(location: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Opens a session's app below a path
///
/// Leads to an address with a signed token in it, good for a day, under which the app is served,
/// WebSockets as well. The app's own origin, `previewUrl`, is what suits apps better.
#[utoipa::path(
    get,
    path = "/api/v1/sessions/{id}/preview/proxy",
    tag = "studio",
    params(SessionPath),
    responses(
        (status = 307, description = "The address"),
        (status = 404, description = "`session_not_found`: there is no such session"),
    ),
    security(("token" = ["run:code"])),
)]
pub(in crate::studio) async fn open_preview(
    _caller: Caller<RunCode>,
    State(app): State<App>,
    PathSessionId(id): PathSessionId,
    uri: Uri,
) -> Result<Response, Error> {
    app.services.studio.find(&id).await?;
    let path = uri.path().split_once("/preview/proxy").map_or("", |(_, rest)| rest).trim_start_matches('/');
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let token = app.preview_key.sign(&id, app.clock.now());
    Ok(elsewhere(&format!("{}{path}{query}", base(&id, &token))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_below_a_path_is_known_by_the_token_in_it() {
        let check = |uri: &str, expected: Option<(&str, &str)>| {
            let found = parse(&uri.parse().expect("an address"));
            let found = found.as_ref().map(|below| (below.token.as_str(), below.rest.as_str()));
            assert_eq!(found, expected, "{uri}");
        };
        let session = "/api/v1/sessions/ses_01hv5k3m9x7q2w8e4r6t/preview/proxy";
        check(&format!("{session}/~1f.ab/a/b?x=1"), Some(("1f.ab", "/a/b?x=1")));
        check(&format!("{session}/~1f.ab"), Some(("1f.ab", "/")));
        check(&session.replace("/v1", "").replace("/proxy", "/proxy/~t/"), Some(("t", "/")));
        check(&format!("{session}/a/~b"), None);
        check(session, None);
        check("/api/v1/sessions/x/preview/proxy/~t/", None);
    }
}
