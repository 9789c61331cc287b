//! What can go wrong with a run, and how it is told to people.

use kernel::{Kind, RunId};

/// A failure of the engine or its store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such run.
    #[error("there is no run {0}")]
    RunNotFound(RunId),
    /// No workflow is registered under this name.
    #[error("there is no workflow named `{0}`")]
    UnknownWorkflow(String),
    /// The run has no such gate.
    #[error("run {run_id} has no gate named `{gate}`")]
    GateNotFound {
        /// The run.
        run_id: RunId,
        /// The gate that was named.
        gate: String,
    },
    /// The run waits at several gates and none was named.
    #[error("run {run_id} has {open} open gates")]
    GateAmbiguous {
        /// The run.
        run_id: RunId,
        /// How many gates are open.
        open: usize,
    },
    /// The gate was answered before.
    #[error("gate `{gate}` is already decided")]
    GateDecided {
        /// The gate.
        gate: String,
    },
    /// The approval names another proposal than the one the gate holds.
    #[error("the approval of `{gate}` is for something else than what would be done")]
    DigestMismatch {
        /// The gate.
        gate: String,
    },
    /// The run has no such stage.
    #[error("run {run_id} has no stage named `{stage}`")]
    StageNotFound {
        /// The run.
        run_id: RunId,
        /// The stage that was named.
        stage: String,
    },
    /// The request does not fit the state the run is in.
    #[error("run {run_id} is {status}; {problem}")]
    WrongState {
        /// The run.
        run_id: RunId,
        /// Its status.
        status: &'static str,
        /// What was asked and why it cannot be.
        problem: &'static str,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key `{0}` was used for another request")]
    IdempotencyKeyReused(String),
    /// Someone else appended first; read again and decide again.
    #[error("run {0} moved on")]
    Conflict(RunId),
    /// Another worker holds the run now.
    #[error("the lease of run {0} is lost")]
    Fenced(RunId),
    /// The log holds an event this version cannot read.
    #[error("an event of kind `{kind}` cannot be read")]
    UnreadableEvent {
        /// The event's kind.
        kind: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] kernel::Error),
    /// The engine is stopping and takes no more work.
    #[error("Atelier is stopping")]
    Stopping,
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let message = capitalised(&error.to_string());
        let new = |kind, code, hint: &str| kernel::Error::new(kind, code, message.clone()).with_hint(hint);
        match error {
            Error::RunNotFound(_) => new(
                Kind::NotFound,
                "run_not_found",
                "List the runs with GET /api/v1/runs or `atelier runs list`",
            ),
            Error::UnknownWorkflow(_) => {
                new(Kind::Invalid, "unknown_workflow", "Use the name of a registered workflow")
            }
            Error::GateNotFound { .. } => {
                new(Kind::NotFound, "gate_not_found", "The run's page lists its gates")
            }
            Error::GateAmbiguous { .. } => {
                new(Kind::Conflict, "gate_ambiguous", "Name the gate to decide in `gate`")
            }
            Error::GateDecided { .. } => {
                new(Kind::Conflict, "gate_decided", "Retry the stage to be asked again")
            }
            Error::DigestMismatch { .. } => {
                new(Kind::Conflict, "digest_mismatch", "Read the gate again and approve what it shows now")
            }
            Error::StageNotFound { .. } => {
                new(Kind::NotFound, "stage_not_found", "The run's page lists its stages by name")
            }
            Error::WrongState { .. } => {
                new(Kind::Conflict, "wrong_run_state", "Look at the run's status and try what fits it")
            }
            Error::IdempotencyKeyReused(_) => new(
                Kind::Conflict,
                "idempotency_key_reused",
                "Send the same body with the same key, or use a new key",
            ),
            Error::Conflict(_) => {
                new(Kind::Conflict, "run_moved_on", "Read the run again and repeat the request")
            }
            Error::Fenced(_) => {
                new(Kind::Conflict, "lease_lost", "Another worker carries the run on; nothing needs doing")
            }
            Error::UnreadableEvent { source, .. } => {
                kernel::Error::new(Kind::Internal, "unreadable_event", message)
                    .with_hint("The workspace was written by a newer version of Atelier; update it")
                    .with_source(source)
            }
            Error::Store(error) => error,
            Error::Stopping => {
                new(Kind::Unavailable, "stopping", "Send the request again when Atelier is back")
            }
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
