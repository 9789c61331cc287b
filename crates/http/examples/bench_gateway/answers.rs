//! What the mock answers, written once: OpenAI's chat completions and Anthropic's messages.

use serde_json::{Value, json};

/// Events with text in a stream.
pub const CHUNKS: usize = 100;
const WORD: &str = "word after ";

/// The answers of one API.
pub struct Answers {
    /// In one piece, its head included.
    pub whole: Vec<u8>,
    /// The head of a stream, then one HTTP chunk for each event, then the end.
    pub stream: Vec<Vec<u8>>,
}

impl Answers {
    pub fn chat() -> Self {
        let text = WORD.repeat(CHUNKS);
        let whole = json!({
            "id": "chatcmpl-mock", "object": "chat.completion", "created": 1_795_253_400, "model": "mock",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null},
                "logprobs": null, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 200, "total_tokens": 400},
        });
        let chunk = |delta: Value, finish: Value| {
            let event = json!({
                "id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1_795_253_400,
                "model": "mock", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
            });
            format!("data: {event}\n\n")
        };
        let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
        events.extend((0..CHUNKS).map(|_| chunk(json!({"content": WORD}), Value::Null)));
        events.push(chunk(json!({}), "stop".into()));
        let usage = json!({"prompt_tokens": 200, "completion_tokens": 200, "total_tokens": 400});
        events.push(format!(
            "data: {}\n\n",
            json!({"id": "chatcmpl-mock", "object": "chat.completion.chunk", "created": 1_795_253_400,
                "model": "mock", "choices": [], "usage": usage})
        ));
        events.push("data: [DONE]\n\n".into());
        Self::of(&whole, &events)
    }

    pub fn anthropic() -> Self {
        let usage = json!({"input_tokens": 200, "output_tokens": 200});
        let message = |content: Value, reason: Value| {
            json!({
                "id": "msg_mock", "type": "message", "role": "assistant", "model": "mock", "content": content,
                "stop_reason": reason, "stop_sequence": null, "usage": usage,
            })
        };
        let text = json!([{"type": "text", "text": WORD.repeat(CHUNKS)}]);
        let event = |value: Value| {
            format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
        };
        let mut events = vec![
            event(json!({"type": "message_start", "message": message(json!([]), Value::Null)})),
            event(json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}})),
        ];
        let delta = json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": WORD}});
        events.extend((0..CHUNKS).map(|_| event(delta.clone())));
        events.push(event(json!({"type": "content_block_stop", "index": 0})));
        events.push(event(json!({"type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": {"output_tokens": 200}})));
        events.push(event(json!({"type": "message_stop"})));
        Self::of(&message(text, "end_turn".into()), &events)
    }

    fn of(whole: &Value, events: &[String]) -> Self {
        let body = whole.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = vec![
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
                .to_vec(),
        ];
        stream.extend(events.iter().map(|event| format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()));
        stream.push(b"0\r\n\r\n".to_vec());
        Self { whole: (head + &body).into_bytes(), stream }
    }
}
