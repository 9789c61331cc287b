//! The index of the routes.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::{
    connectors, debugger, docs, events, gateway, health, infer, jobs, limits, mcp, memory, middleware,
    models, planner, providers, runs, session, settings, studio, supervisor, ui, usage,
};

/// Every route there is, with everything around it.
pub fn router(app: App) -> Router {
    let (routes, document) = api().split_for_parts();
    let routes = routes
        .merge(docs::routes(document, app.options.clone()))
        .route("/open", get(session::open))
        .route(studio::share::PATH, get(studio::share::show))
        .fallback(ui::serve)
        .layer(CompressionLayer::new())
        // Not compressed: it is waited for, and mostly by programs on this machine.
        .merge(gateway::routes())
        .merge(mcp::routes(&app))
        .with_state(app.clone());
    Router::new().fallback_service(routes).layer(from_fn_with_state(app, middleware::around))
}

/// The routes that the OpenAPI document describes.
pub(crate) fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(session::routes())
        .merge(runs::routes())
        .merge(events::routes())
        .merge(jobs::routes())
        .merge(planner::routes())
        .merge(memory::routes())
        .merge(debugger::routes())
        .merge(supervisor::routes())
        .merge(models::routes())
        .merge(infer::routes())
        .merge(usage::routes())
        .merge(limits::routes())
        .merge(providers::routes())
        .merge(connectors::routes())
        .merge(settings::routes())
        .merge(studio::routes())
}
