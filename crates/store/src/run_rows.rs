//! The statements that write runs.
//!
//! Invariant: [`RunRows::heads`] says what the database says, or nothing. It is forgotten whenever
//! anything else may have written: another connection, a change that is not a run's, a rollback.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use kernel::RunId;
use runs::store::{NewRun, RowChange, RowState, RunWrite};
use runs::{Commit, Error};
use rusqlite::{Connection, OptionalExtension, Statement, params};

use crate::error::Error as StoreError;

const CREATE: &str = "
INSERT INTO runs (id, workflow, version, title, status, actor, parent_id, forked_from, waiting_gates,
    idempotency_key, request_digest, lease_owner, lease_epoch, due_at, created_at, updated_at, finished_at,
    title_folded)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

const HEAD: &str = "
SELECT lease_epoch, (SELECT coalesce(max(seq), 0) FROM events WHERE run_id = ?1) FROM runs WHERE id = ?1";

const APPEND: &str = "INSERT INTO events (run_id, seq, at, kind, payload) VALUES (?1, ?2, ?3, ?4, ?5)";

const NOTE: &str = "INSERT INTO happenings (run_id, seq) VALUES (?1, ?2)";

/// A run that a child has woken meanwhile looks at its children before it waits.
const UPDATE: &str = "
UPDATE runs SET status = ?2,
    due_at = CASE WHEN wake_pending = 1 AND ?2 IN ('waiting', 'waiting_approval') THEN ?6 ELSE ?3 END,
    waiting_gates = ?4, error = ?5, updated_at = ?6, finished_at = ?7
WHERE id = ?1";

const WAKE_PARENT: &str = "
UPDATE runs SET wake_pending = 1,
    due_at = CASE WHEN status IN ('waiting', 'waiting_approval') THEN ?2 ELSE due_at END
WHERE id = ?1";

const TAKE_AWAY: &str = "UPDATE runs SET lease_epoch = lease_epoch + 1, lease_owner = NULL WHERE id = ?1";

/// How many runs are written to at once before all heads are read anew.
const MOST_HEADS: usize = 8_192;

/// Where a run's log ends and who may go on with it.
#[derive(Clone, Copy)]
struct Head {
    epoch: u64,
    last_seq: u64,
}

/// The statements, prepared once, and the heads of the runs that are being written to.
pub(crate) struct RunRows<'c> {
    heads: HashMap<RunId, Head, RandomState>,
    /// SQLite's count of what other connections have written.
    others: i64,
    begin: Statement<'c>,
    data_version: Statement<'c>,
    commit: Statement<'c>,
    create: Statement<'c>,
    head: Statement<'c>,
    append: Statement<'c>,
    note: Statement<'c>,
    update: Statement<'c>,
    wake_parent: Statement<'c>,
    take_away: Statement<'c>,
}

impl<'c> RunRows<'c> {
    pub(crate) fn prepare(connection: &'c Connection) -> Result<Self, StoreError> {
        Ok(Self {
            heads: HashMap::default(),
            others: -1,
            begin: connection.prepare("BEGIN IMMEDIATE")?,
            data_version: connection.prepare("PRAGMA data_version")?,
            commit: connection.prepare("COMMIT")?,
            create: connection.prepare(CREATE)?,
            head: connection.prepare(HEAD)?,
            append: connection.prepare(APPEND)?,
            note: connection.prepare(NOTE)?,
            update: connection.prepare(UPDATE)?,
            wake_parent: connection.prepare(WAKE_PARENT)?,
            take_away: connection.prepare(TAKE_AWAY)?,
        })
    }

    pub(crate) fn begin(&mut self) -> Result<(), StoreError> {
        self.begin.execute([])?;
        let others = self.data_version.query_row([], |row| row.get(0))?;
        if others != self.others || self.heads.len() > MOST_HEADS {
            self.forget();
            self.others = others;
        }
        Ok(())
    }

    /// Has every head be read anew.
    pub(crate) fn forget(&mut self) {
        self.heads.clear();
    }

    pub(crate) fn commit(&mut self) -> Result<(), StoreError> {
        self.commit.execute([])?;
        Ok(())
    }

    /// Writes all of `commit` or, when it fails, nothing that undoing the transaction does not undo.
    pub(crate) fn write(&mut self, commit: &Commit) -> Result<(), Error> {
        commit.writes.iter().try_for_each(|write| self.write_one(write))
    }

    fn write_one(&mut self, write: &RunWrite) -> Result<(), Error> {
        let id = write.run_id.as_str();
        if let Some(RowChange::Create(new)) = &write.row {
            self.insert(id, new).map_err(|error| refused(error, write))?;
            let head = Head { epoch: u64::from(new.lease_owner.is_some()), last_seq: 0 };
            self.append(write, head)?;
            return self.wake_parent(&new.state).map_err(|error| refused(error, write));
        }
        let head = self.head(write)?;
        if write.epoch.is_some_and(|epoch| epoch != head.epoch) {
            return Err(Error::Fenced(write.run_id.clone()));
        }
        self.append(write, head)?;
        self.change(id, write).map_err(|error| refused(error, write))
    }

    fn change(&mut self, id: &str, write: &RunWrite) -> rusqlite::Result<()> {
        if let Some(RowChange::Update(state)) = &write.row {
            self.update.execute(params![
                id,
                state.status.as_str(),
                state.due_at.map(|at| at.0),
                state.waiting_gates,
                error_json(state),
                state.updated_at.0,
                state.finished_at.map(|at| at.0),
            ])?;
            self.wake_parent(state)?;
        }
        if write.epoch.is_none() {
            // A write without a lease takes the run out of its holder's hands.
            self.take_away.execute([id])?;
            self.heads.remove(&write.run_id);
        }
        Ok(())
    }

    fn wake_parent(&mut self, state: &RowState) -> rusqlite::Result<()> {
        if let Some(parent) = &state.wake_parent {
            self.wake_parent.execute(params![parent.as_str(), state.updated_at.0])?;
        }
        Ok(())
    }

    fn insert(&mut self, id: &str, new: &NewRun) -> rusqlite::Result<()> {
        let (key, digest) = new.idempotency.as_ref().map(|(key, digest)| (key, digest)).unzip();
        self.create.execute(params![
            id,
            new.workflow,
            new.version,
            new.title,
            new.state.status.as_str(),
            new.actor,
            new.parent_id.as_ref().map(RunId::as_str),
            new.forked_from.as_ref().map(RunId::as_str),
            new.state.waiting_gates,
            key,
            digest,
            new.lease_owner.as_ref().map(ToString::to_string),
            i64::from(new.lease_owner.is_some()),
            new.state.due_at.map(|at| at.0),
            new.created_at.0,
            new.state.updated_at.0,
            new.state.finished_at.map(|at| at.0),
            new.title.to_lowercase(),
        ])?;
        Ok(())
    }

    /// A run that does not exist is nobody's to write to.
    fn head(&mut self, write: &RunWrite) -> Result<Head, Error> {
        if let Some(head) = self.heads.get(&write.run_id) {
            return Ok(*head);
        }
        let read = |row: &rusqlite::Row<'_>| {
            let (epoch, last_seq): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(Head { epoch: epoch.unsigned_abs(), last_seq: last_seq.unsigned_abs() })
        };
        let head = self.head.query_row([write.run_id.as_str()], read).optional();
        head.map_err(|error| refused(error, write))?.ok_or_else(|| Error::Fenced(write.run_id.clone()))
    }

    /// The events must go on exactly where the run's log ends.
    fn append(&mut self, write: &RunWrite, mut head: Head) -> Result<(), Error> {
        let id = write.run_id.as_str();
        for event in &write.events {
            if event.seq() != head.last_seq + 1 {
                return Err(Error::Conflict(write.run_id.clone()));
            }
            head.last_seq = event.seq();
            self.append
                .execute(params![
                    id,
                    integer(event.seq()),
                    event.at().0,
                    event.event().kind(),
                    event.payload_json()
                ])
                .map_err(|error| refused(error, write))?;
            if event.event().is_happening() {
                let noted = self.note.execute(params![id, integer(event.seq())]);
                noted.map_err(|error| refused(error, write))?;
            }
        }
        self.heads.insert(write.run_id.clone(), head);
        Ok(())
    }
}

fn error_json(state: &RowState) -> Option<String> {
    let error = state.error.as_ref()?;
    Some(serde_json::to_string(error).expect("a failure holds only what JSON can say"))
}

pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// What a refused statement means.
fn refused(error: rusqlite::Error, write: &RunWrite) -> Error {
    if !crate::error::is_taken(&error) {
        return StoreError::from(error).into();
    }
    match &write.row {
        Some(RowChange::Create(new)) if error.to_string().contains("idempotency_key") => {
            Error::IdempotencyKeyReused(
                new.idempotency.as_ref().map(|(key, _)| key.clone()).unwrap_or_default(),
            )
        }
        _ => Error::Conflict(write.run_id.clone()),
    }
}
