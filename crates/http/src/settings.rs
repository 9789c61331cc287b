//! `GET|PATCH /api/v1/settings`: what people set for themselves.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Admin, Anyone, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody, present};

/// The routes of the settings.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_settings, change_settings))
}

/// What is set; null where the default holds.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
#[schema(example = json!({"theme": "dark", "language": "pt-BR"}))]
struct Settings {
    /// The colours of the UI.
    #[schema(required)]
    theme: Option<Theme>,
    /// The language of the UI.
    #[schema(required)]
    language: Option<UiLanguage>,
}

/// The colours of the UI.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Theme {
    /// As the system has it.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The language of the UI.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
enum UiLanguage {
    /// English.
    #[serde(rename = "en")]
    English,
    /// Brazilian Portuguese.
    #[serde(rename = "pt-BR")]
    BrazilianPortuguese,
}

/// Settings to change. What is left out stays; null sets the default again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"theme": "dark", "language": null}))]
struct ChangeSettings {
    /// The colours of the UI.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Theme>)]
    theme: Option<Option<Theme>>,
    /// The language of the UI.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<UiLanguage>)]
    language: Option<Option<UiLanguage>>,
}

impl WireBody for ChangeSettings {}

async fn current(app: &App) -> Result<Settings, Error> {
    let set = app.services.preferences.load().await?;
    let text = |name: &str| {
        set.iter().find(|(set, _)| set == name).map_or(Value::Null, |(_, value)| Value::from(value.as_str()))
    };
    // A value that an earlier or later version set, and this one does not know, is as good as none.
    Ok(Settings {
        theme: serde_json::from_value(text("theme")).unwrap_or_default(),
        language: serde_json::from_value(text("language")).unwrap_or_default(),
    })
}

/// Shows the settings
///
/// As they hold for everyone who uses this workspace.
#[utoipa::path(
    get,
    path = "/api/v1/settings",
    tag = "workspace",
    responses((status = 200, description = "The settings", body = Settings)),
    security(("token" = [])),
)]
async fn get_settings(_caller: Caller<Anyone>, State(app): State<App>) -> Result<Json<Settings>, Error> {
    Ok(Json(current(&app).await?))
}

/// Changes settings
///
/// What is left out stays.
#[utoipa::path(
    patch,
    path = "/api/v1/settings",
    tag = "workspace",
    request_body = ChangeSettings,
    responses((status = 200, description = "The settings as they are now", body = Settings)),
    security(("token" = ["admin"])),
)]
async fn change_settings(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<ChangeSettings>,
) -> Result<Json<Settings>, Error> {
    let ChangeSettings { theme, language } = body;
    let mut changes = Vec::new();
    changes.extend(theme.map(|theme| ("theme".to_owned(), theme.and_then(name_of))));
    changes.extend(language.map(|language| ("language".to_owned(), language.and_then(name_of))));
    if !changes.is_empty() {
        app.services.preferences.store(changes).await?;
    }
    Ok(Json(current(&app).await?))
}

fn name_of(value: impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}
