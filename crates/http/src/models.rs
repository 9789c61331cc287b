//! `GET /api/v1/models`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Anyone, Caller};
use crate::error::Error;
use crate::services;
use crate::wire::List;

/// The route of models.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_models))
}

/// A model that could be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"name": "offline", "kind": "offline", "local": true, "available": true}))]
struct Model {
    /// Its name.
    name: String,
    /// What provides it.
    kind: String,
    /// Whether what it is asked stays on this machine.
    local: bool,
    /// Whether it answers now.
    available: bool,
}

/// Lists models
///
/// The preferred first.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    tag = "workspace",
    responses((status = 200, description = "The models", body = List<Model>)),
    security(("token" = [])),
)]
async fn list_models(_caller: Caller<Anyone>, State(app): State<App>) -> Result<Json<List<Model>>, Error> {
    let models = app.services.models.list().await?.into_iter();
    let convert = |services::Model { name, kind, local, available }| Model { name, kind, local, available };
    Ok(Json(List::whole(models.map(convert).collect())))
}
