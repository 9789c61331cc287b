//! `/api/v1/agents/{name}/memory[/{key}[/history]]`: what agents note by key.

use ::memory::facts::{Fact, FactVersion, NewFact};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, ReadMemory, WriteMemory};
use crate::error::Error;
use crate::extract::{JsonBody, Parameters, PathText, WireBody, present, unfit};
use crate::wire::{List, Moment, page_request};

/// Whose notes.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct AgentPath {
    /// The agent's name.
    #[param(pattern = "^[a-z0-9_-]{1,64}$", example = "scout")]
    name: String,
}

/// Which note.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameters; the segments are taken as text")]
pub(crate) struct FactPath {
    /// The agent's name.
    #[param(pattern = "^[a-z0-9_-]{1,64}$", example = "scout")]
    name: String,
    /// The key; a slash in it is written `%2F`.
    #[param(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]+$",
        example = "customers-ana"
    )]
    key: String,
}

/// Which notes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FactsQuery {
    /// Only keys that begin so.
    #[param(example = "customers")]
    prefix: Option<String>,
    /// At most this many items.
    #[param(minimum = 1, maximum = 500, default = 50, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$", example = "1")]
    cursor: Option<String>,
}

/// What an agent noted under a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Fact, example = json!({
    "key": "customers-ana", "value": "Ana prefers e-mail", "version": 2, "privacy": "shareable",
    "updated_at": "2026-11-21T09:30:00.000Z", "updated_by": "token:tok_01hv5k3m9x7q2w8e4r6t", "expires_at": null,
}))]
pub(crate) struct FactView {
    /// The key.
    key: String,
    /// The value: any JSON.
    #[schema(value_type = Value)]
    value: Value,
    /// Which version of the key it is, from 1.
    version: u64,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// When it was written.
    updated_at: Moment,
    /// Who wrote it: `owner`, or `token:tok_…`.
    updated_by: String,
    /// From when on it is gone.
    #[schema(required)]
    expires_at: Option<Moment>,
}

impl From<Fact> for FactView {
    fn from(fact: Fact) -> Self {
        let Fact { key, value, version, privacy, expires_at, actor, updated_at, .. } = fact;
        Self {
            key,
            value,
            version,
            privacy: privacy.into(),
            updated_at: updated_at.into(),
            updated_by: actor.to_string(),
            expires_at: expires_at.map(Moment::from),
        }
    }
}

/// A version of a key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FactVersion)]
pub(crate) struct FactVersionView {
    /// Which one, from 1.
    version: u64,
    /// Whether the key was taken back, so that there is no value.
    is_deleted: bool,
    /// What was written; null where the key was taken back.
    #[schema(value_type = Value)]
    value: Value,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// When it was written.
    written_at: Moment,
    /// Who wrote it: `owner`, or `token:tok_…`.
    written_by: String,
    /// From when on it is gone.
    #[schema(required)]
    expires_at: Option<Moment>,
}

impl From<FactVersion> for FactVersionView {
    fn from(one: FactVersion) -> Self {
        let FactVersion { version, value, privacy, expires_at, actor, written_at } = one;
        Self {
            version,
            is_deleted: value.is_none(),
            value: value.unwrap_or_default(),
            privacy: privacy.into(),
            written_at: written_at.into(),
            written_by: actor.to_string(),
            expires_at: expires_at.map(Moment::from),
        }
    }
}

/// What to note.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "Ana prefers e-mail"}))]
pub(crate) struct PutFact {
    /// The value: any JSON of at most 64 KiB. A text is found by search from then on.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Value, required)]
    value: Option<Value>,
    /// How far it may travel.
    privacy: Option<PrivacyLabel>,
    /// From when on it is gone, as a moment of RFC 3339 or a day.
    expires_at: Option<String>,
    /// The version that must stand for it to be set, 0 for none; any when absent.
    expected_version: Option<u64>,
}

impl WireBody for PutFact {
    /// The largest value, however it is written.
    const LIMIT_BYTES: usize = 512 * 1024;

    fn validate(&self) -> Result<(), Error> {
        match self.value {
            Some(_) => Ok(()),
            None => Err(unfit("`value` is missing")),
        }
    }
}

/// Lists what an agent noted
///
/// What stands under its keys, what was written last first. An agent nobody has heard of has noted
/// nothing.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{name}/memory",
    tag = "memory",
    params(AgentPath, FactsQuery),
    responses(
        (status = 200, description = "A page of notes", body = List<FactView>),
        (status = 400, description = "`invalid_agent`, `unfit_value`: the list cannot be meant"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_facts(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    Parameters(query): Parameters<FactsQuery>,
) -> Result<Json<List<FactView>>, Error> {
    let page = page_request(query.limit, query.cursor)?;
    let prefix = query.prefix.unwrap_or_default();
    let page = app.services.memory.list_facts(&name, &prefix, &page).await?;
    Ok(Json(List::from_page(page, FactView::from)))
}

/// Shows what an agent noted under a key
///
/// The value that stands, with its version. One that has expired is not there.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{name}/memory/{key}",
    tag = "memory",
    params(FactPath),
    responses(
        (status = 200, description = "The note", body = FactView),
        (status = 400, description = "`invalid_agent`, `invalid_fact_key`: there can be no such note"),
        (status = 404, description = "`fact_not_found`: nothing is noted there, or it has expired"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn get_fact(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathText([name, key]): PathText<2>,
) -> Result<Json<FactView>, Error> {
    Ok(Json(app.services.memory.fact(&name, &key).await?.into()))
}

/// Notes something for an agent under a key
///
/// In the place of what was there, which stays in the key's history; to undo it, note what was there
/// again. With `expected_version` it is set only if that version stands.
#[utoipa::path(
    put,
    path = "/api/v1/agents/{name}/memory/{key}",
    tag = "memory",
    params(FactPath),
    request_body = PutFact,
    responses(
        (status = 200, description = "It is noted", body = FactView),
        (status = 400, description = "`invalid_agent`, `invalid_fact_key`, `fact_expired`, `unknown_moment`: it cannot be meant"),
        (status = 409, description = "`fact_changed`: another version stands than was expected"),
        (status = 413, description = "`fact_too_long`, `too_many_facts`: it is too much"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn put_fact(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    PathText([agent, key]): PathText<2>,
    JsonBody(body): JsonBody<PutFact>,
) -> Result<Json<FactView>, Error> {
    let expires_at = body.expires_at.map(|text| text.parse::<Timestamp>()).transpose()?;
    let fact = NewFact {
        agent,
        key,
        value: body.value.unwrap_or_default(),
        privacy: body.privacy.map(Into::into).unwrap_or_default(),
        expires_at,
        expected_version: body.expected_version,
        actor: caller.actor,
    };
    Ok(Json(app.services.memory.set_fact(fact).await?.into()))
}

/// Takes back what an agent noted under a key
///
/// It is neither shown nor found any more. Its history stays for a month, so that it can be noted again.
#[utoipa::path(
    delete,
    path = "/api/v1/agents/{name}/memory/{key}",
    tag = "memory",
    params(FactPath),
    responses(
        (status = 204, description = "It is taken back"),
        (status = 400, description = "`invalid_agent`, `invalid_fact_key`: there can be no such note"),
        (status = 404, description = "`fact_not_found`: nothing is noted there, or it has expired"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn delete_fact(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    PathText([name, key]): PathText<2>,
) -> Result<StatusCode, Error> {
    app.services.memory.delete_fact(&name, &key, &caller.actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what was noted under a key before
///
/// Its newest 50 versions, the newest first, with when and by whom each was written.
#[utoipa::path(
    get,
    path = "/api/v1/agents/{name}/memory/{key}/history",
    tag = "memory",
    params(FactPath),
    responses(
        (status = 200, description = "The versions", body = List<FactVersionView>),
        (status = 400, description = "`invalid_agent`, `invalid_fact_key`: there can be no such note"),
        (status = 404, description = "`fact_not_found`: nothing was ever noted there, or it has expired"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_fact_versions(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathText([name, key]): PathText<2>,
) -> Result<Json<List<FactVersionView>>, Error> {
    let versions = app.services.memory.fact_history(&name, &key).await?;
    Ok(Json(List::whole(versions.into_iter().map(FactVersionView::from).collect())))
}
