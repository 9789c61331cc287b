//! Bounds the time until an answer begins, and turns a handler's panic into an answer.
//!
//! A stream's answer begins at once, so the bound does not cut streams off.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::time::timeout;

use crate::app::Options;
use crate::error::Error;
use crate::{gateway, infer, memory};

/// The answer of whoever is next.
pub(super) async fn run(options: &Options, request: Request, next: Next) -> Response {
    // A model may think for long; the router has limits of its own.
    let asks_model = gateway::answers(request.uri().path()) || request.uri().path() == infer::PATH;
    // An archive may take long to arrive and to be read, and its route bounds the silence.
    let takes_archive = request.uri().path().ends_with(memory::IMPORT_PATH);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind();
    if asks_model || takes_archive {
        return answered.await.unwrap_or_else(panicked);
    }
    let limit = options.request_timeout;
    match timeout(limit, answered).await {
        Ok(answer) => answer.unwrap_or_else(panicked),
        Err(_) => Error::TimedOut(limit.as_secs()).into_response(),
    }
}

/// The answer to a request whose handler panicked.
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::Panicked(text).into_response()
}
