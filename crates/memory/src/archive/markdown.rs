//! Documents as files of Markdown: front matter with all that is known of one, and its text as it is.
//!
//! Front matter has one member a line, each value written as JSON, which is YAML too. A text that
//! somebody has edited since is told by its digest, and taken as it is now.
//!
//! Invariant: no two documents have the same file, on any system, whatever it makes of letters.

use serde_json::{Map, Value};

use super::jsonl::{VERSION, check_version};
use super::record::Record;
use crate::error::Error;

const FENCE: &str = "---\n";
/// The member that says whose front matter it is.
const MARK: &str = "atelier";
const TEXT_DIGEST: &str = "text_digest";
/// How much of a key a file's name shows, in bytes.
const SHOWN_BYTES: usize = 80;
/// Names that Windows keeps for itself, with whatever ending.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The file of a document.
pub(super) fn file_of(record: Record) -> Vec<u8> {
    let digest = digest_of(&record.text);
    // It is a struct without any maps but of texts, so this cannot fail.
    let Ok(Value::Object(mut members)) = serde_json::to_value(record) else { return Vec::new() };
    let text = match members.shift_remove("text") {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let mut file = String::with_capacity(text.len() + 1_000);
    file.push_str(FENCE);
    push_member(&mut file, MARK, &Value::from(format!("memory/{VERSION}")));
    for (name, value) in &members {
        push_member(&mut file, name, value);
    }
    push_member(&mut file, TEXT_DIGEST, &Value::from(digest));
    file.push_str(FENCE);
    file.push_str(&text);
    file.into_bytes()
}

fn push_member(file: &mut String, name: &str, value: &Value) {
    file.push_str(name);
    file.push_str(": ");
    for letter in value.to_string().chars() {
        // Letters that JSON takes as they are and YAML does not.
        if matches!(
            letter,
            '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ) {
            file.push_str(&format!("\\u{:04x}", u32::from(letter)));
        } else {
            file.push(letter);
        }
    }
    file.push('\n');
}

fn digest_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

/// Whether a file is one of ours.
pub(super) fn is_ours(file: &[u8]) -> bool {
    let start = &file[..file.len().min(64)];
    let start = String::from_utf8_lossy(start).replace("\r\n", "\n");
    let rest = start.strip_prefix(FENCE).and_then(|rest| rest.strip_prefix(MARK));
    rest.is_some_and(|rest| rest.trim_start_matches([':', ' ', '"', '\'']).starts_with("memory/"))
}

/// Reads one of our files.
///
/// # Errors
/// [`Error::RecordDamaged`], [`Error::ArchiveTooNew`].
pub(super) fn read(file: Vec<u8>) -> Result<Record, Error> {
    let damaged = |reason: &str| Error::RecordDamaged { reason: reason.to_owned() };
    let file = String::from_utf8(file).map_err(|_| damaged("it is not UTF-8"))?;
    let (front, text) = divide(&file).ok_or_else(|| damaged("its front matter has no end"))?;
    let mut members = members_of(front).ok_or_else(|| damaged("its front matter cannot be read"))?;
    let mark = members.shift_remove(MARK);
    let version = mark.as_ref().and_then(|mark| mark.as_str()?.strip_prefix("memory/")?.parse().ok());
    check_version(version.ok_or_else(|| damaged("its front matter has no version"))?)?;
    let digest = members.shift_remove(TEXT_DIGEST);
    let is_edited = digest.is_none_or(|digest| digest.as_str() != Some(&digest_of(text)));
    members.insert("text".into(), Value::from(text));
    let record = serde_json::from_value::<Record>(Value::Object(members));
    let mut record = record.map_err(|error| Error::RecordDamaged { reason: error.to_string() })?;
    record.is_edited = is_edited;
    Ok(record)
}

/// What stands between the fences, and the text behind them.
fn divide(file: &str) -> Option<(&str, &str)> {
    let front = file.strip_prefix(FENCE).or_else(|| file.strip_prefix("---\r\n"))?;
    let mut at = 0;
    for line in front.split_inclusive('\n') {
        if line.strip_suffix('\n').is_some_and(|line| line.strip_suffix('\r').unwrap_or(line) == "---") {
            return Some((&front[..at], &front[at + line.len()..]));
        }
        at += line.len();
    }
    // Nothing but the fence, without an end of its line.
    front[..at].strip_suffix("\n---").map(|front| (front, ""))
}

/// The members as they were written, or as an editor has written them anew.
fn members_of(front: &str) -> Option<Map<String, Value>> {
    let as_written = front.lines().map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_owned(), serde_json::from_str(value).ok()?))
    });
    if let Some(members) = as_written.collect::<Option<Map<String, Value>>>() {
        return Some(members);
    }
    match serde_yaml::from_str(front) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

/// The path of a document's file: a folder for its collection, and a name that shows its key.
pub(super) fn path_of(collection: &str, key: &str) -> String {
    let folder = if is_reserved(collection) { format!("({collection})") } else { collection.to_owned() };
    let key = key.strip_suffix(".md").map_or((key, false), |stem| (stem, true));
    format!("{folder}/{}.md", name_of(key.0, key.1))
}

/// A name of letters that every system takes. One that could be taken for another's has a digest of
/// its key, and so has one that looks as if it had.
fn name_of(stem: &str, had_ending: bool) -> String {
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let is_safe = !had_ending && (1..=SHOWN_BYTES).contains(&stem.len()) && stem.bytes().all(is_plain);
    if is_safe && !is_reserved(stem) && !has_digest(stem) {
        return stem.to_owned();
    }
    let mut shown = String::new();
    for letter in stem.chars() {
        let letter = if letter.is_alphanumeric() || matches!(letter, '_' | ' ') { letter } else { '-' };
        if shown.len() + letter.len_utf8() > SHOWN_BYTES {
            break;
        }
        if !(letter == '-' && shown.ends_with('-')) {
            shown.push(letter);
        }
    }
    let shown = shown.trim_matches([' ', '-', '.']);
    let digest = &blake3::hash(&[stem.as_bytes(), &[u8::from(had_ending)]].concat()).to_hex()[..16];
    if shown.is_empty() { format!("document-{digest}") } else { format!("{shown}-{digest}") }
}

fn has_digest(stem: &str) -> bool {
    stem.rsplit_once('-').is_some_and(|(_, end)| {
        end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
    })
}

fn is_reserved(stem: &str) -> bool {
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    RESERVED.contains(&stem) || numbered("com") || numbered("lpt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_file_that_every_system_takes() {
        #[track_caller]
        fn check(collection: &str, key: &str, path: &str) {
            assert_eq!(path_of(collection, key), path, "{key:?}");
        }
        check("notes", "garden", "notes/garden.md");
        check("notes", "doc_01hv-5", "notes/doc_01hv-5.md");
        check("con", "a", "(con)/a.md");
        let shown = |key: &str| {
            let path = path_of("notes", key);
            let name = path.strip_prefix("notes/").and_then(|name| name.strip_suffix(".md")).expect("a name");
            assert!(path.len() < 200 && has_digest(name), "{path}");
            name[..name.len() - 17].to_owned()
        };
        assert_eq!(shown("garden.md"), "garden");
        assert_eq!(shown("Garden"), "Garden");
        assert_eq!(shown("a/../../b"), "a-b");
        assert_eq!(shown("com1"), "com1");
        assert_eq!(shown("nul"), "nul");
        assert_eq!(shown("..."), "document");
        assert_eq!(shown("x: <y>|\"z\"?*\\"), "x- -y-z");
        assert_eq!(shown("garden-0123456789abcdef"), "garden-0123456789abcdef");
        assert_eq!(shown(&"é".repeat(400)), "é".repeat(40));
    }

    #[test]
    fn keys_that_differ_in_anything_have_files_that_differ_without_regard_to_case() {
        let keys = [
            "garden",
            "Garden",
            "GARDEN",
            "garden.md",
            "garden.md.md",
            "garden ",
            "é",
            "e\u{301}",
            "a/b",
            "a-b",
            "a b",
        ];
        let names: std::collections::BTreeSet<String> =
            keys.iter().map(|key| path_of("c", key).to_lowercase()).collect();
        assert_eq!(names.len(), keys.len());
    }

    #[test]
    fn front_matter_ends_at_its_own_fence() {
        assert_eq!(divide("---\na: 1\n---\n---\ntext"), Some(("a: 1\n", "---\ntext")));
        assert_eq!(divide("---\r\na: 1\r\n---\r\n\r\ntext"), Some(("a: 1\r\n", "\r\ntext")));
        assert_eq!(divide("---\na: 1\n---"), Some(("a: 1", "")));
        assert_eq!(divide("---\na: 1\n"), None);
        assert_eq!(divide("text"), None);
    }
}
