//! `/api/v1/memory/collections`: what is in each, and how it is set up.

use ::memory::{Collection, CollectionChange, CollectionSettings, CollectionSummary};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::canonical;
use super::view::PrivacyLabel;
use crate::app::App;
use crate::auth::{Caller, ReadMemory, WriteMemory};
use crate::error::Error;
use crate::extract::{JsonBody, PathText, WireBody, present};
use crate::wire::{List, Moment};

/// The `{name}` of a collection.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter; the segment is taken as text")]
pub(crate) struct CollectionPath {
    /// The collection's name.
    #[param(pattern = "^[a-z0-9_-]{1,64}$", example = "notes")]
    name: String,
}

/// What is in a collection and how it is set up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Collection)]
pub(crate) struct CollectionView {
    /// Its name.
    name: String,
    /// How many documents.
    documents: u64,
    /// How many of them stay on this machine.
    local_documents: u64,
    /// How many chunks.
    chunks: u64,
    /// How many characters of text.
    characters: u64,
    /// When something was last stored in it; null when it is empty.
    #[schema(required)]
    newest: Option<Moment>,
    /// The label that everything stored in it has at least.
    privacy: PrivacyLabel,
    /// Whose vectors its chunks have, the same in all collections; null where nothing makes vectors or
    /// the collection has none.
    #[schema(required)]
    embedding: Option<EmbeddingView>,
    /// How its documents are divided into chunks.
    chunking: ChunkingView,
    /// What was set; null is the default.
    settings: SettingsView,
}

/// What makes the vectors of a collection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionEmbedding)]
pub(crate) struct EmbeddingView {
    /// The model.
    model: String,
    /// Which version of it, where it has one.
    #[schema(required)]
    version: Option<String>,
    /// How long its vectors are.
    dimensions: usize,
    /// How many chunks have their vector by now.
    vectors: u64,
}

/// How documents are divided.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionChunking)]
pub(crate) struct ChunkingView {
    /// By which version of the rules.
    version: u32,
    /// How many characters a chunk has at most.
    max_characters: usize,
    /// How many documents are still to be divided anew like this.
    waiting: u64,
}

/// What was set of a collection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CollectionSettings)]
pub(crate) struct SettingsView {
    /// The label.
    #[schema(required)]
    privacy: Option<PrivacyLabel>,
    /// How many characters a chunk has at most.
    #[schema(required)]
    chunk_characters: Option<u32>,
    /// Whether chunks have vectors.
    #[schema(required)]
    embedded: Option<bool>,
}

impl From<CollectionSettings> for SettingsView {
    fn from(settings: CollectionSettings) -> Self {
        let CollectionSettings { privacy, chunk_characters, embedded } = settings;
        Self { privacy: privacy.map(Into::into), chunk_characters, embedded }
    }
}

impl From<Collection> for CollectionView {
    fn from(collection: Collection) -> Self {
        let Collection { name, contents, settings, vectors, chunking_version } = collection;
        let newest = contents.as_ref().map(|contents| contents.newest.into());
        let count = |of: fn(&CollectionSummary) -> u64| contents.as_ref().map(of).unwrap_or_default();
        Self {
            name,
            documents: count(|contents| contents.documents),
            local_documents: count(|contents| contents.local_documents),
            chunks: count(|contents| contents.chunks),
            characters: count(|contents| contents.characters),
            newest,
            privacy: settings.floor().into(),
            embedding: vectors.map(|(embedder, vectors)| EmbeddingView {
                model: embedder.name,
                version: Some(embedder.version).filter(|version| !version.is_empty()),
                dimensions: embedder.dimensions,
                vectors,
            }),
            chunking: ChunkingView {
                version: chunking_version,
                max_characters: settings.max_characters(),
                waiting: count(|contents| contents.to_divide),
            },
            settings: settings.into(),
        }
    }
}

/// Lists the collections
///
/// Those that have a document or were set up, and the well-known ones, with their sizes, how fresh they
/// are and how they are set up.
#[utoipa::path(
    get,
    path = "/api/v1/memory/collections",
    tag = "memory",
    responses((status = 200, description = "The collections", body = List<CollectionView>)),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn list_collections(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
) -> Result<Json<List<CollectionView>>, Error> {
    let all = app.services.memory.collections().await?;
    Ok(Json(List::whole(all.into_iter().map(CollectionView::from).collect())))
}

/// Shows a collection
///
/// What is in it and how it is set up.
#[utoipa::path(
    get,
    path = "/api/v1/memory/collections/{name}",
    tag = "memory",
    params(CollectionPath),
    responses(
        (status = 200, description = "The collection", body = CollectionView),
        (status = 404, description = "`collection_not_found`: it has no document and was not set up"),
    ),
    security(("token" = ["read:memory"])),
)]
pub(crate) async fn get_collection(
    _caller: Caller<ReadMemory>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
) -> Result<Json<CollectionView>, Error> {
    Ok(Json(app.services.memory.collection(&name).await?.into()))
}

/// How a collection is to be set up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"privacy": "local", "chunk_characters": 800}))]
pub(crate) struct ChangeCollection {
    /// The label that everything stored in it has at least; null for the default, `shareable`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<PrivacyLabel>)]
    privacy: Option<Option<PrivacyLabel>>,
    /// How many characters a chunk has at most; null for the default.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 200, maximum = 4000)]
    chunk_characters: Option<Option<u32>>,
    /// Whether its chunks have vectors, or are found by their words only; null for the default, true.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    embedded: Option<Option<bool>>,
}

impl WireBody for ChangeCollection {}

/// Sets a collection up
///
/// One that is not there yet is made. The label `local` is given to everything in it at once;
/// `shareable` changes no label that was given before. Chunks of another length, and vectors that come
/// or go, are seen to in the background, and searches go on meanwhile. With everything set to null the
/// settings are gone. `brands` and `products` are set up with `write:canonical` only.
#[utoipa::path(
    patch,
    path = "/api/v1/memory/collections/{name}",
    tag = "memory",
    params(CollectionPath),
    request_body = ChangeCollection,
    responses(
        (status = 200, description = "The collection", body = CollectionView),
        (status = 400, description = "`invalid_collection`, `chunk_size_out_of_range`: it cannot be set up so"),
    ),
    security(("token" = ["write:memory"])),
)]
pub(crate) async fn change_collection(
    caller: Caller<WriteMemory>,
    State(app): State<App>,
    PathText([name]): PathText<1>,
    JsonBody(body): JsonBody<ChangeCollection>,
) -> Result<Json<CollectionView>, Error> {
    canonical::check(&caller, &name)?;
    let change = CollectionChange {
        privacy: body.privacy.map(|label| label.map(Into::into)),
        chunk_characters: body.chunk_characters,
        embedded: body.embedded,
    };
    Ok(Json(app.services.memory.change_collection(&name, change).await?.into()))
}
