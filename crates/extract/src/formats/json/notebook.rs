//! Jupyter notebooks: cells of Markdown and of code.

use serde_json::Value;

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::Result;
use crate::formats::markdown;
use crate::language::Language;

/// Reads a notebook; `false` if the value is none.
pub(super) fn read(value: &Value, collector: &mut Collector<'_>) -> Result<bool> {
    let (Some(cells), Some(_)) = (value.get("cells").and_then(Value::as_array), value.get("nbformat")) else {
        return Ok(false);
    };
    let name =
        value.pointer("/metadata/kernelspec/language").or(value.pointer("/metadata/language_info/name"));
    let language = name.and_then(Value::as_str).and_then(Language::of_fence);
    for (index, cell) in cells.iter().enumerate() {
        let source = source(cell);
        if cell.get("cell_type").and_then(Value::as_str) == Some("markdown") {
            markdown::read_within(&source, &Place::Path(format!("cells[{index}]")), collector)?;
        } else {
            let role = Role::Code { language: language.clone() };
            collector.push(source, role, Place::Path(format!("cells[{index}]")))?;
        }
    }
    Ok(true)
}

fn source(cell: &Value) -> String {
    match cell.get("source") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}
