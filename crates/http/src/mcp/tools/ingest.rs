//! `memory_ingest`.

use std::sync::Arc;

use accounts::Scope;
use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::calls::{Call, Refusal, Route};
use super::super::handler::Asked;
use super::super::resources::document_uri;
use super::{About, Defined, Effect, Result, define};

const INGEST: Route = (Method::POST, "/api/v1/ingest");

pub(super) fn tools() -> Vec<Defined> {
    let about = About {
        name: "memory_ingest",
        title: "Remember a document",
        description: "Puts a text into memory, where `memory_search` finds it from then on. The same \
            `collection` and `key` again replace what was there.",
        effect: Effect::Replaces,
        scopes: &[Scope::WriteMemory],
        routes: vec![INGEST],
    };
    vec![define(about, async |asked: Arc<Asked>, document: Ingest| ingest(&asked, document).await)]
}

/// What to remember.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ingest {
    /// The text, best as Markdown.
    text: String,
    /// What the text is written in: `text`, `markdown`, `html`, `json`, `csv` or `code`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// The name or path of its file, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What the document is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// Where it is kept, such as `notes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    /// What it is known by in its collection: the same key again replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// `local` keeps it from every model that is not on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    privacy: Option<Privacy>,
    /// When it was said or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
}

/// Who may be given a document.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Privacy {
    /// Any model that is asked.
    Shareable,
    /// Models on this machine only.
    Local,
}

/// A document in memory.
#[derive(Debug, Serialize, JsonSchema)]
struct Ingested {
    /// The document.
    document_id: String,
    /// Where it can be read.
    uri: String,
    /// `new`, `changed`, or `unchanged` where memory had just this.
    state: String,
    /// How many passages it was cut into.
    chunks: u64,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: Option<String>,
    state: String,
    chunks: u64,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    message: String,
    hint: Option<String>,
}

async fn ingest(asked: &Asked, document: Ingest) -> Result<Ingested> {
    let call = Call::new(INGEST, &[]).with_body(json!({"documents": [document]}));
    let answer: Answer = asked.routes.call(&asked.credentials, call).await?;
    let item = answer.items.into_iter().next();
    match item {
        Some(Item { error: Some(Failure { code, message, hint }), .. }) => {
            Err(Refusal { code, message, hint })
        }
        Some(Item { id: Some(id), state, chunks, .. }) => {
            Ok(Ingested { uri: document_uri(&id), document_id: id, state, chunks })
        }
        _ => Err(kernel::Error::internal("nothing came of a document").into()),
    }
}
