//! OpenAI's chat completions: both ways, cut anywhere, and into the other dialect.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::dialect::{Decode, Dialect, Encode, Fault, Finish, Misread, Quirks, Raw, anthropic};
use crate::message::{FinishReason, Part, Request, Role, ToolCall, ToolChoice, Usage};
use crate::provider::{Delta, Event};

fn read_json(body: &Value) -> Result<Request, Misread> {
    read(Raw::read(Dialect::Chat, Bytes::from(body.to_string())).unwrap())
}

fn quirks() -> Quirks {
    Quirks::of("127.0.0.1")
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&encode(request, "m", quirks(), false)).unwrap()
}

/// Everything the dialect and the internal shape both know.
fn full() -> Value {
    json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
                {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
            {"role": "tool", "tool_call_id": "c2", "content": "a dog"},
            {"role": "user", "content": "Sure?"},
        ],
        "temperature": 0.2,
        "top_p": 0.5,
        "max_tokens": 9,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
        "tools": [{"type": "function", "function": {
            "name": "look", "parameters": {"type": "object"}, "description": "Looks", "strict": true,
        }}],
        "parallel_tool_calls": false,
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": true}},
    })
}

#[test]
fn a_request_survives_the_way_in_and_out() {
    let request = read_json(&full()).unwrap();
    assert_eq!(request.untranslatable, None);
    assert_eq!(written(&Request { raw: None, ..request }), full());
}

#[test]
fn a_request_reaches_a_provider_of_the_same_dialect_as_it_was_written() {
    let body = Bytes::from_static(
        br#"{"model": "m", "messages":[{"role":"user","content":"x"}], "new_field": 1.0}"#,
    );
    let request = read(Raw::read(Dialect::Chat, body.clone()).unwrap()).unwrap();
    assert_eq!(encode(&request, "m", quirks(), false), body);
    let renamed = Request { model: Some("other".into()), ..request };
    let sent: Value = serde_json::from_slice(&encode(&renamed, "m", quirks(), true)).unwrap();
    assert_eq!((&sent["model"], &sent["new_field"]), (&json!("other"), &json!(1.0)));
    assert_eq!((&sent["stream"], &sent["stream_options"]), (&json!(true), &json!({"include_usage": true})));
}

#[test]
fn what_cannot_be_said_elsewhere_is_named() {
    let with = |name: &str, value: Value| {
        let mut body = json!({"messages": [{"role": "user", "content": "x"}]});
        body[name] = value;
        read_json(&body).unwrap().untranslatable
    };
    assert_eq!(with("n", json!(2)).as_deref(), Some("`n`"));
    assert_eq!(with("n", json!(1)), None);
    assert_eq!(
        with("tools", json!([{"type": "web_search"}])).as_deref(),
        Some("a tool of type `web_search`")
    );
    let audio = json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]);
    assert_eq!(with("messages", audio).as_deref(), Some("a part of type `input_audio`"));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (body, reason) in [
        (json!({}), "`messages` must be a list"),
        (json!({"messages": []}), "must not be empty"),
        (
            json!({"messages": [{"role": "user", "content": "x"}, {"role": "king"}]}),
            "`messages[1]`: `role` is king",
        ),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "needs `tool_call_id`"),
        (json!({"messages": [{"role": "user", "content": 7}]}), "`messages[0]`: `content` must be"),
        (json!({"messages": [{"role": "user"}], "max_tokens": 0}), "`max_tokens` must be"),
        (json!({"messages": [{"role": "user"}], "temperature": "hot"}), "`temperature` must be a number"),
        (
            json!({"messages": [{"role": "user"}], "tools": [{"function": {}}]}),
            "`tools[0]`: a function needs",
        ),
        (
            json!({"messages": [{"role": "user"}], "tools": [{"function": {"name": "f", "parameters": []}}]}),
            "schema",
        ),
        (json!({"messages": [{"role": "user"}], "tool_choice": {}}), "`tool_choice` must be"),
        (json!({"messages": [{"role": "user"}], "response_format": {"type": "xml"}}), "is xml, not"),
    ] {
        let error = read_json(&body).unwrap_err();
        assert!(error.0.contains(reason), "{body} → {}", error.0);
    }
}

#[track_caller]
fn decode(events: &[&str]) -> (Vec<Delta>, Decoder) {
    let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
    for event in events {
        decoder.event(event.as_bytes(), &mut deltas).unwrap();
    }
    (deltas, decoder)
}

fn call(id: &str, name: &str, arguments: &str) -> Delta {
    Delta::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

#[test]
fn gathers_a_streamed_answer() {
    let (deltas, decoder) = decode(&[
        r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_content":"Hm"}}]}"#,
        r#"{"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"another choice"}}]}"#,
        r#"{"choices":[{"delta":{"content":"lo"}}],"usage":null}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}}"#,
        "[DONE]",
    ]);
    let expected = [Delta::Thinking("Hm".into()), Delta::Text("Hel".into()), Delta::Text("lo".into())];
    assert_eq!(deltas, expected);
    let ending = decoder.ending();
    let usage = Usage { tokens_in: 3, tokens_out: 2, tokens_cached: 1, ..Usage::default() };
    assert_eq!((ending.usage, ending.model.as_deref()), (Some(usage), Some("m-1")));
    assert_eq!((&ending.finish_reason, ending.is_done), (&Some(FinishReason::Stop), true));
}

#[test]
fn tool_calls_come_whole_however_they_were_cut() {
    let streamed = [
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"g"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
    ];
    let (deltas, decoder) = decode(&streamed);
    assert_eq!(deltas, [call("a", "f", r#"{"x":1}"#), call("b", "g", "{}")]);
    assert_eq!(decoder.ending().finish_reason, Some(FinishReason::ToolCalls));
    assert!(decode(&streamed[..2]).1.holds_back() && !decoder.holds_back());
    // Without numbers and ids, and with an object in place of its text, as Ollama has done.
    let (deltas, _) = decode(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
    ]);
    assert_eq!(deltas, [call("call_0_f", "f", r#"{"x":1}"#)]);
}

#[test]
fn understands_answers_in_one_piece_and_in_parts() {
    let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
    let body = br#"{"choices":[{"message":{"content":"Hi","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"#;
    decoder.document(body, &mut deltas).unwrap();
    assert_eq!(deltas, [Delta::Text("Hi".into()), call("a", "f", "{}")]);
    let parts = r#"{"choices":[{"delta":{"content":[{"type":"text","text":"Hi"}]}}]}"#;
    assert_eq!(decode(&[parts]).0, [Delta::Text("Hi".into())]);
    assert_eq!(decode(&[r#"{"choices":[{"delta":{"refusal":"No."}}]}"#]).0, [Delta::Text("No.".into())]);
    assert_eq!(decode(&[r#"{"choices":null}"#, ""]).0, []);
}

#[test]
fn tells_a_reported_failure_from_a_malformed_piece() {
    let fault = |data: &[u8]| Decoder::default().event(data, &mut Vec::new()).unwrap_err();
    let reported = |text: &str| Fault::Reported(text.into());
    assert_eq!(fault(br#"{"error":{"message":"overloaded"}}"#), reported("overloaded"));
    assert_eq!(fault(br#"{"error":"overloaded"}"#), reported("overloaded"));
    assert_eq!(fault(br#"{"error":{"code":5}}"#), reported(r#"{"code":5}"#));
    for malformed in [&b"{"[..], b"[]", b"\xff\xfe", br#"{"choices":7}"#, b"\"\xc3\"", b"<html>"] {
        assert!(matches!(fault(malformed), Fault::Malformed(_)), "{malformed:?}");
    }
}

#[test]
fn what_is_written_for_a_client_reads_back_the_same() {
    let deltas =
        [Delta::Thinking("Hm".into()), Delta::Text("Olá".into()), call("a", "f", "{}"), call("b", "g", "{}")];
    let usage = Usage { tokens_in: 3, tokens_out: 2, ..Usage::default() };
    let finish = Finish { reason: &FinishReason::ToolCalls, stop_sequence: None, usage: &usage };
    let mut out = Vec::new();
    let mut encoder = Encoder::new("id", 1, "m", true);
    encoder.begin(&mut out);
    deltas.iter().for_each(|delta| encoder.delta(delta, &mut out));
    encoder.finish(&finish, &mut out);
    let text = String::from_utf8(out).unwrap();
    let events: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let (read, decoder) = decode(&events);
    assert_eq!(read, deltas);
    assert_eq!((decoder.ending().usage, decoder.ending().is_done), (Some(usage), true));
}

#[test]
fn what_follows_events_that_were_passed_on_fits_them() {
    let mut encoder = Encoder::new("own", 1, "own", false);
    for data in [
        r#"{"id":"theirs","created":9,"model":"m","choices":[{"delta":{"content":"a"},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":"\"finish_reason\":null"},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":null}]}"#,
        r#"{"choices":[{"delta":{"content":"b"},"finish_reason":null},{"delta":{},"finish_reason":"stop"}]}"#,
    ] {
        let data = Bytes::from_static(data.as_bytes());
        encoder.adopt(&Event { frame: data.clone(), data });
    }
    let mut out = Vec::new();
    encoder.delta(&call("b", "g", "{}"), &mut out);
    let usage = Usage::default();
    encoder
        .finish(&Finish { reason: &FinishReason::ToolCalls, stop_sequence: None, usage: &usage }, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(r#""id":"theirs""#) && text.contains(r#""index":1,"id":"b""#), "{text}");
    assert!(!text.contains(r#""finish_reason":"tool_calls""#), "it was said before: {text}");
}

#[test]
fn one_dialect_becomes_the_other() {
    let request = Request { raw: None, ..read_json(&full()).unwrap() };
    assert_eq!(request.messages[3].parts.len(), 2, "the results of both calls are one message");
    assert_eq!(
        (request.messages[0].role, &request.tool_choice),
        (Role::System, &ToolChoice::Named("look".into()))
    );
    let sent: Value = serde_json::from_slice(&anthropic::encode(&request, "claude", true)).unwrap();
    assert_eq!(
        sent,
        json!({
            "model": "m", "max_tokens": 9, "system": "Be brief.",
            "messages": [
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                ]},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": 1}},
                    {"type": "tool_use", "id": "c2", "name": "look", "input": {}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "a cat"}]},
                    {"type": "tool_result", "tool_use_id": "c2", "content": [{"type": "text", "text": "a dog"}]},
                    {"type": "text", "text": "Sure?"},
                ]},
            ],
            "stream": true, "temperature": 0.2, "top_p": 0.5, "stop_sequences": ["END"],
            "tools": [{"name": "look", "input_schema": {"type": "object"}, "description": "Looks"}],
            "tool_choice": {"type": "tool", "name": "look", "disable_parallel_tool_use": true},
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        })
    );
}

#[test]
fn a_tools_pictures_are_shown_after_its_words() {
    let image = Part::Image { image: crate::message::Image::Url { url: "https://example.org/a.png".into() } };
    let content = vec![Part::text("see"), image];
    let result = Part::ToolResult { call_id: "c".into(), content, is_error: false };
    let message = crate::message::Message { role: Role::User, parts: vec![result] };
    let sent = written(&Request::new(vec![message]));
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "tool", "tool_call_id": "c", "content": "see"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}]},
        ])
    );
}
