//! Asking the model, or the recipes where there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use models::{
    Completion, Delta, FinishReason, Message, Origin, Part, Request, Router, Said, Tool, ToolCall, Usage,
};
use runs::{Failure, StepScope};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use super::context::{self, BYTES, LEAST_BYTES};
use super::turn::{Thought, TurnInput};
use crate::recipes::{Change, Plan};

/// Words are passed on in pieces of what came in this time.
const PIECE: Duration = Duration::from_millis(40);
/// The longest answer, in tokens.
const ANSWER_TOKENS: u32 = 16_000;
/// As deterministic as a model that writes code should be.
const TEMPERATURE: f64 = 0.3;

/// Asks a model what to do next, and passes its words on as they come.
pub(super) async fn ask(
    router: &Router,
    scope: &StepScope,
    step: u32,
    input: &TurnInput,
    tools: Vec<Tool>,
    messages: &[Message],
    is_local: bool,
) -> Result<Thought, Failure> {
    let begun = Instant::now();
    let mut bytes = BYTES;
    let tools = Arc::new(tools);
    loop {
        let mut fitting = messages.to_vec();
        context::fit(&mut fitting, bytes);
        let request = Request {
            model: input.model.clone(),
            policy: input.policy,
            temperature: Some(TEMPERATURE),
            max_tokens: Some(ANSWER_TOKENS),
            tools: tools.clone(),
            privacy: if is_local { kernel::Privacy::Local } else { kernel::Privacy::Shareable },
            origin: Origin::run(input.actor.as_str().into(), Some(scope.run_id().clone())),
            ..Request::new(fitting)
        };
        match listen(router, scope, step, &request).await {
            Ok(completion) => return Ok(thought(completion, begun)),
            Err(Heard::Failed(failure)) => return Err(failure),
            Err(Heard::Model(error)) => {
                let too_long = error.fault_of_request() == Some("context_length_exceeded");
                if too_long && bytes > LEAST_BYTES {
                    bytes /= 2;
                    continue;
                }
                return Err(Failure::from(kernel::Error::from(error)));
            }
        }
    }
}

enum Heard {
    Model(models::Error),
    Failed(Failure),
}

/// Listens to one answer to its end.
async fn listen(
    router: &Router,
    scope: &StepScope,
    step: u32,
    request: &Request,
) -> Result<Completion, Heard> {
    let mut said = router.stream_with_model(request).await.map_err(Heard::Model)?;
    let mut ticks = interval(PIECE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut piece = String::new();
    loop {
        tokio::select! {
            next = said.next() => match next {
                Some(Ok(Said::Piece(one))) => {
                    for delta in one.deltas {
                        if let Delta::Text(text) = delta {
                            piece.push_str(&text);
                        }
                    }
                }
                Some(Ok(Said::Finished(completion))) => {
                    pass_on(scope, step, &mut piece).await?;
                    return Ok(completion);
                }
                Some(Err(error)) => return Err(Heard::Model(error)),
                None => {
                    let reason = "the stream just ended".into();
                    return Err(Heard::Model(models::Error::Interrupted { provider: String::new(), reason }));
                }
            },
            _ = ticks.tick() => pass_on(scope, step, &mut piece).await?,
        }
    }
}

async fn pass_on(scope: &StepScope, step: u32, piece: &mut String) -> Result<(), Heard> {
    if piece.is_empty() {
        return Ok(());
    }
    let text = std::mem::take(piece);
    scope.emit("token", json!({ "step": step, "text": text })).await.map_err(Heard::Failed)
}

fn thought(completion: Completion, begun: Instant) -> Thought {
    Thought {
        parts: completion.parts,
        usage: completion.usage,
        provider: completion.provider,
        model: completion.model,
        finish: completion.finish_reason,
        ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

/// What the recipes say in this step: one change after the other, and what there is to say at the end.
pub(super) async fn recite(scope: &StepScope, step: u32, plan: &Plan) -> Result<Thought, Failure> {
    let at = usize::try_from(step).unwrap_or(usize::MAX).saturating_sub(1);
    let (text, calls): (String, &[ToolCall]) = match plan.changes.get(at) {
        Some(Change { title, calls }) if at == 0 => (format!("{}\n\n**{title}**", plan.intro), calls),
        Some(Change { title, calls }) => (format!("**{title}**"), calls),
        None => (plan.outro.clone(), &[]),
    };
    scope.emit("token", json!({ "step": step, "text": text })).await?;
    let calls = calls.iter().map(|call| Part::ToolCall { call: call.clone() });
    Ok(Thought {
        parts: std::iter::once(Part::text(text)).chain(calls).collect(),
        usage: Usage::default(),
        provider: models::Offline::NAME.into(),
        model: "recipes".into(),
        finish: FinishReason::Stop,
        ms: 0,
    })
}
