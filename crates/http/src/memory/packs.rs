//! `POST /api/v1/context/packs`, `GET /api/v1/context/{run_id}`.

use std::collections::BTreeMap;

use ::memory::Query;
use ::memory::pack::{self, CountedBy, Cut, MAX_BUDGET_TOKENS, Pack, Required, Section, SectionKind, Source};
use ::memory::search::MAX_HITS;
use ::models::TokenCounting;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::search::{filter_of, weights_of};
use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, ReadMemory, ReadRuns};
use crate::error::Error;
use crate::extract::{JsonBody, PathRunId, WireBody, unfit};
use crate::runs::{RunPath, result_of, state_of};
use crate::wire::Moment;

const BUDGET: u32 = 4_000;
const CANDIDATES: usize = 50;
/// The step in which a run asks memory.
const CONTEXT: &str = "context";

/// What a pack is for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"query": "When do we send the invoices?", "budget_tokens": 2000, "model": "gpt-4o-mini"}))]
pub(crate) struct PackRequest {
    /// What is asked for; it is looked for in memory, and is the pack's last section.
    #[schema(min_length = 1, max_length = 2000)]
    query: String,
    /// How many tokens it may have.
    #[schema(minimum = 1, maximum = 2_000_000, default = 4000)]
    budget_tokens: Option<u32>,
    /// The model that will read it, by whose tokenizer tokens are counted.
    model: Option<String>,
    /// What a passage must have, as in a search.
    #[serde(default)]
    #[schema(value_type = Object)]
    filters: Map<String, Value>,
    /// How much each feature counts, as in a search.
    #[serde(default)]
    weights: BTreeMap<String, f64>,
    /// At most so many passages are looked at.
    #[schema(minimum = 1, maximum = 100, default = 50)]
    top_k: Option<u32>,
}

impl WireBody for PackRequest {
    const LIMIT_BYTES: usize = 64 * 1024;

    fn validate(&self) -> Result<(), Error> {
        let budget = self.budget_tokens.unwrap_or(BUDGET) as usize;
        if !(1..=MAX_BUDGET_TOKENS).contains(&budget) {
            return Err(unfit(format!("`budget_tokens` must be from 1 to {MAX_BUDGET_TOKENS}")));
        }
        Ok(())
    }
}

/// A context pack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ContextPack {
    /// What was looked for.
    query: String,
    /// What tokens were counted with.
    counter: String,
    /// How many tokens it may have.
    budget_tokens: usize,
    /// How many it has.
    tokens: usize,
    /// The strictest label of anything in it.
    privacy: PrivacyLabel,
    /// Its sections, in order.
    sections: Vec<PackSection>,
    /// What was found and is not in it.
    cut: Vec<PackEntry>,
    /// The pack as a model reads it.
    text: String,
}

/// A section of a pack.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PackSection {
    /// Which: `guardrails`, `brand_canonical`, `product_canonical`, `retrieved`, `stage_contract`,
    /// `user_request`.
    #[schema(value_type = String)]
    name: SectionKind,
    /// Its heading.
    title: &'static str,
    /// How many tokens its parts take.
    tokens: usize,
    /// What is in it.
    entries: Vec<PackEntry>,
}

/// A part of a pack, or what is not in it, and where it came from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PackEntry {
    /// The document; null for what did not come from memory.
    #[schema(required)]
    document_id: Option<String>,
    /// The chunk.
    #[schema(required)]
    chunk: Option<u32>,
    /// What it is called.
    title: String,
    /// Where it came from.
    source: String,
    /// Its moment.
    #[schema(required)]
    time: Option<Moment>,
    /// How well it fitted.
    #[schema(required)]
    score: Option<f64>,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// How many tokens it takes, or would have taken.
    tokens: usize,
    /// All of it; only of what is in the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Why it is not in the pack; only of what is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CutReason>,
}

/// Why something is not in a pack.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CutReason {
    /// It did not fit.
    Budget,
    /// Another says the same, and names it as a source.
    Duplicate,
}

fn entry(source: Source, tokens: usize, text: Option<String>, reason: Option<CutReason>) -> PackEntry {
    let Source { source, document_id, chunk, title, time, score, privacy } = source;
    let (time, privacy) = (time.map(Moment::from), kernel::Privacy::from(privacy).into());
    PackEntry { document_id, chunk, title, source, time, score, privacy, tokens, text, reason }
}

impl From<Pack> for ContextPack {
    fn from(pack: Pack) -> Self {
        let text = pack.text();
        let mut sections = Vec::new();
        let mut cut = Vec::new();
        for Section { kind, entries } in pack.sections {
            let tokens = entries.iter().map(|part| part.tokens).sum();
            let mut shown = Vec::new();
            for part in entries {
                let mut sources = part.sources.into_iter();
                let first = sources.next();
                shown.extend(first.map(|source| entry(source, part.tokens, Some(part.text), None)));
                cut.extend(sources.map(|source| entry(source, 0, None, Some(CutReason::Duplicate))));
            }
            sections.push(PackSection { name: kind, title: kind.title(), tokens, entries: shown });
        }
        let over = |Cut { source, tokens }: Cut| entry(source, tokens, None, Some(CutReason::Budget));
        cut.extend(pack.cut.into_iter().map(over));
        Self {
            query: pack.query,
            counter: pack.counter,
            budget_tokens: pack.budget_tokens,
            tokens: pack.tokens,
            privacy: kernel::Privacy::from(pack.privacy).into(),
            sections,
            cut,
            text,
        }
    }
}

/// Builds a context pack
///
/// What is remembered that bears on a question, the best first, as much as fits: no passage is cut,
/// what says the same is there once, and every source is named.
#[utoipa::path(
    post,
    path = "/api/v1/context/packs",
    tag = "memory",
    request_body = PackRequest,
    responses(
        (status = 200, description = "The pack", body = ContextPack),
        (status = 413, description = "`pack_too_small`: the question alone takes more tokens than the budget"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn build_pack(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    JsonBody(body): JsonBody<PackRequest>,
) -> Result<Json<ContextPack>, Error> {
    let limit = body.top_k.map_or(CANDIDATES, |count| usize::try_from(count).unwrap_or(MAX_HITS + 1));
    let (filter, weights) = (filter_of(&body.filters)?, weights_of(&body.weights)?);
    let query = Query { filter, weights, ..Query::new(body.query.clone(), limit) };
    let found = app.services.memory.search(query).await?;
    let counting = TokenCounting::of_model(body.model.as_deref().unwrap_or_default());
    let budget = body.budget_tokens.unwrap_or(BUDGET) as usize;
    let build = move || {
        let name = counting.name().to_owned();
        let counter = CountedBy { name, count: |text: &str| counting.count(text) };
        pack::build(&body.query, vec![Required::request(&body.query)], &found.hits, budget, &counter)
    };
    let built = tokio::task::spawn_blocking(build).await.map_err(kernel::Error::internal)?;
    Ok(Json(built.map_err(kernel::Error::from)?.into()))
}

/// Shows a run's context
///
/// The pack of what memory knew that the run's models were told, as it was then.
#[utoipa::path(
    get,
    path = "/api/v1/context/{id}",
    tag = "memory",
    params(RunPath),
    responses(
        (status = 200, description = "The pack", body = ContextPack),
        (status = 404, description = "`run_not_found`: there is no such run; \
            `pack_not_found`: it was given nothing from memory, or not yet"),
    ),
    security(("token" = ["read:runs", "read:memory"])),
)]
pub(crate) async fn get_run_context(
    _runs: Caller<ReadRuns>,
    _memory: Caller<ReadMemory>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
) -> Result<Json<ContextPack>, Error> {
    let state = state_of(&app, &run_id).await?;
    let result = state.records.get(CONTEXT).and_then(result_of);
    let pack = result.and_then(|result| Pack::deserialize(&result["pack"]).ok());
    pack.map(|pack| Json(pack.into())).ok_or(Error::PackNotFound(run_id))
}
