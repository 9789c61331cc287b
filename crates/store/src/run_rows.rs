//! The statements that write runs, many at a time.
//!
//! Each statement takes its rows as one JSON array, so that a batch of any size is the same few
//! prepared statements.

use std::collections::HashMap;

use runs::store::{RowChange, RowState, RunWrite};
use runs::{Commit, Error};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnection;

const CREATE: &str = "
INSERT INTO runs (id, workflow, version, title, status, actor, parent_id, forked_from, waiting_gates,
    idempotency_key, request_digest, lease_owner, lease_epoch, due_at, created_at, updated_at, finished_at,
    title_folded)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8,
    value->>9, value->>10, value->>11, value->>12, value->>13, value->>14, value->>15, value->>16, value->>17
FROM json_each(?1)";

/// The first write that comes neither from the holder of the lease nor from nobody in particular.
const NOT_HELD: &str = "
SELECT min(write.key) FROM json_each(?1) AS write LEFT JOIN runs ON runs.id = write.value->>0
WHERE runs.id IS NULL OR (write.value->>1 IS NOT NULL AND runs.lease_epoch <> write.value->>1)";

/// The first write that does not go on exactly where its run's log ends.
const NOT_CONTINUED: &str = "
SELECT min(write.key) FROM json_each(?1) AS write
WHERE write.value->>2 <> 0
    AND NOT EXISTS (SELECT 1 FROM events WHERE run_id = write.value->>0 AND seq = write.value->>2)";

const APPEND: &str = "
INSERT INTO events (run_id, seq, at, kind, payload)
SELECT value->>0, value->>1, value->>2, value->>3, value->>4 FROM json_each(?1)";

/// A write without a lease takes the run out of its holder's hands.
const TAKE_AWAY: &str = "
UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = NULL
WHERE id IN (SELECT value FROM json_each(?1))";

const UPDATE: &str = "
UPDATE runs SET status = change.value->>1,
    due_at = CASE WHEN wake_pending = 1 AND change.value->>1 IN ('waiting', 'waiting_approval')
        THEN change.value->>5 ELSE change.value->>2 END,
    waiting_gates = change.value->>3, error = change.value->>4, updated_at = change.value->>5,
    finished_at = change.value->>6
FROM json_each(?1) AS change WHERE runs.id = change.value->>0";

const WAKE_PARENTS: &str = "
UPDATE runs SET wake_pending = 1,
    due_at = CASE WHEN status IN ('waiting', 'waiting_approval') THEN parent.value->>1 ELSE due_at END
FROM json_each(?1) AS parent WHERE runs.id = parent.value->>0";

/// Writes `writes`, all of them or, when it fails, none that the caller's savepoint does not undo.
/// They are one commit, or many that do not touch the same run in ways whose order matters:
/// [`may_share_statements`].
pub(crate) async fn write(connection: &mut SqliteConnection, writes: &[&RunWrite]) -> Result<(), Error> {
    let mut created = Vec::new();
    let mut updated: HashMap<&str, Value> = HashMap::new();
    let mut parents = Vec::new();
    for write in writes {
        let state = match &write.row {
            None => continue,
            Some(RowChange::Create(new)) => {
                created.push(creation(write, new));
                &new.state
            }
            Some(RowChange::Update(state)) => {
                // Of several changes in one batch only the last one shows.
                updated.insert(write.run_id.as_str(), change(write, state));
                state
            }
        };
        if let Some(parent) = &state.wake_parent {
            parents.push(json!([parent, state.updated_at]));
        }
    }
    execute(connection, CREATE, created, writes).await?;
    check(connection, writes).await?;
    append(connection, writes).await?;
    execute(connection, UPDATE, updated.into_values().collect(), writes).await?;
    execute(connection, WAKE_PARENTS, parents, writes).await?;
    let taken = writes.iter().filter(|write| takes_away(write)).map(|write| json!(write.run_id)).collect();
    execute(connection, TAKE_AWAY, taken, writes).await
}

/// Whether many commits can be written with the same statements: nothing in them takes a run out
/// of its holder's hands, which must happen between the writes before and after it.
pub(crate) fn may_share_statements(commits: &[Commit]) -> bool {
    !commits.iter().flat_map(|commit| &commit.writes).any(takes_away)
}

fn takes_away(write: &RunWrite) -> bool {
    write.epoch.is_none() && !matches!(write.row, Some(RowChange::Create(_)))
}

/// Refuses writes whose lease is lost, then writes that do not go on where the log ends.
async fn check(connection: &mut SqliteConnection, writes: &[&RunWrite]) -> Result<(), Error> {
    let mut firsts: HashMap<&str, usize> = HashMap::new();
    let mut last: HashMap<&str, u64> = HashMap::new();
    let mut claims = Vec::with_capacity(writes.len());
    for write in writes {
        let mut before = write.events.first().map_or(0, |event| event.seq() - 1);
        let run = write.run_id.as_str();
        for event in &write.events {
            if last.insert(run, event.seq()).is_some_and(|last| last + 1 != event.seq()) {
                return Err(Error::Conflict(write.run_id.clone()));
            }
        }
        // Only the first write of a run in this batch continues what is stored.
        if !write.events.is_empty() && *firsts.entry(run).and_modify(|count| *count += 1).or_insert(1) > 1 {
            before = 0;
        }
        claims.push(json!([write.run_id, write.epoch, before]));
    }
    if claims.is_empty() {
        return Ok(());
    }
    let claims = Value::Array(claims).to_string();
    for (statement, refusal) in [(NOT_HELD, Error::Fenced as fn(_) -> _), (NOT_CONTINUED, Error::Conflict)] {
        let unfit: Option<i64> = sqlx::query_scalar(statement)
            .bind(&claims)
            .fetch_one(&mut *connection)
            .await
            .map_err(|error| refused(error, writes))?;
        if let Some(unfit) = unfit.and_then(|index| writes.get(usize::try_from(index).ok()?)) {
            return Err(refusal(unfit.run_id.clone()));
        }
    }
    Ok(())
}

fn change(write: &RunWrite, state: &RowState) -> Value {
    let error = state.error.as_ref().map(|error| json!(error).to_string());
    json!([
        write.run_id,
        state.status.as_str(),
        state.due_at,
        state.waiting_gates,
        error,
        state.updated_at,
        state.finished_at,
    ])
}

fn creation(write: &RunWrite, new: &runs::store::NewRun) -> Value {
    let (key, digest) = new.idempotency.clone().unzip();
    json!([
        write.run_id,
        new.workflow,
        new.version,
        new.title,
        new.state.status.as_str(),
        new.actor,
        new.parent_id,
        new.forked_from,
        new.state.waiting_gates,
        key,
        digest,
        new.lease_owner,
        u64::from(new.lease_owner.is_some()),
        new.state.due_at,
        new.created_at,
        new.state.updated_at,
        new.state.finished_at,
        new.title.to_lowercase(),
    ])
}

async fn append(connection: &mut SqliteConnection, writes: &[&RunWrite]) -> Result<(), Error> {
    let count: usize = writes.iter().map(|write| write.events.len()).sum();
    if count == 0 {
        return Ok(());
    }
    let rows = event_rows(writes);
    sqlx::query(APPEND).bind(rows).execute(connection).await.map_err(|error| refused(error, writes))?;
    Ok(())
}

/// The events as one JSON array of arrays, written by hand: this is the hot path.
fn event_rows(writes: &[&RunWrite]) -> String {
    use std::fmt::Write as _;
    let mut rows = String::with_capacity(writes.len() * 256);
    rows.push('[');
    for write in writes {
        for event in &write.events {
            if rows.len() > 1 {
                rows.push(',');
            }
            let kind = serde_json::to_string(event.event().kind()).expect("a string is JSON");
            let payload = serde_json::to_string(event.payload_json()).expect("a string is JSON");
            write!(rows, r#"["{}",{},{},{kind},{payload}]"#, event.run_id(), event.seq(), event.at().0)
                .expect("writing to a string cannot fail");
        }
    }
    rows.push(']');
    rows
}

async fn execute(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<Value>,
    writes: &[&RunWrite],
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = Value::Array(rows).to_string();
    sqlx::query(statement).bind(rows).execute(connection).await.map_err(|error| refused(error, writes))?;
    Ok(())
}

/// What a refused statement means; `writes` is one commit when the meaning reaches anyone.
fn refused(error: sqlx::Error, writes: &[&RunWrite]) -> Error {
    let first = || writes[0].run_id.clone();
    if let sqlx::Error::Database(database) = &error
        && database.is_unique_violation()
    {
        if database.message().contains("idempotency_key") {
            let key = writes.iter().find_map(|write| match &write.row {
                Some(RowChange::Create(new)) => new.idempotency.as_ref().map(|(key, _)| key.clone()),
                _ => None,
            });
            return Error::IdempotencyKeyReused(key.unwrap_or_default());
        }
        return Error::Conflict(first());
    }
    crate::error::Error::from(error).into()
}
