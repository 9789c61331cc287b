//! Vectors in Chroma: a collection for each generation, with its position among the collection's metadata.
//!
//! Chroma has no transactions. The position is written when all changes before it are in, so a crash in
//! between leaves the position behind what the collection has, the same changes are made again, and
//! each is such that twice is once.
//!
//! Chroma searches a graph and may pass one over; it is set up to look at 400 candidates, and finds more
//! than 99 of 100. Its own filter by ids fails for an id that it has no vector of and finds too little
//! when few are allowed. So few allowed chunks are fetched and compared here, exactly, and for many more
//! and more of the nearest are asked for until enough of them are allowed.
//!
//! Start reading at [`Chroma::search`]; [`server`] has what is said over HTTP.

mod server;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Privacy, Result};
use memory::embedding::VectorChange;
use memory::{Near, VectorIndex};
use roaring::RoaringBitmap;
use tokio::sync::Mutex;

use crate::direction::{direction, direction_or_zeros, product};
use crate::error::Error;
use crate::generation::Generation;
pub(crate) use server::Server;
use server::{Collection, NotThere};

/// How many numbers of vectors are sent at once: some six megabytes.
const NUMBERS_AT_ONCE: usize = 1 << 20;
/// How many chunks are sent, removed or fetched at once; Chroma takes a few thousand.
const CHUNKS_AT_ONCE: usize = 1_000;
/// Up to how many allowed chunks are fetched and compared here.
const FEW: u64 = 500;
/// How many more of the nearest are asked for when too few of them are allowed.
const MORE: usize = 4;

/// The vectors of a generation in Chroma.
pub struct Chroma {
    server: Server,
    strictest: Privacy,
    generation: Generation,
    name: String,
    known: Mutex<Known>,
}

/// What is known of the collection.
struct Known {
    id: Option<Arc<str>>,
    /// A position beyond this one is of what no longer is.
    at_most: u64,
}

impl Chroma {
    /// Vectors on `server`. Asks it nothing yet.
    pub(crate) fn new(server: Server, strictest: Privacy, generation: Generation) -> Self {
        let name = format!("atelier-{}", generation.digest(strictest));
        let known = Mutex::new(Known { id: None, at_most: generation.last });
        Self { server, strictest, generation, name, known }
    }

    /// The collection, made where there is none, and made anew where it is ahead of what is stored.
    async fn collection(&self) -> Result<Arc<str>, Error> {
        let mut known = self.known.lock().await;
        if let Some(id) = &known.id {
            return Ok(id.clone());
        }
        let wanted = self.described(0);
        let mut collection = self.server.find_or_create(&wanted).await?;
        if collection.position > known.at_most {
            self.server.delete(&self.name).await?;
            collection = self.server.find_or_create(&wanted).await?;
        }
        let id: Arc<str> = collection.id.into();
        *known = Known { id: Some(id.clone()), at_most: u64::MAX };
        Ok(id)
    }

    fn described(&self, position: u64) -> Collection {
        Collection {
            id: String::new(),
            name: self.name.clone(),
            workspace: self.generation.workspace.clone(),
            embedder: self.generation.described(),
            position,
        }
    }

    /// What `ask` answers of the collection. When it is gone, it is made anew the next time.
    async fn with_collection<T>(&self, ask: impl AsyncFnOnce(&str) -> Result<T, NotThere>) -> Result<T> {
        let id = self.collection().await?;
        match ask(&id).await {
            Ok(answer) => Ok(answer),
            Err(NotThere::Gone(error)) => {
                self.known.lock().await.id = None;
                Err(error.into())
            }
            Err(NotThere::Failed(error)) => Err(error.into()),
        }
    }

    /// The vectors of those of these chunks that have one.
    async fn vectors(&self, id: &str, numbers: &[u32]) -> Result<HashMap<u32, Vec<f32>>, NotThere> {
        let mut found = HashMap::with_capacity(numbers.len());
        for numbers in numbers.chunks(CHUNKS_AT_ONCE) {
            found.extend(self.server.vectors(id, numbers).await?);
        }
        Ok(found)
    }

    async fn nearest(
        &self,
        id: &str,
        vector: &[f32],
        count: usize,
        allowed: Option<&RoaringBitmap>,
    ) -> Result<Vec<Near>, NotThere> {
        let is_allowed = |near: &Near| allowed.is_none_or(|allowed| allowed.contains(near.number));
        if let Some(allowed) = allowed.filter(|allowed| allowed.len() <= FEW) {
            let numbers: Vec<u32> = allowed.iter().collect();
            let vectors = self.vectors(id, &numbers).await?;
            let near = |(number, row): (u32, Vec<f32>)| Near { number, similarity: product(vector, &row) };
            return Ok(vectors.into_iter().map(near).collect());
        }
        let mut asked = count;
        loop {
            let found = self.server.nearest(id, vector, asked).await?;
            let is_all = found.len() < asked;
            let found: Vec<Near> = found.into_iter().filter(is_allowed).collect();
            if is_all || found.len() >= count {
                return Ok(found);
            }
            asked = asked.saturating_mul(MORE);
        }
    }
}

#[async_trait]
impl VectorIndex for Chroma {
    async fn position(&self) -> Result<u64> {
        self.with_collection(async |_| self.server.position(&self.name).await).await
    }

    fn strictest(&self) -> Privacy {
        self.strictest
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        let changed = self.generation.changed(&changes);
        let at_once = (NUMBERS_AT_ONCE / self.generation.dimensions().max(1)).clamp(1, CHUNKS_AT_ONCE);
        let apply = async |id: &str| {
            for numbers in changed.removed.chunks(CHUNKS_AT_ONCE) {
                self.server.remove(id, numbers).await?;
            }
            for rows in changed.put.chunks(at_once) {
                self.server.put(id, rows).await?;
            }
            self.server.describe(id, &self.described(position)).await
        };
        self.with_collection(apply).await
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        let vector = direction(vector, self.generation.dimensions()).filter(|_| count > 0);
        let Some(vector) = vector else { return Ok(Vec::new()) };
        let ask = async |id: &str| self.nearest(id, &vector, count, allowed.as_deref()).await;
        let mut found = self.with_collection(ask).await?;
        found.sort_by(|one, other| {
            other.similarity.total_cmp(&one.similarity).then(one.number.cmp(&other.number))
        });
        found.truncate(count);
        Ok(found)
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        let vector = direction_or_zeros(vector, self.generation.dimensions());
        let found = self.with_collection(async |id: &str| self.vectors(id, numbers).await).await?;
        Ok(numbers.iter().map(|number| found.get(number).map(|row| product(&vector, row))).collect())
    }

    async fn count(&self) -> Result<u64> {
        self.with_collection(async |id: &str| self.server.count(id).await).await
    }

    async fn clear(&self) -> Result<()> {
        let mut known = self.known.lock().await;
        self.server.delete(&self.name).await?;
        known.id = None;
        Ok(())
    }

    /// Removes the collections of embedders that this workspace no longer has.
    async fn maintain(&self) -> Result<()> {
        for collection in self.server.list().await? {
            if collection.workspace == self.generation.workspace && collection.name != self.name {
                self.server.delete(&collection.name).await?;
            }
        }
        Ok(())
    }
}
