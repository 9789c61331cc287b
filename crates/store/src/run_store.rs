//! Runs in SQL.

use async_trait::async_trait;
use futures::future::BoxFuture;
use kernel::{Page, PageRequest, RunId, Timestamp, WorkerId};
use runs::store::{Claimed, Observer};
use runs::{Commit, Error, Event, EventRecord, RunFilter, RunRow, RunStore, Status};
use rusqlite::{Connection, params};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::error::Error as StoreError;
use crate::run_rows;
use crate::sqlite::Database;

const COLUMNS: &str = "id, workflow, version, title, status, actor, parent_id, forked_from, waiting_gates,
    error, request_digest, created_at, updated_at, finished_at";

/// Keeps runs in a [`Database`].
#[derive(Clone)]
pub struct SqlRunStore {
    database: Database,
}

impl SqlRunStore {
    /// Runs in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    async fn find_where(&self, condition: &'static str, value: &str) -> Result<Option<RunRow>, Error> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM runs WHERE {condition} = ?1"));
        let row =
            sqlx::query(sql).bind(value).fetch_optional(self.database.readers()).await.map_err(failed)?;
        row.as_ref().map(read_run).transpose()
    }
}

#[async_trait]
impl RunStore for SqlRunStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'static, Result<(), Error>> {
        self.database.writer().commit(commit)
    }

    fn observe(&self, observer: Observer) {
        self.database.writer().observe(observer);
    }

    async fn load_events(&self, run_id: &RunId, after: u64, limit: u32) -> Result<Vec<EventRecord>, Error> {
        let rows = sqlx::query(
            "SELECT seq, at, kind, payload FROM events WHERE run_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
        )
        .bind(run_id.as_str())
        .bind(run_rows::integer(after))
        .bind(limit)
        .fetch_all(self.database.readers())
        .await
        .map_err(failed)?;
        rows.iter().map(|row| read_event(run_id, row)).collect()
    }

    async fn load_kind(&self, run_id: &RunId, kind: &str) -> Result<Vec<EventRecord>, Error> {
        let rows = sqlx::query(
            "SELECT seq, at, kind, payload FROM events WHERE run_id = ?1 AND kind = ?2 ORDER BY seq",
        )
        .bind(run_id.as_str())
        .bind(kind)
        .fetch_all(self.database.readers())
        .await
        .map_err(failed)?;
        rows.iter().map(|row| read_event(run_id, row)).collect()
    }

    async fn load_structural(&self, run_id: &RunId) -> Result<(Vec<EventRecord>, u64), Error> {
        let mut structural: Vec<_> = Event::KINDS.to_vec();
        structural.retain(|kind| *kind != "log");
        let mut transaction = self.database.readers().begin().await.map_err(failed)?;
        let rows = sqlx::query(
            "SELECT seq, at, kind, payload FROM events
             WHERE run_id = ?1 AND kind IN (SELECT value FROM json_each(?2)) ORDER BY seq",
        )
        .bind(run_id.as_str())
        .bind(json!(structural).to_string())
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let last: i64 = sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM events WHERE run_id = ?1")
            .bind(run_id.as_str())
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        let records = rows.iter().map(|row| read_event(run_id, row)).collect::<Result<_, _>>()?;
        Ok((records, last.unsigned_abs()))
    }

    async fn find_run(&self, run_id: &RunId) -> Result<Option<RunRow>, Error> {
        self.find_where("id", run_id.as_str()).await
    }

    async fn find_by_idempotency_key(&self, key: &str) -> Result<Option<RunRow>, Error> {
        self.find_where("idempotency_key", key).await
    }

    async fn list_runs(&self, filter: &RunFilter, page: &PageRequest) -> Result<Page<RunRow>, Error> {
        let statuses: Vec<_> = filter.statuses.iter().map(|status| status.as_str()).collect();
        let pattern = filter.text.as_ref().map(|text| format!("%{}%", escape_like(&text.to_lowercase())));
        let sql = format!(
            "SELECT {COLUMNS} FROM runs
             WHERE (?1 = '[]' OR status IN (SELECT value FROM json_each(?1)))
               AND (?2 IS NULL OR workflow = ?2)
               AND (?3 IS NULL OR title_folded LIKE ?3 ESCAPE '\\')
               AND (?4 IS NULL OR parent_id = ?4)
               AND (?5 IS NULL OR id < ?5)
             ORDER BY id DESC LIMIT ?6"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(json!(statuses).to_string())
            .bind(filter.workflow.as_deref())
            .bind(pattern)
            .bind(filter.parent_id.as_ref().map(RunId::as_str))
            .bind(page.cursor.as_deref())
            .bind(i64::from(page.limit) + 1)
            .fetch_all(self.database.readers())
            .await
            .map_err(failed)?;
        let items = rows.iter().map(read_run).collect::<Result<_, _>>()?;
        Ok(Page::from_overfull(items, page.limit, |run: &RunRow| run.run_id.to_string()))
    }

    async fn count_runs(&self) -> Result<Vec<(Status, u64)>, Error> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT status, count(*) FROM runs GROUP BY status")
            .fetch_all(self.database.readers())
            .await
            .map_err(failed)?;
        rows.into_iter().map(|(status, count)| Ok((status.parse()?, count.unsigned_abs()))).collect()
    }

    async fn claim(
        &self,
        worker: &WorkerId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Claimed>, Error> {
        // Most looks find nothing, and a look should not cost a transaction.
        if self.next_due().await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let worker = worker.to_string();
        let claimed =
            self.database.writer().write(move |it| claim(it, &worker, now, lease_until, limit)).await?;
        claimed
            .into_iter()
            .map(|(id, epoch)| Ok(Claimed { run_id: read_id(&id)?, epoch: epoch.unsigned_abs() }))
            .collect()
    }

    async fn renew(&self, worker: &WorkerId, lease_until: Timestamp) -> Result<(), Error> {
        let worker = worker.to_string();
        let sql = "UPDATE runs SET due_at = ?2 WHERE lease_owner = ?1 AND status = 'running'";
        let renewed = self.database.writer().write(move |connection| {
            connection.prepare_cached(sql)?.execute(params![worker, lease_until.0])?;
            Ok(())
        });
        Ok(renewed.await?)
    }

    async fn release_all(&self, now: Timestamp) -> Result<u64, Error> {
        let sql = "UPDATE runs SET due_at = ?1 WHERE status = 'running'";
        let released = self.database.writer().write(move |connection| Ok(connection.execute(sql, [now.0])?));
        Ok(released.await? as u64)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let due: Option<i64> = sqlx::query_scalar("SELECT min(due_at) FROM runs WHERE due_at IS NOT NULL")
            .fetch_one(self.database.readers())
            .await
            .map_err(failed)?;
        Ok(due.map(Timestamp))
    }
}

/// Takes up what is due and gives it in the order in which it was due.
fn claim(
    connection: &Connection,
    worker: &str,
    now: Timestamp,
    lease_until: Timestamp,
    limit: u32,
) -> Result<Vec<(String, i64)>, StoreError> {
    let mut due =
        connection.prepare_cached("SELECT id FROM runs WHERE due_at <= ?1 ORDER BY due_at, id LIMIT ?2")?;
    let due: Vec<String> =
        due.query_map(params![now.0, limit], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut claim = connection.prepare_cached(
        "UPDATE runs SET status = 'running', lease_owner = ?1, lease_epoch = lease_epoch + 1,
             due_at = ?2, wake_pending = 0
         WHERE id = ?3
         RETURNING lease_epoch",
    )?;
    due.into_iter()
        .map(|id| {
            let epoch = claim.query_row(params![worker, lease_until.0, id], |row| row.get(0))?;
            Ok((id, epoch))
        })
        .collect()
}

pub(crate) fn failed(error: sqlx::Error) -> Error {
    StoreError::from(error).into()
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

pub(crate) fn read_id(text: &str) -> Result<RunId, Error> {
    text.parse().map_err(|_| StoreError::Unreadable(format!("`{text}` is not a run's id")).into())
}

pub(crate) fn read_event(run_id: &RunId, row: &SqliteRow) -> Result<EventRecord, Error> {
    let (seq, at): (i64, i64) = (row.get(0), row.get(1));
    let (kind, payload): (&str, &str) = (row.get(2), row.get(3));
    let event = Event::parse(kind, payload)?;
    Ok(EventRecord::new(run_id.clone(), seq.unsigned_abs(), Timestamp(at), event))
}

fn read_run(row: &SqliteRow) -> Result<RunRow, Error> {
    let id = |column: &str| -> Result<Option<RunId>, Error> {
        row.get::<Option<&str>, _>(column).map(read_id).transpose()
    };
    let error: Option<&str> = row.get("error");
    let error = error
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| Error::from(StoreError::Unreadable(error.to_string())))?;
    Ok(RunRow {
        run_id: read_id(row.get("id"))?,
        workflow: row.get("workflow"),
        version: row.get("version"),
        title: row.get("title"),
        status: row.get::<&str, _>("status").parse()?,
        actor: row.get("actor"),
        parent_id: id("parent_id")?,
        forked_from: id("forked_from")?,
        waiting_gates: row.get("waiting_gates"),
        error,
        request_digest: row.get("request_digest"),
        created_at: Timestamp(row.get("created_at")),
        updated_at: Timestamp(row.get("updated_at")),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp),
    })
}
