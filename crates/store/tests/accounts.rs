//! The account store on a real database keeps the contract, also between processes.

use std::sync::Arc;

use accounts::{Accounts, NewToken, Scopes};
use kernel::{Kind, SystemClock, SystemEntropy};
use store::{SqlAccountStore, Workspace};

#[tokio::test]
async fn sqlite_keeps_the_contract_of_account_stores() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
    accounts::testing::contract(Arc::new(SqlAccountStore::new(workspace.database().clone()))).await;
}

#[tokio::test]
async fn another_process_makes_one_time_keys_and_revokes_tokens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Workspace::open(folder.path()).await.expect("the workspace opens");
    let command_line = Workspace::open(folder.path()).await.expect("the workspace opens again");
    let [server, command_line] = [server, command_line].map(|workspace| {
        let store = Arc::new(SqlAccountStore::new(workspace.database().clone()));
        Accounts::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy))
    });
    let key = command_line.new_open_key().await.expect("a key");
    let session = server.open_with_key(&key).await.expect("the key opens a session");
    server.authenticate_session(session.cookie_value.expose()).await.expect("the session holds");
    let new = NewToken { name: "cron".into(), scopes: Scopes::all(), expires_at: None };
    let issued = server.issue_token(new).await.expect("a token");
    command_line.authenticate_bearer(issued.secret.expose()).await.expect("the token is known");
    command_line.revoke_token(&issued.id).await.expect("it can be revoked");
    let refused = server.authenticate_bearer(issued.secret.expose()).await.expect_err("it is revoked");
    assert_eq!(refused.kind, Kind::Unauthenticated);
}

#[tokio::test]
async fn a_one_time_key_used_twice_at_once_opens_one_session() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
    let store = Arc::new(SqlAccountStore::new(workspace.database().clone()));
    let accounts = Accounts::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy));
    let key = accounts.new_open_key().await.expect("a key");
    let tries = futures::future::join_all((0..20).map(|_| accounts.open_with_key(&key))).await;
    assert_eq!(tries.iter().filter(|opened| opened.is_ok()).count(), 1);
}

#[tokio::test]
async fn no_secret_is_in_the_files_of_the_workspace() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(folder.path()).await.expect("the workspace opens");
    let store = Arc::new(SqlAccountStore::new(workspace.database().clone()));
    let accounts = Accounts::new(store, Arc::new(SystemClock), Arc::new(SystemEntropy));
    let new = NewToken { name: "canary".into(), scopes: Scopes::all(), expires_at: None };
    let token = accounts.issue_token(new).await.expect("a token").secret;
    let session = accounts.exchange(token.expose()).await.expect("a session").cookie_value;
    let key = accounts.new_open_key().await.expect("a key");
    workspace.database().close().await;
    let stored = std::fs::read(folder.path().join("workspace.sqlite3")).expect("the database file");
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("canary"), "the file is the one that was written");
    for secret in [token.expose(), session.expose(), &key] {
        assert!(!holds(&secret[4..]), "a secret is stored");
    }
}
