//! OpenAI's responses.

use serde_json::{Value, json};

use super::halves;
use crate::script::{Reply, ToolUse};
use crate::scripted_model::MODEL;
use crate::scripted_model::acts::Parts;

/// An answer in one piece.
pub(super) fn document(reply: &Reply, usage: (u64, u64)) -> Value {
    let mut output = Vec::new();
    if !reply.whole().is_empty() || reply.tool_calls.is_empty() {
        output.push(message(&reply.whole(), "completed"));
    }
    output.extend(reply.tool_calls.iter().map(|call| function_call(call, "completed")));
    ended(reply, output, usage)
}

/// The events of a stream.
pub(super) fn parts(reply: &Reply, usage: (u64, u64)) -> Parts {
    let mut events = Events::default();
    let text = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
    let part = |name: &str, part: Value| json!({"type": name, "item_id": "msg_scripted", "output_index": 0, "content_index": 0, "part": part});
    let mut begun = message("", "in_progress");
    begun["content"] = json!([]);
    let prologue = [
        json!({"type": "response.created", "response": response("in_progress", json!([]))}),
        json!({"type": "response.in_progress", "response": response("in_progress", json!([]))}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
        part("response.content_part.added", text("")),
    ]
    .map(|event| events.write(event))
    .concat();
    let mut tokens: Vec<String> = Vec::new();
    for piece in reply.cut() {
        tokens.push(events.write(json!({
            "type": "response.output_text.delta", "item_id": "msg_scripted", "output_index": 0,
            "content_index": 0, "delta": piece, "logprobs": [],
        })));
    }
    let whole = message(&reply.whole(), "completed");
    let mut end_of_item = [
        json!({
            "type": "response.output_text.done", "item_id": "msg_scripted", "output_index": 0,
            "content_index": 0, "text": reply.whole(), "logprobs": [],
        }),
        part("response.content_part.done", text(&reply.whole())),
        json!({"type": "response.output_item.done", "output_index": 0, "item": whole}),
    ]
    .map(|event| events.write(event))
    .concat();
    let mut output = vec![whole];
    for call in &reply.tool_calls {
        tokens.extend(events.call(call, output.len(), &mut end_of_item));
        output.push(function_call(call, "completed"));
    }
    let name = if reply.finish_reason == "length" { "incomplete" } else { "completed" };
    let response = ended(reply, output, usage);
    let ending = events.write(json!({"type": format!("response.{name}"), "response": response}));
    let error = json!({
        "type": "error", "code": "server_error", "message": "the server is overloaded", "param": null,
    });
    Parts {
        prologue,
        tokens,
        ending: end_of_item + &ending,
        epilogue: String::new(),
        error: events.write(error),
    }
}

/// Numbers the events.
#[derive(Default)]
struct Events(u64);

impl Events {
    fn write(&mut self, mut event: Value) -> String {
        event["sequence_number"] = self.0.into();
        self.0 += 1;
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    }

    /// A call's events but those that end it; what ends the item before it goes first.
    fn call(&mut self, call: &ToolUse, index: usize, end_of_item: &mut String) -> Vec<String> {
        let arguments = call.arguments.to_string();
        let mut begun = function_call(call, "in_progress");
        begun["arguments"] = "".into();
        let added = json!({"type": "response.output_item.added", "output_index": index, "item": begun});
        let mut tokens = vec![std::mem::take(end_of_item) + &self.write(added)];
        let id = format!("fc_{}", call.id);
        for piece in halves(&arguments) {
            tokens.push(self.write(json!({
                "type": "response.function_call_arguments.delta", "item_id": id, "output_index": index,
                "delta": piece,
            })));
        }
        let done = json!({
            "type": "response.function_call_arguments.done", "item_id": id, "output_index": index,
            "name": call.name, "arguments": arguments,
        });
        let whole = function_call(call, "completed");
        let ended = json!({"type": "response.output_item.done", "output_index": index, "item": whole});
        *end_of_item = self.write(done) + &self.write(ended);
        tokens
    }
}

fn message(text: &str, status: &str) -> Value {
    json!({
        "id": "msg_scripted", "type": "message", "role": "assistant", "status": status,
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    })
}

fn function_call(call: &ToolUse, status: &str) -> Value {
    json!({
        "id": format!("fc_{}", call.id), "type": "function_call", "status": status, "call_id": call.id,
        "name": call.name, "arguments": call.arguments.to_string(),
    })
}

fn response(status: &str, output: Value) -> Value {
    json!({
        "id": "resp_scripted", "object": "response", "created_at": 0, "status": status, "model": MODEL,
        "output": output, "error": null, "incomplete_details": null, "parallel_tool_calls": true,
        "tool_choice": "auto", "tools": [], "usage": null,
    })
}

fn ended(reply: &Reply, output: Vec<Value>, (tokens_in, tokens_out): (u64, u64)) -> Value {
    let mut response = response("completed", output.into());
    if reply.finish_reason == "length" {
        response["status"] = "incomplete".into();
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    response["usage"] = json!({
        "input_tokens": tokens_in, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": tokens_out, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens_in + tokens_out,
    });
    response
}
