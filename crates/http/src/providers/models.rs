//! `GET /api/v1/providers/{name}/models`, `POST …/pull` and `POST …/warm-up`.

use ::models::Progress;
use ::models::ollama::ProgressStream;
use ::models::providers::InspectedModel;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::NamePath;
use super::test::ProviderProblem;
use super::values::check_model;
use crate::app::App;
use crate::auth::{Admin, Caller, InvokeModels};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody};
use crate::follow::sse;
use crate::wire::List;

/// A model of a provider.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "llama3.1:8b", "size_bytes": 4_920_753_328u64, "digest": "46e0c10c039e", "modified_at": "2026-11-02T10:00:00Z",
    "is_loaded": false, "is_required": true, "is_installed": true, "other_digest_wanted": null,
}))]
pub(super) struct ProviderModel {
    /// Its name.
    id: String,
    /// On disk.
    #[schema(required)]
    size_bytes: Option<u64>,
    /// What tells its versions apart.
    #[schema(required)]
    digest: Option<String>,
    /// When it was fetched or made.
    #[schema(required)]
    modified_at: Option<String>,
    /// Whether it is in memory.
    #[schema(required)]
    is_loaded: Option<bool>,
    /// Whether the settings require it.
    is_required: bool,
    /// Whether it is there; a required one may be missing.
    is_installed: bool,
    /// How its digest should begin, where the settings pin it and it does not.
    #[schema(required)]
    other_digest_wanted: Option<String>,
}

impl From<InspectedModel> for ProviderModel {
    fn from(model: InspectedModel) -> Self {
        let InspectedModel { id, size_bytes, digest, modified_at, .. } = model;
        let InspectedModel { is_loaded, is_required, is_installed, other_digest_wanted, .. } = model;
        Self {
            id,
            size_bytes,
            digest,
            modified_at,
            is_loaded,
            is_required,
            is_installed,
            other_digest_wanted,
        }
    }
}

/// Lists a provider's models
///
/// As the provider lists them now. Of Ollama also those that the settings require and that are not
/// there.
#[utoipa::path(
    get,
    path = "/api/v1/providers/{name}/models",
    tag = "models",
    params(NamePath),
    responses(
        (status = 200, description = "The models", body = List<ProviderModel>),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
        (status = 429, description = "`model_rate_limited`: the provider wants fewer requests"),
        (status = 502, description = "`model_upstream_failed`: the provider does not answer as it should"),
        (status = 504, description = "`model_timeout`: the provider did not answer in time"),
    ),
    security(("token" = ["llm:invoke"])),
)]
pub(super) async fn list_provider_models(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<Json<List<ProviderModel>>, Error> {
    let models = app.services.providers.models(&name).await??;
    Ok(Json(List::whole(models.into_iter().map(ProviderModel::from).collect())))
}

/// A model to fetch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"model": "llama3.1:8b"}))]
pub(super) struct PullModel {
    /// Its name, with or without a tag.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: String,
}

impl WireBody for PullModel {
    fn validate(&self) -> Result<(), Error> {
        check_model(&self.model)
    }
}

/// Has Ollama fetch a model
///
/// Server-sent events: `progress` with `{status, completed, total}`, then `done` with `{}` or `failed`
/// with `{problem}`. Whoever leaves stops it; what was fetched stays for the next time.
#[utoipa::path(
    post,
    path = "/api/v1/providers/{name}/pull",
    tag = "models",
    params(NamePath),
    request_body = PullModel,
    responses(
        (status = 200, description = "It has begun", content_type = "text/event-stream", body = String),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
        (status = 409, description = "`provider_not_ollama`: only Ollama fetches models"),
        (status = 429, description = "`model_rate_limited`: the provider wants fewer requests"),
        (status = 502, description = "`model_upstream_failed`: Ollama does not answer as it should"),
        (status = 504, description = "`model_timeout`: Ollama did not answer in time"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn pull_model(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<PullModel>,
) -> Result<Response, Error> {
    let progress = app.services.providers.pull(&name, &body.model).await??;
    let stopping = app.lifetime.stopping.clone();
    let events = events(progress).take_until(async move { stopping.cancelled().await });
    Ok(sse::response(events))
}

fn events(progress: ProgressStream) -> impl Stream<Item = Bytes> {
    let event = |name: &str, data: &Value| Bytes::from(format!("event: {name}\ndata: {data}\n\n"));
    progress.map(move |next| match next {
        Ok(Progress { status, .. }) if status == "success" => event("done", &json!({})),
        Ok(Progress { status, completed, total }) => {
            event("progress", &json!({"status": status, "completed": completed, "total": total}))
        }
        Err(error) => event("failed", &json!({"problem": ProviderProblem::from(kernel::Error::from(error))})),
    })
}

/// A model to load.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"model": "llama3.1:8b"}))]
pub(super) struct WarmUpModel {
    /// The provider's own where left out.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
}

impl WireBody for WarmUpModel {
    fn validate(&self) -> Result<(), Error> {
        self.model.as_deref().map_or(Ok(()), check_model)
    }

    fn when_empty() -> Option<Self> {
        Some(Self::default())
    }
}

/// A model that was loaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"ok": true, "latency_ms": 2_300}))]
pub(super) struct WarmedUp {
    /// Whether it is in memory.
    ok: bool,
    /// How long that took.
    latency_ms: u64,
}

/// Has Ollama load a model
///
/// So that its first answer does not take longer than the next ones.
#[utoipa::path(
    post,
    path = "/api/v1/providers/{name}/warm-up",
    tag = "models",
    params(NamePath),
    request_body = WarmUpModel,
    responses(
        (status = 200, description = "It is loaded", body = WarmedUp),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
        (status = 409, description = "`provider_not_ollama`: only Ollama loads models"),
        (status = 429, description = "`model_rate_limited`: the provider wants fewer requests"),
        (status = 502, description = "`model_upstream_failed`: Ollama does not answer as it should"),
        (status = 504, description = "`model_timeout`: Ollama did not answer in time"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn warm_up_model(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<WarmUpModel>,
) -> Result<Json<WarmedUp>, Error> {
    let took = app.services.providers.warm_up(&name, body.model.as_deref()).await??;
    Ok(Json(WarmedUp { ok: true, latency_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }))
}
