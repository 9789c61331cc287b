//! What an archive is, and what is in it, one document after the other.
//!
//! This blocks, and runs beside the import that stores what it finds ([`super::import`]). What an
//! archive is, its content says: an export of ours by its first bytes, a vault by its folder of
//! settings, the others by the files they are known for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use kernel::Privacy;

use super::members::{Listed, Member, Members};
use super::record::{MAX_RECORD_BYTES, Record};
use super::{chats, jsonl, markdown};
use crate::document::NewDocument;
use crate::error::Error;
use crate::ingest::{Content, Incoming};

/// The largest file that is not one of our own, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 64 << 20;
/// What nobody wrote, by the names of files and folders.
const LEFT_OUT: [&str; 4] = ["__MACOSX", "Thumbs.db", "desktop.ini", "node_modules"];
/// Endings of what holds no text: pictures, recordings, fonts.
const WITHOUT_TEXT: [&str; 30] = [
    "png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "tif", "tiff", "heic", "heif", "ico", "avif", "mp3",
    "m4a", "wav", "ogg", "opus", "flac", "aac", "mp4", "m4v", "mov", "avi", "mkv", "webm", "3gp", "ttf",
    "woff", "woff2",
];

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognised {
    /// JSON lines, as [`super::Export`] writes them.
    Jsonl,
    /// A zip file of Markdown, as [`super::Export`] writes it.
    Markdown,
    /// A vault of Obsidian.
    Vault,
    /// Any zip file that holds mostly Markdown.
    MarkdownFolder,
    /// Any other zip file.
    Files,
    /// One file of any kind.
    File,
    /// Conversations with ChatGPT.
    ChatGpt,
    /// Conversations with Claude.
    Claude,
    /// Chats of Telegram.
    Telegram,
    /// Channels of Slack.
    Slack,
    /// A chat of WhatsApp.
    WhatsApp,
}

impl Recognised {
    /// As it is spelled outside.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Markdown => "markdown",
            Self::Vault => "obsidian",
            Self::MarkdownFolder => "markdown_folder",
            Self::Files => "files",
            Self::File => "file",
            Self::ChatGpt => "chatgpt",
            Self::Claude => "claude",
            Self::Telegram => "telegram",
            Self::Slack => "slack",
            Self::WhatsApp => "whatsapp",
        }
    }
}

/// What is found in an archive.
#[derive(Debug)]
pub(super) enum Item {
    /// What it is; before everything else.
    Recognised(Recognised),
    /// A document as it was exported.
    Record { name: String, record: Box<Record> },
    /// A document of another program.
    Foreign { name: String, incoming: Box<Incoming> },
    /// Something that cannot be taken in.
    Failed { name: String, error: kernel::Error },
    /// Something that nobody would look for.
    PassedOver,
}

/// Why reading ends before its time.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nobody wants more.
    Gone,
    /// The archive is no archive, or cannot be read.
    Failed(kernel::Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Error::ArchiveRefused { reason: error.to_string() }.into()
    }
}

/// Takes items one by one.
pub(super) type Sink<'s> = &'s mut dyn FnMut(Item) -> Result<(), Halt>;

/// What is known of an archive beside its bytes.
#[derive(Clone, Debug)]
pub(super) struct Given {
    /// The name of its file.
    pub name: String,
    /// Where everything goes.
    pub collection: Option<String>,
    /// How far what is not labelled may travel.
    pub privacy: Privacy,
}

impl Given {
    /// What the archive is called, without the ending of its file.
    pub fn stem(&self) -> String {
        let name = self.name.replace('\\', "/");
        let stem = Path::new(&name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "import".into())
    }

    /// A document of another program, which goes to `collection` unless somebody said where.
    pub fn foreign(&self, collection: &str, source: String, key: String, file: ForeignFile) -> Item {
        let ForeignFile { name, title, bytes, attributes } = file;
        let document = NewDocument {
            collection: self.collection.clone().unwrap_or_else(|| collection.to_owned()),
            key: key.replace(char::is_control, " "),
            title,
            source,
            privacy: self.privacy,
            attributes,
            ..NewDocument::default()
        };
        let content = Content::File { bytes, media_type: None };
        let shown = if document.title.is_empty() { name.clone() } else { document.title.clone() };
        Item::Foreign {
            name: shown,
            incoming: Box::new(Incoming { name, content, document, supersedes: None }),
        }
    }
}

/// A file of another program.
pub(super) struct ForeignFile {
    /// What tells its kind, by the ending.
    pub name: String,
    /// Empty for its own.
    pub title: String,
    pub bytes: Vec<u8>,
    pub attributes: BTreeMap<String, String>,
}

/// Hands over all that is in an archive.
///
/// # Errors
/// [`Halt::Failed`] when it cannot be read on.
pub(super) fn read(mut file: File, given: &Given, sink: Sink<'_>) -> Result<(), Halt> {
    let mut start = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut start)?;
    file.rewind()?;
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        let mut members = Members::open(file.try_clone()?)?;
        let listed = members.list();
        if !is_one_document(&listed) {
            return read_zip(members, listed, given, sink);
        }
        file.rewind()?;
    }
    if start.starts_with(jsonl::BEGINNING) {
        return read_jsonl(file, sink);
    }
    if chats::read_file(&mut file, &start, given, sink)? {
        return Ok(());
    }
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if markdown::is_ours(&bytes) {
        sink(Item::Recognised(Recognised::Markdown))?;
        return sink(ours(given.name.clone(), bytes));
    }
    sink(Item::Recognised(Recognised::File))?;
    let name = given.name.replace('\\', "/");
    let attributes = BTreeMap::from([("path".to_owned(), name.clone())]);
    let document = ForeignFile { name: name.clone(), title: String::new(), bytes, attributes };
    // What it is decides where it goes.
    sink(given.foreign("", "import".into(), name, document))
}

fn read_jsonl(file: File, sink: Sink<'_>) -> Result<(), Halt> {
    let mut lines = BufReader::with_capacity(1 << 16, file);
    let mut number = 1_u64;
    if let Some(header) = jsonl::next_line(&mut lines)? {
        jsonl::read_header(&header?)?;
    }
    sink(Item::Recognised(Recognised::Jsonl))?;
    while let Some(line) = jsonl::next_line(&mut lines)? {
        number += 1;
        let line = match line {
            Ok(line) if line.trim_ascii().is_empty() => continue,
            line => line,
        };
        sink(match line.and_then(|line| jsonl::read_line(&line)) {
            Ok(record) => Item::Record { name: record.key.clone(), record: Box::new(record) },
            Err(error) => Item::Failed { name: format!("line {number}"), error: error.into() },
        })?;
    }
    Ok(())
}

fn ours(name: String, bytes: Vec<u8>) -> Item {
    match markdown::read(bytes) {
        Ok(record) => Item::Record { name: record.key.clone(), record: Box::new(record) },
        Err(error) => Item::Failed { name, error: error.into() },
    }
}

/// Documents of office programs and books are zip files too.
fn is_one_document(listed: &[Listed]) -> bool {
    let names = ["[Content_Types].xml", "mimetype"];
    listed.iter().flatten().any(|member| names.contains(&member.path.as_str()))
}

fn read_zip(mut members: Members, listed: Vec<Listed>, given: &Given, sink: Sink<'_>) -> Result<(), Halt> {
    if let Some(export) = chats::Export::recognise(&listed) {
        return chats::read_export(&export, &mut members, &listed, given, sink);
    }
    let good: Vec<&Member> = listed.iter().filter_map(|listed| listed.as_ref().ok()).collect();
    let is_vault = good.iter().any(|member| member.path.split('/').any(|part| part == ".obsidian"));
    let first = good.iter().find(|member| is_markdown(member.name())).copied().cloned();
    let first_is_ours = match &first {
        Some(member) => members.read(member, MAX_RECORD_BYTES).is_ok_and(|bytes| markdown::is_ours(&bytes)),
        None => false,
    };
    let notes = good.iter().filter(|member| is_markdown(member.name())).count();
    let recognised = match () {
        () if is_vault => Recognised::Vault,
        () if first_is_ours || good.is_empty() => Recognised::Markdown,
        () if notes * 2 >= good.len() => Recognised::MarkdownFolder,
        () => Recognised::Files,
    };
    sink(Item::Recognised(recognised))?;
    read_files(&mut members, listed, recognised, given, sink)
}

fn read_files(
    members: &mut Members,
    listed: Vec<Listed>,
    recognised: Recognised,
    given: &Given,
    sink: Sink<'_>,
) -> Result<(), Halt> {
    let (base, root) = base_of(&listed, given);
    let collection = if recognised == Recognised::Files { "files" } else { "notes" };
    let source = match recognised {
        Recognised::Vault => format!("obsidian:{base}"),
        _ => format!("import:{base}"),
    };
    for listed in listed {
        let member = match listed {
            Ok(member) => member,
            Err((name, error)) => {
                sink(Item::Failed { name, error })?;
                continue;
            }
        };
        if is_left_out(&member.path) {
            sink(Item::PassedOver)?;
            continue;
        }
        let most = if is_markdown(member.name()) { MAX_RECORD_BYTES } else { MAX_FILE_BYTES };
        sink(match members.read(&member, most) {
            Err(error) => Item::Failed { name: member.path, error },
            Ok(bytes) if is_markdown(member.name()) && markdown::is_ours(&bytes) => ours(member.path, bytes),
            Ok(bytes) => {
                let path = member.path.strip_prefix(&root).unwrap_or(&member.path).to_owned();
                let key = format!("{base}/{path}");
                let attributes = BTreeMap::from([("path".to_owned(), path.clone())]);
                let file = ForeignFile { name: path, title: String::new(), bytes, attributes };
                given.foreign(collection, source.clone(), key, file)
            }
        })?;
    }
    Ok(())
}

/// What the documents of an archive are called after, and the folder in it that holds all of them:
/// that folder's name where there is one, so that it matters little how the archive's own file is
/// called.
fn base_of(listed: &[Listed], given: &Given) -> (String, String) {
    let mut paths = listed.iter().filter_map(|listed| Some(listed.as_ref().ok()?.path.as_str()));
    let mut paths = paths.by_ref().filter(|path| !path.starts_with("__MACOSX/"));
    let first = paths.next().and_then(|path| path.split_once('/'));
    match first {
        Some((root, _)) if !root.starts_with('.') => {
            let prefix = format!("{root}/");
            match paths.all(|path| path.starts_with(&prefix)) {
                true => (root.to_owned(), prefix),
                false => (given.stem(), String::new()),
            }
        }
        _ => (given.stem(), String::new()),
    }
}

fn is_markdown(name: &str) -> bool {
    matches!(ending_of(name).as_deref(), Some("md" | "markdown"))
}

fn ending_of(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

fn is_left_out(path: &str) -> bool {
    let hidden = |part: &str| part.starts_with('.') || LEFT_OUT.contains(&part);
    path.split('/').any(hidden)
        || ending_of(path).is_some_and(|ending| WITHOUT_TEXT.contains(&ending.as_str()))
}
