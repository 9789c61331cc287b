//! What a session's programs serve, on an origin of its own: `http://{id}-{port}.localhost:PORT/`.
//!
//! It is another origin than the UI's, and another one for each session and port, so what runs there
//! reaches neither the UI nor another session. Whoever has a signed address is let in: the token in
//! it becomes a cookie of that origin.
//!
//! Invariants: no cookie, token or header of ours reaches what is shown; nothing of it is changed but
//! what would keep it out of the Studio's frame, and that a page in the frame tells of its errors.

pub(super) mod below;
mod forward;
mod inject;
mod token;

use ::studio::{DevState, Project, StudioSession};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::Response;
use kernel::SessionId;

use crate::app::App;
pub(crate) use below::{below, serve_below};
pub use token::PreviewKey;

/// The query parameter and the cookie that let somebody in.
const TOKEN: &str = "atelier_preview";
const DOMAIN: &str = ".localhost";

/// What a preview's host names.
pub(crate) struct Target {
    id: SessionId,
    port: u16,
}

/// What a request is for, if its host is that of a preview.
pub(crate) fn target(request: &Request) -> Option<Target> {
    let host = request.headers().get(HOST)?.to_str().ok()?;
    parse_host(host)
}

fn parse_host(host: &str) -> Option<Target> {
    let name = host.split(':').next()?.to_ascii_lowercase();
    let (id, port) = name.strip_suffix(DOMAIN)?.rsplit_once('-')?;
    let id = if id.starts_with("ses_") { id.parse() } else { format!("ses_{id}").parse() };
    Some(Target { id: id.ok()?, port: port.parse().ok()? })
}

/// Where a session's app is shown, seen from where the request came to; `None` where it has none.
pub(super) fn url(app: &App, headers: &HeaderMap, session: &StudioSession) -> Option<String> {
    let port = match &session.dev {
        Some(dev) => dev.port,
        None => {
            let templates = app.services.studio.templates().ok()?;
            templates.iter().find(|template| template.name == session.template)?.dev.as_ref()?.port
        }
    };
    let host = headers.get(HOST)?.to_str().ok()?;
    let own_port = host.rsplit_once(':').map(|(_, port)| format!(":{port}")).unwrap_or_default();
    let token = app.preview_key.sign(&session.id, app.clock.now());
    Some(format!("http://{}-{port}{DOMAIN}{own_port}/?{TOKEN}={token}", session.id))
}

/// Answers a request for a preview.
pub(crate) async fn serve(app: App, target: Target, mut request: Request) -> Response {
    let is_known = |token: &str| app.preview_key.verifies(&target.id, token, app.clock.now());
    if let Some((token, rest)) = taken_from(request.uri())
        && is_known(&token)
    {
        return let_in(&token, &rest);
    }
    let cookie = token::take_cookie(request.headers_mut(), TOKEN);
    if !cookie.is_some_and(|token| is_known(&token)) {
        return page(StatusCode::UNAUTHORIZED, "This preview is closed", CLOSED, false);
    }
    if request.uri().path() == inject::PATH {
        return script();
    }
    let project = match app.services.studio.project(&target.id).await {
        Ok(project) => project,
        Err(error) => {
            return page(StatusCode::NOT_FOUND, "There is no such preview", &error.to_string(), false);
        }
    };
    let is_frame = inject::is_for_a_frame(&mut request);
    match project.connect(target.port).await {
        Ok(stream) => {
            let response = forward::forward(stream, request, &app.lifetime).await;
            if is_frame { inject::inject(response) } else { response }
        }
        Err(_) => not_there(&project),
    }
}

fn script() -> Response {
    let mut response = Response::new(Body::from(inject::SCRIPT));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

const CLOSED: &str = "Open it from the Studio: the address there lets you in for a day.";

/// The token in an address, and the address without it.
fn taken_from(uri: &Uri) -> Option<(String, String)> {
    let query = uri.query()?;
    let own = format!("{TOKEN}=");
    let token = query.split('&').find_map(|pair| pair.strip_prefix(&own))?.to_owned();
    let rest: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with(&own)).collect();
    let rest =
        if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) };
    Some((token, rest))
}

/// Gives the origin its cookie. It is sent within the Studio's frame too, where this origin is a
/// third party, and only there and on the page itself (`Partitioned`).
fn let_in(token: &str, location: &str) -> Response {
    let cookie =
        format!("{TOKEN}={token}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned; Max-Age=86400");
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    // A path that begins with two slashes would name another host.
    let location = format!("/{}", location.trim_start_matches('/'));
    let values =
        [(SET_COOKIE, Some(cookie)), (LOCATION, Some(location)), (CACHE_CONTROL, Some("no-store".into()))];
    for (name, value) in values {
        if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn not_there(project: &Project) -> Response {
    let (title, text, comes) = match project.dev_state() {
        DevState::Installing => ("One moment", "What the project needs is being installed.".into(), true),
        DevState::Starting => ("One moment", "The dev server is starting.".into(), true),
        DevState::Running { port } => {
            ("Nothing answers here", format!("The dev server answers on port {port}."), true)
        }
        DevState::Stopped => ("Nothing runs", "The dev server is stopped.".into(), true),
        DevState::Failed(problem) => ("The dev server failed", problem.message, true),
    };
    page(StatusCode::BAD_GATEWAY, title, &text, comes)
}

/// A page of ours; one that waits for something looks again by itself.
fn page(status: StatusCode, title: &str, text: &str, comes: bool) -> Response {
    let again = if comes { "<meta http-equiv=\"refresh\" content=\"1\">" } else { "" };
    let html = include_str!("preview/page.html")
        .replace("{again}", again)
        .replace("{title}", &escaped(title))
        .replace("{text}", &escaped(text));
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_s_host_names_its_session_and_port() {
        let check = |host: &str, expected: Option<(&str, u16)>| {
            let found = parse_host(host);
            let found = found.as_ref().map(|target| (target.id.as_str(), target.port));
            assert_eq!(found, expected, "{host}");
        };
        let id = "ses_01hv5k3m9x7q2w8e4r6t";
        check(&format!("{id}-5173.localhost:8080"), Some((id, 5173)));
        check("01hv5k3m9x7q2w8e4r6t-3000.localhost", Some((id, 3000)));
        for other in
            ["localhost:8080", "x-1.localhost", "ses_01hv5k3m9x7q2w8e4r6t.localhost", "127.0.0.1", ""]
        {
            check(other, None);
        }
        check(&format!("{id}-99999.localhost"), None);
        check(&format!("{id}-5173.localhost.evil.test"), None);
    }

    #[test]
    fn the_token_is_taken_from_an_address() {
        let check = |uri: &str, expected: Option<(&str, &str)>| {
            let taken = taken_from(&uri.parse().expect("an address"));
            let taken = taken.as_ref().map(|(token, rest)| (token.as_str(), rest.as_str()));
            assert_eq!(taken, expected, "{uri}");
        };
        check("/?atelier_preview=abc", Some(("abc", "/")));
        check("/a/b?x=1&atelier_preview=abc&y=2", Some(("abc", "/a/b?x=1&y=2")));
        check("/a?x=atelier_preview", None);
        check("/", None);
    }
}
