//! `GET /api/v1/runs/{id}/stream`, and `WS /api/v1/stream/{id}`.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::header::UPGRADE;
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::RunPath;
use super::events::position;
use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::{Parameters, PathRunId, invalid};
use crate::follow::{Follower, socket, sse};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Readers have nothing to say.
const LARGEST_MESSAGE: usize = 4 * 1024;

/// From where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AfterQuery {
    /// Events after this one.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, default = 0, example = 0)]
    after: Option<u64>,
}

/// The header browsers resume with, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the parameter; last_event_id reads it")]
pub(crate) struct LastEventIdHeader {
    /// The id of the last event the reader has seen. Wins over `after`.
    #[param(rename = "Last-Event-ID", pattern = "^[0-9]{1,15}$", required = false, example = "17")]
    last_event_id: String,
}

/// Follows a run
///
/// Server-sent events: `id` is the event's number, `event` its kind, `data` the event. Resumes after
/// `Last-Event-ID` or `after` with no event missing or doubled. A comment goes out every 15 s of
/// silence. When the run is over and everything was sent, `event: end` follows and the stream closes.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/stream",
    tag = "runs",
    params(RunPath, AfterQuery, LastEventIdHeader),
    responses(
        (status = 200, description = "The events, as they happen", content_type = "text/event-stream", body = String),
        (status = 404, description = "`run_not_found`: there is no such run"),
        (status = 409, description = "`position_ahead`: the run has no event of that number yet"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn stream_run(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    Parameters(query): Parameters<AfterQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let after = starting_place(&headers, query.after)?;
    let follower = Follower::open(&app, &run_id, after).await?;
    Ok(sse::response(sse::run_stream(follower)))
}

/// After which event a reader goes on: the one its browser saw last, or the one it names.
pub(crate) fn starting_place(headers: &HeaderMap, after: Option<u64>) -> Result<u64, Error> {
    match last_event_id(headers)? {
        Some(id) => Ok(id),
        None => position(after),
    }
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Error> {
    let Some(value) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let digits =
        |text: &&str| (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.to_str().ok().filter(digits).and_then(|text| text.parse().ok());
    number.map(Some).ok_or_else(|| invalid("Last-Event-ID", "it must be the id of an event of this run"))
}

/// Follows a run or job over WebSocket
///
/// Text frames `{type: log|status|result|error|heartbeat, ts, seq, kind, payload}`. Resumes after
/// `after`. When the run is over and everything was sent, the server closes with code 1000. Without
/// a handshake the same events are sent as `/api/v1/runs/{id}/stream` sends them.
#[utoipa::path(
    get,
    path = "/api/v1/stream/{id}",
    tag = "jobs",
    params(RunPath, AfterQuery),
    responses(
        (status = 101, description = "The frames follow"),
        (status = 200, description = "The events, as they happen", content_type = "text/event-stream", body = String),
        (status = 404, description = "`run_not_found`: there is no such run"),
        (status = 409, description = "`position_ahead`: the run has no event of that number yet"),
        (status = 426, description = "`upgrade_required`: this is no complete WebSocket handshake"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn stream_job(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    Parameters(query): Parameters<AfterQuery>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Error> {
    let follower = Follower::open(&app, &run_id, position(query.after)?).await?;
    if !headers.contains_key(UPGRADE) {
        return Ok(sse::response(sse::run_stream(follower)));
    }
    let upgrade = upgrade.map_err(|_| Error::UpgradeRequired)?.max_message_size(LARGEST_MESSAGE);
    let clock = app.clock.clone();
    let token = app.lifetime.sockets.token();
    Ok(upgrade.on_upgrade(async move |socket| {
        socket::send_run(socket, follower, &*clock).await;
        drop(token);
    }))
}
