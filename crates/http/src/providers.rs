//! `/api/v1/providers` and `/api/v1/llm/{presets,suggestions,routing}`: the owner's model providers.
//!
//! Invariant: what is shown of a key is where it is and at most its last four characters.

mod change;
mod models;
mod presets;
mod routing;
mod show;
mod suggestions;
mod test;
mod values;
mod view;

use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use values::complete_schemas;

/// The routes of model providers.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(show::list_providers, change::create_provider))
        .routes(routes!(show::get_provider, change::update_provider, change::delete_provider))
        .routes(routes!(test::test_provider))
        .routes(routes!(models::list_provider_models))
        .routes(routes!(models::pull_model))
        .routes(routes!(models::warm_up_model))
        .routes(routes!(presets::list_presets))
        .routes(routes!(suggestions::list_suggestions))
        .routes(routes!(suggestions::dismiss_suggestion))
        .routes(routes!(routing::get_routing, routing::change_routing))
}

/// The `{name}` of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct NamePath {
    /// The provider's name.
    #[param(example = "ollama")]
    name: String,
}
