//! Values within values: JSON, YAML and TOML become one line for each value, with the keys that lead
//! to it.

use serde_json::Value;

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::{Error, Result};
use crate::formats::text;

/// A value and the keys that lead to it.
pub(crate) struct Entry {
    pub path: Vec<String>,
    pub text: String,
}

/// Every value of a tree, in order. An array of plain values is one entry.
///
/// # Errors
/// [`Error::TooComplex`] if it is too deep or has too many values.
pub(crate) fn entries(value: &Value, collector: &mut Collector<'_>) -> Result<Vec<Entry>> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    walk(value, &mut path, &mut found, collector)?;
    Ok(found)
}

/// Hands every value of a tree to the collector as an entry.
pub(crate) fn push(value: &Value, collector: &mut Collector<'_>) -> Result<()> {
    if let Some(title) = value.get("title").and_then(Value::as_str) {
        collector.set_title(title);
    }
    for Entry { path, text } in entries(value, collector)? {
        let place = Place::Path(path_text(&path));
        collector.push(text, Role::Entry { path }, place)?;
    }
    Ok(())
}

/// YAML, all documents of a file; what is no YAML is read as text.
pub(crate) fn read_yaml(yaml: &str, collector: &mut Collector<'_>) -> Result<()> {
    let fits = nesting(yaml, false) <= collector.limits.depth;
    match fits.then(|| yaml_documents(yaml)) {
        Some(Ok(mut documents)) => {
            let value = if documents.len() == 1 { documents.remove(0) } else { Value::Array(documents) };
            if !matches!(value, Value::Array(_) | Value::Object(_)) {
                return text::read(yaml, collector);
            }
            push(&value, collector)
        }
        _ => {
            collector.note("It is not valid YAML and was read as plain text");
            text::read(yaml, collector)
        }
    }
}

/// TOML; what is no TOML is read as text.
pub(crate) fn read_toml(source: &str, collector: &mut Collector<'_>) -> Result<()> {
    let fits = nesting(source, false) <= collector.limits.depth;
    match fits.then(|| toml(source)).flatten() {
        Some(value) => push(&value, collector),
        None => {
            collector.note("It is not valid TOML and was read as plain text");
            text::read(source, collector)
        }
    }
}

/// One YAML document as a value.
pub(crate) fn yaml(text: &str) -> Option<Value> {
    const DEEPEST: usize = 100;
    if nesting(text, false) > DEEPEST {
        return None;
    }
    yaml_documents(text).ok()?.into_iter().next()
}

/// TOML as a value.
pub(crate) fn toml(text: &str) -> Option<Value> {
    const DEEPEST: usize = 100;
    if nesting(text, false) > DEEPEST {
        return None;
    }
    let table = text.parse::<toml::Table>().ok()?;
    Some(of_toml(toml::Value::Table(table)))
}

/// A plain value as text; `None` for arrays and objects.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => Some("null".into()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Keys as people write them: `users[3].name`.
pub(crate) fn path_text(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if !key.starts_with('[') && !text.is_empty() {
            text.push('.');
        }
        text.push_str(key);
    }
    text
}

/// How deep brackets are within each other, apart from those in strings; `strict` for JSON, where only
/// `"` begins a string.
pub(crate) fn nesting(text: &str, strict: bool) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if strict => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn walk(
    value: &Value,
    path: &mut Vec<String>,
    found: &mut Vec<Entry>,
    collector: &mut Collector<'_>,
) -> Result<()> {
    collector.count(1)?;
    if path.len() > collector.limits.depth {
        return Err(Error::too_complex(format!(
            "its values are nested more than {} deep",
            collector.limits.depth
        )));
    }
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                path.push(key.clone());
                walk(value, path, found, collector)?;
                path.pop();
            }
        }
        Value::Array(values) => {
            if let Some(plain) = values.iter().map(scalar).collect::<Option<Vec<_>>>() {
                collector.count(plain.len())?;
                if !plain.is_empty() {
                    found.push(entry(path, &plain.join(", "), collector)?);
                }
                return Ok(());
            }
            for (index, value) in values.iter().enumerate() {
                path.push(format!("[{index}]"));
                walk(value, path, found, collector)?;
                path.pop();
            }
        }
        value => found.push(entry(path, &scalar(value).unwrap_or_default(), collector)?),
    }
    Ok(())
}

fn entry(path: &[String], value: &str, collector: &mut Collector<'_>) -> Result<Entry> {
    // Every value carries all of its keys, so a few long ones can become very much text.
    let keys = path.iter().map(|key| key.len() + 1).sum::<usize>();
    collector.weigh(keys + value.len())?;
    let name = path_text(path);
    let text = if name.is_empty() { value.to_owned() } else { format!("{name}: {value}") };
    Ok(Entry { path: path.to_vec(), text })
}

fn yaml_documents(text: &str) -> Result<Vec<Value>, serde_yaml::Error> {
    use serde::Deserialize;
    let documents = serde_yaml::Deserializer::from_str(text);
    documents.map(|document| serde_yaml::Value::deserialize(document).map(of_yaml)).collect()
}

fn of_yaml(value: serde_yaml::Value) -> Value {
    use serde_yaml::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => {
            let whole = number.as_i64().map(Value::from).or_else(|| number.as_u64().map(Value::from));
            whole.unwrap_or_else(|| number.as_f64().map_or(Value::Null, Value::from))
        }
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(values) => Value::Array(values.into_iter().map(of_yaml).collect()),
        Yaml::Mapping(fields) => {
            let fields = fields.into_iter().map(|(key, value)| {
                let key = of_yaml(key);
                (scalar(&key).unwrap_or_else(|| key.to_string()), of_yaml(value))
            });
            Value::Object(fields.collect())
        }
        Yaml::Tagged(tagged) => of_yaml(tagged.value),
    }
}

fn of_toml(value: toml::Value) -> Value {
    use toml::Value as Toml;
    match value {
        Toml::String(text) => Value::String(text),
        Toml::Integer(number) => Value::from(number),
        Toml::Float(number) => Value::from(number),
        Toml::Boolean(value) => Value::Bool(value),
        Toml::Datetime(moment) => Value::String(moment.to_string()),
        Toml::Array(values) => Value::Array(values.into_iter().map(of_toml).collect()),
        Toml::Table(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, of_toml(value))).collect())
        }
    }
}
