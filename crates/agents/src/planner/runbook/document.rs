//! A Markdown text as sections of nodes: all a runbook needs of it, and nothing nested.
//!
//! Invariant: list items are flat markers in the sequence of nodes, so that no depth of nesting
//! costs stack.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::settings::{self, Settings};
use crate::plan::Language;
use crate::planner::approval::{approval_in, is_approval_title};
use crate::planner::words::{language_of, sentences};

/// A parsed runbook.
pub(super) struct Document {
    /// What the front matter says.
    front_matter: Settings,
    /// The text before the first heading (level 0), then one section for each heading.
    pub sections: Vec<Section>,
    /// The language of its prose.
    pub language: Language,
}

/// A heading and what stands under it, up to the next heading.
pub(super) struct Section {
    /// 1 to 6; 0 before the first heading.
    pub level: u8,
    /// The heading's text; code in it keeps its backquotes.
    pub title: String,
    /// The section of the nearest heading above it with a smaller level.
    pub parent: Option<usize>,
    /// Its content in order.
    pub nodes: Vec<Node>,
}

/// One thing in a section.
pub(super) enum Node {
    /// A paragraph, or the text of a list item; code in it keeps its backquotes.
    Text(String),
    /// A code block; `info` is `None` when it is indented rather than fenced.
    Code { info: Option<String>, text: String },
    /// A list item begins.
    ItemStart { ordered: bool, is_task: bool },
    /// The last list item that began ends.
    ItemEnd,
}

impl Document {
    /// Reads the text.
    pub fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (front_matter, body) = settings::front_matter(text);
        let mut reader = Reader::new();
        for event in Parser::new_ext(body, Options::ENABLE_TASKLISTS) {
            reader.take(event);
        }
        let sections = reader.finish();
        let language = front_matter.language.unwrap_or_else(|| language_of(&prose(&sections)));
        Self { front_matter, sections, language }
    }

    /// The rule of [`is_runbook`](super::is_runbook).
    pub fn is_runbook(&self) -> bool {
        let nodes = || self.sections.iter().flat_map(|section| &section.nodes);
        let structured =
            self.sections.len() > 1 || nodes().any(|node| matches!(node, Node::ItemStart { .. }));
        let works = |node: &Node| match node {
            Node::Code { info, .. } => info.is_some(),
            Node::ItemStart { is_task, .. } => *is_task,
            Node::Text(text) => sentences(text).iter().any(|sentence| approval_in(sentence).is_some()),
            Node::ItemEnd => false,
        };
        structured
            && (nodes().any(works)
                || self.sections.iter().any(|section| {
                    is_approval_title(&section.title) || approval_in(&section.title).is_some()
                }))
    }

    /// The section whose heading is the title of the whole: the first, when it stands alone above
    /// all others.
    pub fn title_section(&self) -> Option<usize> {
        let first = self.sections.get(1)?;
        let alone = self.sections[2..].iter().all(|section| section.level > first.level);
        let nothing_before = self.sections[0].nodes.is_empty();
        (self.sections.len() > 2 && alone && nothing_before).then_some(1)
    }

    /// Front matter and `Inputs:` lines together.
    pub fn settings(&self) -> Settings {
        let mut settings = self.front_matter.clone();
        for section in &self.sections {
            settings::inputs_of_section(section, &mut settings);
        }
        settings
    }
}

fn prose(sections: &[Section]) -> String {
    let mut prose = String::new();
    for section in sections {
        prose.push_str(&section.title);
        prose.push('\n');
        for node in &section.nodes {
            if let Node::Text(text) = node {
                prose.push_str(text);
                prose.push('\n');
            }
        }
    }
    prose
}

struct Reader {
    sections: Vec<Section>,
    text: String,
    code: Option<(Option<String>, String)>,
    heading: Option<u8>,
    html_depth: usize,
    list_is_ordered: Vec<bool>,
}

impl Reader {
    fn new() -> Self {
        let before = Section { level: 0, title: String::new(), parent: None, nodes: Vec::new() };
        Self {
            sections: vec![before],
            text: String::new(),
            code: None,
            heading: None,
            html_depth: 0,
            list_is_ordered: Vec::new(),
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None if self.html_depth == 0 => self.text.push_str(&text),
                None => {}
            },
            Event::Code(code) => {
                self.text.push('`');
                self.text.push_str(&code);
                self.text.push('`');
            }
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::Rule => self.flush(),
            Event::TaskListMarker(_) => self.mark_task(),
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level_number(level));
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.to_string()),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some((info, String::new()));
            }
            Tag::List(first) => {
                self.flush();
                self.list_is_ordered.push(first.is_some());
            }
            Tag::Item => {
                self.flush();
                let ordered = self.list_is_ordered.last().copied().unwrap_or(false);
                self.push(Node::ItemStart { ordered, is_task: false });
            }
            Tag::HtmlBlock => {
                self.flush();
                self.html_depth += 1;
            }
            Tag::Paragraph | Tag::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => self.open_section(),
            TagEnd::CodeBlock => {
                if let Some((info, text)) = self.code.take() {
                    self.push(Node::Code { info, text });
                }
            }
            TagEnd::List(_) => {
                self.flush();
                self.list_is_ordered.pop();
            }
            TagEnd::Item => {
                self.flush();
                self.push(Node::ItemEnd);
            }
            TagEnd::HtmlBlock => self.html_depth = self.html_depth.saturating_sub(1),
            TagEnd::Paragraph | TagEnd::BlockQuote(_) => self.flush(),
            _ => {}
        }
    }

    /// A heading inside a list item or quotation is text there: it opens no section.
    fn open_section(&mut self) {
        let Some(level) = self.heading.take() else { return };
        let title = std::mem::take(&mut self.text).replace('\n', " ").trim().to_owned();
        if title.is_empty() {
            return;
        }
        if !self.list_is_ordered.is_empty() {
            self.push(Node::Text(title));
            return;
        }
        let mut parent = Some(self.sections.len() - 1);
        while let Some(index) = parent {
            let section = &self.sections[index];
            if section.level < level && section.level > 0 {
                break;
            }
            parent = section.parent;
        }
        self.sections.push(Section { level, title, parent, nodes: Vec::new() });
    }

    fn mark_task(&mut self) {
        let last = self.sections.last_mut().and_then(|section| section.nodes.last_mut());
        if let Some(Node::ItemStart { is_task, .. }) = last {
            *is_task = true;
        }
    }

    fn flush(&mut self) {
        if self.heading.is_some() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        if !text.is_empty() {
            self.push(Node::Text(text.to_owned()));
        }
    }

    fn push(&mut self, node: Node) {
        if let Some(section) = self.sections.last_mut() {
            section.nodes.push(node);
        }
    }

    fn finish(mut self) -> Vec<Section> {
        self.flush();
        self.sections
    }
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
