//! Slack's zip file: a file for each channel and day, and another that says who is who.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::COLLECTION;
use crate::archive::members::{Listed, Member, Members};
use crate::archive::reading::{ForeignFile, Given, Halt, Item, MAX_FILE_BYTES, Recognised, Sink};

/// Reads every day of every channel: one document each.
///
/// # Errors
/// [`Halt::Gone`]; what cannot be read is told as an item.
pub(super) fn read(
    users: &Member,
    members: &mut Members,
    listed: &[Listed],
    given: &Given,
    sink: Sink<'_>,
) -> Result<(), Halt> {
    sink(Item::Recognised(Recognised::Slack))?;
    let people = match members.read(users, MAX_FILE_BYTES) {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let (team, names) = (team_of(&people), names_of(&people));
    let root = users.path.strip_suffix("users.json").unwrap_or_default();
    for listed in listed {
        let member = match listed {
            Ok(member) => member,
            Err((name, error)) => {
                let error = kernel::Error::new(error.kind, error.code, error.message.clone());
                sink(Item::Failed { name: name.clone(), error })?;
                continue;
            }
        };
        let path = member.path.strip_prefix(root).unwrap_or(&member.path);
        let day =
            path.split_once('/').and_then(|(channel, file)| Some((channel, file.strip_suffix(".json")?)));
        let Some((channel, day)) = day.filter(|(_, day)| !day.contains('/')) else {
            // Lists of channels, of integrations and the like.
            continue;
        };
        let item = match members.read(member, MAX_FILE_BYTES) {
            Ok(bytes) => {
                let title = format!("#{channel} {day}");
                let thread = format!("slack/{team}/{channel}");
                let attributes = BTreeMap::from([("thread_id".to_owned(), thread.clone())]);
                let bytes = with_names(bytes, &names);
                let file = ForeignFile { name: format!("{channel}-{day}.json"), title, bytes, attributes };
                given.foreign(COLLECTION, format!("slack:{team}"), format!("{thread}/{day}"), file)
            }
            Err(error) => Item::Failed { name: member.path.clone(), error },
        };
        sink(item)?;
    }
    Ok(())
}

fn team_of(people: &Value) -> String {
    people.get(0).and_then(|user| user.get("team_id")?.as_str()).unwrap_or("team").to_owned()
}

fn names_of(people: &Value) -> HashMap<String, String> {
    let name_of = |user: &Value| {
        let names = ["/profile/display_name", "/profile/real_name", "/real_name", "/name"];
        let name =
            names.iter().filter_map(|path| user.pointer(path)?.as_str()).find(|name| !name.is_empty())?;
        Some((user.get("id")?.as_str()?.to_owned(), name.to_owned()))
    };
    people.as_array().into_iter().flatten().filter_map(name_of).collect()
}

/// Writes the name of who wrote it to every message that has only a number for them.
fn with_names(bytes: Vec<u8>, names: &HashMap<String, String>) -> Vec<u8> {
    let Ok(Value::Array(mut messages)) = serde_json::from_slice(&bytes) else { return bytes };
    for message in messages.iter_mut().filter_map(Value::as_object_mut) {
        let name = message.get("user").and_then(Value::as_str).and_then(|id| names.get(id));
        if let Some(name) = name {
            message.insert("user_profile".into(), json!({ "display_name": name }));
        }
    }
    Value::Array(messages).to_string().into_bytes()
}
