//! `GET /api/v1/health`, `/healthz`, `/readyz`: open to everyone, and saying nothing that is not.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::Error;

/// The routes of health.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_health))
        .routes(routes!(get_liveness))
        .routes(routes!(get_readiness))
}

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ok", "version": "0.1.0", "uptime_ms": 81_204, "checks": {"store": "ok"}}))]
struct Health {
    /// `ok`, or `degraded` when a check fails.
    status: Condition,
    /// Atelier's version.
    version: String,
    /// How long the server has been running.
    uptime_ms: u64,
    /// What was checked.
    checks: BTreeMap<String, Condition>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Condition {
    /// As it should be.
    Ok,
    /// Not as it should be.
    Degraded,
}

/// Shows how the server is
///
/// Whatever the checks find, the answer is 200: it says that the server answers.
#[utoipa::path(
    get,
    path = "/api/v1/health",
    tag = "health",
    responses((status = 200, description = "How it is", body = Health)),
    security(()),
)]
async fn get_health(State(app): State<App>) -> Json<Health> {
    let store = if is_ready(&app).await { Condition::Ok } else { Condition::Degraded };
    Json(Health {
        status: store,
        version: app.version.to_owned(),
        uptime_ms: u64::try_from(app.lifetime.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        checks: BTreeMap::from([("store".to_owned(), store)]),
    })
}

/// Tells that the process is alive
///
/// For supervisors that restart what does not answer.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    responses((status = 200, description = "It is", content_type = "text/plain", body = String, example = "ok")),
    security(()),
)]
async fn get_liveness() -> &'static str {
    "ok"
}

/// Tells whether requests can be served
///
/// For load balancers.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "They can", content_type = "text/plain", body = String, example = "ready"),
        (status = 503, description = "`not_ready`: the store does not answer, or the server stops"),
    ),
    security(()),
)]
async fn get_readiness(State(app): State<App>) -> Result<(StatusCode, &'static str), Error> {
    if !app.lifetime.stopping.is_cancelled() && is_ready(&app).await {
        return Ok((StatusCode::OK, "ready"));
    }
    let error = kernel::Error::unavailable("not_ready", "Atelier cannot serve requests now");
    Err(error.with_hint("Ask again in a moment; the log says what is wrong").into())
}

async fn is_ready(app: &App) -> bool {
    match app.engine.store().next_due().await {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            false
        }
    }
}
