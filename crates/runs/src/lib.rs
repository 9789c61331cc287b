//! Runs: one durable engine for every piece of work that takes time or can fail.
//!
//! A run is an append-only log of numbered [`Event`]s. What is known of a run is the fold of its
//! log ([`RunState`]); what may happen next is decided by a pure state machine ([`machine`]);
//! everything that touches time, tasks or storage is in [`Engine`].
//!
//! Invariants:
//! - A step's result is recorded before the next step begins, and recorded exactly once; its body
//!   runs at least once.
//! - A run that waits holds no task and no memory; a decision, a timer or a child's end wakes it.
//! - Only the holder of a run's lease, at the lease's epoch, can append on the run's behalf.
//! - An event is published to subscribers only after the store has committed it, in order.
//!
//! Start reading at [`workflow`] for how work is written, then [`machine`] and [`engine`].

pub mod blobs;
pub mod context;
pub mod engine;
pub mod error;
pub mod event;
pub mod feed;
pub mod happenings;
pub mod machine;
pub mod state;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod workflow;

pub use blobs::Blobs;
pub use context::{Approval, GateRequest, RunContext, StepOptions, StepScope};
pub use engine::{Decision, Engine, EngineOptions, Submission};
pub use error::Error;
pub use event::{Event, EventRecord, Failure, LogLevel, Verdict};
pub use feed::{Feed, Subscription};
pub use happenings::{Happening, Happenings};
pub use state::{Record, RecordKind, RunState, Status};
pub use store::{Commit, Durability, RunFilter, RunRow, RunStore};
pub use workflow::{Registry, RetryPolicy, Workflow};
