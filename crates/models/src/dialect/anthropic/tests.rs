//! Anthropic's messages: both ways, cut anywhere, and into the other dialect.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::dialect::{Decode, Dialect, Encode, Fault, Finish, Misread, Quirks, Raw, chat};
use crate::message::{FinishReason, Format, Request, ToolCall, Usage};
use crate::provider::{Delta, Event};

fn read_json(body: &Value) -> Result<Request, Misread> {
    read(Raw::read(Dialect::Anthropic, Bytes::from(body.to_string())).unwrap())
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&encode(request, "m", false)).unwrap()
}

fn full() -> Value {
    json!({
        "model": "m",
        "max_tokens": 99,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "a cat"}], "is_error": true},
            ]},
        ],
        "temperature": 0.2,
        "stop_sequences": ["END"],
        "tools": [{"name": "look", "input_schema": {"type": "object"}, "description": "Looks"}],
        "tool_choice": {"type": "any"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    })
}

#[test]
fn a_request_survives_the_way_in_and_out() {
    let request = read_json(&full()).unwrap();
    assert_eq!(request.untranslatable, None);
    assert!(matches!(request.format, Format::Schema { .. }));
    assert_eq!(written(&Request { raw: None, ..request }), full());
}

#[test]
fn a_request_reaches_a_provider_of_the_same_dialect_as_it_was_written() {
    let body = Bytes::from_static(br#"{"model":"m", "max_tokens":1,"messages":[{"role":"user","content":"x"}],"cache_control":{"type":"ephemeral"}}"#);
    let request = read(Raw::read(Dialect::Anthropic, body.clone()).unwrap()).unwrap();
    assert_eq!(encode(&request, "m", false), body);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let user = json!([{"role": "user", "content": "x"}]);
    for (body, reason) in [
        (json!({"max_tokens": 1}), "`messages` must be a list"),
        (json!({"messages": user}), "`max_tokens` is required"),
        (json!({"max_tokens": 1, "messages": [{"role": "tool"}]}), "`messages[0]`: `role` is tool"),
        (json!({"max_tokens": 1, "messages": user, "tools": [{"name": "f"}]}), "`tools[0]`: `input_schema`"),
        (json!({"max_tokens": 1, "messages": user, "tool_choice": {"type": "x"}}), "`tool_choice.type` is x"),
        (json!({"max_tokens": 1, "messages": [{"role": "user", "content": [{}]}]}), "a block needs a `type`"),
    ] {
        let error = read_json(&body).unwrap_err();
        assert!(error.0.contains(reason), "{body} → {}", error.0);
    }
    let search =
        json!({"max_tokens": 1, "messages": user, "tools": [{"type": "web_search_20250305", "name": "s"}]});
    assert_eq!(
        read_json(&search).unwrap().untranslatable.as_deref(),
        Some("a tool of type `web_search_20250305`")
    );
}

#[test]
fn thinks_only_where_it_is_allowed_to() {
    let mut request = Request { effort: Some("medium".into()), max_tokens: Some(10), ..Request::default() };
    request.temperature = Some(0.5);
    let sent = written(&request);
    assert_eq!(sent["thinking"], json!({"type": "enabled", "budget_tokens": 8_192}));
    assert_eq!((&sent["max_tokens"], sent.get("temperature")), (&json!(8_202), None));
    request.tool_choice = crate::message::ToolChoice::Any;
    assert_eq!(written(&request).get("thinking"), None);
}

fn decode(events: &[Value]) -> (Vec<Delta>, Decoder) {
    let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
    for event in events {
        decoder.event(event.to_string().as_bytes(), &mut deltas).unwrap();
    }
    (deltas, decoder)
}

fn call(id: &str, arguments: &str) -> Delta {
    Delta::ToolCall(ToolCall { id: id.into(), name: "f".into(), arguments: arguments.into() })
}

#[test]
fn gathers_a_streamed_answer() {
    let (deltas, decoder) = decode(&[
        json!({"type": "message_start", "message": {"model": "m-1", "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm"}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hi"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"x\":"}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "1}"}}),
        json!({"type": "content_block_stop", "index": 2}),
        json!({"type": "a_new_kind", "whatever": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]);
    assert_eq!(
        deltas,
        [
            Delta::Thinking("Hm".into()),
            Delta::Signature("s".into()),
            Delta::Text("Hi".into()),
            call("a", r#"{"x":1}"#)
        ]
    );
    let usage = Usage { tokens_in: 7, tokens_out: 9, tokens_cached: 4, ..Usage::default() };
    let ending = decoder.ending();
    assert_eq!((ending.usage, ending.model.as_deref()), (Some(usage), Some("m-1")));
    assert_eq!((&ending.finish_reason, ending.is_done), (&Some(FinishReason::ToolCalls), true));
}

#[test]
fn understands_an_answer_in_one_piece_and_errors() {
    let body = json!({
        "type": "message", "model": "m-1", "stop_reason": "stop_sequence", "stop_sequence": "END",
        "content": [{"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    });
    let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
    decoder.document(body.to_string().as_bytes(), &mut deltas).unwrap();
    assert_eq!(deltas, [Delta::Text("Hi".into()), call("a", r#"{"x":1}"#)]);
    assert_eq!(decoder.ending().stop_sequence.as_deref(), Some("END"));

    let error = br#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let fault = Decoder::default().event(error, &mut Vec::new()).unwrap_err();
    assert_eq!(fault, Fault::Reported("busy".into()));
    assert!(matches!(Decoder::default().event(b"{\"type\":", &mut Vec::new()), Err(Fault::Malformed(_))));
}

#[test]
fn what_is_written_for_a_client_reads_back_the_same() {
    let deltas = [
        Delta::Signature("hidden".into()),
        Delta::Thinking("Hm".into()),
        Delta::Signature("s".into()),
        Delta::Text("Ol".into()),
        Delta::Text("á".into()),
        call("a", "{}"),
        call("b", r#"{"x":1}"#),
        Delta::Text("!".into()),
    ];
    let usage = Usage { tokens_in: 3, tokens_out: 2, ..Usage::default() };
    let mut out = Vec::new();
    let mut encoder = Encoder::new("id", "m", 3);
    encoder.begin(&mut out);
    deltas.iter().for_each(|delta| encoder.delta(delta, &mut out));
    encoder.finish(&Finish { reason: &FinishReason::Stop, stop_sequence: None, usage: &usage }, &mut out);
    let text = String::from_utf8(out).unwrap();
    let events: Vec<Value> = text
        .split("\n\n")
        .filter_map(|event| event.split_once("\ndata: "))
        .map(|(name, data)| {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        })
        .collect();
    // Blocks are numbered in turn, and each that is opened is closed before the next.
    let mut open = None;
    for event in &events {
        match event["type"].as_str().unwrap() {
            "content_block_start" => assert_eq!(open.replace(event["index"].clone()), None),
            "content_block_stop" => assert_eq!(open.take().as_ref(), Some(&event["index"])),
            "content_block_delta" => assert_eq!(open.as_ref(), Some(&event["index"])),
            _ => assert_eq!(open, None),
        }
    }
    let (read, decoder) = decode(&events);
    assert_eq!(read, deltas);
    assert_eq!((decoder.ending().usage, decoder.ending().is_done), (Some(usage), true));
}

#[test]
fn what_follows_events_that_were_passed_on_fits_them() {
    let mut encoder = Encoder::new("own", "own", 0);
    for data in [r#"{"type":"message_start","message":{}}"#, r#"{"type":"content_block_start","index":1}"#] {
        let data = Bytes::from_static(data.as_bytes());
        encoder.adopt(&Event { frame: data.clone(), data });
    }
    let mut out = Vec::new();
    encoder.delta(&Delta::Text("more".into()), &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}"),
        "{text}"
    );
    assert!(text.contains(r#"{"type":"content_block_start","index":2"#), "{text}");
}

#[test]
fn one_dialect_becomes_the_other() {
    let request = Request { raw: None, ..read_json(&full()).unwrap() };
    let sent: Value =
        serde_json::from_slice(&chat::encode(&request, "gpt", Quirks::of("api.openai.com"), false)).unwrap();
    assert_eq!(
        sent["messages"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":1}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "a cat"},
        ])
    );
    assert_eq!((&sent["max_completion_tokens"], &sent["tool_choice"]), (&json!(99), &json!("required")));
}
