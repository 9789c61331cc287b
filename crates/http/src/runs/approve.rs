//! `POST /api/v1/runs/{id}/approve`.

use ::runs::{Decision, Verdict};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LONGEST_NAME, RunPath, check_length, run_now};
use crate::app::App;
use crate::auth::{Caller, WriteRuns};
use crate::error::Error;
use crate::extract::{JsonBody, PathRunId, WireBody};
use crate::wire::Run;

const LONGEST_FEEDBACK: usize = 20_000;

/// A person's answer to a gate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"gate": "s2", "decision": "approve", "feedback": "Looks right"}))]
pub(crate) struct ApproveRun {
    /// The gate; may be left out when only one is open.
    #[schema(max_length = 200)]
    gate: Option<String>,
    /// The answer.
    decision: GateDecision,
    /// What to say with it.
    #[schema(max_length = 20_000)]
    feedback: Option<String>,
    /// The digest of the proposal as it was shown: an answer to anything else is refused.
    #[schema(max_length = 200)]
    digest: Option<String>,
}

/// An answer to a gate.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GateDecision {
    /// Do exactly what the gate proposes.
    Approve,
    /// Go on without it.
    Skip,
    /// Stop here.
    Reject,
}

impl From<GateDecision> for Verdict {
    fn from(decision: GateDecision) -> Self {
        match decision {
            GateDecision::Approve => Self::Approve,
            GateDecision::Skip => Self::Skip,
            GateDecision::Reject => Self::Reject,
        }
    }
}

impl From<Verdict> for GateDecision {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approve => Self::Approve,
            Verdict::Skip => Self::Skip,
            Verdict::Reject => Self::Reject,
        }
    }
}

impl WireBody for ApproveRun {
    fn validate(&self) -> Result<(), Error> {
        let limits = [
            ("gate", &self.gate, LONGEST_NAME),
            ("feedback", &self.feedback, LONGEST_FEEDBACK),
            ("digest", &self.digest, LONGEST_NAME),
        ];
        limits.into_iter().try_for_each(|(name, text, longest)| {
            text.as_ref().map_or(Ok(()), |text| check_length(name, text, longest))
        })
    }
}

/// Answers a gate
///
/// The answer is on disk when this returns. What was approved is exactly what will be done: a gate
/// that holds something else by then, or was answered before, is a conflict.
#[utoipa::path(
    post,
    path = "/api/v1/runs/{id}/approve",
    tag = "runs",
    params(RunPath),
    request_body = ApproveRun,
    responses(
        (status = 200, description = "The run", body = Run),
        (status = 404, description = "`run_not_found`, `gate_not_found`: there is no such run, or no such gate in it"),
        (status = 409, description = "`gate_decided`, `digest_mismatch`, `gate_ambiguous`, `wrong_run_state`, `run_moved_on`: \
            the gate is not waiting for this answer"),
    ),
    security(("token" = ["write:runs"])),
)]
pub(crate) async fn approve_run(
    caller: Caller<WriteRuns>,
    State(app): State<App>,
    PathRunId(run_id): PathRunId,
    JsonBody(body): JsonBody<ApproveRun>,
) -> Result<Json<Run>, Error> {
    let decision = Decision {
        gate: body.gate,
        verdict: body.decision.into(),
        feedback: body.feedback,
        digest: body.digest,
        actor: caller.actor,
    };
    app.engine.decide(&run_id, decision).await?;
    Ok(Json(run_now(&app, &run_id).await?))
}
