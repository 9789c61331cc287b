//! The rows of limits.

use models::{Limit, Subject};
use rusqlite::{Connection, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::rollup::{integer, natural};
use crate::error::{Error, is_taken};

pub(super) const SELECT: &str = "SELECT id, scope, subject, time_span, requests, tokens, usd, warn_at
    FROM model_limits ORDER BY id";
/// Remembers that the first limit was made, so that it does not come back when it is removed.
const FIRST_LIMIT: &str = "models.first_limit";

/// False when its subject has a limit for the window.
pub(super) fn insert(connection: &Connection, limit: &Limit) -> Result<bool, Error> {
    let inserted = connection.execute(
        "INSERT INTO model_limits (id, scope, subject, time_span, requests, tokens, usd, warn_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            limit.id.as_str(),
            limit.subject.scope(),
            limit.subject.name().unwrap_or_default(),
            limit.window.as_str(),
            limit.requests.map(integer),
            limit.tokens.map(integer),
            limit.usd,
            limit.warn_at,
        ],
    );
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_taken(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn insert_first(connection: &Connection, limit: &Limit) -> Result<bool, Error> {
    let is_first = connection.execute(
        "INSERT INTO preferences (name, value) VALUES (?1, 'made') ON CONFLICT (name) DO NOTHING",
        [FIRST_LIMIT],
    )? > 0;
    let others: i64 = connection.query_row("SELECT count(*) FROM model_limits", [], |row| row.get(0))?;
    if is_first && others == 0 { insert(connection, limit) } else { Ok(false) }
}

pub(super) fn update(connection: &Connection, limit: &Limit) -> Result<bool, Error> {
    let updated = connection.execute(
        "UPDATE model_limits SET requests = ?2, tokens = ?3, usd = ?4, warn_at = ?5 WHERE id = ?1",
        params![
            limit.id.as_str(),
            limit.requests.map(integer),
            limit.tokens.map(integer),
            limit.usd,
            limit.warn_at,
        ],
    )?;
    Ok(updated > 0)
}

pub(super) fn read(row: &SqliteRow) -> Result<Limit, Error> {
    let (id, scope, subject, window): (&str, &str, &str, &str) =
        (row.get(0), row.get(1), row.get(2), row.get(3));
    let unreadable = || Error::Unreadable(format!("the limit `{id}`"));
    Ok(Limit {
        id: id.parse().map_err(|_| unreadable())?,
        subject: Subject::of(scope, Some(subject).filter(|name| !name.is_empty())).ok_or_else(unreadable)?,
        window: window.parse().map_err(|()| unreadable())?,
        requests: row.get::<Option<i64>, _>(4).map(natural),
        tokens: row.get::<Option<i64>, _>(5).map(natural),
        usd: row.get(6),
        warn_at: row.get(7),
    })
}
