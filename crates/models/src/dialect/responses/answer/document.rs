//! Answers, as clients get them: the object, and its items.

use serde_json::{Map, Value, json};

use crate::dialect::Raw;
use crate::dialect::responses::proof;
use crate::message::{Completion, FinishReason, Part, ToolCall, Usage};

/// An answer before anything is said: its name, and the request's settings, which this API repeats.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Without `resp_`; its items are called after it too.
    suffix: String,
    response: Value,
}

impl Opening {
    /// The beginning of an answer to `request`, begun at `created` (seconds of the epoch). Its id is
    /// `resp_` and `suffix`.
    pub fn new(suffix: impl Into<String>, created: i64, request: &Raw) -> Self {
        let suffix = suffix.into();
        let said = |name: &str| request.member(name).filter(|value| !value.is_null());
        let or = |name: &str, otherwise: Value| said(name).unwrap_or(otherwise);
        let reasoning = or("reasoning", json!({}));
        let mut text = or("text", json!({}));
        if text["format"].is_null() {
            text["format"] = json!({"type": "text"});
        }
        let response = json!({
            "id": format!("resp_{suffix}"), "object": "response", "created_at": created,
            "status": "in_progress", "background": false, "error": null, "incomplete_details": null,
            "instructions": said("instructions"), "max_output_tokens": said("max_output_tokens"),
            "model": or("model", "".into()), "output": [],
            "parallel_tool_calls": or("parallel_tool_calls", true.into()), "previous_response_id": null,
            "reasoning": {"effort": reasoning["effort"], "summary": reasoning["summary"]}, "store": false,
            "temperature": or("temperature", 1.0.into()), "text": text,
            "tool_choice": or("tool_choice", "auto".into()), "tools": or("tools", json!([])),
            "top_p": or("top_p", 1.0.into()), "truncation": "disabled", "usage": null,
            "user": said("user"), "metadata": or("metadata", json!({})),
        });
        Self { suffix, response }
    }

    pub(super) fn into_response(self) -> (String, Map<String, Value>) {
        match self.response {
            Value::Object(response) => (self.suffix, response),
            _ => (self.suffix, Map::new()),
        }
    }
}

/// A whole answer for a client.
pub fn document(opening: Opening, completion: &Completion) -> Value {
    let (suffix, mut response) = opening.into_response();
    let mut output: Vec<Value> = Vec::new();
    for part in &completion.parts {
        let id = |kind: &str| format!("{kind}_{suffix}_{}", output.len());
        match part {
            Part::Text { text } => {
                let mut item = message(&id("msg"));
                item["content"] = json!([text_part(text)]);
                output.push(finished(item));
            }
            Part::Thinking { text, signature } => {
                let mut item = thought(&id("rs"));
                if !text.is_empty() {
                    item["summary"] = json!([summary_part(text)]);
                }
                prove(&mut item, signature.as_deref());
                output.push(finished(item));
            }
            Part::ToolCall { call } => output.push(finished(function_call(&id("fc"), call))),
            Part::Image { .. } | Part::ToolResult { .. } => {}
        }
    }
    response.insert("model".into(), completion.model.as_str().into());
    end(&mut response, output, &completion.finish_reason, &completion.usage);
    Value::Object(response)
}

/// Says how an answer ended, and all it has.
pub(super) fn end(
    response: &mut Map<String, Value>,
    output: Vec<Value>,
    reason: &FinishReason,
    usage: &Usage,
) {
    let (status, incomplete) = match reason {
        FinishReason::Length => ("incomplete", json!({"reason": "max_output_tokens"})),
        FinishReason::ContentFilter => ("incomplete", json!({"reason": "content_filter"})),
        FinishReason::Stop | FinishReason::ToolCalls | FinishReason::Other(_) => ("completed", Value::Null),
    };
    response.insert("status".into(), status.into());
    response.insert("incomplete_details".into(), incomplete);
    response.insert("output".into(), output.into());
    response.insert("usage".into(), write_usage(usage));
}

pub(super) fn write_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.tokens_in,
        "input_tokens_details": {"cached_tokens": usage.tokens_cached, "cache_write_tokens": 0},
        "output_tokens": usage.tokens_out,
        "output_tokens_details": {"reasoning_tokens": usage.tokens_thinking},
        "total_tokens": usage.tokens_in + usage.tokens_out,
    })
}

pub(super) fn message(id: &str) -> Value {
    json!({"id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": []})
}

pub(super) fn thought(id: &str) -> Value {
    json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": []})
}

pub(super) fn function_call(id: &str, call: &ToolCall) -> Value {
    json!({
        "id": id, "type": "function_call", "status": "in_progress",
        "call_id": call.id, "name": call.name, "arguments": call.arguments,
    })
}

pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

pub(super) fn summary_part(text: &str) -> Value {
    json!({"type": "summary_text", "text": text})
}

/// Gives a thought its proof.
pub(super) fn prove(item: &mut Value, signature: Option<&str>) {
    let Some(signature) = signature else { return };
    let fresh_id = item["id"].as_str().unwrap_or_default().to_owned();
    let (id, encrypted) = proof::write(signature, &fresh_id);
    (item["id"], item["encrypted_content"]) = (id.into(), encrypted.into());
}

pub(super) fn finished(mut item: Value) -> Value {
    item["status"] = "completed".into();
    item
}
