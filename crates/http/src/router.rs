//! The index of the routes.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::middleware::{answer, guard, headers, limit};
use crate::{
    debugger, docs, events, gateway, health, infer, jobs, limits, memory, models, openapi, planner,
    providers, runs, seed_paths, session, settings, supervisor, ui, usage,
};

/// Every route there is, with everything around it.
pub fn router(app: App) -> Router {
    let (routes, document) = api().split_for_parts();
    let document = openapi::complete(&document, &app.options);
    let around = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), answer::answer))
        .layer(from_fn(headers::headers))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .layer(from_fn_with_state(app.clone(), limit::limit))
        .layer(CatchPanicLayer::custom(limit::panicked));
    let routes = routes
        .merge(docs::routes(&document))
        .merge(gateway::routes())
        .route("/open", get(session::open))
        .fallback(ui::serve)
        .layer(around)
        .with_state(app);
    seed_paths::also_at_seed_paths(routes)
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
        .merge(settings::routes())
}
