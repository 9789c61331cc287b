//! The words of a question that say nothing about its answer, in English and Portuguese.

use crate::words::words;

/// A query uses at most this many different words, the first ones.
const MAX_WORDS: usize = 64;

/// Folded, as [`words`] gives them.
const STOP_WORDS: &str = "
a about after all am an and any are as at be because been before being but by can could did do does
doing for from had has have having he her here hers him his how i if in into is it its just
ll me my no nor not of off on once only or our ours out over please re s shall she should
show so some such t tell than that the their theirs them then there these they this those through to
too under until up us ve very was we were what when where which while who whom whose why will with
would you your yours
ao aos aquela aquelas aquele aqueles aquilo as ate com como da das de dela delas dele deles depois do
dos e ela elas ele eles em entre era eram essa essas esse esses esta estao estas estava estavam este
estes estou eu foi fomos for foram ha isso isto ja la lhe lhes mais mas me mesmo meu meus minha
minhas muito na nao nas nem no nos nossa nossas nosso nossos num numa o onde os ou para pela pelas
pelo pelos por porque qual quais quando quanto quantos quantas que quem sao se sem ser seu seus so
sobre sua suas tambem te tem temos tenho ter teu teus tinha tinham tu tua tuas tudo um uma umas uns
voce voces vos mostre diga favor quero preciso";

/// The different words of a query that are worth looking for, in order: all but stop words, or all
/// when there is nothing else.
pub(crate) fn query_words(query: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for word in words(query) {
        if !all.contains(&word.folded) {
            all.push(word.folded);
        }
        // Enough to choose from, and the search for doubles stays short.
        if all.len() == 4 * MAX_WORDS {
            break;
        }
    }
    let telling: Vec<String> = all.iter().filter(|word| !is_stop_word(word)).cloned().collect();
    let mut chosen = if telling.is_empty() { all } else { telling };
    chosen.truncate(MAX_WORDS);
    chosen
}

fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.split_ascii_whitespace().any(|stop| stop == word)
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
