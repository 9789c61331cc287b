//! Google's `generateContent`: requests as it documents them, answers as it gives them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::dialect::{Decode, Dialect, Fault, Raw, anthropic, responses};
use crate::message::{FinishReason, Request, ToolCall, Usage};
use crate::provider::Delta;

fn written(request: &Request, model: &str) -> Value {
    serde_json::from_slice(&encode(request, model)).unwrap()
}

fn from_client(body: &Value) -> Request {
    responses::read(Raw::read(Dialect::Responses, Bytes::from(body.to_string())).unwrap()).unwrap()
}

#[test]
fn a_request_is_written_as_google_documents_it() {
    let request = from_client(&json!({
        "model": "gemini-3-flash", "instructions": "Be brief.", "temperature": 0.2, "top_p": 0.9,
        "max_output_tokens": 99, "reasoning": {"effort": "low"},
        "input": [
            {"role": "user", "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,QUJD"},
                {"type": "input_image", "image_url": "https://example.org/a.webp?x=1"},
            ]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gemini:c2ln"},
            {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{\"at\":1}"},
            {"type": "function_call", "call_id": "c2", "name": "listen", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "a cat"},
            {"type": "function_call_output", "call_id": "c2", "output": "a meow"},
        ],
        "tools": [{"type": "function", "name": "look", "description": "Looks", "parameters": {"type": "object"}}],
        "tool_choice": {"type": "function", "name": "look"},
        "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}}},
    }));
    let result = |id: &str, name: &str, output: &str| json!({"functionResponse": {"id": id, "name": name, "response": {"output": output}}});
    assert_eq!(
        written(&Request { stop: vec!["END".into()], seed: Some(7), ..request }, "other"),
        json!({
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [
                    {"text": "What is this?"},
                    {"inlineData": {"mimeType": "image/png", "data": "QUJD"}},
                    {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.org/a.webp?x=1"}},
                ]},
                {"role": "model", "parts": [
                    {"functionCall": {"id": "c1", "name": "look", "args": {"at": 1}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "c2", "name": "listen", "args": {}}},
                ]},
                {"role": "user", "parts": [result("c1", "look", "a cat"), result("c2", "listen", "a meow")]},
            ],
            "tools": [{"functionDeclarations": [
                {"name": "look", "parametersJsonSchema": {"type": "object"}, "description": "Looks"},
            ]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
            "generationConfig": {
                "temperature": 0.2, "topP": 0.9, "maxOutputTokens": 99, "stopSequences": ["END"], "seed": 7,
                "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "low"},
                "responseMimeType": "application/json", "responseJsonSchema": {"type": "object"},
            },
        })
    );
}

#[test]
fn a_call_of_another_model_is_excused_where_a_proof_is_demanded() {
    let request = from_client(&json!({"input": [
        {"role": "user", "content": "x"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "openais"},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": ""},
    ]}));
    let proof = |model: &str| written(&request, model)["contents"][1]["parts"][0]["thoughtSignature"].clone();
    assert_eq!(proof("gemini-3-flash"), "skip_thought_signature_validator");
    assert_eq!(proof("gemini-flash-latest"), "skip_thought_signature_validator");
    assert_eq!(proof("models/gemini-2.5-flash"), Value::Null);
}

#[test]
fn effort_is_a_budget_or_a_level() {
    let thinking = |effort: &str, model: &str| {
        let request = Request { effort: Some(effort.into()), ..Request::default() };
        written(&request, model)["generationConfig"]["thinkingConfig"].clone()
    };
    assert_eq!(thinking("high", "gemini-3-pro"), json!({"includeThoughts": true, "thinkingLevel": "high"}));
    assert_eq!(thinking("none", "gemini-3-pro")["thinkingLevel"], "low");
    assert_eq!(thinking("none", "gemini-3-flash")["thinkingLevel"], "minimal");
    assert_eq!(
        thinking("high", "gemini-2.5-pro"),
        json!({"includeThoughts": true, "thinkingBudget": 24_576})
    );
    assert_eq!(thinking("none", "gemini-2.5-flash"), json!({"thinkingBudget": 0}));
    assert_eq!(thinking("high", "gemini-2.0-flash"), Value::Null);
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
    let parts =
        |parts: Value| json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}]});
    let mut last = parts(json!([{"text": ""}]));
    last["candidates"][0]["finishReason"] = "STOP".into();
    last["usageMetadata"] = json!({
        "promptTokenCount": 7, "candidatesTokenCount": 5, "thoughtsTokenCount": 20, "totalTokenCount": 32,
        "cachedContentTokenCount": 4,
    });
    let (deltas, decoder) = decode(&[
        json!({"candidates": [], "modelVersion": "gemini-3-flash-001", "responseId": "r1"}),
        parts(json!([{"text": "Hm", "thought": true}])),
        parts(json!([{"text": "Hi"}])),
        parts(json!([{"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "c2ln"}])),
        parts(json!([{"functionCall": {"id": "own", "name": "f"}}])),
        last,
    ]);
    let proof = Delta::Signature("gemini:c2ln".into());
    assert_eq!(
        deltas,
        [
            Delta::Thinking("Hm".into()),
            Delta::Text("Hi".into()),
            proof,
            call("call_r1_0", r#"{"x":1}"#),
            call("own", "{}")
        ]
    );
    let usage =
        Usage { tokens_in: 7, tokens_out: 25, tokens_cached: 4, tokens_thinking: 20, ..Usage::default() };
    let ending = decoder.ending();
    assert_eq!((ending.usage, ending.model.as_deref()), (Some(usage), Some("gemini-3-flash-001")));
    assert_eq!((&ending.finish_reason, ending.is_done), (&Some(FinishReason::ToolCalls), false));
}

#[track_caller]
fn check_end(candidate: &Value, expected: Result<FinishReason, Fault>) {
    let body = json!({"candidates": [candidate]}).to_string();
    let mut decoder = Decoder::default();
    let ended = decoder.document(body.as_bytes(), &mut Vec::new());
    assert_eq!(ended.map(|()| decoder.ending().finish_reason.clone().unwrap()), expected, "{body}");
}

#[test]
fn an_answer_ends_for_many_reasons() {
    for (reason, expected) in [
        ("STOP", FinishReason::Stop),
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("A_NEW_ONE", FinishReason::Other("a_new_one".into())),
    ] {
        check_end(&json!({"finishReason": reason}), Ok(expected));
    }
    let malformed = json!({"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed: f("});
    check_end(&malformed, Err(Fault::Reported("Malformed: f(".into())));
}

#[test]
fn a_blocked_prompt_and_an_error_are_told_apart() {
    let fault =
        |body: Value| Decoder::default().event(body.to_string().as_bytes(), &mut Vec::new()).unwrap_err();
    let blocked = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}});
    assert_eq!(fault(blocked), Fault::Withheld("the prompt was blocked (PROHIBITED_CONTENT)".into()));
    let error = json!({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}});
    assert_eq!(fault(error), Fault::Reported("overloaded".into()));
    assert!(matches!(Decoder::default().event(b"{\"cand", &mut Vec::new()), Err(Fault::Malformed(_))));
}

#[test]
fn googles_errors_say_when_to_come_back_and_when_the_key_is_wrong() {
    let limited = json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.Help"},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"},
    ]}}])
    .to_string();
    assert_eq!(retry_delay(limited.as_bytes()), Some(Duration::from_millis(34_070)));
    let key = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
    ]}})
    .to_string();
    assert!(refuses_key(key.as_bytes()) && !refuses_key(limited.as_bytes()) && !refuses_key(b"nonsense"));
    assert_eq!(retry_delay(key.as_bytes()), None);
}

#[test]
fn a_thought_comes_home_through_a_client_of_another_dialect() {
    let body = json!({"max_tokens": 1, "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [
            {"type": "text", "text": "I look."},
            {"type": "redacted_thinking", "data": "gemini:c2ln"},
            {"type": "tool_use", "id": "c1", "name": "f", "input": {}},
        ]},
    ]});
    let raw = Raw::read(Dialect::Anthropic, Bytes::from(body.to_string())).unwrap();
    let request = anthropic::read(raw).unwrap();
    let parts = written(&request, "gemini-3-flash")["contents"][1]["parts"].clone();
    assert_eq!((&parts[0], &parts[1]["thoughtSignature"]), (&json!({"text": "I look."}), &json!("c2ln")));
    // Anthropic would refuse what is not its own.
    let sent: Value = serde_json::from_slice(&anthropic::encode(&request, "m", false)).unwrap();
    assert!(!sent.to_string().contains("c2ln"), "{sent}");
}
