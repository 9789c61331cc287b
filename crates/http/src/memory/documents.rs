//! `/api/v1/memory/{documents,stats,reindex}`.

use ::memory::DocumentChange;
use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use kernel::{DocumentId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::canonical;
use super::search::filter_from;
use super::view::{ChunkView, DocumentView, PrivacyLabel};
use crate::app::App;
use crate::auth::{Caller, ReadMemory, WriteMemory};
use crate::error::Error;
use crate::extract::{JsonBody, Parameters, PathText, WireBody, present};
use crate::wire::{List, page_request};

/// The `{id}` of a document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct DocumentPath {
    /// The document.
    #[param(example = "doc_01hv5k3m9x7q2w8e4r6t")]
    id: String,
}

/// The `{id}` of a document. An id that cannot exist does not exist.
pub(crate) struct PathDocumentId(DocumentId);

impl<S: Send + Sync> FromRequestParts<S> for PathDocumentId {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let PathText([id]) = PathText::<1>::from_request_parts(parts, state).await?;
        Ok(Self(kernel::id::known(&id, "document_not_found")?))
    }
}

/// Which documents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DocumentsQuery {
    /// Only those of one collection.
    #[param(example = "notes")]
    collection: Option<String>,
    /// `field:value` pairs with commas between, or a JSON object.
    #[param(example = "author:Ana")]
    filters: Option<String>,
    /// At most this many items.
    #[param(minimum = 1, maximum = 500, default = 50, example = 20)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(pattern = "^[A-Za-z0-9_.:-]{1,200}$", example = "doc_01hv5k3m9x7q2w8e4r6t")]
    cursor: Option<String>,
}

/// Lists documents
///
/// The newest first, without their texts.
#[utoipa::path(
    get,
    path = "/api/v1/memory/documents",
    tag = "memory",
    params(DocumentsQuery),
    responses((status = 200, description = "A page of documents", body = List<DocumentView>)),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_documents(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    Parameters(query): Parameters<DocumentsQuery>,
) -> Result<Json<List<DocumentView>>, Error> {
    let page = page_request(query.limit, query.cursor)?;
    let mut filter = filter_from(query.filters.as_deref())?;
    filter.collections.extend(query.collection);
    let page = app.services.memory.list_documents(&filter, &page).await?;
    Ok(Json(List::from_page(page, DocumentView::from)))
}

/// Shows a document
///
/// With its whole text.
#[utoipa::path(
    get,
    path = "/api/v1/memory/documents/{id}",
    tag = "memory",
    params(DocumentPath),
    responses(
        (status = 200, description = "The document", body = DocumentView),
        (status = 404, description = "`document_not_found`: there is no such document"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn get_document(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathDocumentId(id): PathDocumentId,
) -> Result<Json<DocumentView>, Error> {
    let document = app.services.memory.document(&id).await?;
    let chunks = app.services.memory.chunks(&id).await?.len() as u64;
    Ok(Json(DocumentView::whole(document, chunks)))
}

/// Lists the chunks of a document
///
/// In order.
#[utoipa::path(
    get,
    path = "/api/v1/memory/documents/{id}/chunks",
    tag = "memory",
    params(DocumentPath),
    responses(
        (status = 200, description = "The chunks", body = List<ChunkView>),
        (status = 404, description = "`document_not_found`: there is no such document"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_chunks(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathDocumentId(id): PathDocumentId,
) -> Result<Json<List<ChunkView>>, Error> {
    app.services.memory.document(&id).await?;
    let chunks = app.services.memory.chunks(&id).await?;
    Ok(Json(List::whole(chunks.into_iter().map(ChunkView::from).collect())))
}

/// What to change about a document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"privacy": "local"}))]
pub(crate) struct ChangeDocument {
    /// What it is called; cut at 300 characters.
    title: Option<String>,
    /// How far it may travel.
    privacy: Option<PrivacyLabel>,
    /// From when on it is not found any more, as a moment of RFC 3339 or a day; null for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    expires_at: Option<Option<String>>,
    /// The document that takes its place; null when it stands again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    superseded_by: Option<Option<String>>,
}

impl WireBody for ChangeDocument {}

/// Changes a document
///
/// Its title, its label, when it ends, or what it is superseded by; never its text. What is in `brands` and
/// `products` is changed with `write:canonical` only.
#[utoipa::path(
    patch,
    path = "/api/v1/memory/documents/{id}",
    tag = "memory",
    params(DocumentPath),
    request_body = ChangeDocument,
    responses(
        (status = 200, description = "The document", body = DocumentView),
        (status = 404, description = "`document_not_found`: there is no such document"),
        (status = 409, description = "`supersedes_itself`: the other is superseded by this one; `collection_is_local`: everything in its collection stays here"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn change_document(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    PathDocumentId(id): PathDocumentId,
    JsonBody(body): JsonBody<ChangeDocument>,
) -> Result<Json<DocumentView>, Error> {
    let moment = |text: String| text.parse::<Timestamp>();
    let expires_at = body.expires_at.map(|text| text.map(moment).transpose()).transpose()?;
    let known = |text: String| kernel::id::known(&text, "document_not_found");
    let superseded_by = body.superseded_by.map(|text| text.map(known).transpose()).transpose()?;
    canonical::check(&caller, &app.services.memory.document(&id).await?.collection)?;
    let privacy = body.privacy.map(Into::into);
    let change = DocumentChange { title: body.title, privacy, expires_at, superseded_by };
    let document = app.services.memory.change(&id, change).await?;
    let chunks = app.services.memory.chunks(&id).await?.len() as u64;
    Ok(Json(DocumentView::whole(document, chunks)))
}

/// Forgets a document
///
/// With its chunks and their vectors. It cannot be taken back. What it superseded stands again. What is in
/// `brands` and `products` is forgotten with `write:canonical` only.
#[utoipa::path(
    delete,
    path = "/api/v1/memory/documents/{id}",
    tag = "memory",
    params(DocumentPath),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`document_not_found`: there is no such document"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn delete_document(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    PathDocumentId(id): PathDocumentId,
) -> Result<StatusCode, Error> {
    canonical::check(&caller, &app.services.memory.document(&id).await?.collection)?;
    app.services.memory.forget(&id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How much is remembered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemoryStats {
    /// How many collections have a document.
    collections: u64,
    /// How many documents there are.
    documents: u64,
    /// How many chunks they have.
    chunks: u64,
    /// How many characters of text.
    characters: u64,
    /// The keyword index.
    keyword: KeywordStats,
    /// The vector index; null where nothing makes vectors or their store is away.
    #[schema(required)]
    vector: Option<VectorStats>,
}

/// How large the keyword index is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeywordStats {
    /// How many chunks it has.
    chunks: u64,
    /// How many bytes on disk.
    bytes: u64,
    /// How many changes it is behind.
    behind: u64,
}

/// How large the vector index is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VectorStats {
    /// How many vectors it has.
    vectors: u64,
    /// How many changes it is behind.
    behind: u64,
}

/// Shows how much is remembered
///
/// And how far the indices are.
#[utoipa::path(
    get,
    path = "/api/v1/memory/stats",
    tag = "memory",
    responses((status = 200, description = "The figures", body = MemoryStats)),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn show_stats(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
) -> Result<Json<MemoryStats>, Error> {
    let collections = app.services.memory.list_collections().await?;
    let standing = app.services.memory.standing().await?;
    let sum = |of: fn(&::memory::CollectionSummary) -> u64| collections.iter().map(of).sum();
    Ok(Json(MemoryStats {
        collections: collections.len() as u64,
        documents: sum(|collection| collection.documents),
        chunks: sum(|collection| collection.chunks),
        characters: sum(|collection| collection.characters),
        keyword: KeywordStats { chunks: standing.chunks, bytes: standing.bytes, behind: standing.behind },
        vector: standing.vectors.map(|(vectors, behind)| VectorStats { vectors, behind }),
    }))
}

/// Makes the indices anew
///
/// In the background, from what is stored; searches go on meanwhile.
#[utoipa::path(
    post,
    path = "/api/v1/memory/reindex",
    tag = "memory",
    responses((status = 202, description = "It has begun")),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn reindex(_caller: Caller<WriteMemory>, State(app): State<App>) -> StatusCode {
    let memory = app.services.memory.clone();
    let stopping = app.lifetime.stopping.clone();
    tokio::spawn(async move {
        match stopping.run_until_cancelled(memory.reindex()).await {
            Some(Err(error)) => tracing::error!(%error, "the indices could not be made anew"),
            Some(Ok(())) => tracing::info!("the indices were made anew"),
            None => {}
        }
    });
    StatusCode::ACCEPTED
}
