//! A store of vectors that can be away, asked with patience that has an end.
//!
//! Invariant: nobody who searches waits longer than [`SEARCH`] for it, and while it is known to be
//! away hardly anybody waits at all: it is asked again every [`PAUSE`], or found to be back by
//! whoever brings it up to date. That it went and that it came back is each logged once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, Kind, Privacy, Result, Timestamp};
use parking_lot::Mutex;
use roaring::RoaringBitmap;
use tokio::time::timeout;

use super::{Near, VectorIndex};
use crate::embedding::VectorChange;
use crate::error::Error;

/// How long a search waits for each of its two questions.
const SEARCH: Duration = Duration::from_secs(2);
/// How long to wait for what is told of it; the first time it may have to be set up.
const TELL: Duration = Duration::from_secs(15);
/// How long to wait until it has taken in some thousand vectors, or none at all.
const TAKE_IN: Duration = Duration::from_secs(120);
/// How long to wait until an index over all vectors is built.
const MAINTAIN: Duration = Duration::from_secs(3_600);
/// How long searches leave one alone that did not answer.
const PAUSE: Duration = Duration::from_secs(10);

/// A store behind a network.
pub struct Reachable {
    store: Arc<dyn VectorIndex>,
    clock: Arc<dyn Clock>,
    /// When it last failed, since it last answered.
    failed_at: Mutex<Option<Timestamp>>,
}

impl Reachable {
    /// `store`, which is taken to answer until it does not.
    pub fn new(store: Arc<dyn VectorIndex>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, failed_at: Mutex::default() }
    }

    /// What it answers within `patience`.
    async fn within<T>(&self, patience: Duration, answer: impl Future<Output = Result<T>>) -> Result<T> {
        let answer = timeout(patience, answer).await;
        let answer = answer.unwrap_or_else(|_| {
            Err(Error::VectorsUnreachable(format!("no answer within {} s", patience.as_secs())).into())
        });
        self.note(answer.as_ref().err());
        answer
    }

    /// An error of any other kind is an answer too.
    fn note(&self, error: Option<&kernel::Error>) {
        let away = error.filter(|error| error.kind == Kind::Unavailable);
        let mut failed_at = self.failed_at.lock();
        let was_away = std::mem::replace(&mut *failed_at, away.map(|_| self.clock.now())).is_some();
        match away {
            Some(error) if !was_away => {
                tracing::warn!(%error, "searches look at words alone while the store of vectors is away");
            }
            None if was_away => tracing::info!("the store of vectors answers again"),
            _ => {}
        }
    }

    /// Refuses at once what is not urgent while it is known to be away.
    fn is_worth_asking(&self) -> Result<()> {
        match *self.failed_at.lock() {
            Some(at) if self.clock.now() < at.plus(PAUSE) => {
                Err(Error::VectorsUnreachable("it did not answer a moment ago".into()).into())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl VectorIndex for Reachable {
    async fn position(&self) -> Result<u64> {
        self.within(TELL, self.store.position()).await
    }

    fn strictest(&self) -> Privacy {
        self.store.strictest()
    }

    async fn apply(&self, changes: Vec<VectorChange>, position: u64) -> Result<()> {
        self.within(TAKE_IN, self.store.apply(changes, position)).await
    }

    async fn search(
        &self,
        vector: &[f32],
        count: usize,
        allowed: Option<Arc<RoaringBitmap>>,
    ) -> Result<Vec<Near>> {
        self.is_worth_asking()?;
        self.within(SEARCH, self.store.search(vector, count, allowed)).await
    }

    async fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Result<Vec<Option<f32>>> {
        self.is_worth_asking()?;
        self.within(SEARCH, self.store.similarities(vector, numbers)).await
    }

    async fn count(&self) -> Result<u64> {
        self.is_worth_asking()?;
        self.within(TELL, self.store.count()).await
    }

    async fn clear(&self) -> Result<()> {
        self.within(TAKE_IN, self.store.clear()).await
    }

    async fn maintain(&self) -> Result<()> {
        self.within(MAINTAIN, self.store.maintain()).await
    }
}
