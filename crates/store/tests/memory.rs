//! The memory store on a real database keeps the contract, and its index can be made anew.

use std::sync::Arc;

use kernel::{Privacy, SystemClock, SystemEntropy};
use memory::{Memory, NewDocument, Query};
use store::{SqlMemoryStore, Workspace};

struct Fixture {
    workspace: Workspace,
    memory: Memory,
    _folder: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let memory = Memory::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy));
    Fixture { workspace, memory, _folder: folder }
}

impl Fixture {
    async fn remember(&self, key: &str, text: &str) {
        let new = NewDocument {
            collection: "notes".into(),
            key: key.into(),
            title: String::new(),
            text: text.into(),
            source: "test".into(),
            privacy: Privacy::Local,
        };
        self.memory.remember(new).await.expect("it is remembered");
    }

    async fn keys(&self, query: &str) -> Vec<String> {
        let hits = self.memory.search(Query::new(query, 100)).await.expect("it can be searched");
        hits.into_iter().map(|hit| hit.document.key).collect()
    }

    async fn sql(&self, sql: &'static str) {
        let done = self.workspace.database().writer().write(move |connection| {
            connection.execute_batch(sql)?;
            Ok(())
        });
        done.await.expect("the statement works");
    }
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_memory_stores() {
    let f = fixture().await;
    memory::testing::contract(Arc::new(SqlMemoryStore::new(f.workspace.database().clone()))).await;
    // SQLite compares the index with the documents and fails when they differ.
    f.sql("INSERT INTO keyword_index (keyword_index, rank) VALUES ('integrity-check', 1)").await;
}

#[tokio::test]
async fn inflections_are_found() {
    let f = fixture().await;
    f.remember("en", "We reported the invoices").await;
    f.remember("pt", "Os relatórios mensais").await;
    assert_eq!(f.keys("reporting an invoice").await, ["en"]);
    assert_eq!(f.keys("qual relatório?").await, ["pt"]);
    assert_eq!(f.keys("mensal").await, ["pt"], "only alike, so found among the newest");
}

#[tokio::test]
async fn the_index_can_be_made_anew_from_the_documents() {
    let f = fixture().await;
    f.remember("one", "the ficus needs water").await;
    f.sql("INSERT INTO keyword_index (keyword_index) VALUES ('delete-all')").await;
    assert_eq!(f.memory.recall("ficus water", 5, "").await.expect("nothing").len(), 0);
    f.sql("INSERT INTO keyword_index (keyword_index) VALUES ('rebuild')").await;
    assert_eq!(f.memory.recall("ficus water", 5, "").await.expect("a hit").len(), 1);
}

#[tokio::test]
async fn what_was_remembered_is_there_after_a_restart() {
    let f = fixture().await;
    f.remember("one", "the ficus needs water").await;
    f.workspace.database().close().await;
    let workspace = Workspace::open(f.workspace.folder()).await.expect("the workspace opens again");
    let store = Arc::new(SqlMemoryStore::new(workspace.database().clone()));
    let memory = Memory::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy));
    let hits = memory.search(Query::new("ficus", 5)).await.expect("a hit");
    assert_eq!(hits[0].document.text, "the ficus needs water");
}
