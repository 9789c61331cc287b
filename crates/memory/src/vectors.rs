//! The vectors of documents: one version of them for each embedder, built and kept in the
//! background.
//!
//! A new embedder's version is built beside the active one, a batch at a time, so that a killed
//! process goes on where it was; when every document has its vector, the new version becomes the
//! active one and the old one goes, in one step.
//!
//! Invariants: vectors of two embedders, or of two versions of one, are never in the same index; a
//! document labelled [`Privacy::Local`] is only given to an embedder on this machine; a vector is
//! of the text its document has now, or it is gone.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Kind, Privacy, Result};

use crate::document::{Document, head};
use crate::service::Memory;

/// How much of a document is embedded; models read no more of one text.
const EMBEDDED_BYTES: usize = 4 * 1024;
/// A text that no embedder has a reason to refuse.
const PROBE: &str = "hello";
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Which embedder made a vector, down to what its vectors depend on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EmbedderIdentity {
    /// Its name.
    pub name: String,
    /// What tells apart two of the same name whose vectors differ.
    pub version: String,
    /// How long its vectors are.
    pub dimensions: usize,
}

/// Makes vectors of texts. What memory needs of the models; the program plugs it in.
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Who it is; always the same.
    fn identity(&self) -> EmbedderIdentity;

    /// Whether the texts stay on this machine.
    fn is_local(&self) -> bool;

    /// How many texts are best given at once, at least 1.
    fn batch(&self) -> usize;

    /// A vector of the identity's length for each text, in their order. No text is empty.
    /// `privacy` is the strictest label among them.
    ///
    /// # Errors
    /// [`Kind::Invalid`] when it will never take one of these texts.
    async fn embed(&self, texts: Vec<String>, privacy: Privacy) -> Result<Vec<Vec<f32>>>;
}

/// How far along a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It is being built and not searched yet.
    Building,
    /// It is the one that is searched.
    Active,
    /// Another has taken its place; it has no vectors any more.
    Retired,
}

/// A version of the index and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// Whose vectors they are.
    pub embedder: EmbedderIdentity,
    /// How far along it is.
    pub state: IndexState,
    /// How many documents have been seen to.
    pub done: u64,
    /// How many there are that this embedder may be given.
    pub total: u64,
}

/// What came of embedding a document.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentVector {
    /// The document as it was embedded.
    pub document: Document,
    /// Its vector; none when there is nothing in it to embed or the embedder refuses it.
    pub vector: Option<Vec<f32>>,
}

/// Keeps vectors. Every method is one atomic operation; implementations pass
/// [`crate::testing::vector_contract`].
#[async_trait]
pub trait VectorStore: Send + Sync {
    /// Begins a version for this embedder, or goes on with the one it has. Any other that was
    /// being built is given up; the active one stays.
    async fn begin_index(&self, embedder: &EmbedderIdentity) -> Result<()>;

    /// At most `limit` documents, none of a stricter label than `strictest`, that have no vector in
    /// this embedder's version.
    async fn documents_without_vector(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        limit: usize,
    ) -> Result<Vec<Document>>;

    /// Adds to this embedder's version. What is of a document that has changed meanwhile, or is
    /// gone, is left out, and so is everything when the version has been given up.
    async fn add_vectors(&self, embedder: &EmbedderIdentity, vectors: &[DocumentVector]) -> Result<()>;

    /// Makes this embedder's version the active one and retires all others with their vectors,
    /// unless a document it may be given has no vector yet. Tells whether it is active now.
    async fn activate_index(&self, embedder: &EmbedderIdentity, strictest: Privacy) -> Result<bool>;

    /// All versions, the oldest first. `total` counts the documents up to the label `strictest`.
    async fn list_indices(&self, strictest: Privacy) -> Result<Vec<IndexProgress>>;
}

/// Keeps one embedder's version of the vectors.
#[derive(Clone)]
pub struct VectorIndex {
    store: Arc<dyn VectorStore>,
    embedder: Arc<dyn Embedder>,
}

impl VectorIndex {
    /// Will keep the vectors of `embedder`; does nothing yet.
    pub fn new(store: Arc<dyn VectorStore>, embedder: Arc<dyn Embedder>) -> Self {
        Self { store, embedder }
    }

    /// How far its version is; none before it was begun.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn progress(&self) -> Result<Option<IndexProgress>> {
        let identity = self.embedder.identity();
        let all = self.store.list_indices(self.strictest()).await?;
        Ok(all.into_iter().find(|index| index.embedder == identity))
    }

    /// Gives every document of `memory` its vector, and goes on with each that comes. Never ends by
    /// itself; may be dropped at any time.
    pub async fn keep_up(&self, memory: &Memory) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.catch_up().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    memory.changed().await;
                }
                Err(error) => {
                    tracing::warn!(%error, "documents get no vectors for now");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Goes on until every document has its vector and this version is the active one.
    ///
    /// # Errors
    /// Those of the embedder and of the store. What was done until then stays.
    pub async fn catch_up(&self) -> Result<()> {
        let identity = self.embedder.identity();
        self.store.begin_index(&identity).await?;
        loop {
            while self.embed_batch(&identity).await? {}
            if self.store.activate_index(&identity, self.strictest()).await? {
                return Ok(());
            }
        }
    }

    /// Embeds some documents. Tells whether there were any.
    async fn embed_batch(&self, identity: &EmbedderIdentity) -> Result<bool> {
        let limit = self.embedder.batch().max(1);
        let documents = self.store.documents_without_vector(identity, self.strictest(), limit).await?;
        if documents.is_empty() {
            return Ok(false);
        }
        let vectors = match self.embed(&documents).await {
            Err(error) if error.kind == Kind::Invalid => self.embed_each(documents).await?,
            vectors => vectors?,
        };
        self.store.add_vectors(identity, &vectors).await?;
        Ok(true)
    }

    /// One after the other, so that one that is refused keeps no other from its vector. An embedder
    /// that refuses anything at all is set up wrongly, which says nothing about a document.
    async fn embed_each(&self, documents: Vec<Document>) -> Result<Vec<DocumentVector>> {
        let mut vectors = Vec::with_capacity(documents.len());
        for document in documents {
            match self.embed(std::slice::from_ref(&document)).await {
                Err(error) if error.kind == Kind::Invalid => {
                    self.embedder.embed(vec![PROBE.into()], Privacy::Shareable).await?;
                    tracing::warn!(document = %document.id, %error, "the embedder refuses a document");
                    vectors.push(DocumentVector { document, vector: None });
                }
                embedded => vectors.extend(embedded?),
            }
        }
        Ok(vectors)
    }

    async fn embed(&self, documents: &[Document]) -> Result<Vec<DocumentVector>> {
        let texts: Vec<Option<String>> = documents.iter().map(embedded_text).collect();
        let privacy = documents.iter().map(|document| document.privacy).max().unwrap_or_default();
        let given: Vec<String> = texts.iter().flatten().cloned().collect();
        let made = if given.is_empty() { Vec::new() } else { self.embedder.embed(given, privacy).await? };
        let mut made = made.into_iter();
        let dimensions = self.embedder.identity().dimensions;
        let of = |(document, text): (&Document, Option<String>)| {
            let vector = text.map(|_| made.next().filter(|vector| vector.len() == dimensions));
            let missing = || kernel::Error::internal("an embedder gave other vectors than it should");
            let vector = vector.map(|vector| vector.ok_or_else(missing)).transpose()?;
            Ok(DocumentVector { document: document.clone(), vector })
        };
        documents.iter().zip(texts).map(of).collect()
    }

    /// What may be given to the embedder.
    fn strictest(&self) -> Privacy {
        if self.embedder.is_local() { Privacy::Local } else { Privacy::Shareable }
    }
}

/// What stands for a document, if there is anything in it.
fn embedded_text(document: &Document) -> Option<String> {
    let text = format!("{}\n{}", document.title, head(&document.text, EMBEDDED_BYTES));
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
