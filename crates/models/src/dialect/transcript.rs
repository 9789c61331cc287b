//! An answer as far as it has come.

use crate::message::{Part, ToolCall};
use crate::provider::Delta;

/// Gathers deltas into parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript {
    parts: Vec<Part>,
}

impl Transcript {
    pub fn push(&mut self, delta: &Delta) {
        match (delta, self.parts.last_mut()) {
            (Delta::Text(more), Some(Part::Text { text }))
            | (Delta::Thinking(more), Some(Part::Thinking { text, signature: None })) => text.push_str(more),
            (Delta::Signature(proof), Some(Part::Thinking { signature, .. })) if signature.is_none() => {
                *signature = Some(proof.clone());
            }
            (Delta::Text(text), _) => self.parts.push(Part::text(text)),
            (Delta::Thinking(text), _) => {
                self.parts.push(Part::Thinking { text: text.clone(), signature: None });
            }
            (Delta::Signature(proof), _) => {
                self.parts.push(Part::Thinking { text: String::new(), signature: Some(proof.clone()) });
            }
            (Delta::ToolCall(call), _) => self.parts.push(Part::ToolCall { call: call.clone() }),
        }
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// Whether there is anything that a person or a program can use.
    pub fn is_blank(&self) -> bool {
        self.parts.iter().all(|part| match part {
            Part::Text { text } => text.trim().is_empty(),
            part => !matches!(part, Part::ToolCall { .. }),
        })
    }
}

/// A tool call that is still being written.
#[derive(Debug, Default)]
pub(super) struct OpenCall {
    pub id: String,
    pub name: String,
    pub arguments: String,
}

impl OpenCall {
    /// The whole call. One without arguments has an empty object, which is what every client reads.
    pub fn close(self, number: usize) -> ToolCall {
        let arguments = if self.arguments.trim().is_empty() { "{}".into() } else { self.arguments };
        // Some imitators of OpenAI send no id, yet the tool's answer needs one to refer to.
        let id = if self.id.is_empty() { format!("call_{number}_{}", self.name) } else { self.id };
        ToolCall { id, name: self.name, arguments }
    }
}
