//! The words of the protocol: encoding a request, decoding the pieces of an answer.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::message::{FinishReason, Request, Usage};

/// Where endpoints that call themselves compatible differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// OpenAI's newer models refuse `max_tokens`; others know only that.
    limit_field: &'static str,
    /// Mistral refuses `stream_options` and reports usage without being asked.
    asks_for_usage: bool,
}

impl Dialect {
    /// The dialect of the endpoint at `host`.
    pub(super) fn of(host: &str) -> Self {
        Self {
            limit_field: if host == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" },
            asks_for_usage: host != "api.mistral.ai",
        }
    }

    /// The request's body. `model` is asked where the request names none.
    pub(super) fn encode(self, request: &Request, model: &str) -> Value {
        let messages: Vec<Value> = request
            .messages
            .iter()
            .map(|message| json!({"role": message.role.as_str(), "content": message.content}))
            .collect();
        let mut body = Map::new();
        body.insert("model".into(), request.model.as_deref().unwrap_or(model).into());
        body.insert("messages".into(), messages.into());
        body.insert("stream".into(), true.into());
        if self.asks_for_usage {
            body.insert("stream_options".into(), json!({"include_usage": true}));
        }
        if let Some(temperature) = request.temperature {
            // Through its decimal form, so that 0.2 does not become 0.200000003.
            let temperature = temperature.to_string().parse::<f64>().unwrap_or_default();
            body.insert("temperature".into(), temperature.into());
        }
        if let Some(max_tokens) = request.max_tokens {
            body.insert(self.limit_field.into(), max_tokens.into());
        }
        if let Some(schema) = &request.json_schema {
            let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
            body.insert("response_format".into(), format);
        }
        body.into()
    }
}

/// What a server says about a failure: its message if it sent one in a known shape, else all.
pub(super) fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return text.into_owned() };
    message_of(value.get("error").unwrap_or(&value)).unwrap_or_else(|| text.into_owned())
}

fn message_of(error: &Value) -> Option<String> {
    let found = [error, &error["message"], &error["detail"], &error["message"]["detail"]];
    found.iter().find_map(|value| value.as_str()).map(str::to_owned)
}

/// An answer as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The text.
    pub(super) text: String,
    /// The model, as the server names it.
    pub(super) model: Option<String>,
    /// What it consumed, if the server said so.
    pub(super) usage: Option<Usage>,
    /// Why the text ended; with it, the text is whole.
    pub(super) finish_reason: Option<FinishReason>,
    /// Whether the server said that nothing more comes.
    pub(super) is_done: bool,
}

/// What one piece brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Piece {
    /// Further text, maybe none.
    pub(super) text: String,
    /// Whether the model visibly works: it wrote or it thinks.
    pub(super) is_content: bool,
}

/// What is wrong with a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The server says it failed.
    Reported(String),
    /// It is not the protocol.
    Malformed(String),
}

impl Answer {
    /// Whether the text is known to be whole.
    pub(super) fn is_whole(&self) -> bool {
        self.is_done || self.finish_reason.is_some()
    }

    /// Takes one event's data, or a whole answer sent in one piece.
    pub(super) fn take(&mut self, data: &[u8]) -> Result<Piece, Fault> {
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            self.is_done = true;
            return Ok(Piece::default());
        }
        if data.is_empty() {
            return Ok(Piece::default());
        }
        let chunk: Chunk = serde_json::from_slice(data)
            .map_err(|error| Fault::Malformed(format!("a piece is not the expected JSON ({error})")))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(message_of(&error).unwrap_or_else(|| error.to_string())));
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                tokens_in: usage.prompt_tokens.unwrap_or(0),
                tokens_out: usage.completion_tokens.unwrap_or(0),
                estimated: false,
            });
        }
        self.model = chunk.model.filter(|model| !model.is_empty()).or(self.model.take());
        let mut piece = Piece::default();
        for choice in chunk.choices.unwrap_or_default().into_iter().filter(|choice| choice.index == 0) {
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish_reason = Some(FinishReason::from(reason.as_str()));
            }
            if let Some(content) = choice.delta.or(choice.message) {
                piece.is_content |= content.is_thought();
                piece.text.push_str(&content.into_text());
            }
        }
        piece.is_content |= !piece.text.is_empty();
        self.text.push_str(&piece.text);
        Ok(piece)
    }
}

#[derive(Deserialize)]
struct Chunk {
    model: Option<String>,
    choices: Option<Vec<Choice>>,
    usage: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    delta: Option<Content>,
    message: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    content: Option<Value>,
    refusal: Option<String>,
    reasoning: Option<String>,
    reasoning_content: Option<String>,
}

impl Content {
    fn is_thought(&self) -> bool {
        let is_said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let in_parts = matches!(&self.content, Some(Value::Array(parts)) if !parts.is_empty());
        is_said(&self.reasoning) || is_said(&self.reasoning_content) || in_parts
    }

    /// A text, or a list of parts of which those of type `text` count.
    fn into_text(self) -> String {
        let mut text = match self.content {
            Some(Value::String(text)) => text,
            Some(Value::Array(parts)) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
            _ => String::new(),
        };
        text.push_str(self.refusal.as_deref().unwrap_or_default());
        text
    }
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Message;

    #[test]
    fn encodes_what_was_asked_and_nothing_else() {
        let dialect = Dialect::of("127.0.0.1");
        let mut request = Request::new(vec![Message::system("Be brief."), Message::user("Olá")]);
        assert_eq!(
            dialect.encode(&request, "m").to_string(),
            r#"{"model":"m","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Olá"}],"stream":true,"stream_options":{"include_usage":true}}"#
        );
        request.model = Some("other".into());
        request.temperature = Some(0.2);
        request.max_tokens = Some(9);
        request.json_schema = Some(json!({"type": "object"}));
        let body = dialect.encode(&request, "m");
        assert_eq!(body["model"], "other");
        assert_eq!(body["temperature"].to_string(), "0.2");
        assert_eq!(body["max_tokens"], 9);
        assert_eq!(body["response_format"]["json_schema"]["schema"], json!({"type": "object"}));
    }

    #[test]
    fn spares_each_endpoint_the_fields_it_refuses() {
        let request = Request { max_tokens: Some(9), ..Request::default() };
        let openai = Dialect::of("api.openai.com").encode(&request, "m");
        assert_eq!((&openai["max_completion_tokens"], openai.get("max_tokens")), (&json!(9), None));
        let mistral = Dialect::of("api.mistral.ai").encode(&request, "m");
        assert_eq!((&mistral["max_tokens"], mistral.get("stream_options")), (&json!(9), None));
    }

    #[track_caller]
    fn check(pieces: &[&str], text: &str, is_whole: bool) -> Answer {
        let mut answer = Answer::default();
        for piece in pieces {
            answer.take(piece.as_bytes()).unwrap();
        }
        assert_eq!((answer.text.as_str(), answer.is_whole()), (text, is_whole));
        answer
    }

    #[test]
    fn gathers_a_streamed_answer() {
        let answer = check(
            &[
                r#"{"model":"m-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
                r#"{"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}"#,
                r#"{"choices":[{"index":1,"delta":{"content":"another choice"}}]}"#,
                r#"{"choices":[{"delta":{"content":"lo"}}],"usage":null}"#,
                r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
                r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
                "[DONE]",
            ],
            "Hello",
            true,
        );
        assert_eq!(answer.usage, Some(Usage { tokens_in: 3, tokens_out: 2, estimated: false }));
        assert_eq!((answer.model.as_deref(), answer.finish_reason), (Some("m-1"), Some(FinishReason::Stop)));
    }

    #[test]
    fn knows_an_answer_that_is_not_whole() {
        check(&[], "", false);
        check(&[r#"{"choices":[{"delta":{"content":"Hel"}}]}"#], "Hel", false);
        check(&[r#"{"choices":[{"delta":{"content":"Hel"},"finish_reason":""}]}"#], "Hel", false);
    }

    #[test]
    fn understands_answers_in_one_piece_and_in_parts() {
        check(&[r#"{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}"#], "Hi", true);
        check(&[r#"{"choices":[{"delta":{"content":[{"type":"text","text":"Hi"}]}}]}"#], "Hi", false);
        check(&[r#"{"choices":[{"delta":{"refusal":"No."}}]}"#], "No.", false);
        check(&[r#"{"choices":null}"#, ""], "", false);
    }

    #[test]
    fn thinking_is_a_sign_of_life_but_no_text() {
        let mut answer = Answer::default();
        let piece = answer.take(br#"{"choices":[{"delta":{"reasoning_content":"Hm"}}]}"#).unwrap();
        assert_eq!(piece, Piece { text: String::new(), is_content: true });
    }

    #[test]
    fn tells_a_reported_failure_from_a_malformed_piece() {
        let fault = |data: &[u8]| Answer::default().take(data).unwrap_err();
        let reported = |text: &str| Fault::Reported(text.into());
        assert_eq!(fault(br#"{"error":{"message":"overloaded"}}"#), reported("overloaded"));
        assert_eq!(fault(br#"{"error":"overloaded"}"#), reported("overloaded"));
        assert_eq!(fault(br#"{"error":{"code":5}}"#), reported(r#"{"code":5}"#));
        for malformed in [&b"{"[..], b"[]", b"\xff\xfe", br#"{"choices":7}"#, b"\"\xc3\"", b"<html>"] {
            assert!(matches!(fault(malformed), Fault::Malformed(_)), "{malformed:?}");
        }
    }

    #[test]
    fn finds_the_message_in_the_shapes_servers_use() {
        for (body, message) in [
            (r#"{"error":{"message":"a"}}"#, "a"),
            (r#"{"error":"b"}"#, "b"),
            (r#"{"message":"c"}"#, "c"),
            (r#"{"detail":"d"}"#, "d"),
            ("plain", "plain"),
            (r#"{"x":1}"#, r#"{"x":1}"#),
            ("", ""),
        ] {
            assert_eq!(error_message(body.as_bytes()), message);
        }
    }
}
