//! `GET|POST /api/v1/search`, `GET /api/v1/search/weights`, `GET /api/v1/context/search`.

use std::collections::BTreeMap;
use std::time::Instant;

use ::memory::search::{MAX_HITS, MAX_QUERY_CHARS};
use ::memory::{FEATURES, Feature, Filter, Query, Reranking, Weights};
use accounts::Scope;
use axum::extract::State;
use axum::{Extension, Json};
use kernel::Actor;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::view::SearchAnswer;
use crate::app::App;
use crate::auth::{Caller, ReadMemory};
use crate::error::Error;
use crate::extract::{JsonBody, Parameters, WireBody, invalid, unfit};
use crate::middleware::answer::Id;
use crate::wire::{List, is_blank};

const HITS: usize = 10;
/// The longest name of a model, in characters.
const LONGEST_MODEL: usize = 200;
/// What a weight may be, either way.
const LARGEST_WEIGHT: f64 = 100.0;

/// What to look for, and where.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilteredQuery {
    /// A question or some words.
    #[param(min_length = 1, max_length = 2000, example = "When do we send the invoices?")]
    q: String,
    /// At most this many hits.
    #[serde(alias = "topK")]
    #[param(minimum = 1, maximum = 100, default = 10, example = 3)]
    top_k: Option<u32>,
    /// How many chunks of its document are shown before each hit and behind it.
    #[param(minimum = 0, maximum = 3, default = 0, example = 1)]
    neighbours: Option<u32>,
    /// `field:value` pairs with commas between, or a JSON object.
    #[param(example = "collection:notes,since:2026-01-01")]
    filters: Option<String>,
}

/// A search with all it can be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "When do we send the invoices?", "top_k": 3, "filters": {"collection": "notes"}}))]
pub(crate) struct SearchRequest {
    /// A question or some words.
    #[schema(min_length = 1, max_length = 2000)]
    query: String,
    /// At most this many hits.
    #[schema(minimum = 1, maximum = 100, default = 10)]
    top_k: Option<u32>,
    /// What a hit must have: `collection` (a name or a list of them), `author`, `source`, `privacy`,
    /// `since`, `until`, what a document can belong to, and `superseded` (`include` or `exclude`).
    #[serde(default)]
    #[schema(value_type = Object)]
    filters: Map<String, Value>,
    /// How much each feature counts; those not named count as usual.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
    /// How many chunks of its document are shown before each hit and behind it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3, default = 0)]
    neighbours: u32,
    /// That a model is to grade the best hits, which are then ordered by its grades. Needs `llm:invoke`.
    rerank: Option<RerankRequest>,
}

/// That the best hits are to be graded by a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Rerank)]
pub(crate) struct RerankRequest {
    /// A model, a provider or `provider/model`; the preferred one where absent.
    #[schema(min_length = 1, max_length = 200)]
    model: Option<String>,
    /// How many of the best are shown to it.
    #[serde(default = "usual_candidates")]
    #[schema(minimum = 2, maximum = 50, default = 20)]
    candidates: u32,
}

fn usual_candidates() -> u32 {
    20
}

impl RerankRequest {
    fn by(self, actor: Actor, request_id: String) -> Reranking {
        // What is too much is refused by the search, which says how many there may be.
        let candidates = usize::try_from(self.candidates).unwrap_or(usize::MAX);
        Reranking { model: self.model, candidates, actor, request_id: Some(request_id) }
    }
}

impl WireBody for SearchRequest {
    const LIMIT_BYTES: usize = 64 * 1024;

    fn validate(&self) -> Result<(), Error> {
        let model = self.rerank.as_ref().and_then(|rerank| rerank.model.as_deref());
        if model.is_some_and(|model| is_blank(model) || model.chars().count() > LONGEST_MODEL) {
            return Err(unfit(format!("`rerank.model` must have 1 to {LONGEST_MODEL} characters")));
        }
        Ok(())
    }
}

/// The filter that an object of fields and values means.
pub(crate) fn filter_of(fields: &Map<String, Value>) -> Result<Filter, Error> {
    let mut filter = Filter::default();
    for (field, value) in fields {
        match value {
            Value::String(text) => filter.add(field, text).map_err(kernel::Error::from)?,
            Value::Array(values) if field == "collection" => {
                for value in values {
                    let name = value.as_str().ok_or_else(|| unfit("`collection` must list names"))?;
                    filter.add(field, name).map_err(kernel::Error::from)?;
                }
            }
            _ => return Err(unfit(format!("the filter `{field}` must be a text"))),
        }
    }
    Ok(filter)
}

/// The filter that a query parameter means.
pub(crate) fn filter_from(text: Option<&str>) -> Result<Filter, Error> {
    let text = text.unwrap_or_default().trim();
    if text.starts_with('{') {
        let fields: Map<String, Value> =
            serde_json::from_str(text).map_err(|_| invalid("filters", "it is not a JSON object"))?;
        return filter_of(&fields);
    }
    let mut filter = Filter::default();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (field, value) =
            pair.split_once(':').ok_or_else(|| invalid("filters", "it must be `field:value` pairs"))?;
        filter.add(field.trim(), value.trim()).map_err(kernel::Error::from)?;
    }
    Ok(filter)
}

/// The weights that names and numbers mean.
pub(crate) fn weights_of(named: &BTreeMap<String, f64>) -> Result<Weights, Error> {
    let mut weights = Weights::default();
    for (name, weight) in named {
        let feature = Feature::named(name).ok_or_else(|| unfit(format!("there is no feature `{name}`")))?;
        if !weight.is_finite() || weight.abs() > LARGEST_WEIGHT {
            return Err(unfit(format!("the weight of `{name}` must be from -100 to 100")));
        }
        weights = weights.with(feature, *weight);
    }
    Ok(weights)
}

/// Searches memory by passage
///
/// The best chunks first, each with all that made it a hit.
#[utoipa::path(
    get,
    path = "/api/v1/search",
    tag = "memory",
    params(FilteredQuery),
    responses(
        (status = 200, description = "The hits", body = SearchAnswer),
        (status = 400, description = "`empty_query`, `query_too_long`, `limit_out_of_range`, `unknown_field`, `unfit_value`: the search cannot be meant"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn search(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<FilteredQuery>,
) -> Result<Json<SearchAnswer>, Error> {
    let filter = filter_from(query.filters.as_deref())?;
    let neighbours = query.neighbours.unwrap_or_default();
    answer(&app, Query { filter, neighbours, ..Query::new(query.q, count(query.top_k)) }).await
}

/// Searches memory with filters and weights
///
/// As `GET /api/v1/search`, with weights that take the place of those the ranking has. With `rerank` a
/// model grades the best hits, which are ordered by its grades; a model that is away, late or gives no
/// grades leaves the order as it was, and the answer says why.
#[utoipa::path(
    post,
    path = "/api/v1/search",
    tag = "memory",
    request_body = SearchRequest,
    responses(
        (status = 200, description = "The hits", body = SearchAnswer),
        (status = 400, description = "`empty_query`, `query_too_long`, `limit_out_of_range`, `unknown_field`, `unfit_value`: the search cannot be meant"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn search_with(
    caller: Caller<ReadMemory>,
    State(app): State<App>,
    Extension(id): Extension<Id>,
    JsonBody(body): JsonBody<SearchRequest>,
) -> Result<Json<SearchAnswer>, Error> {
    let (filter, weights) = (filter_of(&body.filters)?, weights_of(&body.weights)?);
    if body.rerank.is_some() && !caller.identity.scopes.allows(Scope::InvokeModels) {
        return Err(Error::ScopeLacking(Scope::InvokeModels));
    }
    let rerank = body.rerank.map(|rerank| rerank.by(caller.actor, id.0));
    let query = Query::new(body.query, count(body.top_k));
    answer(&app, Query { filter, weights, neighbours: body.neighbours, rerank, ..query }).await
}

fn count(top_k: Option<u32>) -> usize {
    // What is too much is refused by the search, which says how much there may be.
    top_k.map_or(HITS, |count| usize::try_from(count).unwrap_or(MAX_HITS + 1))
}

async fn answer(app: &App, query: Query) -> Result<Json<SearchAnswer>, Error> {
    let (text, begin) = (query.text.clone(), Instant::now());
    let found = app.services.memory.search(query).await?;
    let took_ms = (begin.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    Ok(Json(SearchAnswer::of(text, found, took_ms)))
}

/// A feature and how much it counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FeatureWeight {
    /// The feature.
    feature: &'static str,
    /// How much it counts.
    weight: f64,
    /// What it means.
    meaning: &'static str,
}

/// Shows what a score is made of
///
/// Each feature, how much it counts, and what it means.
#[utoipa::path(
    get,
    path = "/api/v1/search/weights",
    tag = "memory",
    responses((status = 200, description = "The features", body = List<FeatureWeight>)),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_weights(_caller: Caller<ReadMemory>) -> Json<List<FeatureWeight>> {
    let weights = Weights::default();
    let shown = |feature: Feature| FeatureWeight {
        feature: feature.name(),
        weight: weights.of(feature),
        meaning: feature.meaning(),
    };
    Json(List::whole(FEATURES.into_iter().map(shown).collect()))
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ContextQuery {
    /// A question or some words.
    #[param(min_length = 1, max_length = 2000, example = "invoices")]
    q: String,
}

/// A passage that bears on a question.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContextHit {
    /// Where it came from.
    source: String,
    /// How well it fits.
    score: f64,
    /// The passage.
    snippet: String,
}

/// Searches for context
///
/// The passages that bear on a question, where each came from, and how well it fits.
#[utoipa::path(
    get,
    path = "/api/v1/context/search",
    tag = "memory",
    params(ContextQuery),
    responses((status = 200, description = "The passages", body = List<ContextHit>)),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn search_context(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<ContextQuery>,
) -> Result<Json<List<ContextHit>>, Error> {
    if query.q.chars().count() > MAX_QUERY_CHARS {
        return Err(invalid("q", format!("it must have at most {MAX_QUERY_CHARS} characters")));
    }
    let found = app.services.memory.search(Query::new(query.q, HITS)).await?;
    let hit = |hit: ::memory::Hit| ContextHit {
        source: hit.document.source,
        score: hit.score,
        snippet: hit.snippet,
    };
    Ok(Json(List::whole(found.hits.into_iter().map(hit).collect())))
}
