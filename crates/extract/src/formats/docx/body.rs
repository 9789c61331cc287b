//! The text of a DOCX: paragraphs, headings, lists and tables.
//!
//! Elements are read as they come; what is deleted, hidden or there twice for older programs is left
//! out.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, BytesText, Event};

use super::styles::{Style, Styles, of_name};
use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::{Error, Result};
use crate::formats::table;

/// Reads a part that holds paragraphs. Text after broken XML is lost, and said in the notes.
pub(super) fn read(xml: &str, styles: &Styles, collector: &mut Collector<'_>) -> Result<()> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let number = collector.blocks().len() as u64;
    let mut body = Body {
        styles,
        collector,
        number,
        paragraph: Paragraph::default(),
        in_text: false,
        left_out: None,
        tables: 0,
        row: Row::default(),
    };
    loop {
        match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => body.take(event)?,
            Err(error) if body.number == 0 => {
                return Err(Error::damaged(format!("its text is no XML ({error})")));
            }
            Err(_) => {
                body.collector.note("It is damaged; what follows the damage was not read");
                break;
            }
        }
    }
    body.end_paragraph()?;
    body.end_row()
}

/// An attribute by its name without prefix.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    const LOOK_AT: usize = 64;
    let mut attributes = tag.attributes();
    let attributes = attributes.with_checks(false).take(LOOK_AT).flatten();
    for attribute in attributes {
        if attribute.key.local_name().as_ref() == name {
            return Some(quick_xml::escape::unescape(&attribute.value).ok()?.into_owned());
        }
    }
    None
}

/// The text of a text event; entities come as events of their own.
pub(super) fn unescaped(text: &BytesText<'_>) -> String {
    text.xml10_content().into_owned()
}

/// What `&name;` or `&#number;` stands for.
pub(super) fn reference(name: &BytesRef<'_>) -> String {
    if let Ok(Some(letter)) = name.resolve_char_ref() {
        return letter.to_string();
    }
    quick_xml::escape::resolve_predefined_entity(name).unwrap_or("").to_owned()
}

struct Body<'b, 'l> {
    styles: &'b Styles,
    collector: &'b mut Collector<'l>,
    /// How many blocks there were.
    number: u64,
    paragraph: Paragraph,
    in_text: bool,
    /// The element that is being left out, and how many of its name are open.
    left_out: Option<(String, usize)>,
    tables: usize,
    row: Row,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<Style>,
    /// How deep it is in a list, from 0.
    list: Option<usize>,
}

#[derive(Default)]
struct Row {
    cells: Vec<String>,
    header: bool,
}

impl Body<'_, '_> {
    fn take(&mut self, event: Event<'_>) -> Result<()> {
        match event {
            Event::Start(tag) => {
                self.start(&tag)?;
                if self.left_out.is_none() && is_left_out(tag.local_name().as_ref()) {
                    self.left_out = Some((tag.local_name().as_ref().to_owned(), 1));
                }
            }
            Event::Empty(tag) => {
                let left_out = self.left_out.take();
                if left_out.is_none() {
                    self.start(&tag)?;
                }
                self.left_out = left_out;
            }
            Event::End(tag) => self.end(tag.local_name().as_ref())?,
            Event::Text(text) if self.in_text => self.paragraph.text.push_str(&unescaped(&text)),
            Event::GeneralRef(name) if self.in_text => self.paragraph.text.push_str(&reference(&name)),
            Event::CData(text) if self.in_text => self.paragraph.text.push_str(&text),
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<()> {
        let name = tag.local_name();
        let name = name.as_ref();
        if let Some((left_out, open)) = &mut self.left_out {
            *open += usize::from(left_out == name);
            return Ok(());
        }
        match name {
            "t" => self.in_text = true,
            "tab" if self.in_paragraph() => self.paragraph.text.push('\t'),
            "br" | "cr" => self.paragraph.text.push('\n'),
            "noBreakHyphen" => self.paragraph.text.push('-'),
            "pStyle" => {
                let id = attribute(tag, "val").unwrap_or_default();
                self.paragraph.style = self.styles.get(&id).copied().or_else(|| of_name(&id));
            }
            "outlineLvl" => {
                let level = attribute(tag, "val").and_then(|level| level.parse::<u8>().ok());
                if let Some(level) = level.filter(|level| *level < 9) {
                    self.paragraph.style.get_or_insert(Style::Heading((level + 1).min(6)));
                }
            }
            "ilvl" => {
                let level = attribute(tag, "val").and_then(|level| level.parse::<usize>().ok());
                self.paragraph.list = Some(level.unwrap_or(0).min(8));
            }
            "numPr" => {
                self.paragraph.list.get_or_insert(0);
            }
            "tbl" => self.tables += 1,
            "tr" if self.tables == 1 => self.row = Row::default(),
            "tblHeader" => {
                self.row.header = attribute(tag, "val").is_none_or(|value| value != "0" && value != "false")
            }
            "tc" if self.tables == 1 => {
                self.collector.count(1)?;
                self.row.cells.push(String::new());
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<()> {
        if let Some((left_out, open)) = &mut self.left_out {
            if left_out == name {
                *open -= 1;
                if *open == 0 {
                    self.left_out = None;
                }
            }
            return Ok(());
        }
        match name {
            "t" => self.in_text = false,
            "p" => self.end_paragraph()?,
            "tr" if self.tables == 1 => self.end_row()?,
            "tbl" => self.tables = self.tables.saturating_sub(1),
            _ => {}
        }
        Ok(())
    }

    /// A tab stands in runs and, with another meaning, in the settings of a paragraph, before any text.
    fn in_paragraph(&self) -> bool {
        !self.paragraph.text.is_empty()
    }

    fn end_paragraph(&mut self) -> Result<()> {
        let Paragraph { text, style, list } = std::mem::take(&mut self.paragraph);
        if let Some(cell) = self.row.cells.last_mut().filter(|_| self.tables > 0) {
            cell.push_str(&text);
            cell.push(' ');
            return Ok(());
        }
        let role = match (style, list) {
            (Some(Style::Title), _) => {
                self.collector.set_title(&text);
                Role::Heading(1)
            }
            (Some(Style::Heading(level)), _) => {
                if level == 1 {
                    self.collector.set_title(&text);
                }
                Role::Heading(level)
            }
            (_, Some(depth)) => {
                return self.push(format!("{}- {text}", "  ".repeat(depth)), Role::ListItem, &text);
            }
            (Some(Style::ListItem), None) => return self.push(format!("- {text}"), Role::ListItem, &text),
            (Some(Style::Quote), None) => Role::Quote,
            (Some(Style::Code), None) => Role::Code { language: None },
            (None, None) => Role::Paragraph,
        };
        self.push(text.clone(), role, &text)
    }

    fn end_row(&mut self) -> Result<()> {
        let row = std::mem::take(&mut self.row);
        let text = table::joined(row.cells.iter().map(String::as_str));
        self.push(text.clone(), Role::TableRow { header: row.header }, &text)
    }

    fn push(&mut self, text: String, role: Role, said: &str) -> Result<()> {
        if said.trim().is_empty() {
            return Ok(());
        }
        self.number += 1;
        self.collector.push(text, role, Place::Paragraphs { first: self.number, last: self.number })
    }
}

/// What was deleted, is computed, or stands there again for older programs.
fn is_left_out(name: &str) -> bool {
    matches!(
        name,
        "del" | "delText" | "moveFrom" | "instrText" | "Fallback" | "sectPr" | "rPrChange" | "pPrChange"
    )
}
