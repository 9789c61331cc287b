//! `GET /api/v1/templates`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Caller, RunCode};
use crate::error::Error;
use crate::wire::List;

/// What a session can begin with.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StudioTemplate)]
pub(crate) struct TemplateView {
    /// What it is asked for by.
    name: String,
    /// What people see.
    title: TextView,
    /// What it is, in a sentence or two.
    description: TextView,
    /// Its framework; `none` without one.
    framework: String,
    /// `npm`, `pip` or `none`.
    package_manager: String,
}

/// A text for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LocalText)]
pub(crate) struct TextView {
    /// In English.
    en: String,
    /// In Brazilian Portuguese.
    #[serde(rename = "pt-BR")]
    pt_br: String,
}

impl From<&::studio::template::Text> for TextView {
    fn from(text: &::studio::template::Text) -> Self {
        Self { en: text.en.clone(), pt_br: text.pt_br.clone() }
    }
}

/// Lists the templates
///
/// What a session of the Studio can begin with, in the order in which they are shown.
#[utoipa::path(
    get,
    path = "/api/v1/templates",
    tag = "studio",
    responses((status = 200, description = "The templates", body = List<TemplateView>)),
    security(("token" = ["run:code"])),
)]
pub(crate) async fn list_templates(
    _caller: Caller<RunCode>,
    State(app): State<App>,
) -> Result<Json<List<TemplateView>>, Error> {
    let templates = app.services.studio.templates()?.iter().map(|template| TemplateView {
        name: template.name.clone(),
        title: (&template.title).into(),
        description: (&template.description).into(),
        framework: template.framework.clone(),
        package_manager: template.package_manager.clone(),
    });
    Ok(Json(List::whole(templates.collect())))
}
