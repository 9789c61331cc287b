//! Vectors in SQL, by what was embedded. A trigger removes those that no chunk has any more.

use async_trait::async_trait;
use kernel::{Privacy, Result};
use memory::chunk::Digest;
use memory::embedding::{EmbeddingWork, TextToEmbed, TextVector, VectorChange};
use memory::{EmbedderIdentity, EmbeddingStore, IndexProgress, IndexState};
use rusqlite::{Connection, OptionalExtension, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::memory_store::{DOCUMENT, as_integer, position, read_chunk, read_document, read_number};
use crate::sqlite::Database;

/// Documents an embedder may be given; `?1` is whether it may be given local ones.
const PERMITTED: &str = "(?1 OR documents.privacy <> 'local')";
/// The embedder with this name, version and length of vectors.
const EMBEDDER: &str = "SELECT number FROM embedders WHERE name = ?2 AND version = ?3 AND dimensions = ?4";

/// Keeps vectors in a [`Database`], beside the chunks of [`crate::SqlMemoryStore`].
#[derive(Clone)]
pub struct SqlEmbeddingStore {
    database: Database,
}

impl SqlEmbeddingStore {
    /// Vectors in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl EmbeddingStore for SqlEmbeddingStore {
    async fn begin_generation(&self, embedder: &EmbedderIdentity) -> Result<()> {
        let embedder = embedder.clone();
        let begun = self.database.writer().write(move |connection| begin(connection, &embedder));
        Ok(begun.await?)
    }

    async fn next_texts(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        limit: usize,
    ) -> Result<EmbeddingWork> {
        // One statement, so that what it says of the last change fits what it found.
        let sql = format!(
            "WITH self AS (SELECT number, position FROM embedders
                 WHERE name = ?2 AND version = ?3 AND dimensions = ?4),
             lacking AS (
                 SELECT chunk_changes.position, chunks.digest, chunks.number
                 FROM self, chunk_changes
                 JOIN chunks ON chunks.number = chunk_changes.chunk
                 JOIN documents ON documents.number = chunks.document
                 WHERE chunk_changes.position > self.position AND {PERMITTED} AND NOT EXISTS (
                     SELECT 1 FROM embeddings
                     WHERE embeddings.embedder = self.number AND embeddings.digest = chunks.digest)
                 ORDER BY chunk_changes.position LIMIT ?5)
             SELECT lacking.position, lacking.digest, chunks.number, chunks.ordinal,
                 chunks.author AS chunk_author, chunks.time, chunks.headings, chunks.place,
                 chunks.text AS chunk_text, {DOCUMENT},
                 (SELECT coalesce(max(position), 0) FROM chunk_changes) AS last
             FROM (SELECT 1) LEFT JOIN lacking LEFT JOIN chunks ON chunks.number = lacking.number
             LEFT JOIN documents ON documents.number = chunks.document
             ORDER BY lacking.position"
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
        let mut work = EmbeddingWork::default();
        for row in &rows {
            work.position = row.get::<i64, _>("last").unsigned_abs();
            if row.get::<Option<i64>, _>("position").is_some() {
                let document = read_document(row, String::new())?;
                let chunk = read_chunk(row, document.id.clone())?;
                let digest = read_digest(row.get("digest"))?;
                if !work.texts.iter().any(|text| text.digest == digest) {
                    let text = chunk.content.embedded(&document);
                    work.texts.push(TextToEmbed { digest, text, privacy: document.privacy });
                }
            }
        }
        if let Some(last) = rows.last().filter(|_| rows.len() == limit) {
            work.position = last.get::<Option<i64>, _>("position").unwrap_or_default().unsigned_abs();
        }
        Ok(work)
    }

    async fn add_vectors(
        &self,
        embedder: &EmbedderIdentity,
        vectors: &[TextVector],
        position: u64,
    ) -> Result<()> {
        let (embedder, vectors) = (embedder.clone(), vectors.to_vec());
        let added =
            self.database.writer().write(move |connection| add(connection, &embedder, &vectors, position));
        Ok(added.await?)
    }

    async fn activate_generation(&self, embedder: &EmbedderIdentity) -> Result<bool> {
        let embedder = embedder.clone();
        let activated = self.database.writer().write(move |connection| activate(connection, &embedder));
        Ok(activated.await?)
    }

    async fn list_vector_changes(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
        after: u64,
        limit: usize,
    ) -> Result<(Vec<VectorChange>, u64)> {
        let sql = format!(
            "SELECT chunk_changes.position, chunk_changes.chunk, embeddings.vector
             FROM ({EMBEDDER}) AS self
             JOIN embedders ON embedders.number = self.number
             JOIN chunk_changes ON chunk_changes.position > ?5 AND chunk_changes.position <= embedders.position
             LEFT JOIN chunks ON chunks.number = chunk_changes.chunk
             LEFT JOIN documents ON documents.number = chunks.document AND {PERMITTED}
             LEFT JOIN embeddings ON documents.number IS NOT NULL
                 AND embeddings.embedder = self.number AND embeddings.digest = chunks.digest
             ORDER BY chunk_changes.position LIMIT ?6"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(strictest == Privacy::Local)
            .bind(&embedder.name)
            .bind(&embedder.version)
            .bind(as_integer(embedder.dimensions))
            .bind(position(after))
            .bind(as_integer(limit))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let reached = rows.last().map_or(after, |row| row.get::<i64, _>("position").unsigned_abs());
        let change = |row: &SqliteRow| {
            let vector = row.get::<Option<&[u8]>, _>("vector").map(read_vector);
            Ok(VectorChange { number: read_number(row.get("chunk"))?, vector })
        };
        Ok((rows.iter().map(change).collect::<Result<_>>()?, reached))
    }

    async fn list_generations(&self, strictest: Privacy) -> Result<Vec<IndexProgress>> {
        let sql = format!(
            "SELECT embedders.name, embedders.version, embedders.dimensions, embedders.state,
                 (SELECT count(*) FROM chunks JOIN documents ON documents.number = chunks.document
                  WHERE {PERMITTED} AND EXISTS (SELECT 1 FROM embeddings
                      WHERE embeddings.embedder = embedders.number
                        AND embeddings.digest = chunks.digest)) AS done,
                 (SELECT count(*) FROM chunks JOIN documents ON documents.number = chunks.document
                  WHERE {PERMITTED}) AS total
             FROM embedders ORDER BY embedders.number"
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
        "INSERT INTO embedders (name, version, dimensions, state, position) VALUES (?1, ?2, ?3, 'building', 0)
         ON CONFLICT (name, version, dimensions) DO UPDATE SET state = 'building', position = 0
         WHERE state = 'retired'",
        params![embedder.name, embedder.version, as_integer(embedder.dimensions)],
    )?;
    let number = find(connection, embedder)?;
    retire(connection, number, "building")
}

/// Retires all in a state but one, with their vectors.
fn retire(connection: &Connection, but: Option<i64>, state: &str) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM embeddings WHERE embedder IN (SELECT number FROM embedders
             WHERE state = ?1 AND number IS NOT ?2)",
        params![state, but],
    )?;
    connection.execute(
        "UPDATE embedders SET state = 'retired', position = 0 WHERE state = ?1 AND number IS NOT ?2",
        params![state, but],
    )?;
    Ok(())
}

/// The number of an embedder whose generation has not been given up.
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
    vectors: &[TextVector],
    reached: u64,
) -> Result<(), Error> {
    let Some(number) = find(connection, embedder)? else { return Ok(()) };
    // A text that no chunk has any more needs no vector.
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO embeddings (embedder, digest, vector)
         SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM chunks WHERE digest = ?2)",
    )?;
    for TextVector { digest, vector } in vectors {
        let bytes: Option<Vec<u8>> = vector
            .as_ref()
            .map(|vector| vector.iter().flat_map(|component| component.to_le_bytes()).collect());
        statement.execute(params![number, digest.as_slice(), bytes])?;
    }
    connection.execute(
        "UPDATE embedders SET position = max(position, ?2) WHERE number = ?1",
        params![number, position(reached)],
    )?;
    Ok(())
}

fn activate(connection: &Connection, embedder: &EmbedderIdentity) -> Result<bool, Error> {
    let Some(number) = find(connection, embedder)? else { return Ok(false) };
    let is_behind: bool = connection.query_row(
        "SELECT position < (SELECT coalesce(max(position), 0) FROM chunk_changes) FROM embedders
         WHERE number = ?1",
        [number],
        |row| row.get(0),
    )?;
    if is_behind {
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

fn read_digest(bytes: &[u8]) -> Result<Digest> {
    Digest::try_from(bytes).map_err(|_| Error::Unreadable("a digest has another length".into()).into())
}

fn read_vector(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}
