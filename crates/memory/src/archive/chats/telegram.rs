//! Telegram's `result.json`: all chats, each with its messages.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::Value;

use super::COLLECTION;
use super::pieces::{Ended, each_of_list};
use crate::archive::reading::{ForeignFile, Given, Halt, Item, Recognised, Sink};

/// Where its chats are.
const CHATS: [&str; 2] = ["chats", "list"];

/// Reads all chats, and says whether there were any. A file of one chat alone is read as any file.
///
/// # Errors
/// [`Halt::Gone`]; within, what cannot be read.
pub(super) fn read(from: impl Read, given: &Given, sink: Sink<'_>) -> Result<kernel::Result<bool>, Halt> {
    let mut told = false;
    let ended = each_of_list(from, &CHATS, &mut |piece| {
        if !told {
            told = true;
            sink(Item::Recognised(Recognised::Telegram)).map_err(Ended::Halted)?;
        }
        sink(item_of(piece, given)).map_err(Ended::Halted)
    });
    match ended {
        Ok(_) => Ok(Ok(told)),
        Err(Ended::Halted(halt)) => Err(halt),
        Err(Ended::NotOne) => Ok(Ok(false)),
        Err(Ended::Unreadable(error)) if told => {
            sink(Item::Failed { name: given.name.clone(), error })?;
            Ok(Ok(true))
        }
        Err(Ended::Unreadable(error)) => Ok(Err(error)),
    }
}

fn item_of(piece: &str, given: &Given) -> Item {
    let Ok(mut chat) = serde_json::from_str::<Value>(piece) else { return Item::PassedOver };
    let id = chat.get("id").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    let (Some(id), Some(messages)) = (id, chat.get_mut("messages").and_then(Value::as_array_mut)) else {
        return Item::PassedOver;
    };
    // That somebody joined or changed a picture is no message.
    messages.retain(|message| message.get("type").and_then(Value::as_str) == Some("message"));
    for message in messages.iter_mut() {
        if let Some(text) = message.get_mut("text") {
            *text = Value::from(plain(text));
        }
    }
    let messages = std::mem::take(messages);
    if messages.is_empty() {
        return Item::PassedOver;
    }
    let title = chat.get("name").and_then(Value::as_str).unwrap_or("Saved messages").to_owned();
    let bytes = serde_json::json!({ "name": title, "messages": messages }).to_string().into_bytes();
    let attributes = BTreeMap::from([("thread_id".to_owned(), id.clone())]);
    let file = ForeignFile { name: format!("{title}.json"), title, bytes, attributes };
    given.foreign(COLLECTION, "telegram".into(), format!("telegram/{id}"), file)
}

/// A text of which some parts are links, names or bold, in one piece.
fn plain(text: &Value) -> String {
    match text {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(plain).collect(),
        Value::Object(part) => part.get("text").map(plain).unwrap_or_default(),
        _ => String::new(),
    }
}
