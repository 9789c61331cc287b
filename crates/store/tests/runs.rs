//! The run store on a real database keeps the contract, also after its process was killed.

use std::sync::Arc;

use runs::RunStore;
use store::{SqlRunStore, Workspace};

#[tokio::test]
async fn sqlite_keeps_the_contract_of_run_stores() {
    runs::testing::contract::run_all(|| async {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
        // The folder goes when the test ends; open files stay readable until then.
        std::mem::forget(folder);
        let store: Arc<dyn RunStore> = Arc::new(SqlRunStore::new(workspace.database().clone()));
        store
    })
    .await;
}
