//! OpenAI's responses: both ways, cut anywhere, and into the other dialects.

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::dialect::{
    Decode, Dialect, Encode, Failure, Fault, Finish, Misread, Quirks, Raw, anthropic, chat,
};
use crate::message::{Completion, FinishReason, Part, Request, ToolCall, Usage};
use crate::provider::{Delta, Event};

fn raw(body: &Value) -> Raw {
    Raw::read(Dialect::Responses, Bytes::from(body.to_string())).unwrap()
}

fn read_json(body: &Value) -> Result<Request, Misread> {
    read(raw(body))
}

fn written(request: &Request) -> Value {
    serde_json::from_slice(&encode(request, "m", false)).unwrap()
}

fn full() -> Value {
    json!({
        "model": "m",
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "auto"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}],
             "encrypted_content": "gAAA"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "output_text", "text": "I look.", "annotations": []},
            ]},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"at\": 1}"},
            {"type": "function_call", "call_id": "c2", "name": "look", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "a cat"},
            {"type": "function_call_output", "call_id": "c2", "output": [
                {"type": "input_image", "image_url": "https://example.org/a.png", "detail": "auto"},
            ]},
        ],
        "store": false,
        "temperature": 0.2,
        "top_p": 0.5,
        "max_output_tokens": 99,
        "reasoning": {"effort": "low"},
        "include": ["reasoning.encrypted_content"],
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": true,
                   "description": "Looks"}],
        "parallel_tool_calls": false,
        "tool_choice": "required",
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": true}},
    })
}

#[test]
fn a_request_survives_the_way_in_and_out() {
    let request = read_json(&full()).unwrap();
    assert_eq!((&request.untranslatable, request.messages.len()), (&None, 4));
    assert_eq!(written(&Request { raw: None, ..request }), full());
}

#[test]
fn a_request_reaches_a_provider_of_the_same_dialect_as_it_was_written() {
    let body =
        Bytes::from_static(br#"{"model":"m", "input":"x","previous_response_id":"resp_1","new":[1e3]}"#);
    let request = read(Raw::read(Dialect::Responses, body.clone()).unwrap()).unwrap();
    assert_eq!(encode(&request, "own", false), body);
    let other = Request { model: Some("other".into()), ..request };
    assert_eq!(
        encode(&other, "own", true),
        r#"{"model":"other","input":"x","previous_response_id":"resp_1","new":[1e3],"stream":true}"#
    );
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (body, reason) in [
        (json!({}), "`input` must be a text or a list"),
        (json!({"input": []}), "`input` must not be empty"),
        (json!({"input": [{"role": "tool"}]}), "`input[0]`: `role` is tool"),
        (json!({"input": [{"content": "x"}]}), "`input[0]`: an item needs a `type`"),
        (
            json!({"input": [{"type": "function_call_output"}]}),
            "`input[0]`: a function's output needs `call_id`",
        ),
        (json!({"input": "x", "instructions": []}), "`instructions` must be a text"),
        (json!({"input": "x", "tools": [{"type": "function"}]}), "`tools[0]`: a function needs a `name`"),
        (json!({"input": "x", "tool_choice": "x"}), "`tool_choice` must be"),
        (json!({"input": "x", "max_output_tokens": 0}), "`max_output_tokens` must be"),
        (json!({"input": "x", "background": true}), "`background` needs"),
        (json!({"input": "x", "text": {"format": {"type": "xml"}}}), "`text.format.type` is xml"),
    ] {
        let error = read_json(&body).unwrap_err();
        assert!(error.0.contains(reason), "{body} → {}", error.0);
    }
    for (member, what) in [
        (json!({"tools": [{"type": "web_search"}]}), "a tool of type `web_search`"),
        (json!({"conversation": "conv_1"}), "`conversation`"),
        (json!({"tool_choice": {"type": "mcp"}}), "a `tool_choice` of type `mcp`"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}),
            "a part of type `input_file`",
        ),
    ] {
        let mut body = json!({"input": "x"});
        body.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        assert_eq!(read_json(&body).unwrap().untranslatable.as_deref(), Some(what));
    }
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
fn gathers_a_streamed_answer_and_holds_back_a_call_until_it_is_whole() {
    let begun = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": ""});
    let mut events = vec![
        json!({"type": "response.created", "response": {"model": "m-1", "status": "in_progress", "output": []}}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}}),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 0}),
        json!({"type": "response.reasoning_summary_text.delta", "delta": "Hm"}),
        json!({"type": "response.reasoning_summary_part.added", "summary_index": 1}),
        json!({"type": "response.reasoning_summary_text.delta", "delta": "So"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item":
            {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAA"}}),
        json!({"type": "response.output_text.delta", "delta": "Hi", "logprobs": []}),
        json!({"type": "response.refusal.delta", "delta": " no"}),
        json!({"type": "a.new.kind", "whatever": 1}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": begun}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"x\":"}),
    ];
    let (_, decoder) = decode(&events);
    assert!(decoder.holds_back());
    let usage = json!({
        "input_tokens": 7, "input_tokens_details": {"cached_tokens": 4},
        "output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 3},
    });
    events.extend([
        json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "1}"}),
        json!({"type": "response.output_item.done", "output_index": 2, "item": begun}),
        json!({"type": "response.completed", "response":
            {"model": "m-1", "status": "completed", "output": [], "usage": usage}}),
    ]);
    let (deltas, decoder) = decode(&events);
    let thought = ["Hm", "\n\n", "So"].map(|text| Delta::Thinking(text.into()));
    let said = [
        Delta::Signature("responses:rs_1#gAAA".into()),
        Delta::Text("Hi".into()),
        Delta::Text(" no".into()),
        call("a", r#"{"x":1}"#),
    ];
    assert_eq!(deltas, thought.into_iter().chain(said).collect::<Vec<_>>());
    let usage =
        Usage { tokens_in: 7, tokens_out: 9, tokens_cached: 4, tokens_thinking: 3, ..Usage::default() };
    let ending = decoder.ending();
    assert_eq!((ending.usage, ending.model.as_deref()), (Some(usage), Some("m-1")));
    assert_eq!((&ending.finish_reason, ending.is_done), (&Some(FinishReason::ToolCalls), true));
}

#[test]
fn understands_an_answer_in_one_piece_and_errors() {
    let body = json!({
        "model": "m-1", "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "b", "name": "patch", "input": "x"},
        ],
        "error": null,
    });
    let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
    decoder.document(body.to_string().as_bytes(), &mut deltas).unwrap();
    assert_eq!(deltas[..3], [Delta::Thinking("Hm".into()), Delta::Text("Hi".into()), call("a", "{}")]);
    assert!(matches!(&deltas[3], Delta::ToolCall(call) if call.name == "custom_tool_call"));
    assert_eq!(decoder.ending().finish_reason, Some(FinishReason::Length));

    for error in [
        json!({"type": "error", "code": "server_error", "message": "busy", "param": null, "sequence_number": 3}),
        json!({"type": "error", "error": {"type": "server_error", "message": "busy"}}),
        json!({"type": "response.failed", "response": {"status": "failed", "error": {"message": "busy"}}}),
    ] {
        let fault = Decoder::default().event(error.to_string().as_bytes(), &mut Vec::new()).unwrap_err();
        assert_eq!(fault, Fault::Reported("busy".into()), "{error}");
    }
    assert!(matches!(Decoder::default().event(b"{\"type\":", &mut Vec::new()), Err(Fault::Malformed(_))));
}

fn opening() -> Opening {
    Opening::new("1", 5, &raw(&json!({"model": "m", "input": "x", "metadata": {"a": "b"}})))
}

fn events_of(out: Vec<u8>) -> Vec<Value> {
    let text = String::from_utf8(out).unwrap();
    let events = text.split("\n\n").filter_map(|event| event.split_once("\ndata: "));
    events
        .map(|(name, data)| {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        })
        .collect()
}

#[test]
fn what_is_written_for_a_client_reads_back_the_same() {
    let deltas = [
        Delta::Thinking("Hm".into()),
        Delta::Signature("gemini:c2ln".into()),
        Delta::Text("Ol".into()),
        Delta::Text("á".into()),
        call("a", "{}"),
        Delta::Signature("responses:rs_9#gAAA".into()),
        call("b", r#"{"x":1}"#),
        Delta::Text("!".into()),
    ];
    let usage = Usage { tokens_in: 3, tokens_out: 2, tokens_cached: 1, ..Usage::default() };
    let mut out = Vec::new();
    let mut encoder = Encoder::new(opening());
    encoder.begin(&mut out);
    deltas.iter().for_each(|delta| encoder.delta(delta, &mut out));
    encoder
        .finish(&Finish { reason: &FinishReason::ToolCalls, stop_sequence: None, usage: &usage }, &mut out);
    let events = events_of(out);
    for (place, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], place);
    }
    let (read, decoder) = decode(&events);
    assert_eq!(read, deltas);
    assert_eq!((decoder.ending().usage, decoder.ending().is_done), (Some(usage), true));

    // The last event holds what a whole answer would be.
    let last = events.last().unwrap()["response"].clone();
    let parts = [
        Part::Thinking { text: "Hm".into(), signature: Some("gemini:c2ln".into()) },
        Part::text("Olá"),
        Part::ToolCall { call: ToolCall { id: "a".into(), name: "f".into(), arguments: "{}".into() } },
        Part::Thinking { text: String::new(), signature: Some("responses:rs_9#gAAA".into()) },
        Part::ToolCall {
            call: ToolCall { id: "b".into(), name: "f".into(), arguments: r#"{"x":1}"#.into() },
        },
        Part::text("!"),
    ];
    let completion = Completion {
        parts: parts.to_vec(),
        usage,
        model: "m".into(),
        provider: "p".into(),
        finish_reason: FinishReason::ToolCalls,
        stop_sequence: None,
        latency_ms: 0,
        attempts: Vec::new(),
        raw: None,
    };
    assert_eq!(document(opening(), &completion), last);
    assert_eq!(
        (&last["id"], &last["metadata"]["a"], &last["status"]),
        (&json!("resp_1"), &json!("b"), &json!("completed"))
    );
    assert_eq!(
        (&last["output"][3]["id"], &last["output"][3]["encrypted_content"]),
        (&json!("rs_9"), &json!("gAAA"))
    );
}

#[test]
fn a_streamed_answer_has_openais_events_in_openais_order() {
    let (mut out, mut encoder) = (Vec::new(), Encoder::new(opening()));
    encoder.begin(&mut out);
    encoder.delta(&Delta::Text("Hi".into()), &mut out);
    encoder.delta(&call("a", "{}"), &mut out);
    let usage = Usage::default();
    encoder.finish(&Finish { reason: &FinishReason::Length, stop_sequence: None, usage: &usage }, &mut out);
    let events = events_of(out);
    let names: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        names.join(" ").replace("response.", ""),
        "created in_progress output_item.added content_part.added output_text.delta output_text.done \
         content_part.done output_item.done output_item.added function_call_arguments.delta \
         function_call_arguments.done output_item.done incomplete"
    );
    assert_eq!(events.last().unwrap()["response"]["incomplete_details"]["reason"], "max_output_tokens");
}

/// Passes these on, then writes `more` and the end.
fn go_on_after(passed: &[Value], more: &str) -> Vec<Value> {
    let (mut out, mut encoder) = (Vec::new(), Encoder::new(opening()));
    for event in passed {
        let data = Bytes::from(event.to_string());
        encoder.adopt(&Event { frame: data.clone(), data });
    }
    encoder.delta(&Delta::Text(more.into()), &mut out);
    let usage = Usage::default();
    encoder.finish(&Finish { reason: &FinishReason::Stop, stop_sequence: None, usage: &usage }, &mut out);
    events_of(out)
}

#[test]
fn what_follows_events_that_were_passed_on_fits_them() {
    let place = json!({"item_id": "msg_9", "output_index": 1, "content_index": 0});
    let with = |kind: &str, number: u64, member: Value| {
        let mut event = place.clone();
        event.as_object_mut().unwrap().extend(member.as_object().unwrap().clone());
        (event["type"], event["sequence_number"]) = (kind.into(), number.into());
        event
    };
    let thought = json!({"type": "reasoning", "id": "rs_9", "summary": [], "encrypted_content": "gAAA"});
    let message = json!({"type": "message", "id": "msg_9", "role": "assistant", "content": []});
    let part = json!({"type": "output_text", "text": "", "annotations": []});
    let passed = [
        json!({"type": "response.created", "sequence_number": 0, "response": {"id": "theirs", "new": 1}}),
        json!({"type": "response.output_item.done", "sequence_number": 6, "output_index": 0, "item": thought}),
        json!({"type": "response.output_item.added", "sequence_number": 7, "output_index": 1, "item": message}),
        with("response.content_part.added", 8, json!({"part": part})),
        with("response.output_text.delta", 9, json!({"delta": "one "})),
    ];
    let events = go_on_after(&passed, "two");
    // In the middle of a text, the text goes on.
    assert_eq!(
        (&events[0]["type"], &events[0]["item_id"]),
        (&json!("response.output_text.delta"), &json!("msg_9"))
    );
    assert_eq!((&events[0]["sequence_number"], &events[1]["text"]), (&json!(10), &json!("one two")));
    let last = &events.last().unwrap()["response"];
    assert_eq!((&last["id"], &last["new"], &last["output"][0]), (&json!("theirs"), &json!(1), &thought));
    assert_eq!(last["output"][1]["content"][0]["text"], "one two");

    // In the middle of a thought, it is ended first.
    let begun = json!({"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": thought});
    let events = go_on_after(&[passed[0].clone(), begun], "two");
    assert_eq!(
        (&events[0]["type"], &events[0]["item"]["id"]),
        (&json!("response.output_item.done"), &json!("rs_9"))
    );
    assert_eq!(events.last().unwrap()["response"]["output"][1]["content"][0]["text"], "two");
}

#[test]
fn a_stream_that_fails_says_so_last() {
    let (mut out, mut encoder) = (Vec::new(), Encoder::new(opening()));
    let failure = Failure { status: 502, code: "c", message: "m", provider: Some("p"), request_id: None };
    encoder.fail(&failure, &mut out);
    let events = events_of(out);
    assert_eq!(events[0]["type"], "response.created");
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["response"]["error"]["code"]), (&json!("response.failed"), &json!("c")));
}

#[test]
fn it_becomes_the_other_dialects() {
    let request = Request { raw: None, ..read_json(&full()).unwrap() };
    let sent: Value =
        serde_json::from_slice(&chat::encode(&request, "gpt", Quirks::of("api.openai.com"), false)).unwrap();
    let function = |id: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": arguments}});
    assert_eq!(
        sent["messages"].as_array().unwrap()[2..4],
        [
            json!({"role": "assistant", "content": "I look.",
                   "tool_calls": [function("c1", "{\"at\": 1}"), function("c2", "{}")]}),
            json!({"role": "tool", "tool_call_id": "c1", "content": "a cat"}),
        ]
    );
    assert_eq!((&sent["reasoning_effort"], &sent["parallel_tool_calls"]), (&json!("low"), &json!(false)));
    let sent: Value = serde_json::from_slice(&anthropic::encode(&request, "m", false)).unwrap();
    let kinds: Vec<&Value> =
        sent["messages"][1]["content"].as_array().unwrap().iter().map(|it| &it["type"]).collect();
    // OpenAI's thought proves nothing to Anthropic.
    assert_eq!(kinds, ["text", "tool_use", "tool_use"]);
}
