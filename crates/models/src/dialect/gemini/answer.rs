//! Answers, as providers give them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::{Decode, Dialect, Ending, Fault, message_of, signature};
use crate::message::{FinishReason, ToolCall, Usage};
use crate::provider::Delta;

/// Reads a provider's answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    ending: Ending,
    /// What the provider calls the answer.
    id: String,
    calls: usize,
}

impl Decode for Decoder {
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        self.take(data, into)
    }

    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        self.take(body, into)
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn holds_back(&self) -> bool {
        // Calls come whole.
        false
    }
}

impl Decoder {
    fn take(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let answer: Answer = serde_json::from_slice(data).map_err(|error| Fault::malformed(&error))?;
        if let Some(error) = answer.error {
            return Err(Fault::Reported(message_of(&error).unwrap_or_else(|| error.to_string())));
        }
        self.id = answer.response_id.unwrap_or_else(|| std::mem::take(&mut self.id));
        self.ending.model = answer.model_version.or(self.ending.model.take());
        if let Some(counts) = answer.usage_metadata {
            self.ending.usage = Some(counts.into());
        }
        for candidate in answer.candidates.unwrap_or_default().into_iter().filter(|it| it.index == 0) {
            for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
                self.part(part, into);
            }
            if let Some(reason) = candidate.finish_reason {
                self.end(&reason, candidate.finish_message)?;
            }
        }
        match answer.prompt_feedback {
            Some(Feedback { block_reason: Some(reason), block_reason_message }) => {
                let message =
                    block_reason_message.unwrap_or_else(|| format!("the prompt was blocked ({reason})"));
                Err(Fault::Withheld(message))
            }
            _ => Ok(()),
        }
    }

    fn part(&mut self, part: WirePart, into: &mut Vec<Delta>) {
        self.ending.has_begun = true;
        // It proves the thought that led to this part, and so stands before it.
        if let Some(proof) = part.thought_signature {
            into.push(Delta::Signature(signature::read(Dialect::Gemini, &proof)));
        }
        if let Some(text) = part.text.filter(|text| !text.is_empty()) {
            into.push(if part.thought { Delta::Thinking(text) } else { Delta::Text(text) });
        }
        if let Some(call) = part.function_call {
            let id = call.id.filter(|id| !id.is_empty());
            let id = id.unwrap_or_else(|| format!("call_{}_{}", self.id, self.calls));
            let arguments = call.args.unwrap_or_else(|| json!({})).to_string();
            self.calls += 1;
            into.push(Delta::ToolCall(ToolCall { id, name: call.name, arguments }));
        }
    }

    fn end(&mut self, reason: &str, message: Option<String>) -> Result<(), Fault> {
        self.ending.finish_reason = Some(match reason {
            "" | "FINISH_REASON_UNSPECIFIED" => return Ok(()),
            "STOP" if self.calls > 0 => FinishReason::ToolCalls,
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "LANGUAGE"
            | "MODEL_ARMOR"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION" => FinishReason::ContentFilter,
            // The model wrote what is no call, and the same question may well do better.
            "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MALFORMED_RESPONSE"
            | "MISSING_THOUGHT_SIGNATURE" => {
                return Err(Fault::Reported(message.unwrap_or_else(|| reason.to_owned())));
            }
            other => FinishReason::Other(other.to_ascii_lowercase()),
        });
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    candidates: Option<Vec<Candidate>>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Counts>,
    model_version: Option<String>,
    response_id: Option<String>,
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u64,
    content: Option<Content>,
    finish_reason: Option<String>,
    finish_message: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Option<Vec<WirePart>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart {
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    args: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    block_reason: Option<String>,
    block_reason_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        let thinking = counts.thoughts_token_count.unwrap_or(0);
        let in_prompt = counts.prompt_token_count.unwrap_or(0);
        Self {
            tokens_in: in_prompt + counts.tool_use_prompt_token_count.unwrap_or(0),
            // Google counts thoughts apart.
            tokens_out: counts.candidates_token_count.unwrap_or(0) + thinking,
            tokens_cached: counts.cached_content_token_count.unwrap_or(0),
            tokens_thinking: thinking,
            ..Self::default()
        }
    }
}
