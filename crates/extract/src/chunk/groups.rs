//! Gathers blocks that belong together and hands each group to be packed.
//!
//! A section is a group, and so is a message of a chat, what one e-mail says or quotes, an event, a
//! table, the values of a tree. A heading is never left behind by what follows it, unless that is
//! too long.

use kernel::Timestamp;

use super::atoms::{self, Atom};
use super::pack::pack;
use super::{ChunkOptions, Chunks, code};
use crate::collector::one_line;
use crate::document::{Block, Extracted, Kind, Role};
use crate::language::Language;

type Origin = (Option<String>, Option<Timestamp>);

/// Divides everything but source code.
pub(super) fn divide(document: &Extracted, chunks: &mut Chunks<'_>) {
    let mut divider = Divider {
        blocks: &document.blocks,
        chat: document.kind == Kind::Chat,
        mail: matches!(document.kind, Kind::Email | Kind::Mailbox),
        headings: Vec::new(),
        open: Group::default(),
        waiting: None,
        chunks,
    };
    let mut index = 0;
    while index < document.blocks.len() {
        index = divider.take(index);
    }
    divider.close();
    divider.emit_waiting();
}

#[derive(Default)]
struct Group<'d> {
    atoms: Vec<Atom<'d>>,
    path: Vec<String>,
    origin: Origin,
    /// Whether there is more in it than headings.
    body: bool,
    quote: bool,
    entries: bool,
    /// Whether it is several sections, and the path that of what they are in.
    merged: bool,
}

impl Group<'_> {
    fn chars(&self) -> usize {
        self.atoms.iter().map(|atom| atom.chars + atom.gap_chars).sum()
    }

    /// Whether it is a section that could be put together with others.
    fn is_section(&self) -> bool {
        self.body && !self.path.is_empty() && !self.quote && !self.entries && self.origin == (None, None)
    }

    /// The path of the section that a section stands in.
    fn parent(&self) -> &[String] {
        let parent = self.path.len() - usize::from(!self.merged && !self.path.is_empty());
        &self.path[..parent]
    }
}

struct Divider<'d, 'c, 'o> {
    blocks: &'d [Block],
    chat: bool,
    mail: bool,
    headings: Vec<(u8, &'d str)>,
    open: Group<'d>,
    /// A short section that the next one may be put to.
    waiting: Option<Group<'d>>,
    chunks: &'c mut Chunks<'o>,
}

impl<'d> Divider<'d, '_, '_> {
    /// Takes the block at `index`, or all rows of a table, and tells which is next.
    fn take(&mut self, index: usize) -> usize {
        let block = &self.blocks[index];
        match &block.role {
            Role::Heading(level) => self.heading(*level, index),
            Role::Message { author, time } => self.message((author.clone(), *time), index),
            Role::Event { start, organizer, .. } => {
                self.close();
                self.open.origin = (organizer.clone(), *start);
                self.add(index);
                self.close();
            }
            Role::Quote if self.mail => {
                if self.open.body && !self.open.quote {
                    self.close();
                }
                self.open.quote = true;
                self.open.origin = Origin::default();
                self.add(index);
            }
            Role::Entry { .. } => {
                if self.open.body && !self.open.entries {
                    self.close();
                }
                self.open.entries = true;
                self.add(index);
            }
            Role::TableRow { .. } => return self.table(index),
            Role::Code { language } if block.text.chars().count() > self.options().max_chars => {
                self.code(language.as_ref(), block);
            }
            _ => {
                if self.open.entries {
                    self.close();
                }
                self.add(index);
            }
        }
        index + 1
    }

    fn options(&self) -> &ChunkOptions {
        self.chunks.options
    }

    fn path(&self) -> Vec<String> {
        // A path goes with every chunk, so a heading as long as a book must not.
        const LONGEST: usize = 200;
        let line = |text: &str| one_line(text).chars().take(LONGEST).collect();
        self.headings.iter().map(|(_, text)| line(text)).collect()
    }

    fn heading(&mut self, level: u8, index: usize) {
        if self.open.body {
            self.close();
        }
        while self.headings.last().is_some_and(|(above, _)| *above >= level) {
            self.headings.pop();
        }
        self.headings.push((level, &self.blocks[index].text));
        self.add(index);
        self.open.body = false;
        self.open.path = self.path();
        if self.chat {
            self.close();
        }
    }

    fn message(&mut self, origin: Origin, index: usize) {
        let other = self.open.quote || self.open.origin != origin;
        if self.open.body && (other || self.chat) {
            self.close();
        }
        self.open.origin = origin;
        self.add(index);
        if self.chat {
            self.close();
        }
    }

    fn add(&mut self, index: usize) {
        let max_chars = self.options().max_chars;
        if self.open.atoms.is_empty() {
            self.open.path = self.path();
        }
        self.open.body = true;
        let before = index.checked_sub(1).map(|before| &self.blocks[before]);
        atoms::of_block(&self.blocks[index], index, before, max_chars, &mut self.open.atoms);
    }

    /// Takes code that is too long for one chunk. A heading before it stays with its first part.
    fn code(&mut self, language: Option<&Language>, block: &Block) {
        if self.open.body {
            self.close();
        }
        self.emit_waiting();
        let headings = std::mem::take(&mut self.open);
        let first = self.chunks.found.len();
        let path = self.path();
        if !headings.atoms.is_empty() {
            self.emit(headings);
        }
        let after = self.chunks.found.len();
        code::divide(&block.text, language, &block.place, &path, self.chunks);
        self.chunks.join(first, after);
    }

    /// Takes the rows of a table. A short table stays with the text around it; the chunks of a long
    /// one each begin with its header.
    fn table(&mut self, first: usize) -> usize {
        let is_row = |block: &Block| matches!(block.role, Role::TableRow { header: false });
        let rows = self.blocks[first + 1..].iter().take_while(|block| is_row(block)).count();
        let end = first + 1 + rows;
        let max_chars = self.options().max_chars;
        let mut chars = 0;
        let short = self.blocks[first..end].iter().all(|row| {
            chars += row.text.chars().count() + 1;
            chars * 2 <= max_chars
        });
        if self.open.entries {
            self.close();
        }
        if short {
            (first..end).for_each(|index| self.add(index));
            return end;
        }
        if self.open.body {
            self.close();
        }
        let header = &self.blocks[first];
        let header_chars = header.text.chars().count() + 1;
        let repeated =
            matches!(header.role, Role::TableRow { header: true }) && header_chars * 3 <= max_chars;
        self.add(first);
        let below_header = self.open.atoms.len();
        let row_chars = if repeated { max_chars - header_chars } else { max_chars };
        for index in first + 1..end {
            atoms::of_block(
                &self.blocks[index],
                index,
                Some(&self.blocks[index - 1]),
                row_chars,
                &mut self.open.atoms,
            );
        }
        self.emit_waiting();
        let group = std::mem::take(&mut self.open);
        let limit = |start: usize| if start >= below_header { row_chars } else { max_chars };
        for range in pack(&group.atoms, limit) {
            let rows = &group.atoms[range.clone()];
            let mut text = atoms::text(rows);
            if repeated && range.start >= below_header {
                text = format!("{}\n{text}", header.text);
            }
            if let Some(place) = atoms::place(rows, self.blocks) {
                self.chunks.push(&text, group.path.clone(), place, group.origin.clone());
            }
        }
        end
    }

    /// Ends the group that is open. A short section waits for the next one.
    fn close(&mut self) {
        let group = std::mem::take(&mut self.open);
        if group.atoms.is_empty() {
            return;
        }
        let min_chars = self.options().min_chars;
        let short = group.is_section() && group.chars() < min_chars;
        if let Some(waiting) =
            self.waiting.as_mut().filter(|waiting| short && waiting.parent() == group.parent())
        {
            waiting.path.truncate(waiting.parent().len());
            waiting.merged = true;
            waiting.atoms.extend(group.atoms);
            if waiting.chars() >= min_chars {
                self.emit_waiting();
            }
            return;
        }
        self.emit_waiting();
        if short {
            self.waiting = Some(group);
        } else {
            self.emit(group);
        }
    }

    fn emit_waiting(&mut self) {
        if let Some(group) = self.waiting.take() {
            self.emit(group);
        }
    }

    fn emit(&mut self, group: Group<'d>) {
        let max_chars = self.options().max_chars;
        for range in pack(&group.atoms, |_| max_chars) {
            let atoms = &group.atoms[range];
            let path = if group.entries { self.shared_keys(atoms) } else { group.path.clone() };
            if let Some(place) = atoms::place(atoms, self.blocks) {
                self.chunks.push(&atoms::text(atoms), path, place, group.origin.clone());
            }
        }
    }

    /// The keys that lead to all of these values.
    fn shared_keys(&self, atoms: &[Atom<'_>]) -> Vec<String> {
        let mut shared: Option<&[String]> = None;
        for atom in atoms {
            let Role::Entry { path } = &self.blocks[atom.block].role else { continue };
            let keys = &path[..path.len().saturating_sub(1)];
            shared = Some(match shared {
                Some(before) => {
                    let same = before.iter().zip(keys).take_while(|(one, two)| one == two).count();
                    &before[..same]
                }
                None => keys,
            });
        }
        shared.unwrap_or_default().to_vec()
    }
}
