//! Answers, as providers give them and as clients get them.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::transcript::OpenCall;
use crate::dialect::{Decode, Encode, Ending, Failure, Fault, Finish, message_of, write_event};
use crate::message::{Completion, FinishReason, Part, ToolCall, Usage};
use crate::provider::{self, Delta};

/// Reads a provider's answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    ending: Ending,
    open: Option<OpenCall>,
    calls: usize,
}

impl Decode for Decoder {
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        if data.trim_ascii().is_empty() {
            return Ok(());
        }
        let event: Event = serde_json::from_slice(data).map_err(|error| Fault::malformed(&error))?;
        match event {
            Event::MessageStart { message } => {
                self.ending.model = message.model.filter(|model| !model.is_empty());
                self.count(message.usage);
            }
            Event::ContentBlockStart { content_block } => {
                self.ending.has_begun = true;
                match content_block {
                    Block::Text { text } => say(Delta::Text, text, into),
                    Block::Thinking { thinking } => say(Delta::Thinking, thinking, into),
                    Block::RedactedThinking { data } => into.push(Delta::Signature(data)),
                    Block::ToolUse { id, name, .. } => {
                        self.open = Some(OpenCall { id, name, arguments: String::new() });
                    }
                    Block::Other => {}
                }
            }
            Event::ContentBlockDelta { delta } => {
                self.ending.has_begun = true;
                match delta {
                    BlockDelta::TextDelta { text } => say(Delta::Text, text, into),
                    BlockDelta::ThinkingDelta { thinking } => say(Delta::Thinking, thinking, into),
                    BlockDelta::SignatureDelta { signature } => say(Delta::Signature, signature, into),
                    BlockDelta::InputJsonDelta { partial_json } => {
                        if let Some(open) = &mut self.open {
                            open.arguments.push_str(&partial_json);
                        }
                    }
                    BlockDelta::Other => {}
                }
            }
            Event::ContentBlockStop => {
                if let Some(open) = self.open.take() {
                    into.push(Delta::ToolCall(open.close(self.calls)));
                    self.calls += 1;
                }
            }
            Event::MessageDelta { delta, usage } => {
                self.count(usage);
                self.end(delta.stop_reason, delta.stop_sequence);
            }
            Event::MessageStop => self.ending.is_done = true,
            Event::Error { error } => {
                return Err(Fault::Reported(message_of(&error).unwrap_or_else(|| error.to_string())));
            }
            Event::Other => {}
        }
        Ok(())
    }

    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let answer: Answer = serde_json::from_slice(body).map_err(|error| Fault::malformed(&error))?;
        if let Some(error) = answer.error {
            return Err(Fault::Reported(message_of(&error).unwrap_or_else(|| error.to_string())));
        }
        for block in answer.content.unwrap_or_default() {
            match block {
                Block::Text { text } => say(Delta::Text, text, into),
                Block::Thinking { thinking } => say(Delta::Thinking, thinking, into),
                Block::RedactedThinking { data } => into.push(Delta::Signature(data)),
                Block::ToolUse { id, name, input } => {
                    into.push(Delta::ToolCall(ToolCall { id, name, arguments: input.to_string() }));
                }
                Block::Other => {}
            }
        }
        self.ending.model = answer.model;
        self.count(answer.usage);
        self.end(answer.stop_reason, answer.stop_sequence);
        Ok(())
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn holds_back(&self) -> bool {
        self.open.is_some()
    }
}

impl Decoder {
    /// Counts are sums so far, in parts.
    fn count(&mut self, counts: Option<Counts>) {
        let Some(counts) = counts else { return };
        let usage = self.ending.usage.get_or_insert_default();
        let cached = counts.cache_read_input_tokens.unwrap_or(0);
        if let Some(fresh) = counts.input_tokens.filter(|fresh| *fresh > 0 || usage.tokens_in == 0) {
            usage.tokens_in = fresh + cached + counts.cache_creation_input_tokens.unwrap_or(0);
            usage.tokens_cached = cached;
        }
        usage.tokens_out = counts.output_tokens.unwrap_or(usage.tokens_out);
    }

    fn end(&mut self, reason: Option<String>, stop_sequence: Option<String>) {
        self.ending.finish_reason = reason.map(|reason| match reason.as_str() {
            "end_turn" | "stop_sequence" | "pause_turn" => FinishReason::Stop,
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "tool_use" => FinishReason::ToolCalls,
            "refusal" => FinishReason::ContentFilter,
            _ => FinishReason::Other(reason),
        });
        self.ending.stop_sequence = stop_sequence;
    }
}

fn say(delta: fn(String) -> Delta, text: String, into: &mut Vec<Delta>) {
    if !text.is_empty() {
        into.push(delta(text));
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: Start,
    },
    ContentBlockStart {
        content_block: Block,
    },
    ContentBlockDelta {
        delta: BlockDelta,
    },
    ContentBlockStop,
    MessageDelta {
        delta: Stop,
        usage: Option<Counts>,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Start {
    model: Option<String>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
    },
    RedactedThinking {
        #[serde(default)]
        data: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Stop {
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    model: Option<String>,
    content: Option<Vec<Block>>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
    usage: Option<Counts>,
    error: Option<Value>,
}

/// Writes a streamed answer for a client.
#[derive(Debug)]
pub struct Encoder {
    id: String,
    model: String,
    tokens_in: u64,
    /// The kind of the block being written.
    open: Option<&'static str>,
    blocks: usize,
}

impl Encoder {
    /// An answer called `id` by `model`, to a prompt of about `tokens_in` tokens, which Anthropic's
    /// clients are told at the start.
    pub fn new(id: impl Into<String>, model: impl Into<String>, tokens_in: u64) -> Self {
        Self { id: id.into(), model: model.into(), tokens_in, open: None, blocks: 0 }
    }

    /// Writes into a block of this kind, begun if need be.
    fn block(&mut self, kind: &'static str, empty: &Value, delta: &Value, out: &mut Vec<u8>) {
        if self.open != Some(kind) {
            self.close(out);
            event(json!({"type": "content_block_start", "index": self.blocks, "content_block": empty}), out);
            self.open = Some(kind);
        }
        event(json!({"type": "content_block_delta", "index": self.blocks, "delta": delta}), out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            event(json!({"type": "content_block_stop", "index": self.blocks}), out);
            self.blocks += 1;
        }
    }
}

fn event(data: Value, out: &mut Vec<u8>) {
    let name = data["type"].as_str().unwrap_or_default().to_owned();
    write_event(out, Some(&name), &data);
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    index: Option<usize>,
}

impl Encode for Encoder {
    fn adopt(&mut self, event: &provider::Event) {
        let Ok(Head { kind, index: Some(index) }) = serde_json::from_slice(&event.data) else { return };
        match &*kind {
            "content_block_start" => (self.open, self.blocks) = (Some("passed on"), index),
            "content_block_stop" => (self.open, self.blocks) = (None, index + 1),
            _ => {}
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        let message = json!({
            "id": self.id, "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null,
            "usage": {"input_tokens": self.tokens_in, "output_tokens": 0},
        });
        event(json!({"type": "message_start", "message": message}), out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => {
                let delta = json!({"type": "text_delta", "text": text});
                self.block("text", &json!({"type": "text", "text": ""}), &delta, out);
            }
            Delta::Thinking(text) => {
                let delta = json!({"type": "thinking_delta", "thinking": text});
                self.block(
                    "thinking",
                    &json!({"type": "thinking", "thinking": "", "signature": ""}),
                    &delta,
                    out,
                );
            }
            Delta::Signature(signature) if self.open == Some("thinking") => {
                let delta = json!({"type": "signature_delta", "signature": signature});
                self.block("thinking", &Value::Null, &delta, out);
            }
            Delta::Signature(data) => {
                self.close(out);
                let block = json!({"type": "redacted_thinking", "data": data});
                event(
                    json!({"type": "content_block_start", "index": self.blocks, "content_block": block}),
                    out,
                );
                self.open = Some("redacted_thinking");
                self.close(out);
            }
            Delta::ToolCall(call) => {
                self.close(out);
                let empty = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
                let delta = json!({"type": "input_json_delta", "partial_json": call.arguments});
                self.block("tool_use", &empty, &delta, out);
                self.close(out);
            }
        }
    }

    fn finish(&mut self, finish: &Finish<'_>, out: &mut Vec<u8>) {
        self.close(out);
        let delta = json!({
            "stop_reason": write_reason(finish.reason, finish.stop_sequence),
            "stop_sequence": finish.stop_sequence,
        });
        event(json!({"type": "message_delta", "delta": delta, "usage": write_usage(finish.usage)}), out);
        event(json!({"type": "message_stop"}), out);
    }

    fn fail(&mut self, error: &Failure<'_>, out: &mut Vec<u8>) {
        event(failure(error), out);
    }
}

/// A whole answer for a client.
pub fn document(id: &str, completion: &Completion) -> Value {
    let content: Vec<Value> = completion
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text { text } => Some(json!({"type": "text", "text": text})),
            Part::Thinking { text, signature: Some(data) } if text.is_empty() => {
                Some(json!({"type": "redacted_thinking", "data": data}))
            }
            Part::Thinking { text, signature } => {
                let signature = signature.as_deref().unwrap_or_default();
                Some(json!({"type": "thinking", "thinking": text, "signature": signature}))
            }
            Part::ToolCall { call } => {
                let input: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
                Some(json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input}))
            }
            Part::Image { .. } | Part::ToolResult { .. } => None,
        })
        .collect();
    let stop_sequence = completion.stop_sequence.as_deref();
    json!({
        "id": id, "type": "message", "role": "assistant", "model": completion.model, "content": content,
        "stop_reason": write_reason(&completion.finish_reason, stop_sequence),
        "stop_sequence": stop_sequence,
        "usage": write_usage(&completion.usage),
    })
}

fn write_reason<'a>(reason: &'a FinishReason, stop_sequence: Option<&str>) -> &'a str {
    match reason {
        FinishReason::Stop if stop_sequence.is_some() => "stop_sequence",
        FinishReason::Stop => "end_turn",
        FinishReason::Length => "max_tokens",
        FinishReason::ToolCalls => "tool_use",
        FinishReason::ContentFilter => "refusal",
        FinishReason::Other(other) => other,
    }
}

fn write_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.tokens_in.saturating_sub(usage.tokens_cached),
        "output_tokens": usage.tokens_out,
        "cache_read_input_tokens": usage.tokens_cached,
        "cache_creation_input_tokens": 0,
    })
}

/// A failure's body, as Anthropic's clients know it.
pub fn failure(failure: &Failure<'_>) -> Value {
    let kind = match failure.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    };
    json!({
        "type": "error",
        "error": {
            "type": kind, "message": failure.message, "code": failure.code, "provider": failure.provider,
        },
        "request_id": failure.request_id,
    })
}
