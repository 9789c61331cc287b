//! Vector indices: where the chunks nearest in meaning are looked up.
//!
//! Which one is used is a setting: the one in this process, or a store of vectors elsewhere. All of
//! them are caches of the vectors in SQL and pass [`crate::testing::vector_contract`]. A store that
//! can be away is asked through [`Reachable`]; one on another machine stands beside the index in
//! this process, as [`DividedVectors`], so that what stays here is found by meaning too.

mod divided;
mod reachable;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use index::vectors::Change;
use kernel::{Privacy, Result};
use roaring::RoaringBitmap;

use crate::embedding::{EmbedderIdentity, VectorChange};
use crate::service::blocking;

pub use divided::DividedVectors;
pub use reachable::Reachable;

/// A chunk that is near in meaning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Near {
    /// The chunk.
    pub number: u32,
    /// The cosine of its vector and the query's.
    pub similarity: f32,
}

/// Holds the vectors of one generation.
#[async_trait]
pub trait VectorIndex: Send + Sync {
    /// How far along the changes of vectors it is; 0 when it is empty or has been made anew. It may
    /// be less than what it has, when it was killed in between: then the same is applied again.
    async fn position(&self) -> Result<u64>;

    /// The strictest label of what may be put there: [`Privacy::Local`] on this machine only.
    fn strictest(&self) -> Privacy;

    /// Takes in changes that reach `position`, in their order. Searches that begin afterwards see
    /// them. A vector may have any length but only the identity's number of dimensions; one without a
    /// direction, of zeros or with a number that is not finite, has the cosine 0 with everything.
    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()>;

    /// The `count` chunks nearest to a vector among those allowed, the nearest first and those as
    /// near by their numbers. To a vector without a direction none is near.
    ///
    /// # Errors
    /// [`kernel::Kind::Unavailable`] while it cannot be asked; a search then looks at words alone.
    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>>;

    /// How near each of these chunks is, in their order; none for one that is not there.
    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>>;

    /// How many vectors it has.
    async fn count(&self) -> Result<u64>;

    /// Takes everything out and begins at position 0.
    async fn clear(&self) -> Result<()>;

    /// Does what makes it smaller or faster, when much has changed.
    async fn maintain(&self) -> Result<()> {
        Ok(())
    }
}

/// The index in this process, in files of its own.
pub struct EmbeddedVectors(index::Vectors);

impl EmbeddedVectors {
    /// Opens the vectors of an embedder in `folder`; empty when those of another are there. Blocks.
    ///
    /// # Errors
    /// Those of [`index::Vectors::open`].
    pub fn open(folder: &Path, identity: &EmbedderIdentity) -> Result<Self> {
        let stamp = format!("{}@{}", identity.name, identity.version);
        Ok(Self(index::Vectors::open(folder, identity.dimensions, &stamp)?))
    }

    /// How far along the changes of vectors it is.
    pub fn position_on_disk(&self) -> u64 {
        self.0.position()
    }
}

#[async_trait]
impl VectorIndex for EmbeddedVectors {
    async fn position(&self) -> Result<u64> {
        Ok(self.0.position())
    }

    fn strictest(&self) -> Privacy {
        Privacy::Local
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        let vectors = self.0.clone();
        let apply = move || {
            let changes: Vec<Change<'_>> = changes.iter().map(of_index).collect();
            vectors.apply(&changes, position)
        };
        Ok(blocking(apply).await??)
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        let (vectors, vector) = (self.0.clone(), vector.to_vec());
        let found = blocking(move || vectors.search(&vector, count, allowed.as_deref())).await?;
        Ok(found
            .into_iter()
            .map(|found| Near { number: found.number, similarity: found.similarity })
            .collect())
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        let (vectors, vector, numbers) = (self.0.clone(), vector.to_vec(), numbers.to_vec());
        blocking(move || vectors.similarities(&vector, &numbers)).await
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.0.len() as u64)
    }

    async fn clear(&self) -> Result<()> {
        let vectors = self.0.clone();
        Ok(blocking(move || vectors.clear()).await??)
    }

    async fn maintain(&self) -> Result<()> {
        let vectors = self.0.clone();
        Ok(blocking(move || vectors.maintain().and_then(|()| vectors.flush())).await??)
    }
}

fn of_index(VectorChange { number, vector, .. }: &VectorChange) -> Change<'_> {
    match vector {
        Some(vector) => Change::Put { number: *number, vector },
        None => Change::Remove { number: *number },
    }
}
