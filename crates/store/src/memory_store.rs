//! Documents, their chunks and dispatches in SQL. Triggers write down which chunks have changed.

mod documents;

use async_trait::async_trait;
use kernel::{Actor, DocumentId, Page, PageRequest, Result, Timestamp};
use memory::chunk::{CHUNKING_VERSION, Chunk, ChunkChange, IndexedChunk, NewChunk};
use memory::store::{CollectionSummary, Listed, Stored};
use memory::{Dispatch, Document, Filter, MemoryStore};
use rusqlite::{Connection, params};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::sqlite::Database;
use documents::{Put, put, split};

/// A document without its text, which is the last column where it is wanted.
pub(crate) const DOCUMENT: &str = "documents.number AS document_number, documents.id, documents.collection,
    documents.key, documents.source, documents.privacy, documents.format, documents.author,
    documents.attributes, documents.occurred_at, documents.created_at, documents.updated_at,
    documents.expires_at, documents.digest AS document_digest, documents.title";
const CHUNK: &str = "chunks.number, chunks.ordinal, chunks.author AS chunk_author, chunks.time,
    chunks.headings, chunks.place, chunks.text AS chunk_text";

/// A document that passes [`Filter`]; `?1` are the collections, `?2` is the author, `?3` are the
/// attributes, `?4` the source, `?5` the source to leave out, `?6` whether local ones pass, `?7` and
/// `?8` the first moment and the one behind the last.
const FILTERED: &str = "(?1 = '[]' OR documents.collection IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR lower(documents.author) = lower(?2))
    AND NOT EXISTS (SELECT 1 FROM json_each(?3) AS wanted
        WHERE json_extract(documents.attributes, '$.' || wanted.key) IS NOT wanted.value)
    AND (?4 IS NULL OR documents.source = ?4)
    AND (?5 IS NULL OR documents.source <> ?5)
    AND (?6 OR documents.privacy <> 'local')
    AND (?7 IS NULL OR coalesce(documents.occurred_at, documents.updated_at) >= ?7)
    AND (?8 IS NULL OR coalesce(documents.occurred_at, documents.updated_at) < ?8)";

/// Keeps memory in a [`Database`].
#[derive(Clone)]
pub struct SqlMemoryStore {
    database: Database,
}

impl SqlMemoryStore {
    /// Memory in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn find_one(&self, condition: &str, values: &[&str]) -> Result<Option<Document>> {
        let sql = format!("SELECT {DOCUMENT}, documents.text FROM documents WHERE {condition}");
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for value in values {
            query = query.bind((*value).to_owned());
        }
        let row = query.fetch_optional(self.database.readers()).await.map_err(Error::from)?;
        row.as_ref().map(|row| read_document(row, row.get("text"))).transpose()
    }
}

#[async_trait]
impl MemoryStore for SqlMemoryStore {
    async fn put_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<Stored> {
        let (document, chunks) = (document.clone(), chunks.to_vec());
        let stored = self.database.writer().write(move |connection| put(connection, &document, &chunks));
        let Put { id, is_new, changed_chunks } = stored.await?;
        Ok(Stored { id: read_id(&id)?, is_new, changed_chunks })
    }

    async fn split_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()> {
        let (document, chunks) = (document.clone(), chunks.to_vec());
        let split = self.database.writer().write(move |connection| split(connection, &document, &chunks));
        Ok(split.await?)
    }

    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>> {
        self.find_one("id = ?1", &[id.as_str()]).await
    }

    async fn find_document_by_key(&self, collection: &str, key: &str) -> Result<Option<Document>> {
        self.find_one("collection = ?1 AND key = ?2", &[collection, key]).await
    }

    async fn delete_document(&self, id: &DocumentId) -> Result<bool> {
        let id = id.to_string();
        let deleted = self.database.writer().write(move |connection| {
            Ok(connection.execute("DELETE FROM documents WHERE id = ?1", [id])? > 0)
        });
        Ok(deleted.await?)
    }

    async fn list_documents(&self, filter: &Filter, page: &PageRequest) -> Result<Page<Listed>> {
        let sql = format!(
            "SELECT {DOCUMENT}, length(documents.text) AS characters,
                 (SELECT count(*) FROM chunks WHERE chunks.document = documents.number) AS chunks
             FROM documents
             WHERE {FILTERED} AND (?9 IS NULL OR documents.id < ?9)
             ORDER BY documents.id DESC LIMIT ?10"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json!(filter.collections).to_string())
            .bind(filter.author.as_deref())
            .bind(json!(filter.attributes).to_string())
            .bind(filter.source.as_deref())
            .bind(filter.excluded_source.as_deref())
            .bind(filter.strictest != Some(kernel::Privacy::Shareable))
            .bind(filter.since.map(|moment| moment.0))
            .bind(filter.until.map(|moment| moment.0))
            .bind(page.cursor.as_deref())
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let listed = |row: &SqliteRow| {
            let document = read_document(row, String::new())?;
            Ok(Listed {
                document,
                characters: read_count(row, "characters"),
                chunks: read_count(row, "chunks"),
            })
        };
        let documents = rows.iter().map(listed).collect::<Result<_>>()?;
        Ok(Page::from_overfull(documents, page.limit, |listed: &Listed| listed.document.id.to_string()))
    }

    async fn list_collections(&self) -> Result<Vec<CollectionSummary>> {
        let rows = sqlx::query(
            "SELECT collection, count(*) AS documents, sum(privacy = 'local') AS local_documents,
                 sum(length(text)) AS characters, max(updated_at) AS newest,
                 (SELECT count(*) FROM chunks JOIN documents AS own ON own.number = chunks.document
                  WHERE own.collection = documents.collection) AS chunks
             FROM documents GROUP BY collection ORDER BY collection",
        )
        .fetch_all(self.database.readers())
        .await
        .map_err(Error::from)?;
        let summary = |row: &SqliteRow| CollectionSummary {
            name: row.get("collection"),
            documents: read_count(row, "documents"),
            local_documents: read_count(row, "local_documents"),
            chunks: read_count(row, "chunks"),
            characters: read_count(row, "characters"),
            newest: Timestamp(row.get("newest")),
        };
        Ok(rows.iter().map(summary).collect())
    }

    async fn documents_to_chunk(&self, limit: usize) -> Result<Vec<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT}, documents.text FROM documents WHERE chunking <> ?1 ORDER BY number LIMIT ?2"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(i64::from(CHUNKING_VERSION))
            .bind(as_integer(limit))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(|row| read_document(row, row.get("text"))).collect()
    }

    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>> {
        let sql = format!(
            "SELECT {CHUNK}, {DOCUMENT} FROM json_each(?1) AS wanted
             JOIN chunks ON chunks.number = wanted.value
             JOIN documents ON documents.number = chunks.document"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json!(numbers).to_string())
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_indexed).collect()
    }

    async fn list_chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>> {
        let sql = format!(
            "SELECT {CHUNK} FROM chunks JOIN documents ON documents.number = chunks.document
             WHERE documents.id = ?1 ORDER BY chunks.ordinal"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(id.as_str())
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(|row| read_chunk(row, id.clone())).collect()
    }

    async fn list_changes(&self, after: u64, limit: usize) -> Result<Vec<ChunkChange>> {
        let sql = format!(
            "SELECT changes.position, changes.chunk, {CHUNK}, {DOCUMENT}
             FROM (SELECT position, chunk FROM chunk_changes WHERE position > ?1 ORDER BY position LIMIT ?2)
                 AS changes
             LEFT JOIN chunks ON chunks.number = changes.chunk
             LEFT JOIN documents ON documents.number = chunks.document
             ORDER BY changes.position"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(position(after))
            .bind(as_integer(limit))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_change).collect()
    }

    async fn last_change(&self) -> Result<u64> {
        let row = sqlx::query("SELECT coalesce(max(position), 0) AS position FROM chunk_changes")
            .fetch_one(self.database.readers())
            .await
            .map_err(Error::from)?;
        Ok(read_position(&row))
    }

    async fn log_dispatch(
        &self,
        dispatch: &Dispatch,
        document: &Document,
        chunks: &[NewChunk],
    ) -> Result<()> {
        let (dispatch, document, chunks) = (dispatch.clone(), document.clone(), chunks.to_vec());
        let logged = self.database.writer().write(move |connection| {
            insert_dispatch(connection, &dispatch)?;
            put(connection, &document, &chunks)?;
            Ok(())
        });
        Ok(logged.await?)
    }

    async fn list_dispatches(&self, page: &PageRequest) -> Result<Page<Dispatch>> {
        let rows = sqlx::query(
            "SELECT id, task_type, actor, request_id, created_at, prompt, plan FROM dispatches
             WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2",
        )
        .bind(page.cursor.as_deref())
        .bind(i64::from(page.limit) + 1)
        .fetch_all(self.database.readers())
        .await
        .map_err(Error::from)?;
        let dispatches = rows.iter().map(read_dispatch).collect::<Result<_>>()?;
        Ok(Page::from_overfull(dispatches, page.limit, |dispatch: &Dispatch| dispatch.id.to_string()))
    }
}

fn insert_dispatch(connection: &Connection, dispatch: &Dispatch) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO dispatches (id, task_type, actor, request_id, created_at, prompt, plan)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            dispatch.id.as_str(),
            dispatch.task_type,
            dispatch.actor.to_string(),
            dispatch.request_id,
            dispatch.created_at.0,
            dispatch.prompt,
            dispatch.plan.to_string(),
        ],
    )?;
    Ok(())
}

fn read_count(row: &SqliteRow, column: &str) -> u64 {
    row.get::<Option<i64>, _>(column).unwrap_or_default().unsigned_abs()
}

fn read_id(text: &str) -> Result<DocumentId> {
    text.parse().map_err(|_| Error::Unreadable(format!("`{text}` is not a document's id")).into())
}

pub(crate) fn read_document(row: &SqliteRow, text: String) -> Result<Document> {
    let (privacy, attributes): (&str, &str) = (row.get("privacy"), row.get("attributes"));
    Ok(Document {
        id: read_id(row.get("id"))?,
        collection: row.get("collection"),
        key: row.get("key"),
        title: row.get("title"),
        text,
        source: row.get("source"),
        privacy: privacy.parse().map_err(|error: kernel::Error| Error::Unreadable(error.message))?,
        format: row.get("format"),
        author: row.get("author"),
        attributes: read_json(attributes)?,
        occurred_at: row.get::<Option<i64>, _>("occurred_at").map(Timestamp),
        expires_at: row.get::<Option<i64>, _>("expires_at").map(Timestamp),
        digest: row.get::<Option<&[u8]>, _>("document_digest").and_then(|digest| digest.try_into().ok()),
        created_at: Timestamp(row.get("created_at")),
        updated_at: Timestamp(row.get("updated_at")),
    })
}

pub(crate) fn read_chunk(row: &SqliteRow, document: DocumentId) -> Result<Chunk> {
    let (headings, place): (&str, &str) = (row.get("headings"), row.get("place"));
    Ok(Chunk {
        number: read_number(row.get("number"))?,
        document,
        ordinal: read_number(row.get("ordinal"))?,
        content: NewChunk {
            text: row.get("chunk_text"),
            headings: read_json(headings)?,
            place: read_json(place)?,
            author: row.get("chunk_author"),
            time: row.get::<Option<i64>, _>("time").map(Timestamp),
        },
    })
}

fn read_indexed(row: &SqliteRow) -> Result<IndexedChunk> {
    let document = read_document(row, String::new())?;
    let chunk = read_chunk(row, document.id.clone())?;
    let document_number = read_number(row.get("document_number"))?;
    Ok(IndexedChunk { document_number, document, chunk })
}

fn read_change(row: &SqliteRow) -> Result<ChunkChange> {
    let content = match row.get::<Option<i64>, _>("number") {
        None => None,
        Some(_) => Some(read_indexed(row)?),
    };
    Ok(ChunkChange { position: read_position(row), number: read_number(row.get("chunk"))?, content })
}

fn read_dispatch(row: &SqliteRow) -> Result<Dispatch> {
    let (id, plan): (&str, &str) = (row.get("id"), row.get("plan"));
    Ok(Dispatch {
        id: id.parse().map_err(|_| Error::Unreadable(format!("`{id}` is not a dispatch's id")))?,
        prompt: row.get("prompt"),
        task_type: row.get("task_type"),
        plan: read_json(plan)?,
        actor: Actor::from(row.get::<&str, _>("actor")),
        request_id: row.get("request_id"),
        created_at: Timestamp(row.get("created_at")),
    })
}

fn read_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(error.to_string()).into())
}

pub(crate) fn read_number(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::Unreadable(format!("{number} is no chunk's number")).into())
}

fn read_position(row: &SqliteRow) -> u64 {
    row.get::<i64, _>("position").unsigned_abs()
}

pub(crate) fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn as_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
