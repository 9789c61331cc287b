//! `memory_search` and `context_pack`.
//!
//! Invariant: what is labelled `local` is not given to a client of the protocol, which as a rule hands
//! what it gets to a model elsewhere.

use std::sync::Arc;

use accounts::Scope;
use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::calls::{Call, Route};
use super::super::handler::Asked;
use super::super::resources::document_uri;
use super::{About, Defined, Effect, Result, define};

const SEARCH: Route = (Method::POST, "/api/v1/search");
const PACK: Route = (Method::POST, "/api/v1/context/packs");
const HITS: u32 = 8;

pub(super) fn tools() -> Vec<Defined> {
    let search_memory = About {
        name: "memory_search",
        title: "Search memory",
        description: "Finds what is remembered: notes, decisions, chats, e-mails, documents and what \
            earlier runs did. Ask as you would ask a person; words, names, dates and meaning all count. \
            Each passage has the `uri` of its document, which can be read as a resource. What is labelled \
            `local` is left out.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadMemory],
        routes: vec![SEARCH],
    };
    let context_pack = About {
        name: "context_pack",
        title: "Pack context for a question",
        description: "Gathers what memory knows about a question into one text of a bounded length, with \
            its sources, and says what was left out for want of room.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadMemory],
        routes: vec![PACK],
    };
    vec![
        define(search_memory, async |asked: Arc<Asked>, sought: SearchMemory| search(&asked, sought).await),
        define(context_pack, async |asked: Arc<Asked>, wanted: PackContext| pack(&asked, wanted).await),
    ]
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mcp) struct SearchMemory {
    /// What to look for, in words, in any language.
    #[schemars(length(min = 1, max = 2000))]
    pub query: String,
    /// At most this many passages; 8 if absent.
    #[serde(default)]
    #[schemars(range(min = 1, max = 50))]
    pub top_k: Option<u32>,
    /// How many parts of its document are shown before each passage and behind it; none if absent.
    #[serde(default)]
    #[schemars(range(max = 3))]
    pub neighbours: Option<u32>,
    /// Only what is of this kind.
    #[serde(default)]
    pub filters: Option<Filters>,
}

/// Which documents count. Those named must all hold.
#[derive(Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::mcp) struct Filters {
    /// One of these collections.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    collection: Vec<String>,
    /// By this author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// From this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Not before this day or moment, such as `2026-03-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    /// Not after this day or moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Of this brand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    brand_id: Option<String>,
    /// Of this product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    /// Of this thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    /// Of this client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    /// Of this project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project_id: Option<String>,
    /// Of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_id: Option<String>,
}

/// What was found.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Found {
    /// The passages, the best first.
    #[serde(alias = "items")]
    pub passages: Vec<Passage>,
}

/// A passage of a document.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Passage {
    /// Where the whole document can be read.
    #[serde(default)]
    pub uri: String,
    /// The document.
    pub document_id: String,
    /// Its title.
    pub title: String,
    /// The collection it belongs to.
    pub collection: String,
    /// The headings that the passage stands below, the outermost first.
    pub headings: Vec<String>,
    /// Where it stands: lines, pages, rows, messages, …
    pub place: Value,
    /// The passage.
    pub text: String,
    /// Who wrote it, where that is known.
    pub author: Option<String>,
    /// Where it came from.
    pub source: String,
    /// When it was said or written.
    pub time: String,
    /// How well it fits; higher is better, comparable within one answer only.
    pub score: f64,
    /// What stands right before it in its document, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Beside>,
    /// What stands right behind it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<Beside>,
}

/// A part of a document that stands beside a passage.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Beside {
    /// Where it stands: lines, pages, rows, messages, …
    pub place: Value,
    /// What it says.
    pub text: String,
}

/// Searches memory.
pub(in crate::mcp) async fn search(asked: &Asked, sought: SearchMemory) -> Result<Found> {
    let SearchMemory { query, top_k, neighbours, filters } = sought;
    let (top_k, neighbours) = (top_k.unwrap_or(HITS), neighbours.unwrap_or_default());
    let filters = shareable(filters);
    let body = json!({"query": query, "top_k": top_k, "neighbours": neighbours, "filters": filters});
    let mut found: Found =
        asked.routes.call(&asked.credentials, Call::new(SEARCH, &[]).with_body(body)).await?;
    for passage in &mut found.passages {
        passage.uri = document_uri(&passage.document_id);
    }
    Ok(found)
}

/// The filter that leaves out what is labelled `local`, with these fields beside it.
fn shareable(filters: Option<Filters>) -> Value {
    let mut fields = json!(filters.unwrap_or_default());
    fields["privacy"] = "shareable".into();
    fields
}

/// What to gather.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PackContext {
    /// The question, in words.
    #[schemars(length(min = 1, max = 2000))]
    query: String,
    /// How long the pack may be, in tokens of the model.
    #[serde(default)]
    #[schemars(range(min = 1, max = 2_000_000))]
    budget_tokens: Option<u32>,
    /// The model whose tokens are counted.
    #[serde(default)]
    model: Option<String>,
    /// Only what is of this kind.
    #[serde(default)]
    filters: Option<Filters>,
}

/// What was gathered.
#[derive(Debug, Serialize, JsonSchema)]
struct Packed {
    /// The pack, as a model reads it.
    text: String,
    /// How many tokens it has.
    tokens: usize,
    /// How many it may have.
    budget_tokens: usize,
    /// What tokens were counted with.
    counter: String,
    /// What is in it.
    sources: Vec<Source>,
    /// What was found and is not in it.
    left_out: Vec<Source>,
}

/// Where a part of a pack came from.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
struct Source {
    /// Where the whole document can be read.
    #[serde(default)]
    uri: String,
    /// The document.
    document_id: String,
    /// Its title.
    title: String,
    /// When it was said or written.
    time: Option<String>,
    /// Why it was left out, if it was: `budget` or `duplicate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What the route answers.
#[derive(Deserialize)]
struct Pack {
    text: String,
    tokens: usize,
    budget_tokens: usize,
    counter: String,
    sections: Vec<Section>,
    cut: Vec<Value>,
}

#[derive(Deserialize)]
struct Section {
    entries: Vec<Value>,
}

async fn pack(asked: &Asked, wanted: PackContext) -> Result<Packed> {
    let mut body = json!({"query": wanted.query});
    let more = [
        ("budget_tokens", wanted.budget_tokens.map(Value::from)),
        ("model", wanted.model.map(Value::from)),
        ("filters", Some(shareable(wanted.filters))),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    let pack: Pack = asked.routes.call(&asked.credentials, Call::new(PACK, &[]).with_body(body)).await?;
    let entries = pack.sections.into_iter().flat_map(|section| section.entries);
    Ok(Packed {
        text: pack.text,
        tokens: pack.tokens,
        budget_tokens: pack.budget_tokens,
        counter: pack.counter,
        sources: documents(entries),
        left_out: documents(pack.cut),
    })
}

/// The documents that these came from, each once; the question itself came from none.
fn documents(entries: impl IntoIterator<Item = Value>) -> Vec<Source> {
    let mut documents: Vec<Source> = Vec::new();
    for entry in entries {
        if let Ok(mut source) = Source::deserialize(entry)
            && !documents.iter().any(|known| known.document_id == source.document_id)
        {
            source.uri = document_uri(&source.document_id);
            documents.push(source);
        }
    }
    documents
}
