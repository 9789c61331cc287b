//! Memory: `/api/v1/memory/…`, `/api/v1/agents/…`, `/api/v1/search`, `/api/v1/ingest`,
//! `/api/v1/context/…`.
//!
//! Here are the routes of the Factory; [`search`], [`collections`], [`documents`], [`ingest`], [`archive`], [`facts`] and
//! [`log`] have the others. Invariant: what is [`canonical`] is changed only by who may.

mod archive;
mod canonical;
mod collections;
mod conversations;
mod documents;
mod facts;
mod ingest;
mod log;
mod packs;
mod search;
mod view;

use std::collections::BTreeMap;

use ::memory::{Hit, IndexProgress, Query};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::auth::{Caller, ReadMemory};
use crate::error::Error;
use crate::extract::{Parameters, invalid};
use crate::planner::recorded_plan;
use crate::wire::{List, ListQuery, Moment, Plan, is_blank};

pub(crate) use archive::IMPORT_PATH;

const LONGEST_QUERY: usize = 1_000;
const MOST_HITS: u32 = 100;
const MOST_ENTRIES: u32 = 10_000;

/// The routes of memory.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_memory_logs))
        .routes(routes!(search_memory))
        .routes(routes!(snapshot_memory))
        .routes(routes!(show_memory_index))
        .routes(routes!(search::search, search::search_with))
        .routes(routes!(search::list_weights))
        .routes(routes!(search::search_context))
        .routes(routes!(collections::list_collections))
        .routes(routes!(collections::get_collection, collections::change_collection))
        .routes(routes!(documents::list_documents))
        .routes(routes!(documents::get_document, documents::change_document, documents::delete_document))
        .routes(routes!(documents::list_chunks))
        .routes(routes!(documents::show_stats))
        .routes(routes!(documents::reindex))
        .routes(routes!(ingest::ingest_documents))
        .routes(routes!(ingest::ingest_file))
        .routes(routes!(archive::export_memory))
        .routes(routes!(archive::import_memory))
        .routes(routes!(packs::build_pack))
        .routes(routes!(packs::get_run_context))
        .routes(routes!(facts::list_facts))
        .routes(routes!(facts::get_fact, facts::put_fact, facts::delete_fact))
        .routes(routes!(facts::list_fact_versions))
        .routes(routes!(conversations::show_conversation))
        .routes(routes!(log::list_decisions, log::log_decision))
        .routes(routes!(log::list_errors, log::log_error))
}

/// An entry of the planner's log.
#[derive(Debug, Serialize, ToSchema)]
struct LogEntry {
    /// The entry.
    id: String,
    /// What was asked for.
    prompt: String,
    /// What sort of task it was said to be.
    task_type: String,
    /// The plan that was made.
    plan: Plan,
    /// When.
    created_at: Moment,
}

impl TryFrom<::memory::Dispatch> for LogEntry {
    type Error = Error;

    fn try_from(dispatch: ::memory::Dispatch) -> Result<Self, Error> {
        let plan = recorded_plan(&dispatch.id, &dispatch.plan)?;
        let ::memory::Dispatch { id, prompt, task_type, created_at, .. } = dispatch;
        Ok(Self { id: id.to_string(), prompt, task_type, plan, created_at: created_at.into() })
    }
}

/// Lists what was planned
///
/// The newest first.
#[utoipa::path(
    get,
    path = "/api/v1/memory/logs",
    tag = "factory",
    params(ListQuery),
    responses((status = 200, description = "A page of the planner's log", body = List<LogEntry>)),
    security(("token" = ["read:memory"])),
)]
async fn list_memory_logs(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Json<List<LogEntry>>, Error> {
    let page = app.services.memory.list_dispatches(&query.page()?).await?;
    let items = page.items.into_iter().map(LogEntry::try_from).collect::<Result<_, _>>()?;
    Ok(Json(List { items, next_cursor: page.next_cursor }))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// The words to look for.
    #[param(min_length = 1, max_length = 1000, pattern = r"[^\s\x1c-\x1f\x85\ufeff]", example = "tests")]
    q: String,
    /// At most this many hits.
    #[param(minimum = 1, maximum = 100, default = 10, example = 3)]
    n: Option<u32>,
}

impl SearchQuery {
    /// The words and the number of hits.
    pub fn checked(self) -> Result<(String, u32), Error> {
        let count = self.n.unwrap_or(10);
        if !(1..=MOST_HITS).contains(&count) {
            return Err(invalid("n", format!("it must be from 1 to {MOST_HITS}")));
        }
        if is_blank(&self.q) || self.q.chars().count() > LONGEST_QUERY {
            return Err(invalid("q", format!("it must be a text of at most {LONGEST_QUERY} characters")));
        }
        Ok((self.q, count))
    }
}

/// A document that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "doc_01hv5k3m9x7q2w8e4r6t",
    "collection": "planner",
    "title": "Create a repo; add CI; write tests",
    "snippet": "… write tests",
    "score": 0.81,
    "parts": {"similarity": 0.31, "words": 0.25, "window": 0.25},
    "source": "dsp_01hv5k3m9x7q2w8e4r6t",
    "created_at": "2026-11-21T09:30:00.000Z",
}))]
struct MemoryHit {
    /// The document.
    id: String,
    /// The collection it belongs to.
    collection: String,
    /// Its title.
    title: String,
    /// The part that fits.
    snippet: String,
    /// How well it fits; higher is better.
    score: f64,
    /// Every part of the score.
    parts: BTreeMap<String, f64>,
    /// Where the document came from.
    source: String,
    /// When it was put into memory.
    created_at: Moment,
}

impl From<Hit> for MemoryHit {
    fn from(hit: Hit) -> Self {
        let Hit { document, snippet, score, parts, .. } = hit;
        Self {
            id: document.id.to_string(),
            collection: document.collection,
            title: document.title,
            snippet,
            score,
            parts: parts.iter().map(|part| (part.feature.name().to_owned(), part.share())).collect(),
            source: document.source,
            created_at: document.created_at.into(),
        }
    }
}

/// Searches memory
///
/// The best hit first, each with every part of its score.
#[utoipa::path(
    get,
    path = "/api/v1/memory/search",
    tag = "factory",
    params(SearchQuery),
    responses((status = 200, description = "The hits", body = List<MemoryHit>)),
    security(("token" = ["read:memory"])),
)]
async fn search_memory(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<SearchQuery>,
) -> Result<Json<List<MemoryHit>>, Error> {
    let (words, count) = query.checked()?;
    let found = app.services.memory.search(Query::new(words, count as usize)).await?;
    Ok(Json(List::whole(found.hits.into_iter().map(MemoryHit::from).collect())))
}

/// How much to write.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SnapshotQuery {
    /// At most this many entries, the newest.
    #[param(minimum = 1, maximum = 10_000, default = 1000, example = 50)]
    limit: Option<u32>,
}

/// A snapshot that was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"path": "snapshots/2026-11-21T093000.000Z.jsonl", "count": 50}))]
struct Snapshot {
    /// Where, below the workspace's folder.
    path: String,
    /// How many entries it has.
    count: u64,
}

/// Writes a snapshot
///
/// The newest entries of the planner's log, as JSONL in the workspace's folder.
#[utoipa::path(
    get,
    path = "/api/v1/memory/snapshot",
    tag = "factory",
    params(SnapshotQuery),
    responses((status = 200, description = "It is written", body = Snapshot)),
    security(("token" = ["read:memory"])),
)]
async fn snapshot_memory(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<SnapshotQuery>,
) -> Result<Json<Snapshot>, Error> {
    let limit = query.limit.unwrap_or(1_000);
    if !(1..=MOST_ENTRIES).contains(&limit) {
        return Err(invalid("limit", format!("it must be from 1 to {MOST_ENTRIES}")));
    }
    let folder = app.workspace.join("snapshots");
    let written = app.services.memory.snapshot(limit as usize, &folder).await?;
    let name = written.path.file_name().unwrap_or_default().to_string_lossy();
    Ok(Json(Snapshot { path: format!("snapshots/{name}"), count: written.count as u64 }))
}

/// How far the vectors of memory are.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "embedder": "all-MiniLM-L6-v2", "version": "int8", "dimensions": 384, "state": "building",
    "done": 640, "total": 1200,
}))]
struct MemoryIndex {
    /// What makes the vectors; absent where nothing does.
    embedder: Option<String>,
    /// Which version of it, where it has one.
    version: Option<String>,
    /// How long its vectors are.
    dimensions: Option<usize>,
    /// How far it is.
    state: IndexState,
    /// How many chunks have been seen to.
    done: u64,
    /// How many there are that may be given to the embedder.
    total: u64,
}

/// How far an index is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum IndexState {
    /// Nothing makes vectors.
    None,
    /// It is being built, beside the one that is searched until then.
    Building,
    /// It is the one that is searched, and takes in what is new.
    Active,
}

impl From<Option<IndexProgress>> for MemoryIndex {
    fn from(index: Option<IndexProgress>) -> Self {
        let Some(index) = index else {
            let (embedder, version, dimensions) = (None, None, None);
            return Self { embedder, version, dimensions, state: IndexState::None, done: 0, total: 0 };
        };
        Self {
            embedder: Some(index.embedder.name),
            version: Some(index.embedder.version).filter(|version| !version.is_empty()),
            dimensions: Some(index.embedder.dimensions),
            state: match index.state {
                ::memory::IndexState::Active => IndexState::Active,
                _ => IndexState::Building,
            },
            done: index.done,
            total: index.total,
        }
    }
}

/// Shows how far the vectors of memory are
///
/// Another embedder gets an index of its own, which takes the place of the old one once every
/// chunk has its vector.
#[utoipa::path(
    get,
    path = "/api/v1/memory/index",
    tag = "factory",
    responses((status = 200, description = "How far it is", body = MemoryIndex)),
    security(("token" = ["read:memory"])),
)]
async fn show_memory_index(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
) -> Result<Json<MemoryIndex>, Error> {
    Ok(Json(app.services.memory.progress().await?.into()))
}
