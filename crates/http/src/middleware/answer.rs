//! `X-Request-ID`, `X-Duration`, one line in the log, and the body of refusals.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::Response;
use kernel::RequestId;
use tracing::Span;

use crate::app::App;
use crate::problem;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Seconds until the answer began, with six decimals.
pub(crate) const DURATION: HeaderName = HeaderName::from_static("x-duration");

const LONGEST_ID: usize = 64;

/// The id of the request that is being answered.
#[derive(Clone)]
pub(crate) struct Id(pub String);

/// A request that is being answered.
pub(crate) struct Answering {
    began: Instant,
    id: String,
    method: Method,
    span: Span,
}

impl Answering {
    /// Gives the request its id.
    pub fn begin(app: &App, request: &mut Request) -> Self {
        let began = Instant::now();
        let id = given_id(request.headers()).unwrap_or_else(|| app.ids.fresh::<RequestId>().to_string());
        request.extensions_mut().insert(Id(id.clone()));
        let method = request.method().clone();
        // Without the query, which may hold a one-time key.
        let span = tracing::info_span!("request", id, %method, path = request.uri().path());
        Self { began, id, method, span }
    }

    /// What the log says meanwhile belongs to this.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// The response, with the request's id and how long it took until it began.
    pub fn end(self, response: Response) -> Response {
        let _entered = self.span.enter();
        let mut response = problem::render(response, &self.method, &self.id);
        let took = self.began.elapsed();
        tracing::debug!(status = response.status().as_u16(), took_us = took.as_micros(), "answered");
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, HeaderValue::try_from(self.id).expect("an id is plain text"));
        let seconds = format!("{:.6}", took.as_secs_f64());
        headers.insert(DURATION, HeaderValue::try_from(seconds).expect("a number is plain text"));
        response
    }
}

/// The id the client gave, if it is one that can be logged and sent back as it is.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    ((1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(plain)).then(|| id.to_owned())
}
