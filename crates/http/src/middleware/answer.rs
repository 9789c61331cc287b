//! `X-Request-ID`, `X-Duration`, one line in the log, and the body of refusals.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use kernel::RequestId;
use tracing::Instrument;

use crate::app::App;
use crate::problem;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Seconds until the answer began, with six decimals.
pub(crate) const DURATION: HeaderName = HeaderName::from_static("x-duration");

const LONGEST_ID: usize = 64;

/// The id of the request that is being answered.
#[derive(Clone)]
pub(crate) struct Id(pub String);

pub(crate) async fn answer(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = given_id(request.headers()).unwrap_or_else(|| app.ids.fresh::<RequestId>().to_string());
    let method = request.method().clone();
    // Without the query, which may hold a one-time key.
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(Id(id.clone()));
    let span = tracing::info_span!("request", id, %method, path);
    let response = next.run(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let mut response = problem::render(response, &method, &id);
    let took = began.elapsed();
    tracing::debug!(status = response.status().as_u16(), took_us = took.as_micros(), "answered");
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, HeaderValue::try_from(id).expect("an id is plain text"));
    let seconds = format!("{:.6}", took.as_secs_f64());
    headers.insert(DURATION, HeaderValue::try_from(seconds).expect("a number is plain text"));
    response
}

/// The id the client gave, if it is one that can be logged and sent back as it is.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
