//! Joins a new answer to one that broke off.
//!
//! The next provider is asked to go on where the text ends. Some do; others begin anew. What comes
//! is held against what was already said: a repetition is swallowed, a continuation passed on, and
//! what is neither where only a repetition can fit is refused.

use crate::message::{Format, Message, Part, Request, ToolCall};
use crate::provider::Delta;

/// What the client already has, and how much of it the new answer has said again.
#[derive(Debug)]
pub(super) struct Splice {
    /// The text that was said, until it is known how the new answer relates to it.
    said: Option<String>,
    /// The new answer's text so far, while it could still be a repetition.
    heard: String,
    /// The tool calls that were handed on and have not come again.
    calls: std::collections::VecDeque<ToolCall>,
    may_continue: bool,
}

/// The new answer cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mismatch;

/// How a model is asked to go on.
const GO_ON: &str = "Your answer above was cut off by a failure of the connection. Go on with it from exactly \
    the next character. Do not repeat anything, do not comment on this, and write only what follows.";

impl Splice {
    pub fn new(said: &[Part], may_continue: bool) -> Self {
        let calls = said.iter().filter_map(|part| match part {
            Part::ToolCall { call } => Some(call.clone()),
            _ => None,
        });
        let text = crate::message::text_of(said);
        Self {
            said: (!text.is_empty()).then_some(text),
            heard: String::new(),
            calls: calls.collect(),
            may_continue,
        }
    }

    /// What of a delta is new.
    pub fn join(&mut self, delta: Delta) -> Result<Vec<Delta>, Mismatch> {
        match delta {
            Delta::Text(text) => self.text(text),
            // The thought behind an answer was shown once.
            Delta::Thinking(_) | Delta::Signature(_) => Ok(Vec::new()),
            Delta::ToolCall(call) => {
                let mut new = self.end_of_text()?;
                match self.calls.pop_front() {
                    Some(before)
                        if before.name == call.name && same_json(&before.arguments, &call.arguments) => {}
                    Some(_) => return Err(Mismatch),
                    None => new.push(Delta::ToolCall(call)),
                }
                Ok(new)
            }
        }
    }

    /// What is still to be said when the new answer has ended.
    pub fn finish(&mut self) -> Result<Vec<Delta>, Mismatch> {
        let rest = self.end_of_text()?;
        if self.calls.is_empty() { Ok(rest) } else { Err(Mismatch) }
    }

    fn text(&mut self, text: String) -> Result<Vec<Delta>, Mismatch> {
        let Some(said) = &self.said else { return Ok(vec![Delta::Text(text)]) };
        self.heard.push_str(&text);
        if said.starts_with(&self.heard) && said.len() > self.heard.len() {
            return Ok(Vec::new());
        }
        let new = match self.heard.strip_prefix(said.as_str()) {
            Some(rest) => rest.to_owned(),
            None if self.may_continue => std::mem::take(&mut self.heard),
            None => return Err(Mismatch),
        };
        self.said = None;
        Ok(if new.is_empty() { Vec::new() } else { vec![Delta::Text(new)] })
    }

    /// No more text comes: what looked like the start of a repetition was a short continuation.
    fn end_of_text(&mut self) -> Result<Vec<Delta>, Mismatch> {
        match self.said.take() {
            None => Ok(Vec::new()),
            Some(_) if self.heard.is_empty() && self.may_continue => Ok(Vec::new()),
            Some(_) if self.may_continue => Ok(vec![Delta::Text(std::mem::take(&mut self.heard))]),
            Some(_) => Err(Mismatch),
        }
    }
}

fn same_json(one: &str, other: &str) -> bool {
    let read = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    one == other || read(one).is_some_and(|value| Some(value) == read(other))
}

/// The request that has an answer gone on with, and whether it can be gone on with at all: JSON and
/// tool calls can only be written anew.
pub(super) fn continuation(request: &Request, said: &[Part]) -> (Request, bool) {
    let is_text = said.iter().all(|part| matches!(part, Part::Text { .. } | Part::Thinking { .. }));
    let text = crate::message::text_of(said);
    if !is_text || text.is_empty() || request.format != Format::Text || request.untranslatable.is_some() {
        return (request.clone(), false);
    }
    let mut messages = request.messages.to_vec();
    messages.push(Message::assistant(text));
    messages.push(Message::user(GO_ON));
    (Request { messages: messages.into(), raw: None, ..request.clone() }, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joins `new`, cut into pieces of every size, to `said`.
    #[track_caller]
    fn check(said: &str, new: &str, may_continue: bool, expected: Result<&str, Mismatch>) {
        for size in 1..=new.len().max(1) {
            let mut splice = Splice::new(&[Part::text(said)], may_continue);
            let pieces = new.as_bytes().chunks(size);
            let mut joined = Ok(said.to_owned());
            let mut take = |more: Result<Vec<Delta>, Mismatch>| {
                joined = joined.clone().and_then(|text| {
                    Ok(more?.into_iter().fold(text, |text, delta| match delta {
                        Delta::Text(more) => text + &more,
                        other => panic!("{other:?}"),
                    }))
                });
            };
            for piece in pieces {
                take(splice.join(Delta::Text(String::from_utf8(piece.to_vec()).unwrap())));
            }
            take(splice.finish());
            assert_eq!(joined.as_deref().map_err(|error| *error), expected, "pieces of {size}");
        }
    }

    #[test]
    fn repetitions_are_swallowed_and_continuations_passed_on() {
        check("Hello wor", "Hello world", true, Ok("Hello world"));
        check("Hello wor", "Hello world", false, Ok("Hello world"));
        check("Hello wor", "ld", true, Ok("Hello world"));
        check("Hello wor", "ld", false, Err(Mismatch));
        check("Hello", "Hello", true, Ok("Hello"));
        check("ha ha", " ha", true, Ok("ha ha ha"));
        check("ab", "a", true, Ok("aba"));
        check("ab", "a", false, Err(Mismatch));
        check("Hello", "", true, Ok("Hello"));
        check("", "Hello", false, Ok("Hello"));
    }

    #[test]
    fn tool_calls_that_were_handed_on_must_come_again() {
        let call = |id: &str, arguments: &str| ToolCall {
            id: id.into(),
            name: "add".into(),
            arguments: arguments.into(),
        };
        let said = [Part::text("I add."), Part::ToolCall { call: call("1", r#"{"a":1}"#) }];
        let mut splice = Splice::new(&said, false);
        assert_eq!(splice.join(Delta::Text("I add.".into())), Ok(vec![]));
        assert_eq!(splice.join(Delta::ToolCall(call("x", r#"{ "a": 1 }"#))), Ok(vec![]));
        let new = Delta::ToolCall(call("y", "{}"));
        assert_eq!(splice.join(new.clone()), Ok(vec![new]));
        assert_eq!(splice.finish(), Ok(vec![]));

        let mut splice = Splice::new(&said[1..], false);
        assert_eq!(splice.join(Delta::ToolCall(call("x", r#"{"a":2}"#))), Err(Mismatch));
        assert_eq!(Splice::new(&said[1..], false).finish(), Err(Mismatch));
    }
}
