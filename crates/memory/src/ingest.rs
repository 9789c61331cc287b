//! Taking documents in: files of any kind, texts, and whatever other planes have.
//!
//! A document that was taken in before, the same to the last byte, costs nothing; of one that has
//! changed, the chunks that say the same keep their vectors. A file is read by a process of its own,
//! so that one that kills its reader keeps no other from being taken in.

use std::path::Path;

use extract::{Chunk, Extracted, Hint, Kind, Limits};
use kernel::{DocumentId, Result};

use crate::chunk::{Digest, NewChunk};
use crate::chunking::{self, chunk_from, chunks_from, chunks_of};
use crate::document::{Document, MAX_KEY_CHARS, MAX_TEXT_BYTES, NewDocument, cut, head};
use crate::error::Error;
use crate::service::{Memory, blocking};

/// A document to take in.
#[derive(Clone, Debug, Default)]
pub struct Incoming {
    /// The name or path of its file, or what it is called where it comes from.
    pub name: String,
    /// What it is.
    pub content: Content,
    /// What is known of it. Its text is not looked at; an empty collection, key or title is chosen
    /// by what the document is.
    pub document: NewDocument,
    /// The document whose place it takes.
    pub supersedes: Option<Earlier>,
}

/// A document that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The one with this id.
    Id(DocumentId),
    /// The one of this key.
    Key {
        /// Its collection.
        collection: String,
        /// What it is called there.
        key: String,
    },
}

/// What a document consists of.
#[derive(Clone, Debug)]
pub enum Content {
    /// A text, in the format of the document.
    Text(String),
    /// The bytes of a file.
    File {
        /// All of them.
        bytes: Vec<u8>,
        /// The media type it was announced with.
        media_type: Option<String>,
    },
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ingested {
    /// Under which id it is stored.
    pub id: DocumentId,
    /// In which collection.
    pub collection: String,
    /// What it is called on screen.
    pub title: String,
    /// How many chunks it has.
    pub chunks: usize,
    /// What is new about it.
    pub outcome: Outcome,
}

/// What is new about a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it.
    New,
    /// It takes the place of an older version; so many chunks are new or other than before.
    Changed(usize),
    /// Nothing.
    Unchanged,
    /// Nothing: what is there is newer or came from elsewhere, and was kept. Only an import does this.
    Kept,
}

/// A document before it is stored.
pub(crate) enum Prepared {
    /// It is there already, the same in everything.
    Same(Ingested),
    /// It was read.
    Read {
        /// The document, as if nothing had its key.
        document: Box<Document>,
        /// Its chunks.
        chunks: Vec<NewChunk>,
        /// How many characters one has at most.
        max_characters: usize,
    },
}

impl Memory {
    /// Takes a document in, in place of the one of the same collection and key. What it supersedes is
    /// another document, which can be read but is not searched from then on.
    ///
    /// # Errors
    /// Those of [`extract::Error`] for a file that cannot be read, those of [`Memory::remember`], and
    /// those of [`Memory::supersede`].
    pub async fn ingest(&self, incoming: Incoming) -> Result<Ingested> {
        let earlier = match &incoming.supersedes {
            Some(earlier) => Some(self.earlier(earlier).await?.id),
            None => None,
        };
        let ingested = self.take_in(incoming).await?;
        // Also of what was there already: somebody may ask again who was not answered.
        if let Some(earlier) = earlier {
            self.supersede(&earlier, Some(&ingested.id)).await?;
        }
        Ok(ingested)
    }

    /// The document that is meant.
    ///
    /// # Errors
    /// [`Error::DocumentNotFound`], [`Error::DocumentKeyNotFound`].
    pub async fn earlier(&self, earlier: &Earlier) -> Result<Document> {
        match earlier {
            Earlier::Id(id) => self.document(id).await,
            Earlier::Key { collection, key } => {
                let found = self.store().find_document_by_key(collection, key).await?;
                let missing =
                    || Error::DocumentKeyNotFound { collection: cut(collection, 60), key: cut(key, 60) };
                Ok(found.ok_or_else(missing)?)
            }
        }
    }

    async fn take_in(&self, incoming: Incoming) -> Result<Ingested> {
        match self.prepare(incoming).await? {
            Prepared::Same(same) => Ok(same),
            Prepared::Read { document, chunks, max_characters } => {
                let stored = self.put(&document, &chunks, max_characters).await?;
                let outcome =
                    if stored.is_new { Outcome::New } else { Outcome::Changed(stored.changed_chunks) };
                let Document { collection, title, .. } = *document;
                Ok(Ingested { id: stored.id, collection, title, chunks: chunks.len(), outcome })
            }
        }
    }

    /// Reads a document, unless it was taken in exactly like this before. Stores nothing.
    pub(crate) async fn prepare(&self, incoming: Incoming) -> Result<Prepared> {
        let Incoming { name, content, mut document, .. } = incoming;
        let (bytes, media_type, is_text) = match content {
            Content::Text(text) => (text.into_bytes(), media_type_of(&document.format), true),
            Content::File { bytes, media_type } => (bytes, media_type, false),
        };
        if document.key.is_empty() {
            let chosen = if name.is_empty() { kept_name(&bytes) } else { name.clone() };
            document.key = cut(&chosen.replace(char::is_control, " "), MAX_KEY_CHARS);
        }
        let digest = digest(&document, &bytes);
        // What it is decides its collection only when nobody else does, and is not known yet.
        if !document.collection.is_empty()
            && let Some(same) = self.find_same(&document.collection, &document.key, &digest).await?
        {
            return Ok(Prepared::Same(same));
        }
        let name = if document.format == "code" || !is_text { name } else { String::new() };
        let (extracted, chunks, bytes) = self.read(bytes, name.clone(), media_type).await?;
        if document.collection.is_empty() {
            document.collection = collection_of(extracted.kind).to_owned();
            if let Some(same) = self.find_same(&document.collection, &document.key, &digest).await? {
                return Ok(Prepared::Same(same));
            }
        }
        complete(&mut document, &extracted, &name, bytes);
        let mut document = self.checked(document)?;
        document.digest = Some(digest);
        let settings = self.settings_of(&document.collection).await?;
        let (max_characters, options) =
            (settings.max_characters(), chunking::options(settings.max_characters()));
        let divide = move || {
            let mut chunks: Vec<NewChunk> = match settings.chunk_characters {
                Some(_) => chunks_from(&extracted, &options),
                None => chunks.into_iter().map(chunk_from).collect(),
            };
            if chunks.is_empty() {
                chunks = chunks_of(&document, &options);
            }
            (document, chunks)
        };
        let (document, chunks) = blocking(divide).await?;
        Ok(Prepared::Read { document: Box::new(document), chunks, max_characters })
    }

    /// The document of this key, if it was taken in exactly like this.
    async fn find_same(&self, collection: &str, key: &str, digest: &Digest) -> Result<Option<Ingested>> {
        let found = self.store().find_document_by_key(collection, key).await?;
        let Some(Document { id, collection, title, .. }) = found.filter(|it| it.digest == Some(*digest))
        else {
            return Ok(None);
        };
        let chunks = self.store().list_chunks(&id).await?.len();
        Ok(Some(Ingested { id, collection, title, chunks, outcome: Outcome::Unchanged }))
    }

    /// Reads a document in a process of its own, or in this one where there are none.
    async fn read(
        &self,
        bytes: Vec<u8>,
        name: String,
        media_type: Option<String>,
    ) -> Result<(Extracted, Vec<Chunk>, Vec<u8>)> {
        if let Some(readers) = self.readers() {
            let hint = hint_of(&name, media_type.as_deref());
            let (extracted, chunks) = readers.extract(bytes.clone(), hint).await?;
            return Ok((extracted, chunks, bytes));
        }
        let read = move || {
            let hint = hint_of(&name, media_type.as_deref());
            let extracted = extract::extract(&bytes, &hint, &Limits::default())?;
            let chunks = extract::chunk(&extracted, &extract::ChunkOptions::default());
            Ok::<_, extract::Error>((extracted, chunks, bytes))
        };
        blocking(read).await?.map_err(kernel::Error::from)
    }
}

fn hint_of<'a>(name: &'a str, media_type: Option<&'a str>) -> Hint<'a> {
    Hint { name: Some(name).filter(|name| !name.is_empty()), media_type }
}

/// Fills in what the document says of itself and nobody else does.
fn complete(document: &mut NewDocument, extracted: &Extracted, name: &str, bytes: Vec<u8>) {
    if document.title.trim().is_empty() {
        let stem = Path::new(name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let own = extracted.title.clone().filter(|title| !title.trim().is_empty());
        document.title = own.or(stem).unwrap_or_default();
    }
    if document.format.is_empty() {
        document.format = format_of(extracted.kind);
    }
    document.author = document.author.take().or_else(|| match extracted.kind {
        // In a chat everybody speaks for themselves.
        Kind::Chat | Kind::Mailbox => None,
        _ => extracted.authors.first().cloned(),
    });
    document.occurred_at = document.occurred_at.or(extracted.created);
    if let Some(language) = &extracted.language_of_code {
        let language = serde_json::to_value(language).ok();
        let language = language.as_ref().and_then(|language| language.as_str());
        if let Some(language) = language {
            document.attributes.entry("language".into()).or_insert_with(|| language.to_lowercase());
        }
    }
    document.text = match (extracted.kind, String::from_utf8(bytes)) {
        // What people write as text is kept as they wrote it.
        (
            Kind::Text | Kind::Markdown | Kind::Code | Kind::Json | Kind::JsonLines | Kind::Yaml | Kind::Toml,
            Ok(text),
        ) if text.len() <= MAX_TEXT_BYTES => text,
        _ => rendered(extracted),
    };
}

/// The text of a document that was not a text.
fn rendered(extracted: &Extracted) -> String {
    let mut text = String::new();
    for block in &extracted.blocks {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        match &block.role {
            extract::Role::Heading(level) => {
                text.extend(std::iter::repeat_n('#', usize::from(*level).clamp(1, 6)));
                text.push(' ');
            }
            extract::Role::Message { author: Some(author), .. } => {
                text.push_str(author);
                text.push_str(": ");
            }
            _ => {}
        }
        text.push_str(&block.text);
    }
    head(&text, MAX_TEXT_BYTES).to_owned()
}

/// Of all that decides what is stored.
fn digest(document: &NewDocument, bytes: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    let NewDocument { title, source, privacy, format, author, attributes, occurred_at, expires_at, .. } =
        document;
    let known = (title, source, privacy.as_str(), format, author, attributes, occurred_at, expires_at);
    hasher.update(format!("{} {known:?}", extract::CHUNKING_VERSION).as_bytes());
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

fn kept_name(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_owned()
}

fn media_type_of(format: &str) -> Option<String> {
    let known = match format {
        "markdown" => "text/markdown",
        "html" => "text/html",
        "json" => "application/json",
        "csv" => "text/csv",
        "code" => return None,
        _ => "text/plain",
    };
    Some(known.to_owned())
}

fn format_of(kind: Kind) -> String {
    let name = serde_json::to_value(kind).ok();
    name.as_ref().and_then(|name| name.as_str()).unwrap_or("text").to_owned()
}

fn collection_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Markdown => "notes",
        Kind::Code => "code",
        Kind::Chat => "chat",
        Kind::Email | Kind::Mailbox => "emails",
        Kind::Calendar => "calendar",
        _ => "files",
    }
}
