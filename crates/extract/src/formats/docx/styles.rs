//! Which styles of a DOCX are headings, titles or quotes.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::Event;

use super::body::attribute;

/// What a style makes of a paragraph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Title,
    Heading(u8),
    Quote,
    Code,
    ListItem,
}

/// Styles that mean something, by their ids.
pub(super) type Styles = HashMap<String, Style>;

/// Reads `word/styles.xml` as far as it is XML.
pub(super) fn read(xml: &str) -> Styles {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut styles = Styles::new();
    let mut id = String::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "style" => id = attribute(&tag, "styleId").unwrap_or_default(),
                "name" => {
                    if let Some(style) = attribute(&tag, "val").and_then(|name| of_name(&name)) {
                        styles.insert(id.clone(), style);
                    }
                }
                "outlineLvl" => {
                    let level = attribute(&tag, "val").and_then(|level| level.parse::<u8>().ok());
                    if let Some(level) = level.filter(|level| *level < 9) {
                        styles.entry(id.clone()).or_insert(Style::Heading((level + 1).min(6)));
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    styles
}

/// Word's own styles have these names in every language.
pub(super) fn of_name(name: &str) -> Option<Style> {
    let name = name.to_lowercase();
    if let Some(level) = name.strip_prefix("heading").and_then(|level| level.trim().parse::<u8>().ok()) {
        return Some(Style::Heading(level.clamp(1, 6)));
    }
    match name.as_str() {
        "title" => Some(Style::Title),
        "quote" | "intense quote" | "block text" => Some(Style::Quote),
        "html preformatted" | "plain text" | "macro" | "code" | "source code" => Some(Style::Code),
        _ if name.starts_with("list") => Some(Style::ListItem),
        _ => None,
    }
}
