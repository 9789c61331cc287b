//! `GET /api/v1/llm/suggestions` and `DELETE /api/v1/llm/suggestions/{name}`.

use ::models::providers::{Reason, Suggestion};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::NamePath;
use crate::app::App;
use crate::auth::{Admin, Caller};
use crate::error::Error;
use crate::extract::PathText;
use crate::wire::List;

/// A provider that could be set up at once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "preset": "ollama", "name": "ollama", "title": "Ollama (on this machine)", "reason": "ollama_found",
    "base_url": "http://127.0.0.1:11434/v1", "model": "llama3.1:8b", "key_variable": null,
}))]
pub(super) struct ProviderSuggestion {
    /// What it would be made from.
    preset: String,
    /// What it would be called.
    name: String,
    /// What a person reads.
    title: String,
    /// Why it is suggested.
    reason: SuggestionReason,
    /// Up to and with the version.
    base_url: String,
    /// The model it would be asked for.
    model: String,
    /// The variable that holds its key.
    #[schema(required)]
    key_variable: Option<String>,
}

/// Why a provider is suggested.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SuggestionReason {
    /// Ollama answers on this machine.
    OllamaFound,
    /// Its key is in the server's environment.
    KeyInEnvironment,
}

impl From<Suggestion> for ProviderSuggestion {
    fn from(suggestion: Suggestion) -> Self {
        Self {
            preset: suggestion.name.clone(),
            name: suggestion.name,
            title: suggestion.title,
            reason: match suggestion.reason {
                Reason::OllamaFound => SuggestionReason::OllamaFound,
                Reason::KeyInEnvironment => SuggestionReason::KeyInEnvironment,
            },
            base_url: suggestion.base_url,
            model: suggestion.model,
            key_variable: suggestion.key_variable,
        }
    }
}

/// Lists suggestions
///
/// What was found here and is not set up: a local Ollama, and keys in the environment. Nothing of it
/// is used before `POST /api/v1/providers` says so; a key then stays where it is.
#[utoipa::path(
    get,
    path = "/api/v1/llm/suggestions",
    tag = "models",
    responses((status = 200, description = "The suggestions", body = List<ProviderSuggestion>)),
    security(("token" = ["admin"])),
)]
pub(super) async fn list_suggestions(
    _caller: Caller<Admin>,
    State(app): State<App>,
) -> Result<Json<List<ProviderSuggestion>>, Error> {
    let suggestions = app.services.providers.suggestions().await?;
    Ok(Json(List::whole(suggestions.into_iter().map(ProviderSuggestion::from).collect())))
}

/// Declines a suggestion
///
/// It does not come back.
#[utoipa::path(
    delete,
    path = "/api/v1/llm/suggestions/{name}",
    tag = "models",
    params(NamePath),
    responses(
        (status = 204, description = "It is declined"),
        (status = 404, description = "`suggestion_not_found`: nothing of this name could be suggested"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn dismiss_suggestion(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<StatusCode, Error> {
    app.services.providers.dismiss_suggestion(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
