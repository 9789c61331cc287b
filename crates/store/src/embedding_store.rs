//! Vectors in SQL, by what was embedded. A trigger removes those that no chunk has any more.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use kernel::{Privacy, Result};
use memory::chunk::{Digest, IndexedChunk};
use memory::embedding::{EmbeddingWork, TextToEmbed, TextVector, VectorChange};
use memory::{EmbedderIdentity, EmbeddingStore, IndexProgress, IndexState};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::error::Error;
use crate::memory_store::{CHUNK, DOCUMENT, all, as_integer, borrowed_if_any, position, read_indexed};
use crate::sqlite::Database;

/// Documents an embedder may be given; `?1` is whether it may be given local ones.
const PERMITTED: &str = "((?1 OR documents.privacy <> 'local')
    AND documents.collection NOT IN (SELECT collection FROM collection_settings WHERE embedded = 0))";
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
             SELECT (SELECT coalesce(max(position), 0) FROM chunk_changes), lacking.position, lacking.digest,
                 {CHUNK}, {DOCUMENT}
             FROM (SELECT 1) LEFT JOIN lacking LEFT JOIN chunks ON chunks.number = lacking.number
             LEFT JOIN documents ON documents.number = chunks.document
             ORDER BY lacking.position"
        );
        let mut values = permitted(embedder, strictest);
        values.push(as_integer(limit).into());
        let next = self.database.read(move |connection| {
            let rows = all(connection, &sql, params_from_iter(values), read_lacking)?;
            let position = match rows.last() {
                // There may be more behind it.
                Some(Lacking { text: Some((position, _)), .. }) if rows.len() == limit => *position,
                Some(row) => row.last,
                None => 0,
            };
            let mut seen = HashSet::new();
            let texts = rows.into_iter().filter_map(|row| row.text).map(|(_, text)| text);
            Ok(EmbeddingWork { texts: texts.filter(|text| seen.insert(text.digest)).collect(), position })
        });
        Ok(next.await?)
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
            "SELECT chunk_changes.position, chunk_changes.chunk, embeddings.vector, documents.privacy
             FROM ({EMBEDDER}) AS self
             JOIN embedders ON embedders.number = self.number
             JOIN chunk_changes ON chunk_changes.position > ?5 AND chunk_changes.position <= embedders.position
             LEFT JOIN chunks ON chunks.number = chunk_changes.chunk
             LEFT JOIN documents ON documents.number = chunks.document AND {PERMITTED}
             LEFT JOIN embeddings ON documents.number IS NOT NULL
                 AND embeddings.embedder = self.number AND embeddings.digest = chunks.digest
             ORDER BY chunk_changes.position LIMIT ?6"
        );
        let mut values = permitted(embedder, strictest);
        values.extend([position(after).into(), as_integer(limit).into()]);
        let changes = self
            .database
            .read(move |connection| all(connection, &sql, params_from_iter(values), read_vector_change));
        let changes = changes.await?;
        let reached = changes.last().map_or(after, |(position, _)| *position);
        Ok((changes.into_iter().map(|(_, change)| change).collect(), reached))
    }

    async fn count_vectors(
        &self,
        embedder: &EmbedderIdentity,
        strictest: Privacy,
    ) -> Result<BTreeMap<String, u64>> {
        let sql = format!(
            "SELECT documents.collection, count(*) AS vectors FROM chunks
             JOIN documents ON documents.number = chunks.document
             JOIN embeddings ON embeddings.embedder = ({EMBEDDER}) AND embeddings.digest = chunks.digest
             WHERE {PERMITTED} AND embeddings.vector IS NOT NULL GROUP BY documents.collection"
        );
        let values = permitted(embedder, strictest);
        let count =
            |row: &Row<'_>| Ok((row.get("collection")?, row.get::<_, i64>("vectors")?.unsigned_abs()));
        let counted =
            self.database.read(move |connection| all(connection, &sql, params_from_iter(values), count));
        Ok(counted.await?.into_iter().collect())
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
        let may_be_local = strictest == Privacy::Local;
        Ok(self.database.read(move |connection| all(connection, &sql, [may_be_local], read_progress)).await?)
    }
}

/// What [`PERMITTED`] and [`EMBEDDER`] ask for.
fn permitted(embedder: &EmbedderIdentity, strictest: Privacy) -> Vec<Value> {
    vec![
        (strictest == Privacy::Local).into(),
        embedder.name.clone().into(),
        embedder.version.clone().into(),
        as_integer(embedder.dimensions).into(),
    ]
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
        statement.execute(params![number, digest.as_slice(), vector.as_deref().map(as_bytes)])?;
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

/// A text without a vector and where its change is, if there is one, and where the last of all is.
struct Lacking {
    text: Option<(u64, TextToEmbed)>,
    last: u64,
}

fn read_lacking(row: &Row<'_>) -> Result<Lacking, Error> {
    let last = row.get::<_, i64>(0)?.unsigned_abs();
    let Some(position) = row.get::<_, Option<i64>>(1)? else {
        return Ok(Lacking { text: None, last });
    };
    let IndexedChunk { document, chunk, .. } = read_indexed(row, 3)?;
    let unreadable = |_| Error::Unreadable("a digest has another length".into());
    let digest = Digest::try_from(row.get::<_, Vec<u8>>(2)?).map_err(unreadable)?;
    let text = chunk.content.embedded(&document);
    let text = TextToEmbed { digest, text, privacy: document.privacy };
    Ok(Lacking { text: Some((position.unsigned_abs(), text)), last })
}

fn read_vector_change(row: &Row<'_>) -> Result<(u64, VectorChange), Error> {
    let vector = row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    let is_shareable = borrowed_if_any(row, 3)? == Some(Privacy::Shareable.as_str());
    let change = VectorChange {
        number: row.get(1)?,
        vector: vector.map(read_vector),
        privacy: if is_shareable { Privacy::Shareable } else { Privacy::Local },
    };
    Ok((row.get::<_, i64>(0)?.unsigned_abs(), change))
}

fn read_progress(row: &Row<'_>) -> Result<IndexProgress, Error> {
    let state = match row.get::<_, String>("state")?.as_str() {
        "building" => IndexState::Building,
        "active" => IndexState::Active,
        "retired" => IndexState::Retired,
        other => return Err(Error::Unreadable(format!("`{other}` is no state of an index"))),
    };
    let count = |name: &str| Ok::<_, Error>(row.get::<_, i64>(name)?.unsigned_abs());
    Ok(IndexProgress {
        embedder: EmbedderIdentity {
            name: row.get("name")?,
            version: row.get("version")?,
            dimensions: usize::try_from(row.get::<_, i64>("dimensions")?).unwrap_or_default(),
        },
        state,
        done: count("done")?,
        total: count("total")?,
    })
}

fn as_bytes(vector: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 * vector.len());
    vector.iter().for_each(|component| bytes.extend_from_slice(&component.to_le_bytes()));
    bytes
}

fn read_vector(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}
