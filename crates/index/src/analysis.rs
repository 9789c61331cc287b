//! How texts and queries become terms.
//!
//! Words are folded ([`crate::words`]) and then stemmed in the language of their text, English or
//! Portuguese; a query is stemmed in both, since nobody knows which language holds the answer.
//! Accents are gone before stemming, so that a query without them finds what is written with them;
//! for Portuguese the plurals that change with the accent (`ação`, `ações`) are undone first.

use frostem::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::stop_words::{is_of, is_stop_word, query_words};
use crate::words::{Word, words};

/// Longer words are not indexed: they are data, not language.
const MAX_WORD_BYTES: usize = 80;
/// How many words are looked at to tell a text's language.
const SAMPLED_WORDS: usize = 200;

/// A language that words are stemmed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English, and whatever is neither.
    English,
    /// Portuguese.
    Portuguese,
}

impl Language {
    /// The language of a text, by its commonest words.
    pub fn of(text: &str) -> Self {
        Self::of_words(&words(text))
    }

    pub(crate) fn of_words(words: &[Word]) -> Self {
        let (mut english, mut portuguese) = (0, 0);
        for word in words.iter().take(SAMPLED_WORDS) {
            let (is_english, is_portuguese) = is_of(&word.folded);
            // What both have, such as `a`, tells nothing.
            english += usize::from(is_english && !is_portuguese);
            portuguese += usize::from(is_portuguese && !is_english);
        }
        if portuguese > english { Self::Portuguese } else { Self::English }
    }

    /// The stem of a folded word.
    pub fn stem(self, word: &str) -> String {
        match self {
            Self::English => Stemmer::new(Algorithm::English).stem(word).into_owned(),
            Self::Portuguese => Stemmer::new(Algorithm::Portuguese).stem(&without_plural(word)).into_owned(),
        }
    }
}

/// Endings of the plural and of the singular they stand for, in folded Portuguese; the first that
/// fits is undone. A word must keep three letters before it.
const PLURALS: [(&str, &str); 8] = [
    ("oes", "ao"),
    ("aes", "ao"),
    ("ais", "al"),
    ("eis", "el"),
    ("ois", "ol"),
    ("res", "r"),
    ("zes", "z"),
    ("ns", "m"),
];

fn without_plural(word: &str) -> String {
    for (plural, singular) in PLURALS {
        if let Some(root) = word.strip_suffix(plural)
            && root.len() >= 2
        {
            return format!("{root}{singular}");
        }
    }
    word.to_owned()
}

/// A word folded, and its parts where upper and lower case divide it, as `parseUrl` and `HTTPServer`:
/// whoever looks for `github` finds `GitHub`, and whoever looks for `server` finds `HTTPServer`.
pub(crate) fn forms(written: &str, folded: String) -> Vec<String> {
    let mut all = vec![folded];
    if written.len() > 2 && written.chars().skip(1).any(char::is_uppercase) {
        let parts = parts(written);
        if parts.len() > 1 {
            let fold = |part: &&str| words(part).into_iter().next().map(|word| word.folded);
            all.extend(parts.iter().filter_map(fold));
        }
    }
    all
}

fn parts(written: &str) -> Vec<&str> {
    let characters: Vec<(usize, char)> = written.char_indices().collect();
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, pair) in characters.windows(2).enumerate() {
        let ((_, one), (next_at, other)) = (pair[0], pair[1]);
        let follows = characters.get(at + 2).is_some_and(|(_, third)| third.is_lowercase());
        let begins = other.is_uppercase() && (!one.is_uppercase() || follows);
        if begins {
            parts.push(&written[start..next_at]);
            start = next_at;
        }
    }
    parts.push(&written[start..]);
    parts
}

/// What a text is indexed as.
pub(crate) struct Terms {
    /// Its stems, in order, with spaces between them.
    pub stems: String,
    /// How many of them say something: all but stop words.
    pub telling: u32,
}

/// Reads texts as terms. What the words of many texts become is found out once.
#[derive(Default)]
pub(crate) struct Analyser {
    /// By language: the word's stem, and whether it says something.
    known: [FxHashMap<String, (String, bool)>; 2],
}

impl Analyser {
    /// The terms of a text; words too long are left out.
    pub fn terms(&mut self, text: &str) -> Terms {
        let words = words(text);
        let language = Language::of_words(&words);
        let known = &mut self.known[language as usize];
        let mut terms = Terms { stems: String::with_capacity(text.len()), telling: 0 };
        for word in words.into_iter().filter(|word| word.folded.len() <= MAX_WORD_BYTES) {
            for form in forms(&text[word.range], word.folded) {
                let (stem, tells) = match known.get(&form) {
                    Some(known) => known,
                    None => {
                        let learnt = (language.stem(&form), !is_stop_word(&form, language));
                        known.entry(form).or_insert(learnt)
                    }
                };
                terms.telling += u32::from(*tells);
                if !terms.stems.is_empty() {
                    terms.stems.push(' ');
                }
                terms.stems.push_str(stem);
            }
        }
        terms
    }
}

/// The different words of a text that are no stop words, folded, in order; words too long are left
/// out.
pub fn telling_words(text: &str) -> Vec<String> {
    let words = words(text);
    let language = Language::of_words(&words);
    let mut seen = FxHashSet::default();
    let mut telling = Vec::new();
    for word in words {
        if word.folded.len() > MAX_WORD_BYTES {
            continue;
        }
        for form in forms(&text[word.range], word.folded) {
            if !seen.contains(&form) {
                seen.insert(form.clone());
                if !is_stop_word(&form, language) {
                    telling.push(form);
                }
            }
        }
    }
    telling
}

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoughtWord {
    /// The word, folded.
    pub word: String,
    /// Its stems, without doubles.
    pub stems: Vec<String>,
}

/// What a query looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Its words, without those that every question has, and without doubles.
    pub words: Vec<SoughtWord>,
}

impl Sought {
    /// Reads a question or some words.
    pub fn read(query: &str) -> Self {
        let mut sought = Self::default();
        for mut word in query_words(query) {
            word.truncate(word.floor_char_boundary(MAX_WORD_BYTES));
            let mut stems: Vec<String> =
                [Language::English, Language::Portuguese].map(|language| language.stem(&word)).into();
            stems.dedup();
            // Two forms of one word are one.
            if !sought.words.iter().any(|other| other.stems == stems) {
                sought.words.push(SoughtWord { word, stems });
            }
        }
        sought
    }

    /// What is sought without these words, folded; everything when nothing else would remain.
    #[must_use]
    pub fn without(&self, names: &[String]) -> Self {
        let others = self.words.iter().filter(|word| !names.contains(&word.word)).cloned();
        let rest = Self { words: others.collect() };
        if rest.is_empty() { self.clone() } else { rest }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn same(language: Language, forms: &[&str]) {
        let stems: Vec<String> = forms.iter().map(|form| language.stem(form)).collect();
        assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{forms:?} → {stems:?}");
    }

    #[test]
    fn forms_of_a_word_are_one() {
        same(Language::English, &["invoice", "invoices", "invoiced"]);
        same(Language::English, &["decide", "decided", "deciding"]);
        same(Language::Portuguese, &["decisao", "decisoes"]);
        same(Language::Portuguese, &["relatorio", "relatorios"]);
        same(Language::Portuguese, &["animal", "animais"]);
        same(Language::Portuguese, &["papel", "papeis"]);
        same(Language::Portuguese, &["imagem", "imagens"]);
        same(Language::Portuguese, &["vendedor", "vendedores"]);
    }

    #[test]
    fn languages_are_told_apart() {
        let portuguese = "As vendas de março cresceram muito e não foi por acaso.";
        assert_eq!(Language::of(portuguese), Language::Portuguese);
        assert_eq!(Language::of("The sales of March grew, and not by chance."), Language::English);
        assert_eq!(Language::of("fn main() {}"), Language::English);
        assert_eq!(Language::of(""), Language::English);
    }

    #[test]
    fn a_query_is_read_in_both_languages() {
        let sought = Sought::read("Which decisions about invoices and an invoice? Decisões!");
        let words: Vec<_> = sought.words.iter().map(|word| word.word.as_str()).collect();
        assert_eq!(words, ["decisions", "invoices", "decisoes"]);
        assert!(Sought::read("???").is_empty());
        assert_eq!(Sought::read(&"x".repeat(1_000)).words[0].word.len(), MAX_WORD_BYTES);
    }
}
