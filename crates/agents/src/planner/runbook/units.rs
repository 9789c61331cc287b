//! What the nodes of one section mean, in order: prose, code, checks, approvals, steps.
//!
//! Invariant: steps do not nest here. The outermost list item that is work opens a step; items
//! inside it label its code or are its detail.

use super::document::{Node, Section};
use super::settings;
use crate::plan::CodeLanguage;
use crate::planner::approval::{Approval, approval_in};
use crate::planner::rules::inline;
use crate::planner::words::{fold, sentences, without_label, words};

/// One thing that a section says.
pub(super) enum Entry {
    /// Detail.
    Prose(String),
    /// A code block.
    Code { info: Option<String>, text: String },
    /// Code that a list item asks to run.
    Run(CodeLanguage, String),
    /// An acceptance criterion.
    Task(String),
    /// A sentence that asks for approval, or says that its section needs it.
    Approve(String, Approval),
    /// The steps of this section or item come after those named.
    After(Vec<String>),
    /// A name for the code that follows, `None` where it ends.
    Label(Option<String>),
    /// A list item that is a step begins; `is_task` when it was a `- [ ]`.
    OpenStep { title: String, number: Option<usize>, is_task: bool },
    /// It ends.
    CloseStep,
}

/// How the section's own heading changes what its list items are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemsAre {
    /// Steps, or detail when the section has code.
    Steps,
    /// Detail, unless they hold code: the section is a report or a gate.
    Detail,
    /// Steps when they are numbered, else detail: the section introduces the whole.
    StepsIfOrdered,
}

struct Item {
    text: String,
    has_code: bool,
}

/// The entries of a section.
pub(super) fn entries(section: &Section, items_are: ItemsAre) -> Vec<Entry> {
    let items = items(section);
    let has_code = section.nodes.iter().any(|node| matches!(node, Node::Code { info: Some(_), .. }));
    let mut reader = Reader { entries: Vec::new(), open: Vec::new(), step_depth: None, has_code, items_are };
    let mut next_item = 0;
    let mut consumed = false;
    for node in &section.nodes {
        match node {
            Node::ItemStart { ordered, is_task } => {
                reader.open_item(&items[next_item], *ordered, *is_task);
                next_item += 1;
                consumed = true;
            }
            Node::ItemEnd => {
                reader.close_item();
                consumed = false;
            }
            // The first text of an item was read when the item began.
            Node::Text(_) if std::mem::take(&mut consumed) => {}
            Node::Text(text) => reader.prose(text),
            Node::Code { info, text } => {
                consumed = false;
                reader.entries.push(Entry::Code { info: info.clone(), text: text.clone() });
            }
        }
    }
    reader.entries
}

/// For every list item, in order, its first text and whether it holds a code block.
fn items(section: &Section) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut fresh = false;
    for node in &section.nodes {
        match node {
            Node::ItemStart { .. } => {
                open.push(items.len());
                items.push(Item { text: String::new(), has_code: false });
                fresh = true;
                continue;
            }
            Node::ItemEnd => {
                if let Some(closed) = open.pop()
                    && items[closed].has_code
                    && let Some(&outer) = open.last()
                {
                    items[outer].has_code = true;
                }
            }
            Node::Text(text) if fresh => {
                if let Some(&item) = open.last() {
                    items[item].text.clone_from(text);
                }
            }
            Node::Text(_) => {}
            Node::Code { info, .. } => {
                if let Some(&item) = open.last() {
                    items[item].has_code |= info.is_some();
                }
            }
        }
        fresh = false;
    }
    items
}

struct Reader {
    entries: Vec<Entry>,
    /// For every open item whether it is labelling the code in it.
    open: Vec<bool>,
    /// The depth at which the open step began.
    step_depth: Option<usize>,
    has_code: bool,
    items_are: ItemsAre,
}

impl Reader {
    fn open_item(&mut self, item: &Item, ordered: bool, is_task: bool) {
        self.open.push(false);
        let text = item.text.trim();
        if let Some(names) = after_line(text) {
            self.entries.push(Entry::After(names));
        } else if is_task && !item.has_code {
            self.entries.push(match approval_in(text) {
                Some(Approval::Asks) => Entry::Approve(text.to_owned(), Approval::Asks),
                _ => Entry::Task(text.to_owned()),
            });
        } else if self.step_depth.is_some() {
            self.open_inner_item(item, text);
        } else {
            self.open_outer_item(item, text, ordered, is_task);
        }
    }

    fn open_inner_item(&mut self, item: &Item, text: &str) {
        if item.has_code && !text.is_empty() {
            self.entries.push(Entry::Label(Some(text.to_owned())));
            if let Some(labels) = self.open.last_mut() {
                *labels = true;
            }
        } else if let Some(approval) = approval_in(text) {
            self.entries.push(Entry::Approve(text.to_owned(), approval));
        } else if !text.is_empty() {
            self.entries.push(Entry::Prose(format!("- {text}")));
        }
    }

    fn open_outer_item(&mut self, item: &Item, text: &str, ordered: bool, is_task: bool) {
        let command = inline::asked_command(text);
        let is_step = item.has_code
            || match self.items_are {
                ItemsAre::Steps => ordered || !self.has_code || command.is_some(),
                ItemsAre::StepsIfOrdered => ordered || command.is_some(),
                ItemsAre::Detail => false,
            };
        if is_step && (item.has_code || !text.is_empty()) {
            let (number, title) = without_label(text);
            self.entries.push(Entry::OpenStep { title: title.to_owned(), number, is_task });
            self.step_depth = Some(self.open.len());
            if let Some((language, code)) = command.filter(|_| !item.has_code) {
                self.entries.push(Entry::Run(language, code));
            }
        } else if let Some(approval) = approval_in(text) {
            self.entries.push(Entry::Approve(text.to_owned(), approval));
        } else if !text.is_empty() {
            self.entries.push(Entry::Prose(format!("- {text}")));
        }
    }

    fn close_item(&mut self) {
        if self.step_depth == Some(self.open.len()) {
            self.step_depth = None;
            self.entries.push(Entry::CloseStep);
        }
        if self.open.pop() == Some(true) {
            self.entries.push(Entry::Label(None));
        }
    }

    /// A paragraph: lines that name inputs or dependencies, sentences that ask for approval, and
    /// the rest.
    fn prose(&mut self, text: &str) {
        let mut kept = String::new();
        for line in text.lines() {
            if let Some(names) = after_line(line) {
                self.entries.push(Entry::After(names));
            } else if settings::inputs_line(line).is_none() {
                kept.push_str(line);
                kept.push('\n');
            }
        }
        let mut rest = String::new();
        for sentence in sentences(&kept) {
            match approval_in(sentence) {
                Some(approval) => {
                    self.flush_prose(&mut rest);
                    self.entries.push(Entry::Approve(sentence.to_owned(), approval));
                }
                None => {
                    if !rest.is_empty() {
                        rest.push(' ');
                    }
                    rest.push_str(sentence);
                }
            }
        }
        self.flush_prose(&mut rest);
    }

    fn flush_prose(&mut self, rest: &mut String) {
        if !rest.is_empty() {
            self.entries.push(Entry::Prose(std::mem::take(rest)));
        }
    }
}

/// The names in a line such as `Depends on: Load, Clean` or `Depois de: Carregar`.
pub(super) fn after_line(line: &str) -> Option<Vec<String>> {
    let (key, value) = line.split_once(':')?;
    matches!(
        fold(key.trim().trim_matches('*')).as_str(),
        "depends on" | "after" | "needs" | "requires" | "depende de" | "depois de" | "apos" | "dependencias"
    )
    .then(|| names(value.trim_start_matches('*')))
    .filter(|names| !names.is_empty())
}

/// What a title says of its order in its last brackets, and the title without it:
/// `Plot (after Load and Clean)`, `Verificar (em paralelo)`.
pub(super) fn order_in_title(title: &str) -> (String, Option<Order>) {
    let trimmed = title.trim();
    let order =
        trimmed.strip_suffix(')').and_then(|open| open.rsplit_once('(')).and_then(|(before, inside)| {
            let said = words(inside);
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            let skip = match said.as_slice() {
                ["in", "parallel"] | ["em", "paralelo"] | ["parallel"] => {
                    return Some((before.trim().to_owned(), Some(Order::Parallel)));
                }
                ["depends", "on", _, ..]
                | ["depende", "de" | "da" | "do", _, ..]
                | ["depois", "de" | "da" | "do", _, ..] => 2,
                ["after" | "apos", _, ..] => 1,
                _ => return None,
            };
            let rest = inside.split_whitespace().skip(skip).collect::<Vec<_>>().join(" ");
            // “(after approval)” speaks of a gate, not of a step's name.
            (approval_in(inside).is_none() && !before.trim().is_empty())
                .then(|| (before.trim().to_owned(), Some(Order::After(names(&rest)))))
        });
    order.unwrap_or_else(|| (trimmed.to_owned(), None))
}

/// What a title says of its order.
pub(super) enum Order {
    /// The steps under it do not wait for one another.
    Parallel,
    /// It waits for these.
    After(Vec<String>),
}

fn names(list: &str) -> Vec<String> {
    list.split([',', ';'])
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" e "))
        .map(|name| name.trim().trim_matches(['`', '"', '“', '”', '.', '*']).trim().to_owned())
        .filter(|name| !name.is_empty())
        .take(50)
        .collect()
}
