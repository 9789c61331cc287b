//! Memory in SQL: documents, their chunks and dispatches here, the other tiers beside it. Triggers
//! write down which chunks have changed.

mod collections;
mod documents;
mod facts;
mod log;
mod summaries;

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{Actor, DocumentId, Page, PageRequest, Privacy, Result, Timestamp};
use memory::chunk::{CHUNKING_VERSION, Chunk, ChunkChange, IndexedChunk, NewChunk};
use memory::collection::{CollectionChange, CollectionSettings};
use memory::store::{CollectionSummary, Listed, Stored, Supersession, WHOLE_BYTES, WholeDocument};
use memory::{Dispatch, Document, Filter, MemoryStore};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde_json::json;

use crate::error::Error;
use crate::sqlite::Database;
use documents::{Put, change, find_successor, put, split, stand_again, supersede};

/// A document without its text, which is the last column where it is wanted.
pub(crate) const DOCUMENT: &str = "documents.number AS document_number, documents.id, documents.collection,
    documents.key, documents.source, documents.privacy, documents.format, documents.author,
    documents.attributes, documents.occurred_at, documents.created_at, documents.updated_at,
    documents.expires_at, documents.digest AS document_digest, documents.title,
    (SELECT successors.id FROM supersessions JOIN documents AS successors
        ON successors.number = supersessions.successor
     WHERE supersessions.document = documents.number) AS superseded_by";
/// How many columns [`DOCUMENT`] has.
const DOCUMENT_COLUMNS: usize = 16;
pub(crate) const CHUNK: &str = "chunks.number, chunks.ordinal, chunks.author AS chunk_author, chunks.time,
    chunks.headings, chunks.place, chunks.text AS chunk_text";
/// How many columns [`CHUNK`] has.
const CHUNK_COLUMNS: usize = 7;

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

    async fn find_one(&self, condition: &'static str, values: &[&str]) -> Result<Option<Document>> {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        let sql = format!("SELECT {DOCUMENT}, documents.text FROM documents WHERE {condition}");
        let found = self.database.read(move |connection| {
            let rows = all(connection, &sql, params_from_iter(values), read_whole)?;
            Ok(rows.into_iter().next())
        });
        Ok(found.await?)
    }
}

#[async_trait]
impl MemoryStore for SqlMemoryStore {
    async fn put_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<Stored> {
        let (document, chunks) = (document.clone(), chunks.to_vec());
        let stored = self.database.writer().write(move |connection| put(connection, &document, &chunks));
        let Put { id, is_new, changed_chunks, .. } = stored.await?;
        Ok(Stored { id: read_id(&id)?, is_new, changed_chunks })
    }

    async fn change_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()> {
        let (document, chunks) = (document.clone(), chunks.to_vec());
        let changed = self.database.writer().write(move |connection| change(connection, &document, &chunks));
        Ok(changed.await?)
    }

    async fn split_document(&self, document: &Document, chunks: &[NewChunk]) -> Result<()> {
        let (document, chunks) = (document.clone(), chunks.to_vec());
        let split = self.database.writer().write(move |connection| split(connection, &document, &chunks));
        Ok(split.await?)
    }

    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>> {
        self.find_one("documents.id = ?1", &[id.as_str()]).await
    }

    async fn find_document_by_key(&self, collection: &str, key: &str) -> Result<Option<Document>> {
        self.find_one("documents.collection = ?1 AND documents.key = ?2", &[collection, key]).await
    }

    async fn supersede(&self, id: &DocumentId, by: Option<&DocumentId>) -> Result<Supersession> {
        let (id, by) = (id.to_string(), by.map(ToString::to_string));
        let superseded = self.database.writer().write(move |connection| {
            let Some(document) = find_numbered(connection, &id)? else { return Ok(Supersession::Missing) };
            let Some(by) = by else { return stand_again(connection, document) };
            let Some(successor) = find_numbered(connection, &by)? else { return Ok(Supersession::Missing) };
            let mut next = Some(successor);
            while let Some(number) = next {
                if number == document {
                    return Ok(Supersession::Circular);
                }
                next = find_successor(connection, number)?;
            }
            supersede(connection, document, successor)
        });
        Ok(superseded.await?)
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
        let mut values = filter_values(filter);
        values.extend([page.cursor.clone().into(), (i64::from(page.limit) + 1).into()]);
        let listed = |row: &Row<'_>| {
            let document = read_document(row, 0, String::new())?;
            Ok(Listed {
                document,
                characters: read_count(row, "characters")?,
                chunks: read_count(row, "chunks")?,
            })
        };
        let documents =
            self.database.read(move |connection| all(connection, &sql, params_from_iter(values), listed));
        let documents = documents.await?;
        Ok(Page::from_overfull(documents, page.limit, |listed: &Listed| listed.document.id.to_string()))
    }

    async fn list_whole(
        &self,
        filter: &Filter,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<WholeDocument>> {
        // No collection and no key is empty, so all stand behind these.
        let (collection, key) = after.unwrap_or_default();
        let sql = format!(
            "SELECT {DOCUMENT}, documents.text FROM documents
             WHERE (documents.collection, documents.key) > (?9, ?10) AND {FILTERED}
             ORDER BY documents.collection, documents.key LIMIT ?11"
        );
        let mut values = filter_values(filter);
        values.extend([collection.to_owned().into(), key.to_owned().into(), as_integer(limit).into()]);
        let whole = self.database.read(move |connection| {
            // Within one transaction nothing changes between a document and its chunks.
            let moment = connection.unchecked_transaction()?;
            read_all_of(&moment, &sql, values)
        });
        Ok(whole.await?)
    }

    async fn list_collections(&self) -> Result<Vec<CollectionSummary>> {
        let sql = "SELECT collection, count(*) AS documents, sum(privacy = 'local') AS local_documents,
                 sum(length(text)) AS characters, max(updated_at) AS newest,
                 sum(chunking <> ?1) AS to_divide,
                 (SELECT count(*) FROM chunks JOIN documents AS own ON own.number = chunks.document
                  WHERE own.collection = documents.collection) AS chunks
             FROM documents GROUP BY collection ORDER BY collection";
        let summary = |row: &Row<'_>| {
            Ok(CollectionSummary {
                name: row.get("collection")?,
                documents: read_count(row, "documents")?,
                local_documents: read_count(row, "local_documents")?,
                chunks: read_count(row, "chunks")?,
                characters: read_count(row, "characters")?,
                to_divide: read_count(row, "to_divide")?,
                newest: Timestamp(row.get("newest")?),
            })
        };
        let listed = self
            .database
            .read(move |connection| all(connection, sql, [i64::from(CHUNKING_VERSION)], summary));
        Ok(listed.await?)
    }

    async fn find_collection_settings(&self, collection: &str) -> Result<CollectionSettings> {
        self.settings_of(collection).await
    }

    async fn list_collection_settings(&self) -> Result<BTreeMap<String, CollectionSettings>> {
        self.all_settings().await
    }

    async fn change_collection(
        &self,
        collection: &str,
        change: &CollectionChange,
        now: Timestamp,
    ) -> Result<CollectionSettings> {
        let (collection, change) = (collection.to_owned(), *change);
        let changed = self
            .database
            .writer()
            .write(move |connection| collections::change(connection, &collection, &change, now));
        Ok(changed.await?)
    }

    async fn divide_anew(&self, collection: &str) -> Result<()> {
        let collection = collection.to_owned();
        let marked =
            self.database.writer().write(move |connection| collections::divide_anew(connection, &collection));
        Ok(marked.await?)
    }

    async fn documents_to_chunk(&self, limit: usize) -> Result<Vec<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT}, documents.text FROM documents WHERE chunking <> ?1 ORDER BY number LIMIT ?2"
        );
        let values = [i64::from(CHUNKING_VERSION), as_integer(limit)];
        Ok(self.database.read(move |connection| all(connection, &sql, values, read_whole)).await?)
    }

    async fn find_chunks(&self, numbers: &[u32]) -> Result<Vec<IndexedChunk>> {
        let sql = format!(
            "SELECT {CHUNK}, {DOCUMENT} FROM json_each(?1) AS wanted
             JOIN chunks ON chunks.number = wanted.value
             JOIN documents ON documents.number = chunks.document"
        );
        let numbers = json!(numbers).to_string();
        Ok(self
            .database
            .read(move |connection| all(connection, &sql, [numbers], |row| read_indexed(row, 0)))
            .await?)
    }

    async fn find_neighbours(&self, numbers: &[u32], reach: u32) -> Result<Vec<(u32, IndexedChunk)>> {
        let sql = format!(
            "SELECT wanted.value AS beside, {CHUNK}, {DOCUMENT} FROM json_each(?1) AS wanted
             JOIN chunks AS middles ON middles.number = wanted.value
             JOIN chunks ON chunks.document = middles.document AND chunks.number <> middles.number
                AND chunks.ordinal BETWEEN middles.ordinal - ?2 AND middles.ordinal + ?2
             JOIN documents ON documents.number = chunks.document
             ORDER BY wanted.key, chunks.ordinal"
        );
        let numbers = json!(numbers).to_string();
        let beside = |row: &Row<'_>| Ok((row.get(0)?, read_indexed(row, 1)?));
        let found =
            self.database.read(move |connection| all(connection, &sql, params![numbers, reach], beside));
        Ok(found.await?)
    }

    async fn list_chunks(&self, id: &DocumentId) -> Result<Vec<Chunk>> {
        let sql = format!(
            "SELECT {CHUNK} FROM chunks JOIN documents ON documents.number = chunks.document
             WHERE documents.id = ?1 ORDER BY chunks.ordinal"
        );
        let id = id.clone();
        let listed = self.database.read(move |connection| {
            all(connection, &sql, [id.as_str()], |row| read_chunk(row, 0, id.clone()))
        });
        Ok(listed.await?)
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
        let values = [position(after), as_integer(limit)];
        Ok(self.database.read(move |connection| all(connection, &sql, values, read_change)).await?)
    }

    async fn last_change(&self) -> Result<u64> {
        let last = self.database.read(|connection| {
            let sql = "SELECT coalesce(max(position), 0) FROM chunk_changes";
            Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?)
        });
        Ok(last.await?.unsigned_abs())
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
        let sql = "SELECT id, task_type, actor, request_id, created_at, prompt, plan FROM dispatches
             WHERE ?1 IS NULL OR id < ?1 ORDER BY id DESC LIMIT ?2";
        let (cursor, limit) = (page.cursor.clone(), i64::from(page.limit) + 1);
        let dispatches =
            self.database.read(move |connection| all(connection, sql, params![cursor, limit], read_dispatch));
        let dispatches = dispatches.await?;
        Ok(Page::from_overfull(dispatches, page.limit, |dispatch: &Dispatch| dispatch.id.to_string()))
    }
}

fn find_numbered(connection: &Connection, id: &str) -> Result<Option<i64>, Error> {
    let mut statement = connection.prepare_cached("SELECT number FROM documents WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

/// What [`FILTERED`] asks for.
fn filter_values(filter: &Filter) -> Vec<Value> {
    vec![
        json!(filter.collections).to_string().into(),
        filter.author.clone().into(),
        json!(filter.attributes).to_string().into(),
        filter.source.clone().into(),
        filter.excluded_source.clone().into(),
        (filter.strictest != Some(Privacy::Shareable)).into(),
        filter.since.map(|moment| moment.0).into(),
        filter.until.map(|moment| moment.0).into(),
    ]
}

/// All rows of an answer.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The documents of an answer with their chunks, until they have [`WHOLE_BYTES`].
fn read_all_of(connection: &Connection, sql: &str, values: Vec<Value>) -> Result<Vec<WholeDocument>, Error> {
    let chunks_sql = format!("SELECT {CHUNK} FROM chunks WHERE chunks.document = ?1 ORDER BY chunks.ordinal");
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let (mut whole, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let document = read_whole(row)?;
        let number: i64 = row.get("document_number")?;
        let content = |row: &Row<'_>| Ok(read_chunk(row, 0, document.id.clone())?.content);
        let chunks = all(connection, &chunks_sql, [number], content)?;
        bytes += document.text.len();
        whole.push(WholeDocument { document, chunks });
        if bytes >= WHOLE_BYTES {
            break;
        }
    }
    Ok(whole)
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

fn read_count(row: &Row<'_>, column: &str) -> Result<u64, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.unwrap_or_default().unsigned_abs())
}

fn read_id(text: &str) -> Result<DocumentId, Error> {
    text.parse().map_err(|_| Error::Unreadable(format!("`{text}` is not a document's id")))
}

/// A document with its text right behind it.
fn read_whole(row: &Row<'_>) -> Result<Document, Error> {
    read_document(row, 0, row.get(DOCUMENT_COLUMNS)?)
}

/// A document of which [`DOCUMENT`] begins at a column. By their places, since rows are read by the
/// thousand and each name would be looked for among all of them.
fn read_document(row: &Row<'_>, at: usize, text: String) -> Result<Document, Error> {
    let moment = |column| Ok::<_, Error>(row.get::<_, Option<i64>>(at + column)?.map(Timestamp));
    Ok(Document {
        id: read_id(borrowed(row, at + 1)?)?,
        collection: row.get(at + 2)?,
        key: row.get(at + 3)?,
        source: row.get(at + 4)?,
        privacy: read_privacy(borrowed(row, at + 5)?)?,
        format: row.get(at + 6)?,
        author: row.get(at + 7)?,
        attributes: read_json(borrowed(row, at + 8)?)?,
        occurred_at: moment(9)?,
        created_at: Timestamp(row.get(at + 10)?),
        updated_at: Timestamp(row.get(at + 11)?),
        expires_at: moment(12)?,
        digest: row.get::<_, Option<Vec<u8>>>(at + 13)?.and_then(|digest| digest.try_into().ok()),
        title: row.get(at + 14)?,
        superseded_by: borrowed_if_any(row, at + 15)?.map(read_id).transpose()?,
        text,
    })
}

fn borrowed<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r str, Error> {
    Ok(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(crate) fn borrowed_if_any<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, Error> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

fn read_privacy(text: &str) -> Result<Privacy, Error> {
    text.parse().map_err(|error: kernel::Error| Error::Unreadable(error.message))
}

/// A chunk of which [`CHUNK`] begins at a column.
fn read_chunk(row: &Row<'_>, at: usize, document: DocumentId) -> Result<Chunk, Error> {
    Ok(Chunk {
        number: row.get(at)?,
        document,
        ordinal: row.get(at + 1)?,
        content: NewChunk {
            author: row.get(at + 2)?,
            time: row.get::<_, Option<i64>>(at + 3)?.map(Timestamp),
            headings: read_json(borrowed(row, at + 4)?)?,
            place: read_json(borrowed(row, at + 5)?)?,
            text: row.get(at + 6)?,
        },
    })
}

/// A chunk with its document behind it.
pub(crate) fn read_indexed(row: &Row<'_>, at: usize) -> Result<IndexedChunk, Error> {
    let document = read_document(row, at + CHUNK_COLUMNS, String::new())?;
    let chunk = read_chunk(row, at, document.id.clone())?;
    Ok(IndexedChunk { document_number: row.get(at + CHUNK_COLUMNS)?, document, chunk })
}

fn read_change(row: &Row<'_>) -> Result<ChunkChange, Error> {
    let is_there = row.get::<_, Option<i64>>(2)?.is_some();
    Ok(ChunkChange {
        position: row.get::<_, i64>(0)?.unsigned_abs(),
        number: row.get(1)?,
        content: is_there.then(|| read_indexed(row, 2)).transpose()?,
    })
}

fn read_dispatch(row: &Row<'_>) -> Result<Dispatch, Error> {
    let id = borrowed(row, 0)?;
    Ok(Dispatch {
        id: id.parse().map_err(|_| Error::Unreadable(format!("`{id}` is not a dispatch's id")))?,
        task_type: row.get(1)?,
        actor: Actor::from(borrowed(row, 2)?),
        request_id: row.get(3)?,
        created_at: Timestamp(row.get(4)?),
        prompt: row.get(5)?,
        plan: read_json(borrowed(row, 6)?)?,
    })
}

fn read_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Unreadable(error.to_string()))
}

pub(crate) fn position(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn as_integer(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
