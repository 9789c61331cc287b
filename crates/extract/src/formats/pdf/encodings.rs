//! What the codes and glyph names of fonts of one byte mean.

use std::collections::HashMap;
use std::sync::OnceLock;

use encoding_rs::{MACINTOSH, WINDOWS_1252};

/// Characters and the names of their glyphs.
const NAMES: &str = include_str!("glyph_names.txt");

/// Where Adobe's standard encoding differs from Windows' Latin.
const STANDARD: &[(u8, char)] = &[
    (0x27, '\u{2019}'),
    (0x60, '\u{2018}'),
    (0xA4, '\u{2044}'),
    (0xA6, '\u{192}'),
    (0xA8, '\u{a4}'),
    (0xA9, '\''),
    (0xAA, '\u{201c}'),
    (0xAC, '\u{2039}'),
    (0xAD, '\u{203a}'),
    (0xAE, '\u{fb01}'),
    (0xAF, '\u{fb02}'),
    (0xB1, '\u{2013}'),
    (0xB2, '\u{2020}'),
    (0xB3, '\u{2021}'),
    (0xB4, '\u{b7}'),
    (0xB7, '\u{2022}'),
    (0xB8, '\u{201a}'),
    (0xB9, '\u{201e}'),
    (0xBA, '\u{201d}'),
    (0xBC, '\u{2026}'),
    (0xBD, '\u{2030}'),
    (0xD0, '\u{2014}'),
    (0xE1, '\u{c6}'),
    (0xF1, '\u{e6}'),
    (0xF5, '\u{131}'),
    (0xFB, '\u{df}'),
];

/// What the Symbol font draws for the letters.
const SYMBOL: &str = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ";

/// The meanings of the 256 codes in a named encoding; without a name, in the one that is usual for a
/// font of that name.
pub(super) fn base(encoding: Option<&str>, font: &str) -> Vec<Option<String>> {
    let decoded = |code: u8, encoding: &'static encoding_rs::Encoding| {
        let (text, _) = encoding.decode_without_bom_handling(std::slice::from_ref(&code));
        text.into_owned()
    };
    let meaning = |code: u8| {
        if code < 32 {
            return None;
        }
        if encoding.is_none() && font.contains("Symbol") {
            let letter = code.checked_sub(b'A').and_then(|index| SYMBOL.chars().nth(usize::from(index)));
            return letter.map(String::from).or_else(|| Some(char::from(code).to_string()));
        }
        if font.contains("Dingbats") {
            return Some("•".into());
        }
        let standard =
            STANDARD.iter().find(|(known, _)| *known == code).map(|(_, letter)| letter.to_string());
        Some(match encoding {
            Some("MacRomanEncoding") => decoded(code, MACINTOSH),
            Some("StandardEncoding") => standard.unwrap_or_else(|| decoded(code, WINDOWS_1252)),
            _ => decoded(code, WINDOWS_1252),
        })
    };
    // Codes without a meaning of their own show a bullet.
    let bullets = |text: String| if text.chars().all(char::is_control) { "•".into() } else { text };
    (0..=255).map(meaning).map(|text| text.map(bullets)).collect()
}

/// What a glyph of this name shows: `eacute`, `uni00E9`, `f_i`, `a.sc`.
pub(super) fn of_name(name: &str) -> Option<String> {
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    if let Some(letter) = names().get(name) {
        return Some(letter.to_string());
    }
    if name.contains('_') && name.len() < 64 {
        return name.split('_').map(of_name).collect();
    }
    let code = name.strip_prefix("uni").and_then(|code| code.get(..4)).or_else(|| name.strip_prefix('u'))?;
    let letter = char::from_u32(u32::from_str_radix(code, 16).ok()?)?;
    (code.len() >= 4 && !letter.is_control()).then(|| letter.to_string())
}

/// The encoding that is written in the plain part of a Type 1 font: lines like `dup 65 /A put`.
pub(super) fn of_type_1(program: &[u8]) -> Vec<(u8, String)> {
    const LOOK_AT: usize = 64 << 10;
    let start = String::from_utf8_lossy(&program[..program.len().min(LOOK_AT)]);
    let mut found = Vec::new();
    let Some((_, encoding)) = start.split_once("/Encoding") else { return found };
    let encoding = encoding.split("readonly").next().unwrap_or("");
    for entry in encoding.split("dup ").skip(1).take(256) {
        let mut words = entry.split_whitespace();
        let code = words.next().and_then(|code| code.parse::<u8>().ok());
        let name = words.next().and_then(|name| name.strip_prefix('/'));
        if let (Some(code), Some(name)) = (code, name) {
            found.push((code, name.to_owned()));
        }
    }
    found
}

fn names() -> &'static HashMap<&'static str, char> {
    static TABLE: OnceLock<HashMap<&'static str, char>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = HashMap::new();
        for line in NAMES.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let code = words.next().and_then(|code| u32::from_str_radix(code, 16).ok());
            if let Some(letter) = code.and_then(char::from_u32) {
                table.extend(words.map(|name| (name, letter)));
            }
        }
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyph_names_tell_their_characters() {
        #[track_caller]
        fn check(name: &str, text: &str) {
            assert_eq!(of_name(name).unwrap_or_default(), text, "{name}");
        }
        check("eacute", "é");
        check("uni00E9", "é");
        check("u1F600", "😀");
        check("f_i", "fi");
        check("a.sc", "a");
        check(".notdef", "");
        check("g123", "");
        check("alpha", "α");
        check("ffi", "\u{fb03}");
    }
}
