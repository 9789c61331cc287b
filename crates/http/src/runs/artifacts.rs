//! `GET /api/v1/runs/{id}/artifacts` and `…/artifacts/{path}`.
//!
//! Invariant: a path is only ever looked up among the paths the run recorded; it never reaches a
//! file system. What a run made is inert in a browser: it is served in a sandbox, and as a download
//! unless its type can only be looked at.

use ::runs::RunState;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use kernel::PageRequest;
use serde::Serialize;
use utoipa::ToSchema;

use super::{RunPath, state_of};
use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::{Parameters, PathRunId, PathText};
use crate::wire::{List, ListQuery, Moment};

/// Types that a browser shows without running anything in them.
const HARMLESS: [&str; 9] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "text/plain",
    "text/csv",
    "text/markdown",
    "application/json",
];
const SANDBOX: &str =
    "sandbox; default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A file a run made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "path": "report.md",
    "content_type": "text/markdown",
    "size": 1204,
    "digest": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
    "created_at": "2026-11-21T09:30:04.120Z",
}))]
pub(crate) struct Artifact {
    /// Its path, relative, with `/`.
    path: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size: u64,
    /// The BLAKE3 digest of its content, in hex.
    digest: String,
    /// When it was added.
    created_at: Moment,
}

/// A run's artifacts, in the order they were first added.
pub(crate) fn artifacts_of(state: &RunState) -> Vec<Artifact> {
    let convert = |artifact: &::runs::state::Artifact| Artifact {
        path: artifact.path.clone(),
        content_type: artifact.content_type.clone(),
        size: artifact.size,
        digest: artifact.digest.clone(),
        created_at: artifact.created_at.into(),
    };
    state.artifacts.values().map(convert).collect()
}

/// Lists a run's artifacts
///
/// The files it made, in the order they were first added.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/artifacts",
    tag = "runs",
    params(RunPath, ListQuery),
    responses(
        (status = 200, description = "A page of artifacts", body = List<Artifact>),
        (status = 404, description = "`run_not_found`: there is no such run"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn list_artifacts(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<List<Artifact>>, Error> {
    let PageRequest { limit, cursor } = query.page()?;
    let all = artifacts_of(&state_of(&app, &run_id).await?);
    let start = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or(0);
    let end = start.saturating_add(limit as usize);
    let next_cursor = (end < all.len()).then(|| end.to_string());
    let items = all.into_iter().skip(start).take(limit as usize).collect();
    Ok(Json(List { items, next_cursor }))
}

/// Downloads an artifact
///
/// The path may hold slashes.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/artifacts/{*path}",
    tag = "runs",
    params(
        RunPath,
        ("path" = String, Path, description = "The artifact's path", example = "report.md",
            pattern = r"^(?!/)(?!([\s\S]*/)?\.\.?(/|$))[^\\\x00]+$"),
    ),
    responses(
        (status = 200, description = "Its content", content_type = "*/*", body = Vec<u8>,
            headers(("ETag" = String, description = "The digest of the content"))),
        (status = 304, description = "It has not changed since the one named in `If-None-Match`"),
        (status = 404, description = "`run_not_found`, `artifact_not_found`: there is no such run, or no such artifact in it"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn get_artifact(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathText([run_id, path]): PathText<2>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let run_id = kernel::id::known(&run_id, "run_not_found")?;
    let state = state_of(&app, &run_id).await?;
    check_path(&path)?;
    let artifact = state.artifacts.get(&path).ok_or_else(|| Error::ArtifactNotFound(shown(&path)))?;
    let tag = format!("\"{}\"", artifact.digest);
    let tag = HeaderValue::try_from(tag).map_err(kernel::Error::internal)?;
    let known = headers.get(IF_NONE_MATCH).is_some_and(|known| *known == tag);
    let mut response = if known {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let bytes = app.engine.blobs().get(&artifact.digest).await?;
        content(&artifact.path, &artifact.content_type, bytes)
    };
    response.headers_mut().insert(ETAG, tag);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok(response)
}

fn content(path: &str, content_type: &str, bytes: Bytes) -> Response {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let disposition = if HARMLESS.contains(&essence.as_str()) { "inline" } else { "attachment" };
    let declared = HeaderValue::try_from(content_type).ok().filter(|_| essence.contains('/'));
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, declared.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    let name = percent_encoded(path.rsplit('/').next().unwrap_or_default());
    let disposition = format!("{disposition}; filename*=UTF-8''{name}");
    let disposition = HeaderValue::try_from(disposition).expect("a percent-encoded name is plain text");
    headers.insert(CONTENT_DISPOSITION, disposition);
    response
}

/// A path that would leave the run is refused even though it could not be found anyway.
fn check_path(path: &str) -> Result<(), Error> {
    let outside = path.starts_with('/')
        || path.contains(['\\', '\0'])
        || path.split('/').any(|part| matches!(part, ".." | "."));
    if outside { Err(Error::UnsafePath(shown(path))) } else { Ok(()) }
}

fn shown(path: &str) -> String {
    path.chars().take(100).collect()
}

/// After RFC 8187: everything but letters, digits and a few marks.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}
