//! `POST /api/v1/connectors/import`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::view::Connector;
use crate::app::App;
use crate::auth::{Admin, Caller};
use crate::error::Error;
use crate::extract::{JsonBody, WireBody};

/// The configuration of another program.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"configuration": {"mcpServers": {"docs": {"url": "https://docs.example/mcp"}}}}))]
pub(super) struct ImportConnectors {
    /// As its file has it: an object with `mcpServers` or `servers`.
    #[schema(value_type = Object)]
    configuration: Map<String, Value>,
}

impl WireBody for ImportConnectors {}

/// What was imported.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ImportedConnectors {
    /// The servers that are proposed now, each to be approved by itself.
    proposed: Vec<ProposedConnector>,
    /// The servers that are not.
    left_out: Vec<LeftOutConnector>,
}

/// A server that is proposed now.
#[derive(Debug, Serialize, ToSchema)]
struct ProposedConnector {
    /// Exactly what would be contacted or started.
    connector: Connector,
    /// What of the configuration is not in it.
    notes: Vec<String>,
}

/// A server of the configuration that was not taken.
#[derive(Debug, Serialize, ToSchema)]
struct LeftOutConnector {
    /// As the configuration calls it.
    name: String,
    /// Why.
    reason: String,
}

/// Imports the servers of another program's configuration
///
/// Of Claude Desktop, Cursor, VS Code and others. They are only proposed: nothing is contacted and
/// nothing started before each is approved.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/import",
    tag = "connectors",
    request_body = ImportConnectors,
    responses(
        (status = 200, description = "What was taken, and what was not", body = ImportedConnectors),
        (status = 400, description = "`connector_import_unfit`: it is no such configuration"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn import_connectors(
    _caller: Caller<Admin>,
    State(app): State<App>,
    JsonBody(body): JsonBody<ImportConnectors>,
) -> Result<Json<ImportedConnectors>, Error> {
    let text = Value::Object(body.configuration).to_string();
    let imported = app.services.connectors.import(&text).await?;
    let proposed = imported.proposed.into_iter();
    let left_out = imported.left_out.into_iter();
    Ok(Json(ImportedConnectors {
        proposed: proposed.map(|(view, notes)| ProposedConnector { connector: view.into(), notes }).collect(),
        left_out: left_out.map(|one| LeftOutConnector { name: one.name, reason: one.reason }).collect(),
    }))
}
