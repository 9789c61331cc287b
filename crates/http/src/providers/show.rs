//! `GET /api/v1/providers` and `GET /api/v1/providers/{name}`.

use axum::Json;
use axum::extract::State;

use super::NamePath;
use super::view::Provider;
use crate::app::App;
use crate::auth::{Caller, InvokeModels};
use crate::error::Error;
use crate::extract::PathText;
use crate::wire::List;

/// Lists model providers
///
/// In the owner's order; `offline`, which is always there, is not among them.
#[utoipa::path(
    get,
    path = "/api/v1/providers",
    tag = "models",
    responses((status = 200, description = "The providers", body = List<Provider>)),
    security(("token" = ["llm:invoke"])),
)]
pub(super) async fn list_providers(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
) -> Json<List<Provider>> {
    Json(List::whole(app.services.providers.list().into_iter().map(Provider::from).collect()))
}

/// Shows a model provider
///
/// With how it did of late, and never with its key.
#[utoipa::path(
    get,
    path = "/api/v1/providers/{name}",
    tag = "models",
    params(NamePath),
    responses(
        (status = 200, description = "The provider", body = Provider),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
    ),
    security(("token" = ["llm:invoke"])),
)]
pub(super) async fn get_provider(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<Json<Provider>, Error> {
    Ok(Json(app.services.providers.find(&name)?.into()))
}
