//! Gathers the blocks of a document and holds the limits on how much they may be.
//!
//! Invariant: every reader hands its blocks to [`Collector::push`], so no reader can produce more text
//! or more parts than [`Limits`] allow, and no block is blank.

use crate::document::{Block, Place, Role};
use crate::error::{Error, Result};
use crate::limits::Limits;

/// What a reader found beside its blocks, and the blocks.
pub(crate) struct Collector<'l> {
    pub limits: &'l Limits,
    pub title: Option<String>,
    pub authors: Vec<String>,
    pub created: Option<kernel::Timestamp>,
    pub notes: Vec<String>,
    blocks: Vec<Block>,
    text_bytes: u64,
    held_bytes: u64,
    parts: usize,
}

impl<'l> Collector<'l> {
    pub fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            title: None,
            authors: Vec::new(),
            created: None,
            notes: Vec::new(),
            blocks: Vec::new(),
            text_bytes: 0,
            held_bytes: 0,
            parts: 0,
        }
    }

    /// Adds a block unless it is blank. Blank lines around it are dropped, and spaces at its end.
    pub fn push(&mut self, text: impl Into<String>, role: Role, place: Place) -> Result<()> {
        let text = without_margins(text.into());
        if text.is_empty() {
            return Ok(());
        }
        self.count(1)?;
        self.text_bytes += text.len() as u64;
        if self.text_bytes > self.limits.text_bytes {
            return Err(self.too_much_text(self.text_bytes));
        }
        self.blocks.push(Block { text, role, place });
        Ok(())
    }

    /// Counts text that is held before it becomes blocks, which may be more than is kept in the end.
    pub fn weigh(&mut self, bytes: usize) -> Result<()> {
        self.held_bytes += bytes as u64;
        if self.held_bytes > self.limits.text_bytes.saturating_mul(4) {
            return Err(self.too_much_text(self.held_bytes));
        }
        Ok(())
    }

    fn too_much_text(&self, bytes: u64) -> Error {
        Error::TooLarge { what: "text".into(), bytes, exact: false, limit: self.limits.text_bytes }
    }

    /// Counts parts that become no block of their own, as cells do.
    pub fn count(&mut self, parts: usize) -> Result<()> {
        self.parts += parts;
        if self.parts > self.limits.parts {
            return Err(Error::too_complex(format!("it falls into more than {} parts", self.limits.parts)));
        }
        Ok(())
    }

    /// Says something a person may want to know, once.
    pub fn note(&mut self, note: impl Into<String>) {
        const MOST: usize = 100;
        let note = note.into();
        if self.notes.len() < MOST && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Takes a title if there is none yet and it says something.
    pub fn set_title(&mut self, title: &str) {
        let title = one_line(title);
        if self.title.is_none() && !title.is_empty() {
            self.title = Some(title);
        }
    }

    /// Adds an author that is not known yet.
    pub fn add_author(&mut self, author: &str) {
        const MOST: usize = 1000;
        let author = one_line(author);
        if !author.is_empty() && self.authors.len() < MOST && !self.authors.contains(&author) {
            self.authors.push(author);
        }
    }

    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub fn into_blocks(self) -> Vec<Block> {
        self.blocks
    }
}

/// A text in one line, with single spaces.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|letter| !letter.is_control()));
    }
    line
}

fn without_margins(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    // The spaces before the first line are kept: in code they carry meaning.
    let blank = text.len() - text.trim_start().len();
    if let Some(end) = text[..blank].rfind('\n') {
        text.drain(..=end);
    }
    text
}
