//! `POST /api/v1/ingest` and `POST /api/v1/ingest/file`.

use std::collections::BTreeMap;

use ::memory::{Content, Incoming, Ingested, NewDocument, Outcome};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, WriteMemory};
use crate::error::Error;
use crate::extract::{JsonBody, MEBIBYTE, Parameters, WireBody, invalid, read_body, unfit};
use crate::wire::List;

/// The largest file.
const LARGEST_FILE: usize = 64 * MEBIBYTE;
const MOST_DOCUMENTS: usize = 1_000;

/// A document to remember.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncomingDocument {
    /// The collection it belongs to; chosen by what it is where absent.
    #[schema(example = "notes")]
    collection: Option<String>,
    /// What it is called there; the same again replaces it. Its name or a hash of its text where absent.
    key: Option<String>,
    /// The name or path of its file.
    #[schema(example = "meetings/march.md")]
    name: Option<String>,
    /// Its title; its own or its file's where absent.
    title: Option<String>,
    /// Its text.
    text: String,
    /// What the text is written in: `text`, `markdown`, `html`, `json`, `csv` or `code`.
    #[schema(example = "markdown")]
    format: Option<String>,
    /// Where it came from.
    source: Option<String>,
    /// How far it may travel.
    privacy: Option<PrivacyLabel>,
    /// Who wrote it.
    author: Option<String>,
    /// What it belongs to: `brand_id`, `product_id`, `thread_id`, `project_id`, `client_id`, `run_id`,
    /// `agent`, `language`, `path`, `url`.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// When what it tells of happened, as a moment of RFC 3339 or a day.
    occurred_at: Option<String>,
    /// From when on it is not found any more, written alike.
    expires_at: Option<String>,
}

impl IncomingDocument {
    fn read(self) -> Result<Incoming, kernel::Error> {
        let moment = |text: Option<String>| text.map(|text| text.parse::<Timestamp>()).transpose();
        let name = self.name.unwrap_or_default();
        let mut attributes = self.attributes;
        if !name.is_empty() {
            attributes.entry("path".into()).or_insert_with(|| name.clone());
        }
        let document = NewDocument {
            collection: self.collection.unwrap_or_default(),
            key: self.key.unwrap_or_default(),
            title: self.title.unwrap_or_default(),
            source: self.source.unwrap_or_else(|| "api".into()),
            privacy: self.privacy.map(Into::into).unwrap_or_default(),
            format: self.format.unwrap_or_default(),
            author: self.author,
            attributes,
            occurred_at: moment(self.occurred_at)?,
            expires_at: moment(self.expires_at)?,
            ..NewDocument::default()
        };
        Ok(Incoming { name, content: Content::Text(self.text), document })
    }
}

/// Documents to remember.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"documents": [{"collection": "notes", "title": "Invoices", "text": "They go out on Mondays."}]}))]
pub(crate) struct IngestDocuments {
    /// Up to 1,000.
    #[schema(min_items = 1, max_items = 1000)]
    documents: Vec<IncomingDocument>,
}

impl WireBody for IngestDocuments {
    const LIMIT_BYTES: usize = 32 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        match self.documents.len() {
            0 => Err(unfit("`documents` is empty")),
            1..=MOST_DOCUMENTS => Ok(()),
            _ => Err(unfit(format!("`documents` has more than {MOST_DOCUMENTS}"))),
        }
    }
}

/// What became of a document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestedDocument {
    /// What it was called.
    name: String,
    /// What became of it.
    state: IngestState,
    /// The document; null when it failed.
    #[schema(required)]
    id: Option<String>,
    /// The collection it is in; null when it failed.
    #[schema(required)]
    collection: Option<String>,
    /// Its title.
    title: String,
    /// How many chunks it has.
    chunks: usize,
    /// How many of them are new or other than before.
    changed_chunks: usize,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<IngestError>,
}

/// What became of a document.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IngestState {
    /// It was not there before.
    New,
    /// It took the place of an older version.
    Changed,
    /// It was there already, the same in everything.
    Unchanged,
    /// It could not be read or stored; the others were.
    Failed,
}

/// Why a document failed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestError {
    /// The error's code.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// What to do about it.
    #[schema(required)]
    hint: Option<String>,
}

impl IngestedDocument {
    fn of(name: String, result: kernel::Result<Ingested>) -> Self {
        match result {
            Ok(Ingested { id, collection, title, chunks, outcome }) => {
                let (state, changed_chunks) = match outcome {
                    Outcome::New => (IngestState::New, chunks),
                    Outcome::Changed(changed) => (IngestState::Changed, changed),
                    Outcome::Unchanged => (IngestState::Unchanged, 0),
                };
                let (id, collection) = (Some(id.to_string()), Some(collection));
                Self { name, state, id, collection, title, chunks, changed_chunks, error: None }
            }
            Err(error) => Self {
                state: IngestState::Failed,
                id: None,
                collection: None,
                title: name.clone(),
                name,
                chunks: 0,
                changed_chunks: 0,
                error: Some(IngestError {
                    code: error.code,
                    message: error.message,
                    hint: error.hint.map(|hint| hint.to_string()),
                }),
            },
        }
    }
}

/// Remembers documents
///
/// Each is divided into passages and found from then on. One that cannot be stored keeps no other
/// from being stored; the answer says what became of each, in their order.
#[utoipa::path(
    post,
    path = "/api/v1/ingest",
    tag = "memory",
    request_body = IngestDocuments,
    responses(
        (status = 200, description = "What became of each", body = List<IngestedDocument>),
        (status = 413, description = "`too_large`: the body is larger than 32 MiB"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn ingest_documents(
    _caller: Caller<WriteMemory>,
    State(app): State<App>,
    JsonBody(body): JsonBody<IngestDocuments>,
) -> Result<Json<List<IngestedDocument>>, Error> {
    let mut items = Vec::with_capacity(body.documents.len());
    for document in body.documents {
        let named = document.name.clone().or_else(|| document.key.clone());
        let name = named.or_else(|| document.title.clone()).unwrap_or_default();
        let result = match document.read() {
            Ok(incoming) => app.services.memory.ingest(incoming).await,
            Err(error) => Err(error),
        };
        items.push(IngestedDocument::of(name, result));
    }
    Ok(Json(List::whole(items)))
}

/// What a file is called and where it belongs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// The name or path of the file.
    #[param(min_length = 1, example = "meetings/march.pdf")]
    name: String,
    /// The collection it belongs to; chosen by what it is where absent.
    #[param(example = "files")]
    collection: Option<String>,
    /// What it is called there; its name where absent.
    key: Option<String>,
    /// How far it may travel.
    #[param(inline)]
    privacy: Option<PrivacyLabel>,
    /// Where it came from; `upload` where absent.
    #[param(example = "folder:notes")]
    source: Option<String>,
}

/// Remembers a file
///
/// Text, Markdown, HTML, PDF, DOCX, source code, CSV, JSON, YAML, TOML, exports of chats, e-mails and
/// calendars. The file is the body; it is read in a process of its own, with limits.
#[utoipa::path(
    post,
    path = "/api/v1/ingest/file",
    tag = "memory",
    params(FileQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file, up to 64 MiB"),
    responses(
        (status = 200, description = "What became of it", body = List<IngestedDocument>),
        (status = 413, description = "`too_large`: the file is larger than 64 MiB"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn ingest_file(
    _caller: Caller<WriteMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<FileQuery>,
    request: Request,
) -> Result<Json<List<IngestedDocument>>, Error> {
    if query.name.is_empty() {
        return Err(invalid("name", "it must not be empty"));
    }
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // What every program sends that does not know says nothing.
    let media_type = declared.filter(|declared| !declared.starts_with("application/octet-stream"));
    let media_type = media_type.map(str::to_owned);
    let bytes = read_body(request, LARGEST_FILE, &app).await?.to_vec();
    let document = NewDocument {
        collection: query.collection.unwrap_or_default(),
        key: query.key.unwrap_or_default(),
        source: query.source.unwrap_or_else(|| "upload".into()),
        privacy: query.privacy.map(Into::into).unwrap_or_default(),
        attributes: BTreeMap::from([("path".to_owned(), query.name.clone())]),
        ..NewDocument::default()
    };
    let content = Content::File { bytes, media_type };
    let incoming = Incoming { name: query.name.clone(), content, document };
    let result = app.services.memory.ingest(incoming).await;
    Ok(Json(List::whole(vec![IngestedDocument::of(query.name, result)])))
}
