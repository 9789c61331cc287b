//! For tests of this and other crates: a ledger in memory, and the suite every ledger must pass.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod contract;
mod fake;

pub use contract::contract;
pub use fake::FakeLedger;
