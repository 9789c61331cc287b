//! Markdown: headings, paragraphs, lists, tables, quotes and code, each with its lines. Front matter
//! gives title, authors and time; of links, Obsidian's included, the words remain.

mod front_matter;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::error::Result;
use crate::formats::{html, table};
use crate::language::Language;

/// Reads a file of Markdown.
pub(crate) fn read(text: &str, collector: &mut Collector<'_>) -> Result<()> {
    read_at(text, None, collector)
}

/// Reads Markdown that stands at one place of another document.
pub(crate) fn read_within(text: &str, place: &Place, collector: &mut Collector<'_>) -> Result<()> {
    read_at(text, Some(place), collector)
}

fn read_at(text: &str, within: Option<&Place>, collector: &mut Collector<'_>) -> Result<()> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
        | Options::ENABLE_WIKILINKS;
    let lines = Lines { text, at: 0, line: 1, within };
    let mut reader =
        Reader { collector, lines, open: None, lists: Vec::new(), quotes: 0, state: State::default() };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.take(event, range)?;
    }
    reader.end()
}

struct Reader<'c, 'l, 't> {
    collector: &'c mut Collector<'l>,
    lines: Lines<'t>,
    open: Option<Open>,
    /// The number of the next item of each list that is open; `None` for lists without numbers.
    lists: Vec<Option<u64>>,
    quotes: usize,
    state: State,
}

/// A block that text is being added to.
struct Open {
    role: Role,
    text: String,
    bytes: Range<usize>,
}

/// Where the reader is apart from lists and quotes.
#[derive(Default)]
struct State {
    cells: Vec<String>,
    cell: Option<String>,
    metadata: Option<String>,
    markup: Option<String>,
}

impl Reader<'_, '_, '_> {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) -> Result<()> {
        match event {
            Event::Start(tag) => return self.start(tag, range),
            Event::End(tag) => return self.finish(tag, range),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.add(&text, range);
            }
            Event::SoftBreak | Event::HardBreak => self.add("\n", range),
            Event::Html(markup) => {
                if let Some(all) = &mut self.state.markup {
                    all.push_str(&markup);
                }
            }
            Event::InlineHtml(markup) => {
                if markup.starts_with("<br") {
                    self.add("\n", range);
                }
            }
            Event::FootnoteReference(name) => self.add(&format!("[{name}]"), range),
            Event::TaskListMarker(done) => self.add(if done { "[x] " } else { "[ ] " }, range),
            Event::Rule => self.end()?,
        }
        Ok(())
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) -> Result<()> {
        match tag {
            Tag::Paragraph => self.begin_paragraph(range)?,
            Tag::Heading { level, .. } => self.begin(Role::Heading(level as u8), range)?,
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => Language::of_fence(&info),
                    CodeBlockKind::Indented => None,
                };
                self.begin(Role::Code { language }, range)?;
            }
            Tag::BlockQuote(_) => {
                self.end()?;
                self.quotes += 1;
            }
            Tag::List(first) => {
                self.end()?;
                self.lists.push(first);
            }
            Tag::Item => self.begin_item(range)?,
            Tag::FootnoteDefinition(name) => {
                self.begin(Role::Paragraph, range.clone())?;
                self.add(&format!("[{name}]: "), range);
            }
            Tag::HtmlBlock => {
                self.end()?;
                self.state.markup = Some(String::new());
            }
            Tag::TableHead | Tag::TableRow => {
                self.end()?;
                self.state.cells.clear();
            }
            Tag::TableCell => self.state.cell = Some(String::new()),
            Tag::MetadataBlock(_) => self.state.metadata = Some(String::new()),
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self, tag: TagEnd, range: Range<usize>) -> Result<()> {
        match tag {
            // A loose item's paragraphs belong to it.
            TagEnd::Paragraph if !self.lists.is_empty() => {}
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::Item
            | TagEnd::FootnoteDefinition => self.end()?,
            TagEnd::BlockQuote(_) => {
                self.end()?;
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::List(_) => {
                self.end()?;
                self.lists.pop();
            }
            TagEnd::TableCell => self.state.cells.extend(self.state.cell.take()),
            TagEnd::TableHead | TagEnd::TableRow => {
                let row = table::joined(self.state.cells.iter().map(String::as_str));
                self.collector.count(self.state.cells.len())?;
                let header = matches!(tag, TagEnd::TableHead);
                let place = self.lines.place(&range);
                self.collector.push(row, Role::TableRow { header }, place)?;
            }
            TagEnd::HtmlBlock => {
                let markup = self.state.markup.take().unwrap_or_default();
                let place = self.lines.place(&range);
                for (role, text) in html::fragment(&markup, self.collector.limits)? {
                    self.collector.push(text, role, place.clone())?;
                }
            }
            TagEnd::MetadataBlock(kind) => {
                let text = self.state.metadata.take().unwrap_or_default();
                let place = self.lines.place(&range);
                front_matter::read(&text, kind, &place, self.collector)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, text: &str, range: Range<usize>) {
        if let Some(metadata) = &mut self.state.metadata {
            metadata.push_str(text);
        } else if let Some(cell) = &mut self.state.cell {
            cell.push_str(text);
        } else if let Some(open) = &mut self.open {
            open.text.push_str(text);
            open.bytes.end = open.bytes.end.max(range.end);
        } else {
            let role = if self.quotes > 0 { Role::Quote } else { Role::Paragraph };
            self.open = Some(Open { role, text: text.to_owned(), bytes: range });
        }
    }

    fn begin(&mut self, role: Role, range: Range<usize>) -> Result<()> {
        self.end()?;
        self.open = Some(Open { role, text: String::new(), bytes: range.start..range.start });
        Ok(())
    }

    fn begin_paragraph(&mut self, range: Range<usize>) -> Result<()> {
        if !self.lists.is_empty() {
            if let Some(open) = &mut self.open {
                // The first paragraph of an item follows its marker.
                if !open.text.trim_end().ends_with(['-', '.'])
                    || open.text.contains('\n')
                    || open.text.len() > 24
                {
                    open.text.push_str("\n\n");
                }
                return Ok(());
            }
            return self.begin(Role::ListItem, range);
        }
        self.begin(if self.quotes > 0 { Role::Quote } else { Role::Paragraph }, range)
    }

    fn begin_item(&mut self, range: Range<usize>) -> Result<()> {
        const DEEPEST_INDENT: usize = 8;
        self.begin(Role::ListItem, range)?;
        let depth = self.lists.len().saturating_sub(1).min(DEEPEST_INDENT);
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{}. ", number.saturating_sub(1))
            }
            _ => "- ".into(),
        };
        if let Some(open) = &mut self.open {
            open.text = "  ".repeat(depth) + &marker;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if matches!(open.role, Role::ListItem)
            && open.text.trim().trim_end_matches('.').parse::<u64>().is_ok()
            || open.text.trim() == "-"
        {
            return Ok(());
        }
        if open.role == Role::Heading(1) {
            self.collector.set_title(&open.text);
        }
        let place = self.lines.place(&open.bytes);
        self.collector.push(open.text, open.role, place)
    }
}

/// Finds the lines of positions that mostly grow.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
    /// The place of all of the text, if it is part of another document.
    within: Option<&'t Place>,
}

impl Lines<'_> {
    fn place(&mut self, bytes: &Range<usize>) -> Place {
        if let Some(place) = self.within {
            return place.clone();
        }
        let first = self.line_of(bytes.start);
        let bytes = self.text.as_bytes().get(bytes.clone()).unwrap_or_default();
        let bytes = bytes.trim_ascii_end();
        let last = first + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Place::Lines { first, last }
    }

    fn line_of(&mut self, position: usize) -> u64 {
        let bytes = self.text.as_bytes();
        let newlines = |range: Range<usize>| {
            bytes.get(range).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() as u64
        };
        if position >= self.at {
            self.line += newlines(self.at..position);
        } else {
            self.line -= newlines(position..self.at);
        }
        self.at = position;
        self.line
    }
}
