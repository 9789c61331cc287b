//! A store and secrets in memory, and no way to start programs, for tests.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{Error, Result, Timestamp};
use parking_lot::Mutex;

use crate::ports::{ConnectorStore, Programs, RunningProgram, SecretKeeper, Starting};
use crate::server::{SecretStorage, SecretText, Server};
use crate::tool::Tool;

/// A server, its tools, and when it listed them last.
type Row = (Server, Vec<Tool>, Option<Timestamp>);

/// Keeps servers in memory.
#[derive(Default)]
pub struct FakeConnectorStore {
    rows: Mutex<Vec<Row>>,
}

#[async_trait]
impl ConnectorStore for FakeConnectorStore {
    async fn list_servers(&self) -> Result<Vec<Server>> {
        Ok(self.rows.lock().iter().map(|(server, ..)| server.clone()).collect())
    }

    async fn create_server(&self, server: &Server, _: Timestamp) -> Result<bool> {
        let mut rows = self.rows.lock();
        let is_new = !rows.iter().any(|(one, ..)| one.name == server.name);
        if is_new {
            rows.push((server.clone(), Vec::new(), None));
        }
        Ok(is_new)
    }

    async fn update_server(&self, server: &Server, _: Timestamp) -> Result<bool> {
        let mut rows = self.rows.lock();
        let row = rows.iter_mut().find(|(one, ..)| one.name == server.name);
        Ok(row.map(|row| row.0 = server.clone()).is_some())
    }

    async fn delete_server(&self, name: &str) -> Result<bool> {
        let mut rows = self.rows.lock();
        let before = rows.len();
        rows.retain(|(one, ..)| one.name != name);
        Ok(rows.len() < before)
    }

    async fn list_tools(&self, server: &str) -> Result<(Vec<Tool>, Option<Timestamp>)> {
        let rows = self.rows.lock();
        let row = rows.iter().find(|(one, ..)| one.name == server);
        Ok(row.map(|(_, tools, at)| (tools.clone(), *at)).unwrap_or_default())
    }

    async fn replace_tools(&self, server: &str, tools: &[Tool], at: Option<Timestamp>) -> Result<()> {
        if let Some(row) = self.rows.lock().iter_mut().find(|(one, ..)| one.name == server) {
            (row.1, row.2) = (tools.to_vec(), at.or(row.2));
        }
        Ok(())
    }
}

/// Keeps secrets in memory.
#[derive(Default)]
pub struct FakeSecrets {
    values: Mutex<BTreeMap<String, SecretText>>,
}

impl FakeSecrets {
    /// The names of what is kept.
    pub fn names(&self) -> Vec<String> {
        self.values.lock().keys().cloned().collect()
    }
}

#[async_trait]
impl SecretKeeper for FakeSecrets {
    async fn put(&self, name: &str, value: &SecretText) -> Result<SecretStorage> {
        self.values.lock().insert(name.to_owned(), value.clone());
        Ok(SecretStorage::EncryptedFile)
    }

    async fn find(&self, name: &str, _: SecretStorage) -> Result<Option<SecretText>> {
        Ok(self.values.lock().get(name).cloned())
    }

    async fn delete(&self, name: &str, _: SecretStorage) -> Result<()> {
        self.values.lock().remove(name);
        Ok(())
    }
}

/// Starts nothing.
pub struct NoPrograms;

#[async_trait]
impl Programs for NoPrograms {
    async fn start(&self, _: Starting<'_>) -> Result<RunningProgram> {
        Err(Error::unavailable("sandbox_unavailable", "Nothing is started here"))
    }

    async fn forget(&self, _: &str) -> Result<()> {
        Ok(())
    }
}

/// A contract that every store keeps.
///
/// # Panics
/// When it does not.
pub async fn check_store(store: &dyn ConnectorStore) {
    use crate::server::{Program, Transport};
    let at = Timestamp(1_000);
    let http = Transport::Http { url: "https://a.example/mcp".into(), token: Some(SecretStorage::Keychain) };
    let first = Server { name: "one".into(), transport: http, enabled: true, approved_digest: None };
    let mut program = Program { command: "npx".into(), args: vec!["-y".into()], ..Program::default() };
    program.secrets.insert("TOKEN".into(), SecretStorage::EncryptedFile);
    program.folders.insert("/srv".into());
    let second = Server { name: "a".into(), transport: Transport::Stdio(program), ..first.clone() };
    assert!(store.create_server(&first, at).await.expect("created"));
    assert!(!store.create_server(&first, at).await.expect("looked at"), "a name is taken once");
    assert!(store.create_server(&second, at).await.expect("created"));
    let listed = store.list_servers().await.expect("listed");
    assert_eq!(listed, [first.clone(), second.clone()], "in the order they were added");

    let changed = Server { enabled: false, approved_digest: Some("d".into()), ..first.clone() };
    assert!(store.update_server(&changed, at).await.expect("updated"));
    assert_eq!(store.list_servers().await.expect("listed")[0], changed);
    let missing = Server { name: "none".into(), ..first };
    assert!(!store.update_server(&missing, at).await.expect("looked at"));

    let tool = |name: &str, grant| Tool {
        name: name.into(),
        title: None,
        description: "Says.".into(),
        input_schema: serde_json::json!({"type": "object", "z": 1, "a": 2}),
        hints: crate::tool::Hints { read_only: Some(true), ..<_>::default() },
        digest: "x".into(),
        owner_class: Some(crate::Class::Read),
        grant,
        has_changed: true,
        is_listed: true,
    };
    let tools = [tool("z", crate::Grant::Allow), tool("b", crate::Grant::Deny)];
    assert_eq!(store.list_tools("one").await.expect("read"), (Vec::new(), None));
    store.replace_tools("one", &tools, Some(at)).await.expect("replaced");
    assert_eq!(store.list_tools("one").await.expect("read"), (tools.to_vec(), Some(at)), "in their order");
    store.replace_tools("one", &tools[..1], None).await.expect("replaced");
    assert_eq!(store.list_tools("one").await.expect("read"), (tools[..1].to_vec(), Some(at)));
    store.replace_tools("none", &tools, Some(at)).await.expect("ignored");
    assert_eq!(store.list_tools("none").await.expect("read").0, []);

    assert!(store.delete_server("one").await.expect("deleted"));
    assert!(!store.delete_server("one").await.expect("looked at"));
    assert_eq!(store.list_tools("one").await.expect("read"), (Vec::new(), None), "its tools go with it");
}
