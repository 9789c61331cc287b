//! The store of servers of tools does what every store of them does.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

use connectors::testing::check_store;
use store::{SqlConnectorStore, Workspace};
use testkit::TemporaryWorkspace;

#[tokio::test]
async fn keeps_the_contract() {
    let folder = TemporaryWorkspace::new();
    let workspace = Workspace::open(folder.path()).await.unwrap();
    check_store(&SqlConnectorStore::new(workspace.database().clone())).await;
    workspace.database().close().await;
}
