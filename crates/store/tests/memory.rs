//! The memory store on a real database keeps the contract, and its index can be made anew.

use std::sync::Arc;

use kernel::{Privacy, SystemClock, SystemEntropy};
use memory::testing::FakeEmbedder;
use memory::{Memory, NewDocument, Query, VectorIndex};
use store::{SqlMemoryStore, SqlVectorStore, Workspace};

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

#[tokio::test]
async fn sqlite_keeps_the_contract_of_vector_stores() {
    let f = fixture().await;
    let documents = Arc::new(SqlMemoryStore::new(f.workspace.database().clone()));
    let vectors = Arc::new(SqlVectorStore::new(f.workspace.database().clone()));
    memory::testing::vector_contract(documents, vectors).await;
}

#[tokio::test]
async fn what_is_remembered_while_the_index_keeps_up_gets_its_vector() {
    let f = fixture().await;
    let vectors = Arc::new(SqlVectorStore::new(f.workspace.database().clone()));
    let index = VectorIndex::new(vectors, Arc::new(FakeEmbedder::new("e", 3)));
    let keeping = tokio::spawn({
        let (index, memory) = (index.clone(), f.memory.clone());
        async move { index.keep_up(&memory).await }
    });
    for count in 1..=3 {
        f.remember(&format!("note {count}"), "the ficus needs water").await;
        let done = async {
            while index.progress().await.unwrap().is_none_or(|progress| progress.done < count) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), done).await.expect("it gets its vector");
    }
    keeping.abort();
    f.sql("DELETE FROM documents").await;
    let left = index.progress().await.unwrap().expect("the version stays");
    assert_eq!((left.done, left.total), (0, 0), "vectors go with their documents");
}
