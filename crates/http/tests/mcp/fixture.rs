//! What the protocol's suite wants to find in a server, so that it can judge how the protocol is
//! spoken: tools, resources and prompts of its own choice.
#![expect(deprecated, reason = "sampling, roots and messages are deprecated, and still to be spoken")]

use std::sync::Arc;
use std::time::Duration;

use axum::http::request::Parts;
use rmcp::model::*;
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

/// One red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// A sound without a sample.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
/// What seals the state that a client brings back.
const KEY: [u8; 32] = [9; 32];

/// A list that changed.
#[derive(Clone, Copy, PartialEq)]
enum Changed {
    Tools,
    Prompts,
}

#[derive(Clone)]
pub struct Fixture {
    changes: Arc<broadcast::Sender<Changed>>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self { changes: Arc::new(broadcast::Sender::new(16)) }
    }
}

type Result<T> = std::result::Result<T, ErrorData>;

#[track_caller]
fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn said(text: impl Into<String>) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

fn content(content: Value) -> CallToolResponse {
    CallToolResult::success(from(content)).into()
}

fn failed(error: impl std::fmt::Display) -> ErrorData {
    ErrorData::internal_error(error.to_string(), None)
}

/// Each tool with what it takes.
fn tools() -> Vec<Tool> {
    let nothing = json!({"type": "object", "properties": {}});
    let text =
        |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]});
    let mut all: Vec<(&str, Value)> = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_tool_with_logging",
        "test_error_handling",
        "test_tool_with_progress",
        "test_elicitation_sep1034_defaults",
        "test_elicitation_sep1330_enums",
        "test_missing_capability",
        "test_streaming_elicitation",
        "test_logging_tool",
        "test_trigger_tool_change",
        "test_trigger_prompt_change",
        "test_reconnection",
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
    ]
    .into_iter()
    .map(|name| (name, nothing.clone()))
    .collect();
    all.push(("test_sampling", text("prompt")));
    all.push(("test_elicitation", text("message")));
    all.into_iter()
        .map(|(name, input)| {
            Tool::new(name, format!("What the suite calls {name}"), from::<JsonObject>(input))
        })
        .collect()
}

fn ask_form(message: &str, properties: Value, required: &[&str]) -> Value {
    json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": message,
        "requestedSchema": {"type": "object", "properties": properties, "required": required},
    }})
}

fn ask_model(text: &str, most: u32) -> Value {
    json!({"method": "sampling/createMessage", "params": {
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}], "maxTokens": most,
    }})
}

fn ask_roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn wanted<T: From<InputRequiredResult>>(requests: Value, state: Option<String>) -> T {
    InputRequiredResult::new(Some(from(requests)), state).into()
}

/// A state that nobody else can make.
fn sealed(state: &str) -> String {
    format!("{state}.{}", blake3::keyed_hash(&KEY, state.as_bytes()).to_hex())
}

/// The state that was sealed so.
fn opened(sealed_state: Option<&String>) -> Result<String> {
    let refused = || ErrorData::invalid_params("The requestState is not one of this server", None);
    let (state, _) = sealed_state.and_then(|text| text.rsplit_once('.')).ok_or_else(refused)?;
    if sealed_state.is_some_and(|given| *given == sealed(state)) {
        Ok(state.to_owned())
    } else {
        Err(refused())
    }
}

/// An accepted answer's content.
fn accepted<'a>(answers: &'a InputResponses, name: &str, member: &str) -> Option<&'a str> {
    let answer = answers.get(name)?;
    (answer["action"] == "accept").then(|| answer["content"][member].as_str()).flatten()
}

impl Fixture {
    /// What a client is asked before a tool that wants its input can answer, and its answer then.
    fn with_input(
        request: &CallToolRequestParams,
        capabilities: &ClientCapabilities,
    ) -> Result<CallToolResponse> {
        let none = InputResponses::new();
        let answers = request.input_responses.as_ref().unwrap_or(&none);
        let state = request.request_state.as_ref();
        let text = |name: &str| json!({name: {"type": "string"}});
        let ok =
            || json!({"confirm": ask_form("Please confirm", json!({"ok": {"type": "boolean"}}), &["ok"])});
        let name = || ask_form("What is your name?", text("name"), &["name"]);
        Ok(match request.name.strip_prefix("test_input_required_result_").unwrap_or_default() {
            "elicitation" => match accepted(answers, "user_name", "name") {
                Some(name) => said(format!("Hello, {name}!")),
                None => wanted(json!({"user_name": name()}), None),
            },
            "sampling" => match answers.get("capital_question") {
                Some(answer) => said(format!("The model says {}", answer["content"]["text"])),
                None => wanted(
                    json!({"capital_question": ask_model("What is the capital of France?", 100)}),
                    None,
                ),
            },
            "list_roots" => match answers.get("client_roots") {
                Some(answer) => said(format!("The roots are {}", answer["roots"])),
                None => wanted(json!({"client_roots": ask_roots()}), None),
            },
            "request_state" | "tampered_state" => match answers.contains_key("confirm") {
                true => said(format!("state-ok: {}", opened(state)?)),
                false => wanted(ok(), Some(sealed("asked"))),
            },
            "multiple_inputs" => {
                let all = ["user_name", "greeting", "client_roots"];
                match all.iter().all(|key| answers.contains_key(*key)) {
                    true => said(format!("All three, after {}", opened(state)?)),
                    false => wanted(
                        json!({"user_name": name(), "greeting": ask_model("Generate a greeting", 50), "client_roots": ask_roots()}),
                        Some(sealed("asked")),
                    ),
                }
            }
            "multi_round" => match state.map(|_| opened(state)).transpose()?.as_deref() {
                Some("two") if answers.contains_key("step2") => said("Both steps are done"),
                Some("one") if answers.contains_key("step1") => wanted(
                    json!({"step2": ask_form("Step 2: What is your favorite color?", text("color"), &["color"])}),
                    Some(sealed("two")),
                ),
                _ => wanted(
                    json!({"step1": ask_form("Step 1: What is your name?", text("name"), &["name"])}),
                    Some(sealed("one")),
                ),
            },
            "capabilities" => {
                let mut requests = json!({});
                if capabilities.sampling.is_some() {
                    requests["greeting"] = ask_model("Generate a greeting", 50);
                }
                if capabilities.elicitation.is_some() {
                    requests["user_name"] = name();
                }
                wanted(requests, None)
            }
            _ => return Err(ErrorData::invalid_params("There is no such tool", None)),
        })
    }

    /// Tools that ask the client back in the midst of a session.
    async fn asking(
        &self,
        name: &str,
        arguments: &Value,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse> {
        Ok(match name {
            "test_sampling" => {
                let prompt = arguments["prompt"].as_str().unwrap_or_default();
                let asked = from(ask_model(prompt, 100)["params"].clone());
                let answer = context.peer.create_message(asked).await.map_err(failed)?;
                let answer = serde_json::to_value(answer).unwrap();
                said(format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default()))
            }
            "test_elicitation" => {
                let text = |description: &str| json!({"type": "string", "description": description});
                let schema = json!({"type": "object", "properties": {
                    "username": text("User's response"), "email": text("User's email address"),
                }, "required": ["username", "email"]});
                let message = arguments["message"].as_str().unwrap_or_default();
                said(format!("User response: {}", action(&self.ask(context, message, schema).await?)))
            }
            "test_elicitation_sep1034_defaults" => {
                let answer = self.ask(context, "Please check these", defaults()).await?;
                said(format!("Elicitation completed: {}", action(&answer)))
            }
            "test_elicitation_sep1330_enums" => {
                let answer = self.ask(context, "Please choose", choices()).await?;
                said(format!("Elicitation completed: {}", action(&answer)))
            }
            _ => return Err(ErrorData::invalid_params("There is no such tool", None)),
        })
    }

    async fn ask(
        &self,
        context: &RequestContext<RoleServer>,
        message: &str,
        schema: Value,
    ) -> Result<ElicitResult> {
        let request = json!({"mode": "form", "message": message, "requestedSchema": schema});
        context.peer.create_elicitation(from(request)).await.map_err(failed)
    }
}

/// Tools that always give the same.
fn plain(name: &str) -> Option<CallToolResponse> {
    let resource = |uri: &str, kind: &str, text: &str| json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}});
    let image = json!({"type": "image", "data": PNG, "mimeType": "image/png"});
    let embedded =
        resource("test://embedded-resource", "text/plain", "This is an embedded resource content.");
    Some(match name {
        "test_simple_text" => said("This is a simple text response for testing."),
        "test_image_content" => content(json!([image])),
        "test_audio_content" => content(json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}])),
        "test_embedded_resource" => content(json!([embedded])),
        "test_multiple_content_types" => content(json!([
            {"type": "text", "text": "Multiple content types test:"},
            image,
            resource("test://mixed-content-resource", "application/json", r#"{"test":"data","value":123}"#),
        ])),
        "test_error_handling" => {
            let text = "This tool intentionally returns an error for testing";
            CallToolResult::error(vec![ContentBlock::text(text)]).into()
        }
        _ => return None,
    })
}

async fn log(context: &RequestContext<RoleServer>, text: &str) {
    let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(text));
    let _ = context.peer.notify_logging_message(message).await;
}

fn action(result: &ElicitResult) -> String {
    let written = serde_json::to_value(result).unwrap();
    format!("action={}, content={}", written["action"].as_str().unwrap(), written["content"])
}

fn defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

fn choices() -> Value {
    let titled = |key: &str, ordinal: [&str; 3]| -> Value {
        let one = |(number, title): (usize, &&str)| json!({"const": format!("value{}", number + 1), "title": format!("{title} {key}")});
        ordinal.iter().enumerate().map(one).collect()
    };
    let ordinals = ["First", "Second", "Third"];
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": titled("Option", ordinals)},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice", ordinals)}},
    }})
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_logging()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("fixture", "1.0.0"))
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse> {
        // The transport hands on who asked, whoever that is.
        assert!(context.extensions.get::<Parts>().is_some());
        let arguments = request.arguments.clone().map(Value::Object).unwrap_or_default();
        let capabilities = context.client_capabilities().unwrap_or_default();
        let pause = || tokio::time::sleep(Duration::from_millis(50));
        if let Some(plain) = plain(&request.name) {
            return Ok(plain);
        }
        Ok(match request.name.as_ref() {
            "test_tool_with_logging" => {
                for text in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    log(&context, text).await;
                    pause().await;
                }
                said("Said three things")
            }
            "test_logging_tool" => {
                if context.meta.log_level().is_some() {
                    log(&context, "Said because it was wanted").await;
                }
                said("Done")
            }
            "test_tool_with_progress" => {
                for done in [0, 50, 100] {
                    if let Some(token) = context.meta.get_progress_token() {
                        let progress = ProgressNotificationParam::new(token, done.into()).with_total(100.0);
                        context.peer.notify_progress(progress).await.map_err(failed)?;
                    }
                    pause().await;
                }
                said("Done")
            }
            "test_missing_capability" => {
                if capabilities.sampling.is_none() {
                    return Err(ErrorData::missing_required_client_capability(from(json!({"sampling": {}}))));
                }
                said("The client can sample")
            }
            "test_streaming_elicitation" => wanted(
                json!({"user_name": ask_form("What is your name?", json!({"name": {"type": "string"}}), &["name"])}),
                None,
            ),
            "test_trigger_tool_change" => {
                let _ = self.changes.send(Changed::Tools);
                said("The tools have changed")
            }
            "test_trigger_prompt_change" => {
                let _ = self.changes.send(Changed::Prompts);
                said("The prompts have changed")
            }
            name if name.starts_with("test_input_required") => Self::with_input(&request, &capabilities)?,
            name => self.asking(name, &arguments, &context).await?,
        })
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult> {
        let resource = |uri: &str, name: &str, kind: &str| {
            Resource::new(uri, name)
                .with_description(format!("What the suite reads as {name}"))
                .with_mime_type(kind)
        };
        Ok(ListResourcesResult::with_all_items(vec![
            resource("test://static-text", "static-text", "text/plain"),
            resource("test://static-binary", "static-binary", "image/png"),
            resource("test://watched-resource", "watched-resource", "text/plain"),
        ]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult> {
        let template =
            ResourceTemplate::new("test://template/{id}/data", "template").with_mime_type("application/json");
        Ok(ListResourceTemplatesResult::with_all_items(vec![template]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse> {
        let uri = request.uri.as_str();
        let contents = match uri {
            "test://static-text" => {
                ResourceContents::text("This is the content of the static text resource.", uri)
            }
            "test://static-binary" => ResourceContents::blob(PNG, uri).with_mime_type("image/png"),
            "test://watched-resource" => ResourceContents::text("Watched", uri),
            _ => {
                let id = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
                let id = id.ok_or_else(|| {
                    ErrorData::resource_not_found("Resource not found", Some(json!({"uri": uri})))
                })?;
                let text = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                ResourceContents::text(text.to_string(), uri).with_mime_type("application/json")
            }
        };
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<()> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: RequestContext<RoleServer>) -> Result<()> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<()> {
        let mut changes = self.changes.subscribe();
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = changes.recv() => {
                    // What was not asked for is not sent, and that is no reason to stop.
                    let _ = match changed {
                        Ok(Changed::Tools) => context.sink().notify_tool_list_changed().await,
                        Ok(Changed::Prompts) => context.sink().notify_prompt_list_changed().await,
                        Err(_) => return Ok(()),
                    };
                }
            }
        }
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult> {
        let argument =
            |name: &str| PromptArgument::new(name).with_description("For the suite").with_required(true);
        let prompt = |name: &str, arguments: &[&str]| {
            let arguments: Vec<_> = arguments.iter().map(|name| argument(name)).collect();
            Prompt::new(
                name,
                Some(format!("What the suite calls {name}")),
                (!arguments.is_empty()).then_some(arguments),
            )
        };
        Ok(ListPromptsResult::with_all_items(vec![
            prompt("test_simple_prompt", &[]),
            prompt("test_prompt_with_arguments", &["arg1", "arg2"]),
            prompt("test_prompt_with_embedded_resource", &["resourceUri"]),
            prompt("test_prompt_with_image", &[]),
            prompt("test_input_required_result_prompt", &[]),
        ]))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse> {
        let arguments = request.arguments.clone().map(Value::Object).unwrap_or_default();
        let argument = |name: &str| arguments[name].as_str().unwrap_or_default().to_owned();
        let text = |text: &str| json!({"role": "user", "content": {"type": "text", "text": text}});
        let messages = match request.name.as_str() {
            "test_simple_prompt" => json!([text("This is a simple prompt for testing.")]),
            "test_prompt_with_arguments" => {
                json!([text(&format!(
                    "Prompt with arguments: arg1='{}', arg2='{}'",
                    argument("arg1"),
                    argument("arg2")
                ))])
            }
            "test_prompt_with_embedded_resource" => json!([
                {"role": "user", "content": {"type": "resource", "resource": {
                    "uri": argument("resourceUri"), "mimeType": "text/plain", "text": "Embedded resource content for testing.",
                }}},
                text("Please process the embedded resource above."),
            ]),
            "test_prompt_with_image" => json!([
                {"role": "user", "content": {"type": "image", "data": PNG, "mimeType": "image/png"}},
                text("Please analyze the image above."),
            ]),
            "test_input_required_result_prompt" => {
                let answers = request.input_responses.unwrap_or_default();
                match accepted(&answers, "user_context", "context") {
                    Some(context) => json!([text(&format!("In the context of {context}"))]),
                    None => {
                        let form = ask_form(
                            "What context should the prompt use?",
                            json!({"context": {"type": "string"}}),
                            &["context"],
                        );
                        return Ok(wanted(json!({"user_context": form}), None));
                    }
                }
            }
            _ => return Err(ErrorData::invalid_params("There is no such prompt", None)),
        };
        Ok(GetPromptResult::new(from(messages)).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult> {
        let fitting =
            ["paris", "park", "party"].into_iter().filter(|word| word.starts_with(&request.argument.value));
        let values = CompletionInfo::with_all_values(fitting.map(str::to_owned).collect()).map_err(failed)?;
        Ok(CompleteResult::new(values))
    }

    async fn set_level(&self, _: SetLevelRequestParams, _: RequestContext<RoleServer>) -> Result<()> {
        Ok(())
    }
}
