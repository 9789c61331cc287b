//! What this plane needs of others.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{Result, Timestamp};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::server::{Program, SecretStorage, SecretText, Server};
use crate::tool::Tool;

/// Keeps servers and their tools.
#[async_trait]
pub trait ConnectorStore: Send + Sync {
    /// All servers, in the order they were added.
    async fn list_servers(&self) -> Result<Vec<Server>>;

    /// Adds a server; `false` if its name is taken.
    async fn create_server(&self, server: &Server, at: Timestamp) -> Result<bool>;

    /// Puts a server in place of the one of its name; `false` if there is none.
    async fn update_server(&self, server: &Server, at: Timestamp) -> Result<bool>;

    /// Removes a server with its tools; `false` if there is none.
    async fn delete_server(&self, name: &str) -> Result<bool>;

    /// The tools of a server, in its own order, and when it listed them last.
    async fn list_tools(&self, server: &str) -> Result<(Vec<Tool>, Option<Timestamp>)>;

    /// Puts these in place of all tools of a server, listed at `at`; does nothing where there is no
    /// such server. `None` leaves the time as it is.
    async fn replace_tools(&self, server: &str, tools: &[Tool], at: Option<Timestamp>) -> Result<()>;
}

/// Keeps the values of secrets, by names of this plane's choice.
#[async_trait]
pub trait SecretKeeper: Send + Sync {
    /// Keeps a value, in place of the one that was there, and says where.
    async fn put(&self, name: &str, value: &SecretText) -> Result<SecretStorage>;

    /// The value of this name.
    async fn find(&self, name: &str, storage: SecretStorage) -> Result<Option<SecretText>>;

    /// Forgets it.
    async fn delete(&self, name: &str, storage: SecretStorage) -> Result<()>;
}

/// Starts the programs that are servers, confined.
#[async_trait]
pub trait Programs: Send + Sync {
    /// Starts one in a sandbox of its own, with a folder that it finds again the next time. It
    /// reaches the hosts it was given and nothing else. Dropping what is returned ends it and all it
    /// started.
    async fn start(&self, starting: Starting<'_>) -> Result<RunningProgram>;

    /// Forgets the folder of a server that is no more.
    async fn forget(&self, server: &str) -> Result<()>;
}

/// A program to start.
pub struct Starting<'a> {
    /// The server's name.
    pub server: &'a str,
    /// What it is.
    pub program: &'a Program,
    /// The values of its secrets.
    pub secrets: BTreeMap<String, SecretText>,
}

/// A program that runs.
pub struct RunningProgram {
    /// What it reads.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// What it writes. It ends when the program has.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// What it wrote last to its standard error.
    pub complaints: Box<dyn Fn() -> String + Send + Sync>,
    /// Keeps it running.
    pub hold: Box<dyn Send + Sync>,
}
