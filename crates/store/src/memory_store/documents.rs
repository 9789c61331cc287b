//! Writing a document: what says the same as before keeps its chunk, its number and its vectors.

use std::collections::{HashMap, VecDeque};

use memory::Document;
use memory::chunk::{CHUNKING_VERSION, NewChunk};
use memory::store::Supersession;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::json;

use super::as_integer;
use crate::error::Error;

/// What came of storing a document.
pub(super) struct Put {
    /// Under which number.
    pub number: i64,
    /// Under which id.
    pub id: String,
    /// Whether nothing had its key.
    pub is_new: bool,
    /// How many chunks are new or other than before.
    pub changed_chunks: usize,
}

/// Stores a document with its chunks.
pub(super) fn put(connection: &Connection, document: &Document, chunks: &[NewChunk]) -> Result<Put, Error> {
    let (number, id) = upsert(connection, document, false)?;
    let changed_chunks = put_chunks(connection, number, document, chunks)?;
    Ok(Put { number, is_new: id == document.id.as_str(), id, changed_chunks })
}

/// Stores a document that is there with chunks that were made before.
pub(super) fn change(connection: &Connection, document: &Document, chunks: &[NewChunk]) -> Result<(), Error> {
    let (number, _) = upsert(connection, document, true)?;
    put_chunks(connection, number, document, chunks)?;
    Ok(())
}

/// The number of the document with this key.
pub(super) fn find_number(
    connection: &Connection,
    collection: &str,
    key: &str,
) -> Result<Option<i64>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT number FROM documents WHERE collection = ?1 AND key = ?2")?;
    Ok(statement.query_row([collection, key], |row| row.get(0)).optional()?)
}

/// The document that has taken the place of another.
pub(super) fn find_successor(connection: &Connection, document: i64) -> Result<Option<i64>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT successor FROM supersessions WHERE document = ?1")?;
    Ok(statement.query_row([document], |row| row.get(0)).optional()?)
}

/// Has a document take the place of another.
pub(super) fn supersede(connection: &Connection, document: i64, by: i64) -> Result<Supersession, Error> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO supersessions (document, successor) VALUES (?1, ?2)")?
        .execute([document, by])?;
    Ok(Supersession::Done)
}

/// Lets a document stand again.
pub(super) fn stand_again(connection: &Connection, document: i64) -> Result<Supersession, Error> {
    connection.prepare_cached("DELETE FROM supersessions WHERE document = ?1")?.execute([document])?;
    Ok(Supersession::Done)
}

/// Stores the chunks of a document, unless it is another one by now.
pub(super) fn split(connection: &Connection, document: &Document, chunks: &[NewChunk]) -> Result<(), Error> {
    let number = connection
        .query_row(
            "UPDATE documents SET chunking = ?3 WHERE id = ?1 AND updated_at = ?2 AND text = ?4 RETURNING number",
            params![document.id.as_str(), document.updated_at.0, CHUNKING_VERSION, document.text],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(number) = number {
        put_chunks(connection, number, document, chunks)?;
    }
    Ok(())
}

/// Stores a document without its chunks, which are as they are to be unless they were `made_before`.
fn upsert(connection: &Connection, document: &Document, made_before: bool) -> Result<(i64, String), Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO documents (id, collection, key, source, privacy, format, author, attributes, occurred_at,
             created_at, updated_at, expires_at, digest, chunking, title, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)
         ON CONFLICT (collection, key) DO UPDATE SET source = excluded.source, privacy = excluded.privacy,
             format = excluded.format, author = excluded.author, attributes = excluded.attributes,
             occurred_at = excluded.occurred_at, updated_at = excluded.updated_at,
             expires_at = excluded.expires_at, digest = excluded.digest,
             chunking = CASE WHEN ?17 THEN documents.chunking ELSE excluded.chunking END,
             title = excluded.title, text = excluded.text
         RETURNING number, id",
    )?;
    let values = params![
        document.id.as_str(),
        document.collection,
        document.key,
        document.source,
        document.privacy.as_str(),
        document.format,
        document.author,
        json!(document.attributes).to_string(),
        document.occurred_at.map(|moment| moment.0),
        document.created_at.0,
        document.updated_at.0,
        document.expires_at.map(|moment| moment.0),
        document.digest.as_ref().map(|digest| digest.as_slice()),
        CHUNKING_VERSION,
        document.title,
        document.text,
        made_before,
    ];
    Ok(statement.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn put_chunks(
    connection: &Connection,
    document_number: i64,
    document: &Document,
    chunks: &[NewChunk],
) -> Result<usize, Error> {
    let mut there = chunks_there(connection, document_number)?;
    let wanted = chunks.iter().enumerate().map(|(ordinal, chunk)| Row::of(document, ordinal, chunk));
    let wanted: Vec<(Row, Option<Stored>)> = wanted
        .map(|row| {
            let same = there.get_mut(&row.digest).and_then(VecDeque::pop_front);
            (row, same)
        })
        .collect();
    let mut remove = connection.prepare_cached("DELETE FROM chunks WHERE number = ?1")?;
    for gone in there.into_values().flatten() {
        remove.execute([gone.number])?;
    }
    // Two chunks may change places, and no two may have the same one in between.
    let mut step_aside =
        connection.prepare_cached("UPDATE chunks SET ordinal = -1 - number WHERE number = ?1")?;
    for (row, stored) in &wanted {
        if let Some(stored) = stored.as_ref().filter(|stored| stored.row.ordinal != row.ordinal) {
            step_aside.execute([stored.number])?;
        }
    }
    let mut changed = 0;
    for (row, stored) in wanted {
        match stored {
            Some(stored) if stored.row == row => {}
            Some(stored) => update(connection, stored.number, &row)?,
            None => {
                insert(connection, document_number, &row)?;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// A chunk as it is written.
#[derive(PartialEq)]
struct Row {
    digest: Vec<u8>,
    ordinal: i64,
    author: Option<String>,
    time: Option<i64>,
    headings: String,
    place: String,
    text: String,
}

impl Row {
    fn of(document: &Document, ordinal: usize, chunk: &NewChunk) -> Self {
        Self {
            digest: chunk.digest(document).to_vec(),
            ordinal: as_integer(ordinal),
            author: chunk.author.clone(),
            time: chunk.time.map(|time| time.0),
            headings: json!(chunk.headings).to_string(),
            place: chunk.place.to_string(),
            text: chunk.text.clone(),
        }
    }
}

struct Stored {
    number: i64,
    row: Row,
}

/// A document's chunks by their digests, in their order.
fn chunks_there(connection: &Connection, document: i64) -> Result<HashMap<Vec<u8>, VecDeque<Stored>>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT number, digest, ordinal, author, time, headings, place, text FROM chunks
         WHERE document = ?1 ORDER BY ordinal",
    )?;
    let mut there: HashMap<Vec<u8>, VecDeque<Stored>> = HashMap::new();
    let mut rows = statement.query([document])?;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        let row = Row {
            digest: row.get(1)?,
            ordinal: row.get(2)?,
            author: row.get(3)?,
            time: row.get(4)?,
            headings: row.get(5)?,
            place: row.get(6)?,
            text: row.get(7)?,
        };
        there.entry(row.digest.clone()).or_default().push_back(Stored { number, row });
    }
    Ok(there)
}

fn update(connection: &Connection, number: i64, row: &Row) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "UPDATE chunks SET ordinal = ?2, author = ?3, time = ?4, headings = ?5, place = ?6, text = ?7
         WHERE number = ?1",
    )?;
    statement.execute(params![
        number,
        row.ordinal,
        row.author,
        row.time,
        row.headings,
        row.place,
        row.text
    ])?;
    write_down(connection, number)
}

fn insert(connection: &Connection, document: i64, row: &Row) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO chunks (document, digest, ordinal, author, time, headings, place, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let Row { digest, ordinal, author, time, headings, place, text } = row;
    let number = statement.insert(params![document, digest, ordinal, author, time, headings, place, text])?;
    write_down(connection, number)
}

/// Lets indices know that a chunk is new or other than before.
fn write_down(connection: &Connection, chunk: i64) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO chunk_changes (chunk) VALUES (?1)")?
        .execute([chunk])?;
    Ok(())
}
