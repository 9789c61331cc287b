//! How programs and providers speak: one module for each API, both ways.
//!
//! A dialect reads a client's request into [`Request`] and a provider's answer into [`Delta`]s, and
//! writes a request for a provider and an answer for a client. Between two that speak the same one,
//! requests ([`Raw`]) and events go through as they came.
//!
//! Invariant: a tool call is handed on whole. Its pieces are of no use by themselves, and a stream
//! that is cut inside one can then be mended without a trace.

pub mod anthropic;
pub mod chat;
pub(crate) mod gemini;
pub mod responses;
mod signature;
mod stop;
mod transcript;
mod values;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::message::{FinishReason, Request, Usage};
use crate::provider::{Delta, Event};
pub(crate) use transcript::Transcript;

/// An API that models are asked through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// OpenAI's chat completions, which most others imitate.
    #[default]
    Chat,
    /// Anthropic's messages.
    Anthropic,
    /// OpenAI's responses.
    Responses,
    /// Google's `generateContent`, which providers speak and no client is answered in.
    Gemini,
}

/// A request exactly as a client wrote it: a JSON object, its members unread.
#[derive(Clone, Debug)]
pub struct Raw {
    /// What it is written in.
    pub dialect: Dialect,
    /// As it came.
    pub body: Bytes,
    members: Arc<IndexMap<String, Box<RawValue>>>,
}

impl Raw {
    /// Reads the object's members, not what is in them.
    ///
    /// # Errors
    /// What is wrong with it, where it is no JSON object.
    pub fn read(dialect: Dialect, body: Bytes) -> Result<Self, String> {
        let members = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        Ok(Self { dialect, body, members: Arc::new(members) })
    }

    /// The body with these members; `null` takes one away. Without a difference, the very bytes.
    pub(crate) fn with(&self, changes: &[(&str, Value)]) -> Bytes {
        let is_so = |name: &str, value: &Value| match self.members.get(name) {
            None => value.is_null(),
            Some(raw) => serde_json::from_str::<Value>(raw.get()).is_ok_and(|written| written == *value),
        };
        if changes.iter().all(|(name, value)| is_so(name, value)) {
            return self.body.clone();
        }
        let mut members = self.members.as_ref().clone();
        for (name, value) in changes {
            if value.is_null() {
                members.shift_remove(*name);
            } else if let Ok(raw) = serde_json::value::to_raw_value(value) {
                members.insert((*name).to_owned(), raw);
            }
        }
        serde_json::to_vec(&members).map(Bytes::from).unwrap_or_default()
    }

    /// Whether a member is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|raw| raw.get() == "true")
    }

    /// A member's value.
    pub fn member(&self, name: &str) -> Option<Value> {
        self.members.get(name).and_then(|raw| serde_json::from_str(raw.get()).ok())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }
}

/// A client's request that cannot be understood; the text says what and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread(pub String);

impl Misread {
    fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Reads one provider's answer.
pub(crate) trait Decode: Send {
    /// Takes one event's data.
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault>;

    /// Takes an answer that came in one piece.
    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault>;

    /// What is known so far of how it ends.
    fn ending(&self) -> &Ending;

    /// Whether a tool call was begun that is not handed on yet.
    fn holds_back(&self) -> bool;
}

/// How an answer ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ending {
    /// Why; with it, the answer is whole.
    pub finish_reason: Option<FinishReason>,
    pub stop_sequence: Option<String>,
    /// What it consumed, if the provider said so.
    pub usage: Option<Usage>,
    /// The model, as the provider names it.
    pub model: Option<String>,
    /// Whether the provider said that nothing more comes.
    pub is_done: bool,
    /// Whether the model visibly works: it wrote or it thinks.
    pub has_begun: bool,
}

impl Ending {
    /// Whether the answer is known to be whole.
    pub fn is_whole(&self) -> bool {
        self.is_done || self.finish_reason.is_some()
    }
}

/// What is wrong with a piece of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The provider says it failed.
    Reported(String),
    /// The provider will not answer this.
    Withheld(String),
    /// It is not the protocol.
    Malformed(String),
}

impl Fault {
    fn malformed(error: &serde_json::Error) -> Self {
        Self::Malformed(format!("a piece is not the expected JSON ({error})"))
    }
}

/// Writes one answer for a client.
pub trait Encode: Send {
    /// What comes before the first piece.
    fn begin(&mut self, out: &mut Vec<u8>);

    /// Takes note of an event that is passed on as it came, so that what is written after it fits.
    fn adopt(&mut self, event: &Event);

    /// One piece.
    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>);

    /// The end of a streamed answer.
    fn finish(&mut self, ending: &Finish<'_>, out: &mut Vec<u8>);

    /// A failure in the middle of a stream: the last that is said.
    fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>);
}

/// What an answer ends with.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a> {
    /// Why.
    pub reason: &'a FinishReason,
    /// The stop sequence it ended at.
    pub stop_sequence: Option<&'a str>,
    /// What it consumed.
    pub usage: &'a Usage,
}

/// A failure as a client is told of it.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// The HTTP status it has, or would have before the first byte.
    pub status: u16,
    /// Atelier's stable code.
    pub code: &'a str,
    /// What happened and what to do.
    pub message: &'a str,
    /// The provider that failed, where one did.
    pub provider: Option<&'a str>,
    /// What the request is found by in the log.
    pub request_id: Option<&'a str>,
}

impl Dialect {
    /// What the addresses of answers end with, where that is always the same.
    pub(crate) const ENDINGS: [&'static str; 3] = ["/chat/completions", "/messages", "/responses"];

    /// Where answers of a model are asked for below the base URL, and the query.
    pub(crate) fn answers_path(self, model: &str, stream: bool) -> (Cow<'static, str>, Option<&'static str>) {
        match self {
            Self::Chat => ("chat/completions".into(), None),
            Self::Anthropic => ("messages".into(), None),
            Self::Responses => ("responses".into(), None),
            Self::Gemini => {
                let folder = if model.contains('/') { "" } else { "models/" };
                let (method, query) = if stream {
                    ("streamGenerateContent", Some("alt=sse"))
                } else {
                    ("generateContent", None)
                };
                (format!("{folder}{model}:{method}").into(), query)
            }
        }
    }

    /// Where the models are listed below the base URL.
    pub(crate) fn models_path(self) -> &'static str {
        match self {
            // Else there are fifty of them, and no more.
            Self::Gemini => "models?pageSize=1000",
            Self::Chat | Self::Anthropic | Self::Responses => "models",
        }
    }

    /// What a request to a provider is made of. `model` is asked where the request names none.
    pub(crate) fn encode(self, request: &Request, model: &str, quirks: Quirks, stream: bool) -> Bytes {
        match self {
            Self::Chat => chat::encode(request, model, quirks, stream),
            Self::Anthropic => anthropic::encode(request, model, stream),
            Self::Responses => responses::encode(request, model, stream),
            Self::Gemini => gemini::encode(request, model),
        }
    }

    /// Whether a proof of a thought came from a provider that speaks so.
    pub(crate) fn signed(self, proof: &str) -> bool {
        signature::own(self, proof).is_some()
    }

    pub(crate) fn decoder(self, request: &Request) -> Box<dyn Decode> {
        match self {
            Self::Chat => Box::new(chat::Decoder::default()),
            Self::Anthropic => Box::new(anthropic::Decoder::default()),
            Self::Responses if request.stop.is_empty() => Box::new(responses::Decoder::default()),
            Self::Responses => {
                Box::new(stop::Stopping::new(Box::new(responses::Decoder::default()), &request.stop))
            }
            Self::Gemini => Box::new(gemini::Decoder::default()),
        }
    }
}

/// Where endpoints that call themselves compatible differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// OpenAI's newer models refuse `max_tokens`; others know only that.
    pub limit_field: &'static str,
    /// Mistral refuses `stream_options` and reports usage without being asked.
    pub asks_for_usage: bool,
}

impl Quirks {
    /// Those of the endpoint at `host`.
    pub fn of(host: &str) -> Self {
        Self {
            limit_field: if host == "api.openai.com" { "max_completion_tokens" } else { "max_tokens" },
            asks_for_usage: host != "api.mistral.ai",
        }
    }
}

/// What a server says about a failure: its message if it sent one in a known shape, else all.
pub(crate) fn error_message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return text.into_owned() };
    // Gemini sends a list of one.
    let value = value.get(0).unwrap_or(&value);
    message_of(value.get("error").unwrap_or(value)).unwrap_or_else(|| text.into_owned())
}

/// Whether a server refuses a prompt for its length: OpenAI has a code for it, others only say so.
pub(crate) fn says_too_long(body: &[u8]) -> bool {
    const WORDS: [&str; 5] = [
        "context_length_exceeded",
        "prompt is too long",
        "maximum context length",
        "context window",
        "available context size",
    ];
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    WORDS.iter().any(|words| text.contains(words))
}

fn message_of(error: &Value) -> Option<String> {
    let found = [error, &error["message"], &error["detail"], &error["message"]["detail"]];
    found.iter().find_map(|value| value.as_str()).map(str::to_owned)
}

/// One server-sent event, with a name where the dialect has names.
fn write_event(out: &mut Vec<u8>, name: Option<&str>, data: &impl serde::Serialize) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    serde_json::to_writer(&mut *out, data).expect("what is sent is JSON, and writing to memory cannot fail");
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_raw_request_keeps_what_it_is_not_told_to_change() {
        let body = r#"{"model":"a", "x":{"z":1.0,"y":[1e3]},"stream":true}"#;
        let raw = Raw::read(Dialect::Chat, Bytes::from_static(body.as_bytes())).unwrap();
        assert_eq!(raw.with(&[("model", json!("a")), ("stream", json!(true)), ("n", Value::Null)]), body);
        assert_eq!(
            raw.with(&[("model", json!("b")), ("stream", Value::Null), ("new", json!([1]))]),
            r#"{"model":"b","x":{"z":1.0,"y":[1e3]},"new":[1]}"#
        );
        for wrong in ["", "[]", "{\"a\":1", "{\"a\":\"\u{1}\"}x"] {
            assert!(Raw::read(Dialect::Chat, Bytes::from(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn finds_the_message_in_the_shapes_servers_use() {
        for (body, message) in [
            (r#"{"error":{"message":"a"}}"#, "a"),
            (r#"{"error":"b"}"#, "b"),
            (r#"{"message":"c"}"#, "c"),
            (r#"{"detail":"d"}"#, "d"),
            (r#"[{"error":{"message":"e"}}]"#, "e"),
            ("plain", "plain"),
            (r#"{"x":1}"#, r#"{"x":1}"#),
            ("", ""),
        ] {
            assert_eq!(error_message(body.as_bytes()), message);
        }
    }
}
