//! `POST /api/v1/providers`, `PATCH` and `DELETE /api/v1/providers/{name}`.

use ::models::ApiKey;
use ::models::presets::is_name;
use ::models::providers::{NewKey, NewProvider as New, ProviderChange};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::NamePath;
use super::values::{
    DialectName, ModelPrice, Timeouts, check_base_url, check_key, check_model, check_title, check_variable,
};
use super::view::Provider;
use crate::app::App;
use crate::auth::{Admin, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody, present, unfit};

const MOST_CALLS: usize = 10_000;
const MOST_TOKENS: u64 = 1_000_000_000;

/// A provider to set up. What is left out is taken from the preset.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"preset": "openai", "api_key": "sk-not-a-real-key", "model": "gpt-4.1-mini"}))]
pub(super) struct NewProvider {
    /// One of `GET /api/v1/llm/presets`.
    #[serde(default, deserialize_with = "present")]
    preset: Option<String>,
    /// Its name, unique; the preset's where left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,63}$")]
    name: Option<String>,
    /// What a person reads.
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    title: Option<String>,
    /// Up to and with the version.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 500)]
    base_url: Option<String>,
    /// The model to ask.
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
    /// How it speaks.
    dialect: Option<DialectName>,
    /// Its key, which goes into the secret store and never comes out here again.
    #[schema(pattern = "^[!-~]{1,500}$")]
    api_key: Option<String>,
    /// The variable of the server's environment that holds its key, in place of a key. Left out, and
    /// without a key, it is the preset's, where that is set.
    #[schema(pattern = "^[A-Z][A-Z0-9_]{0,99}(_KEY|_TOKEN)$")]
    api_key_env: Option<String>,
    /// Whether it may be asked; it may where left out.
    enabled: Option<bool>,
    /// Other patience than for the rest.
    timeouts: Option<Timeouts>,
    /// At most so many calls at once.
    #[schema(minimum = 1, maximum = 10_000)]
    concurrency: Option<usize>,
    /// What it costs.
    price: Option<ModelPrice>,
    /// How much its model reads at once.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    context_tokens: Option<u64>,
}

/// What is to be different. What is left out stays; null takes a value away.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"model": "gpt-4.1", "enabled": true, "concurrency": null}))]
pub(super) struct ChangeProvider {
    /// One of `GET /api/v1/llm/presets`.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    preset: Option<Option<String>>,
    /// What a person reads.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    title: Option<Option<String>>,
    /// Up to and with the version. With another host, a stored key is forgotten unless one is given.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = String, required = false, max_length = 500)]
    base_url: Option<String>,
    /// The model to ask.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, pattern = r"[^\s\x1c-\x1f\x85\ufeff]")]
    model: Option<String>,
    /// How it speaks.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = DialectName, required = false)]
    dialect: Option<DialectName>,
    /// Its key; null forgets it.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[!-~]{1,500}$")]
    api_key: Option<Option<String>>,
    /// The variable of the server's environment that holds its key, in place of a key.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = String, required = false, pattern = "^[A-Z][A-Z0-9_]{0,99}(_KEY|_TOKEN)$")]
    api_key_env: Option<String>,
    /// Whether it may be asked.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    enabled: Option<bool>,
    /// Other patience than for the rest.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Timeouts>)]
    timeouts: Option<Option<Timeouts>>,
    /// At most so many calls at once.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<usize>, minimum = 1, maximum = 10_000)]
    concurrency: Option<Option<usize>>,
    /// What it costs.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<ModelPrice>)]
    price: Option<Option<ModelPrice>>,
    /// How much its model reads at once.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 1_000_000_000)]
    context_tokens: Option<Option<u64>>,
}

/// The members that both bodies have, to be checked alike.
struct Checked<'a> {
    title: Option<&'a String>,
    base_url: Option<&'a String>,
    model: Option<&'a String>,
    api_key: Option<&'a String>,
    api_key_env: Option<&'a String>,
    timeouts: Option<Timeouts>,
    concurrency: Option<usize>,
    price: Option<ModelPrice>,
    context_tokens: Option<u64>,
}

impl Checked<'_> {
    fn check(self) -> Result<(), Error> {
        let text = |text: Option<&String>, check: fn(&str) -> Result<(), Error>| {
            text.map_or(Ok(()), |text| check(text))
        };
        text(self.title, check_title)?;
        text(self.base_url, check_base_url)?;
        text(self.model, check_model)?;
        text(self.api_key, check_key)?;
        text(self.api_key_env, check_variable)?;
        self.timeouts.map_or(Ok(()), |timeouts| timeouts.check())?;
        self.price.map_or(Ok(()), |price| price.check())?;
        if self.concurrency.is_some_and(|most| !(1..=MOST_CALLS).contains(&most)) {
            return Err(unfit("`concurrency` must be from 1 to 10000"));
        }
        if self.context_tokens.is_some_and(|tokens| !(1..=MOST_TOKENS).contains(&tokens)) {
            return Err(unfit("`context_tokens` must be from 1 to 1000000000"));
        }
        Ok(())
    }
}

impl WireBody for NewProvider {
    fn validate(&self) -> Result<(), Error> {
        if self.name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err(unfit(
                "`name` must begin with a-z or 0-9, and have at most 64 of a-z, 0-9, `.`, `_` and `-`",
            ));
        }
        if self.preset.is_none() && (self.name.is_none() || self.base_url.is_none() || self.model.is_none()) {
            return Err(unfit("without `preset`, `name`, `base_url` and `model` must be given"));
        }
        let checked = Checked {
            title: self.title.as_ref(),
            base_url: self.base_url.as_ref(),
            model: self.model.as_ref(),
            api_key: self.api_key.as_ref(),
            api_key_env: self.api_key_env.as_ref(),
            timeouts: self.timeouts,
            concurrency: self.concurrency,
            price: self.price,
            context_tokens: self.context_tokens,
        };
        checked.check()
    }
}

impl WireBody for ChangeProvider {
    fn validate(&self) -> Result<(), Error> {
        let checked = Checked {
            title: self.title.iter().flatten().next(),
            base_url: self.base_url.as_ref(),
            model: self.model.as_ref(),
            api_key: self.api_key.iter().flatten().next(),
            api_key_env: self.api_key_env.as_ref(),
            timeouts: self.timeouts.flatten(),
            concurrency: self.concurrency.flatten(),
            price: self.price.flatten(),
            context_tokens: self.context_tokens.flatten(),
        };
        checked.check()
    }
}

/// The key that is given: one to keep weighs more than a place to look.
fn given(api_key: Option<String>, variable: Option<String>) -> Option<NewKey> {
    let secret = api_key.map(|key| NewKey::Secret(ApiKey::new(&key)));
    secret.or(variable.map(NewKey::Variable))
}

impl From<NewProvider> for New {
    fn from(body: NewProvider) -> Self {
        Self {
            preset: body.preset,
            name: body.name,
            title: body.title,
            base_url: body.base_url,
            model: body.model,
            dialect: body.dialect.map(|name| name.0),
            key: given(body.api_key, body.api_key_env),
            enabled: body.enabled,
            timeouts: body.timeouts.map(Into::into),
            concurrency: body.concurrency,
            price: body.price.map(Into::into),
            context_tokens: body.context_tokens,
        }
    }
}

impl From<ChangeProvider> for ProviderChange {
    fn from(body: ChangeProvider) -> Self {
        let removes = body.api_key == Some(None);
        let given = given(body.api_key.flatten(), body.api_key_env);
        Self {
            preset: body.preset,
            title: body.title,
            base_url: body.base_url,
            model: body.model,
            dialect: body.dialect.map(|name| name.0),
            key: given.map(Some).or(removes.then_some(None)),
            enabled: body.enabled,
            timeouts: body.timeouts.map(|timeouts| timeouts.map(Into::into)),
            concurrency: body.concurrency,
            price: body.price.map(|price| price.map(Into::into)),
            context_tokens: body.context_tokens,
        }
    }
}

/// Sets a model provider up
///
/// It can be asked from the next call on. Whoever may do this decides where prompts are sent, so it
/// needs the owner's scope. The base URL is asked by the server, also where it is on its own
/// network.
#[utoipa::path(
    post,
    path = "/api/v1/providers",
    tag = "models",
    request_body = NewProvider,
    responses(
        (status = 201, description = "It is set up", body = Provider),
        (status = 404, description = "`preset_not_found`: there is no such preset"),
        (status = 409, description = "`provider_exists`: the name is taken"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn create_provider(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), Error> {
    let created = app.services.providers.create(body.into()).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Changes a model provider
///
/// Calls under way end with what they began with.
#[utoipa::path(
    patch,
    path = "/api/v1/providers/{name}",
    tag = "models",
    params(NamePath),
    request_body = ChangeProvider,
    responses(
        (status = 200, description = "The provider as it is now", body = Provider),
        (status = 404, description = "`provider_not_found`, `preset_not_found`: there is no such provider or preset"),
        (status = 409, description = "`provider_read_only`: it is set up in settings.yaml or the environment"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn update_provider(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<ChangeProvider>,
) -> Result<Json<Provider>, Error> {
    Ok(Json(app.services.providers.update(&name, body.into()).await?.into()))
}

/// Removes a model provider
///
/// And its key.
#[utoipa::path(
    delete,
    path = "/api/v1/providers/{name}",
    tag = "models",
    params(NamePath),
    responses(
        (status = 204, description = "It is no more"),
        (status = 404, description = "`provider_not_found`: there is no such provider"),
        (status = 409, description = "`provider_read_only`: it is set up in settings.yaml or the environment"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn delete_provider(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<StatusCode, Error> {
    app.services.providers.delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}
