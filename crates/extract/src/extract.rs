//! From bytes to blocks: [`extract()`] finds out what a document is and lets the reader of its format
//! read it.
//!
//! Invariant: no input makes this panic. The readers are written so; parsers of other people are
//! watched over.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::collector::Collector;
use crate::detect::{self, Container};
use crate::document::{Extracted, Hint, Kind};
use crate::encoding;
use crate::error::{Error, Result};
use crate::formats;
use crate::language::Language;
use crate::limits::Limits;

/// Reads a document.
///
/// Everything in `limits` holds but time and memory, which [`Workers`](crate::Workers) hold.
///
/// # Errors
/// Every kind of [`Error`] but those of workers. A text in any encoding, however broken, is no error.
pub fn extract(input: &[u8], hint: &Hint<'_>, limits: &Limits) -> Result<Extracted> {
    limits.admit(input.len() as u64)?;
    if input.is_empty() {
        return Err(Error::Empty { reason: "it has no bytes".into() });
    }
    let read = || read(input, hint, limits);
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(Error::damaged("its reader broke on it")))
}

fn read(input: &[u8], hint: &Hint<'_>, limits: &Limits) -> Result<Extracted> {
    let mut collector = Collector::new(limits);
    match detect::container(input)? {
        Container::Pdf => {
            formats::pdf::read(input, &mut collector)?;
            finish(collector, Kind::Pdf, None)
        }
        Container::Docx => {
            formats::docx::read(input, &mut collector)?;
            finish(collector, Kind::Docx, None)
        }
        Container::Text => read_text(input, hint, collector),
    }
}

fn read_text(input: &[u8], hint: &Hint<'_>, mut collector: Collector<'_>) -> Result<Extracted> {
    let declared = hint.media_type.and_then(encoding::of_media_type);
    let declared = declared.or_else(|| formats::html::declared_encoding(input));
    let mut notes = Vec::new();
    let text = plain(encoding::decode(input, declared, &mut notes));
    if text.trim().is_empty() {
        return Err(Error::Empty { reason: "it is blank".into() });
    }
    let mut kind = detect::kind_of_text(&text, hint);
    let mut language = None;
    // The parts of an e-mail say their own encodings.
    if !matches!(kind, Kind::Email | Kind::Mailbox) {
        collector.notes.append(&mut notes);
    }
    match kind {
        Kind::Text | Kind::Pdf | Kind::Docx => formats::text::read(&text, &mut collector)?,
        Kind::Markdown => formats::markdown::read(&text, &mut collector)?,
        Kind::Html => formats::html::read(&text, &mut collector)?,
        Kind::Code => {
            language = hint.name.and_then(Language::of_file).or_else(|| Language::of_first_line(&text));
            formats::text::read_code(&text, language.clone(), &mut collector)?;
        }
        Kind::Table => formats::table::read(&text, hint.name, &mut collector)?,
        Kind::Json => kind = formats::json::read(&text, &mut collector)?,
        Kind::JsonLines => kind = formats::json::read_lines(&text, &mut collector)?,
        Kind::Yaml => formats::tree::read_yaml(&text, &mut collector)?,
        Kind::Toml => formats::tree::read_toml(&text, &mut collector)?,
        Kind::Chat => formats::chat::read_whatsapp(&text, &mut collector)?,
        Kind::Email => formats::mail::read(input, &mut collector)?,
        Kind::Mailbox => formats::mail::read_mailbox(input, &mut collector)?,
        Kind::Calendar => formats::calendar::read(&text, &mut collector)?,
    }
    finish(collector, kind, language)
}

fn finish(mut collector: Collector<'_>, kind: Kind, language_of_code: Option<Language>) -> Result<Extracted> {
    if collector.blocks().is_empty() {
        let reason = if kind == Kind::Pdf { "its pages may be images" } else { "" };
        return Err(Error::Empty { reason: reason.into() });
    }
    Ok(Extracted {
        kind,
        title: collector.title.take(),
        language_of_code,
        authors: std::mem::take(&mut collector.authors),
        created: collector.created,
        notes: std::mem::take(&mut collector.notes),
        blocks: collector.into_blocks(),
    })
}

/// Text with one sort of line end and without control characters.
fn plain(text: Cow<'_, str>) -> Cow<'_, str> {
    let unwanted = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t');
    if !text.contains(unwanted) {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{85}' | '\u{b}' | '\u{c}' => plain.push('\n'),
            // Colours of a terminal: everything up to the letter that ends them.
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                while letters.next_if(|next| !next.is_ascii_alphabetic() && *next != '\n').is_some() {}
                letters.next_if(|next| *next != '\n');
            }
            _ if unwanted(letter) => {}
            _ => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_control_characters_are_made_plain() {
        #[track_caller]
        fn check(text: &str, expected: &str) {
            assert_eq!(plain(Cow::Borrowed(text)), expected);
        }
        check("a\r\nb\rc\n", "a\nb\nc\n");
        check("\u{1b}[1;31mred\u{1b}[0m\u{7} x", "red x");
        check("a\0b", "ab");
        check("\u{1b}[", "");
    }
}
