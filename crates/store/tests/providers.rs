//! The store of model providers does what every store of them does.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use models::testing::provider_store_contract;
use store::{SqlProviderStore, Workspace};
use testkit::TemporaryWorkspace;

#[tokio::test]
async fn keeps_the_contract() {
    let folder = TemporaryWorkspace::new();
    let workspace = Workspace::open(folder.path()).await.unwrap();
    provider_store_contract(&SqlProviderStore::new(workspace.database().clone())).await;
    workspace.database().close().await;
}
