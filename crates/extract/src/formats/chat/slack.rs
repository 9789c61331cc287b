//! One channel of a Slack export: an array of messages of one day or of all.

use serde_json::Value;

use super::message::{Message, field};
use super::push_message;
use crate::collector::Collector;
use crate::error::Result;
use crate::moment;

/// Slack's messages have a `ts` like `1700000000.000100` and say that they are messages.
pub(super) fn is_channel(values: &[Value]) -> bool {
    values.first().is_some_and(|value| {
        value.get("ts").is_some_and(Value::is_string)
            && (value.get("type").and_then(Value::as_str) == Some("message") || value.get("user").is_some())
    })
}

pub(super) fn read(values: &[Value], collector: &mut Collector<'_>) -> Result<()> {
    // Names that stand at some messages explain the ids that stand in others.
    let mut names = std::collections::HashMap::new();
    for value in values {
        let profile = value.get("user_profile").and_then(name_of_profile);
        if let (Some(id), Some(name)) = (value.get("user").and_then(Value::as_str), profile) {
            names.insert(id, name);
        }
    }
    let name = |id: &str| names.get(id).map_or_else(|| id.to_owned(), |name| (*name).to_owned());
    let mut number = 0;
    for value in values {
        let text = value.get("text").and_then(Value::as_str).unwrap_or("");
        let author = value.get("user").and_then(Value::as_str).map(name);
        let author = author.or_else(|| field(value, &["username", "bot_id"])?.as_str().map(str::to_owned));
        let time = value.get("ts").and_then(Value::as_str).and_then(moment::parse);
        let message = Message { author, time, text: readable(text, &name) };
        push_message(message, &mut number, collector)?;
    }
    Ok(())
}

fn name_of_profile(profile: &Value) -> Option<&str> {
    let name = field(profile, &["display_name", "real_name", "name"])?.as_str()?;
    let name = if name.is_empty() { profile.get("real_name")?.as_str()? } else { name };
    (!name.is_empty()).then_some(name)
}

/// Mentions and links as a person reads them: `<@U1>` → `@Ada`, `<https://a.b|text>` → `text (https://a.b)`.
fn readable(text: &str, name: &impl Fn(&str) -> String) -> String {
    let mut readable = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        readable.push_str(before);
        // Looked for no further than the next sign, so that signs without an end cost nothing.
        let Some(end) = after.find(['<', '>']).filter(|end| after[*end..].starts_with('>')) else {
            readable.push('<');
            rest = after;
            continue;
        };
        let (inside, after) = (&after[..end], &after[end + 1..]);
        let (target, label) =
            inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
        match (target.chars().next(), label) {
            (Some('@'), None) => readable.push_str(&format!("@{}", name(&target[1..]))),
            (Some('@' | '#'), Some(label)) => {
                readable.push_str(&target[..1]);
                readable.push_str(label.trim_start_matches(['@', '#']));
            }
            (Some('!'), label) => readable.push_str(label.unwrap_or(&format!("@{}", &target[1..]))),
            (_, Some(label)) if label != target => readable.push_str(&format!("{label} ({target})")),
            _ => readable.push_str(target),
        }
        rest = after;
    }
    readable.push_str(rest);
    readable.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}
