//! For tests of this and other crates: stores in memory, and the suites that every store must pass.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod ledger;
mod ledger_contract;
mod provider_store_contract;
mod providers;

pub use ledger::FakeLedger;
pub use ledger_contract::ledger_contract;
pub use provider_store_contract::provider_store_contract;
pub use providers::{FakeKeyStore, FakeProviderStore};
