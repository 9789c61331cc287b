//! `GET /api/v1/llm/presets`.

use ::models::{Preset, PresetModel};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::values::{DialectName, ModelPrice};
use crate::app::App;
use crate::auth::{Caller, InvokeModels};
use crate::wire::List;

/// An endpoint that is known by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "name": "openai", "title": "OpenAI", "base_url": "https://api.openai.com/v1", "dialect": "chat", "needs_key": true,
    "key_variable": "OPENAI_API_KEY", "default_model": "gpt-4.1-mini", "note": null,
    "models": [{"id": "gpt-4.1-mini", "context_tokens": 1_047_576, "price": {"input": 0.4, "output": 1.6, "cached": 0.1}}],
}))]
pub(super) struct ProviderPreset {
    /// Its name.
    name: String,
    /// What a person reads.
    title: String,
    /// Up to and with the version.
    base_url: String,
    /// How it speaks.
    dialect: DialectName,
    /// Whether it answers only with a key.
    needs_key: bool,
    /// The variable that usually holds the key.
    #[schema(required)]
    key_variable: Option<String>,
    /// The models that something is known of.
    models: Vec<ProviderPresetModel>,
    /// A model that answers well at a low price.
    default_model: String,
    /// What a person should know.
    #[schema(required)]
    note: Option<String>,
}

/// A model that something is known of.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderPresetModel {
    /// Its name.
    id: String,
    /// How much it reads at once.
    #[schema(required)]
    context_tokens: Option<u64>,
    /// What it costs.
    #[schema(required)]
    price: Option<ModelPrice>,
}

impl From<Preset> for ProviderPreset {
    fn from(preset: Preset) -> Self {
        let model = |PresetModel { id, context_tokens, price }| ProviderPresetModel {
            id,
            context_tokens,
            price: price.map(ModelPrice::from),
        };
        Self {
            name: preset.name,
            title: preset.title,
            base_url: preset.base_url,
            dialect: DialectName(preset.dialect),
            needs_key: preset.key_variable.is_some(),
            key_variable: preset.key_variable,
            models: preset.models.into_iter().map(model).collect(),
            default_model: preset.default_model,
            note: preset.note,
        }
    }
}

/// Lists presets
///
/// Those that come with Atelier and those of `presets.yaml` in the workspace's folder, by name.
#[utoipa::path(
    get,
    path = "/api/v1/llm/presets",
    tag = "models",
    responses((status = 200, description = "The presets", body = List<ProviderPreset>)),
    security(("token" = ["llm:invoke"])),
)]
pub(super) async fn list_presets(
    _caller: Caller<InvokeModels>,
    State(app): State<App>,
) -> Json<List<ProviderPreset>> {
    let presets = app.services.providers.presets().iter().cloned();
    Json(List::whole(presets.map(ProviderPreset::from).collect()))
}
