//! What a document is once it is read: blocks of text with a role and a place.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// What is known about a document beside its bytes. Its content counts more than either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The name or path of its file.
    pub name: Option<&'a str>,
    /// The media type it was announced with, as `text/markdown; charset=utf-8`.
    pub media_type: Option<&'a str>,
}

impl<'a> Hint<'a> {
    /// A document of which only the file's name is known.
    pub fn named(name: &'a str) -> Self {
        Self { name: Some(name), media_type: None }
    }
}

/// The kinds of documents that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text without markup.
    Text,
    /// Markdown, front matter and wiki links included.
    Markdown,
    /// HTML and XHTML.
    Html,
    /// PDF.
    Pdf,
    /// Word's DOCX.
    Docx,
    /// A program's source, in [`Extracted::language_of_code`].
    Code,
    /// Comma or tab separated values.
    Table,
    /// JSON that is no export of a chat.
    Json,
    /// One JSON value each line.
    JsonLines,
    /// YAML.
    Yaml,
    /// TOML.
    Toml,
    /// Messages of a chat: JSON lines, ChatGPT, Slack, WhatsApp.
    Chat,
    /// One e-mail.
    Email,
    /// A mailbox of e-mails (mbox).
    Mailbox,
    /// A calendar (iCalendar).
    Calendar,
}

/// A document that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    /// What it was.
    pub kind: Kind,
    /// Its own title, if it has one.
    pub title: Option<String>,
    /// The language of source code.
    pub language_of_code: Option<Language>,
    /// Who wrote it, as it says itself.
    pub authors: Vec<String>,
    /// When it was written or sent, as it says itself.
    pub created: Option<Timestamp>,
    /// Its text, in reading order. Never empty, and no block is blank.
    pub blocks: Vec<Block>,
    /// What a person may want to know: an encoding that was guessed, attachments that were not read.
    pub notes: Vec<String>,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// The text, without markup.
    pub text: String,
    /// What it is.
    pub role: Role,
    /// Where it stands.
    pub place: Place,
}

/// What a block is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A heading; 1 is the highest level, 6 the lowest.
    Heading(u8),
    /// A paragraph, or anything without another role.
    Paragraph,
    /// An item of a list, its marker included.
    ListItem,
    /// Code, its lines as they were.
    Code {
        /// Its language, if it is known.
        language: Option<Language>,
    },
    /// A row of a table, cells separated by ` | `.
    TableRow {
        /// Whether it names the columns of the rows that follow.
        header: bool,
    },
    /// What somebody else said; in an e-mail, the text it replies to.
    Quote,
    /// A value of JSON, YAML or TOML, as `path: value`.
    Entry {
        /// The keys that lead to the value, from the root.
        path: Vec<String>,
    },
    /// A message of a chat or a paragraph of an e-mail.
    Message {
        /// Who wrote it.
        author: Option<String>,
        /// When.
        time: Option<Timestamp>,
    },
    /// An event of a calendar.
    Event {
        /// When it begins.
        start: Option<Timestamp>,
        /// When it ends.
        end: Option<Timestamp>,
        /// Who invited to it.
        organizer: Option<String>,
    },
}

/// Where something stands in a document. Numbers are from 1, and `last` is included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In the lines of a text.
    Lines {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// On the pages of a PDF.
    Pages {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// In the paragraphs, headings and rows of a document without lines or pages.
    Paragraphs {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// In the rows of a table, its header not counted (it is row 0).
    Rows {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// In the messages of a chat or mailbox.
    Messages {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// In the events of a calendar.
    Events {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
    /// At or below a path in JSON, YAML or TOML, as `users[3].name`; empty for the whole.
    Path(String),
}

impl Place {
    /// The least place that covers both. Of two paths, that is what they begin with alike.
    #[must_use]
    pub fn to(&self, other: &Self) -> Self {
        use Place::{Events, Lines, Messages, Pages, Paragraphs, Path, Rows};
        match (self, other) {
            (Lines { first, .. }, Lines { last, .. }) => Lines { first: *first, last: *last },
            (Pages { first, .. }, Pages { last, .. }) => Pages { first: *first, last: *last },
            (Paragraphs { first, .. }, Paragraphs { last, .. }) => Paragraphs { first: *first, last: *last },
            (Rows { first, .. }, Rows { last, .. }) => Rows { first: *first, last: *last },
            (Messages { first, .. }, Messages { last, .. }) => Messages { first: *first, last: *last },
            (Events { first, .. }, Events { last, .. }) => Events { first: *first, last: *last },
            (Path(one), Path(two)) => Path(shared_path(one, two).to_owned()),
            _ => self.clone(),
        }
    }
}

/// What two paths begin with alike, cut where a key ends.
fn shared_path<'a>(one: &'a str, two: &str) -> &'a str {
    let same = one.bytes().zip(two.bytes()).take_while(|(a, b)| a == b).count();
    let ends = |path: &str| path.as_bytes().get(same).is_none_or(|byte| matches!(byte, b'.' | b'['));
    if ends(one) && ends(two) {
        return one.get(..same).unwrap_or("");
    }
    let cut = one.as_bytes()[..same].iter().rposition(|byte| matches!(byte, b'.' | b'['));
    cut.and_then(|cut| one.get(..cut)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_paths_share_whole_keys_only() {
        #[track_caller]
        fn check(one: &str, two: &str, shared: &str) {
            assert_eq!(shared_path(one, two), shared, "{one} and {two}");
        }
        check("users[0].name", "users[0].email", "users[0]");
        check("users[0]", "users[10]", "users");
        check("a.b", "a.b", "a.b");
        check("a.b", "a.b.c", "a.b");
        check("alpha", "alps", "");
        check("a.ä", "a.ö", "a");
    }
}
