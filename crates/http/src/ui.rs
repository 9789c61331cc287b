//! The web UI, embedded in the binary. Addresses that the UI routes by itself get its page.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use rust_embed::RustEmbed;

use crate::error::Error;
use crate::session::wants_page;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Dist;

const INDEX: &str = "index.html";
/// Shown while the UI has not been built.
const PLACEHOLDER: &[u8] = include_bytes!("ui/placeholder.html");

struct File {
    content: Cow<'static, [u8]>,
    tag: String,
}

/// Whatever no route answers.
pub(crate) async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Error> {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Err(Error::NoRoute);
    }
    answer(uri.path(), &headers, embedded)
}

fn embedded(name: &str) -> Option<File> {
    let file = Dist::get(name)?;
    let hash = file.metadata.sha256_hash();
    let tag = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(File { content: file.data, tag })
}

fn answer(path: &str, headers: &HeaderMap, find: impl Fn(&str) -> Option<File>) -> Result<Response, Error> {
    let is_api = ["/api", "/v1"]
        .iter()
        .any(|root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')));
    let name = path.trim_start_matches('/');
    let hidden = name.split('/').any(|part| part.starts_with('.'));
    if is_api || hidden {
        return Err(Error::NoRoute);
    }
    if !name.is_empty()
        && let Some(file) = find(name)
    {
        return Ok(respond(name, file, headers));
    }
    if !name.is_empty() && !wants_page(headers) {
        return Err(Error::NoRoute);
    }
    let placeholder = || File { content: PLACEHOLDER.into(), tag: "placeholder".into() };
    Ok(respond(INDEX, find(INDEX).unwrap_or_else(placeholder), headers))
}

fn respond(name: &str, file: File, headers: &HeaderMap) -> Response {
    let tag = HeaderValue::try_from(format!("\"{}\"", file.tag)).expect("a hash is plain text");
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response =
        Response::new(if known { Body::empty() } else { Body::from(file.content.into_owned()) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    // The build names these after their content.
    let caching =
        if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(ETAG, tag);
    response
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Option<File> {
        let names = ["index.html", "assets/main-1a2b.js", "favicon.svg", ".vite/manifest.json"];
        names.contains(&name).then(|| File { content: b"content".as_slice().into(), tag: "t1".into() })
    }

    #[track_caller]
    fn check(path: &str, accept: &str, expected: Result<(&str, &str), &str>) {
        let headers = HeaderMap::from_iter([(axum::http::header::ACCEPT, accept.parse().unwrap())]);
        let found = answer(path, &headers, find);
        let found = found.as_ref().map(|response| {
            let header = |name| response.headers()[name].to_str().unwrap();
            (header("content-type"), header("cache-control"))
        });
        assert_eq!(found.map_err(Error::code), expected, "{path}");
    }

    #[test]
    fn serves_files_by_name_and_the_page_for_what_a_browser_navigates_to() {
        let page = Ok(("text/html; charset=utf-8", "no-cache"));
        check("/", "*/*", page);
        check("/runs/run_1", "text/html,*/*", page);
        check("/favicon.svg", "image/*", Ok(("image/svg+xml", "no-cache")));
        let immutable = "public, max-age=31536000, immutable";
        check("/assets/main-1a2b.js", "*/*", Ok(("text/javascript; charset=utf-8", immutable)));
    }

    #[test]
    fn does_not_pose_as_what_is_missing() {
        check("/assets/gone.js", "*/*", Err("no_route"));
        check("/api/v1/nothing", "text/html", Err("no_route"));
        check("/v1/nothing", "text/html", Err("no_route"));
        check("/.vite/manifest.json", "text/html", Err("no_route"));
        check("/../Cargo.toml", "text/html", Err("no_route"));
    }

    #[test]
    fn a_page_the_browser_has_is_not_sent_again() {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, "\"t1\"".parse().unwrap())]);
        assert_eq!(answer("/", &headers, find).unwrap().status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn says_how_to_build_the_ui_while_it_is_not_built() {
        let response = answer("/", &HeaderMap::new(), |_| None).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(std::str::from_utf8(PLACEHOLDER).unwrap().contains("cargo xtask build"));
    }
}
