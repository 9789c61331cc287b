//! What the store in memory holds, and how each write changes it.

use std::collections::{BTreeMap, HashMap};

use kernel::{Page, PageRequest, RunId, Timestamp, WorkerId};

use crate::error::Error;
use crate::event::EventRecord;
use crate::state::Status;
use crate::store::{Claimed, Commit, NewRun, RowChange, RowState, RunFilter, RunRow, RunWrite};

#[derive(Clone, Default)]
pub(super) struct Tables {
    runs: BTreeMap<RunId, Stored>,
    keys: HashMap<String, RunId>,
}

#[derive(Clone)]
struct Stored {
    row: RunRow,
    events: Vec<EventRecord>,
    due_at: Option<Timestamp>,
    epoch: u64,
    lease_owner: Option<WorkerId>,
    wake_pending: bool,
}

impl Stored {
    fn new(run_id: RunId, new: &NewRun) -> Self {
        let mut stored = Self {
            row: RunRow {
                run_id,
                workflow: new.workflow.clone(),
                version: new.version,
                title: new.title.clone(),
                status: new.state.status,
                actor: new.actor.clone(),
                parent_id: new.parent_id.clone(),
                forked_from: new.forked_from.clone(),
                waiting_gates: 0,
                error: None,
                request_digest: new.idempotency.as_ref().map(|(_, digest)| digest.clone()),
                created_at: new.created_at,
                updated_at: new.created_at,
                finished_at: None,
            },
            events: Vec::new(),
            due_at: None,
            epoch: u64::from(new.lease_owner.is_some()),
            lease_owner: new.lease_owner.clone(),
            wake_pending: false,
        };
        stored.update(&new.state);
        stored
    }

    fn update(&mut self, state: &RowState) {
        self.row.status = state.status;
        self.row.waiting_gates = state.waiting_gates;
        self.row.error.clone_from(&state.error);
        self.row.updated_at = state.updated_at;
        self.row.finished_at = state.finished_at;
        self.due_at =
            if self.wake_pending && is_waiting(state.status) { Some(state.updated_at) } else { state.due_at };
    }
}

fn is_waiting(status: Status) -> bool {
    matches!(status, Status::Waiting | Status::WaitingApproval)
}

impl Tables {
    /// Stores all of `commit` or nothing, and gives its events.
    pub fn commit(&mut self, commit: &Commit) -> Result<Vec<EventRecord>, Error> {
        commit.writes.iter().try_for_each(|write| self.check(write))?;
        for write in &commit.writes {
            self.apply(write);
        }
        Ok(commit.writes.iter().flat_map(|write| write.events.iter().cloned()).collect())
    }

    fn check(&self, write: &RunWrite) -> Result<(), Error> {
        let conflict = || Error::Conflict(write.run_id.clone());
        let last = match (self.runs.get(&write.run_id), &write.row) {
            (None, Some(RowChange::Create(new))) => {
                if let Some((key, _)) = &new.idempotency
                    && self.keys.contains_key(key)
                {
                    return Err(Error::IdempotencyKeyReused(key.clone()));
                }
                0
            }
            (None, _) | (Some(_), Some(RowChange::Create(_))) => return Err(conflict()),
            (Some(stored), _) => {
                if write.epoch.is_some_and(|epoch| epoch != stored.epoch) {
                    return Err(Error::Fenced(write.run_id.clone()));
                }
                stored.events.len() as u64
            }
        };
        let in_order = write.events.iter().zip(last + 1..).all(|(record, seq)| record.seq() == seq);
        if in_order { Ok(()) } else { Err(conflict()) }
    }

    fn apply(&mut self, write: &RunWrite) {
        let state = match &write.row {
            Some(RowChange::Create(new)) => {
                if let Some((key, _)) = &new.idempotency {
                    self.keys.insert(key.clone(), write.run_id.clone());
                }
                self.runs.insert(write.run_id.clone(), Stored::new(write.run_id.clone(), new));
                Some(&new.state)
            }
            Some(RowChange::Update(state)) => {
                if let Some(stored) = self.runs.get_mut(&write.run_id) {
                    stored.update(state);
                }
                Some(state)
            }
            None => None,
        };
        if let Some(stored) = self.runs.get_mut(&write.run_id) {
            if write.epoch.is_none() && !matches!(write.row, Some(RowChange::Create(_))) {
                stored.epoch += 1;
                stored.lease_owner = None;
            }
            stored.events.extend(write.events.iter().cloned());
        }
        let Some(state) = state.filter(|state| state.status.is_terminal()) else { return };
        if let Some(parent) = state.wake_parent.as_ref().and_then(|parent| self.runs.get_mut(parent)) {
            parent.wake_pending = true;
            if is_waiting(parent.row.status) {
                parent.due_at = Some(state.updated_at);
            }
        }
    }

    pub fn run_ids(&self) -> Vec<RunId> {
        self.runs.keys().cloned().collect()
    }

    pub fn rows(&self) -> Vec<RunRow> {
        self.runs.values().map(|stored| stored.row.clone()).collect()
    }

    pub fn events(&self, run_id: &RunId) -> &[EventRecord] {
        self.runs.get(run_id).map_or(&[], |stored| &stored.events)
    }

    pub fn row(&self, run_id: &RunId) -> Option<RunRow> {
        self.runs.get(run_id).map(|stored| stored.row.clone())
    }

    pub fn row_of_key(&self, key: &str) -> Option<RunRow> {
        self.row(self.keys.get(key)?)
    }

    pub fn list(&self, filter: &RunFilter, page: &PageRequest) -> Page<RunRow> {
        let text = filter.text.as_ref().map(|text| text.to_lowercase());
        let fits = |row: &RunRow| {
            (filter.statuses.is_empty() || filter.statuses.contains(&row.status))
                && filter.workflow.as_ref().is_none_or(|workflow| *workflow == row.workflow)
                && text.as_ref().is_none_or(|text| row.title.to_lowercase().contains(text))
                && (filter.parent_id.is_none() || filter.parent_id == row.parent_id)
                && page.cursor.as_deref().is_none_or(|cursor| row.run_id.as_str() < cursor)
        };
        let rows = self.runs.values().rev().map(|stored| &stored.row).filter(|row| fits(row));
        let overfull = rows.take(page.limit as usize + 1).cloned().collect();
        Page::from_overfull(overfull, page.limit, |row: &RunRow| row.run_id.to_string())
    }

    pub fn count(&self) -> Vec<(Status, u64)> {
        let count = |status| self.runs.values().filter(|stored| stored.row.status == status).count() as u64;
        Status::ALL
            .into_iter()
            .map(|status| (status, count(status)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub fn claim(&mut self, worker: &WorkerId, now: Timestamp, until: Timestamp, limit: u32) -> Vec<Claimed> {
        let mut due: Vec<_> = self
            .runs
            .iter()
            .filter_map(|(run_id, stored)| Some((stored.due_at.filter(|due| *due <= now)?, run_id.clone())))
            .collect();
        due.sort();
        due.truncate(limit as usize);
        due.into_iter()
            .filter_map(|(_, run_id)| {
                let stored = self.runs.get_mut(&run_id)?;
                stored.epoch += 1;
                stored.lease_owner = Some(worker.clone());
                stored.due_at = Some(until);
                stored.row.status = Status::Running;
                stored.wake_pending = false;
                Some(Claimed { run_id, epoch: stored.epoch })
            })
            .collect()
    }

    pub fn renew(&mut self, worker: &WorkerId, until: Timestamp) {
        for stored in self.running() {
            if stored.lease_owner.as_ref() == Some(worker) {
                stored.due_at = Some(until);
            }
        }
    }

    pub fn release_all(&mut self, now: Timestamp) -> u64 {
        self.running().map(|stored| stored.due_at = Some(now)).count() as u64
    }

    fn running(&mut self) -> impl Iterator<Item = &mut Stored> {
        self.runs.values_mut().filter(|stored| stored.row.status == Status::Running)
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.runs.values().filter_map(|stored| stored.due_at).min()
    }
}
