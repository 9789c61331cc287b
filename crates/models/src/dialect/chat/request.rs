//! Requests, as clients write them and as providers get them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::values::{limit, list, number, read_image, texts, word, write_image};
use crate::dialect::{Dialect, Misread, Quirks, Raw};
use crate::message::{Format, Message, Part, Request, Role, Tool, ToolCall, ToolChoice, text_of};

/// Reads a client's request. What only OpenAI's dialect can say stays in [`Request::raw`], and is
/// named in [`Request::untranslatable`].
///
/// # Errors
/// What is wrong, and where.
pub fn read(raw: Raw) -> Result<Request, Misread> {
    let body: Value = serde_json::from_slice(&raw.body).map_err(|error| Misread::new(error.to_string()))?;
    let messages = body["messages"].as_array().ok_or_else(|| Misread::new("`messages` must be a list"))?;
    if messages.is_empty() {
        return Err(Misread::new("`messages` must not be empty"));
    }
    let mut request = Request::default();
    let (mut conversation, mut tools) = (Vec::new(), Vec::new());
    for (place, message) in messages.iter().enumerate() {
        let message = read_message(message, &mut request.untranslatable)
            .map_err(|error| Misread(format!("`messages[{place}]`: {}", error.0)))?;
        push(&mut conversation, message);
    }
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
    request.max_tokens = match limit(&body, "max_completion_tokens")? {
        None => limit(&body, "max_tokens")?,
        limit => limit,
    };
    request.stop = texts(&body["stop"], "stop")?;
    request.seed = body["seed"].as_i64();
    request.tool_choice = read_tool_choice(&body["tool_choice"])?;
    request.parallel_tool_calls = body["parallel_tool_calls"].as_bool();
    request.format = read_format(&body["response_format"])?;
    request.effort = body["reasoning_effort"].as_str().map(str::to_owned);
    for (name, unwanted) in [
        ("n", body["n"].as_u64().is_some_and(|n| n != 1)),
        ("logprobs", body["logprobs"] == true),
        ("functions", !body["functions"].is_null()),
        ("audio", !body["audio"].is_null()),
    ] {
        if unwanted {
            request.untranslatable = Some(format!("`{name}`"));
        }
    }
    request.raw = Some(raw);
    Ok(request)
}

/// What one tool gives is one message here, and part of one message elsewhere.
fn push(messages: &mut Vec<Message>, message: Message) {
    let is_result = |message: &Message| matches!(message.parts.first(), Some(Part::ToolResult { .. }));
    match messages.last_mut() {
        Some(last) if is_result(&message) && is_result(last) => last.parts.extend(message.parts),
        _ => messages.push(message),
    }
}

fn read_message(message: &Value, untranslatable: &mut Option<String>) -> Result<Message, Misread> {
    let content = &message["content"];
    let (role, mut parts) = match message["role"].as_str() {
        Some("system" | "developer") => (Role::System, read_parts(content, untranslatable)?),
        Some("user") => (Role::User, read_parts(content, untranslatable)?),
        Some("assistant") => (Role::Assistant, read_parts(content, untranslatable)?),
        Some("tool") => {
            let call_id = message["tool_call_id"].as_str();
            let call_id = call_id.ok_or_else(|| Misread::new("a tool's message needs `tool_call_id`"))?;
            let content = read_parts(content, untranslatable)?;
            let result = Part::ToolResult { call_id: call_id.into(), content, is_error: false };
            (Role::User, vec![result])
        }
        other => {
            let role = other.unwrap_or("absent");
            return Err(Misread(format!("`role` is {role}, not system, developer, user, assistant or tool")));
        }
    };
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let function = &call["function"];
        let name = function["name"].as_str().ok_or_else(|| Misread::new("a tool call needs a name"))?;
        let arguments = function["arguments"].as_str().unwrap_or("{}");
        let call = ToolCall { id: word(&call["id"]), name: name.into(), arguments: arguments.into() };
        parts.push(Part::ToolCall { call });
    }
    Ok(Message { role, parts })
}

fn read_parts(content: &Value, untranslatable: &mut Option<String>) -> Result<Vec<Part>, Misread> {
    let parts = match content {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => return Ok(vec![Part::text(text)]),
        Value::Array(parts) => parts,
        _ => return Err(Misread::new("`content` must be a text or a list of parts")),
    };
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        match part["type"].as_str() {
            Some("text") => read.push(Part::text(word(&part["text"]))),
            Some("refusal") => read.push(Part::text(word(&part["refusal"]))),
            Some("image_url") => {
                let url = part["image_url"]["url"].as_str().or(part["image_url"].as_str());
                let url = url.ok_or_else(|| Misread::new("an image needs `image_url.url`"))?;
                read.push(Part::Image { image: read_image(url)? });
            }
            Some(other) => *untranslatable = Some(format!("a part of type `{other}`")),
            None => return Err(Misread::new("a part needs a `type`")),
        }
    }
    Ok(read)
}

fn read_tool(tool: &Value) -> Result<Option<Tool>, Misread> {
    if tool["type"].as_str().is_some_and(|kind| kind != "function") {
        return Ok(None);
    }
    let function = &tool["function"];
    let name = function["name"].as_str().ok_or_else(|| Misread::new("a function needs a `name`"))?;
    let parameters = match &function["parameters"] {
        Value::Null => json!({"type": "object", "properties": {}}),
        schema @ Value::Object(_) => schema.clone(),
        _ => return Err(Misread::new("`parameters` must be a JSON schema, an object")),
    };
    Ok(Some(Tool {
        name: name.into(),
        description: function["description"].as_str().map(str::to_owned),
        parameters,
        strict: function["strict"].as_bool(),
    }))
}

fn read_tool_choice(choice: &Value) -> Result<ToolChoice, Misread> {
    Ok(match choice.as_str() {
        Some("auto") => ToolChoice::Auto,
        Some("none") => ToolChoice::Never,
        Some("required" | "any") => ToolChoice::Any,
        _ if choice.is_null() => ToolChoice::Auto,
        _ => {
            let name = choice["function"]["name"].as_str().or(choice["name"].as_str());
            let name = name.ok_or_else(|| {
                Misread::new("`tool_choice` must be none, auto, required or name a function")
            })?;
            ToolChoice::Named(name.into())
        }
    })
}

fn read_format(format: &Value) -> Result<Format, Misread> {
    match format["type"].as_str() {
        None | Some("text") => Ok(Format::Text),
        Some("json_object") => Ok(Format::Json),
        Some("json_schema") => {
            let described = &format["json_schema"];
            let schema = described["schema"].as_object();
            let schema =
                schema.ok_or_else(|| Misread::new("`response_format.json_schema` needs a `schema`"))?;
            Ok(Format::Schema {
                name: described["name"].as_str().unwrap_or("answer").into(),
                schema: Value::Object(schema.clone()),
                strict: described["strict"].as_bool(),
            })
        }
        Some(other) => {
            Err(Misread(format!("`response_format.type` is {other}, not text, json_object or json_schema")))
        }
    }
}

/// Writes a request for a provider; `model` is asked where the request names none.
pub(crate) fn encode(request: &Request, model: &str, quirks: Quirks, stream: bool) -> Bytes {
    let model = request.model.as_deref().unwrap_or(model);
    if let Some(raw) = request.raw.as_ref().filter(|raw| raw.dialect == Dialect::Chat) {
        return pass_on(raw, model, quirks, stream);
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    let messages: Vec<Value> = request.messages.iter().flat_map(write_message).collect();
    body.insert("messages".into(), messages.into());
    if stream {
        body.insert("stream".into(), true.into());
        if quirks.asks_for_usage {
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
    }
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("temperature", request.temperature.map(Value::from));
    set("top_p", request.top_p.map(Value::from));
    set(quirks.limit_field, request.max_tokens.map(Value::from));
    set("stop", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("seed", request.seed.map(Value::from));
    set("reasoning_effort", request.effort.clone().map(Value::from));
    if !request.tools.is_empty() {
        set("tools", Some(request.tools.iter().map(write_tool).collect()));
        set("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
        set("tool_choice", write_tool_choice(&request.tool_choice));
    }
    set("response_format", write_format(&request.format));
    Value::Object(body).to_string().into()
}

/// The client's own words, with what the router decides.
fn pass_on(raw: &Raw, model: &str, quirks: Quirks, stream: bool) -> Bytes {
    let mut changes = vec![("model", Value::from(model))];
    if stream {
        changes.push(("stream", true.into()));
        let options = if quirks.asks_for_usage { json!({"include_usage": true}) } else { Value::Null };
        changes.push(("stream_options", options));
    } else if raw.has("stream") {
        changes.push(("stream", false.into()));
        changes.push(("stream_options", Value::Null));
    }
    raw.with(&changes)
}

fn write_message(message: &Message) -> Vec<Value> {
    let mut written = Vec::new();
    let mut shown = Vec::new();
    for part in &message.parts {
        let Part::ToolResult { call_id, content, .. } = part else { continue };
        let images: Vec<_> = content.iter().filter(|part| matches!(part, Part::Image { .. })).collect();
        written.push(json!({"role": "tool", "tool_call_id": call_id, "content": text_of(content)}));
        // A tool's message holds words only; the pictures are shown right after.
        shown.extend(images);
    }
    let own = message.parts.iter().filter(|part| matches!(part, Part::Text { .. } | Part::Image { .. }));
    let visible: Vec<&Part> = shown.into_iter().chain(own).collect();
    let calls: Vec<Value> = message.parts.iter().filter_map(write_call).collect();
    if visible.is_empty() && calls.is_empty() && !written.is_empty() {
        return written;
    }
    let content = match visible.as_slice() {
        [] if !calls.is_empty() => Value::Null,
        [] => "".into(),
        [Part::Text { text }] => text.as_str().into(),
        parts => parts.iter().filter_map(|part| write_part(part)).collect(),
    };
    let mut own = json!({"role": message.role.as_str(), "content": content});
    if !calls.is_empty() {
        own["tool_calls"] = calls.into();
    }
    written.push(own);
    written
}

fn write_part(part: &Part) -> Option<Value> {
    match part {
        Part::Text { text } => Some(json!({"type": "text", "text": text})),
        Part::Image { image } => Some(json!({"type": "image_url", "image_url": {"url": write_image(image)}})),
        Part::Thinking { .. } | Part::ToolCall { .. } | Part::ToolResult { .. } => None,
    }
}

fn write_call(part: &Part) -> Option<Value> {
    let Part::ToolCall { call: ToolCall { id, name, arguments } } = part else { return None };
    Some(json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}))
}

fn write_tool(tool: &Tool) -> Value {
    let mut function = json!({"name": tool.name, "parameters": tool.parameters});
    if let Some(description) = &tool.description {
        function["description"] = description.as_str().into();
    }
    if let Some(strict) = tool.strict {
        function["strict"] = strict.into();
    }
    json!({"type": "function", "function": function})
}

fn write_tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Never => Some("none".into()),
        ToolChoice::Any => Some("required".into()),
        ToolChoice::Named(name) => Some(json!({"type": "function", "function": {"name": name}})),
    }
}

fn write_format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({"type": "json_object"})),
        Format::Schema { name, schema, strict } => {
            let mut described = json!({"name": name, "schema": schema});
            if let Some(strict) = strict {
                described["strict"] = (*strict).into();
            }
            Some(json!({"type": "json_schema", "json_schema": described}))
        }
    }
}
