//! Answers, as providers give them and as clients get them.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::transcript::OpenCall;
use crate::dialect::{Decode, Encode, Ending, Failure, Fault, Finish, message_of, write_event};
use crate::message::{Completion, FinishReason, Part, Usage};
use crate::provider::{Delta, Event};

/// Reads a provider's answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    ending: Ending,
    /// The tool call being written, with the provider's number for it.
    open: Option<(u64, OpenCall)>,
    calls: usize,
}

impl Decode for Decoder {
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        match data.trim_ascii() {
            b"" => Ok(()),
            b"[DONE]" => {
                self.close(into);
                self.ending.is_done = true;
                Ok(())
            }
            data => self.take(data, into),
        }
    }

    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        self.take(body, into)?;
        self.close(into);
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
    fn take(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|error| Fault::malformed(&error))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(message_of(&error).unwrap_or_else(|| error.to_string())));
        }
        if let Some(usage) = chunk.usage {
            self.ending.usage = Some(usage.into());
        }
        let known = self.ending.model.as_deref().unwrap_or_default();
        if let Some(model) = chunk.model.filter(|model| !model.is_empty() && model != known) {
            self.ending.model = Some(model.into_owned());
        }
        for choice in chunk.choices.unwrap_or_default().into_iter().filter(|choice| choice.index == 0) {
            if let Some(content) = choice.delta.or(choice.message) {
                self.content(content, into);
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.close(into);
                self.ending.finish_reason = Some(read_reason(&reason));
            }
        }
        Ok(())
    }

    fn content(&mut self, content: Content, into: &mut Vec<Delta>) {
        let is_said = |text: &String| !text.is_empty();
        if let Some(thought) = content.reasoning_content.or(content.reasoning).filter(is_said) {
            into.push(Delta::Thinking(thought));
        }
        let text = match content.content {
            Some(Value::String(text)) => Some(text),
            Some(Value::Array(parts)) => {
                self.ending.has_begun |= !parts.is_empty();
                Some(parts.iter().filter_map(|part| part["text"].as_str()).collect())
            }
            _ => None,
        };
        into.extend(text.into_iter().chain(content.refusal).filter(is_said).map(Delta::Text));
        for piece in content.tool_calls.unwrap_or_default() {
            self.tool_call(piece, into);
        }
        self.ending.has_begun |= !into.is_empty() || self.open.is_some();
    }

    fn tool_call(&mut self, piece: CallPiece, into: &mut Vec<Delta>) {
        let function = piece.function.unwrap_or_default();
        let number = piece.index.unwrap_or(self.calls as u64);
        let is_other = match &self.open {
            Some((open, call)) => {
                // Without numbers, a new id tells a new call.
                *open != number
                    || piece
                        .id
                        .as_ref()
                        .is_some_and(|id| !id.is_empty() && !call.id.is_empty() && *id != call.id)
            }
            None => true,
        };
        if is_other {
            self.close(into);
            self.open = Some((number, OpenCall::default()));
        }
        let Some((_, call)) = &mut self.open else { return };
        call.id.push_str(piece.id.filter(|_| call.id.is_empty()).as_deref().unwrap_or_default());
        call.name.push_str(function.name.filter(|_| call.name.is_empty()).as_deref().unwrap_or_default());
        match function.arguments {
            Some(Value::String(text)) => call.arguments.push_str(&text),
            // Ollama has sent the object itself.
            Some(object @ Value::Object(_)) => call.arguments = object.to_string(),
            _ => {}
        }
    }

    fn close(&mut self, into: &mut Vec<Delta>) {
        if let Some((_, call)) = self.open.take() {
            into.push(Delta::ToolCall(call.close(self.calls)));
            self.calls += 1;
        }
    }
}

fn read_reason(reason: &str) -> FinishReason {
    match reason {
        "stop" | "end_turn" | "eos" => FinishReason::Stop,
        "length" | "max_tokens" => FinishReason::Length,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        "content_filter" => FinishReason::ContentFilter,
        other => FinishReason::Other(other.to_owned()),
    }
}

fn write_reason(reason: &FinishReason) -> &str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::Other(other) => other,
    }
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u64,
    delta: Option<Content>,
    message: Option<Content>,
    #[serde(borrow)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning: Option<String>,
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<CallPiece>>,
}

#[derive(Deserialize)]
struct CallPiece {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Default, Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<PromptDetails>,
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Deserialize)]
struct PromptDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    reasoning_tokens: Option<u64>,
}

impl From<WireUsage> for Usage {
    fn from(usage: WireUsage) -> Self {
        Self {
            tokens_in: usage.prompt_tokens.unwrap_or(0),
            tokens_out: usage.completion_tokens.unwrap_or(0),
            tokens_cached: usage.prompt_tokens_details.and_then(|it| it.cached_tokens).unwrap_or(0),
            tokens_thinking: usage.completion_tokens_details.and_then(|it| it.reasoning_tokens).unwrap_or(0),
            ..Self::default()
        }
    }
}

/// Writes a streamed answer for a client.
#[derive(Debug)]
pub struct Encoder {
    id: String,
    created: i64,
    model: String,
    wants_usage: bool,
    calls: usize,
    has_finished: bool,
    /// Whether its id, date and model are those of events that were passed on.
    has_head: bool,
}

impl Encoder {
    /// An answer called `id`, begun at `created` (seconds of the epoch), by `model`. The client says
    /// whether it wants to know the usage.
    pub fn new(id: impl Into<String>, created: i64, model: impl Into<String>, wants_usage: bool) -> Self {
        Self {
            id: id.into(),
            created,
            model: model.into(),
            wants_usage,
            calls: 0,
            has_finished: false,
            has_head: false,
        }
    }

    fn chunk(&self, choices: &Value, usage: Option<Value>, out: &mut Vec<u8>) {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        write_event(out, None, &chunk);
    }

    fn choice(&self, delta: &Value, reason: Option<&str>, out: &mut Vec<u8>) {
        let usage = self.wants_usage.then_some(Value::Null);
        self.chunk(&json!([{"index": 0, "delta": delta, "finish_reason": reason}]), usage, out);
    }
}

/// Whether a chunk clearly neither ends the answer nor calls a tool, as nearly all do; said without
/// reading it. In a text these marks would have their quotes escaped.
fn only_says_words(chunk: &[u8]) -> bool {
    let holds = |mark: &str| memmem::find(chunk, mark.as_bytes()).is_some();
    // Of several answers in one chunk, one may go on and another end.
    let has_end = holds(r#""finish_reason":""#) || !holds(r#""finish_reason":null"#);
    !has_end && !holds(r#""tool_calls""#)
}

#[derive(Deserialize)]
struct Head {
    id: Option<String>,
    created: Option<i64>,
    model: Option<String>,
    choices: Option<Vec<HeadChoice>>,
}

#[derive(Deserialize)]
struct HeadChoice {
    delta: Option<HeadDelta>,
    finish_reason: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct HeadDelta {
    tool_calls: Option<Vec<HeadCall>>,
}

#[derive(Deserialize)]
struct HeadCall {
    index: Option<usize>,
}

impl Encode for Encoder {
    fn adopt(&mut self, event: &Event) {
        if self.has_head && only_says_words(&event.data) {
            return;
        }
        self.has_head = true;
        let Ok(head) = serde_json::from_slice::<Head>(&event.data) else { return };
        self.id = head.id.unwrap_or_else(|| std::mem::take(&mut self.id));
        self.created = head.created.unwrap_or(self.created);
        self.model = head.model.unwrap_or_else(|| std::mem::take(&mut self.model));
        for choice in head.choices.unwrap_or_default() {
            self.has_finished |= choice.finish_reason.is_some();
            for call in choice.delta.and_then(|delta| delta.tool_calls).unwrap_or_default() {
                self.calls = self.calls.max(call.index.unwrap_or(self.calls) + 1);
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        self.choice(&json!({"role": "assistant", "content": ""}), None, out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => self.choice(&json!({"content": text}), None, out),
            Delta::Thinking(text) => self.choice(&json!({"reasoning_content": text}), None, out),
            Delta::Signature(_) => {}
            Delta::ToolCall(call) => {
                let call = json!({
                    "index": self.calls, "id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                });
                self.calls += 1;
                self.choice(&json!({"tool_calls": [call]}), None, out);
            }
        }
    }

    fn finish(&mut self, finish: &Finish<'_>, out: &mut Vec<u8>) {
        if !self.has_finished {
            self.choice(&json!({}), Some(write_reason(finish.reason)), out);
        }
        if self.wants_usage {
            self.chunk(&json!([]), Some(write_usage(finish.usage)), out);
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, error: &Failure<'_>, out: &mut Vec<u8>) {
        write_event(out, None, &failure(error));
    }
}

/// A whole answer for a client.
pub fn document(id: &str, created: i64, completion: &Completion) -> Value {
    let calls: Vec<Value> = completion
        .tool_calls()
        .map(|call| {
            let function = json!({"name": call.name, "arguments": call.arguments});
            json!({"id": call.id, "type": "function", "function": function})
        })
        .collect();
    let text = completion.text();
    let has_text = completion.parts.iter().any(|part| matches!(part, Part::Text { .. }));
    let mut message = json!({
        "role": "assistant",
        "content": if has_text || calls.is_empty() { Value::String(text) } else { Value::Null },
        "refusal": null,
    });
    let thoughts: String = completion
        .parts
        .iter()
        .filter_map(|part| if let Part::Thinking { text, .. } = part { Some(text.as_str()) } else { None })
        .collect();
    if !thoughts.is_empty() {
        message["reasoning_content"] = thoughts.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({
        "id": id, "object": "chat.completion", "created": created, "model": completion.model,
        "choices": [{
            "index": 0, "message": message, "logprobs": null,
            "finish_reason": write_reason(&completion.finish_reason),
        }],
        "usage": write_usage(&completion.usage),
    })
}

fn write_usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.tokens_in, "completion_tokens": usage.tokens_out,
        "total_tokens": usage.tokens_in + usage.tokens_out,
        "prompt_tokens_details": {"cached_tokens": usage.tokens_cached},
        "completion_tokens_details": {"reasoning_tokens": usage.tokens_thinking},
    })
}

/// A failure's body, as OpenAI's clients know it.
pub fn failure(failure: &Failure<'_>) -> Value {
    let kind = match failure.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    json!({"error": {
        "message": failure.message, "type": kind, "param": null, "code": failure.code,
        "provider": failure.provider, "request_id": failure.request_id,
    }})
}
