//! What people take out of chats: one document for each conversation, its messages with their authors
//! and times.
//!
//! Files of conversations may be far larger than anything that is read at once, so they are taken
//! apart conversation by conversation; `extract` reads the messages. Read are ChatGPT's and Claude's
//! `conversations.json`, Telegram's `result.json`, Slack's zip file and WhatsApp's text.

mod pieces;
mod slack;
mod telegram;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::members::{Listed, Member, Members};
use super::reading::{ForeignFile, Given, Halt, Item, MAX_FILE_BYTES, Recognised, Sink};
use pieces::{Ended, each_of_list};

/// The collection that conversations go into.
const COLLECTION: &str = "chat";
/// The largest file of conversations, in bytes; it is read one conversation at a time.
const MAX_CONVERSATIONS_BYTES: u64 = 8 << 30;

/// A zip file that a chat program makes, by the files it is known for.
pub(super) enum Export {
    /// ChatGPT's or Claude's: one or more lists of conversations.
    Conversations(Vec<Member>),
    /// Telegram's.
    Telegram(Member),
    /// Slack's: who is who, and a file for each channel and day.
    Slack(Member),
    /// WhatsApp's: one text.
    WhatsApp(Member),
}

impl Export {
    /// Whose export this is, if it is one.
    pub fn recognise(listed: &[Listed]) -> Option<Self> {
        let members = || listed.iter().filter_map(|listed| listed.as_ref().ok());
        let is_near_root = |member: &&Member| member.path.matches('/').count() <= 1;
        let find = |name: &str| members().filter(is_near_root).find(|member| member.name() == name).cloned();
        let conversations: Vec<Member> = members()
            .filter(is_near_root)
            .filter(|member| is_conversations(member.name()))
            .cloned()
            .collect();
        if !conversations.is_empty() {
            return Some(Self::Conversations(conversations));
        }
        if let (Some(users), Some(_)) = (find("users.json"), find("channels.json")) {
            return Some(Self::Slack(users));
        }
        if let Some(result) = find("result.json") {
            return Some(Self::Telegram(result));
        }
        let is_whatsapp = |member: &&Member| {
            member.name() == "_chat.txt"
                || (member.name().starts_with("WhatsApp ") && member.name().ends_with(".txt"))
        };
        members().filter(is_near_root).find(is_whatsapp).cloned().map(Self::WhatsApp)
    }
}

/// `conversations.json`, or one of several parts of it.
fn is_conversations(name: &str) -> bool {
    let part = name.strip_prefix("conversations").and_then(|rest| rest.strip_suffix(".json"));
    part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'_')))
}

/// Reads the export of a chat program.
///
/// # Errors
/// [`Halt::Gone`]; what cannot be read is told as an item.
pub(super) fn read_export(
    export: &Export,
    members: &mut Members,
    listed: &[Listed],
    given: &Given,
    sink: Sink<'_>,
) -> Result<(), Halt> {
    match export {
        Export::Conversations(files) => {
            let mut told = None;
            for file in files {
                let read = match members.open_member(file, MAX_CONVERSATIONS_BYTES) {
                    Ok(reader) => read_conversations(reader, &mut told, given, sink)?,
                    Err(error) => Err(error),
                };
                fail(read, &file.path, sink)?;
            }
            Ok(())
        }
        Export::Telegram(file) => {
            let read = match members.open_member(file, MAX_CONVERSATIONS_BYTES) {
                Ok(reader) => telegram::read(reader, given, sink)?.map(|_| ()),
                Err(error) => Err(error),
            };
            fail(read, &file.path, sink)
        }
        Export::Slack(users) => slack::read(users, members, listed, given, sink),
        Export::WhatsApp(file) => {
            sink(Item::Recognised(Recognised::WhatsApp))?;
            let item = match members.read(file, MAX_FILE_BYTES) {
                Ok(bytes) => whatsapp(file.name(), bytes, given),
                Err(error) => Item::Failed { name: file.path.clone(), error },
            };
            sink(item)
        }
    }
}

fn fail(read: kernel::Result<()>, name: &str, sink: Sink<'_>) -> Result<(), Halt> {
    match read {
        Ok(()) => Ok(()),
        Err(error) => sink(Item::Failed { name: name.to_owned(), error }),
    }
}

/// The text of one chat. It is called after the other side, which the file's own name says, or else
/// the archive's.
fn whatsapp(file: &str, bytes: Vec<u8>, given: &Given) -> Item {
    let stem =
        file.strip_suffix(".txt").filter(|stem| *stem != "_chat").map_or_else(|| given.stem(), str::to_owned);
    let key = format!("whatsapp/{stem}");
    let attributes = BTreeMap::from([("thread_id".to_owned(), key.clone())]);
    let file = ForeignFile { name: format!("{stem}.txt"), title: stem, bytes, attributes };
    given.foreign(COLLECTION, "whatsapp".into(), key, file)
}

/// Reads one file, if it is an export of a chat that holds several conversations, and says whether it
/// was.
///
/// # Errors
/// [`Halt::Gone`]; what cannot be read is told as an item.
pub(super) fn read_file(file: &mut File, start: &[u8], given: &Given, sink: Sink<'_>) -> Result<bool, Halt> {
    file.rewind()?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let name = given.name.clone();
    match start.first() {
        Some(b'[') => {
            let mut told = None;
            let reader = BufReader::with_capacity(1 << 16, file);
            let read = read_conversations(reader, &mut told, given, sink)?;
            if told.is_some() {
                fail(read, &name, sink)?;
            }
            Ok(told.is_some())
        }
        Some(b'{') => match telegram::read(BufReader::with_capacity(1 << 16, file), given, sink)? {
            Ok(was_one) => Ok(was_one),
            Err(_) => Ok(false),
        },
        _ => Ok(false),
    }
}

/// What tells one program's conversations from another's, and one from the others.
#[derive(Deserialize)]
struct Conversation {
    conversation_id: Option<String>,
    id: Option<String>,
    uuid: Option<String>,
    title: Option<String>,
    name: Option<String>,
    mapping: Option<IgnoredAny>,
    chat_messages: Option<IgnoredAny>,
}

impl Conversation {
    fn program(&self) -> Option<Recognised> {
        match (&self.mapping, &self.chat_messages) {
            (Some(_), _) => Some(Recognised::ChatGpt),
            (None, Some(_)) => Some(Recognised::Claude),
            (None, None) => None,
        }
    }
}

/// Reads a list of conversations, until one shows that it is none. `told` is what was said of the
/// archive already.
fn read_conversations(
    from: impl Read,
    told: &mut Option<Recognised>,
    given: &Given,
    sink: Sink<'_>,
) -> Result<kernel::Result<()>, Halt> {
    let ended = each_of_list(from, &[], &mut |piece| {
        let conversation = serde_json::from_str::<Conversation>(piece).ok();
        let program = conversation.as_ref().and_then(Conversation::program);
        let (Some(conversation), Some(program)) = (conversation, program) else {
            // The first one decides whether this is an export at all.
            return if told.is_some() {
                sink(Item::PassedOver).map_err(Ended::Halted)
            } else {
                Err(Ended::NotOne)
            };
        };
        if told.is_none() {
            *told = Some(program);
            sink(Item::Recognised(program)).map_err(Ended::Halted)?;
        }
        sink(item_of(&conversation, program, piece, given)).map_err(Ended::Halted)
    });
    match ended {
        Ok(_) => Ok(Ok(())),
        Err(Ended::Halted(halt)) => Err(halt),
        Err(Ended::NotOne) => Ok(Ok(())),
        Err(Ended::Unreadable(error)) => Ok(Err(error)),
    }
}

fn item_of(conversation: &Conversation, program: Recognised, piece: &str, given: &Given) -> Item {
    let Conversation { conversation_id, id, uuid, title, name, .. } = conversation;
    let id = [conversation_id, id, uuid].into_iter().flatten().find(|id| !id.is_empty()).cloned();
    let id = id.unwrap_or_else(|| blake3::hash(piece.as_bytes()).to_hex()[..32].to_owned());
    let title = title.as_ref().or(name.as_ref()).map(|title| title.trim().to_owned()).unwrap_or_default();
    let attributes = BTreeMap::from([("thread_id".to_owned(), id.clone())]);
    let file_name = format!("{}.json", if title.is_empty() { &id } else { &title });
    let file = ForeignFile { name: file_name, title, bytes: piece.as_bytes().to_vec(), attributes };
    let program = program.name();
    given.foreign(COLLECTION, program.into(), format!("{program}/{id}"), file)
}
