//! The body of every refusal: `application/problem+json` after RFC 9457.
//!
//! An [`Error`] becomes a response that carries the error and no body; [`render`] writes the body
//! once the request's id is known, logs what must be logged, and does the same for refusals that
//! were made elsewhere, such as the router's own 405.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Error;

/// Why a request was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "about:blank",
    "title": "Not Found",
    "status": 404,
    "detail": "There is no run run_01hv5k3m9x7q2w8e4r6t",
    "code": "run_not_found",
    "hint": "List the runs with GET /api/v1/runs or `atelier runs list`",
    "request_id": "req_01hv5k3m9x7q2w8e4r6t",
}))]
pub(crate) struct Problem {
    /// Always `about:blank`: what went wrong is told by `code`.
    pub r#type: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened, one sentence for a person.
    pub detail: String,
    /// What happened, for programs: stable and snake_case.
    pub code: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub hint: Option<String>,
    /// The provider of models that failed, where one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub provider: Option<String>,
    /// The request's id; the log says more under it.
    pub request_id: String,
}

pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

#[derive(Clone)]
struct Refusal(Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        let headers = response.headers_mut();
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"atelier\""));
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after_seconds().unwrap_or(1)));
            }
            _ => {}
        }
        response.extensions_mut().insert(Refusal(Arc::new(self)));
        response
    }
}

/// Writes the problem body of a refusal; leaves every other response alone.
pub(crate) fn render(response: Response, method: &Method, request_id: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let refusal = match response.extensions().get::<Refusal>() {
        Some(Refusal(error)) => error.clone(),
        None if is_meant(&response) => return response,
        None => Arc::new(match status {
            StatusCode::NOT_FOUND => Error::NoRoute,
            StatusCode::METHOD_NOT_ALLOWED => Error::NoMethod(method.to_string()),
            StatusCode::UPGRADE_REQUIRED => Error::UpgradeRequired,
            status => Error::Other(status),
        }),
    };
    log(&refusal, request_id);
    let problem = Problem {
        r#type: "about:blank".into(),
        title: status.canonical_reason().unwrap_or("Refused").into(),
        status: status.as_u16(),
        detail: refusal.to_string(),
        code: refusal.code().into(),
        hint: refusal.hint(),
        provider: refusal.provider().map(str::to_owned),
        request_id: request_id.into(),
    };
    let (mut parts, _) = response.into_parts();
    let body = serde_json::to_vec(&problem).expect("a problem holds only text and a number");
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    Response::from_parts(parts, Body::from(body))
}

/// Whether whoever made the response gave it a body to be shown: a page for a browser, or a refusal
/// in the dialect of the gateway's client.
fn is_meant(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|found| {
        found.starts_with(b"text/html") || found == b"application/json" || found == PROBLEM_JSON.as_bytes()
    })
}

/// Internal detail reaches the log here, once, and never the one who asked.
fn log(error: &Error, request_id: &str) {
    match error {
        Error::Panicked(panic) => tracing::error!(request_id, panic, "a request's handler panicked"),
        Error::Model { error, provider, .. } => {
            let cause = error.causes();
            tracing::warn!(request_id, provider, code = error.code, cause, "no answer of a model: {error}");
        }
        Error::Refused(error) => {
            let cause = error.causes();
            match error.kind {
                kernel::Kind::Internal => {
                    tracing::error!(request_id, code = error.code, cause, "internal error: {error}");
                }
                kernel::Kind::Unavailable => {
                    tracing::warn!(request_id, code = error.code, cause, "unavailable: {error}");
                }
                _ => tracing::debug!(request_id, code = error.code, cause, "refused: {error}"),
            }
        }
        other => tracing::debug!(request_id, code = other.code(), "refused: {other}"),
    }
}
