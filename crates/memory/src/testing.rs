//! For tests of this and other crates: a store in memory, and the suite every store must pass.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod contract;
mod fake;
mod vector_contract;

pub use contract::contract;
pub use fake::FakeMemoryStore;
pub use vector_contract::{FakeEmbedder, vector_contract};
