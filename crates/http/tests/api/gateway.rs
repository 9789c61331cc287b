//! The gateway as its clients see it, over scripted providers.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use models::{Dialect, ModelsOptions, ProviderOptions, RetryOptions};
use serde_json::{Value, json};
use testkit::{Fault, Reply, Script, ScriptedModel};

use crate::support::{Answer, Server, doubles};

pub const CHAT: &str = "/v1/chat/completions";
pub const MESSAGES: &str = "/v1/messages";
const RESPONSES: &str = "/v1/responses";
const PATHS: [&str; 3] = [CHAT, MESSAGES, RESPONSES];
const DIALECTS: [Dialect; 4] = [Dialect::Chat, Dialect::Anthropic, Dialect::Responses, Dialect::Gemini];

/// A gateway over these providers, asked in their order.
pub async fn gateway(providers: &[(&ScriptedModel, Dialect)]) -> Server {
    let provider = |(place, (server, dialect)): (usize, &(&ScriptedModel, Dialect))| ProviderOptions {
        name: ["first", "second"][place].into(),
        base_url: server.base_url(),
        model: "m".into(),
        dialect: *dialect,
        ..ProviderOptions::default()
    };
    let options = ModelsOptions {
        providers: providers.iter().enumerate().map(provider).collect(),
        retry: RetryOptions { attempts: 1, first_pause_ms: 1, longest_pause_ms: 1 },
        ..ModelsOptions::default()
    };
    let mut server = Server::start().await;
    server.app.services.router = doubles::router(&options);
    server.router = http_surface::router(server.app.clone());
    server
}

pub async fn scripted(reply: Reply) -> ScriptedModel {
    ScriptedModel::start(Script::always(reply)).await
}

/// The same question as each client asks it.
fn question_at(path: &str, stream: bool) -> Value {
    if path == RESPONSES {
        return json!({"model": "m", "max_output_tokens": 50, "input": "Say something", "stream": stream});
    }
    question(stream)
}

pub fn question(stream: bool) -> Value {
    json!({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": "Say something"}], "stream": stream})
}

/// The data of a stream's events.
pub fn events(answer: &Answer) -> Vec<Value> {
    let text = answer.text();
    let data = text.split("\n\n").filter_map(|event| event.split("data: ").nth(1));
    data.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// The text a client puts together, and whether it was told that this is all.
pub fn text_of(path: &str, answer: &Answer) -> (String, bool) {
    let events = events(answer);
    if path == CHAT {
        let piece = |event: &Value| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
        (events.iter().filter_map(piece).collect(), answer.text().ends_with("data: [DONE]\n\n"))
    } else if path == RESPONSES {
        check_sequence(&events);
        let deltas = events.iter().filter(|event| event["type"] == "response.output_text.delta");
        let text: String = deltas.filter_map(|event| event["delta"].as_str()).collect();
        let last = events.last().unwrap();
        let is_whole = last["type"] == "response.completed";
        if is_whole {
            let items = last["response"]["output"].as_array().unwrap();
            let parts = items.iter().filter_map(|item| item["content"].as_array()).flatten();
            let whole: String = parts.filter_map(|part| part["text"].as_str()).collect();
            assert_eq!(whole, text, "the last event holds the whole answer");
        }
        (text, is_whole)
    } else {
        let piece = |event: &Value| event["delta"]["text"].as_str().map(str::to_owned);
        let is_whole = events.last().is_some_and(|event| event["type"] == "message_stop");
        (events.iter().filter_map(piece).collect(), is_whole)
    }
}

/// Whoever wrote them, the events are numbered in turn, and what is begun is ended before the next.
#[track_caller]
fn check_sequence(events: &[Value]) {
    let mut open: Vec<(String, String)> = Vec::new();
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], place, "{event}");
        let kind = event["type"].as_str().unwrap();
        let id = event["item_id"].as_str().or(event["item"]["id"].as_str()).unwrap_or_default().to_owned();
        if let Some(part) = kind.strip_suffix(".added") {
            open.push((part.to_owned(), id));
        } else if kind.ends_with("part.done") || kind.ends_with("item.done") {
            let part = kind.trim_end_matches(".done").to_owned();
            assert_eq!(open.pop(), Some((part, id)), "{event}");
        } else if kind.ends_with(".delta") || kind.ends_with(".done") {
            assert_eq!(open.last().map(|(_, open)| open), Some(&id), "{event}");
        } else if kind == "response.completed" {
            assert_eq!(open, [], "{event}");
        }
    }
}

#[tokio::test]
async fn each_client_gets_the_answer_of_each_provider_streamed_and_whole() {
    let model = scripted(Reply::text("Olá, ação 🦀 and more").usage(7, 5)).await;
    for dialect in DIALECTS {
        let server = gateway(&[(&model, dialect)]).await;
        for path in PATHS {
            let whole = server.post(path, question_at(path, false)).await;
            assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());
            let body = whole.json();
            let (text, usage) = match path {
                CHAT => (&body["choices"][0]["message"]["content"], &body["usage"]["prompt_tokens"]),
                MESSAGES => (&body["content"][0]["text"], &body["usage"]["input_tokens"]),
                _ => (&body["output"][0]["content"][0]["text"], &body["usage"]["input_tokens"]),
            };
            assert_eq!((text, usage), (&json!("Olá, ação 🦀 and more"), &json!(7)), "{path} {dialect:?}");
            assert_eq!(whole.header("x-atelier-provider"), "first");

            let streamed = server.post(path, question_at(path, true)).await;
            assert_eq!(streamed.header("content-type"), "text/event-stream");
            assert_eq!(
                text_of(path, &streamed),
                ("Olá, ação 🦀 and more".into(), true),
                "{path} {dialect:?}"
            );
        }
    }
}

#[tokio::test]
async fn between_two_that_speak_alike_everything_goes_through_as_it_came() {
    let body =
        r#"{"id":"theirs","choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}],"new_field":1.0}"#;
    let model = scripted(Reply::raw("application/json", body)).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let asked = r#"{"messages": [{"role":"user","content":"x"}], "model": "m", "also_new": [1e3]}"#;
    let mut request = server.request(Method::POST, CHAT);
    *request.body_mut() = Body::from(asked);
    let answer = server.send(request).await;
    assert_eq!(answer.text(), body);
    assert_eq!(model.requests()[0].body, asked);

    let stream = concat!(
        ": hello\n\n",
        "data: {\"id\":\"theirs\",\"choices\":[{\"delta\":{\"content\":\"Hi\"}}],\"new_field\":1.0}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n",
        "data: [DONE]\n\n"
    );
    let model = scripted(Reply::raw("text/event-stream", stream)).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let mut wants_usage = question(true);
    wants_usage["stream_options"] = json!({"include_usage": true});
    assert_eq!(server.post(CHAT, wants_usage).await.text(), stream.trim_start_matches(": hello\n\n"));
    // Who did not ask for the usage is spared an event without choices.
    let spared = server.post(CHAT, question(true)).await;
    assert_eq!(text_of(CHAT, &spared), ("Hi".into(), true));
    assert!(events(&spared).iter().all(|event| event["choices"][0].is_object()), "{}", spared.text());
    assert!(events(&spared).iter().all(|event| event.get("id").is_none_or(|id| id == "theirs")));
}

/// The tools a client is told to use: id, name, arguments.
pub fn calls_of(path: &str, answer: &Answer) -> Vec<(String, String, Value)> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let parse = |value: &Value| serde_json::from_str(value.as_str().unwrap()).unwrap();
    let is_stream = answer.header("content-type") == "text/event-stream";
    let call = |item: &Value| (word(&item["call_id"]), word(&item["name"]), parse(&item["arguments"]));
    let is_call = |item: &&Value| item["type"] == "function_call";
    if path == RESPONSES && !is_stream {
        return answer.json()["output"].as_array().unwrap().iter().filter(is_call).map(call).collect();
    }
    if path == RESPONSES {
        let events = events(answer);
        check_sequence(&events);
        let done = events.iter().filter(|event| event["type"] == "response.output_item.done");
        return done.map(|event| &event["item"]).filter(is_call).map(call).collect();
    }
    match (path == CHAT, is_stream) {
        (true, false) => {
            let message = &answer.json()["choices"][0]["message"];
            let call = |call: &Value| {
                let function = &call["function"];
                (word(&call["id"]), word(&function["name"]), parse(&function["arguments"]))
            };
            message["tool_calls"].as_array().unwrap().iter().map(call).collect()
        }
        (false, false) => {
            let body = answer.json();
            let blocks = body["content"].as_array().unwrap().iter().filter(|it| it["type"] == "tool_use");
            blocks.map(|it| (word(&it["id"]), word(&it["name"]), it["input"].clone())).collect()
        }
        (true, true) => {
            let mut calls: Vec<(String, String, String)> = Vec::new();
            for event in events(answer) {
                for piece in event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten() {
                    let index = usize::try_from(piece["index"].as_u64().unwrap()).unwrap();
                    if calls.len() <= index {
                        calls.push((word(&piece["id"]), word(&piece["function"]["name"]), String::new()));
                    }
                    calls[index].2.push_str(piece["function"]["arguments"].as_str().unwrap_or_default());
                }
            }
            let parse = |text: String| serde_json::from_str(&text).unwrap();
            calls.into_iter().map(|(id, name, text)| (id, name, parse(text))).collect()
        }
        (false, true) => {
            let mut calls: Vec<(String, String, String)> = Vec::new();
            for event in events(answer) {
                let block = &event["content_block"];
                if block["type"] == "tool_use" {
                    calls.push((word(&block["id"]), word(&block["name"]), String::new()));
                }
                if let Some(piece) = event["delta"]["partial_json"].as_str() {
                    calls.last_mut().unwrap().2.push_str(piece);
                }
            }
            let parse = |text: String| serde_json::from_str(&text).unwrap();
            calls.into_iter().map(|(id, name, text)| (id, name, parse(text))).collect()
        }
    }
}

#[tokio::test]
async fn tools_are_called_side_by_side_through_every_pair_of_dialects() {
    let weather = |city: &str| json!({"city": city});
    let reply = Reply::text("I look.").calling("c1", "weather", weather("Lima")).calling(
        "c2",
        "weather",
        weather("Ōsaka"),
    );
    let model = scripted(reply).await;
    let expected = [("c1", "Lima"), ("c2", "Ōsaka")]
        .map(|(id, city)| (id.to_owned(), "weather".to_owned(), weather(city)));
    for dialect in DIALECTS {
        let server = gateway(&[(&model, dialect)]).await;
        for path in PATHS {
            for stream in [false, true] {
                let mut body = question_at(path, stream);
                let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
                body["tools"] = match path {
                    CHAT => {
                        json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}])
                    }
                    MESSAGES => json!([{"name": "weather", "input_schema": schema}]),
                    _ => json!([{"type": "function", "name": "weather", "parameters": schema}]),
                };
                let answer = server.post(path, body).await;
                assert_eq!(
                    calls_of(path, &answer),
                    expected,
                    "{path} {dialect:?} {stream}: {}",
                    answer.text()
                );
                let reason = match path {
                    CHAT => "_reason\":\"tool_calls\"",
                    MESSAGES => "_reason\":\"tool_use\"",
                    _ => "\"status\":\"completed\",\"background\"",
                };
                if (path, dialect) == (RESPONSES, Dialect::Responses) {
                    continue;
                }
                assert_eq!(answer.text().matches(reason).count(), 1, "{}", answer.text());
                let sent = model.requests().pop().unwrap().json["tools"][0].clone();
                assert!(sent.to_string().contains("\"city\""), "{sent}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_dies_is_gone_on_with_by_the_next_provider_whatever_it_speaks() {
    let whole = "one two three four five";
    for fault in [Fault::CutAfter(2), Fault::StallAfter(2), Fault::ErrorAfter(2), Fault::ResetAfter(2)] {
        let dying = scripted(Reply::text(whole).fault(fault.clone())).await;
        let sound = scripted(Reply::text(whole)).await;
        for (first, second) in [
            (Dialect::Chat, Dialect::Chat),
            (Dialect::Chat, Dialect::Anthropic),
            (Dialect::Anthropic, Dialect::Chat),
            (Dialect::Responses, Dialect::Gemini),
            (Dialect::Gemini, Dialect::Responses),
            (Dialect::Responses, Dialect::Responses),
        ] {
            let options = |server: &ScriptedModel, name: &str, dialect| ProviderOptions {
                name: name.into(),
                base_url: server.base_url(),
                model: "m".into(),
                dialect,
                ..ProviderOptions::default()
            };
            let mut settings = ModelsOptions {
                providers: vec![options(&dying, "first", first), options(&sound, "second", second)],
                ..ModelsOptions::default()
            };
            settings.timeouts.stall_ms = 100;
            let mut server = Server::start().await;
            server.app.services.router = doubles::router(&settings);
            server.router = http_surface::router(server.app.clone());
            for path in PATHS {
                let answer = server.post(path, question_at(path, true)).await;
                let text = text_of(path, &answer);
                assert_eq!(text, (whole.into(), true), "{fault:?} {first:?} {second:?} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_stream_that_cannot_be_saved_ends_in_an_error_and_is_never_passed_off_as_whole() {
    let dying = scripted(Reply::text("one two three").fault(Fault::CutAfter(2))).await;
    let server = gateway(&[(&dying, Dialect::Chat)]).await;
    for path in PATHS {
        let answer = server.post(path, question_at(path, true)).await;
        assert_eq!(text_of(path, &answer), ("one two ".into(), false));
        let mut last = events(&answer).pop().unwrap();
        if path == RESPONSES {
            assert_eq!(
                (&last["type"], &last["response"]["status"]),
                (&json!("response.failed"), &json!("failed"))
            );
            last = last["response"].take();
        }
        let (code, provider) = (&last["error"]["code"], &last["error"]["provider"]);
        assert_eq!((code, provider), (&json!("no_model_answered"), &json!("first")), "{path}");
    }
}

#[tokio::test]
async fn refusals_are_told_in_the_clients_dialect() {
    let model = scripted(Reply::status(400, "the context is longer than the model's")).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let kind = |path: &str, answer: &Answer| {
        let body = answer.json();
        if path == MESSAGES {
            assert_eq!(body["type"], "error");
        }
        (answer.status.as_u16(), body["error"]["type"].as_str().unwrap().to_owned())
    };
    for path in PATHS {
        let refused = server.post(path, question_at(path, false)).await;
        assert_eq!(kind(path, &refused), (400, "invalid_request_error".into()));
        assert!(refused.text().contains("the context is longer than the model's"), "{}", refused.text());
        for (body, part) in [
            ("{", "not a JSON object"),
            ("[]", "not a JSON object"),
            (
                r#"{"max_tokens":1}"#,
                if path == RESPONSES { "`input` must be" } else { "`messages` must be a list" },
            ),
            ("\u{fffd}", "not a JSON object"),
        ] {
            let mut request = server.request(Method::POST, path);
            *request.body_mut() = Body::from(body);
            let refused = server.send(request).await;
            assert_eq!(kind(path, &refused), (400, "invalid_request_error".into()), "{body}");
            assert!(refused.text().contains(part), "{}", refused.text());
        }
        let mut stranger = server.request(Method::POST, path);
        stranger.headers_mut().remove("authorization");
        assert_eq!(kind(path, &server.send(stranger).await), (401, "authentication_error".into()));
        let mut limited = server.request(Method::POST, path);
        let token = server.token_for(&[accounts::Scope::ReadRuns]).await;
        limited.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        assert_eq!(kind(path, &server.send(limited).await), (403, "permission_error".into()));
        let mut policy = server.request(Method::POST, path);
        policy.headers_mut().insert("x-atelier-policy", "anything".parse().unwrap());
        *policy.body_mut() = Body::from(question_at(path, false).to_string());
        let refused = server.send(policy).await;
        assert!(refused.text().contains("local-only, local-first"), "{}", refused.text());
    }
    let failing = scripted(Reply::status(503, "down")).await;
    let server = gateway(&[(&failing, Dialect::Chat)]).await;
    let answer = server.post(CHAT, json!({"messages": [{"role": "user", "content": "x"}], "n": 2})).await;
    assert_eq!(kind(CHAT, &answer), (502, "server_error".into()));
    assert_eq!(answer.json()["error"]["provider"], "first");
    let server = gateway(&[]).await;
    assert_eq!(kind(CHAT, &server.post(CHAT, question(false)).await), (503, "server_error".into()));
    let offline = json!({"model": "offline", "messages": [{"role": "user", "content": "hello"}]});
    let answer = server.post(CHAT, offline).await.json();
    assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains("not a language model"));
}

#[tokio::test]
async fn what_only_openai_can_keep_or_run_goes_to_it_or_nowhere() {
    let model = scripted(Reply::text("Hi")).await;
    let wishes = [
        (json!({"previous_response_id": "resp_1"}), "`previous_response_id` (no answers are kept here"),
        (json!({"tools": [{"type": "web_search"}]}), "a tool of type `web_search`"),
        (json!({"input": [{"type": "item_reference", "id": "rs_1"}]}), "an item of type `item_reference`"),
    ];
    let ask = |wish: &Value| {
        let mut body = question_at(RESPONSES, false);
        body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        body
    };
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    for (wish, part) in &wishes {
        let refused = server.post(RESPONSES, ask(wish)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let error = &refused.json()["error"];
        assert_eq!(
            (&error["type"], &error["code"]),
            (&json!("invalid_request_error"), &json!("model_request_untranslatable"))
        );
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
    }
    assert_eq!(server.get("/v1/responses/resp_1").await.json()["error"]["code"], "response_not_found");
    let refused = server.post(RESPONSES, ask(&json!({"background": true}))).await;
    assert!(refused.text().contains("`background` needs"), "{}", refused.text());

    let server = gateway(&[(&model, Dialect::Responses)]).await;
    for (wish, _) in &wishes {
        let answer = server.post(RESPONSES, ask(wish)).await;
        assert_eq!(answer.json()["id"], "resp_scripted");
        assert_eq!(model.requests().pop().unwrap().json, ask(wish));
    }
}

#[tokio::test]
async fn a_response_repeats_what_was_asked() {
    let model = scripted(Reply::text("Hi").usage(3, 1)).await;
    let server = gateway(&[(&model, Dialect::Gemini)]).await;
    let mut body = question_at(RESPONSES, true);
    let asked = json!({
        "instructions": "Be brief.", "temperature": 0.5, "metadata": {"a": "b"}, "user": "me",
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
    });
    body.as_object_mut().unwrap().extend(asked.as_object().unwrap().clone());
    let answer = server.post(RESPONSES, body.clone()).await;
    for event in [events(&answer).remove(0), events(&answer).pop().unwrap()] {
        for (name, value) in asked.as_object().unwrap() {
            assert_eq!(&event["response"][name], value, "{name}");
        }
    }
    let sent = model.requests().pop().unwrap().json;
    assert_eq!(sent["systemInstruction"]["parts"][0]["text"], "Be brief.");
    assert_eq!(sent["generationConfig"]["responseJsonSchema"], json!({"type": "object"}));
}

#[tokio::test]
async fn anthropics_clients_send_their_token_as_a_key() {
    let model = scripted(Reply::text("Hi")).await;
    let server = gateway(&[(&model, Dialect::Anthropic)]).await;
    let mut request = server.request(Method::POST, MESSAGES);
    let headers = request.headers_mut();
    headers.remove("authorization");
    headers.insert("x-api-key", server.token.parse().unwrap());
    *request.body_mut() = Body::from(question(false).to_string());
    assert_eq!(server.send(request).await.json()["content"][0]["text"], "Hi");
    let seen = &model.requests()[0];
    assert_eq!(seen.header("anthropic-version"), Some("2023-06-01"));
    assert!(seen.headers.iter().all(|(_, value)| !value.contains("atl_")), "the token stays here");
}

#[tokio::test]
async fn a_local_prompt_goes_nowhere_else() {
    let near = scripted(Reply::text("from here")).await;
    let server = gateway(&[(&near, Dialect::Chat)]).await;
    let ask = async |privacy: &str, model: &str| {
        let mut request = server.request(Method::POST, CHAT);
        request.headers_mut().insert("x-atelier-privacy", privacy.parse().unwrap());
        let mut body = question(false);
        body["model"] = model.into();
        *request.body_mut() = Body::from(body.to_string());
        server.send(request).await
    };
    assert_eq!(ask("local", "first").await.status, StatusCode::OK);
    assert_eq!(ask("public", "first").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn models_are_listed_as_each_client_expects_and_prompts_counted() {
    let model = scripted(Reply::text("Hi")).await;
    let server = gateway(&[(&model, Dialect::Chat)]).await;
    let ids = |answer: &Answer| {
        let body = answer.json();
        body["data"].as_array().unwrap().iter().map(|it| it["id"].to_string()).collect::<Vec<_>>()
    };
    let expected = ["\"first/m\"", "\"offline/rules\""];
    assert_eq!(ids(&server.get("/v1/models").await), expected);
    let mut request = server.request(Method::GET, "/v1/models");
    request.headers_mut().insert("anthropic-version", "2023-06-01".parse().unwrap());
    let answer = server.send(request).await;
    assert_eq!(
        (ids(&answer), &answer.json()["has_more"]),
        (expected.map(str::to_owned).to_vec(), &json!(false))
    );
    assert_eq!(server.get("/v1/models/first/m").await.json()["owned_by"], "first");
    assert_eq!(server.get("/v1/models/none").await.json()["error"]["code"], "model_not_found");

    let counted = server.post("/v1/messages/count_tokens", question(false)).await;
    assert!(counted.json()["input_tokens"].as_u64().unwrap() > 3, "{}", counted.text());
}

#[tokio::test]
async fn thoughts_are_streamed_apart_from_the_answer() {
    let body = concat!(
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"Seven\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
        "data: [DONE]\n\n",
    );
    let thoughtful = scripted(Reply::raw("text/event-stream", body)).await;
    let server = gateway(&[(&thoughtful, Dialect::Chat)]).await;
    let streamed =
        server.post("/api/v1/llm/infer", json!({"input": "A prime?", "stream": true})).await.text();
    assert!(streamed.contains("event: thinking\ndata: {\"text\":\"Hm\"}\n\n"), "{streamed}");
    assert!(streamed.contains("event: token\ndata: {\"text\":\"Seven\"}\n\n"), "{streamed}");
    let last = streamed.trim_end().rsplit("\n\n").next().unwrap_or_default();
    assert!(last.starts_with("event: done\n") && last.contains("\"text\":\"Seven\""), "{last}");
}

#[tokio::test]
async fn a_question_is_answered_at_llm_infer_with_who_was_asked() {
    let failing = scripted(Reply::status(500, "broken")).await;
    let sound = scripted(Reply::text("forty two").usage(3, 2)).await;
    let server = gateway(&[(&failing, Dialect::Chat), (&sound, Dialect::Anthropic)]).await;
    for path in ["/api/v1/llm/infer", "/v1/llm/infer"] {
        let answer = server.post(path, json!({"input": "The answer?", "policyOverride": "local"})).await;
        let body = answer.json();
        assert_eq!((&body["text"], &body["provider"]), (&json!("forty two"), &json!("second")), "{body}");
        assert_eq!(body["usage"], json!({"tokens_in": 3, "tokens_out": 2, "usd": 0.0, "estimated": false}));
        assert_eq!(body["attempts"][0]["error"], "model_upstream_failed");
        assert_eq!(body["attempts"][1]["error"], Value::Null);
    }
    let conversation = json!([{"role": "system", "content": "Be brief"}, {"role": "user", "content": "?"}]);
    let streamed = server.post("/api/v1/llm/infer", json!({"input": conversation, "stream": true})).await;
    let events = events(&streamed);
    let text: String = events.iter().filter_map(|event| event["text"].as_str()).take(2).collect();
    assert_eq!((text.as_str(), &events[2]["provider"]), ("forty two", &json!("second")));
    assert!(streamed.text().contains("event: token\n") && streamed.text().contains("event: done\n"));

    for body in [
        json!({}),
        json!({"input": " "}),
        json!({"input": []}),
        json!({"input": "x", "params": {"temperature": 3}}),
        json!({"input": "x", "params": {"max_tokens": 0}}),
        json!({"input": "x", "policyOverride": "any"}),
        json!({"input": "x", "model": ""}),
    ] {
        assert_eq!(server.post("/api/v1/llm/infer", body.clone()).await.status, 422, "{body}");
    }
    let server = gateway(&[(&failing, Dialect::Chat)]).await;
    let offline = server.post("/api/v1/llm/infer", json!({"input": "hello"})).await.json();
    assert_eq!(offline["provider"], "offline");
    assert_eq!(offline["attempts"].as_array().unwrap().len(), 2);
}
