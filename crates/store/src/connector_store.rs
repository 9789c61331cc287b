//! Servers of tools, and their tools, in SQL.

use async_trait::async_trait;
use connectors::ConnectorStore;
use connectors::server::{Server, Transport};
use connectors::tool::{Class, Grant, Hints, Tool};
use kernel::{Result, Timestamp};
use rusqlite::params;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::sqlite::Database;

/// Keeps servers of tools in a [`Database`].
#[derive(Clone)]
pub struct SqlConnectorStore {
    database: Database,
}

impl SqlConnectorStore {
    /// Servers in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ConnectorStore for SqlConnectorStore {
    async fn list_servers(&self) -> Result<Vec<Server>> {
        let sql = "SELECT name, transport, enabled, approved_digest FROM connectors ORDER BY position";
        let rows = sqlx::query(sql).fetch_all(self.database.readers()).await.map_err(Error::from)?;
        rows.iter()
            .map(|row| {
                Ok(Server {
                    name: row.get(0),
                    transport: read::<Transport>(row.get(1))?,
                    enabled: row.get(2),
                    approved_digest: row.get(3),
                })
            })
            .collect()
    }

    async fn create_server(&self, server: &Server, at: Timestamp) -> Result<bool> {
        let (server, transport) = (server.clone(), written(&server.transport)?);
        let created = self.database.writer().write(move |connection| {
            let sql = "INSERT INTO connectors
                     (name, position, transport, enabled, approved_digest, created_at, updated_at)
                 SELECT ?1, coalesce(max(position), 0) + 1, ?2, ?3, ?4, ?5, ?5 FROM connectors
                 WHERE true ON CONFLICT (name) DO NOTHING";
            let values = params![server.name, transport, server.enabled, server.approved_digest, at.0];
            Ok(connection.execute(sql, values)?)
        });
        Ok(created.await? > 0)
    }

    async fn update_server(&self, server: &Server, at: Timestamp) -> Result<bool> {
        let (server, transport) = (server.clone(), written(&server.transport)?);
        let updated = self.database.writer().write(move |connection| {
            let sql =
                "UPDATE connectors SET transport = ?2, enabled = ?3, approved_digest = ?4, updated_at = ?5
                 WHERE name = ?1";
            let values = params![server.name, transport, server.enabled, server.approved_digest, at.0];
            Ok(connection.execute(sql, values)?)
        });
        Ok(updated.await? > 0)
    }

    async fn delete_server(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        let deleted = self.database.writer().write(move |connection| {
            connection.execute("DELETE FROM connector_tools WHERE connector = ?1", [&name])?;
            Ok(connection.execute("DELETE FROM connectors WHERE name = ?1", [&name])?)
        });
        Ok(deleted.await? > 0)
    }

    async fn list_tools(&self, server: &str) -> Result<(Vec<Tool>, Option<Timestamp>)> {
        let at = sqlx::query("SELECT listed_at FROM connectors WHERE name = ?1")
            .bind(server)
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        let sql = "SELECT name, definition, digest, owner_class, permission, has_changed, is_listed
             FROM connector_tools WHERE connector = ?1 ORDER BY position";
        let rows =
            sqlx::query(sql).bind(server).fetch_all(self.database.readers()).await.map_err(Error::from)?;
        let tools = rows.iter().map(tool).collect::<Result<_>>()?;
        Ok((tools, at.and_then(|row| row.get::<Option<i64>, _>(0)).map(Timestamp)))
    }

    async fn replace_tools(&self, server: &str, tools: &[Tool], at: Option<Timestamp>) -> Result<()> {
        let server = server.to_owned();
        let rows: Vec<(Tool, String)> = tools
            .iter()
            .map(|tool| Ok((tool.clone(), written(&Definition::of(tool))?)))
            .collect::<Result<_>>()?;
        let replaced = self.database.writer().write(move |connection| {
            let sql = "UPDATE connectors SET listed_at = coalesce(?2, listed_at) WHERE name = ?1";
            if connection.execute(sql, params![server, at.map(|at| at.0)])? == 0 {
                return Ok(());
            }
            connection.execute("DELETE FROM connector_tools WHERE connector = ?1", [&server])?;
            let sql = "INSERT INTO connector_tools (connector, name, position, definition, digest,
                     owner_class, permission, has_changed, is_listed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let mut statement = connection.prepare_cached(sql)?;
            for (position, (tool, definition)) in rows.iter().enumerate() {
                let class = tool.owner_class.map(Class::as_str);
                let grant = tool.grant.as_str();
                let flags = (tool.has_changed, tool.is_listed);
                statement.execute(params![
                    server,
                    tool.name,
                    i64::try_from(position).unwrap_or(i64::MAX),
                    definition,
                    tool.digest,
                    class,
                    grant,
                    flags.0,
                    flags.1
                ])?;
            }
            Ok(())
        });
        Ok(replaced.await?)
    }
}

/// What a server says of a tool, as its row has it.
#[derive(Serialize, Deserialize)]
struct Definition {
    title: Option<String>,
    description: String,
    input_schema: Value,
    hints: Hints,
}

impl Definition {
    fn of(tool: &Tool) -> Self {
        Self {
            title: tool.title.clone(),
            description: tool.description.clone(),
            input_schema: tool.input_schema.clone(),
            hints: tool.hints,
        }
    }
}

fn tool(row: &SqliteRow) -> Result<Tool> {
    let definition: Definition = read(row.get(1))?;
    let class: Option<String> = row.get(3);
    let grant: String = row.get(4);
    Ok(Tool {
        name: row.get(0),
        title: definition.title,
        description: definition.description,
        input_schema: definition.input_schema,
        hints: definition.hints,
        digest: row.get(2),
        owner_class: class.map(|class| named::<Class>(&class)).transpose()?,
        grant: named::<Grant>(&grant)?,
        has_changed: row.get(5),
        is_listed: row.get(6),
    })
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(kernel::Error::internal)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(error.to_string()).into())
}

fn named<T: DeserializeOwned>(name: &str) -> Result<T> {
    serde_json::from_value(name.into()).map_err(|error| Error::Unreadable(error.to_string()).into())
}
