//! Exports of chats: one block for each message, with its author and time.
//!
//! Read are JSON lines and arrays of messages (`{author|role|…, text|content|…, time|…}`), ChatGPT's and
//! Claude's `conversations.json`, a Slack channel's JSON, and WhatsApp's text. Of several conversations
//! in one file, each begins with its title as a heading.

mod message;
mod slack;
mod whatsapp;

use serde_json::Value;

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::Result;
use crate::formats::json;
use message::{Message, field};

pub(crate) use whatsapp::{is_whatsapp, read as read_whatsapp};

/// How many of the first values must look like messages.
const LOOK_AT: usize = 20;

/// Reads a JSON value if it is an export of a chat, and says whether it was.
pub(crate) fn read_value(value: &Value, collector: &mut Collector<'_>) -> Result<bool> {
    let mut number = 0;
    if let Value::Array(values) = value {
        if slack::is_channel(values) {
            slack::read(values, collector)?;
            return Ok(true);
        }
        if are_messages(values.iter()) {
            push_all(values, &mut number, collector)?;
            return Ok(true);
        }
        let conversations = values.iter().take(LOOK_AT).filter(|value| is_conversation(value)).count();
        if conversations == 0 || conversations < values.len().min(LOOK_AT) {
            return Ok(false);
        }
        for conversation in values {
            read_conversation(conversation, &mut number, collector)?;
        }
        return Ok(number > 0);
    }
    if !is_conversation(value) {
        return Ok(false);
    }
    read_conversation(value, &mut number, collector)?;
    Ok(number > 0)
}

/// Reads JSON lines if they are messages, and says whether they were.
pub(crate) fn read_lines<'t>(
    lines: impl Iterator<Item = (u64, &'t str)>,
    collector: &mut Collector<'_>,
) -> Result<bool> {
    let mut lines = lines.peekable();
    let mut first = Vec::new();
    while first.len() < LOOK_AT {
        let Some((_, line)) = lines.peek() else { break };
        let Some(value) = json::value_of_line(line, collector)? else { return Ok(false) };
        first.push(value);
        lines.next();
    }
    if !are_messages(first.iter()) {
        return Ok(false);
    }
    let mut number = 0;
    push_all(&first, &mut number, collector)?;
    for (_, line) in lines {
        match json::value_of_line(line, collector)? {
            Some(value) => push(&value, &mut number, collector)?,
            None => collector.note("Some lines are no messages and were left out"),
        }
    }
    Ok(true)
}

/// Adds a message, numbered from 1.
fn push_message(message: Message, number: &mut u64, collector: &mut Collector<'_>) -> Result<()> {
    *number += 1;
    if let Some(author) = &message.author {
        collector.add_author(author);
    }
    if collector.created.is_none() {
        collector.created = message.time;
    }
    let role = Role::Message { author: message.author, time: message.time };
    collector.push(message.text, role, Place::Messages { first: *number, last: *number })
}

fn push(value: &Value, number: &mut u64, collector: &mut Collector<'_>) -> Result<()> {
    match Message::of(value) {
        Some(message) => push_message(message, number, collector),
        None => {
            *number += 1;
            Ok(())
        }
    }
}

fn push_all(values: &[Value], number: &mut u64, collector: &mut Collector<'_>) -> Result<()> {
    values.iter().try_for_each(|value| push(value, number, collector))
}

/// Whether most values have an author and a text.
fn are_messages<'v>(values: impl Iterator<Item = &'v Value>) -> bool {
    let (mut all, mut messages) = (0, 0);
    for value in values.take(LOOK_AT) {
        all += 1;
        messages += usize::from(Message::is(value));
    }
    all > 0 && messages * 10 >= all * 8
}

/// ChatGPT's have a `mapping`, Claude's `chat_messages`, others `messages`.
fn is_conversation(value: &Value) -> bool {
    value.get("mapping").is_some_and(Value::is_object)
        || value.get("chat_messages").is_some_and(Value::is_array)
        || value.get("messages").and_then(Value::as_array).is_some_and(|values| are_messages(values.iter()))
}

fn read_conversation(value: &Value, number: &mut u64, collector: &mut Collector<'_>) -> Result<()> {
    if let Some(title) = field(value, &["title", "name", "subject"]).and_then(Value::as_str) {
        collector.set_title(title);
        let place = Place::Messages { first: *number + 1, last: *number + 1 };
        collector.push(title, Role::Heading(1), place)?;
    }
    if let Some(nodes) = value.get("mapping").and_then(Value::as_object) {
        for message in in_order(nodes, value.get("current_node").and_then(Value::as_str)) {
            push(message, number, collector)?;
        }
    }
    for name in ["chat_messages", "messages"] {
        if let Some(messages) = value.get(name).and_then(Value::as_array) {
            push_all(messages, number, collector)?;
        }
    }
    Ok(())
}

/// The messages that lead to the current one. Where it is not said or leads nowhere, all of them as
/// they are stored.
fn in_order<'v>(nodes: &'v serde_json::Map<String, Value>, current: Option<&str>) -> Vec<&'v Value> {
    let mut path = Vec::new();
    let mut next = current;
    let mut steps = 0;
    while let Some(node) = next.and_then(|name| nodes.get(name)) {
        path.extend(node.get("message").filter(|message| !message.is_null()));
        steps += 1;
        // A loop would be longer than all of them.
        if steps > nodes.len() {
            path.clear();
            break;
        }
        next = node.get("parent").and_then(Value::as_str);
    }
    if path.is_empty() {
        return nodes.values().filter_map(|node| node.get("message")).collect();
    }
    path.reverse();
    path
}
