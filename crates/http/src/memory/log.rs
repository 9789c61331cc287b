//! `/api/v1/memory/decisions` and `/api/v1/memory/errors`: the log, in its two kinds.

use ::memory::log::{LogEntry, LogFilter, LogKind, NewLogEntry};
use ::memory::search::MAX_HITS;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::{LogEntryId, RunId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, ReadMemory, WriteMemory};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, Parameters, WireBody, invalid};
use crate::wire::{List, Moment, page_request};

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// A question or some words: the entries that answer it come, the best first, on one page.
    #[param(max_length = 2000, example = "invoices")]
    q: Option<String>,
    /// Only those that were seen in this run.
    #[param(example = "run_01hv5k3m9x7q2w8e4r6t")]
    run_id: Option<String>,
    /// Only those of this agent.
    #[param(example = "planner")]
    agent: Option<String>,
    /// At most this many items; at most 100 with `q`.
    #[param(minimum = 1, maximum = 500, default = 50, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$", example = "1795253400000.log_01hv5k3m9x7q2w8e4r6t")]
    cursor: Option<String>,
}

/// Something that was decided, or that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemoryLogEntry, example = json!({
    "id": "log_01hv5k3m9x7q2w8e4r6t", "kind": "decision", "agent": "planner", "run_id": null, "step": null,
    "title": "Invoices go out on Mondays", "detail": "Ana asked for it.", "outcome": null, "supersedes": null,
    "superseded_by": null, "privacy": "shareable", "actor": "owner", "created_at": "2026-11-21T09:30:00.000Z",
    "last_at": "2026-11-21T09:30:00.000Z", "count": 1,
}))]
pub(crate) struct LogEntryView {
    /// The entry.
    id: String,
    /// `decision` or `error`.
    kind: &'static str,
    /// The agent that decided or failed.
    #[schema(required)]
    agent: Option<String>,
    /// The run in which it was; of an error that was seen more than once, the last one.
    #[schema(required)]
    run_id: Option<String>,
    /// The step of that run.
    #[schema(required)]
    step: Option<String>,
    /// What was decided or failed, in a line.
    title: String,
    /// Why, or all that is known.
    detail: String,
    /// What came of it.
    #[schema(required)]
    outcome: Option<String>,
    /// The decision whose place it takes.
    #[schema(required)]
    supersedes: Option<String>,
    /// The decision that took its place.
    #[schema(required)]
    superseded_by: Option<String>,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// Who logged it first: `owner`, `token:tok_…` or `system`.
    actor: String,
    /// When it was logged first.
    created_at: Moment,
    /// When it was seen last.
    last_at: Moment,
    /// How often it was seen.
    count: u64,
}

impl From<LogEntry> for LogEntryView {
    fn from(entry: LogEntry) -> Self {
        let text = |id: &LogEntryId| id.to_string();
        Self {
            id: entry.id.to_string(),
            kind: entry.kind.as_str(),
            run_id: entry.run_id.as_ref().map(ToString::to_string),
            supersedes: entry.supersedes.as_ref().map(text),
            superseded_by: entry.superseded_by.as_ref().map(text),
            privacy: entry.privacy.into(),
            actor: entry.actor.to_string(),
            created_at: entry.created_at.into(),
            last_at: entry.last_at.into(),
            count: entry.count,
            agent: entry.agent,
            step: entry.step,
            title: entry.title,
            detail: entry.detail,
            outcome: entry.outcome,
        }
    }
}

/// What was decided.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Invoices go out on Mondays", "detail": "Ana asked for it.", "agent": "planner"}))]
pub(crate) struct NewDecision {
    /// What was decided, in a line; cut at 300 characters.
    #[schema(min_length = 1, pattern = r"\S")]
    title: String,
    /// Why; cut at 64 KiB.
    #[serde(default)]
    detail: String,
    /// What came of it, where that is known.
    outcome: Option<String>,
    /// The agent that decided.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    agent: Option<String>,
    /// The run in which it was decided.
    #[schema(pattern = "^run_[0-9a-hjkmnp-tv-z]{20}$")]
    run_id: Option<String>,
    /// The step of that run.
    step: Option<String>,
    /// An earlier decision whose place it takes.
    supersedes: Option<String>,
    /// How far it may travel.
    privacy: Option<PrivacyLabel>,
}

impl WireBody for NewDecision {
    const LIMIT_BYTES: usize = MEBIBYTE;
}

/// What failed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Invoices could not be sent", "detail": "The mail server refused them."}))]
pub(crate) struct NewError {
    /// What failed, in a line; cut at 300 characters.
    #[schema(min_length = 1, pattern = r"\S")]
    title: String,
    /// All that is known; cut at 64 KiB.
    #[serde(default)]
    detail: String,
    /// How it was got over, where that is known.
    outcome: Option<String>,
    /// The agent that failed.
    #[schema(pattern = "^[a-z0-9_-]{1,64}$")]
    agent: Option<String>,
    /// The run in which it failed.
    #[schema(pattern = "^run_[0-9a-hjkmnp-tv-z]{20}$")]
    run_id: Option<String>,
    /// The step of that run.
    step: Option<String>,
    /// How far it may travel.
    privacy: Option<PrivacyLabel>,
}

impl WireBody for NewError {
    const LIMIT_BYTES: usize = MEBIBYTE;
}

fn run_of(text: Option<String>) -> Result<Option<RunId>, Error> {
    let run = |text: String| text.parse::<RunId>().map_err(|error| invalid("run_id", error.to_string()));
    text.map(run).transpose()
}

async fn list(app: &App, kind: LogKind, query: LogQuery) -> Result<Json<List<LogEntryView>>, Error> {
    let page = page_request(query.limit, query.cursor)?;
    let filter = LogFilter { kind, agent: query.agent, run_id: run_of(query.run_id)? };
    let Some(text) = query.q else {
        let page = app.services.memory.list_log(&filter, &page).await?;
        return Ok(Json(List::from_page(page, LogEntryView::from)));
    };
    if page.cursor.is_some() {
        return Err(invalid("cursor", "what answers `q` has one page"));
    }
    let limit = query.limit.map_or(MAX_HITS / 2, |limit| usize::try_from(limit).unwrap_or(MAX_HITS + 1));
    let found = app.services.memory.search_log(&filter, &text, limit).await?;
    Ok(Json(List::whole(found.into_iter().map(LogEntryView::from).collect())))
}

/// Lists decisions
///
/// The one logged last first; those that were superseded name their successor. With `q`, those that
/// answer it, the best first, without those that were superseded.
#[utoipa::path(
    get,
    path = "/api/v1/memory/decisions",
    tag = "memory",
    params(LogQuery),
    responses(
        (status = 200, description = "A page of decisions", body = List<LogEntryView>),
        (status = 400, description = "`empty_query`, `query_too_long`, `limit_out_of_range`, `unfit_value`: the list cannot be meant"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_decisions(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<LogQuery>,
) -> Result<Json<List<LogEntryView>>, Error> {
    list(&app, LogKind::Decision, query).await
}

/// Lists errors
///
/// The one seen last first; with `q`, those that answer it, the best first. The same error is one
/// entry, with how often it was seen.
#[utoipa::path(
    get,
    path = "/api/v1/memory/errors",
    tag = "memory",
    params(LogQuery),
    responses(
        (status = 200, description = "A page of errors", body = List<LogEntryView>),
        (status = 400, description = "`empty_query`, `query_too_long`, `limit_out_of_range`, `unfit_value`: the list cannot be meant"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_errors(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<LogQuery>,
) -> Result<Json<List<LogEntryView>>, Error> {
    list(&app, LogKind::Error, query).await
}

/// Logs a decision
///
/// It is found by search from then on. The same decision of the same step of a run is logged once. With
/// `supersedes`, the earlier decision stays readable and is not searched any more.
#[utoipa::path(
    post,
    path = "/api/v1/memory/decisions",
    tag = "memory",
    request_body = NewDecision,
    responses(
        (status = 201, description = "It is logged", body = LogEntryView),
        (status = 400, description = "`empty_title`, `invalid_agent`: it cannot be meant"),
        (status = 404, description = "`log_entry_not_found`: there is no decision that it could supersede"),
        (status = 409, description = "`already_superseded`: another decision took the place of that one"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn log_decision(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    JsonBody(body): JsonBody<NewDecision>,
) -> Result<(StatusCode, Json<LogEntryView>), Error> {
    let supersedes = match &body.supersedes {
        Some(id) => Some(kernel::id::known(id, "log_entry_not_found")?),
        None => None,
    };
    let entry = NewLogEntry {
        agent: body.agent,
        run_id: run_of(body.run_id)?,
        step: body.step,
        title: body.title,
        detail: body.detail,
        outcome: body.outcome,
        supersedes,
        privacy: body.privacy.map(Into::into).unwrap_or_default(),
        actor: caller.actor,
    };
    Ok((StatusCode::CREATED, Json(app.services.memory.log_decision(entry).await?.into())))
}

/// Logs an error
///
/// It is found by search from then on. The same error again counts up the entry that is there: two are
/// the same when their agent and their words are, but for words with a digit in them.
#[utoipa::path(
    post,
    path = "/api/v1/memory/errors",
    tag = "memory",
    request_body = NewError,
    responses(
        (status = 201, description = "It is logged, or counted", body = LogEntryView),
        (status = 400, description = "`empty_title`, `invalid_agent`: it cannot be meant"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn log_error(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    JsonBody(body): JsonBody<NewError>,
) -> Result<(StatusCode, Json<LogEntryView>), Error> {
    let entry = NewLogEntry {
        agent: body.agent,
        run_id: run_of(body.run_id)?,
        step: body.step,
        title: body.title,
        detail: body.detail,
        outcome: body.outcome,
        supersedes: None,
        privacy: body.privacy.map(Into::into).unwrap_or_default(),
        actor: caller.actor,
    };
    Ok((StatusCode::CREATED, Json(app.services.memory.log_error(entry).await?.into())))
}
