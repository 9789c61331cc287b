//! Summaries made of a text's own sentences.
//!
//! A sentence counts for the words it shares with the rest of the text (their logarithmic
//! frequency, as in Luhn, "The automatic creation of literature abstracts", 1958), less for its
//! length, more for standing at the beginning. What repeats a sentence already chosen is passed
//! over (maximal marginal relevance). The same text always gives the same summary.

use std::collections::{BTreeMap, BTreeSet};

use super::language::{Language, words};
use super::sentences::sentences;

/// Longer texts are summarised by their beginning, in characters.
const LONGEST_TEXT: usize = 400_000;
/// Two sentences that share this part of their words say the same.
const SAME: f64 = 0.6;
/// What a sentence at the very beginning counts more than one at the end.
const LEAD: f64 = 0.5;

/// The `max_sentences` sentences of `text` that say most, in the order they stand there.
///
/// Headings, list items and log lines count as sentences; without any of them the result is empty.
pub fn summarise(text: &str, max_sentences: usize, language: Language) -> String {
    let text = text.char_indices().nth(LONGEST_TEXT).map_or(text, |(end, _)| &text[..end]);
    let sentences = sentences(text);
    let mut chosen = if sentences.len() <= max_sentences {
        (0..sentences.len()).collect()
    } else {
        choose(&sentences, max_sentences, language)
    };
    chosen.sort_unstable();
    let chosen: Vec<String> = chosen.into_iter().map(|place| with_end(&sentences[place])).collect();
    chosen.join(" ")
}

fn choose(sentences: &[String], max_sentences: usize, language: Language) -> Vec<usize> {
    let terms: Vec<BTreeSet<String>> = sentences.iter().map(|sentence| terms(sentence, language)).collect();
    let mut frequency: BTreeMap<&str, u32> = BTreeMap::new();
    for term in terms.iter().flatten() {
        *frequency.entry(term).or_default() += 1;
    }
    let score = |place: usize| -> f64 {
        let terms = &terms[place];
        if terms.is_empty() {
            return 0.0;
        }
        let weight: f64 = terms.iter().map(|term| f64::from(frequency[term.as_str()]).ln_1p()).sum();
        let early = 1.0 - place as f64 / sentences.len() as f64;
        weight / (terms.len() as f64 + 3.0).sqrt() * (1.0 + LEAD * early * early)
    };
    let mut ranked: Vec<(f64, usize)> = (0..sentences.len()).map(|place| (score(place), place)).collect();
    ranked.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));

    let mut chosen: Vec<usize> = Vec::new();
    for (_, place) in ranked {
        if chosen.len() == max_sentences {
            break;
        }
        if chosen.iter().all(|&other| likeness(&terms[place], &terms[other]) < SAME) {
            chosen.push(place);
        }
    }
    chosen
}

/// The words that carry a sentence's meaning, cut to a stem so that plurals meet their singulars.
fn terms(sentence: &str, language: Language) -> BTreeSet<String> {
    words(sentence)
        .map(|word| word.folded)
        .filter(|word| word.chars().count() > 2 || word.chars().all(char::is_numeric))
        .filter(|word| !language.is_filler(word))
        .map(|word| word.strip_suffix('s').filter(|stem| stem.len() > 3).unwrap_or(&word).to_owned())
        .collect()
}

/// The part of the words of both that they share (Jaccard).
fn likeness(left: &BTreeSet<String>, right: &BTreeSet<String>) -> f64 {
    let (shared, all) = (left.intersection(right).count(), left.union(right).count());
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

/// The sentence, with a full stop if it has no end of its own.
fn with_end(sentence: &str) -> String {
    let closed =
        sentence.ends_with(['.', '!', '?', '…', ':', ';', '。', '！', '？', '"', '”', '»', ')', '\'']);
    format!("{sentence}{}", if closed { "" } else { "." })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "Sales in the north grew by 12 percent this quarter. The weather was nice on Tuesday. \
        Growth of sales came mostly from new customers in the north. Sales in the north grew 12 percent this \
        quarter. Someone brought a cake. New customers signed contracts worth 40,000 euros this quarter.";

    const RELATORIO: &str = "As vendas no norte cresceram 12 por cento neste trimestre. O tempo estava bom na \
        terça-feira. O crescimento das vendas veio sobretudo de novos clientes do norte. Alguém trouxe um bolo. \
        Novos clientes assinaram contratos de 40 mil reais neste trimestre.";

    #[test]
    fn picks_what_says_most_in_the_order_it_stands() {
        assert_eq!(
            summarise(REPORT, 3, Language::English),
            "Sales in the north grew by 12 percent this quarter. Growth of sales came mostly from new customers \
             in the north. New customers signed contracts worth 40,000 euros this quarter."
        );
        assert_eq!(
            summarise(RELATORIO, 3, Language::Portuguese),
            "As vendas no norte cresceram 12 por cento neste trimestre. O crescimento das vendas veio sobretudo \
             de novos clientes do norte. Novos clientes assinaram contratos de 40 mil reais neste trimestre."
        );
    }

    #[test]
    fn says_nothing_twice() {
        let text = "The build failed. The build failed. The build failed! Disk space ran out. Retry later.";
        let summary = summarise(text, 2, Language::English);
        assert_eq!(summary.matches("The build failed").count(), 1, "{summary}");
    }

    #[test]
    fn short_texts_stay_as_they_are_and_empty_ones_empty() {
        assert_eq!(summarise("One thing.\n\n- another", 5, Language::English), "One thing. another.");
        for text in ["", "   \n", "```\ncode()\n```", "🦀🦀🦀", "---"] {
            assert_eq!(summarise(text, 3, Language::English), "", "{text}");
        }
        assert_eq!(summarise(REPORT, 0, Language::English), "");
    }

    #[test]
    fn never_gives_more_than_asked_nor_what_was_not_said() {
        let sentences = sentences(REPORT);
        for max in 0..8 {
            let summary = summarise(REPORT, max, Language::English);
            let kept = sentences.iter().filter(|sentence| summary.contains(sentence.as_str())).count();
            let length: usize = sentences
                .iter()
                .filter(|sentence| summary.contains(sentence.as_str()))
                .map(|sentence| sentence.len() + 1)
                .sum();
            assert!(kept <= max && summary.len() <= length, "{max}: {summary}");
        }
    }

    #[test]
    fn copes_with_a_very_long_text() {
        let text = "Every line is the same but for its number. ".repeat(30_000);
        assert!(summarise(&text, 3, Language::English).len() < 200);
    }
}
