//! The memory store on a real database keeps the contracts.

use std::sync::Arc;

use store::{SqlEmbeddingStore, SqlMemoryStore, Workspace};

async fn workspace() -> (Workspace, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
    (workspace, folder)
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_memory_stores() {
    let (workspace, _folder) = workspace().await;
    memory::testing::contract(Arc::new(SqlMemoryStore::new(workspace.database().clone()))).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_logs() {
    let (workspace, _folder) = workspace().await;
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    memory::testing::log_contract(store.clone(), store).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_facts() {
    let (workspace, _folder) = workspace().await;
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    memory::testing::fact_contract(store.clone(), store).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_summaries() {
    let (workspace, _folder) = workspace().await;
    let store = SqlMemoryStore::new(workspace.database().clone());
    memory::testing::summary_contract(Arc::new(store)).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_embedding_stores() {
    let (workspace, _folder) = workspace().await;
    let documents = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let vectors = Arc::new(SqlEmbeddingStore::new(workspace.database().clone()));
    memory::testing::embedding_contract(documents, vectors).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_collections() {
    let (workspace, _folder) = workspace().await;
    let documents = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let vectors = Arc::new(SqlEmbeddingStore::new(workspace.database().clone()));
    memory::testing::collection_contract(documents, vectors).await;
}
