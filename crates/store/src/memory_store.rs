//! Documents and dispatches in SQL. Triggers keep the keyword index in step with the documents.

use async_trait::async_trait;
use kernel::{Actor, DocumentId, Page, PageRequest, Result, Timestamp};
use memory::{Candidate, Dispatch, Document, Filter, MemoryStore};
use rusqlite::{Connection, params};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::sqlite::Database;

pub(crate) const DOCUMENT: &str = "documents.id, documents.collection, documents.key, documents.source,
    documents.privacy, documents.created_at, documents.updated_at, documents.title, documents.text";

/// `?1` are the collections, `?2` is the source to leave out.
const FILTERED: &str = "(?1 = '[]' OR documents.collection IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR documents.source <> ?2)";

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
}

#[async_trait]
impl MemoryStore for SqlMemoryStore {
    async fn upsert_document(&self, document: &Document) -> Result<DocumentId> {
        let document = document.clone();
        let stored = self.database.writer().write(move |connection| upsert(connection, &document));
        read_id(&stored.await?)
    }

    async fn find_document(&self, id: &DocumentId) -> Result<Option<Document>> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {DOCUMENT} FROM documents WHERE id = ?1"));
        let row = sqlx::query(sql)
            .bind(id.as_str())
            .fetch_optional(self.database.readers())
            .await
            .map_err(Error::from)?;
        row.as_ref().map(read_document).transpose()
    }

    async fn delete_document(&self, id: &DocumentId) -> Result<bool> {
        let id = id.to_string();
        let deleted = self.database.writer().write(move |connection| {
            Ok(connection.execute("DELETE FROM documents WHERE id = ?1", [id])? > 0)
        });
        Ok(deleted.await?)
    }

    async fn list_documents(&self, collection: &str, page: &PageRequest) -> Result<Page<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT} FROM documents
             WHERE collection = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(collection)
            .bind(page.cursor.as_deref())
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let documents = rows.iter().map(read_document).collect::<Result<_>>()?;
        Ok(Page::from_overfull(documents, page.limit, |document: &Document| document.id.to_string()))
    }

    async fn keyword_candidates(
        &self,
        terms: &[String],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Candidate>> {
        let Some(expression) = match_expression(terms) else { return Ok(Vec::new()) };
        // The texts are read for the best only. A word in a title counts twice.
        let sql = format!(
            "SELECT {DOCUMENT}, best.score FROM (
                 SELECT documents.number, documents.id, -bm25(keyword_index, 2.0, 1.0) AS score
                 FROM keyword_index JOIN documents ON documents.number = keyword_index.rowid
                 WHERE keyword_index MATCH ?3 AND {FILTERED}
                 ORDER BY score DESC, documents.id DESC LIMIT ?4
             ) AS best JOIN documents ON documents.number = best.number
             ORDER BY best.score DESC, best.id DESC"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json!(filter.collections).to_string())
            .bind(filter.excluded_source.as_deref())
            .bind(expression)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter()
            .map(|row| Ok(Candidate { document: read_document(row)?, score: row.get("score") }))
            .collect()
    }

    async fn recent_documents(&self, filter: &Filter, limit: usize) -> Result<Vec<Document>> {
        let sql = format!(
            "SELECT {DOCUMENT} FROM documents WHERE {FILTERED} ORDER BY updated_at DESC, id DESC LIMIT ?3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json!(filter.collections).to_string())
            .bind(filter.excluded_source.as_deref())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().map(read_document).collect()
    }

    async fn log_dispatch(&self, dispatch: &Dispatch, document: &Document) -> Result<()> {
        let (dispatch, document) = (dispatch.clone(), document.clone());
        let logged = self.database.writer().write(move |connection| {
            insert_dispatch(connection, &dispatch)?;
            upsert(connection, &document)?;
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

/// Any of the terms, each quoted, so that none is read as an operator. What is not made of letters
/// and digits is in no index; without anything else there is nothing to look for.
fn match_expression(terms: &[String]) -> Option<String> {
    let is_word = |term: &&String| !term.is_empty() && term.chars().all(char::is_alphanumeric);
    let quoted: Vec<String> = terms.iter().filter(is_word).map(|term| format!("\"{term}\"")).collect();
    (!quoted.is_empty()).then(|| quoted.join(" OR "))
}

/// Gives the id under which the document is stored.
fn upsert(connection: &Connection, document: &Document) -> Result<String, Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO documents (id, collection, key, source, privacy, created_at, updated_at, title, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (collection, key) DO UPDATE SET source = excluded.source, privacy = excluded.privacy,
             updated_at = excluded.updated_at, title = excluded.title, text = excluded.text
         RETURNING id",
    )?;
    let values = params![
        document.id.as_str(),
        document.collection,
        document.key,
        document.source,
        document.privacy.as_str(),
        document.created_at.0,
        document.updated_at.0,
        document.title,
        document.text,
    ];
    Ok(statement.query_row(values, |row| row.get(0))?)
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

fn read_id(text: &str) -> Result<DocumentId> {
    text.parse().map_err(|_| Error::Unreadable(format!("`{text}` is not a document's id")).into())
}

pub(crate) fn read_document(row: &SqliteRow) -> Result<Document> {
    let privacy: &str = row.get("privacy");
    Ok(Document {
        id: read_id(row.get("id"))?,
        collection: row.get("collection"),
        key: row.get("key"),
        title: row.get("title"),
        text: row.get("text"),
        source: row.get("source"),
        privacy: privacy.parse().map_err(|error: kernel::Error| Error::Unreadable(error.message))?,
        created_at: Timestamp(row.get("created_at")),
        updated_at: Timestamp(row.get("updated_at")),
    })
}

fn read_dispatch(row: &SqliteRow) -> Result<Dispatch> {
    let (id, plan): (&str, &str) = (row.get("id"), row.get("plan"));
    Ok(Dispatch {
        id: id.parse().map_err(|_| Error::Unreadable(format!("`{id}` is not a dispatch's id")))?,
        prompt: row.get("prompt"),
        task_type: row.get("task_type"),
        plan: serde_json::from_str(plan).map_err(|error| Error::Unreadable(error.to_string()))?,
        actor: Actor::from(row.get::<&str, _>("actor")),
        request_id: row.get("request_id"),
        created_at: Timestamp(row.get("created_at")),
    })
}
