//! Requests, as providers get them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::responses::proof;
use crate::dialect::values::write_image;
use crate::dialect::{Dialect, Raw};
use crate::message::{Format, Part, Request, Role, Tool, ToolChoice, text_of};

/// OpenAI refuses a smaller limit.
const LEAST_MAX_TOKENS: u32 = 16;

/// Writes a request for a provider; `model` is asked where the request names none.
pub(crate) fn encode(request: &Request, model: &str, stream: bool) -> Bytes {
    let model = request.model.as_deref().unwrap_or(model);
    if let Some(raw) = request.raw.as_ref().filter(|raw| raw.dialect == Dialect::Responses) {
        return pass_on(raw, model, stream);
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    let (instructions, messages) = match request.messages.split_first() {
        Some((first, rest)) if first.role == Role::System => (Some(first.text()), rest),
        _ => (None, request.messages.as_slice()),
    };
    let items: Vec<Value> =
        messages.iter().flat_map(|message| write_items(message.role, &message.parts)).collect();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("instructions", instructions.map(Value::from));
    set("input", Some(items.into()));
    // Whoever sends the whole conversation each time needs nothing kept.
    set("store", Some(false.into()));
    set("stream", stream.then_some(true.into()));
    set("temperature", request.temperature.map(Value::from));
    set("top_p", request.top_p.map(Value::from));
    set("max_output_tokens", request.max_tokens.map(|limit| limit.max(LEAST_MAX_TOKENS).into()));
    if let Some(effort) = &request.effort {
        set("reasoning", Some(json!({"effort": effort})));
        // Models that do not think refuse to be asked for it.
        set("include", (effort != "none").then(|| json!(["reasoning.encrypted_content"])));
    }
    if !request.tools.is_empty() {
        set("tools", Some(request.tools.iter().map(write_tool).collect()));
        set("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
        set("tool_choice", write_tool_choice(&request.tool_choice));
    }
    set("text", write_format(&request.format).map(|format| json!({"format": format})));
    Value::Object(body).to_string().into()
}

/// The client's own words, with what the router decides.
fn pass_on(raw: &Raw, model: &str, stream: bool) -> Bytes {
    let stream = if stream || raw.has("stream") { stream.into() } else { Value::Null };
    raw.with(&[("model", model.into()), ("stream", stream)])
}

fn write_items(role: Role, parts: &[Part]) -> Vec<Value> {
    let mut items = Vec::new();
    let mut content: Vec<Value> = Vec::new();
    let message = |content: &mut Vec<Value>, items: &mut Vec<Value>| {
        if !content.is_empty() {
            let content = std::mem::take(content);
            items.push(json!({"type": "message", "role": role.as_str(), "content": content}));
        }
    };
    for part in parts {
        let item = match part {
            Part::Text { text } if role == Role::Assistant => {
                content.push(json!({"type": "output_text", "text": text, "annotations": []}));
                continue;
            }
            Part::Text { .. } | Part::Image { .. } => {
                content.extend(write_part(part));
                continue;
            }
            Part::ToolCall { call } => Some(json!({
                "type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments,
            })),
            Part::ToolResult { call_id, content, .. } => Some(
                json!({"type": "function_call_output", "call_id": call_id, "output": write_output(content)}),
            ),
            Part::Thinking { text, signature } => write_thought(text, signature.as_deref()),
        };
        message(&mut content, &mut items);
        items.extend(item);
    }
    message(&mut content, &mut items);
    items
}

fn write_part(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } => Some(json!({"type": "input_text", "text": text})),
        Part::Image { image } => {
            Some(json!({"type": "input_image", "image_url": write_image(image), "detail": "auto"}))
        }
        Part::Thinking { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => None,
    }
}

fn write_output(content: &[Part]) -> Value {
    if content.iter().any(|part| matches!(part, Part::Image { .. })) {
        return content.iter().filter_map(write_part).collect();
    }
    text_of(content).into()
}

/// Another provider's thought proves nothing here.
fn write_thought(text: &str, signature: Option<&str>) -> Option<Value> {
    let (id, proof) = proof::own(signature?)?;
    let summary = if text.is_empty() { json!([]) } else { json!([{"type": "summary_text", "text": text}]) };
    Some(json!({"type": "reasoning", "id": id, "summary": summary, "encrypted_content": proof}))
}

fn write_tool(tool: &Tool) -> Value {
    // Without a word this API takes a schema to the letter, which no other does.
    let strict = tool.strict.unwrap_or(false);
    let mut written =
        json!({"type": "function", "name": tool.name, "parameters": tool.parameters, "strict": strict});
    if let Some(description) = &tool.description {
        written["description"] = description.as_str().into();
    }
    written
}

fn write_tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Never => Some("none".into()),
        ToolChoice::Any => Some("required".into()),
        ToolChoice::Named(name) => Some(json!({"type": "function", "name": name})),
    }
}

fn write_format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({"type": "json_object"})),
        Format::Schema { name, schema, strict } => {
            let mut described = json!({"type": "json_schema", "name": name, "schema": schema});
            if let Some(strict) = strict {
                described["strict"] = (*strict).into();
            }
            Some(described)
        }
    }
}
