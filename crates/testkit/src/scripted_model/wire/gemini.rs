//! Google's `generateContent`.

use serde_json::{Value, json};

use crate::script::{Reply, ToolUse};
use crate::scripted_model::MODEL;
use crate::scripted_model::acts::Parts;

/// An answer in one piece.
pub(super) fn document(reply: &Reply, usage: (u64, u64)) -> Value {
    let mut parts = Vec::new();
    if !reply.whole().is_empty() || reply.tool_calls.is_empty() {
        parts.push(json!({"text": reply.whole()}));
    }
    parts.extend(reply.tool_calls.iter().map(function_call));
    answer(&parts, Some(finish_reason(reply)), usage)
}

/// The events of a stream; the last says that it is one, and there is no mark of the end.
pub(super) fn parts(reply: &Reply, usage: (u64, u64)) -> Parts {
    let event = |value: Value| format!("data: {value}\r\n\r\n");
    let pieces = reply.cut().into_iter().map(|piece| json!({"text": piece}));
    let parts = pieces.chain(reply.tool_calls.iter().map(function_call));
    let error = json!({"error": {
        "code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE",
    }});
    Parts {
        prologue: String::new(),
        tokens: parts.map(|part| event(answer(&[part], None, usage))).collect(),
        ending: event(answer(&[json!({"text": ""})], Some(finish_reason(reply)), usage)),
        epilogue: String::new(),
        error: event(error),
    }
}

fn function_call(call: &ToolUse) -> Value {
    json!({"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}})
}

/// OpenAI's word for an ending in Google's.
fn finish_reason(reply: &Reply) -> &str {
    match reply.finish_reason.as_str() {
        "stop" | "tool_calls" => "STOP",
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        other => other,
    }
}

fn answer(parts: &[Value], finish_reason: Option<&str>, (tokens_in, tokens_out): (u64, u64)) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = reason.into();
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": tokens_in, "candidatesTokenCount": tokens_out,
            "totalTokenCount": tokens_in + tokens_out,
        },
        "modelVersion": MODEL,
        "responseId": "scripted",
    })
}
