//! What every request passes on its way in and every response on its way out.
//!
//! A request for a preview goes its own way at once. All others, in this order: a seed document's path
//! becomes the canonical one, the request gets its id, foreign hosts and origins are turned away, the
//! time until an answer begins is bounded and panics are caught; then browsers are told what they must
//! be, and refusals get their body. What nobody reads of a request is read to its end. It is one
//! function and not a stack of layers, because each layer would copy and box every request once more.

pub(crate) mod answer;
mod guard;
mod headers;
mod limit;
mod unread;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use crate::app::App;
use crate::seed_paths;
use crate::studio::preview;
use answer::Answering;

pub(crate) async fn around(State(app): State<App>, mut request: Request, next: Next) -> Response {
    // Another origin, with other rules: nothing below is for it.
    if let Some(target) = preview::target(&request) {
        return preview::serve(app, target, request).await;
    }
    if let Some(wanted) = preview::below(&request) {
        return preview::serve_below(app, wanted, request).await;
    }
    seed_paths::rewrite(&mut request);
    unread::read_later(&mut request);
    let answering = Answering::begin(&app, &mut request);
    let answered = async {
        match guard::check(&request, &app.options) {
            Ok(()) => limit::run(&app.options, request, next).await,
            Err(error) => error.into_response(),
        }
    };
    let mut response = answered.instrument(answering.span()).await;
    headers::add(&mut response);
    answering.end(response)
}
