//! The vectors of chunks: one generation of them for each embedder, made in the background.
//!
//! An embedder follows the changes of chunks and embeds each text once, however many chunks have
//! it. A new embedder begins at the first change, beside the one that is searched, a batch at a
//! time, so that a killed process goes on where it was; once it has caught up it becomes the active
//! one and the vectors of all others go, in one step.
//!
//! Invariants: vectors of two embedders, or of two versions of one, are never in the same index; a
//! document labelled [`Privacy::Local`] is only given to an embedder on this machine; a vector is
//! called by what was embedded, so it is never that of another text.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Kind, Privacy, Result};

use crate::chunk::Digest;
use crate::document::head;

/// How much of a chunk is embedded; models read no more of one text.
const EMBEDDED_BYTES: usize = 4 * 1024;
/// A text that no embedder has a reason to refuse.
const PROBE: &str = "hello";

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

/// How far along a generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It is being made and not searched yet.
    Building,
    /// It is the one that is searched.
    Active,
    /// Another has taken its place; it has no vectors any more.
    Retired,
}

/// A generation and how much of it there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexProgress {
    /// Whose vectors they are.
    pub embedder: EmbedderIdentity,
    /// How far along it is.
    pub state: IndexState,
    /// How many chunks have been seen to.
    pub done: u64,
    /// How many there are that this embedder may be given.
    pub total: u64,
}

/// A text that has no vector yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextToEmbed {
    /// What it is called.
    pub digest: Digest,
    /// The text; it may be empty.
    pub text: String,
    /// The label of its document.
    pub privacy: Privacy,
}

/// What an embedder has to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbeddingWork {
    /// Texts without a vector, none of them twice.
    pub texts: Vec<TextToEmbed>,
    /// Once they have one, every change up to this position is seen to.
    pub position: u64,
}

/// What came of embedding a text.
#[derive(Clone, Debug, PartialEq)]
pub struct TextVector {
    /// What it is called.
    pub digest: Digest,
    /// Its vector; none when there is nothing in it to embed or the embedder refuses it.
    pub vector: Option<Vec<f32>>,
}

/// A change that vector indices follow.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorChange {
    /// The chunk.
    pub number: u32,
    /// Its vector; none when it has none or is gone.
    pub vector: Option<Vec<f32>>,
    /// How far the vector may travel: the label of its document.
    pub privacy: Privacy,
}

/// Keeps vectors. Chunks of collections that are set up to have none are not there for it. Every method
/// is one atomic operation; implementations pass
/// [`crate::testing::embedding_contract`].
#[async_trait]
pub trait EmbeddingStore: Send + Sync {
    /// Begins a generation for this embedder, or goes on with the one it has. Any other that was
    /// being made is given up; the active one stays.
    async fn begin_generation(&self, embedder: &EmbedderIdentity) -> Result<()>;

    /// At most `limit` texts of chunks whose documents have no stricter label than `strictest`,
    /// which this embedder has no vector of, in the order of their changes.
    async fn next_texts(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        limit: usize,
    ) -> Result<EmbeddingWork>;

    /// Adds vectors to this embedder's generation, which has seen to every change up to `position`
    /// then. Nothing is added when the generation has been given up.
    async fn add_vectors(
        &self,
        embedder: &EmbedderIdentity,
        vectors: &[TextVector],
        position: u64,
    ) -> Result<()>;

    /// Makes this embedder's generation the active one and retires all others with their vectors,
    /// unless it has not seen to the newest change. Tells whether it is active now.
    async fn activate_generation(&self, embedder: &EmbedderIdentity) -> Result<bool>;

    /// At most `limit` changes after `position` that this embedder has seen to, in their order, and
    /// the position they reach. Chunks of documents with a stricter label than `strictest` have no
    /// vector there.
    async fn list_vector_changes(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<VectorChange>, u64)>;

    /// How many chunks of each collection have a vector of this embedder, of those up to the label
    /// `strictest`.
    async fn count_vectors(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
    ) -> Result<BTreeMap<String, u64>>;

    /// All generations, the oldest first. `total` counts the chunks up to the label `strictest`.
    async fn list_generations(&self, strictest: Privacy) -> Result<Vec<IndexProgress>>;
}

/// Gives chunks their vectors.
#[derive(Clone)]
pub struct EmbeddingQueue {
    store: Arc<dyn EmbeddingStore>,
    embedder: Arc<dyn Embedder>,
}

impl EmbeddingQueue {
    /// Will embed with `embedder`; does nothing yet.
    pub fn new(store: Arc<dyn EmbeddingStore>, embedder: Arc<dyn Embedder>) -> Self {
        Self { store, embedder }
    }

    /// Who embeds.
    pub fn embedder(&self) -> &Arc<dyn Embedder> {
        &self.embedder
    }

    /// Where vectors are kept.
    pub fn store(&self) -> &Arc<dyn EmbeddingStore> {
        &self.store
    }

    /// How far its generation is; none before it was begun.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn progress(&self) -> Result<Option<IndexProgress>> {
        let identity = self.embedder.identity();
        let all = self.store.list_generations(self.strictest()).await?;
        Ok(all.into_iter().find(|generation| generation.embedder == identity))
    }

    /// How many chunks of each collection have their vector.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn count_vectors(&self) -> Result<BTreeMap<String, u64>> {
        self.store.count_vectors(&self.embedder.identity(), self.strictest()).await
    }

    /// Goes on until every chunk has its vector and this generation is the active one.
    ///
    /// # Errors
    /// Those of the embedder and of the store. What was done until then stays.
    pub async fn catch_up(&self) -> Result<()> {
        let identity = self.embedder.identity();
        self.store.begin_generation(&identity).await?;
        loop {
            while self.embed_batch(&identity).await? {}
            if self.store.activate_generation(&identity).await? {
                return Ok(());
            }
        }
    }

    /// Embeds some texts. Tells whether there were any.
    pub(crate) async fn embed_batch(&self, identity: &EmbedderIdentity) -> Result<bool> {
        let limit = self.embedder.batch().max(1);
        let EmbeddingWork { texts, position } =
            self.store.next_texts(identity, self.strictest(), limit).await?;
        let is_any = !texts.is_empty();
        let vectors = match self.embed(&texts).await {
            Err(error) if error.kind == Kind::Invalid => self.embed_each(texts).await?,
            vectors => vectors?,
        };
        self.store.add_vectors(identity, &vectors, position).await?;
        Ok(is_any)
    }

    /// One after the other, so that one that is refused keeps no other from its vector. An embedder
    /// that refuses anything at all is set up wrongly, which says nothing about a text.
    async fn embed_each(&self, texts: Vec<TextToEmbed>) -> Result<Vec<TextVector>> {
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            match self.embed(std::slice::from_ref(&text)).await {
                Err(error) if error.kind == Kind::Invalid => {
                    self.embedder.embed(vec![PROBE.into()], Privacy::Shareable).await?;
                    tracing::warn!(%error, "the embedder refuses a text");
                    vectors.push(TextVector { digest: text.digest, vector: None });
                }
                embedded => vectors.extend(embedded?),
            }
        }
        Ok(vectors)
    }

    async fn embed(&self, texts: &[TextToEmbed]) -> Result<Vec<TextVector>> {
        let usable = |text: &&TextToEmbed| !text.text.trim().is_empty();
        let given: Vec<String> = texts
            .iter()
            .filter(usable)
            .map(|text| head(text.text.trim(), EMBEDDED_BYTES).to_owned())
            .collect();
        let privacy = texts.iter().map(|text| text.privacy).max().unwrap_or_default();
        let made = if given.is_empty() { Vec::new() } else { self.embedder.embed(given, privacy).await? };
        let mut made = made.into_iter();
        let dimensions = self.embedder.identity().dimensions;
        let of = |text: &TextToEmbed| {
            let vector = usable(&text).then(|| made.next().filter(|vector| vector.len() == dimensions));
            let missing = || kernel::Error::internal("an embedder gave other vectors than it should");
            let vector = vector.map(|vector| vector.ok_or_else(missing)).transpose()?;
            Ok(TextVector { digest: text.digest, vector })
        };
        texts.iter().map(of).collect()
    }

    /// What may be given to the embedder.
    pub(crate) fn strictest(&self) -> Privacy {
        if self.embedder.is_local() { Privacy::Local } else { Privacy::Shareable }
    }
}
