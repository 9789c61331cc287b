//! Requests, as clients write them and as providers get them.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::values::{limit, list, number, texts, word};
use crate::dialect::{Dialect, Misread, Raw, signature};
use crate::message::{Format, Image, Message, Part, Request, Role, Tool, ToolCall, ToolChoice};

/// Anthropic wants a limit; this is what most models can write at once.
const DEFAULT_MAX_TOKENS: u32 = 8_192;

/// Anthropic has no switch for JSON without a schema, so the model is told.
const ONLY_JSON: &str = "Answer with one JSON object and nothing else.";

/// Reads a client's request. What only Anthropic's dialect can say stays in [`Request::raw`], and
/// is named in [`Request::untranslatable`].
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
    let foreign = &mut request.untranslatable;
    let system =
        read_blocks(&body["system"], foreign).map_err(|error| Misread(format!("`system`: {}", error.0)))?;
    if !system.is_empty() {
        conversation.push(Message { role: Role::System, parts: system });
    }
    for (place, message) in messages.iter().enumerate() {
        let at = |error: Misread| Misread(format!("`messages[{place}]`: {}", error.0));
        let role = match message["role"].as_str() {
            Some("user") => Role::User,
            Some("assistant") => Role::Assistant,
            Some("system") => Role::System,
            other => {
                return Err(at(Misread(format!(
                    "`role` is {}, not user or assistant",
                    other.unwrap_or("absent")
                ))));
            }
        };
        conversation.push(Message { role, parts: read_blocks(&message["content"], foreign).map_err(at)? });
    }
    for (place, tool) in list(&body, "tools")?.iter().enumerate() {
        match read_tool(tool).map_err(|error| Misread(format!("`tools[{place}]`: {}", error.0)))? {
            Some(tool) => tools.push(tool),
            None => *foreign = Some(format!("a tool of type `{}`", word(&tool["type"]))),
        }
    }
    (request.messages, request.tools) = (conversation.into(), tools.into());
    request.model = body["model"].as_str().map(str::to_owned);
    request.temperature = number(&body, "temperature")?;
    request.top_p = number(&body, "top_p")?;
    request.max_tokens =
        Some(limit(&body, "max_tokens")?.ok_or_else(|| Misread::new("`max_tokens` is required"))?);
    request.stop = texts(&body["stop_sequences"], "stop_sequences")?;
    let choice = &body["tool_choice"];
    request.tool_choice = match choice["type"].as_str() {
        None | Some("auto") => ToolChoice::Auto,
        Some("any") => ToolChoice::Any,
        Some("none") => ToolChoice::Never,
        Some("tool") => ToolChoice::Named(word(&choice["name"])),
        Some(other) => {
            return Err(Misread(format!("`tool_choice.type` is {other}, not auto, any, tool or none")));
        }
    };
    request.parallel_tool_calls = choice["disable_parallel_tool_use"].as_bool().map(|disabled| !disabled);
    request.effort = read_effort(&body);
    let format = &body["output_config"]["format"];
    let format = if format.is_null() { &body["output_format"] } else { format };
    if format["type"] == "json_schema" {
        let schema = format["schema"].clone();
        request.format = Format::Schema { name: "answer".into(), schema, strict: Some(true) };
    }
    if request.untranslatable.is_some() || !request.has_foreign_thought(Dialect::Anthropic) {
        request.raw = Some(raw);
    }
    Ok(request)
}

fn read_effort(body: &Value) -> Option<String> {
    if let Some(effort) = body["output_config"]["effort"].as_str() {
        return Some(effort.into());
    }
    match (body["thinking"]["type"].as_str()?, body["thinking"]["budget_tokens"].as_u64()) {
        ("disabled", _) => None,
        (_, Some(..=2_048)) => Some("low".into()),
        (_, Some(8_193..)) => Some("high".into()),
        _ => Some("medium".into()),
    }
}

fn read_blocks(content: &Value, foreign: &mut Option<String>) -> Result<Vec<Part>, Misread> {
    let blocks = match content {
        Value::Null => return Ok(Vec::new()),
        Value::String(text) => return Ok(vec![Part::text(text)]),
        Value::Array(blocks) => blocks,
        _ => return Err(Misread::new("`content` must be a text or a list of blocks")),
    };
    let mut parts = Vec::with_capacity(blocks.len());
    for block in blocks {
        parts.push(match block["type"].as_str() {
            Some("text") => Part::text(word(&block["text"])),
            Some("image") => Part::Image { image: read_source(&block["source"])? },
            Some("tool_use") => {
                let call = ToolCall {
                    id: word(&block["id"]),
                    name: word(&block["name"]),
                    arguments: block["input"].to_string(),
                };
                Part::ToolCall { call }
            }
            Some("tool_result") => Part::ToolResult {
                call_id: word(&block["tool_use_id"]),
                content: read_blocks(&block["content"], foreign)?,
                is_error: block["is_error"] == true,
            },
            Some("thinking") => Part::Thinking {
                text: word(&block["thinking"]),
                signature: block["signature"].as_str().map(read_signature),
            },
            Some("redacted_thinking") => {
                Part::Thinking { text: String::new(), signature: block["data"].as_str().map(read_signature) }
            }
            Some(other) => {
                *foreign = Some(format!("a block of type `{other}`"));
                continue;
            }
            None => return Err(Misread::new("a block needs a `type`")),
        });
    }
    Ok(parts)
}

fn read_signature(written: &str) -> String {
    signature::read(Dialect::Anthropic, written)
}

fn read_source(source: &Value) -> Result<Image, Misread> {
    match source["type"].as_str() {
        Some("base64") => {
            Ok(Image::Inline { media_type: word(&source["media_type"]), data: word(&source["data"]) })
        }
        Some("url") => Ok(Image::Url { url: word(&source["url"]) }),
        _ => Err(Misread::new("an image needs a `source` of type base64 or url")),
    }
}

fn read_tool(tool: &Value) -> Result<Option<Tool>, Misread> {
    if tool["type"].as_str().is_some_and(|kind| kind != "custom") {
        return Ok(None);
    }
    let name = tool["name"].as_str().ok_or_else(|| Misread::new("a tool needs a `name`"))?;
    if !tool["input_schema"].is_object() {
        return Err(Misread::new("`input_schema` must be a JSON schema, an object"));
    }
    Ok(Some(Tool {
        name: name.into(),
        description: tool["description"].as_str().map(str::to_owned),
        parameters: tool["input_schema"].clone(),
        strict: tool["strict"].as_bool(),
    }))
}

/// Writes a request for a provider; `model` is asked where the request names none.
pub(crate) fn encode(request: &Request, model: &str, stream: bool) -> Bytes {
    let model = request.model.as_deref().unwrap_or(model);
    if let Some(raw) = request.raw.as_ref().filter(|raw| raw.dialect == Dialect::Anthropic) {
        let stream = if stream || raw.has("stream") { stream.into() } else { Value::Null };
        return raw.with(&[("model", model.into()), ("stream", stream)]);
    }
    let mut body = Map::new();
    let budget = thinking_budget(request);
    let max_tokens = request.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS).saturating_add(budget.unwrap_or(0));
    body.insert("model".into(), model.into());
    body.insert("max_tokens".into(), max_tokens.into());
    let system = request.messages.iter().filter(|it| it.role == Role::System).map(Message::text);
    let only_json = (request.format == Format::Json).then(|| ONLY_JSON.to_owned());
    let system: Vec<String> = system.chain(only_json).collect();
    if !system.is_empty() {
        body.insert("system".into(), system.join("\n\n").into());
    }
    body.insert("messages".into(), write_messages(&request.messages).into());
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("stream", stream.then_some(true.into()));
    match budget {
        // Thinking fixes the temperature.
        Some(budget) => set("thinking", Some(json!({"type": "enabled", "budget_tokens": budget}))),
        None => {
            set("temperature", request.temperature.map(|temperature| temperature.min(1.0).into()));
            set("top_p", request.top_p.map(Value::from));
        }
    }
    set("stop_sequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
    if !request.tools.is_empty() {
        set("tools", Some(request.tools.iter().map(write_tool).collect()));
        set("tool_choice", write_tool_choice(request));
    }
    if let Format::Schema { schema, .. } = &request.format {
        set("output_config", Some(json!({"format": {"type": "json_schema", "schema": schema}})));
    }
    Value::Object(body).to_string().into()
}

/// How many tokens to think for. Not where a tool is forced, nor in the middle of a use of tools
/// that was begun without thinking: Anthropic refuses both.
fn thinking_budget(request: &Request) -> Option<u32> {
    let budget = match request.effort.as_deref()? {
        "none" | "minimal" => return None,
        "low" => 2_048,
        "high" | "xhigh" | "max" => 16_384,
        _ => 8_192,
    };
    let is_free = matches!(request.tool_choice, ToolChoice::Auto | ToolChoice::Never);
    let last = request.messages.iter().rfind(|message| message.role == Role::Assistant);
    let has = |kind: fn(&Part) -> bool| last.is_some_and(|message| message.parts.iter().any(kind));
    let calls_unthought = has(|part| matches!(part, Part::ToolCall { .. }))
        && !has(
            |part| matches!(part, Part::Thinking { signature: Some(proof), .. } if Dialect::Anthropic.signed(proof)),
        );
    (is_free && !calls_unthought).then_some(budget)
}

/// The conversation with roles in turn; what has no block is left out.
fn write_messages(messages: &[Message]) -> Vec<Value> {
    let mut written: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let blocks: Vec<Value> = message.parts.iter().filter_map(write_block).collect();
        match written.last_mut() {
            _ if blocks.is_empty() => {}
            Some((role, before)) if *role == message.role => before.extend(blocks),
            _ => written.push((message.role, blocks)),
        }
    }
    let message = |(role, content): (Role, Vec<Value>)| json!({"role": role.as_str(), "content": content});
    written.into_iter().map(message).collect()
}

fn write_block(part: &Part) -> Option<Value> {
    Some(match part {
        // An empty text is refused.
        Part::Text { text } if text.is_empty() => return None,
        Part::Text { text } => json!({"type": "text", "text": text}),
        Part::Image { image: Image::Url { url } } => {
            json!({"type": "image", "source": {"type": "url", "url": url}})
        }
        Part::Image { image: Image::Inline { media_type, data } } => {
            json!({"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}})
        }
        Part::ToolCall { call } => {
            let input = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
            let input: Value = if Value::is_object(&input) { input } else { json!({}) };
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
        }
        Part::ToolResult { call_id, content, is_error } => {
            let content: Vec<Value> = content.iter().filter_map(write_block).collect();
            let mut block = json!({"type": "tool_result", "tool_use_id": call_id, "content": content});
            if *is_error {
                block["is_error"] = true.into();
            }
            block
        }
        Part::Thinking { text, signature } => {
            // Another provider's thought proves nothing here.
            let signature = signature::own(Dialect::Anthropic, signature.as_deref()?)?;
            if text.is_empty() {
                json!({"type": "redacted_thinking", "data": signature})
            } else {
                json!({"type": "thinking", "thinking": text, "signature": signature})
            }
        }
    })
}

fn write_tool(tool: &Tool) -> Value {
    let mut written = json!({"name": tool.name, "input_schema": tool.parameters});
    if let Some(description) = &tool.description {
        written["description"] = description.as_str().into();
    }
    written
}

fn write_tool_choice(request: &Request) -> Option<Value> {
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto if request.parallel_tool_calls != Some(false) => return None,
        ToolChoice::Auto => json!({"type": "auto"}),
        ToolChoice::Never => return Some(json!({"type": "none"})),
        ToolChoice::Any => json!({"type": "any"}),
        ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
    };
    if request.parallel_tool_calls == Some(false) {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}
