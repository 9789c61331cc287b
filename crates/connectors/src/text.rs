//! Text of strangers, made so that a person sees all of what a model reads.
//!
//! Invariant: what comes out has no control characters but line ends and tabs, no characters that
//! turn the direction of others, and none that nobody sees.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// What joins letters in some scripts and emoji; without them texts of those are not themselves.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// What a server says of itself or a tool, in at most `bytes`.
pub(crate) fn label(text: &str, bytes: usize) -> String {
    cut(&text.chars().filter_map(|one| seen(one, false)).collect::<String>(), bytes)
}

/// What a tool answered.
pub(crate) fn content(text: &str) -> String {
    text.chars().filter_map(|one| seen(one, true)).collect()
}

/// Whether a text has nothing that would be left out of it.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(|one| seen(one, false) == Some(one))
}

/// A text with its end left out when it is long.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{} […]", &text[..text.floor_char_boundary(bytes)])
}

fn seen(one: char, keeps_joiners: bool) -> Option<char> {
    if matches!(one, '\n' | '\t') || (keeps_joiners && JOINERS.contains(&one)) {
        return Some(one);
    }
    if matches!(one, '\u{2028}' | '\u{2029}') {
        return Some('\n');
    }
    let is_selector = matches!(one, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}');
    // Fillers that are letters to Unicode and blank to everybody.
    let is_blank = matches!(one, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{034f}');
    let is_hidden = matches!(
        one.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    (!is_selector && !is_blank && !is_hidden).then_some(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(label(text, 100), expected);
    }

    #[test]
    fn what_nobody_sees_does_not_reach_a_model() {
        check("Adds two\tnumbers.\nBoth", "Adds two\tnumbers.\nBoth");
        check("a\u{1b}[31mred\u{7}", "a[31mred");
        check("tags \u{e0001}\u{e0068}\u{e0069}", "tags ");
        check("bidi \u{202e}evil\u{2066}", "bidi evil");
        check("zero\u{200b}width\u{feff}", "zerowidth");
        check("selectors\u{fe01}\u{e0110}", "selectors");
        check("lines\u{2028}end", "lines\nend");
        check("größer 日本語 😀", "größer 日本語 😀");
    }

    #[test]
    fn answers_keep_the_joiners_that_scripts_and_emoji_need() {
        assert_eq!(content("👩\u{200d}🔬 می\u{200c}خواهم \u{202e}x"), "👩\u{200d}🔬 می\u{200c}خواهم x");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(cut("ééé", 3), "é […]");
        assert_eq!(cut("abc", 3), "abc");
    }
}
