//! A message in JSON, by the names that programs give its parts.

use kernel::Timestamp;
use serde_json::Value;

use crate::moment;

const AUTHORS: &[&str] = &["author", "role", "sender", "from", "user", "username", "speaker", "name"];
const TEXTS: &[&str] = &["text", "content", "message", "body", "value"];
const TIMES: &[&str] = &[
    "time",
    "timestamp",
    "created_at",
    "create_time",
    "date",
    "datetime",
    "sent_at",
    "sent",
    "ts",
    "created",
];

/// A message of a chat.
pub(super) struct Message {
    pub author: Option<String>,
    pub time: Option<Timestamp>,
    pub text: String,
}

impl Message {
    /// Whether a value has the parts of a message; its text may be empty.
    pub fn is(value: &Value) -> bool {
        author(value).is_some() && field(value, TEXTS).is_some()
    }

    /// The message that a value is, if it has any text.
    pub fn of(value: &Value) -> Option<Self> {
        let text = TEXTS.iter().filter_map(|name| value.get(name)).map(|value| text(value, 0));
        let text = text.into_iter().find(|text| !text.trim().is_empty())?;
        let time = field(value, TIMES).and_then(|value| match value {
            Value::Number(number) => moment::of_number(number.as_f64()?),
            Value::String(text) => moment::parse(text),
            _ => None,
        });
        Some(Self { author: author(value), time, text })
    }
}

/// The first of these members that is there and not null.
pub(super) fn field<'v>(value: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().filter_map(|name| value.get(name)).find(|value| !value.is_null())
}

/// Who wrote it: a name, or an object that holds one.
fn author(value: &Value) -> Option<String> {
    let author = match field(value, AUTHORS)? {
        Value::String(name) => name,
        author @ Value::Object(_) => {
            field(author, &["name", "real_name", "display_name", "username", "role", "email", "id"])?
                .as_str()?
        }
        _ => return None,
    };
    (!author.trim().is_empty()).then(|| author.trim().to_owned())
}

/// A text, or the texts of its parts, one a line.
fn text(value: &Value, depth: usize) -> String {
    const DEEPEST: usize = 8;
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) if depth < DEEPEST => {
            let parts = parts.iter().map(|part| text(part, depth + 1)).filter(|part| !part.is_empty());
            parts.collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) if depth < DEEPEST => field(value, &["text", "parts", "content", "value"])
            .map_or(String::new(), |part| text(part, depth + 1)),
        _ => String::new(),
    }
}
