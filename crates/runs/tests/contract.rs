//! The store in memory keeps the contract, whether it stores at once or after a while.

use std::sync::Arc;

use kernel::SeededEntropy;
use runs::RunStore;
use runs::testing::{FakeRunStore, contract};

#[tokio::test]
async fn the_store_in_memory_keeps_the_contract() {
    contract::run_all(async || Arc::new(FakeRunStore::new()) as Arc<dyn RunStore>).await;
}

#[tokio::test(start_paused = true)]
async fn the_store_in_memory_keeps_the_contract_when_it_takes_its_time() {
    contract::run_all(async || {
        let entropy = Arc::new(SeededEntropy::new(11));
        Arc::new(FakeRunStore::with_latency(entropy)) as Arc<dyn RunStore>
    })
    .await;
}
