//! Atelier for programs that speak the Model Context Protocol: `/mcp`.
//!
//! Two versions are spoken: 2026-07-28, where every request stands alone, and 2025-11-25 (with
//! 2025-06-18), which begins with `initialize` and has sessions. The messages are read and written by
//! rmcp; what is ours is who may do what, and what is done.
//!
//! Invariants:
//! - A tool is a call of routes, with the caller's own credentials: nothing is allowed here that is
//!   not allowed there, and no handler exists twice.
//! - What a token may not use it is not shown, and not given when it asks all the same.
//! - A session belongs to who opened it. To everybody else it does not exist.
//! - Whatever is sent, the answer is JSON-RPC or a refusal as on every other path; nothing panics.
//!
//! Start reading at [`transport`] for what happens to a request, then [`tools`] for what there is.

mod calls;
mod completion;
mod handler;
mod prompts;
mod resources;
mod tools;
mod transport;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use rmcp::ServerHandler;

use crate::app::App;
use crate::auth::{Anyone, Caller};
use crate::middleware;
use handler::Workshop;
pub use transport::Limits;
use transport::Transport;

/// Where the protocol is spoken.
pub const PATH: &str = "/mcp";

/// The route, for whoever has credentials.
pub(crate) fn routes(app: &App) -> Router<App> {
    let workshop = Workshop::new(app.clone());
    let transport = Transport::new(move || workshop.opened(), &app.lifetime.stopping, Limits::default());
    let transport = Arc::new(transport);
    Router::new().route(PATH, any(move |State(app), request| answer(app, transport.clone(), request)))
}

async fn answer(app: App, transport: Arc<Transport<Workshop>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    match Caller::<Anyone>::from_request_parts(&mut parts, &app).await {
        Ok(caller) => {
            parts.extensions.insert(caller.identity);
            transport.answer(&caller.actor.to_string(), Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

/// The protocol as [`router`](crate::router) speaks it, with something else behind it and nobody
/// asked who they are: for suites that judge how the protocol is spoken, by what they want to find.
///
/// Each session, and each request without one, gets a handler from `handler`.
pub fn speaking_for<H: ServerHandler>(
    app: App,
    limits: Limits,
    handler: impl Fn() -> H + Send + Sync + 'static,
) -> Router {
    let transport = Arc::new(Transport::new(handler, &app.lifetime.stopping, limits));
    let answer = move |request: Request| {
        let transport = transport.clone();
        async move { transport.answer("anyone", request).await }
    };
    Router::new().route(PATH, any(answer)).layer(from_fn_with_state(app, middleware::around))
}
