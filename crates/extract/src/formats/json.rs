//! JSON and JSON lines: exports of chats and notebooks by what they mean, everything else by its keys.

mod notebook;

use serde_json::Value;

use crate::collector::Collector;
use crate::document::{Kind, Place, Role};
use crate::error::{Error, Result};
use crate::formats::{chat, text, tree};

/// Reads one JSON value and says what it was.
pub(crate) fn read(json: &str, collector: &mut Collector<'_>) -> Result<Kind> {
    check_size(json, collector)?;
    let value: Value = match serde_json::from_str(json) {
        Ok(value) => value,
        Err(error) => {
            collector.note(format!("It is not valid JSON ({error}) and was read as plain text"));
            text::read(json, collector)?;
            return Ok(Kind::Text);
        }
    };
    if chat::read_value(&value, collector)? {
        return Ok(Kind::Chat);
    }
    if notebook::read(&value, collector)? {
        return Ok(Kind::Json);
    }
    tree::push(&value, collector)?;
    Ok(Kind::Json)
}

/// Reads a JSON value from each line. A line that is none is kept as text.
pub(crate) fn read_lines(json: &str, collector: &mut Collector<'_>) -> Result<Kind> {
    let lines = || (1_u64..).zip(json.lines()).filter(|(_, line)| !line.trim().is_empty());
    if chat::read_lines(lines(), collector)? {
        return Ok(Kind::Chat);
    }
    let mut broken = 0;
    for (number, line) in lines() {
        let place = Place::Lines { first: number, last: number };
        let path = vec![format!("[{number}]")];
        let Some(value) = value_of_line(line, collector)? else {
            broken += 1;
            collector.push(line, Role::Entry { path }, place)?;
            continue;
        };
        let entries = tree::entries(&value, collector)?;
        let text = entries.into_iter().map(|entry| entry.text).collect::<Vec<_>>().join("\n");
        collector.push(text, Role::Entry { path }, place)?;
    }
    if broken > 0 {
        collector.note(format!("{broken} lines are not valid JSON and were read as plain text"));
    }
    Ok(Kind::JsonLines)
}

/// The value of a line; `None` if it is no JSON.
pub(crate) fn value_of_line(line: &str, collector: &Collector<'_>) -> Result<Option<Value>> {
    check_size(line, collector)?;
    Ok(serde_json::from_str(line).ok())
}

/// Refuses what would take too much memory or stack, before anything is built from it.
fn check_size(json: &str, collector: &Collector<'_>) -> Result<()> {
    // The parser's own limit is at 128 levels.
    const DEEPEST: usize = 127;
    let limit = collector.limits.depth.min(DEEPEST);
    if json.starts_with(['{', '[']) || json.trim_start().starts_with(['{', '[']) {
        if tree::nesting(json, true) > limit {
            return Err(Error::too_complex(format!("its values are nested more than {limit} deep")));
        }
        let values = json.bytes().filter(|byte| *byte == b',').count();
        // Commas stand in texts too, but there are at least so many bytes to each.
        if values > collector.limits.parts.saturating_mul(2) {
            return Err(Error::too_complex(format!(
                "it falls into more than {} parts",
                collector.limits.parts
            )));
        }
    }
    Ok(())
}
