//! The characters that words are made of: cleaned, without accents, in lower case.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// A text's characters as the vocabulary knows them.
pub fn normal(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|letter| !is_dropped(*letter))
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .flat_map(apart)
        .nfd()
        .filter(|letter| letter.is_ascii() || letter.general_category() != GeneralCategory::NonspacingMark)
        .flat_map(char::to_lowercase)
}

/// Whether a character says nothing: control and format characters, and what replaces broken bytes.
fn is_dropped(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{fffd}' => true,
        ' '..='~' => false,
        _ => matches!(
            letter.general_category(),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::PrivateUse
        ),
    }
}

/// A Chinese character is a word of its own; any other comes as it is.
fn apart(letter: char) -> impl Iterator<Item = char> {
    let space = is_ideograph(letter).then_some(' ');
    space.into_iter().chain([letter]).chain(space)
}

/// The blocks that BERT takes for Chinese; kana and hangul are not among them.
fn is_ideograph(letter: char) -> bool {
    matches!(letter,
        '\u{4e00}'..='\u{9fff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}'
        | '\u{2b740}'..='\u{2b81f}'
        | '\u{2b920}'..='\u{2ceaf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{2f800}'..='\u{2fa1f}')
}
