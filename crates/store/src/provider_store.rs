//! Model providers and their routing in SQL.

use async_trait::async_trait;
use kernel::{Result, Timestamp};
use models::providers::{KeyReference, KeyStorage, ProviderRecord, ProviderStore, Routing};
use models::{Dialect, Policy, Price, TimeoutOptions};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::error::Error;
use crate::sqlite::Database;

/// Keeps providers in a [`Database`].
#[derive(Clone)]
pub struct SqlProviderStore {
    database: Database,
}

impl SqlProviderStore {
    /// Providers in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl ProviderStore for SqlProviderStore {
    async fn list_providers(&self) -> Result<Vec<ProviderRecord>> {
        let rows = sqlx::query("SELECT name, config FROM providers ORDER BY position")
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(|row| Ok(read::<Config>(row.get(1))?.record(row.get(0)))).collect()
    }

    async fn create_provider(&self, record: &ProviderRecord, at: Timestamp) -> Result<bool> {
        let (name, config) = (record.name.clone(), written(&Config::of(record))?);
        let created = self.database.writer().write(move |connection| {
            let sql = "INSERT INTO providers (name, position, config, created_at, updated_at)
                 SELECT ?1, coalesce(max(position), 0) + 1, ?2, ?3, ?3 FROM providers
                 WHERE true ON CONFLICT (name) DO NOTHING";
            Ok(connection.execute(sql, params![name, config, at.0])?)
        });
        Ok(created.await? > 0)
    }

    async fn update_provider(&self, record: &ProviderRecord, at: Timestamp) -> Result<bool> {
        let (name, config) = (record.name.clone(), written(&Config::of(record))?);
        let updated = self.database.writer().write(move |connection| {
            let sql = "UPDATE providers SET config = ?2, updated_at = ?3 WHERE name = ?1";
            Ok(connection.execute(sql, params![name, config, at.0])?)
        });
        Ok(updated.await? > 0)
    }

    async fn delete_provider(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        let deleted = self.database.writer().write(move |connection| {
            Ok(connection.execute("DELETE FROM providers WHERE name = ?1", [name])?)
        });
        Ok(deleted.await? > 0)
    }

    async fn find_routing(&self) -> Result<Option<Routing>> {
        let row = sqlx::query("SELECT config FROM routing")
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        row.map(|row| Ok(read::<RoutingRow>(row.get(0))?.into())).transpose()
    }

    async fn set_routing(&self, routing: &Routing) -> Result<()> {
        let config = written(&RoutingRow::from(routing))?;
        let set = self.database.writer().write(move |connection| {
            let sql = "INSERT INTO routing (only_one, config) VALUES (1, ?1)
                 ON CONFLICT (only_one) DO UPDATE SET config = excluded.config";
            connection.execute(sql, [config])?;
            Ok(())
        });
        Ok(set.await?)
    }

    async fn list_dismissed(&self) -> Result<Vec<String>> {
        let rows = sqlx::query("SELECT name FROM dismissed_suggestions ORDER BY name")
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn dismiss(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        let dismissed = self.database.writer().write(move |connection| {
            connection.execute("INSERT OR IGNORE INTO dismissed_suggestions (name) VALUES (?1)", [name])?;
            Ok(())
        });
        Ok(dismissed.await?)
    }
}

/// A provider but for its name, as its row has it.
#[derive(Serialize, Deserialize)]
struct Config {
    title: Option<String>,
    preset: Option<String>,
    dialect: Dialect,
    base_url: String,
    model: String,
    enabled: bool,
    timeouts: Option<TimeoutOptions>,
    concurrency: Option<usize>,
    price: Option<Price>,
    context_tokens: Option<u64>,
    key: Key,
}

/// Where a key is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Key {
    None,
    Keychain,
    EncryptedFile,
    Variable(String),
}

impl Config {
    fn of(record: &ProviderRecord) -> Self {
        let record = record.clone();
        Self {
            title: record.title,
            preset: record.preset,
            dialect: record.dialect,
            base_url: record.base_url,
            model: record.model,
            enabled: record.enabled,
            timeouts: record.timeouts,
            concurrency: record.concurrency,
            price: record.price,
            context_tokens: record.context_tokens,
            key: match record.key {
                KeyReference::None => Key::None,
                KeyReference::Stored(KeyStorage::Keychain) => Key::Keychain,
                KeyReference::Stored(KeyStorage::EncryptedFile) => Key::EncryptedFile,
                KeyReference::Variable(name) => Key::Variable(name),
            },
        }
    }

    fn record(self, name: String) -> ProviderRecord {
        ProviderRecord {
            name,
            title: self.title,
            preset: self.preset,
            dialect: self.dialect,
            base_url: self.base_url,
            model: self.model,
            enabled: self.enabled,
            timeouts: self.timeouts,
            concurrency: self.concurrency,
            price: self.price,
            context_tokens: self.context_tokens,
            key: match self.key {
                Key::None => KeyReference::None,
                Key::Keychain => KeyReference::Stored(KeyStorage::Keychain),
                Key::EncryptedFile => KeyReference::Stored(KeyStorage::EncryptedFile),
                Key::Variable(name) => KeyReference::Variable(name),
            },
        }
    }
}

/// The routing, as its row has it.
#[derive(Serialize, Deserialize)]
struct RoutingRow {
    policy: Policy,
    local_only: bool,
    order: Vec<String>,
    hedge_after_ms: Option<u64>,
    chain: Option<Vec<String>>,
}

impl From<&Routing> for RoutingRow {
    fn from(routing: &Routing) -> Self {
        let Routing { policy, local_only, order, hedge_after_ms, chain } = routing.clone();
        Self { policy, local_only, order, hedge_after_ms, chain }
    }
}

impl From<RoutingRow> for Routing {
    fn from(row: RoutingRow) -> Self {
        let RoutingRow { policy, local_only, order, hedge_after_ms, chain } = row;
        Self { policy, local_only, order, hedge_after_ms, chain }
    }
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(kernel::Error::internal)
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(error.to_string()).into())
}
