//! `GET /api/v1/connectors`, `GET /api/v1/connectors/{name}` and `POST …/test`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::NamePath;
use super::view::{Connector, ConnectorDetail};
use crate::app::App;
use crate::auth::{Admin, Caller, ReadRuns};
use crate::error::Error;
use crate::extract::PathText;
use crate::wire::List;

/// Lists the servers of tools
///
/// In the order they were added, with those that are only proposed. Nothing is contacted for it.
#[utoipa::path(
    get,
    path = "/api/v1/connectors",
    tag = "connectors",
    responses((status = 200, description = "The servers", body = List<Connector>)),
    security(("token" = ["read:runs"])),
)]
pub(super) async fn list_connectors(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
) -> Result<Json<List<Connector>>, Error> {
    let found = app.services.connectors.list().await?;
    Ok(Json(List::whole(found.into_iter().map(Connector::from).collect())))
}

/// Shows a server with its tools
///
/// As they were listed last. What a server and its tools say of themselves is their words.
#[utoipa::path(
    get,
    path = "/api/v1/connectors/{name}",
    tag = "connectors",
    params(NamePath),
    responses(
        (status = 200, description = "The server and its tools", body = ConnectorDetail),
        (status = 404, description = "`connector_not_found`: there is no such server"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(super) async fn get_connector(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<Json<ConnectorDetail>, Error> {
    Ok(Json(app.services.connectors.find(&name).await?.into()))
}

/// What a test of a server showed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"ok": true, "latency_ms": 310, "tools": 12, "left_out": 0, "problem": null}))]
pub(super) struct ConnectorTest {
    /// Whether it answers and lists its tools.
    ok: bool,
    /// How long that took.
    latency_ms: u64,
    /// How many tools it has.
    tools: usize,
    /// How many more there are that cannot be shown.
    left_out: usize,
    /// What is wrong, if something is.
    #[schema(required)]
    problem: Option<ConnectorProblem>,
}

/// What is wrong with a server.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectorProblem {
    /// For programs.
    code: String,
    /// What happened.
    message: String,
    /// What to do.
    #[schema(required)]
    hint: Option<String>,
}

/// Connects to a server and lists its tools
///
/// The answer is 200 also when the server fails: then `problem` says why. One that is switched off is
/// tested too; one that was not approved is neither contacted nor started.
#[utoipa::path(
    post,
    path = "/api/v1/connectors/{name}/test",
    tag = "connectors",
    params(NamePath),
    responses(
        (status = 200, description = "What it showed", body = ConnectorTest),
        (status = 403, description = "`connector_not_approved`: nothing was contacted"),
        (status = 404, description = "`connector_not_found`: there is no such server"),
    ),
    security(("token" = ["admin"])),
)]
pub(super) async fn test_connector(
    _caller: Caller<Admin>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<Json<ConnectorTest>, Error> {
    let report = app.services.connectors.test(&name).await?;
    let problem = report.problem.map(|error| ConnectorProblem {
        code: error.code.into(),
        message: error.message,
        hint: error.hint,
    });
    Ok(Json(ConnectorTest {
        ok: problem.is_none(),
        latency_ms: report.latency_ms,
        tools: report.tools,
        left_out: report.left_out,
        problem,
    }))
}
