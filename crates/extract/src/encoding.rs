//! Bytes become text, whatever their encoding.
//!
//! Invariant: this never fails. An encoding that had to be guessed and bytes that mean nothing in it
//! are said in the notes.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Decodes text. What a byte order mark says comes first, then UTF-8 if the bytes are valid, then
/// `declared` (from a `charset`), then a guess.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    declared: Option<&'static Encoding>,
    notes: &mut Vec<String>,
) -> Cow<'a, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode_as(&bytes[mark..], encoding, notes);
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        notes.push(format!("It has no byte order mark and was read as {}", encoding.name()));
        return decode_as(bytes, encoding, notes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    if let Some(encoding) = declared.filter(|encoding| *encoding != UTF_8) {
        return decode_as(bytes, encoding, notes);
    }
    if mostly_utf_8(bytes) {
        return decode_as(bytes, UTF_8, notes);
    }
    let encoding = guess(bytes);
    notes.push(format!("It does not say its encoding and was read as {}", encoding.name()));
    decode_as(bytes, encoding, notes)
}

/// The encoding of a name like `iso-8859-1`.
pub(crate) fn named(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

/// The `charset` of a media type.
pub(crate) fn of_media_type(media_type: &str) -> Option<&'static Encoding> {
    let at = media_type.to_ascii_lowercase().find("charset=")?;
    named(media_type.get(at + "charset=".len()..)?.split(';').next()?)
}

fn decode_as<'a>(bytes: &'a [u8], encoding: &'static Encoding, notes: &mut Vec<String>) -> Cow<'a, str> {
    let (text, replaced) = encoding.decode_without_bom_handling(bytes);
    if replaced {
        let count = text.matches('\u{fffd}').count();
        notes.push(format!("{count} places that are not {} were replaced by \u{fffd}", encoding.name()));
    }
    text
}

/// Text in UTF-16 of a western language has a zero in every other byte.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    const LOOK_AT: usize = 4096;
    let start = &bytes[..bytes.len().min(LOOK_AT) & !1];
    let pairs = start.len() / 2;
    if pairs < 2 {
        return None;
    }
    let zeros = |offset: usize| start.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if odd * 10 >= pairs * 6 && even * 20 <= pairs {
        return Some(UTF_16LE);
    }
    (even * 10 >= pairs * 6 && odd * 20 <= pairs).then_some(UTF_16BE)
}

/// Whether the bytes are UTF-8 but for a few, as in a file that two programs wrote to.
fn mostly_utf_8(bytes: &[u8]) -> bool {
    let (mut letters, mut broken) = (0_usize, 0_usize);
    for part in bytes.utf8_chunks() {
        letters += part.valid().bytes().filter(|byte| *byte >= 0xC2).count();
        broken += usize::from(!part.invalid().is_empty());
    }
    letters >= broken.saturating_mul(4)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    const ENOUGH: usize = 1 << 20;
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(ENOUGH)], true);
    detector.guess(None, Utf8Detection::Allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], declared: Option<&str>, text: &str, noted: &[&str]) {
        let mut notes = Vec::new();
        assert_eq!(decode(bytes, declared.and_then(named), &mut notes), text);
        assert_eq!(notes.len(), noted.len(), "{notes:?}");
        for (note, part) in notes.iter().zip(noted) {
            assert!(note.contains(part), "{note}");
        }
    }

    #[test]
    fn text_is_read_in_whatever_encoding_it_has() {
        check("größer".as_bytes(), None, "größer", &[]);
        check(b"\xEF\xBB\xBFabc", None, "abc", &[]);
        check(b"\xFF\xFEa\0b\0", None, "ab", &[]);
        check(b"a\0b\0c\0d\0", None, "abcd", &["UTF-16LE"]);
        check(b"\0a\0b\0c\0d", None, "abcd", &["UTF-16BE"]);
        check(b"caf\xe9", Some("latin1"), "caf\u{e9}", &[]);
        check(
            b"Le caf\xe9 \xe9tait d\xe9j\xe0 ferm\xe9",
            None,
            "Le café était déjà fermé",
            &["windows-1252"],
        );
        check(
            &encoding_rs::SHIFT_JIS.encode("日本語の文章です。漢字とかな。").0,
            None,
            "日本語の文章です。漢字とかな。",
            &["Shift_JIS"],
        );
        check(b"", None, "", &[]);
    }

    #[test]
    fn bytes_that_mean_nothing_are_replaced_and_said() {
        let mut broken = "äöü ".repeat(20).into_bytes();
        broken.push(0xFF);
        let expected = format!("{}\u{fffd}", "äöü ".repeat(20));
        check(&broken, None, &expected, &["1 places"]);
    }
}
