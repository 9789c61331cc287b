//! For tests of this and other crates: a store in memory, and the suite every store must pass.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod contract;
mod fake;

pub use contract::contract;
pub use fake::FakeMemoryStore;
