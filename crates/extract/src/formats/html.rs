//! HTML: its main text as headings, paragraphs, lists, tables and code.
//!
//! The tokenizer's tokens are read as they come and no tree is built: what a million unclosed tags
//! cost is what a million short words cost. Navigation, scripts, forms and whatever else is not text
//! is left out ([`elements`]); where a page marks its main part, that part alone is kept.
//!
//! Start reading at [`read`], then [`Reader::open`].

mod elements;

use encoding_rs::Encoding;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::collector::Collector;
use crate::document::{Place, Role};
use crate::encoding;
use crate::error::{Error, Result};
use crate::formats::table::BETWEEN_CELLS;
use crate::language::Language;
use crate::limits::Limits;
use crate::moment;
use elements::{Element, Meaning};

/// Reads a page.
pub(crate) fn read(text: &str, collector: &mut Collector<'_>) -> Result<()> {
    let page = Page::of(text, collector.limits)?;
    collector.set_title(&page.title);
    page.authors.iter().for_each(|author| collector.add_author(author));
    collector.created = collector.created.or(page.created.as_deref().and_then(moment::parse));
    for (number, part) in (1_u64..).zip(page.main_parts()) {
        if part.role == Role::Heading(1) {
            collector.set_title(&part.text);
        }
        collector.push(part.text, part.role, Place::Paragraphs { first: number, last: number })?;
    }
    Ok(())
}

/// The blocks of a piece of HTML within another document.
pub(crate) fn fragment(text: &str, limits: &Limits) -> Result<Vec<(Role, String)>> {
    let page = Page::of(text, limits)?;
    Ok(page.parts.into_iter().map(|part| (part.role, part.text)).collect())
}

/// What `<meta charset>` or an XML declaration says, looked for where it must stand.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    const LOOK_AT: usize = 4096;
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOK_AT)]).to_ascii_lowercase();
    let begins = start.trim_start();
    if !begins.starts_with('<') {
        return None;
    }
    let name = if begins.starts_with("<?xml") { "encoding=" } else { "charset=" };
    let after = start.split_once(name)?.1.trim_start_matches(['"', '\'', ' ']);
    encoding::named(
        after.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-_:".contains(letter)).next()?,
    )
}

/// What a page says.
#[derive(Default)]
struct Page {
    title: String,
    authors: Vec<String>,
    created: Option<String>,
    parts: Vec<Part>,
    bytes: usize,
}

/// A block, and whether it is in what the page marks as its main part.
struct Part {
    role: Role,
    text: String,
    main: bool,
}

impl Page {
    fn of(text: &str, limits: &Limits) -> Result<Self> {
        let (page, cut) = Reader::read(text, limits, false)?;
        // What is left out began and never ended: then it is better to keep what it swallowed.
        if cut { Ok(Reader::read(text, limits, true)?.0) } else { Ok(page) }
    }

    /// The parts in the main part of the page, if it has one that holds much of the text.
    fn main_parts(self) -> impl Iterator<Item = Part> {
        let size = |parts: &mut dyn Iterator<Item = &Part>| parts.map(|part| part.text.len()).sum::<usize>();
        let (all, main) =
            (size(&mut self.parts.iter()), size(&mut self.parts.iter().filter(|part| part.main)));
        let only_main = main * 5 >= all * 2;
        self.parts.into_iter().filter(move |part| part.main || !only_main)
    }
}

struct Reader<'l> {
    limits: &'l Limits,
    page: Page,
    /// Whether only scripts and the like are left out.
    keep_navigation: bool,
    tag: Tag,
    /// The element that is being left out, and how many of its name are open.
    left_out: Option<(Vec<u8>, usize)>,
    in_title: bool,
    mains: usize,
    open: Open,
    lists: Vec<Option<u64>>,
    quotes: usize,
    pre: usize,
    table: Table,
    error: Option<Error>,
}

/// A start tag while its attributes are read.
#[derive(Default)]
struct Tag {
    name: Vec<u8>,
    attribute: Vec<u8>,
    hidden: bool,
    main: bool,
    class: String,
    meta_name: String,
    meta_content: String,
    start: Option<u64>,
}

/// The block that text is being added to.
#[derive(Default)]
struct Open {
    role: Option<Role>,
    text: String,
    marker: bool,
}

#[derive(Default)]
struct Table {
    depth: usize,
    row: Option<String>,
    cells: usize,
    headers: usize,
}

impl<'l> Reader<'l> {
    fn read(text: &str, limits: &'l Limits, keep_navigation: bool) -> Result<(Page, bool)> {
        let mut reader = Self {
            limits,
            page: Page::default(),
            keep_navigation,
            tag: Tag::default(),
            left_out: None,
            in_title: false,
            mains: 0,
            open: Open::default(),
            lists: Vec::new(),
            quotes: 0,
            pre: 0,
            table: Table::default(),
            error: None,
        };
        let mut emitter = CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| {
            reader.take(event);
            reader.error.is_some().then_some(())
        });
        emitter.naively_switch_states(true);
        // The first item is there when something has gone wrong: reading ends.
        let _ = Tokenizer::new_with_emitter(text, emitter).next();
        reader.end_row();
        reader.end();
        match reader.error {
            Some(error) => Err(error),
            None => Ok((reader.page, reader.left_out.is_some() && !keep_navigation)),
        }
    }

    fn take(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Tag { name: name.to_vec(), ..Tag::default() };
            }
            CallbackEvent::AttributeName { name } => {
                self.tag.attribute = name.to_vec();
                self.tag.hidden |= name == b"hidden";
            }
            CallbackEvent::AttributeValue { value } => self.tag.take(&String::from_utf8_lossy(value)),
            CallbackEvent::CloseStartTag { self_closing } => self.start(self_closing),
            CallbackEvent::EndTag { name } => self.close(name),
            CallbackEvent::String { value } => self.add(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
    }

    fn start(&mut self, self_closing: bool) {
        let tag = std::mem::take(&mut self.tag);
        let element = Element::of(&tag.name);
        if let Some((name, open)) = &mut self.left_out {
            *open += usize::from(*name == tag.name && !element.is_void());
            return;
        }
        let leave_out = match element.meaning {
            Meaning::NoText => true,
            Meaning::Navigation => !self.keep_navigation && self.mains == 0,
            _ => tag.hidden && !self.keep_navigation,
        };
        if leave_out && !element.is_void() && !self_closing {
            self.end();
            self.left_out = Some((tag.name, 1));
            return;
        }
        self.open(element.meaning, &tag);
    }

    /// What a start tag does.
    fn open(&mut self, meaning: Meaning, tag: &Tag) {
        self.mains += usize::from(tag.main || meaning == Meaning::Main);
        match meaning {
            Meaning::Title => self.in_title = self.page.title.is_empty(),
            Meaning::Meta => tag.describe(&mut self.page),
            Meaning::Heading(level) => self.begin(Role::Heading(level)),
            Meaning::Code => {
                self.pre += 1;
                self.begin(Role::Code { language: tag.language() });
            }
            Meaning::InlineCode if self.pre > 0 => {
                if let (Some(Role::Code { language }), Some(named)) = (&mut self.open.role, tag.language()) {
                    *language = Some(named);
                }
            }
            Meaning::Quote => {
                self.end();
                self.quotes += 1;
            }
            Meaning::List { ordered } => {
                self.end();
                if self.lists.len() < self.limits.depth {
                    self.lists.push(ordered.then_some(tag.start.unwrap_or(1)));
                }
            }
            Meaning::Item => self.begin_item(),
            Meaning::Table => {
                self.end();
                self.table.depth += 1;
            }
            Meaning::Row if self.table.depth <= 1 => {
                self.end_row();
                self.table.row = Some(String::new());
            }
            Meaning::Cell { header } if self.table.depth <= 1 => self.begin_cell(header),
            Meaning::Break => self.push_break("\n"),
            Meaning::Block | Meaning::Main | Meaning::Row | Meaning::Cell { .. } => self.end(),
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) {
        if let Some((left_out, open)) = &mut self.left_out {
            if left_out == name {
                *open -= 1;
                if *open == 0 {
                    self.left_out = None;
                }
            }
            return;
        }
        match Element::of(name).meaning {
            Meaning::Title => self.in_title = false,
            Meaning::Code => {
                self.end();
                self.pre = self.pre.saturating_sub(1);
            }
            Meaning::Quote => {
                self.end();
                self.quotes = self.quotes.saturating_sub(1);
            }
            Meaning::List { .. } => {
                self.end();
                self.lists.pop();
            }
            Meaning::Main => {
                self.end();
                self.mains = self.mains.saturating_sub(1);
            }
            Meaning::Table => {
                self.end_row();
                self.end();
                self.table.depth = self.table.depth.saturating_sub(1);
            }
            Meaning::Row if self.table.depth <= 1 => self.end_row(),
            Meaning::Block | Meaning::Heading(_) | Meaning::Item | Meaning::Row => self.end(),
            _ => {}
        }
    }

    fn add(&mut self, text: &str) {
        if self.left_out.is_some() {
            return;
        }
        if self.in_title {
            self.page.title.push_str(text);
            return;
        }
        if let Some(row) = self.table.row.as_mut().filter(|_| self.table.cells > 0) {
            push_collapsed(row, text);
            return;
        }
        if self.pre > 0 {
            self.open.text.push_str(text);
            return;
        }
        if self.open.role.is_none() && text.trim().is_empty() {
            return;
        }
        self.open.role.get_or_insert(if self.quotes > 0 { Role::Quote } else { Role::Paragraph });
        push_collapsed(&mut self.open.text, text);
    }

    fn begin(&mut self, role: Role) {
        self.end();
        if self.table.row.is_none() {
            self.open = Open { role: Some(role), text: String::new(), marker: false };
        }
    }

    fn begin_item(&mut self) {
        const DEEPEST_INDENT: usize = 8;
        self.begin(Role::ListItem);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(DEEPEST_INDENT));
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number = number.saturating_add(1);
                format!("{}. ", number.saturating_sub(1))
            }
            _ => "- ".into(),
        };
        if self.table.row.is_none() {
            self.open.text = indent + &marker;
            self.open.marker = true;
        }
    }

    fn begin_cell(&mut self, header: bool) {
        let row = self.table.row.get_or_insert_default();
        if self.table.cells > 0 {
            row.truncate(row.trim_end().len());
            row.push_str(BETWEEN_CELLS);
        }
        self.table.cells += 1;
        self.table.headers += usize::from(header);
    }

    fn push_break(&mut self, with: &str) {
        if let Some(row) = &mut self.table.row {
            push_collapsed(row, " ");
        } else if self.open.role.is_some() {
            self.open.text.push_str(with);
        }
    }

    /// Ends the block that is open; in a cell, it becomes a space.
    fn end(&mut self) {
        if let Some(row) = &mut self.table.row {
            push_collapsed(row, " ");
            return;
        }
        // `<li><p>` begins one block, not two.
        if self.open.marker && self.open.text.split_whitespace().count() <= 1 {
            return;
        }
        let open = std::mem::take(&mut self.open);
        if let Some(role) = open.role {
            self.push(role, open.text);
        }
    }

    fn end_row(&mut self) {
        let Some(row) = self.table.row.take() else { return };
        let header = self.table.cells > 0 && self.table.headers == self.table.cells;
        (self.table.cells, self.table.headers) = (0, 0);
        if row.chars().any(|letter| letter != ' ' && letter != '|') {
            self.push(Role::TableRow { header }, row);
        }
    }

    fn push(&mut self, role: Role, text: String) {
        if text.trim().is_empty() {
            return;
        }
        self.page.bytes += text.len();
        if self.page.bytes as u64 > self.limits.text_bytes {
            let (bytes, limit) = (self.page.bytes as u64, self.limits.text_bytes);
            self.error = Some(Error::TooLarge { what: "text".into(), bytes, exact: false, limit });
        } else if self.page.parts.len() >= self.limits.parts {
            self.error =
                Some(Error::too_complex(format!("it falls into more than {} parts", self.limits.parts)));
        } else {
            self.page.parts.push(Part { role, text, main: self.mains > 0 });
        }
    }
}

impl Tag {
    fn take(&mut self, value: &str) {
        match self.attribute.as_slice() {
            b"class" => {
                // The sign beside a heading that links to it.
                const PERMALINKS: [&str; 4] = ["headerlink", "anchor", "permalink", "heading-link"];
                self.hidden |=
                    self.name == b"a" && value.split_whitespace().any(|class| PERMALINKS.contains(&class));
                self.class = value.to_owned();
            }
            b"role" => self.main |= value == "main",
            b"aria-hidden" => self.hidden |= value == "true",
            b"style" => self.hidden |= value.replace(' ', "").to_ascii_lowercase().contains("display:none"),
            b"name" | b"property" => self.meta_name = value.to_ascii_lowercase(),
            b"content" => self.meta_content = value.to_owned(),
            b"start" => self.start = value.trim().parse().ok(),
            _ => {}
        }
    }

    /// The language that a class like `language-rust` names.
    fn language(&self) -> Option<Language> {
        let mut classes = self.class.split_whitespace();
        let prefixes = ["language-", "lang-", "highlight-source-", "brush:"];
        classes.find_map(|class| {
            let name = prefixes.iter().find_map(|prefix| class.strip_prefix(prefix))?;
            Language::of_fence(name)
        })
    }

    fn describe(&self, page: &mut Page) {
        const MOST_AUTHORS: usize = 100;
        match self.meta_name.as_str() {
            "author" | "article:author" if page.authors.len() < MOST_AUTHORS => {
                page.authors.push(self.meta_content.clone());
            }
            "date" | "article:published_time" | "dc.date" | "dcterms.created" | "pubdate" => {
                page.created.get_or_insert_with(|| self.meta_content.clone());
            }
            _ => {}
        }
    }
}

/// Adds text with every run of white space as one space.
fn push_collapsed(to: &mut String, text: &str) {
    let white = |letter: char| letter.is_whitespace();
    for (index, word) in text.split(white).enumerate() {
        if index > 0 && !to.is_empty() && !to.ends_with(white) {
            to.push(' ');
        }
        to.push_str(word);
    }
}
