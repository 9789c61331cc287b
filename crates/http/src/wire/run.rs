//! Runs, as lists show them.

use runs::{Failure, RunRow, RunState, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Moment;

/// A piece of work that is carried out durably.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "run_01hv5k3m9x7q2w8e4r6t",
    "workflow": "supervisor",
    "title": "Quarterly report",
    "status": "waiting_approval",
    "created_at": "2026-11-21T09:30:00.000Z",
    "updated_at": "2026-11-21T09:30:04.120Z",
    "finished_at": null,
    "parent_id": null,
    "forked_from": null,
    "actor": "owner",
    "waiting_gates": 1,
    "error": null,
}))]
pub(crate) struct Run {
    /// Its id, also its `jobId` and `session_id`.
    pub id: String,
    /// What carries it out.
    pub workflow: String,
    /// What it is called on screen.
    pub title: String,
    /// Where it stands.
    pub status: RunStatus,
    /// When it was submitted.
    pub created_at: Moment,
    /// When it last changed.
    pub updated_at: Moment,
    /// When it ended.
    #[schema(required)]
    pub finished_at: Option<Moment>,
    /// The run it is a part of.
    #[schema(required)]
    pub parent_id: Option<String>,
    /// The run it was forked from.
    #[schema(required)]
    pub forked_from: Option<String>,
    /// Who submitted it: `owner`, `token:tok_…` or `system`.
    pub actor: String,
    /// How many gates wait for a person.
    pub waiting_gates: u32,
    /// Why it failed.
    #[schema(required)]
    pub error: Option<RunError>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RunStatus {
    /// It waits for a worker.
    Queued,
    /// It is being carried out.
    Running,
    /// It waits for a time, a retry or a part of its own.
    Waiting,
    /// It waits for a person.
    WaitingApproval,
    /// It reached its end.
    Completed,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// Why a run or a step failed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RunError {
    /// A stable, snake_case identifier.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    #[schema(required)]
    pub hint: Option<String>,
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Queued => Self::Queued,
            Status::Running => Self::Running,
            Status::Waiting => Self::Waiting,
            Status::WaitingApproval => Self::WaitingApproval,
            Status::Completed => Self::Completed,
            Status::Failed => Self::Failed,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

impl From<&Failure> for RunError {
    fn from(failure: &Failure) -> Self {
        Self { code: failure.code.clone(), message: failure.message.clone(), hint: failure.hint.clone() }
    }
}

impl From<RunRow> for Run {
    fn from(row: RunRow) -> Self {
        Self {
            id: row.run_id.to_string(),
            workflow: row.workflow,
            title: row.title,
            status: row.status.into(),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            finished_at: row.finished_at.map(Moment),
            parent_id: row.parent_id.map(|id| id.to_string()),
            forked_from: row.forked_from.map(|id| id.to_string()),
            actor: row.actor,
            waiting_gates: row.waiting_gates,
            error: row.error.as_ref().map(RunError::from),
        }
    }
}

impl From<&RunState> for Run {
    fn from(state: &RunState) -> Self {
        let error = match (&state.outcome, state.status) {
            (Some(Err(failure)), Status::Failed) => Some(failure.into()),
            _ => None,
        };
        Self {
            id: state.run_id.to_string(),
            workflow: state.workflow.clone(),
            title: state.title.clone(),
            status: state.status.into(),
            created_at: state.created_at.into(),
            updated_at: state.updated_at.into(),
            finished_at: state.finished_at.map(Moment),
            parent_id: state.parent_id.as_ref().map(ToString::to_string),
            forked_from: state.forked_from.as_ref().map(ToString::to_string),
            actor: state.actor.clone(),
            waiting_gates: u32::try_from(state.open_gates().count()).unwrap_or(u32::MAX),
            error,
        }
    }
}
