//! `POST /api/v1/connectors`, `PATCH` and `DELETE /api/v1/connectors/{name}`, and `POST …/approve`.

use std::collections::{BTreeMap, BTreeSet};

use ::connectors::server::{NewServer, Program, SecretText, ServerChange, Transport};
use ::connectors::tool::ToolChange;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::NamePath;
use super::view::{Connector, ConnectorDetail, ToolClass, ToolGrant};
use crate::app::App;
use crate::auth::{Admin, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody, present, unfit};

/// A server of tools to add: an address, or a program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "docs", "url": "https://docs.example/mcp", "token": "not-a-real-token"}))]
pub(super) struct NewConnector {
    /// Its name, unique.
    #[schema(pattern = "^[a-z0-9_-]{1,32}$")]
    name: String,
    /// Its address, for streamable HTTP.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 500)]
    url: Option<String>,
    /// The token that is sent to the address, which goes into the secret store and never comes out
    /// here again.
    #[serde(default, deserialize_with = "present")]
    #[schema(pattern = "^[!-~]{1,4000}$")]
    token: Option<String>,
    /// The program, in place of an address. It runs in a sandbox of its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(min_length = 1, max_length = 1000)]
    command: Option<String>,
    /// The program's arguments.
    #[serde(default)]
    #[schema(max_items = 64)]
    args: Vec<String>,
    /// The program's variables that are no secrets.
    #[serde(default)]
    env: BTreeMap<String, String>,
    /// The program's variables that are secrets: they go into the secret store.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// The hosts the program may reach, such as `api.example.com`.
    #[serde(default)]
    #[schema(max_items = 64)]
    hosts: Vec<String>,
    /// Whether it may reach the package registries of this machine, as `npx` must.
    #[serde(default)]
    registries: bool,
    /// Folders of this machine that it may read.
    #[serde(default)]
    #[schema(max_items = 16)]
    folders: BTreeSet<String>,
    /// Whether its tools are used; they are where left out.
    #[serde(default, deserialize_with = "present")]
    enabled: Option<bool>,
}

impl WireBody for NewConnector {
    fn validate(&self) -> Result<(), Error> {
        if self.url.is_some() == self.command.is_some() {
            return Err(unfit("either `url` or `command` must be given, and not both"));
        }
        if self.command.is_some() && self.token.is_some() {
            return Err(unfit("`token` is for a server with a `url`"));
        }
        let is_program = !self.args.is_empty()
            || !self.env.is_empty()
            || !self.secrets.is_empty()
            || !self.hosts.is_empty()
            || !self.folders.is_empty()
            || self.registries;
        if self.url.is_some() && is_program {
            return Err(unfit("only `token` and `enabled` go with a `url`"));
        }
        Ok(())
    }
}

impl From<NewConnector> for NewServer {
    fn from(body: NewConnector) -> Self {
        let transport = match body.url {
            Some(url) => Transport::Http { url, token: None },
            None => Transport::Stdio(Program {
                command: body.command.unwrap_or_default(),
                args: body.args,
                environment: body.env,
                hosts: body.hosts,
                registries: body.registries,
                folders: body.folders,
                ..Program::default()
            }),
        };
        let secrets = body.secrets.into_iter().map(|(name, value)| (name, SecretText::new(value)));
        Self {
            name: body.name,
            transport,
            token: body.token.map(SecretText::new),
            secrets: secrets.collect(),
            enabled: body.enabled.unwrap_or(true),
        }
    }
}

/// What is to be different about a server. What is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"enabled": true, "tools": {"search": {"grant": "allow", "class": "read"}}}))]
pub(super) struct ChangeConnector {
    /// Whether its tools are used.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    enabled: Option<bool>,
    /// Its address. With another host, its token is forgotten unless one is given.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = String, required = false, max_length = 500)]
    url: Option<String>,
    /// The token that is sent to the address; null forgets it.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[!-~]{1,4000}$")]
    token: Option<Option<String>>,
    /// Its program.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 1000)]
    command: Option<String>,
    /// The program's arguments.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false, max_items = 64)]
    args: Option<Vec<String>>,
    /// All its variables that are no secrets.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    env: Option<BTreeMap<String, String>>,
    /// Variables that are secrets, to be set, or with null to be forgotten. Others stay.
    secrets: BTreeMap<String, Option<String>>,
    /// The hosts it may reach.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Vec<String>, required = false, max_items = 64)]
    hosts: Option<Vec<String>>,
    /// Whether it may reach the package registries of this machine.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = bool, required = false)]
    registries: Option<bool>,
    /// The folders of this machine that it may read.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = BTreeSet<String>, required = false, max_items = 16)]
    folders: Option<BTreeSet<String>>,
    /// What is said of its tools, by their names.
    tools: BTreeMap<String, ChangeTool>,
}

/// What is to be different about a tool. What is left out stays.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangeTool {
    /// Whether it is used.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = ToolGrant, required = false)]
    grant: Option<ToolGrant>,
    /// What it may do at most; null for what is guessed.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<ToolClass>)]
    class: Option<Option<ToolClass>>,
}

impl WireBody for ChangeConnector {}

impl From<ChangeConnector> for ServerChange {
    fn from(body: ChangeConnector) -> Self {
        let tools = body.tools.into_iter().map(|(name, tool)| {
            let class = tool.class.map(|class| class.map(Into::into));
            (name, ToolChange { grant: tool.grant.map(Into::into), class })
        });
        let secrets = body.secrets.into_iter().map(|(name, value)| (name, value.map(SecretText::new)));
        Self {
            enabled: body.enabled,
            url: body.url,
            token: body.token.map(|token| token.map(SecretText::new)),
            command: body.command,
            args: body.args,
            environment: body.env,
            secrets: secrets.collect(),
            hosts: body.hosts,
            registries: body.registries,
            folders: body.folders,
            tools: tools.collect(),
        }
    }
}

/// Adds a server of tools
///
/// Who may do this is the owner, so it is approved as it is given. It is contacted or started when its
/// tools are wanted, or with `test`.
#[utoipa::path(
    post,
    path = "/api/v1/connectors",
    tag = "connectors",
    request_body = NewConnector,
    responses(
        (status = 201, description = "It is added", body = Connector),
        (status = 400, description = "`connector_unfit`: it cannot be meant"),
        (status = 409, description = "`connector_exists`: the name is taken"),
        (status = 413, description = "`too_many_connectors`: there are as many as there may be"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn create_connector(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<NewConnector>,
) -> Result<(StatusCode, Json<Connector>), Error> {
    let created = app.services.connectors.create(body.into()).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Changes a server and what is said of its tools
///
/// A change of what would be contacted or started takes the approval back: look at it, and approve
/// its new digest. Calls under way are ended then.
#[utoipa::path(
    patch,
    path = "/api/v1/connectors/{name}",
    tag = "connectors",
    params(NamePath),
    request_body = ChangeConnector,
    responses(
        (status = 200, description = "The server as it is now", body = ConnectorDetail),
        (status = 400, description = "`connector_unfit`: it cannot be meant"),
        (status = 404, description = "`connector_not_found`, `connector_tool_not_found`: there is no such server or tool"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn update_connector(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<ChangeConnector>,
) -> Result<Json<ConnectorDetail>, Error> {
    Ok(Json(app.services.connectors.update(&name, body.into()).await?.into()))
}

/// Removes a server of tools
///
/// And its secrets, what was said of its tools, and its folder.
#[utoipa::path(
    delete,
    path = "/api/v1/connectors/{name}",
    tag = "connectors",
    params(NamePath),
    responses(
        (status = 204, description = "It is no more"),
        (status = 404, description = "`connector_not_found`: there is no such server"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn delete_connector(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<StatusCode, Error> {
    app.services.connectors.delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is approved.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"digest": "3f0b"}))]
pub(super) struct ApproveConnector {
    /// The digest that stood beside what was shown.
    #[schema(max_length = 128)]
    digest: String,
}

impl WireBody for ApproveConnector {}

/// Approves a server as it was shown
///
/// From now on exactly this is contacted or started. The digest is that of what was looked at, so that
/// nothing is approved that was changed meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/approve",
    tag = "connectors",
    params(NamePath),
    request_body = ApproveConnector,
    responses(
        (status = 200, description = "It is approved", body = Connector),
        (status = 404, description = "`connector_not_found`: there is no such server"),
        (status = 409, description = "`connector_digest_stale`: it is another one by now"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn approve_connector(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<ApproveConnector>,
) -> Result<Json<Connector>, Error> {
    Ok(Json(app.services.connectors.approve(&name, &body.digest).await?.into()))
}
