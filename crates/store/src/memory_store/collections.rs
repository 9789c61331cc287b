//! How collections are set up. Triggers keep what is stored later at the label of its collection.

use std::collections::BTreeMap;

use kernel::{Result, Timestamp};
use memory::collection::{CollectionChange, CollectionSettings};
use memory::{LogKind, facts};
use rusqlite::{Connection, OptionalExtension, Row, params};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::SqlMemoryStore;
use crate::error::Error;

const SETTINGS: &str = "privacy, chunk_characters, embedded FROM collection_settings";

impl SqlMemoryStore {
    pub(super) async fn settings_of(&self, collection: &str) -> Result<CollectionSettings> {
        let sql = format!("SELECT {SETTINGS} WHERE collection = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(collection)
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        Ok(row.as_ref().map(read).transpose()?.unwrap_or_default())
    }

    pub(super) async fn all_settings(&self) -> Result<BTreeMap<String, CollectionSettings>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT collection, {SETTINGS}")))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(|row| Ok((row.get("collection"), read(row)?))).collect()
    }
}

/// Sets a collection up, and has what is stored follow.
pub(super) fn change(
    connection: &Connection,
    collection: &str,
    change: &CollectionChange,
    now: Timestamp,
) -> Result<CollectionSettings, Error> {
    let before = find(connection, collection)?;
    let settings = before.with(change);
    if settings == CollectionSettings::default() {
        connection.execute("DELETE FROM collection_settings WHERE collection = ?1", [collection])?;
    } else {
        connection.execute(
            "INSERT INTO collection_settings (collection, privacy, chunk_characters, embedded, updated_at)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (collection) DO UPDATE SET privacy = excluded.privacy,
                 chunk_characters = excluded.chunk_characters, embedded = excluded.embedded,
                 updated_at = excluded.updated_at",
            params![
                collection,
                settings.privacy.map(kernel::Privacy::as_str),
                settings.chunk_characters,
                settings.embedded,
                now.0
            ],
        )?;
    }
    if settings.floor() == kernel::Privacy::Local {
        keep_here(connection, collection)?;
    }
    if settings.max_characters() != before.max_characters() {
        divide_anew(connection, collection)?;
    }
    if settings.is_embedded() != before.is_embedded() {
        touch(connection, collection)?;
    }
    Ok(settings)
}

/// Has the documents of a collection be divided anew.
pub(super) fn divide_anew(connection: &Connection, collection: &str) -> Result<(), Error> {
    connection.execute("UPDATE documents SET chunking = 0 WHERE collection = ?1", [collection])?;
    Ok(())
}

/// Labels everything in a collection as what stays on this machine.
fn keep_here(connection: &Connection, collection: &str) -> Result<(), Error> {
    connection.execute(
        "UPDATE documents SET privacy = 'local' WHERE collection = ?1 AND privacy <> 'local'",
        [collection],
    )?;
    if collection == facts::COLLECTION {
        connection.execute("UPDATE facts SET privacy = 'local' WHERE privacy <> 'local'", [])?;
    }
    for kind in [LogKind::Decision, LogKind::Error].into_iter().filter(|kind| kind.collection() == collection)
    {
        connection.execute(
            "UPDATE memory_log SET privacy = 'local' WHERE kind = ?1 AND privacy <> 'local'",
            [kind.as_str()],
        )?;
    }
    Ok(())
}

/// Lets indices know that all chunks of a collection are to be looked at again.
fn touch(connection: &Connection, collection: &str) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM chunk_changes WHERE chunk IN (SELECT chunks.number FROM chunks
             JOIN documents ON documents.number = chunks.document WHERE documents.collection = ?1)",
        [collection],
    )?;
    connection.execute(
        "INSERT INTO chunk_changes (chunk) SELECT chunks.number FROM chunks
             JOIN documents ON documents.number = chunks.document
         WHERE documents.collection = ?1 ORDER BY chunks.document, chunks.ordinal",
        [collection],
    )?;
    Ok(())
}

fn find(connection: &Connection, collection: &str) -> Result<CollectionSettings, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT {SETTINGS} WHERE collection = ?1"))?;
    let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = statement.query_row([collection], columns).optional()?;
    found.map_or(Ok(CollectionSettings::default()), |(privacy, chunk_characters, embedded)| {
        settings(privacy, chunk_characters, embedded)
    })
}

fn read(row: &SqliteRow) -> Result<CollectionSettings> {
    Ok(settings(row.get("privacy"), row.get("chunk_characters"), row.get("embedded"))?)
}

fn settings(
    privacy: Option<String>,
    chunk_characters: Option<u32>,
    embedded: Option<bool>,
) -> Result<CollectionSettings, Error> {
    let label = |text: String| text.parse().map_err(|error: kernel::Error| Error::Unreadable(error.message));
    Ok(CollectionSettings { privacy: privacy.map(label).transpose()?, chunk_characters, embedded })
}
