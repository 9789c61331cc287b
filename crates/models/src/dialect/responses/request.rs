//! Requests, as clients write them.

mod write;

use serde_json::{Value, json};

use crate::dialect::responses::proof;
use crate::dialect::values::{limit, list, number, read_image, word};
use crate::dialect::{Dialect, Misread, Raw};
use crate::message::{Format, Message, Part, Request, Role, Tool, ToolCall, ToolChoice};
pub(crate) use write::encode;

/// Reads a client's request. What only this dialect can say stays in [`Request::raw`], and is named
/// in [`Request::untranslatable`].
///
/// # Errors
/// What is wrong, and where.
pub fn read(raw: Raw) -> Result<Request, Misread> {
    let body: Value = serde_json::from_slice(&raw.body).map_err(|error| Misread::new(error.to_string()))?;
    if body["background"] == true {
        return Err(Misread::new("`background` needs a server that keeps answers; leave it out"));
    }
    let mut request = Request::default();
    let (mut conversation, mut tools) = (Vec::new(), Vec::new());
    match &body["instructions"] {
        Value::Null => {}
        Value::String(text) => conversation.push(Message::system(text)),
        _ => return Err(Misread::new("`instructions` must be a text")),
    }
    read_input(&body, &mut conversation, &mut request.untranslatable)?;
    for (place, tool) in list(&body, "tools")?.iter().enumerate() {
        match read_tool(tool).map_err(|error| Misread(format!("`tools[{place}]`: {}", error.0)))? {
            Some(tool) => tools.push(tool),
            None => request.untranslatable = Some(format!("a tool of type `{}`", word(&tool["type"]))),
        }
    }
    (request.messages, request.tools) = (conversation.into(), tools.into());
    request.model = body["model"].as_str().map(str::to_owned);
    request.temperature = number(&body, "temperature")?;
    request.top_p = number(&body, "top_p")?;
    request.max_tokens = limit(&body, "max_output_tokens")?;
    request.tool_choice = read_tool_choice(&body["tool_choice"], &mut request.untranslatable)?;
    request.parallel_tool_calls = body["parallel_tool_calls"].as_bool();
    request.format = read_format(&body["text"]["format"])?;
    request.effort = body["reasoning"]["effort"].as_str().map(str::to_owned);
    note_state(&body, &mut request.untranslatable);
    if request.untranslatable.is_some() || !request.has_foreign_thought(Dialect::Responses) {
        request.raw = Some(raw);
    }
    Ok(request)
}

/// What lives at the provider, and so means nothing elsewhere.
fn note_state(body: &Value, untranslatable: &mut Option<String>) {
    for (name, is_used) in [
        ("`logprobs`", body["top_logprobs"].as_u64().is_some_and(|count| count > 0)),
        ("`prompt`", !body["prompt"].is_null()),
        ("`conversation`", !body["conversation"].is_null()),
        (
            "`previous_response_id` (no answers are kept here; send the whole conversation as `input`)",
            !body["previous_response_id"].is_null(),
        ),
    ] {
        if is_used {
            *untranslatable = Some(name.into());
        }
    }
}

fn read_input(
    body: &Value,
    messages: &mut Vec<Message>,
    untranslatable: &mut Option<String>,
) -> Result<(), Misread> {
    match &body["input"] {
        Value::String(text) => messages.push(Message::user(text)),
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                read_item(item, messages, untranslatable)
                    .map_err(|error| Misread(format!("`input[{place}]`: {}", error.0)))?;
            }
        }
        Value::Null if !body["prompt"].is_null() => {}
        Value::Array(_) => return Err(Misread::new("`input` must not be empty")),
        _ => return Err(Misread::new("`input` must be a text or a list of items")),
    }
    Ok(())
}

fn read_item(
    item: &Value,
    messages: &mut Vec<Message>,
    untranslatable: &mut Option<String>,
) -> Result<(), Misread> {
    match item["type"].as_str() {
        Some("message") => read_message(item, messages, untranslatable)?,
        None if item["role"].is_string() => read_message(item, messages, untranslatable)?,
        Some("function_call") => {
            let text = |name: &str| {
                item[name].as_str().ok_or_else(|| Misread(format!("a function call needs `{name}`")))
            };
            let arguments = item["arguments"].as_str().unwrap_or("{}").to_owned();
            let call = ToolCall { id: text("call_id")?.into(), name: text("name")?.into(), arguments };
            join(messages, Role::Assistant, vec![Part::ToolCall { call }]);
        }
        Some("function_call_output") => {
            let call_id = item["call_id"].as_str();
            let call_id = call_id.ok_or_else(|| Misread::new("a function's output needs `call_id`"))?;
            let content = read_content(&item["output"], untranslatable)?;
            let result = Part::ToolResult { call_id: call_id.into(), content, is_error: false };
            join(messages, Role::User, vec![result]);
        }
        Some("reasoning") => join(messages, Role::Assistant, vec![read_thought(item)]),
        Some(other) => *untranslatable = Some(format!("an item of type `{other}`")),
        None => return Err(Misread::new("an item needs a `type` or a `role`")),
    }
    Ok(())
}

fn read_message(
    item: &Value,
    messages: &mut Vec<Message>,
    untranslatable: &mut Option<String>,
) -> Result<(), Misread> {
    let role = match item["role"].as_str() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        other => {
            let role = other.unwrap_or("absent");
            return Err(Misread(format!("`role` is {role}, not system, developer, user or assistant")));
        }
    };
    let parts = read_content(&item["content"], untranslatable)?;
    if role == Role::Assistant {
        join(messages, role, parts);
    } else {
        messages.push(Message { role, parts });
    }
    Ok(())
}

/// What is one item each here, a thought, words and calls, is one message elsewhere; and so is what
/// several tools gave.
fn join(messages: &mut Vec<Message>, role: Role, parts: Vec<Part>) {
    let is_result = |part: &Part| matches!(part, Part::ToolResult { .. });
    match messages.last_mut() {
        Some(last) if last.role == role && (role == Role::Assistant || last.parts.iter().all(is_result)) => {
            last.parts.extend(parts);
        }
        _ => messages.push(Message { role, parts }),
    }
}

fn read_thought(item: &Value) -> Part {
    let texts = |name: &str| -> Vec<String> {
        item[name].as_array().into_iter().flatten().map(|part| word(&part["text"])).collect()
    };
    let mut thoughts = texts("summary");
    if thoughts.is_empty() {
        thoughts = texts("content");
    }
    let encrypted = item["encrypted_content"].as_str();
    let proof = encrypted.map(|encrypted| proof::read(&word(&item["id"]), encrypted));
    Part::Thinking { text: thoughts.join("\n\n"), signature: proof }
}

fn read_content(content: &Value, untranslatable: &mut Option<String>) -> Result<Vec<Part>, Misread> {
    let parts = match content {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => return Ok(vec![Part::text(text)]),
        Value::Array(parts) => parts,
        _ => return Err(Misread::new("the content must be a text or a list of parts")),
    };
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        match part["type"].as_str() {
            Some("input_text" | "output_text" | "text") => read.push(Part::text(word(&part["text"]))),
            Some("refusal") => read.push(Part::text(word(&part["refusal"]))),
            Some("input_image") if part["file_id"].is_string() => {
                *untranslatable = Some("an image by its `file_id`".into());
            }
            Some("input_image") => {
                let url = part["image_url"].as_str();
                let url = url.ok_or_else(|| Misread::new("an image needs `image_url`"))?;
                read.push(Part::Image { image: read_image(url)? });
            }
            Some(other) => *untranslatable = Some(format!("a part of type `{other}`")),
            None => return Err(Misread::new("a part needs a `type`")),
        }
    }
    Ok(read)
}

fn read_tool(tool: &Value) -> Result<Option<Tool>, Misread> {
    match tool["type"].as_str() {
        Some("function") => {}
        Some(_) => return Ok(None),
        None => return Err(Misread::new("a tool needs a `type`")),
    }
    let name = tool["name"].as_str().ok_or_else(|| Misread::new("a function needs a `name`"))?;
    let parameters = match &tool["parameters"] {
        Value::Null => json!({"type": "object", "properties": {}}),
        schema @ Value::Object(_) => schema.clone(),
        _ => return Err(Misread::new("`parameters` must be a JSON schema, an object")),
    };
    Ok(Some(Tool {
        name: name.into(),
        description: tool["description"].as_str().map(str::to_owned),
        parameters,
        strict: tool["strict"].as_bool(),
    }))
}

fn read_tool_choice(choice: &Value, untranslatable: &mut Option<String>) -> Result<ToolChoice, Misread> {
    Ok(match (choice.as_str(), choice["type"].as_str()) {
        (Some("auto"), _) => ToolChoice::Auto,
        (Some("none"), _) => ToolChoice::Never,
        (Some("required"), _) => ToolChoice::Any,
        (None, Some("function")) => {
            let name = choice["name"].as_str();
            ToolChoice::Named(name.ok_or_else(|| Misread::new("`tool_choice` needs a `name`"))?.into())
        }
        (None, Some(other)) => {
            *untranslatable = Some(format!("a `tool_choice` of type `{other}`"));
            ToolChoice::Auto
        }
        _ if choice.is_null() => ToolChoice::Auto,
        _ => return Err(Misread::new("`tool_choice` must be none, auto, required or name a function")),
    })
}

fn read_format(format: &Value) -> Result<Format, Misread> {
    match format["type"].as_str() {
        None | Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => {
            let schema = format["schema"].as_object();
            let schema = schema.ok_or_else(|| Misread::new("`text.format` needs a `schema`"))?;
            Ok(Format::Schema {
                name: format["name"].as_str().unwrap_or("answer").into(),
                schema: Value::Object(schema.clone()),
                strict: format["strict"].as_bool(),
            })
        }
        Some(other) => {
            Err(Misread(format!("`text.format.type` is {other}, not text, json_object or json_schema")))
        }
    }
}
