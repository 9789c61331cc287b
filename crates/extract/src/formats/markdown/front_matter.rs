//! What stands between `---` or `+++` at the beginning of a Markdown file.

use pulldown_cmark::MetadataBlockKind;
use serde_json::Value;

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::Result;
use crate::formats::tree;
use crate::moment;

/// Takes title, authors and time from front matter; the rest becomes a paragraph of `key: value` lines.
pub(super) fn read(
    text: &str,
    kind: MetadataBlockKind,
    place: &Place,
    collector: &mut Collector<'_>,
) -> Result<()> {
    let value = match kind {
        MetadataBlockKind::YamlStyle => tree::yaml(text),
        MetadataBlockKind::PlusesStyle => tree::toml(text),
    };
    let Some(Value::Object(fields)) = value else {
        return collector.push(text, Role::Paragraph, place.clone());
    };
    for (key, value) in &fields {
        match key.to_lowercase().as_str() {
            "title" => collector.set_title(&tree::scalar(value).unwrap_or_default()),
            "author" | "authors" | "by" => authors(value, collector),
            "date" | "created" | "created_at" | "published" | "pubdate" => {
                let time = tree::scalar(value).and_then(|text| moment::parse(&text));
                collector.created = collector.created.or(time);
            }
            _ => {}
        }
    }
    let mut lines = String::new();
    for entry in tree::entries(&Value::Object(fields), collector)? {
        lines.push_str(&entry.text);
        lines.push('\n');
    }
    collector.push(lines, Role::Paragraph, place.clone())
}

fn authors(value: &Value, collector: &mut Collector<'_>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| authors(value, collector)),
        Value::Object(fields) => {
            if let Some(name) = fields.get("name").and_then(Value::as_str) {
                collector.add_author(name);
            }
        }
        value => collector.add_author(&tree::scalar(value).unwrap_or_default()),
    }
}
