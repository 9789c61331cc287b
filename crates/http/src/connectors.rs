//! `/api/v1/connectors`: the servers of tools that the workspace knows.
//!
//! Invariant: what is shown of a secret is its name. Nothing but `approve` and `create` lets a server
//! be contacted or started, and both are the owner's.

mod change;
mod import;
mod show;
mod view;

use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

/// The routes of servers of tools.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show::list_connectors, change::create_connector))
        .routes(routes!(show::get_connector, change::update_connector, change::delete_connector))
        .routes(routes!(change::approve_connector))
        .routes(routes!(import::import_connectors))
        .routes(routes!(show::test_connector))
}

/// The `{name}` of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct NamePath {
    /// The server's name.
    #[param(example = "docs")]
    name: String,
}
