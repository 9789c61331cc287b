//! `POST /api/v1/ingest` and `POST /api/v1/ingest/file`.

use std::collections::BTreeMap;

use ::memory::ingest::Earlier;
use ::memory::{Content, Incoming, Ingested, NewDocument, Outcome};
use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::canonical;
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
#[derive(Debug, Default, Deserialize, ToSchema)]
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
    /// Its text; one of this and `url`.
    text: Option<String>,
    /// An address of the web to fetch it from; it is called after it where it has no key.
    #[schema(example = "https://example.com/page")]
    url: Option<String>,
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
    /// Another document whose place it takes: its id, or its collection and key. That one can be read, and
    /// is searched no more.
    supersedes: Option<Superseded>,
}

/// A document whose place is taken.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Superseded {
    /// The document with this id.
    Id(String),
    /// The document of this key.
    Key(DocumentKey),
}

/// A document by its key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentKey {
    /// Its collection.
    collection: String,
    /// What it is called there.
    key: String,
}

impl Superseded {
    fn read(self) -> Result<Earlier, kernel::Error> {
        Ok(match self {
            Self::Id(id) => Earlier::Id(kernel::id::known(&id, "document_not_found")?),
            Self::Key(DocumentKey { collection, key }) => Earlier::Key { collection, key },
        })
    }
}

/// Where the text of a document comes from.
enum Origin {
    Given(Incoming),
    Page(String, NewDocument, Option<Earlier>),
}

impl IncomingDocument {
    /// A page.
    fn at(url: String) -> Self {
        Self { url: Some(url), ..Self::default() }
    }

    fn named(&self) -> String {
        let names = [&self.name, &self.key, &self.title, &self.url];
        names.into_iter().flatten().next().cloned().unwrap_or_default()
    }

    fn read(mut self) -> Result<Origin, kernel::Error> {
        let (text, url) = (self.text.take(), self.url.take());
        let name = self.name.clone().unwrap_or_default();
        let supersedes = self.supersedes.take().map(Superseded::read).transpose()?;
        let document = self.document()?;
        match (text, url) {
            (Some(text), None) => {
                Ok(Origin::Given(Incoming { name, content: Content::Text(text), document, supersedes }))
            }
            (None, Some(url)) => Ok(Origin::Page(url, document, supersedes)),
            _ => Err(kernel::Error::invalid("unfit_body", "A document has either a text or a url")
                .with_hint("Give its `text`, or the `url` it is fetched from")),
        }
    }

    fn document(self) -> Result<NewDocument, kernel::Error> {
        let moment = |text: Option<String>| text.map(|text| text.parse::<Timestamp>()).transpose();
        let name = self.name.unwrap_or_default();
        let mut attributes = self.attributes;
        if !name.is_empty() {
            attributes.entry("path".into()).or_insert_with(|| name.clone());
        }
        Ok(NewDocument {
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
        })
    }
}

/// Documents to remember.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"documents": [{"collection": "notes", "title": "Invoices", "text": "They go out on Mondays."}]}))]
pub(crate) struct IngestDocuments {
    /// Up to 1,000.
    #[serde(default)]
    #[schema(max_items = 1000)]
    documents: Vec<IncomingDocument>,
    /// One address of the web, as a document of which only that is known.
    #[schema(example = "https://example.com/page")]
    url: Option<String>,
}

impl WireBody for IngestDocuments {
    const LIMIT_BYTES: usize = 32 * MEBIBYTE;

    fn validate(&self) -> Result<(), Error> {
        match self.documents.len() + usize::from(self.url.is_some()) {
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
    pub state: IngestState,
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
    /// What is there is newer, or came from elsewhere, and was kept. Only an import does this.
    Kept,
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
    pub fn of(name: String, result: kernel::Result<Ingested>) -> Self {
        match result {
            Ok(Ingested { id, collection, title, chunks, outcome }) => {
                let (state, changed_chunks) = match outcome {
                    Outcome::New => (IngestState::New, chunks),
                    Outcome::Changed(changed) => (IngestState::Changed, changed),
                    Outcome::Unchanged => (IngestState::Unchanged, 0),
                    Outcome::Kept => (IngestState::Kept, 0),
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
/// from being stored; the answer says what became of each, in their order. Without `write:canonical`
/// nothing is stored where one of them belongs into `brands` or `products`, or takes the place of one there.
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
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    JsonBody(body): JsonBody<IngestDocuments>,
) -> Result<Json<List<IngestedDocument>>, Error> {
    for document in &body.documents {
        check_canonical(&caller, &app, document).await?;
    }
    let mut items = Vec::with_capacity(body.documents.len());
    for document in body.documents.into_iter().chain(body.url.map(IncomingDocument::at)) {
        let name = document.named();
        let memory = &app.services.memory;
        let result = match document.read() {
            Ok(Origin::Given(incoming)) => memory.ingest(incoming).await,
            Ok(Origin::Page(url, document, earlier)) => memory.ingest_page(&url, document, earlier).await,
            Err(error) => Err(error),
        };
        items.push(IngestedDocument::of(name, result));
    }
    Ok(Json(List::whole(items)))
}

/// Refuses a document that would change what is canonical, to whoever may not.
async fn check_canonical(
    caller: &Caller<WriteMemory>,
    app: &App,
    document: &IncomingDocument,
) -> Result<(), Error> {
    // One without a collection is given one by what it is, and none of those is canonical.
    canonical::check(caller, document.collection.as_deref().unwrap_or_default())?;
    match document.supersedes.clone().map(Superseded::read) {
        Some(Ok(Earlier::Key { collection, .. })) => canonical::check(caller, &collection),
        // What there is not is told with the others.
        Some(Ok(earlier)) => match app.services.memory.earlier(&earlier).await {
            Ok(earlier) => canonical::check(caller, &earlier.collection),
            Err(_) => Ok(()),
        },
        Some(Err(_)) | None => Ok(()),
    }
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
        (status = 400, description = "`empty_file`: it has no bytes"),
        (status = 413, description = "`too_large`: the file is larger than 64 MiB"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn ingest_file(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<FileQuery>,
    request: Request,
) -> Result<Json<List<IngestedDocument>>, Error> {
    if query.name.is_empty() {
        return Err(invalid("name", "it must not be empty"));
    }
    canonical::check(&caller, query.collection.as_deref().unwrap_or_default())?;
    let declared = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    // What every program sends that does not know says nothing.
    let media_type = declared.filter(|declared| !declared.starts_with("application/octet-stream"));
    let media_type = media_type.map(str::to_owned);
    let bytes = read_body(request, LARGEST_FILE, &app).await?.to_vec();
    if bytes.is_empty() {
        return Err(Error::EmptyFile);
    }
    let document = NewDocument {
        collection: query.collection.unwrap_or_default(),
        key: query.key.unwrap_or_default(),
        source: query.source.unwrap_or_else(|| "upload".into()),
        privacy: query.privacy.map(Into::into).unwrap_or_default(),
        attributes: BTreeMap::from([("path".to_owned(), query.name.clone())]),
        ..NewDocument::default()
    };
    let content = Content::File { bytes, media_type };
    let incoming = Incoming { name: query.name.clone(), content, document, supersedes: None };
    let result = app.services.memory.ingest(incoming).await;
    Ok(Json(List::whole(vec![IngestedDocument::of(query.name, result)])))
}
