//! Doubles for the ports of this crate, and the contract that every real one must keep.
//!
//! [`FakeRunStore`] keeps runs in memory, exactly as [`crate::store`] promises, and can be made to
//! crash at a chosen write, to lose what was not on disk, or to run full. [`contract`] is the suite
//! an implementation of [`crate::RunStore`] calls from its own tests.

mod blobs;
pub mod contract;
mod fake_store;

pub use blobs::FakeBlobs;
pub use fake_store::{CrashPoint, FakeRunStore};
