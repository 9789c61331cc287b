//! Bounds the time until an answer begins, and turns a handler's panic into an answer.
//!
//! A stream's answer begins at once, so the bound does not cut streams off.

use std::any::Any;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::error::Error;
use crate::{gateway, infer};

pub(crate) async fn limit(State(app): State<App>, request: Request, next: Next) -> Response {
    if gateway::answers(request.uri().path()) || request.uri().path() == infer::PATH {
        // A model may think for long; the router has limits of its own.
        return next.run(request).await;
    }
    let limit = app.options.request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Error::TimedOut(limit.as_secs()).into_response(),
    }
}

/// The answer to a request whose handler panicked.
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::Panicked(text).into_response()
}
