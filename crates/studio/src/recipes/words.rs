//! A message as words, marks and quotations, and the things of the template that its words name.
//!
//! Words are compared in lower case and without accents, and only whole.

use std::ops::Range;

use models::offline::Language;
use unicode_normalization::UnicodeNormalization;

use super::lexicon::canonical;
use super::schema::{Palette, Recipe, TextEntry};
use crate::template::Template;

const LANGUAGES: [Language; 2] = [Language::English, Language::Portuguese];
/// Quotation marks, opening and closing.
const QUOTES: [(char, char); 6] = [('“', '”'), ('"', '"'), ('«', '»'), ('‘', '’'), ('\'', '\''), ('`', '`')];

/// What a part of a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A run of letters and digits.
    Word,
    /// What stands between quotation marks.
    Quoted,
    /// Anything else but space; line ends too.
    Mark(char),
}

/// A part of a message.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// A word as it is compared; empty for what is not a word.
    pub(super) folded: String,
    /// Where it is, with its quotation marks.
    pub(super) range: Range<usize>,
}

/// A thing that words can name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing<'t> {
    /// A change that is ready made.
    Recipe(&'t Recipe),
    /// A text.
    Entry(&'t TextEntry),
    /// Colours.
    Palette(&'t Palette),
}

/// A message, and what it names.
pub(super) struct Message<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: Vec<Token>,
    /// For every token the things whose name begins there, and how many tokens the name has; the
    /// longest first.
    names: Vec<Vec<(usize, Thing<'t>)>>,
    vocabulary: Vec<Name<'t>>,
    /// How many names were found that only this language has: English, Portuguese.
    pub(super) named_in: [usize; 2],
}

impl<'t> Message<'t> {
    pub(super) fn read(text: &'t str, template: &'t Template) -> Self {
        let tokens = tokens(text);
        let vocabulary = vocabulary(template);
        let mut names: Vec<Vec<(usize, Thing<'t>)>> = vec![Vec::new(); tokens.len()];
        let mut named_in = [0; 2];
        for (words, language, thing) in &vocabulary {
            for at in 0..tokens.len() {
                if begins_with(&tokens[at..], words) {
                    names[at].push((words.len(), *thing));
                    let is_in_both =
                        vocabulary.iter().any(|(other, in_other, _)| other == words && in_other != language);
                    named_in[usize::from(*language == Language::Portuguese)] += usize::from(!is_in_both);
                }
            }
        }
        names.iter_mut().for_each(|names| names.sort_by_key(|(length, _)| std::cmp::Reverse(*length)));
        Self { text, tokens, names, vocabulary, named_in }
    }

    /// The longest name at a token that `choose` takes, which must end before `end`.
    pub(super) fn name_at<T>(
        &self,
        at: usize,
        end: usize,
        choose: impl Fn(Thing<'t>) -> Option<T>,
    ) -> Option<(usize, T)> {
        let mut names = self.names.get(at)?.iter().filter(|(length, _)| at + length <= end);
        names.find_map(|(length, thing)| Some((at + length, choose(*thing)?)))
    }

    /// The text whose name has the most words, all of which are among these; and the name.
    pub(super) fn entry_among(&self, words: &[&str]) -> Option<(&'t TextEntry, Vec<&str>)> {
        let named = self.vocabulary.iter().filter_map(|(name, _, thing)| {
            let Thing::Entry(entry) = thing else { return None };
            let name: Vec<&str> = name.iter().map(|word| canonical(word)).collect();
            name.iter().all(|word| words.contains(word)).then_some((*entry, name))
        });
        named.reduce(|best, next| if next.1.len() > best.1.len() { next } else { best })
    }

    /// The text at a pointer.
    pub(super) fn entry_of(&self, pointer: &str) -> Option<(&'t TextEntry, Vec<&str>)> {
        self.vocabulary.iter().find_map(|(_, _, thing)| match thing {
            Thing::Entry(entry) if entry.pointer == pointer => Some((*entry, Vec::new())),
            _ => None,
        })
    }

    /// The text of some tokens, without space around it.
    pub(super) fn slice(&self, tokens: Range<usize>) -> &'t str {
        match self.tokens.get(tokens.clone()) {
            Some([first, .., last] | [first @ last]) => self.text[first.range.start..last.range.end].trim(),
            _ => "",
        }
    }

    /// The text of a token; of a quotation what stands between the marks.
    pub(super) fn inner(&self, token: &Token) -> &'t str {
        let text = &self.text[token.range.clone()];
        if token.kind != Kind::Quoted {
            return text;
        }
        let mut letters = text.chars();
        letters.next();
        letters.next_back();
        letters.as_str()
    }

    pub(super) fn is_word(&self, at: usize, words: &[&str]) -> bool {
        self.tokens.get(at).is_some_and(|token| words.contains(&token.folded.as_str()))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }
}

/// What a thing is called, as words, in which language.
type Name<'t> = (Vec<String>, Language, Thing<'t>);

/// Every name of every thing.
fn vocabulary(template: &Template) -> Vec<Name<'_>> {
    let recipes = template.recipes.iter().map(|recipe| (&recipe.words, &recipe.title, Thing::Recipe(recipe)));
    let entries = template.texts.iter().flat_map(|texts| &texts.entries);
    let entries = entries.map(|entry| (&entry.words, &entry.title, Thing::Entry(entry)));
    let palettes = template.theme.iter().flat_map(|theme| &theme.palettes);
    let palettes = palettes.map(|palette| (&palette.words, &palette.title, Thing::Palette(palette)));
    let mut all = Vec::new();
    for (words, title, thing) in recipes.chain(entries).chain(palettes) {
        for language in LANGUAGES {
            let names = words.of(language).iter().map(String::as_str).chain([title.of(language)]);
            all.extend(names.map(|name| (words_of(name), language, thing)));
        }
    }
    all.retain(|(words, ..)| !words.is_empty());
    all
}

/// The words of a text, as they are compared.
pub(super) fn words_of(text: &str) -> Vec<String> {
    tokens(text).into_iter().filter(|token| token.kind == Kind::Word).map(|token| token.folded).collect()
}

fn begins_with(tokens: &[Token], words: &[String]) -> bool {
    tokens.len() >= words.len() && tokens.iter().zip(words).all(|(token, word)| token.folded == *word)
}

/// Lower case, without accents.
pub(super) fn fold(text: &str) -> String {
    text.nfd().filter(|letter| !is_accent(*letter)).collect::<String>().to_lowercase()
}

fn is_accent(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

fn is_in_word(letter: char) -> bool {
    letter.is_alphanumeric() || is_accent(letter)
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(letter) = text[at..].chars().next() {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let (length, kind) = if is_in_word(letter) {
            (rest.find(|letter: char| !is_in_word(letter)).unwrap_or(rest.len()), Some(Kind::Word))
        } else if let Some(length) = quotation(rest, before) {
            (length, Some(Kind::Quoted))
        } else {
            let after = rest.chars().nth(1);
            let is_inside = before.is_some_and(is_in_word) && after.is_some_and(is_in_word);
            let is_left_out = letter.is_whitespace() && letter != '\n' || is_inside && "-'’".contains(letter);
            (letter.len_utf8(), (!is_left_out).then_some(Kind::Mark(letter)))
        };
        if let Some(kind) = kind {
            let folded = if kind == Kind::Word { fold(&rest[..length]) } else { String::new() };
            tokens.push(Token { kind, folded, range: at..at + length });
        }
        at += length;
    }
    tokens
}

/// How long the quotation is that begins here, with its marks. An apostrophe begins none.
fn quotation(rest: &str, before: Option<char>) -> Option<usize> {
    let first = rest.chars().next()?;
    let (open, close) = QUOTES.into_iter().find(|(open, _)| *open == first)?;
    if "'‘".contains(open) && before.is_some_and(is_in_word) {
        return None;
    }
    let begin = open.len_utf8();
    let mut first_close = None;
    let mut depth = 1_usize;
    for (at, letter) in rest.char_indices().skip(1) {
        if letter == close {
            let end = at + close.len_utf8();
            // A mark in the middle of a word, or before another one, does not close.
            let after = rest[end..].chars().next();
            if open == close && after.is_some_and(|after| is_in_word(after) || after == close) {
                continue;
            }
            first_close = first_close.or(Some(end));
            depth -= 1;
            if depth == 0 {
                return Some(end);
            }
        } else if letter == open {
            depth += 1;
        }
    }
    first_close.filter(|end| *end > begin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found = tokens(text);
        let found: Vec<&str> = found.iter().map(|token| &text[token.range.clone()]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn quotations_are_one_part_and_apostrophes_are_none() {
        check("call it “A, and B”.", &["call", "it", "“A, and B”", "."]);
        check("a “b “c” d” e", &["a", "“b “c” d”", "e"]);
        check("\"It's \"great\"\"", &["\"It's \"great\"\""]);
        check("'It's' it's the dogs' page", &["'It's'", "it", "s", "the", "dogs", "'", "page"]);
        check("an \"open one", &["an", "\"", "open", "one"]);
        check("\"\" x", &["\"\"", "x"]);
        check("to-do a\nb", &["to", "do", "a", "\n", "b"]);
    }

    #[test]
    fn words_are_compared_without_case_and_accents() {
        assert_eq!(words_of("PÁGINA Pa\u{301}gina"), ["pagina", "pagina"]);
    }
}
