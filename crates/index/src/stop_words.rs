//! The words of a question that say nothing about its answer, in English and Portuguese.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use crate::analysis::{Language, forms};
use crate::words::words;

/// A query uses at most this many different words, the first ones.
const MAX_WORDS: usize = 64;

/// Folded, as [`words`] gives them.
const ENGLISH: &str = "
a about after ain also am an and are aren as at be been before being between but by can could couldn
d did didn do does doesn doing don done during for from had hadn has hasn have haven having he her
here hers herself him himself his how i if in into is isn it its itself just ll m may me might mine
must my myself no nor not of off on onto or our ours ourselves out over re s shall she should
shouldn so such t than that the their theirs them themselves then there these they this those to too
up us ve very was wasn we were weren what when where which who whom whose why will with without won
would wouldn you your yours yourself please";
const PORTUGUESE: &str = "
ao aos aquela aquelas aquele aqueles aquilo as ate com como da das de dela delas dele deles depois do
dos e ela elas ele eles em entre era eram essa essas esse esses esta estao estas estava estavam este
estes estou eu foi fomos for foram ha isso isto ja la lhe lhes mais mas me mesmo meu meus minha
minhas muito na nao nas nem no nos nossa nossas nosso nossos num numa o onde os ou para pela pelas
pelo pelos por porque qual quais quando quanto quantos quantas que quem sao se sem ser seu seus so
sobre sua suas tambem te tem temos tenho ter teu teus tinha tinham tu tua tuas tudo um uma umas uns
voce voces vos mostre diga favor quero preciso a me do so no";

/// Whether a folded word is a stop word of a language.
pub(crate) fn is_stop_word(word: &str, language: Language) -> bool {
    let (english, portuguese) = is_of(word);
    match language {
        Language::English => english,
        Language::Portuguese => portuguese,
    }
}

/// Whether a folded word is a stop word of any language.
pub fn is_common(word: &str) -> bool {
    is_of(word) != (false, false)
}

/// Whether a folded word is a stop word of English, and whether of Portuguese.
pub(crate) fn is_of(word: &str) -> (bool, bool) {
    static WORDS: LazyLock<FxHashMap<&str, (bool, bool)>> = LazyLock::new(|| {
        let mut words: FxHashMap<&str, (bool, bool)> = FxHashMap::default();
        ENGLISH.split_ascii_whitespace().for_each(|word| words.entry(word).or_default().0 = true);
        PORTUGUESE.split_ascii_whitespace().for_each(|word| words.entry(word).or_default().1 = true);
        words
    });
    WORDS.get(word).copied().unwrap_or_default()
}

/// The words of a query that are worth looking for, in order, with their doubles left out: all but
/// stop words of its language, or all when there is nothing else.
pub(crate) fn query_words(query: &str) -> Vec<String> {
    let words = words(query);
    let language = Language::of_words(&words);
    let mut all: Vec<String> = Vec::new();
    for word in words {
        for form in forms(&query[word.range.clone()], word.folded) {
            if !all.contains(&form) {
                all.push(form);
            }
        }
        // Enough to choose from, and the search for doubles stays short.
        if all.len() >= 4 * MAX_WORDS {
            break;
        }
    }
    let telling: Vec<String> = all.iter().filter(|word| !is_stop_word(word, language)).cloned().collect();
    let mut chosen = if telling.is_empty() { all } else { telling };
    chosen.truncate(MAX_WORDS);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: &[&str]) {
        assert_eq!(query_words(query), expected, "{query}");
    }

    #[test]
    fn keeps_what_tells() {
        check("What did we decide about the invoices?", &["decide", "invoices"]);
        check("O que foi decidido sobre as faturas de março?", &["decidido", "faturas", "marco"]);
        check("Why? why WHY invoice Invoice", &["invoice"]);
        check("Who was the poet of the Victorian era?", &["poet", "victorian", "era"]);
        check("the GitHub token", &["github", "git", "hub", "token"]);
    }

    #[test]
    fn keeps_everything_when_nothing_else_remains() {
        check("To be or not to be", &["to", "be", "or", "not"]);
        check("Quem é você?", &["quem", "e", "voce"]);
        check("???", &[]);
    }

    #[test]
    fn reads_so_many_words() {
        let long: String = (0..1_000).map(|number| format!("w{number} ")).collect();
        assert_eq!(query_words(&long).len(), MAX_WORDS);
    }
}
