//! `list_gates` and `answer_gate`.
//!
//! Invariant: an answer names the digest of the proposal that was shown, so nothing else is approved.

use std::sync::Arc;

use accounts::Scope;
use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::calls::{Call, Route};
use super::super::handler::Asked;
use super::runs::{self, Detail, GET_RUN, LIST_RUNS, RunSummary, Status};
use super::{About, Defined, Effect, Result, define};

const APPROVE: Route = (Method::POST, "/api/v1/runs/{id}/approve");
/// Each run is read for its gates.
const MOST_RUNS: u32 = 50;

pub(super) fn tools() -> Vec<Defined> {
    let list = About {
        name: "list_gates",
        title: "List open gates",
        description: "Lists the questions that runs wait for a person to answer, each with exactly what \
            will be done when it is approved.",
        effect: Effect::Reads,
        scopes: &[Scope::ReadRuns],
        routes: vec![LIST_RUNS, GET_RUN],
    };
    let answer = About {
        name: "answer_gate",
        title: "Answer a gate",
        description: "Answers a question of a run for the person: approve does exactly what the gate \
            proposes, skip goes on without it, reject stops the run. Show the person the proposal first; \
            the answer is theirs.",
        effect: Effect::Decides,
        scopes: &[Scope::WriteRuns],
        routes: vec![APPROVE],
    };
    vec![
        define(list, async |asked: Arc<Asked>, sought: Sought| open_gates(&asked, sought.run_id).await),
        define(answer, async |asked: Arc<Asked>, given: Answer| decide(&asked, given).await),
    ]
}

/// Whose gates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sought {
    /// Of this run; of every run that waits if absent.
    #[serde(default)]
    run_id: Option<String>,
}

/// Gates that are open.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::mcp) struct OpenGates {
    /// The gates.
    pub gates: Vec<OpenGate>,
}

/// A question to a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::mcp) struct OpenGate {
    /// The run that asks.
    pub run_id: String,
    /// What that run is called.
    pub run_title: String,
    #[serde(flatten)]
    pub gate: Gate,
}

/// A question of a run.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
pub(in crate::mcp) struct Gate {
    /// Its name in the run.
    #[serde(alias = "name")]
    pub gate: String,
    /// The question in a few words.
    pub title: String,
    /// What the person should know.
    pub detail: Option<String>,
    /// Exactly what will be done when it is approved.
    pub proposal: Value,
    /// The digest of the proposal, which an answer names.
    pub digest: String,
    /// When it was asked.
    pub opened_at: String,
    /// The answer, where there is one.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub(super) decision: Option<String>,
}

/// The gates that wait for an answer.
pub(in crate::mcp) async fn open_gates(asked: &Asked, run_id: Option<String>) -> Result<OpenGates> {
    let ids = match run_id {
        Some(id) => vec![id],
        None => {
            let waiting = runs::list(asked, &[Status::WaitingApproval], None, MOST_RUNS, None).await?;
            waiting.runs.into_iter().map(|run| run.run_id).collect()
        }
    };
    let mut gates = Vec::new();
    for id in ids {
        let Detail { run, gates: own, .. } = runs::detail(asked, &id).await?;
        gates.extend(own.into_iter().filter(|gate| gate.decision.is_none()).map(|gate| OpenGate {
            run_id: run.run_id.clone(),
            run_title: run.title.clone(),
            gate,
        }));
    }
    Ok(OpenGates { gates })
}

/// An answer to a gate.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Answer {
    /// The run.
    run_id: String,
    /// The gate's name in the run.
    gate: String,
    /// The answer.
    decision: Decision,
    /// The digest of the proposal that the person was shown.
    digest: String,
    /// What to say with it.
    #[serde(default)]
    feedback: Option<String>,
}

/// How a gate is answered.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// Do exactly what the gate proposes.
    Approve,
    /// Go on without it.
    Skip,
    /// Stop here.
    Reject,
}

async fn decide(asked: &Asked, answer: Answer) -> Result<RunSummary> {
    let mut body = json!({"gate": answer.gate, "decision": answer.decision, "digest": answer.digest});
    if let Some(feedback) = answer.feedback {
        body["feedback"] = feedback.into();
    }
    asked.routes.call(&asked.credentials, Call::new(APPROVE, &[&answer.run_id]).with_body(body)).await
}
