//! Vectors of documents in SQL. A trigger removes those whose document has changed.

use async_trait::async_trait;
use kernel::{Privacy, Result};
use memory::{Document, DocumentVector, EmbedderIdentity, IndexProgress, IndexState, VectorStore};
use rusqlite::{Connection, OptionalExtension, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::memory_store::{DOCUMENT, read_document};
use crate::sqlite::Database;

/// Documents an embedder may be given; `?1` is whether it may be given local ones.
const PERMITTED: &str = "(?1 OR documents.privacy <> 'local')";

/// Keeps vectors in a [`Database`], beside the documents of [`crate::SqlMemoryStore`].
#[derive(Clone)]
pub struct SqlVectorStore {
    database: Database,
}

impl SqlVectorStore {
    /// Vectors in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl VectorStore for SqlVectorStore {
    async fn begin_index(&self, embedder: &EmbedderIdentity) -> Result<()> {
        let embedder = embedder.clone();
        let begun = self.database.writer().write(move |connection| begin(connection, &embedder));
        Ok(begun.await?)
    }

    async fn documents_without_vector(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        limit: usize,
    ) -> Result<Vec<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT} FROM documents WHERE {PERMITTED} AND NOT EXISTS (
                 SELECT 1 FROM embeddings JOIN embedders ON embedders.number = embeddings.embedder
                 WHERE embeddings.document = documents.number
                   AND embedders.name = ?2 AND embedders.version = ?3 AND embedders.dimensions = ?4
             ) ORDER BY documents.number LIMIT ?5"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(strictest == Privacy::Local)
            .bind(&embedder.name)
            .bind(&embedder.version)
            .bind(as_integer(embedder.dimensions))
            .bind(as_integer(limit))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_document).collect()
    }

    async fn add_vectors(&self, embedder: &EmbedderIdentity, vectors: &[DocumentVector]) -> Result<()> {
        let (embedder, vectors) = (embedder.clone(), vectors.to_vec());
        let added = self.database.writer().write(move |connection| add(connection, &embedder, &vectors));
        Ok(added.await?)
    }

    async fn activate_index(&self, embedder: &EmbedderIdentity, strictest: Privacy) -> Result<bool> {
        let embedder = embedder.clone();
        let activated =
            self.database.writer().write(move |connection| activate(connection, &embedder, strictest));
        Ok(activated.await?)
    }

    async fn list_indices(&self, strictest: Privacy) -> Result<Vec<IndexProgress>> {
        let sql = format!(
            "SELECT name, version, dimensions, state,
                 (SELECT count(*) FROM embeddings WHERE embedder = embedders.number) AS done,
                 (SELECT count(*) FROM documents WHERE {PERMITTED}) AS total
             FROM embedders ORDER BY number"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(strictest == Privacy::Local)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_progress).collect()
    }
}

fn begin(connection: &Connection, embedder: &EmbedderIdentity) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO embedders (name, version, dimensions, state) VALUES (?1, ?2, ?3, 'building')
         ON CONFLICT (name, version, dimensions) DO UPDATE SET state = 'building' WHERE state = 'retired'",
        params![embedder.name, embedder.version, as_integer(embedder.dimensions)],
    )?;
    let number = find(connection, embedder)?;
    retire(connection, number, "building")
}

/// Retires all versions at `state` but this one.
fn retire(connection: &Connection, except: Option<i64>, state: &str) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM embeddings WHERE embedder IN (
             SELECT number FROM embedders WHERE state = ?1 AND number IS NOT ?2)",
        params![state, except],
    )?;
    connection.execute(
        "UPDATE embedders SET state = 'retired' WHERE state = ?1 AND number IS NOT ?2",
        params![state, except],
    )?;
    Ok(())
}

/// The number of this embedder's version, unless it is retired.
fn find(connection: &Connection, embedder: &EmbedderIdentity) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT number FROM embedders
         WHERE name = ?1 AND version = ?2 AND dimensions = ?3 AND state <> 'retired'",
    )?;
    let identity = params![embedder.name, embedder.version, as_integer(embedder.dimensions)];
    Ok(statement.query_row(identity, |row| row.get(0)).optional()?)
}

fn add(
    connection: &Connection,
    embedder: &EmbedderIdentity,
    vectors: &[DocumentVector],
) -> Result<(), Error> {
    let Some(number) = find(connection, embedder)? else { return Ok(()) };
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO embeddings (embedder, document, vector)
         SELECT ?1, number, ?2 FROM documents WHERE id = ?3 AND privacy = ?4 AND title = ?5 AND text = ?6",
    )?;
    for DocumentVector { document, vector } in vectors {
        let bytes: Option<Vec<u8>> = vector
            .as_ref()
            .map(|vector| vector.iter().flat_map(|component| component.to_le_bytes()).collect());
        statement.execute(params![
            number,
            bytes,
            document.id.as_str(),
            document.privacy.as_str(),
            document.title,
            document.text
        ])?;
    }
    Ok(())
}

fn activate(connection: &Connection, embedder: &EmbedderIdentity, strictest: Privacy) -> Result<bool, Error> {
    let Some(number) = find(connection, embedder)? else { return Ok(false) };
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM documents WHERE {PERMITTED} AND NOT EXISTS (
             SELECT 1 FROM embeddings WHERE embedder = ?2 AND document = documents.number))"
    );
    let lacks: bool =
        connection.query_row(&sql, params![strictest == Privacy::Local, number], |row| row.get(0))?;
    if lacks {
        return Ok(false);
    }
    retire(connection, Some(number), "active")?;
    retire(connection, Some(number), "building")?;
    connection.execute("UPDATE embedders SET state = 'active' WHERE number = ?1", [number])?;
    Ok(true)
}

fn read_progress(row: &SqliteRow) -> Result<IndexProgress> {
    let state = match row.get("state") {
        "building" => IndexState::Building,
        "active" => IndexState::Active,
        "retired" => IndexState::Retired,
        other => return Err(Error::Unreadable(format!("`{other}` is no state of an index")).into()),
    };
    let count = |name: &str| u64::try_from(row.get::<i64, _>(name)).unwrap_or_default();
    Ok(IndexProgress {
        embedder: EmbedderIdentity {
            name: row.get("name"),
            version: row.get("version"),
            dimensions: usize::try_from(row.get::<i64, _>("dimensions")).unwrap_or_default(),
        },
        state,
        done: count("done"),
        total: count("total"),
    })
}

fn as_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
