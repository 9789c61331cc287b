//! A session as a page without scripts.

use std::sync::Arc;

use ::studio::agent::Turn;
use ::studio::agent::conversation::Entry;
use models::Part;

use super::super::preview::escaped;

const PAGE: &str = include_str!("page.html");

/// The page of a session: its conversation, and its app if it has one.
pub(super) fn of(name: &str, turns: &[Arc<Turn>], app: Option<&str>) -> String {
    let mut said = String::new();
    for turn in turns {
        said.push_str(&format!("<article class=\"person\"><p>{}</p></article>\n", escaped(&turn.input.text)));
        let texts = turn.entries.iter().filter_map(|entry| match entry {
            Entry::Thought { parts, .. } => Some(parts.iter().filter_map(Part::as_text).collect::<String>()),
            _ => None,
        });
        let text: Vec<String> = texts.filter(|text| !text.trim().is_empty()).collect();
        let changed = match turn.changed.as_slice() {
            [] => String::new(),
            files => format!("<p class=\"files\">{}</p>", escaped(&files.join(", "))),
        };
        if !text.is_empty() || !changed.is_empty() {
            let text = escaped(&text.join("\n\n"));
            said.push_str(&format!("<article class=\"agent\"><p>{text}</p>{changed}</article>\n"));
        }
    }
    if said.is_empty() {
        said.push_str("<p class=\"empty\">Nothing was said yet.</p>");
    }
    let app = app.map_or_else(String::new, |address| {
        format!("<iframe title=\"App\" src=\"{}\" sandbox=\"allow-scripts allow-same-origin allow-forms\"></iframe>", escaped(address))
    });
    PAGE.replace("{name}", &escaped(name)).replace("{app}", &app).replace("{said}", &said)
}

/// What is shown for a link that is over.
pub(super) fn ended() -> String {
    let said = "<p class=\"empty\">This link is over, or was never one. Ask for a new one.</p>";
    PAGE.replace("{name}", "Not shared").replace("{app}", "").replace("{said}", said)
}
