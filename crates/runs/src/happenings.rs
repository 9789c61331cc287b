//! What is worth taking note of beyond a run's own log, kept until somebody has.
//!
//! Invariant: a happening is stored in the same transaction as its event, so that none is missed
//! whenever the process ends; who takes note may be given one twice.

use async_trait::async_trait;

use crate::error::Error;
use crate::event::{Event, EventRecord};

/// Something worth taking note of.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Its place among all happenings, counted up.
    pub position: u64,
    /// What happened.
    pub record: EventRecord,
}

/// Keeps happenings.
#[async_trait]
pub trait Happenings: Send + Sync {
    /// The oldest happenings after a position, at most `limit`, in order.
    async fn list_happenings(&self, after: u64, limit: u32) -> Result<Vec<Happening>, Error>;

    /// Forgets those at these positions.
    async fn drop_happenings(&self, positions: Vec<u64>) -> Result<(), Error>;
}

impl Event {
    /// Whether it is a happening: a person decided, a step failed for good, a file was made.
    pub fn is_happening(&self) -> bool {
        match self {
            Self::GateDecided(_) | Self::ArtifactAdded(_) => true,
            Self::StepFailed(failed) => failed.retry_at.is_none(),
            _ => false,
        }
    }
}
