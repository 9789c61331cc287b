//! The log of decisions and errors in SQL.

use async_trait::async_trait;
use kernel::{Actor, LogEntryId, Page, PageRequest, Result, RunId, Timestamp};
use memory::Document;
use memory::chunk::{Digest, NewChunk};
use memory::log::{Appended, LogCursor, LogEntry, LogFilter, LogKind, LogStore};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::documents::{find_number, put, supersede};
use super::{SqlMemoryStore, read_privacy};
use crate::error::Error;

const ENTRY: &str = "memory_log.id, memory_log.kind, memory_log.agent, memory_log.run_id, memory_log.step,
    memory_log.title, memory_log.detail, memory_log.outcome, memory_log.privacy, memory_log.actor,
    memory_log.supersedes, memory_log.created_at, memory_log.last_at, memory_log.count,
    (SELECT later.id FROM memory_log AS later WHERE later.supersedes = memory_log.id) AS superseded_by";

/// An entry that passes [`LogFilter`]; `?1` is the kind, `?2` the agent, `?3` the run.
const FILTERED: &str = "memory_log.kind = ?1 AND (?2 IS NULL OR memory_log.agent = ?2)
    AND (?3 IS NULL OR EXISTS (SELECT 1 FROM memory_log_runs AS seen
        WHERE seen.run_id = ?3 AND seen.entry = memory_log.id))";

#[async_trait]
impl LogStore for SqlMemoryStore {
    async fn append(
        &self,
        entry: &LogEntry,
        digest: Option<Digest>,
        document: &Document,
        chunks: &[NewChunk],
    ) -> Result<Appended> {
        let (entry, document, chunks) = (entry.clone(), document.clone(), chunks.to_vec());
        let appended = self.database.writer().write(move |connection| {
            if let Some(there) = find_same(connection, entry.kind, digest)? {
                see_again(connection, &there, &entry)?;
                return Ok(What::Again(there));
            }
            if let Some(earlier) = &entry.supersedes {
                if !is_there(connection, earlier, entry.kind)? {
                    return Ok(What::Missing);
                }
                if let Some(by) = successor(connection, earlier)? {
                    return Ok(What::Superseded(by));
                }
            }
            insert(connection, &entry, digest)?;
            see_in_run(connection, entry.id.as_str(), &entry)?;
            let new = put(connection, &document, &chunks)?.number;
            let collection = entry.kind.collection();
            if let Some(earlier) = &entry.supersedes
                && let Some(earlier) = find_number(connection, collection, earlier.as_str())?
            {
                supersede(connection, earlier, new)?;
            }
            Ok(What::New)
        });
        match appended.await? {
            What::New => Ok(Appended::New),
            What::Missing => Ok(Appended::Missing),
            What::Superseded(by) => Ok(Appended::Superseded(read_id(&by)?)),
            What::Again(there) => {
                let there = self.find_entry(&read_id(&there)?).await?;
                let gone = || Error::Unreadable("an entry of the log is gone".into());
                Ok(Appended::Again(Box::new(there.ok_or_else(gone)?)))
            }
        }
    }

    async fn find_entry(&self, id: &LogEntryId) -> Result<Option<LogEntry>> {
        let sql = format!("SELECT {ENTRY} FROM memory_log WHERE id = ?1");
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.as_str())
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        row.as_ref().map(read_entry).transpose()
    }

    async fn list_entries(&self, filter: &LogFilter, page: &PageRequest) -> Result<Page<LogEntry>> {
        let behind = page.cursor.as_deref().map(LogCursor::read).transpose()?;
        let sql = format!(
            "SELECT {ENTRY} FROM memory_log
             WHERE {FILTERED} AND (?4 IS NULL OR (memory_log.last_at, memory_log.id) < (?4, ?5))
             ORDER BY memory_log.last_at DESC, memory_log.id DESC LIMIT ?6"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.kind.as_str())
            .bind(filter.agent.as_deref())
            .bind(filter.run_id.as_ref().map(RunId::as_str))
            .bind(behind.as_ref().map(|behind| behind.last_at.0))
            .bind(behind.as_ref().map(|behind| behind.id.as_str()))
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let entries = rows.iter().map(read_entry).collect::<Result<_>>()?;
        Ok(Page::from_overfull(entries, page.limit, LogCursor::behind))
    }

    async fn find_entries(&self, ids: &[String], filter: &LogFilter) -> Result<Vec<LogEntry>> {
        let sql = format!(
            "SELECT {ENTRY} FROM json_each(?4) AS wanted JOIN memory_log ON memory_log.id = wanted.value
             WHERE {FILTERED}"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.kind.as_str())
            .bind(filter.agent.as_deref())
            .bind(filter.run_id.as_ref().map(RunId::as_str))
            .bind(json!(ids).to_string())
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_entry).collect()
    }
}

/// [`Appended`] with ids as they are stored.
enum What {
    New,
    Again(String),
    Superseded(String),
    Missing,
}

fn find_same(
    connection: &Connection,
    kind: LogKind,
    digest: Option<Digest>,
) -> Result<Option<String>, Error> {
    let Some(digest) = digest else { return Ok(None) };
    let mut statement =
        connection.prepare_cached("SELECT id FROM memory_log WHERE kind = ?1 AND digest = ?2")?;
    Ok(statement.query_row(params![kind.as_str(), digest.as_slice()], |row| row.get(0)).optional()?)
}

/// Counts an error up; leaves a decision as it is.
fn see_again(connection: &Connection, there: &str, entry: &LogEntry) -> Result<(), Error> {
    if entry.kind == LogKind::Decision {
        return Ok(());
    }
    let run_id = entry.run_id.as_ref().map(RunId::as_str);
    connection.execute(
        "UPDATE memory_log SET count = count + 1, last_at = max(last_at, ?2),
             privacy = CASE WHEN ?3 = 'local' THEN ?3 ELSE privacy END,
             step = CASE WHEN ?4 IS NULL THEN step ELSE ?5 END, run_id = coalesce(?4, run_id)
         WHERE id = ?1",
        params![there, entry.last_at.0, entry.privacy.as_str(), run_id, entry.step],
    )?;
    see_in_run(connection, there, entry)?;
    // The document says the same words; what else is known of it is that of the entry now.
    connection.execute(
        "UPDATE documents SET updated_at = entry.last_at,
             privacy = CASE WHEN documents.privacy = 'local' THEN 'local' ELSE entry.privacy END,
             source = coalesce('run:' || entry.run_id, source),
             attributes = CASE WHEN entry.run_id IS NULL THEN attributes
                 ELSE json_set(attributes, '$.run_id', entry.run_id) END
         FROM memory_log AS entry WHERE entry.id = ?1 AND collection = ?2 AND key = ?1",
        params![there, entry.kind.collection()],
    )?;
    Ok(())
}

fn see_in_run(connection: &Connection, id: &str, entry: &LogEntry) -> Result<(), Error> {
    if let Some(run_id) = &entry.run_id {
        connection
            .prepare_cached("INSERT OR IGNORE INTO memory_log_runs (run_id, entry) VALUES (?1, ?2)")?
            .execute([run_id.as_str(), id])?;
    }
    Ok(())
}

fn is_there(connection: &Connection, id: &LogEntryId, kind: LogKind) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM memory_log WHERE id = ?1 AND kind = ?2")?;
    Ok(statement.exists([id.as_str(), kind.as_str()])?)
}

fn successor(connection: &Connection, id: &LogEntryId) -> Result<Option<String>, Error> {
    let mut statement = connection.prepare_cached("SELECT id FROM memory_log WHERE supersedes = ?1")?;
    Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
}

fn insert(connection: &Connection, entry: &LogEntry, digest: Option<Digest>) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO memory_log (id, kind, agent, run_id, step, title, detail, outcome, privacy, actor,
             digest, supersedes, created_at, last_at, count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 1)",
    )?;
    statement.execute(params![
        entry.id.as_str(),
        entry.kind.as_str(),
        entry.agent,
        entry.run_id.as_ref().map(RunId::as_str),
        entry.step,
        entry.title,
        entry.detail,
        entry.outcome,
        entry.privacy.as_str(),
        entry.actor.to_string(),
        digest.as_ref().map(|digest| digest.as_slice()),
        entry.supersedes.as_ref().map(LogEntryId::as_str),
        entry.created_at.0,
        entry.last_at.0,
    ])?;
    Ok(())
}

fn read_id(text: &str) -> Result<LogEntryId> {
    text.parse().map_err(|_| Error::Unreadable(format!("`{text}` is not an entry's id")).into())
}

fn read_entry(row: &SqliteRow) -> Result<LogEntry> {
    let other = |column: &str| row.get::<Option<&str>, _>(column).map(read_id).transpose();
    let run_id = row.get::<Option<&str>, _>("run_id").map(str::parse).transpose();
    Ok(LogEntry {
        id: read_id(row.get("id"))?,
        kind: match row.get("kind") {
            "decision" => LogKind::Decision,
            _ => LogKind::Error,
        },
        agent: row.get("agent"),
        run_id: run_id.map_err(|_| Error::Unreadable("an entry's run is not one".into()))?,
        step: row.get("step"),
        title: row.get("title"),
        detail: row.get("detail"),
        outcome: row.get("outcome"),
        supersedes: other("supersedes")?,
        superseded_by: other("superseded_by")?,
        privacy: read_privacy(row.get("privacy"))?,
        actor: Actor::from(row.get::<&str, _>("actor")),
        created_at: Timestamp(row.get("created_at")),
        last_at: Timestamp(row.get("last_at")),
        count: row.get::<i64, _>("count").unsigned_abs(),
    })
}
