//! Words, as search compares them: case and accents folded, in any script.
//!
//! Letters and digits run together to a word. Scripts that are written without spaces, and
//! symbols such as emoji, give one word for each character.

use std::ops::Range;

/// A word and where it stands in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// How many characters of the text come before it.
    pub at: usize,
    /// How many characters it has in the text.
    pub chars: usize,
    /// The word, folded.
    pub folded: String,
}

/// The words of `text`, in order.
pub fn words(text: &str) -> Vec<Word> {
    let mut all = Vec::new();
    let mut open: Option<Word> = None;
    for (at, (start, character)) in text.char_indices().enumerate() {
        let range = start..start + character.len_utf8();
        match sort_of(character) {
            Sort::Letter | Sort::Mark if open.is_some() => {
                let word = open.as_mut().expect("a word is open");
                word.range.end = range.end;
                word.chars += 1;
                fold_into(character, &mut word.folded);
            }
            Sort::Letter => {
                let mut folded = String::new();
                fold_into(character, &mut folded);
                open = Some(Word { range, at, chars: 1, folded });
            }
            Sort::Alone => {
                all.extend(open.take());
                all.push(Word { range, at, chars: 1, folded: character.to_string() });
            }
            Sort::Mark | Sort::Other => all.extend(open.take()),
        }
    }
    all.extend(open);
    all.retain(|word| !word.folded.is_empty());
    all
}

enum Sort {
    Letter,
    Mark,
    Alone,
    Other,
}

fn sort_of(character: char) -> Sort {
    match character {
        character if character.is_ascii_alphanumeric() => Sort::Letter,
        '\0'..='\x7f' => Sort::Other,
        '\u{300}'..='\u{36f}' => Sort::Mark,
        // Kana and ideographs; Hangul is written with spaces.
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Sort::Alone,
        character if character.is_alphanumeric() => Sort::Letter,
        // Arrows, mathematics, pictographs; not the joiners and selectors between them.
        '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => Sort::Alone,
        _ => Sort::Other,
    }
}

/// What a lower-case letter is without its accent. Only letters that Unicode itself takes apart
/// into a letter and a mark, as the keyword index does too.
const ACCENTED: [(&str, char); 22] = [
    ("àáâãäåāăąǎ", 'a'),
    ("çćĉċč", 'c'),
    ("ď", 'd'),
    ("èéêëēĕėęě", 'e'),
    ("ĝğġģ", 'g'),
    ("ĥ", 'h'),
    ("ìíîïĩīĭį", 'i'),
    ("ĵ", 'j'),
    ("ķ", 'k'),
    ("ĺļľ", 'l'),
    ("ñńņň", 'n'),
    ("òóôõöōŏő", 'o'),
    ("ŕŗř", 'r'),
    ("śŝşš", 's'),
    ("ţť", 't'),
    ("ùúûüũūŭůűų", 'u'),
    ("ŵ", 'w'),
    ("ýÿŷ", 'y'),
    ("źżž", 'z'),
    ("ά", 'α'),
    ("έ", 'ε'),
    ("ό", 'ο'),
];

fn fold_into(character: char, folded: &mut String) {
    if character.is_ascii() {
        folded.push(character.to_ascii_lowercase());
        return;
    }
    for lower in character.to_lowercase().filter(|lower| !('\u{300}'..='\u{36f}').contains(lower)) {
        let base = ACCENTED.iter().find(|(accented, _)| accented.contains(lower));
        folded.push(base.map_or(lower, |(_, base)| *base));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let all = words(text);
        let folded: Vec<_> = all.iter().map(|word| word.folded.as_str()).collect();
        assert_eq!(folded, expected, "{text:?}");
        for word in all {
            let shown = &text[word.range.clone()];
            assert_eq!(word.chars, shown.chars().count());
            assert_eq!(word.at, text[..word.range.start].chars().count());
        }
    }

    #[test]
    fn folds_case_and_accents() {
        check("Relatório de VENDAS, março/2024!", &["relatorio", "de", "vendas", "marco", "2024"]);
        check("Ação não coração", &["acao", "nao", "coracao"]);
        check("a\u{301}gua cafe\u{301}", &["agua", "cafe"]);
        check("İstanbul ŁÓDŹ Straße", &["istanbul", "łodz", "straße"]);
    }

    #[test]
    fn takes_any_script() {
        check("明日会議", &["明", "日", "会", "議"]);
        check("привет мир 안녕 하세요", &["привет", "мир", "안녕", "하세요"]);
        check("ship it 🚀🎉!", &["ship", "it", "🚀", "🎉"]);
        check("👩\u{200d}💻", &["👩", "💻"]);
        check("", &[]);
        check("\u{301}\u{0} — … \u{fffd}", &[]);
    }

    #[test]
    fn has_no_words_in_syntax() {
        check("\"' OR 1=1-- *", &["or", "1", "1"]);
        check("don't_stop", &["don", "t", "stop"]);
    }
}
