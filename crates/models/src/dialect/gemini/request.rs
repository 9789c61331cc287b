//! Requests, as providers get them.

use std::collections::HashMap;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::dialect::{Dialect, signature};
use crate::message::{Format, Image, Message, Part, Request, Role, Tool, ToolCall, ToolChoice, text_of};

/// Since Gemini 3 a call in the conversation is refused without its proof; this stands for the proof
/// of a call that another model made, or that came through a client that could not keep it.
const NO_PROOF: &str = "skip_thought_signature_validator";

/// Writes a request for a provider; `model` is asked where the request names none.
pub(crate) fn encode(request: &Request, model: &str) -> Bytes {
    let model = request.model.as_deref().unwrap_or(model);
    let mut body = Map::new();
    let system: Vec<String> =
        request.messages.iter().filter(|it| it.role == Role::System).map(Message::text).collect();
    if !system.is_empty() {
        body.insert("systemInstruction".into(), json!({"parts": [{"text": system.join("\n\n")}]}));
    }
    body.insert("contents".into(), write_contents(&request.messages, wants_proof(model)).into());
    if !request.tools.is_empty() {
        let functions: Vec<Value> = request.tools.iter().map(write_tool).collect();
        body.insert("tools".into(), json!([{"functionDeclarations": functions}]));
        if let Some(config) = write_tool_choice(&request.tool_choice) {
            body.insert("toolConfig".into(), json!({"functionCallingConfig": config}));
        }
    }
    let config = write_config(request, model);
    if !config.is_empty() {
        body.insert("generationConfig".into(), config.into());
    }
    Value::Object(body).to_string().into()
}

fn write_config(request: &Request, model: &str) -> Map<String, Value> {
    let mut config = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    set("temperature", request.temperature.map(Value::from));
    set("topP", request.top_p.map(Value::from));
    set("maxOutputTokens", request.max_tokens.map(Value::from));
    set("stopSequences", (!request.stop.is_empty()).then(|| json!(request.stop)));
    set("seed", request.seed.map(Value::from));
    set("thinkingConfig", request.effort.as_deref().and_then(|effort| write_effort(effort, model)));
    match &request.format {
        Format::Text => {}
        Format::Json => set("responseMimeType", Some("application/json".into())),
        Format::Schema { schema, .. } => {
            set("responseMimeType", Some("application/json".into()));
            set("responseJsonSchema", Some(schema.clone()));
        }
    }
    config
}

/// Whether a model is of the generation that refuses calls without proof, and thinks in levels.
fn wants_proof(model: &str) -> bool {
    let name = model.strip_prefix("models/").unwrap_or(model);
    !name.starts_with("gemini-1") && !name.starts_with("gemini-2")
}

/// As Google translates OpenAI's `reasoning_effort`.
fn write_effort(effort: &str, model: &str) -> Option<Value> {
    if wants_proof(model) {
        let level = match effort {
            // These models always think, and the large ones never less than that.
            "none" | "minimal" if model.contains("pro") => "low",
            "none" | "minimal" => "minimal",
            "high" | "xhigh" | "max" => "high",
            effort => effort,
        };
        return Some(json!({"includeThoughts": true, "thinkingLevel": level}));
    }
    if !model.contains("gemini-2.5") {
        return None;
    }
    let budget = match effort {
        "none" => return Some(json!({"thinkingBudget": 0})),
        "minimal" | "low" => 1_024,
        "high" | "xhigh" | "max" => 24_576,
        _ => 8_192,
    };
    Some(json!({"includeThoughts": true, "thinkingBudget": budget}))
}

/// The conversation with roles in turn; what has no part is left out.
fn write_contents(messages: &[Message], wants_proof: bool) -> Vec<Value> {
    let names: HashMap<&str, &str> = messages
        .iter()
        .flat_map(|message| &message.parts)
        .filter_map(|part| match part {
            Part::ToolCall { call } => Some((call.id.as_str(), call.name.as_str())),
            _ => None,
        })
        .collect();
    let mut written: Vec<(Role, Vec<Value>)> = Vec::new();
    for message in messages.iter().filter(|message| message.role != Role::System) {
        let parts = write_parts(&message.parts, &names, wants_proof);
        match written.last_mut() {
            _ if parts.is_empty() => {}
            Some((role, before)) if *role == message.role => before.extend(parts),
            _ => written.push((message.role, parts)),
        }
    }
    let content = |(role, parts): (Role, Vec<Value>)| {
        let role = if role == Role::Assistant { "model" } else { "user" };
        json!({"role": role, "parts": parts})
    };
    written.into_iter().map(content).collect()
}

fn write_parts(parts: &[Part], names: &HashMap<&str, &str>, wants_proof: bool) -> Vec<Value> {
    let mut written = Vec::new();
    // A proof stands at the part that follows the thought.
    let mut proof: Option<&str> = None;
    let mut is_first_call = true;
    for part in parts {
        let mut value = match part {
            Part::Text { text } if text.is_empty() => continue,
            Part::Text { text } => json!({"text": text}),
            Part::Image { image } => write_image(image),
            Part::Thinking { signature, .. } => {
                proof = signature.as_deref().and_then(|it| signature::own(Dialect::Gemini, it)).or(proof);
                continue;
            }
            Part::ToolCall { call } => {
                // Of calls side by side only the first is proved.
                if std::mem::take(&mut is_first_call) && wants_proof {
                    proof = proof.or(Some(NO_PROOF));
                }
                write_call(call)
            }
            Part::ToolResult { call_id, content, is_error } => {
                written.push(write_result(call_id, names, content, *is_error));
                // A function gives an object; the pictures are shown right after.
                written.extend(content.iter().filter_map(|part| match part {
                    Part::Image { image } => Some(write_image(image)),
                    _ => None,
                }));
                continue;
            }
        };
        if let Some(proof) = proof.take() {
            value["thoughtSignature"] = proof.into();
        }
        written.push(value);
    }
    written.extend(proof.map(|proof| json!({"text": "", "thoughtSignature": proof})));
    written
}

fn write_image(image: &Image) -> Value {
    match image {
        Image::Inline { media_type, data } => json!({"inlineData": {"mimeType": media_type, "data": data}}),
        Image::Url { url } => json!({"fileData": {"mimeType": media_type_of(url), "fileUri": url}}),
    }
}

/// Gemini wants to be told what an address leads to.
fn media_type_of(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    match path.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "heic" => "image/heic",
        _ => "image/jpeg",
    }
}

fn write_call(call: &ToolCall) -> Value {
    let arguments = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!({}));
    let arguments: Value = if Value::is_object(&arguments) { arguments } else { json!({}) };
    json!({"functionCall": {"id": call.id, "name": call.name, "args": arguments}})
}

fn write_result(call_id: &str, names: &HashMap<&str, &str>, content: &[Part], is_error: bool) -> Value {
    let said = if is_error { "error" } else { "output" };
    let name = names.get(call_id).copied().unwrap_or(call_id);
    json!({"functionResponse": {"id": call_id, "name": name, "response": {said: text_of(content)}}})
}

fn write_tool(tool: &Tool) -> Value {
    let mut written = json!({"name": tool.name, "parametersJsonSchema": tool.parameters});
    if let Some(description) = &tool.description {
        written["description"] = description.as_str().into();
    }
    written
}

fn write_tool_choice(choice: &ToolChoice) -> Option<Value> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::Never => Some(json!({"mode": "NONE"})),
        ToolChoice::Any => Some(json!({"mode": "ANY"})),
        ToolChoice::Named(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
    }
}
