//! The protocols' words for one reply.

mod gemini;
mod responses;

use std::time::Duration;

use serde_json::{Value, json};

use super::MODEL;
use super::acts::{self, Act, Parts};
use crate::script::{Fault, RecordedRequest, Reply, ToolUse};

/// How the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    OpenAi,
    Anthropic,
    Responses,
    Gemini,
    Embeddings,
}

impl Protocol {
    /// The content type, and what is done after the headers.
    pub(super) fn play(self, request: &RecordedRequest, reply: &Reply) -> (String, Vec<Act>) {
        if let Some(body) = &reply.body {
            return (reply.content_type.clone(), vec![Act::send(body.clone())]);
        }
        let usage = usage(request, reply);
        if self == Self::Embeddings || !request.wants_stream() || reply.ignores_stream {
            let document = match self {
                Self::OpenAi => openai_document(reply, usage),
                Self::Anthropic => anthropic_document(reply, usage),
                Self::Responses => responses::document(reply, usage),
                Self::Gemini => gemini::document(reply, usage),
                Self::Embeddings => super::vectors::document(&request.json),
            };
            return ("application/json".into(), document_acts(&document.to_string(), reply));
        }
        let parts = match self {
            Self::OpenAi | Self::Embeddings => openai_parts(request, reply, usage),
            Self::Anthropic => anthropic_parts(reply, usage),
            Self::Responses => responses::parts(reply, usage),
            Self::Gemini => gemini::parts(reply, usage),
        };
        ("text/event-stream".into(), parts.acts(reply))
    }
}

/// A document knows fewer faults than a stream: it hangs, it is cut, or it is not JSON.
fn document_acts(document: &str, reply: &Reply) -> Vec<Act> {
    let half: String = document.chars().take(document.chars().count() / 2).collect();
    match reply.fault {
        Some(Fault::HangBeforeFirstToken | Fault::OnlyComments(_)) => vec![Act::Hang],
        Some(Fault::StallAfter(_)) => vec![Act::send(half), Act::Hang],
        Some(Fault::CutAfter(_)) => vec![Act::send(half), Act::Close],
        Some(Fault::ResetAfter(_)) => vec![Act::send(half), Act::Reset],
        Some(Fault::EndAfter(_) | Fault::MalformedAfter(_)) => vec![Act::send(half)],
        Some(Fault::ErrorAfter(_)) => vec![Act::send(openai_error().to_string())],
        Some(Fault::Endless) => vec![Act::send("{"), Act::Repeat(" ".repeat(65_536).into(), Duration::ZERO)],
        Some(Fault::Drip(pause_ms)) => acts::drip(document, Duration::from_millis(pause_ms)),
        _ => vec![Act::send(document)],
    }
}

fn model_of(reply: &Reply) -> &str {
    reply.model.as_deref().unwrap_or(MODEL)
}

/// The list of models, as Google's clients or all others know it.
pub(super) fn models(model: &str, for_google: bool) -> Value {
    if for_google {
        return json!({"models": [{
            "name": format!("models/{model}"), "displayName": model,
            "supportedGenerationMethods": ["generateContent"],
        }]});
    }
    json!({"object": "list", "data": [{"id": model, "object": "model", "created": 0, "owned_by": "testkit"}]})
}

fn usage(request: &RecordedRequest, reply: &Reply) -> (u64, u64) {
    let words = |text: &str| text.split_whitespace().count() as u64;
    reply.usage.unwrap_or_else(|| (words(&request.prompt()), words(&reply.whole())))
}

fn openai_error() -> Value {
    json!({"error": {"message": "the server is overloaded", "type": "server_error", "code": null}})
}

fn openai_document(reply: &Reply, (tokens_in, tokens_out): (u64, u64)) -> Value {
    let mut document = json!({
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": 0, "model": model_of(reply),
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": reply.whole()},
            "finish_reason": reply.finish_reason,
        }],
        "usage": openai_usage(tokens_in, tokens_out),
    });
    if !reply.tool_calls.is_empty() {
        let call = |call: &ToolUse| {
            let function = json!({"name": call.name, "arguments": call.arguments.to_string()});
            json!({"id": call.id, "type": "function", "function": function})
        };
        document["choices"][0]["message"]["tool_calls"] = reply.tool_calls.iter().map(call).collect();
    }
    document
}

fn openai_usage(tokens_in: u64, tokens_out: u64) -> Value {
    json!({"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out})
}

fn openai_parts(request: &RecordedRequest, reply: &Reply, (tokens_in, tokens_out): (u64, u64)) -> Parts {
    let event = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": "chatcmpl-scripted", "object": "chat.completion.chunk", "created": 0, "model": model_of(reply),
            "choices": choices,
        });
        if let Some(usage) = usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let choice = |delta: Value, reason: Option<&str>| {
        event(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), None)
    };
    let mut tokens: Vec<String> =
        reply.cut().iter().map(|piece| choice(json!({"content": piece}), None)).collect();
    for (index, call) in reply.tool_calls.iter().enumerate() {
        let begin = json!({
            "index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""},
        });
        tokens.push(choice(json!({"tool_calls": [begin]}), None));
        for piece in halves(&call.arguments.to_string()) {
            let more = json!({"index": index, "function": {"arguments": piece}});
            tokens.push(choice(json!({"tool_calls": [more]}), None));
        }
    }
    let mut epilogue = String::new();
    if request.json["stream_options"]["include_usage"] == true {
        epilogue.push_str(&event(json!([]), Some(openai_usage(tokens_in, tokens_out))));
    }
    epilogue.push_str("data: [DONE]\n\n");
    Parts {
        prologue: choice(json!({"role": "assistant", "content": ""}), None),
        tokens,
        ending: choice(json!({}), Some(&reply.finish_reason)),
        epilogue,
        error: format!("event: error\ndata: {}\n\n", openai_error()),
    }
}

fn halves(text: &str) -> [String; 2] {
    let half = text.chars().count() / 2;
    [text.chars().take(half).collect(), text.chars().skip(half).collect()]
}

/// OpenAI's word for an ending in Anthropic's.
fn stop_reason(reply: &Reply) -> &str {
    match reply.finish_reason.as_str() {
        "stop" if reply.stop_sequence.is_some() => "stop_sequence",
        "stop" => "end_turn",
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        other => other,
    }
}

fn anthropic_document(reply: &Reply, (tokens_in, tokens_out): (u64, u64)) -> Value {
    let mut content = Vec::new();
    if !reply.whole().is_empty() || reply.tool_calls.is_empty() {
        content.push(json!({"type": "text", "text": reply.whole()}));
    }
    content.extend(
        reply.tool_calls.iter().map(
            |call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}),
        ),
    );
    json!({
        "id": "msg_scripted", "type": "message", "role": "assistant", "model": model_of(reply),
        "content": content,
        "stop_reason": stop_reason(reply), "stop_sequence": reply.stop_sequence,
        "usage": {"input_tokens": tokens_in, "output_tokens": tokens_out},
    })
}

fn anthropic_parts(reply: &Reply, (tokens_in, tokens_out): (u64, u64)) -> Parts {
    let event = |data: Value| {
        let name = data["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    let token = |piece: &String| {
        event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}),
        )
    };
    let message = json!({
        "id": "msg_scripted", "type": "message", "role": "assistant", "model": model_of(reply), "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": tokens_in, "output_tokens": 0},
    });
    let start = |index: usize, block: Value| {
        event(json!({"type": "content_block_start", "index": index, "content_block": block}))
    };
    let stop = |index: usize| event(json!({"type": "content_block_stop", "index": index}));
    let mut tokens: Vec<String> = reply.cut().iter().map(token).collect();
    let mut last_block = 0;
    for call in &reply.tool_calls {
        last_block += 1;
        let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        tokens.push(stop(last_block - 1) + &start(last_block, block));
        for piece in halves(&call.arguments.to_string()) {
            let delta = json!({"type": "input_json_delta", "partial_json": piece});
            tokens.push(event(json!({"type": "content_block_delta", "index": last_block, "delta": delta})));
        }
    }
    let ending = json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(reply), "stop_sequence": reply.stop_sequence},
        "usage": {"output_tokens": tokens_out},
    });
    Parts {
        prologue: event(json!({"type": "message_start", "message": message}))
            + &start(0, json!({"type": "text", "text": ""})),
        tokens,
        ending: stop(last_block) + &event(ending),
        epilogue: event(json!({"type": "message_stop"})),
        error: event(
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        ),
    }
}
