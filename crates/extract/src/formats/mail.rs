//! E-mails, one or a mailbox of them.
//!
//! Each begins with its subject as a heading and a paragraph of who wrote to whom and when. What its
//! author wrote are messages, the text it replies to are quotes ([`quotes`]), attachments are named.

mod quotes;

use std::panic::catch_unwind;

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use crate::collector::{Collector, one_line};
use crate::document::{Place, Role};
use crate::encoding;
use crate::error::Result;
use crate::formats::html;

/// Reads one e-mail.
pub(crate) fn read(bytes: &[u8], collector: &mut Collector<'_>) -> Result<()> {
    let bytes = bytes.trim_ascii_start();
    let Some(message) = parse(bytes, collector)? else {
        collector.note("It could not be understood and was read as plain text");
        return push_raw(bytes, 1, collector);
    };
    if let Some(subject) = message.subject() {
        collector.set_title(subject);
    }
    collector.created = time(&message);
    push(&message, 1, collector)
}

/// Reads a mailbox.
pub(crate) fn read_mailbox(bytes: &[u8], collector: &mut Collector<'_>) -> Result<()> {
    for (number, bytes) in (1_u64..).zip(messages(bytes)) {
        if let Some(message) = parse(bytes, collector)? {
            push(&message, number, collector)?;
        } else {
            collector.note(format!("Message {number} could not be understood and was read as plain text"));
            push_raw(bytes, number, collector)?;
        }
    }
    Ok(())
}

/// Whether a text begins with the line that divides a mailbox, and a header follows.
pub(crate) fn begins_a_mailbox(text: &str) -> bool {
    let mut lines = text.lines();
    let divider = lines.next().unwrap_or("");
    // `From address Thu Jan  1 00:00:00 2020`
    let dated = divider.split_whitespace().count() >= 4 && divider.bytes().any(|byte| byte.is_ascii_digit());
    dated && lines.next().is_some_and(|line| header_name(line.trim_start_matches('>')).is_some())
}

/// Whether a text begins with the header of an e-mail.
pub(crate) fn begins_an_email(text: &str) -> bool {
    const LOOK_AT: usize = 60;
    const SENDERS: [&str; 4] = ["from", "return-path", "received", "delivered-to"];
    const OTHERS: [&str; 7] = ["to", "subject", "date", "message-id", "mime-version", "reply-to", "cc"];
    let (mut sender, mut others) = (false, 0);
    for line in text.lines().take(LOOK_AT) {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some(name) = header_name(line) else { return false };
        let name = name.to_ascii_lowercase();
        sender |= SENDERS.contains(&name.as_str());
        others += usize::from(OTHERS.contains(&name.as_str()));
    }
    sender && others >= 1
}

fn header_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    (!name.is_empty() && letters).then_some(name)
}

/// Parses a message; `None` if that cannot be done. The parser asserts what broken messages can break.
fn parse<'m>(bytes: &'m [u8], collector: &mut Collector<'_>) -> Result<Option<Message<'m>>> {
    // Every part and header line is looked at, so a message of nothing else is bounded here.
    collector.count(bytes.iter().filter(|byte| **byte == b':').count() / 16)?;
    Ok(catch_unwind(|| MessageParser::default().parse(bytes)).ok().flatten())
}

/// A message that could not be parsed, as it is.
fn push_raw(bytes: &[u8], number: u64, collector: &mut Collector<'_>) -> Result<()> {
    let mut notes = Vec::new();
    let text = encoding::decode(bytes, None, &mut notes).replace('\r', "");
    let role = Role::Message { author: None, time: None };
    collector.push(text, role, Place::Messages { first: number, last: number })
}

/// The messages of a mailbox: each begins after a line `From …` that follows a blank line.
fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes.trim_ascii_start();
    std::iter::from_fn(move || {
        if !rest.starts_with(b"From ") {
            return None;
        }
        let start = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
        let mut end = start;
        let mut blank = false;
        while end < rest.len() {
            let line =
                rest[end..].iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| end + at + 1);
            if blank && rest[end..].starts_with(b"From ") {
                break;
            }
            blank = rest[end..line].trim_ascii().is_empty();
            end = line;
        }
        let message = &rest[start..end];
        rest = &rest[end..];
        Some(message)
    })
}

fn time(message: &Message<'_>) -> Option<kernel::Timestamp> {
    let date = message.date().filter(|date| date.is_valid())?;
    Some(kernel::Timestamp(date.to_timestamp().checked_mul(1000)?))
}

fn push(message: &Message<'_>, number: u64, collector: &mut Collector<'_>) -> Result<()> {
    let place = Place::Messages { first: number, last: number };
    let subject = message.subject().map(one_line).filter(|subject| !subject.is_empty());
    let heading = subject.unwrap_or_else(|| "(no subject)".into());
    collector.push(heading, Role::Heading(1), place.clone())?;
    let author =
        message.from().and_then(|from| from.first().map(|from| name_of(from.name(), from.address())));
    let author = author.filter(|author| !author.is_empty());
    if let Some(author) = &author {
        collector.add_author(author);
    }
    let role = || Role::Message { author: author.clone(), time: time(message) };
    collector.push(envelope(message), role(), place.clone())?;
    for index in 0..message.text_body_count().min(64) {
        let Some(part) = message.text_part(u32::try_from(index).unwrap_or(u32::MAX)) else { break };
        match &part.body {
            PartType::Text(text) => {
                for (quoted, text) in quotes::paragraphs(text) {
                    let role = if quoted { Role::Quote } else { role() };
                    collector.push(text, role, place.clone())?;
                }
            }
            PartType::Html(markup) => {
                for (found, text) in html::fragment(markup, collector.limits)? {
                    let role = if found == Role::Quote { Role::Quote } else { role() };
                    collector.push(text, role, place.clone())?;
                }
            }
            _ => {}
        }
    }
    let names: Vec<_> =
        message.attachments().map(|part| part.attachment_name().unwrap_or("without a name")).collect();
    if !names.is_empty() {
        let names = one_line(&names.join(", "));
        collector.push(format!("Attachments: {names}"), role(), place)?;
        collector.note(format!("Attachments were not read: {names}"));
    }
    Ok(())
}

/// Who wrote to whom and when.
fn envelope(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (name, addresses) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        let names = addresses.map(names).unwrap_or_default();
        if !names.is_empty() {
            lines.push(format!("{name}: {names}"));
        }
    }
    if let Some(date) = message.date().filter(|date| date.is_valid()) {
        lines.push(format!("Date: {}", date.to_rfc3339()));
    }
    lines.join("\n")
}

fn names(addresses: &Address<'_>) -> String {
    const MOST: usize = 50;
    let names = addresses.iter().take(MOST).map(|address| match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{} <{address}>", one_line(name)),
        (name, address) => name_of(name, address),
    });
    names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
}

fn name_of(name: Option<&str>, address: Option<&str>) -> String {
    one_line(name.filter(|name| !name.trim().is_empty()).or(address).unwrap_or(""))
}
