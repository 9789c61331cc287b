//! A turn's run as the events of a conversation.

use axum::body::Bytes;
use futures::Stream;
use runs::{Event, EventRecord};
use serde_json::{Value, json};

use crate::follow::{Follower, News, sse};

/// What the agent says under a kind of its own; it is passed on as it is.
const OWN: [&str; 5] = ["status", "token", "tool_call", "tool_result", "check"];

/// A turn's events, until it is over.
pub(super) fn turn_stream(follower: Follower) -> impl Stream<Item = Bytes> {
    futures::stream::unfold(Some(follower), async |follower| {
        let mut follower = follower?;
        match follower.next().await {
            Ok(News::Events(batch)) => {
                let mut chunk = Vec::new();
                for record in &batch {
                    let told = told(record);
                    // Only the last of several has the number, so that a reader who comes back in
                    // between gets all of them.
                    let last = told.len().saturating_sub(1);
                    for (place, (kind, data)) in told.into_iter().enumerate() {
                        push(&mut chunk, (place == last).then(|| record.seq()), kind, &data);
                    }
                }
                Some((if chunk.is_empty() { sse::HEARTBEAT } else { chunk.into() }, Some(follower)))
            }
            Ok(News::Silence) => Some((sse::HEARTBEAT, Some(follower))),
            Ok(News::Over | News::Stopping) => None,
            Err(error) => {
                tracing::warn!(%error, position = follower.position(), "a stream of a turn broke off");
                None
            }
        }
    })
}

fn push(chunk: &mut Vec<u8>, id: Option<u64>, kind: &str, data: &Value) {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    chunk.extend_from_slice(format!("{id}event: {kind}\ndata: {data}\n\n").as_bytes());
}

/// What an event of the run means to the conversation.
fn told(record: &EventRecord) -> Vec<(&str, Value)> {
    let turn = record.run_id();
    match record.event() {
        Event::Said { kind, payload } if OWN.contains(&kind.as_str()) => {
            vec![(kind.as_str(), payload.clone())]
        }
        Event::GateOpened(gate) => vec![(
            "gate",
            json!({
                "step": gate.proposal["step"], "callId": gate.proposal["call"], "gate": gate.gate,
                "title": gate.title, "detail": gate.detail, "proposal": gate.proposal["use"],
                "digest": gate.digest,
            }),
        )],
        Event::GateDecided(decided) => vec![(
            "gate_decided",
            json!({ "gate": decided.gate, "decision": decided.decision, "feedback": decided.feedback }),
        )],
        Event::StepFailed(failed) => {
            let error = &failed.error;
            vec![(
                "error",
                json!({
                    "code": error.code, "message": error.message, "hint": error.hint,
                    "willRetry": failed.retry_at.is_some(),
                }),
            )]
        }
        Event::Completed(completed) => {
            let end = &completed.result;
            vec![(
                "done",
                json!({
                    "turnId": turn, "outcome": end["outcome"], "reason": end["reason"],
                    "changed": end["changed"], "usage": usage(&end["usage"]), "seconds": end["seconds"],
                }),
            )]
        }
        Event::Failed(failed) => {
            let error = &failed.error;
            let told = json!({ "code": error.code, "message": error.message, "hint": error.hint, "willRetry": false });
            vec![("error", told), ("done", ended(turn, "failed", Some(&error.message)))]
        }
        Event::Cancelled(_) => vec![("done", ended(turn, "stopped", None))],
        _ => Vec::new(),
    }
}

fn ended(turn: &kernel::RunId, outcome: &str, reason: Option<&str>) -> Value {
    json!({ "turnId": turn, "outcome": outcome, "reason": reason, "changed": null, "usage": null, "seconds": null })
}

fn usage(usage: &Value) -> Value {
    json!({ "tokensIn": usage["tokens_in"], "tokensOut": usage["tokens_out"], "usd": usage["usd"] })
}
