//! Vectors in two places: those of chunks that must stay on this machine in an index here, all others
//! in a store elsewhere.
//!
//! Invariant: a vector whose label is [`Privacy::Local`] is never given to the store elsewhere, and
//! one that becomes local is removed there by the same change that puts it here.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Privacy, Result};
use roaring::RoaringBitmap;

use super::{Near, VectorIndex};
use crate::embedding::VectorChange;

/// An index on this machine and a store on another, searched as one.
pub struct DividedVectors {
    here: Arc<dyn VectorIndex>,
    elsewhere: Arc<dyn VectorIndex>,
}

impl DividedVectors {
    /// Puts what is local into `here` and everything else into `elsewhere`.
    pub fn new(here: Arc<dyn VectorIndex>, elsewhere: Arc<dyn VectorIndex>) -> Self {
        Self { here, elsewhere }
    }
}

/// The same changes as one of the two sees them: what belongs to the other is not there.
fn seen_by(changes: &[VectorChange], label: Privacy) -> Vec<VectorChange> {
    let seen = |change: &VectorChange| VectorChange {
        vector: change.vector.clone().filter(|_| change.privacy == label),
        ..*change
    };
    changes.iter().map(seen).collect()
}

#[async_trait]
impl VectorIndex for DividedVectors {
    /// That of the one that is behind: the other is given again what it has already.
    async fn position(&self) -> Result<u64> {
        Ok(self.here.position().await?.min(self.elsewhere.position().await?))
    }

    fn strictest(&self) -> Privacy {
        self.here.strictest()
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        self.here.apply(seen_by(&changes, Privacy::Local), position).await?;
        self.elsewhere.apply(seen_by(&changes, Privacy::Shareable), position).await
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        let here = self.here.search(vector, count, allowed.clone());
        let (here, elsewhere) = tokio::try_join!(here, self.elsewhere.search(vector, count, allowed))?;
        // Between the two halves of a change a chunk may be in both.
        let mut found: BTreeMap<u32, Near> = BTreeMap::new();
        for near in here.into_iter().chain(elsewhere) {
            found.entry(near.number).or_insert(near);
        }
        let mut found: Vec<Near> = found.into_values().collect();
        found.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        found.truncate(count);
        Ok(found)
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        let mut found = self.here.similarities(vector, numbers).await?;
        let missing = || (0..numbers.len()).filter(|at| found[*at].is_none());
        let (places, asked): (Vec<usize>, Vec<u32>) = missing().map(|at| (at, numbers[at])).unzip();
        if !asked.is_empty() {
            let elsewhere = self.elsewhere.similarities(vector, &asked).await?;
            for (at, similarity) in places.into_iter().zip(elsewhere) {
                found[at] = similarity;
            }
        }
        Ok(found)
    }

    async fn count(&self) -> Result<u64> {
        Ok(self.here.count().await? + self.elsewhere.count().await?)
    }

    async fn clear(&self) -> Result<()> {
        self.here.clear().await?;
        self.elsewhere.clear().await
    }

    async fn maintain(&self) -> Result<()> {
        self.here.maintain().await?;
        self.elsewhere.maintain().await
    }
}
