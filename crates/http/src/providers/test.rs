//! `POST /api/v1/providers/{name}/test`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NamePath;
use crate::app::App;
use crate::auth::{Admin, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody};

/// How to test.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"prompt": true}))]
pub(super) struct TestProvider {
    /// Whether the model is asked a short question, which may cost a little; only whether the provider
    /// answers is looked at where it is not.
    #[serde(default)]
    prompt: bool,
}

impl WireBody for TestProvider {
    fn when_empty() -> Option<Self> {
        Some(Self::default())
    }
}

/// What a test showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"ok": true, "latency_ms": 210, "models": ["gpt-4.1-mini"], "has_model": true, "problem": null}))]
pub(super) struct ProviderTest {
    /// Whether it answers.
    ok: bool,
    /// How long it took.
    latency_ms: u64,
    /// The models it lists.
    models: Vec<String>,
    /// Whether its model is among them; null where it lists none.
    #[schema(required)]
    has_model: Option<bool>,
    /// What is wrong, if something is.
    #[schema(required)]
    problem: Option<ProviderProblem>,
}

/// What is wrong with a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ProviderProblem {
    /// For programs.
    code: String,
    /// What happened.
    message: String,
    /// What to do.
    #[schema(required)]
    hint: Option<String>,
}

impl From<kernel::Error> for ProviderProblem {
    fn from(error: kernel::Error) -> Self {
        Self { code: error.code.into(), message: error.message, hint: error.hint }
    }
}

/// Tests a model provider
///
/// The answer is 200 also when the provider fails: then `problem` says why. Disabled ones are tested
/// too.
#[utoipa::path(
    post,
    path = "/api/v1/providers/{name}/test",
    tag = "models",
    params(NamePath),
    request_body = TestProvider,
    responses(
        (status = 200, description = "What it showed", body = ProviderTest),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn test_provider(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<TestProvider>,
) -> Result<Json<ProviderTest>, Error> {
    let report = app.services.providers.test(&name, body.prompt).await?;
    Ok(Json(ProviderTest {
        ok: report.problem.is_none(),
        latency_ms: report.latency_ms,
        models: report.models,
        has_model: report.has_model,
        problem: report.problem.map(ProviderProblem::from),
    }))
}
