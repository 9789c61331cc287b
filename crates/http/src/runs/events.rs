//! `GET /api/v1/runs/{id}/events`.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::RunPath;
use crate::app::App;
use crate::auth::{Caller, ReadRuns};
use crate::error::Error;
use crate::extract::{Parameters, PathRunId, invalid};
use crate::wire::Event;

const DEFAULT_LIMIT: u32 = 200;
const LARGEST_LIMIT: u32 = 1_000;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Events after this one.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, default = 0, example = 0)]
    after: Option<u64>,
    /// At most this many.
    #[param(minimum = 1, maximum = 1000, default = 200)]
    limit: Option<u32>,
}

/// A part of a run's events, in order.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The events.
    items: Vec<Event>,
    /// What to send as `after` to go on; null when these were the last for now.
    #[schema(required)]
    next_after: Option<u64>,
}

/// Lists a run's events
///
/// In the order they happened.
#[utoipa::path(
    get,
    path = "/api/v1/runs/{id}/events",
    tag = "runs",
    params(RunPath, EventsQuery),
    responses(
        (status = 200, description = "The events", body = EventPage),
        (status = 404, description = "`run_not_found`: there is no such run"),
    ),
    security(("token" = ["read:runs"])),
)]
pub(crate) async fn list_run_events(
    _caller: Caller<ReadRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    Parameters(query): Parameters<EventsQuery>,
) -> Result<Json<EventPage>, Error> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(invalid("limit", format!("it must be from 1 to {LARGEST_LIMIT}")));
    }
    let after = position(query.after)?;
    let store = app.engine.store();
    if store.find_run(&run_id).await?.is_none() {
        return Err(::runs::Error::RunNotFound(run_id).into());
    }
    let mut records = store.load_events(&run_id, after, limit + 1).await?;
    let more = records.len() > limit as usize;
    records.truncate(limit as usize);
    let next_after = records.last().filter(|_| more).map(::runs::EventRecord::seq);
    Ok(Json(EventPage { items: records.into_iter().map(Event).collect(), next_after }))
}

/// The place that `after` names; databases count in signed numbers.
pub(crate) fn position(after: Option<u64>) -> Result<u64, Error> {
    let after = after.unwrap_or(0);
    if after > 9_007_199_254_740_991 {
        return Err(invalid("after", "it is larger than any event's number can be"));
    }
    Ok(after)
}
