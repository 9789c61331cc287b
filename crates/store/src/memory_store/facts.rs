//! Facts in SQL. Each write is a row; the newest of a key stands.

use async_trait::async_trait;
use kernel::{Actor, Page, PageRequest, Privacy, Result, Timestamp};
use memory::Document;
use memory::chunk::NewChunk;
use memory::facts::{
    COLLECTION, Fact, FactStore, FactVersion, FactWritten, HISTORY, MAX_FACTS, NewFact, document_key,
    read_cursor,
};
use rusqlite::{Connection, OptionalExtension, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::documents::put;
use super::{SqlMemoryStore, as_integer, read_json, read_privacy};
use crate::error::Error;

const VERSION: &str = "number, key, version, privacy, actor, written_at, expires_at, value";

#[async_trait]
impl FactStore for SqlMemoryStore {
    async fn put_fact(
        &self,
        fact: &NewFact,
        document: Option<(&Document, &[NewChunk])>,
        now: Timestamp,
    ) -> Result<FactWritten> {
        let fact = fact.clone();
        let document = document.map(|(document, chunks)| (document.clone(), chunks.to_vec()));
        let written = self.database.writer().write(move |connection| {
            erase_expired(connection, now)?;
            let (agent, key) = (fact.agent.as_str(), fact.key.as_str());
            let current = standing(connection, agent, key)?;
            if fact.expected_version.is_some_and(|expected| expected != current) {
                return Ok(FactWritten::OtherStands(current));
            }
            if current == 0 && count(connection, agent)? >= MAX_FACTS {
                return Ok(FactWritten::Full);
            }
            let value = fact.value.to_string();
            let row =
                Writing { value: Some(&value), privacy: fact.privacy, expires_at: fact.expires_at, now };
            let version = write(connection, agent, key, &fact.actor, &row)?;
            match &document {
                Some((document, chunks)) => {
                    put(connection, document, chunks)?;
                }
                None => forget(connection, agent, key)?,
            }
            Ok(FactWritten::Written(version))
        });
        Ok(written.await?)
    }

    async fn delete_fact(&self, agent: &str, key: &str, actor: &Actor, now: Timestamp) -> Result<bool> {
        let (agent, key, actor) = (agent.to_owned(), key.to_owned(), actor.clone());
        let deleted = self.database.writer().write(move |connection| {
            erase_expired(connection, now)?;
            if standing(connection, &agent, &key)? == 0 {
                return Ok(false);
            }
            write(connection, &agent, &key, &actor, &Writing::taken_back(now))?;
            forget(connection, &agent, &key)?;
            Ok(true)
        });
        Ok(deleted.await?)
    }

    async fn find_fact(&self, agent: &str, key: &str, now: Timestamp) -> Result<Option<Fact>> {
        let sql = format!(
            "SELECT {VERSION} FROM facts WHERE agent = ?1 AND key = ?2 AND stands = 1 AND value IS NOT NULL
                 AND (expires_at IS NULL OR expires_at > ?3)"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(agent)
            .bind(key)
            .bind(now.0)
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        row.as_ref().map(|row| read_fact(agent, row)).transpose()
    }

    async fn list_facts(
        &self,
        agent: &str,
        prefix: &str,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Fact>> {
        let behind = page.cursor.as_deref().map(read_cursor).transpose()?;
        let sql = format!(
            "SELECT {VERSION} FROM facts
             WHERE agent = ?1 AND stands = 1 AND value IS NOT NULL
                 AND (expires_at IS NULL OR expires_at > ?2)
                 AND substr(key, 1, length(?3)) = ?3 AND (?4 IS NULL OR number < ?4)
             ORDER BY number DESC LIMIT ?5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(agent)
            .bind(now.0)
            .bind(prefix)
            .bind(behind)
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let numbered =
            |row: &SqliteRow| read_fact(agent, row).map(|fact| (row.get::<i64, _>("number"), fact));
        let facts: Vec<(i64, Fact)> = rows.iter().map(numbered).collect::<Result<_>>()?;
        let page = Page::from_overfull(facts, page.limit, |(number, _)| number.to_string());
        Ok(page.map(|(_, fact)| fact))
    }

    async fn list_fact_versions(&self, agent: &str, key: &str) -> Result<Vec<FactVersion>> {
        let sql = format!(
            "SELECT {VERSION} FROM facts WHERE agent = ?1 AND key = ?2 ORDER BY version DESC LIMIT ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(agent)
            .bind(key)
            .bind(i64::from(HISTORY))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_version).collect()
    }

    async fn erase_expired_facts(&self, now: Timestamp, taken_back_before: Timestamp) -> Result<u64> {
        let erased = self.database.writer().write(move |connection| {
            connection.execute(
                "DELETE FROM facts WHERE (agent, key) IN (SELECT agent, key FROM facts
                     WHERE stands = 1 AND value IS NULL AND written_at < ?1)",
                [taken_back_before.0],
            )?;
            erase_expired(connection, now)
        });
        Ok(erased.await?)
    }
}

/// What is written of a version.
struct Writing<'a> {
    value: Option<&'a str>,
    privacy: Privacy,
    expires_at: Option<Timestamp>,
    now: Timestamp,
}

impl Writing<'_> {
    fn taken_back(now: Timestamp) -> Self {
        Self { value: None, privacy: Privacy::default(), expires_at: None, now }
    }
}

/// The version that stands under a key; 0 for none.
fn standing(connection: &Connection, agent: &str, key: &str) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT version FROM facts WHERE agent = ?1 AND key = ?2 AND stands = 1 AND value IS NOT NULL",
    )?;
    let version: Option<i64> = statement.query_row([agent, key], |row| row.get(0)).optional()?;
    Ok(version.unwrap_or_default().unsigned_abs())
}

fn count(connection: &Connection, agent: &str) -> Result<u64, Error> {
    let mut statement = connection
        .prepare_cached("SELECT count(*) FROM facts WHERE agent = ?1 AND stands = 1 AND value IS NOT NULL")?;
    Ok(statement.query_row([agent], |row| row.get::<_, i64>(0))?.unsigned_abs())
}

fn write(
    connection: &Connection,
    agent: &str,
    key: &str,
    actor: &Actor,
    row: &Writing<'_>,
) -> Result<u64, Error> {
    let mut last =
        connection.prepare_cached("SELECT max(version) FROM facts WHERE agent = ?1 AND key = ?2")?;
    let last: Option<i64> = last.query_row([agent, key], |row| row.get(0))?;
    let version = last.unwrap_or_default() + 1;
    connection
        .prepare_cached("UPDATE facts SET stands = 0 WHERE agent = ?1 AND key = ?2 AND stands = 1")?
        .execute([agent, key])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO facts (agent, key, version, stands, privacy, actor, written_at, expires_at, value)
         VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let Writing { value, privacy, expires_at, now } = row;
    let expires_at = expires_at.map(|moment| moment.0);
    let values = params![agent, key, version, privacy.as_str(), actor.to_string(), now.0, expires_at, value];
    insert.execute(values)?;
    connection
        .prepare_cached("DELETE FROM facts WHERE agent = ?1 AND key = ?2 AND version <= ?3")?
        .execute(params![agent, key, version - i64::from(HISTORY)])?;
    Ok(version.unsigned_abs())
}

/// Removes the document by which a fact is found.
fn forget(connection: &Connection, agent: &str, key: &str) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM documents WHERE collection = ?1 AND key = ?2")?
        .execute([COLLECTION, &document_key(agent, key)])?;
    Ok(())
}

/// Leaves of what has expired nothing but that there was something.
fn erase_expired(connection: &Connection, now: Timestamp) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT agent, key FROM facts WHERE stands = 1 AND expires_at IS NOT NULL AND expires_at <= ?1",
    )?;
    let expired = statement.query_map([now.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let expired: Vec<(String, String)> = expired.collect::<Result<_, _>>()?;
    for (agent, key) in &expired {
        let version = write(connection, agent, key, &Actor::System, &Writing::taken_back(now))?;
        connection.execute(
            "DELETE FROM facts WHERE agent = ?1 AND key = ?2 AND version < ?3",
            params![agent, key, as_integer(usize::try_from(version).unwrap_or(usize::MAX))],
        )?;
        forget(connection, agent, key)?;
    }
    Ok(expired.len() as u64)
}

fn read_version(row: &SqliteRow) -> Result<FactVersion> {
    Ok(FactVersion {
        version: row.get::<i64, _>("version").unsigned_abs(),
        value: row.get::<Option<&str>, _>("value").map(read_json).transpose()?,
        privacy: read_privacy(row.get("privacy"))?,
        expires_at: row.get::<Option<i64>, _>("expires_at").map(Timestamp),
        actor: Actor::from(row.get::<&str, _>("actor")),
        written_at: Timestamp(row.get("written_at")),
    })
}

fn read_fact(agent: &str, row: &SqliteRow) -> Result<Fact> {
    let FactVersion { version, value, privacy, expires_at, actor, written_at } = read_version(row)?;
    Ok(Fact {
        agent: agent.to_owned(),
        key: row.get("key"),
        value: value.unwrap_or_default(),
        version,
        privacy,
        expires_at,
        actor,
        updated_at: written_at,
    })
}
