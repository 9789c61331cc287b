//! For the tests of other crates: stores in memory, and the suite that every store must pass.

mod contract;
mod fake;

pub use contract::provider_store_contract;
pub use fake::{FakeKeyStore, FakeProviderStore};
