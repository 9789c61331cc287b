//! Calls of models, what they consumed, and the limits on it, in SQL.
//!
//! Invariant: a call and its part of the hourly sums are written in one transaction, so that both
//! always agree. Reports are made of the sums ([`report`]), so that they take as long over a million
//! calls as over a thousand.

mod histogram;
mod limit_rows;
mod report;
mod rollup;

use async_trait::async_trait;
use kernel::{Actor, LimitId, Page, PageRequest, Result, Timestamp};
use models::Limit;
use models::ledger::{Call, CallFilter, CallOutcome, Ledger, Origin, Spending, UsageQuery, UsageReport};
use rusqlite::{Connection, params};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error;
use crate::sqlite::Database;
use report::Report;
use rollup::{HOUR_MS, Rollup, integer, natural, read_amount};

const CALL: &str =
    "SELECT id, began_at, surface, actor, request_id, run_id, provider, model, requested_model,
    is_stream, outcome, error_code, usage, first_content_ms, latency_ms, attempts FROM model_calls";
/// How many calls are dropped in one go, so that nobody waits long for the writer.
const DROPPED_AT_ONCE: usize = 2_000;

/// Keeps the ledger in a [`Database`].
#[derive(Clone)]
pub struct SqlLedger {
    database: Database,
}

impl SqlLedger {
    /// The ledger in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// What the owner called each token.
    async fn token_names(&self) -> Result<std::collections::HashMap<String, String>> {
        let rows = sqlx::query("SELECT id, name FROM tokens").fetch_all(self.database.readers()).await;
        Ok(rows.map_err(Error::from)?.iter().map(|row| (row.get(0), row.get(1))).collect())
    }
}

#[async_trait]
impl Ledger for SqlLedger {
    async fn record(&self, calls: Vec<Call>) -> Result<()> {
        let written = self.database.writer().write(move |connection| {
            let mut rollup = Rollup::default();
            for call in &calls {
                // One that is there already was written by an earlier try.
                if insert(connection, call)? {
                    rollup.add(call);
                }
            }
            rollup.write(connection)
        });
        Ok(written.await?)
    }

    async fn list_calls(&self, filter: &CallFilter, page: &PageRequest) -> Result<Page<Call>> {
        // The filters are spelled out, so that each finds its index.
        let by_provider = filter.provider.as_ref().map_or("", |_| "AND provider = ?2");
        let by_outcome = filter.outcome.map_or("", |_| "AND outcome = ?3");
        let sql = format!(
            "{CALL} WHERE (?1 IS NULL OR id < ?1) {by_provider} {by_outcome} ORDER BY id DESC LIMIT ?4"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(page.cursor.as_deref())
            .bind(filter.provider.as_deref())
            .bind(filter.outcome.map(CallOutcome::as_str))
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        let calls = rows.iter().map(read).collect::<Result<_, Error>>()?;
        Ok(Page::from_overfull(calls, page.limit, |call: &Call| call.id.to_string()))
    }

    async fn calls_since(&self, at: Timestamp) -> Result<Vec<Call>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{CALL} WHERE ended_at >= ?1")))
            .bind(at.0)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        Ok(rows.iter().map(read).collect::<Result<_, Error>>()?)
    }

    async fn usage(&self, query: &UsageQuery) -> Result<UsageReport> {
        let mut report = Report::new(query.bucket, self.token_names().await?);
        let actor = query.token.as_ref().map(|id| Actor::Token(id.clone()).to_string());
        let sql = format!(
            "SELECT {} FROM model_usage WHERE hour >= ?1 AND hour <= ?2
             AND (?3 IS NULL OR provider = ?3) AND (?4 IS NULL OR actor = ?4)",
            report::COLUMNS
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(query.from.0.div_euclid(HOUR_MS) * HOUR_MS)
            .bind(query.to.0)
            .bind(query.provider.as_deref())
            .bind(actor)
            .fetch_all(self.database.readers())
            .await
            .map_err(Error::from)?;
        rows.iter().for_each(|row| report.add(row));
        Ok(report.finish())
    }

    async fn spending(&self, since: Timestamp) -> Result<Spending> {
        let sums = async |subject: &str, requests: &str| -> Result<Vec<_>> {
            let sql = format!(
                "SELECT {subject}, sum({requests}), sum(tokens_in + tokens_out), sum(usd) FROM model_usage
                 WHERE hour >= ?1 AND {subject} <> '' GROUP BY {subject}"
            );
            let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(since.0.div_euclid(HOUR_MS) * HOUR_MS)
                .fetch_all(self.database.readers())
                .await
                .map_err(Error::from)?;
            Ok(rows.iter().map(|row| (row.get(0), read_amount(row, 1))).collect())
        };
        Ok(Spending {
            by_actor: sums("actor", "requests - refused - cached").await?,
            by_provider: sums("provider", "tries").await?,
        })
    }

    async fn drop_calls_before(&self, at: Timestamp) -> Result<bool> {
        let dropped = self.database.writer().write(move |connection| {
            let sql = "DELETE FROM model_calls WHERE id IN
                (SELECT id FROM model_calls WHERE ended_at < ?1 LIMIT ?2)";
            Ok(connection.execute(sql, params![at.0, DROPPED_AT_ONCE as i64])?)
        });
        Ok(dropped.await? == DROPPED_AT_ONCE)
    }

    async fn list_limits(&self) -> Result<Vec<Limit>> {
        let rows = sqlx::query(limit_rows::SELECT).fetch_all(self.database.readers()).await;
        let rows = rows.map_err(Error::from)?;
        Ok(rows.iter().map(limit_rows::read).collect::<Result<_, Error>>()?)
    }

    async fn create_limit(&self, limit: &Limit) -> Result<bool> {
        let limit = limit.clone();
        let created = self.database.writer().write(move |connection| limit_rows::insert(connection, &limit));
        Ok(created.await?)
    }

    async fn create_first_limit(&self, limit: &Limit) -> Result<bool> {
        let limit = limit.clone();
        let created =
            self.database.writer().write(move |connection| limit_rows::insert_first(connection, &limit));
        Ok(created.await?)
    }

    async fn update_limit(&self, limit: &Limit) -> Result<bool> {
        let limit = limit.clone();
        let updated = self.database.writer().write(move |connection| limit_rows::update(connection, &limit));
        Ok(updated.await?)
    }

    async fn delete_limit(&self, id: &LimitId) -> Result<bool> {
        let id = id.to_string();
        let deleted = self.database.writer().write(move |connection| {
            Ok(connection.execute("DELETE FROM model_limits WHERE id = ?1", [id])? > 0)
        });
        Ok(deleted.await?)
    }
}

/// False when it is there already.
fn insert(connection: &Connection, call: &Call) -> Result<bool, Error> {
    let json = |error: serde_json::Error| Error::Unreadable(error.to_string());
    let mut statement = connection.prepare_cached(
        "INSERT INTO model_calls (id, began_at, ended_at, surface, actor, request_id, run_id, provider, model,
             requested_model, is_stream, outcome, error_code, usage, first_content_ms, latency_ms, attempts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let inserted = statement.execute(params![
        call.id.as_str(),
        call.at.0,
        call.ended_at().0,
        call.origin.surface.as_str(),
        call.origin.actor.to_string(),
        call.origin.request_id,
        call.origin.run_id.as_ref().map(kernel::RunId::as_str),
        call.provider,
        call.model,
        call.requested_model,
        call.is_stream,
        call.outcome.as_str(),
        call.error_code,
        serde_json::to_string(&call.usage).map_err(json)?,
        call.first_content_ms.map(integer),
        integer(call.latency_ms),
        serde_json::to_string(&call.attempts).map_err(json)?,
    ])?;
    Ok(inserted > 0)
}

fn read(row: &SqliteRow) -> Result<Call, Error> {
    let id: &str = row.get("id");
    let unreadable = || Error::Unreadable(format!("the call `{id}`"));
    let run_id: Option<&str> = row.get("run_id");
    let (surface, outcome): (&str, &str) = (row.get("surface"), row.get("outcome"));
    Ok(Call {
        id: id.parse().map_err(|_| unreadable())?,
        at: Timestamp(row.get("began_at")),
        origin: Origin {
            actor: Actor::from(row.get::<&str, _>("actor")),
            surface: surface.parse().map_err(|()| unreadable())?,
            request_id: row.get("request_id"),
            run_id: run_id.map(str::parse).transpose().map_err(|_| unreadable())?,
        },
        provider: row.get("provider"),
        model: row.get("model"),
        requested_model: row.get("requested_model"),
        is_stream: row.get("is_stream"),
        outcome: outcome.parse().map_err(|()| unreadable())?,
        error_code: row.get("error_code"),
        usage: serde_json::from_str(row.get("usage")).map_err(|_| unreadable())?,
        first_content_ms: row.get::<Option<i64>, _>("first_content_ms").map(natural),
        latency_ms: natural(row.get("latency_ms")),
        attempts: serde_json::from_str(row.get("attempts")).map_err(|_| unreadable())?,
    })
}
