//! What kind of document some bytes are: by their content, then by the name, then by the media type.
//!
//! Start reading at [`detect`]. Binary formats are known by their first bytes. Text is anything that
//! is mostly made of letters; what sort of text it is, its content says where it can (HTML, JSON,
//! e-mail, calendar, chat), else its name.

use crate::document::{Hint, Kind};
use crate::error::{Error, Result};
use crate::formats;
use crate::language::Language;

/// What a document is, before its text is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Pdf,
    Docx,
    Text,
}

/// First bytes of formats that are not read, and what to call them.
const BINARIES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xFF\xD8\xFF", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xFD7zXZ", "an xz archive"),
    (b"7z\xBC\xAF", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xB5\x2F\xFD", "a zstd archive"),
    (b"\x7FELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\xCA\xFE\xBA\xBE", "a program"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"OggS", "an Ogg recording"),
    (b"ID3", "an MP3 recording"),
    (b"fLaC", "a FLAC recording"),
    (b"RIFF", "a recording or image (RIFF)"),
    (b"\x1A\x45\xDF\xA3", "a Matroska video"),
    (b"\0asm", "a WebAssembly program"),
    (b"{\\rtf", "an RTF document"),
    (b"%!PS", "a PostScript document"),
    (b"wOF", "a font"),
];

/// A file of Microsoft's older formats; a DOCX with a password is one too.
const COMPOUND_FILE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";

/// Finds out how to get at a document's text.
///
/// # Errors
/// [`Error::Unsupported`] for anything that is neither text nor a format that is read.
pub(crate) fn container(bytes: &[u8]) -> Result<Container> {
    const PDF_WITHIN: usize = 1024;
    let start = &bytes[..bytes.len().min(PDF_WITHIN)];
    if start.windows(5).any(|window| window == b"%PDF-") && !start.starts_with(b"From ") {
        return Ok(Container::Pdf);
    }
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return formats::docx::sort_of_zip(bytes);
    }
    if bytes.starts_with(COMPOUND_FILE) {
        return Err(compound_file(bytes));
    }
    if let Some((_, what)) = BINARIES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(Error::unsupported(*what));
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return Err(Error::unsupported("a video or image (MP4, HEIC)"));
    }
    if is_binary(bytes) {
        return Err(Error::unsupported("a binary file of an unknown kind"));
    }
    Ok(Container::Text)
}

fn compound_file(bytes: &[u8]) -> Error {
    let name: Vec<u8> = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]).collect();
    let start = &bytes[..bytes.len().min(1 << 20)];
    if start.windows(name.len()).any(|window| window == name) {
        return Error::Encrypted;
    }
    Error::unsupported("a document of an older Office format (DOC, XLS, PPT, MSG)")
}

/// Whether bytes cannot be text in any encoding: too many control characters, or zeros that are not
/// those of UTF-16.
fn is_binary(bytes: &[u8]) -> bool {
    const LOOK_AT: usize = 64 << 10;
    if encoding_rs::Encoding::for_bom(bytes).is_some() {
        return false;
    }
    let start = &bytes[..bytes.len().min(LOOK_AT)];
    let control =
        start.iter().filter(|byte| **byte < 0x20 && !matches!(**byte, b'\t'..=b'\r' | 0x1B | 0)).count();
    let zeros = start.iter().filter(|byte| **byte == 0).count();
    let utf_16 = start.len() >= 4 && {
        let even = start.iter().step_by(2).filter(|byte| **byte == 0).count();
        zeros * 10 >= start.len() * 3 && (even * 10 < zeros || even * 10 > zeros * 9)
    };
    let bad = if utf_16 { control } else { control + zeros };
    bad * 50 > start.len()
}

/// Finds out what sort of text this is.
pub(crate) fn kind_of_text(text: &str, hint: &Hint<'_>) -> Kind {
    let named = hint.name.and_then(kind_of_name);
    let kind = named.or_else(|| hint.media_type.and_then(kind_of_media_type));
    // A program may begin with anything, so its name counts before its content.
    if kind == Some(Kind::Code) {
        return Kind::Code;
    }
    if let Some(kind) = kind_of_content(text, kind) {
        return kind;
    }
    if kind.is_none() && Language::of_first_line(text).is_some() {
        return Kind::Code;
    }
    kind.unwrap_or_else(|| if looks_like_markdown(text) { Kind::Markdown } else { Kind::Text })
}

fn kind_of_name(name: &str) -> Option<Kind> {
    let ending = name.rsplit(['/', '\\']).next()?.rsplit_once('.').map(|(_, ending)| ending.to_lowercase());
    Some(match ending.as_deref() {
        Some("md" | "markdown" | "mdown" | "mkd" | "mdx" | "qmd" | "rmd") => Kind::Markdown,
        Some("html" | "htm" | "xhtml") => Kind::Html,
        Some("csv" | "tsv" | "tab") => Kind::Table,
        Some("json" | "geojson" | "ipynb" | "webmanifest") => Kind::Json,
        Some("jsonl" | "ndjson") => Kind::JsonLines,
        Some("yaml" | "yml") => Kind::Yaml,
        Some("toml") => Kind::Toml,
        Some("eml") => Kind::Email,
        Some("mbox" | "mbx") => Kind::Mailbox,
        Some("ics" | "ical" | "ifb") => Kind::Calendar,
        Some("txt" | "text" | "log" | "rst" | "adoc" | "org") => Kind::Text,
        _ => return Language::of_file(name).map(|_| Kind::Code),
    })
}

fn kind_of_media_type(media_type: &str) -> Option<Kind> {
    Some(match media_type.split(';').next()?.trim().to_ascii_lowercase().as_str() {
        "text/markdown" | "text/x-markdown" => Kind::Markdown,
        "text/html" | "application/xhtml+xml" => Kind::Html,
        "text/csv" | "text/tab-separated-values" => Kind::Table,
        "application/json" | "text/json" => Kind::Json,
        "application/jsonl" | "application/x-ndjson" | "application/x-jsonlines" => Kind::JsonLines,
        "application/yaml" | "text/yaml" | "application/x-yaml" => Kind::Yaml,
        "application/toml" => Kind::Toml,
        "message/rfc822" => Kind::Email,
        "application/mbox" => Kind::Mailbox,
        "text/calendar" => Kind::Calendar,
        "text/plain" => Kind::Text,
        _ => return None,
    })
}

/// What the content says for certain; `named` is what the name or media type says.
fn kind_of_content(text: &str, named: Option<Kind>) -> Option<Kind> {
    let start = text.trim_start();
    let line = start.lines().next().unwrap_or("").trim_end();
    if line.eq_ignore_ascii_case("BEGIN:VCALENDAR") {
        return Some(Kind::Calendar);
    }
    if start.starts_with("From ") && formats::mail::begins_a_mailbox(start) {
        return Some(Kind::Mailbox);
    }
    if !matches!(named, Some(Kind::Markdown)) && formats::mail::begins_an_email(start) {
        return Some(Kind::Email);
    }
    let head: String = start.chars().take(64).flat_map(char::to_lowercase).collect();
    if head.starts_with("<!doctype html") || head.starts_with("<html") {
        return Some(Kind::Html);
    }
    if matches!(named, None | Some(Kind::Text | Kind::Json | Kind::JsonLines)) {
        if let Some(kind) = kind_of_json(start, named) {
            return Some(kind);
        }
        if named != Some(Kind::Json) && formats::chat::is_whatsapp(start) {
            return Some(Kind::Chat);
        }
    }
    None
}

fn kind_of_json(start: &str, named: Option<Kind>) -> Option<Kind> {
    let mut lines = start.lines().filter(|line| !line.trim().is_empty());
    let object = |line: &str| {
        let line = line.trim();
        line.starts_with('{') && line.ends_with('}') && line.len() < 1 << 20
    };
    // Both lines are values on their own, so together they are no one value.
    if lines
        .next()
        .is_some_and(|line| object(line) && serde_json::from_str::<serde::de::IgnoredAny>(line).is_ok())
        && lines.next().is_some_and(object)
    {
        return Some(Kind::JsonLines);
    }
    if named.is_some() {
        return None;
    }
    let mut letters = start.chars();
    let (first, next) = (letters.next()?, letters.find(|letter| !letter.is_whitespace())?);
    let is_json = match first {
        '{' => matches!(next, '"' | '}'),
        '[' => matches!(next, '{' | '[' | '"' | ']'),
        _ => false,
    };
    is_json.then_some(Kind::Json)
}

/// Text without a name is taken for Markdown if a few of its first lines look so.
fn looks_like_markdown(text: &str) -> bool {
    const LOOK_AT: usize = 200;
    let signs = text.lines().take(LOOK_AT).filter(|line| {
        let heading = line.trim_start_matches('#');
        let hashes = line.len() - heading.len();
        ((1..=6).contains(&hashes) && heading.starts_with(' '))
            || line.starts_with("```")
            || line.starts_with("- [")
            || line.contains("](")
            || line.contains("**")
    });
    signs.count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_before_name_and_name_before_media_type() {
        #[track_caller]
        fn check(text: &str, name: Option<&str>, media_type: Option<&str>, kind: Kind) {
            assert_eq!(kind_of_text(text, &Hint { name, media_type }), kind, "{text:?} {name:?}");
        }
        check("hello", None, None, Kind::Text);
        check("hello", Some("a.md"), Some("text/plain"), Kind::Markdown);
        check("hello", None, Some("text/markdown; charset=utf-8"), Kind::Markdown);
        check("<!DOCTYPE html><p>x", Some("page.txt"), None, Kind::Html);
        check("<!doctype html><p>x", Some("template.php"), None, Kind::Code);
        check("{\"a\": 1}", None, None, Kind::Json);
        check("{\"a\": 1}\n{\"a\": 2}\n", Some("log.txt"), None, Kind::JsonLines);
        check("{\"a\": 1}\n{\"a\": 2}\n", Some("log.json"), None, Kind::JsonLines);
        check("{not json", None, None, Kind::Text);
        check("BEGIN:VCALENDAR\r\nEND:VCALENDAR", Some("x.txt"), None, Kind::Calendar);
        check("From: a@b.c\nTo: d@e.f\nSubject: x\n\nHello", None, None, Kind::Email);
        check("From a@b.c Thu Jan  1 00:00:00 2020\nFrom: a@b.c\n\nHello", Some("x"), None, Kind::Mailbox);
        check("#!/bin/sh\necho", None, None, Kind::Code);
        check("# One\n\n## Two\n", None, None, Kind::Markdown);
        check("12/31/23, 11:59 PM - Ada: hi\n1/1/24, 12:00 AM - Bob: ho", Some("chat.txt"), None, Kind::Chat);
    }

    #[test]
    fn binaries_are_refused_by_name() {
        #[track_caller]
        fn check(bytes: &[u8], what: &str) {
            let Err(Error::Unsupported { what: found }) = container(bytes) else { panic!("{what}") };
            assert_eq!(found, what);
        }
        check(b"\x89PNG\r\n\x1a\n\0\0", "a PNG image");
        check(b"\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0", "a binary file of an unknown kind");
        check(&[0; 64], "a binary file of an unknown kind");
        assert_eq!(container("größer".as_bytes()), Ok(Container::Text));
        assert_eq!(container(b"a\0b\0c\0d\0"), Ok(Container::Text));
        assert_eq!(container(b"\x1b[31mred\x1b[0m log"), Ok(Container::Text));
        assert!(container(COMPOUND_FILE).unwrap_err().to_string().contains("older Office"));
    }
}
