//! Answers, as providers give them.

mod document;
mod stream;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::dialect::responses::proof;
use crate::dialect::transcript::OpenCall;
use crate::dialect::values::word;
use crate::dialect::{Decode, Ending, Fault, message_of};
use crate::message::{FinishReason, ToolCall, Usage};
use crate::provider::Delta;
pub use document::{Opening, document};
pub use stream::Encoder;

/// Reads a provider's answer.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    ending: Ending,
    /// The tool calls being written, by their place in the answer.
    open: BTreeMap<u64, OpenCall>,
    calls: usize,
}

impl Decode for Decoder {
    fn event(&mut self, data: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        // Imitators end as chat completions do.
        if matches!(data.trim_ascii(), b"" | b"[DONE]") {
            return Ok(());
        }
        let event: Event = serde_json::from_slice(data).map_err(|error| Fault::malformed(&error))?;
        match event {
            Event::Created { response } => self.ending.model = response.model,
            Event::ItemAdded { output_index, item } => {
                // A thought may be silent for long: that is not yet a sign of work that goes on.
                self.ending.has_begun |= item["type"] != "reasoning";
                if item["type"] == "function_call" {
                    let arguments = String::new();
                    let call = OpenCall { id: word(&item["call_id"]), name: word(&item["name"]), arguments };
                    self.open.insert(output_index, call);
                }
            }
            Event::TextDelta { delta } => self.say(Delta::Text, delta, into),
            Event::ThoughtDelta { delta } => self.say(Delta::Thinking, delta, into),
            Event::SummaryAdded { summary_index } => {
                if summary_index > 0 {
                    self.say(Delta::Thinking, "\n\n".into(), into);
                }
            }
            Event::ArgumentsDelta { output_index, delta } => {
                if let Some(open) = self.open.get_mut(&output_index) {
                    open.arguments.push_str(&delta);
                }
            }
            Event::ItemDone { output_index, item } => {
                let open = self.open.remove(&output_index).unwrap_or_default();
                self.ending.has_begun |= item["type"] != "reasoning";
                self.item(&item, open, into);
            }
            Event::Ended { response } => {
                for (_, open) in std::mem::take(&mut self.open) {
                    self.call(open.close(self.calls), into);
                }
                self.end(response)?;
                self.ending.is_done = true;
            }
            Event::Error(error) => return Err(Fault::Reported(reported(&error))),
            Event::Other => {}
        }
        Ok(())
    }

    fn document(&mut self, body: &[u8], into: &mut Vec<Delta>) -> Result<(), Fault> {
        let mut answer: Answer = serde_json::from_slice(body).map_err(|error| Fault::malformed(&error))?;
        for item in answer.output.take().unwrap_or_default() {
            for part in item["content"].as_array().into_iter().flatten() {
                let text = part["text"].as_str().or(part["refusal"].as_str()).unwrap_or_default();
                let delta = if item["type"] == "reasoning" { Delta::Thinking } else { Delta::Text };
                self.say(delta, text.into(), into);
            }
            for (place, part) in item["summary"].as_array().into_iter().flatten().enumerate() {
                let between = if place > 0 { "\n\n" } else { "" };
                self.say(Delta::Thinking, format!("{between}{}", word(&part["text"])), into);
            }
            self.item(&item, OpenCall::default(), into);
        }
        self.end(answer)
    }

    fn ending(&self) -> &Ending {
        &self.ending
    }

    fn holds_back(&self) -> bool {
        !self.open.is_empty()
    }
}

impl Decoder {
    fn say(&mut self, delta: fn(String) -> Delta, text: String, into: &mut Vec<Delta>) {
        self.ending.has_begun = true;
        if !text.is_empty() {
            into.push(delta(text));
        }
    }

    fn call(&mut self, call: ToolCall, into: &mut Vec<Delta>) {
        self.calls += 1;
        into.push(Delta::ToolCall(call));
    }

    /// What an item that is whole says that its deltas did not.
    fn item(&mut self, item: &Value, mut open: OpenCall, into: &mut Vec<Delta>) {
        match item["type"].as_str().unwrap_or_default() {
            "message" => {}
            "reasoning" => {
                if let Some(encrypted) = item["encrypted_content"].as_str() {
                    into.push(Delta::Signature(proof::read(&word(&item["id"]), encrypted)));
                }
            }
            "function_call" => {
                (open.id, open.name) = (word(&item["call_id"]), word(&item["name"]));
                if let Some(whole) = item["arguments"].as_str().filter(|whole| !whole.is_empty()) {
                    open.arguments = whole.into();
                }
                self.call(open.close(self.calls), into);
            }
            // A kind of tool that only this dialect has, and so only a request that is passed on.
            other => {
                let id = item["call_id"].as_str().or(item["id"].as_str()).unwrap_or_default();
                let call = ToolCall { id: id.into(), name: other.into(), arguments: item.to_string() };
                into.push(Delta::ToolCall(call));
            }
        }
    }

    fn end(&mut self, answer: Answer) -> Result<(), Fault> {
        if let Some(error) = answer.error.filter(|error| !error.is_null()) {
            return Err(Fault::Reported(reported(&error)));
        }
        self.ending.model = answer.model.or(self.ending.model.take());
        self.ending.usage = answer.usage.map(Usage::from);
        self.ending.finish_reason = match answer.status.as_deref() {
            Some("completed") if self.calls > 0 => Some(FinishReason::ToolCalls),
            Some("completed") => Some(FinishReason::Stop),
            Some("incomplete") => {
                let reason = answer.incomplete_details.and_then(|details| details.reason);
                Some(match reason.as_deref() {
                    Some("content_filter") => FinishReason::ContentFilter,
                    Some("max_output_tokens") | None => FinishReason::Length,
                    Some(other) => FinishReason::Other(other.to_owned()),
                })
            }
            None => None,
            Some(other) => return Err(Fault::Reported(format!("the answer is {other}"))),
        };
        Ok(())
    }
}

fn reported(error: &Value) -> String {
    message_of(error.get("error").unwrap_or(error)).unwrap_or_else(|| error.to_string())
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "response.created")]
    Created { response: Answer },
    #[serde(rename = "response.output_item.added")]
    ItemAdded { output_index: u64, item: Value },
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    TextDelta { delta: String },
    #[serde(rename = "response.reasoning_summary_text.delta", alias = "response.reasoning_text.delta")]
    ThoughtDelta { delta: String },
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryAdded { summary_index: u64 },
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta { output_index: u64, delta: String },
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: u64, item: Value },
    #[serde(
        rename = "response.completed",
        alias = "response.incomplete",
        alias = "response.failed",
        alias = "response.cancelled"
    )]
    Ended { response: Answer },
    #[serde(rename = "error")]
    Error(Value),
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Answer {
    model: Option<String>,
    status: Option<String>,
    output: Option<Vec<Value>>,
    incomplete_details: Option<Incomplete>,
    usage: Option<Counts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens_details: Option<OutputDetails>,
}

#[derive(Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        Self {
            tokens_in: counts.input_tokens.unwrap_or(0),
            tokens_out: counts.output_tokens.unwrap_or(0),
            tokens_cached: counts.input_tokens_details.and_then(|it| it.cached_tokens).unwrap_or(0),
            tokens_thinking: counts.output_tokens_details.and_then(|it| it.reasoning_tokens).unwrap_or(0),
            ..Self::default()
        }
    }
}
