//! Answers, as clients get them: the events of a stream.
//!
//! Invariants: the events are numbered in turn, whoever wrote those before; every item and every
//! part that is begun is ended before the next; the last event holds the whole answer.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::document::{self, Opening, summary_part, text_part};
use crate::dialect::responses::proof;
use crate::dialect::{Encode, Failure, Finish, write_event};
use crate::message::ToolCall;
use crate::provider::{Delta, Event};

/// Writes a streamed answer for a client.
#[derive(Debug)]
pub struct Encoder {
    suffix: String,
    response: Map<String, Value>,
    /// The number of the next event.
    sequence: u64,
    /// The items that are whole.
    output: Vec<Value>,
    /// The item being written.
    open: Option<Item>,
}

/// An item that is being written.
#[derive(Debug)]
struct Item {
    value: Value,
    /// Its place in the answer.
    index: usize,
    /// The parts that are whole.
    parts: Vec<Value>,
    /// The part being written.
    part: Option<Value>,
}

impl Item {
    fn is(&self, kind: &str) -> bool {
        self.value["type"] == kind
    }

    /// What its parts are called: the member that holds them, an event's first words, what counts
    /// them, and the member of a part that holds its text.
    fn words(&self) -> (&'static str, &'static str, &'static str) {
        if self.is("reasoning") {
            ("summary", "response.reasoning_summary_part", "summary_index")
        } else {
            ("content", "response.content_part", "content_index")
        }
    }
}

/// What a part's text is called in its events, and in itself.
fn words_of(part: &Value) -> (&'static str, &'static str) {
    match part["type"].as_str() {
        Some("summary_text") => ("response.reasoning_summary_text", "text"),
        Some("reasoning_text") => ("response.reasoning_text", "text"),
        Some("refusal") => ("response.refusal", "refusal"),
        _ => ("response.output_text", "text"),
    }
}

impl Encoder {
    /// The answer that begins so.
    pub fn new(opening: Opening) -> Self {
        let (suffix, response) = opening.into_response();
        Self { suffix, response, sequence: 0, output: Vec::new(), open: None }
    }

    fn event(&mut self, name: &str, mut data: Value, out: &mut Vec<u8>) {
        data["type"] = name.into();
        data["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        write_event(out, Some(name), &data);
    }

    fn whole(&mut self, name: &str, out: &mut Vec<u8>) {
        let response = self.response.clone();
        self.event(name, json!({"response": response}), out);
    }

    fn fresh_id(&self, kind: &str) -> String {
        format!("{kind}_{}_{}", self.suffix, self.output.len())
    }

    fn add(&mut self, value: Value, out: &mut Vec<u8>) {
        self.close(out);
        let index = self.output.len();
        self.event("response.output_item.added", json!({"output_index": index, "item": value}), out);
        self.open = Some(Item { value, index, parts: Vec::new(), part: None });
    }

    /// Writes into a part like `empty` of the open item.
    fn write(&mut self, empty: Value, text: &str, out: &mut Vec<u8>) {
        if self
            .open
            .as_ref()
            .and_then(|item| item.part.as_ref())
            .is_some_and(|part| part["type"] != empty["type"])
        {
            self.close_part(out);
        }
        let Some(mut item) = self.open.take() else { return };
        let (_, part_event, counter) = item.words();
        let place = item.parts.len();
        let id = item.value["id"].clone();
        if item.part.is_none() {
            let data = json!({"item_id": id, "output_index": item.index, counter: place, "part": empty});
            self.event(&format!("{part_event}.added"), data, out);
        }
        let part = item.part.get_or_insert(empty);
        append(part, text);
        let (text_event, _) = words_of(part);
        let mut data = json!({"item_id": id, "output_index": item.index, counter: place, "delta": text});
        if text_event == "response.output_text" {
            data["logprobs"] = json!([]);
        }
        self.event(&format!("{text_event}.delta"), data, out);
        self.open = Some(item);
    }

    fn close_part(&mut self, out: &mut Vec<u8>) {
        let Some(mut item) = self.open.take() else { return };
        if let Some(part) = item.part.take() {
            let (_, part_event, counter) = item.words();
            let (text_event, member) = words_of(&part);
            let (id, place) = (&item.value["id"], item.parts.len());
            let mut data = json!({
                "item_id": id, "output_index": item.index, counter: place, member: part[member],
            });
            if text_event == "response.output_text" {
                data["logprobs"] = json!([]);
            }
            self.event(&format!("{text_event}.done"), data, out);
            let data = json!({"item_id": id, "output_index": item.index, counter: place, "part": part});
            self.event(&format!("{part_event}.done"), data, out);
            item.parts.push(part);
        }
        self.open = Some(item);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.close_part(out);
        let Some(mut item) = self.open.take() else { return };
        let (member, ..) = item.words();
        let whole = if item.is("message") || item.is("reasoning") {
            item.value[member] = item.parts.into();
            document::finished(item.value)
        } else {
            item.value
        };
        self.done(whole, item.index, out);
    }

    fn done(&mut self, item: Value, index: usize, out: &mut Vec<u8>) {
        self.event("response.output_item.done", json!({"output_index": index, "item": item}), out);
        self.output.push(item);
    }

    fn is_open(&self, kind: &str) -> bool {
        self.open.as_ref().is_some_and(|item| item.is(kind))
    }

    fn signature(&mut self, signature: &str, out: &mut Vec<u8>) {
        // OpenAI's own proof belongs to an id; a thought that has another is ended before it.
        let own_id = proof::own(signature).map(|(id, _)| id.to_owned());
        if own_id.is_some() || !self.is_open("reasoning") {
            let id = own_id.unwrap_or_else(|| self.fresh_id("rs"));
            self.add(document::thought(&id), out);
        }
        if let Some(item) = &mut self.open {
            document::prove(&mut item.value, Some(signature));
        }
        self.close(out);
    }

    fn call(&mut self, call: &ToolCall, out: &mut Vec<u8>) {
        self.close(out);
        let (index, id) = (self.output.len(), self.fresh_id("fc"));
        let whole = document::function_call(&id, call);
        let mut empty = whole.clone();
        empty["arguments"] = "".into();
        self.event("response.output_item.added", json!({"output_index": index, "item": empty}), out);
        let data = json!({"item_id": id, "output_index": index, "delta": call.arguments});
        self.event("response.function_call_arguments.delta", data, out);
        let data = json!({
            "item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments,
        });
        self.event("response.function_call_arguments.done", data, out);
        self.done(document::finished(whole), index, out);
    }
}

fn append(part: &mut Value, more: &str) {
    let (_, member) = words_of(part);
    if let Value::String(text) = &mut part[member] {
        text.push_str(more);
    }
}

/// What is taken note of in an event that is passed on.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    sequence_number: Option<u64>,
    output_index: Option<usize>,
    response: Option<Map<String, Value>>,
    item: Option<Value>,
    part: Option<Value>,
    delta: Option<Value>,
}

impl Encode for Encoder {
    fn adopt(&mut self, event: &Event) {
        let Ok(head) = serde_json::from_slice::<Head>(&event.data) else { return };
        self.sequence = head.sequence_number.unwrap_or(self.sequence) + 1;
        if let Some(response) = head.response {
            self.response = response;
        }
        match (head.kind.as_str(), head.item, &mut self.open) {
            ("response.output_item.added", Some(value), _) => {
                let index = head.output_index.unwrap_or(self.output.len());
                self.open = Some(Item { value, index, parts: Vec::new(), part: None });
            }
            ("response.output_item.done", Some(value), _) => {
                self.output.push(value);
                self.open = None;
            }
            ("response.content_part.added" | "response.reasoning_summary_part.added", _, Some(item)) => {
                item.part = head.part;
            }
            ("response.content_part.done" | "response.reasoning_summary_part.done", _, Some(item)) => {
                item.part = None;
                item.parts.extend(head.part);
            }
            (kind, _, Some(Item { part: Some(part), .. })) if kind.ends_with(".delta") => {
                append(part, head.delta.as_ref().and_then(Value::as_str).unwrap_or_default());
            }
            _ => {}
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        self.whole("response.created", out);
        self.whole("response.in_progress", out);
    }

    fn delta(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        match delta {
            Delta::Text(text) => {
                if !self.is_open("message") {
                    self.add(document::message(&self.fresh_id("msg")), out);
                }
                self.write(text_part(""), text, out);
            }
            Delta::Thinking(text) => {
                if !self.is_open("reasoning") {
                    self.add(document::thought(&self.fresh_id("rs")), out);
                }
                self.write(summary_part(""), text, out);
            }
            Delta::Signature(signature) => self.signature(signature, out),
            Delta::ToolCall(call) => self.call(call, out),
        }
    }

    fn finish(&mut self, finish: &Finish<'_>, out: &mut Vec<u8>) {
        self.close(out);
        let output = std::mem::take(&mut self.output);
        document::end(&mut self.response, output, finish.reason, finish.usage);
        let is_complete = self.response.get("status").is_some_and(|status| status == "completed");
        self.whole(if is_complete { "response.completed" } else { "response.incomplete" }, out);
    }

    fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if self.sequence == 0 {
            self.begin(out);
        }
        let error = json!({
            "code": failure.code, "message": failure.message,
            "provider": failure.provider, "request_id": failure.request_id,
        });
        self.response.insert("status".into(), "failed".into());
        self.response.insert("output".into(), std::mem::take(&mut self.output).into());
        self.response.insert("error".into(), error);
        self.whole("response.failed", out);
    }
}
