//! How alike words are: the deterministic stand-in for an embedding model.
//!
//! A word becomes the set of its hashed character pairs and triples, its ends marked; two words are
//! as alike as the share of the set they have in common (Dice). A text answers a query as well as
//! its best word answers each of the query's words, the longer of them counting more. So a typo or
//! an inflection costs a little instead of everything, and the same text always gets the same score.
//!
//! On LoCoMo this ranks better than the cosine of the whole texts' n-gram counts.

use std::collections::HashMap;

/// Words less alike than this have nothing to do with each other.
const ALIKE: f64 = 0.45;
/// Longer words count no more than one of this length.
const FULL_WEIGHT_CHARS: usize = 8;

/// How well the words of a text answer the words of one query, each from 0 to 1.
pub(crate) type Coverage = Vec<f64>;

/// A query's words, to be compared with many texts.
pub(crate) struct Matcher {
    words: Vec<(Vec<u32>, f64)>,
    /// What was found for each word of the texts so far: the words of the query it resembles.
    seen: HashMap<Box<str>, Box<[(usize, f64)]>>,
}

impl Matcher {
    pub(crate) fn new(words: &[String]) -> Self {
        let weight = |word: &str| word.chars().count().min(FULL_WEIGHT_CHARS) as f64;
        let words: Vec<_> = words.iter().map(|word| (n_grams(word), weight(word))).collect();
        Self { words, seen: HashMap::new() }
    }

    /// The words of the query that `word` resembles, by number, and how much.
    pub(crate) fn resembled(&mut self, word: &str) -> &[(usize, f64)] {
        if !self.seen.contains_key(word) {
            let of_word = n_grams(word);
            let all = self.words.iter().map(|(of_query, _)| dice(of_query, &of_word)).enumerate();
            let found = all.filter(|(_, likeness)| *likeness >= ALIKE).collect();
            self.seen.insert(word.into(), found);
        }
        &self.seen[word]
    }

    /// No word of the query answered.
    pub(crate) fn nothing(&self) -> Coverage {
        vec![0.0; self.words.len()]
    }

    /// One figure for how well the whole query is answered, from 0 to 1.
    pub(crate) fn answered(&self, coverage: &[f64]) -> f64 {
        let weights = || self.words.iter().map(|(_, weight)| weight);
        let total: f64 = weights().sum();
        let answered: f64 = weights().zip(coverage).map(|(weight, share)| weight * share).sum();
        if total > 0.0 { answered / total } else { 0.0 }
    }
}

/// Sorted and without doubles.
fn n_grams(word: &str) -> Vec<u32> {
    let marked: Vec<char> = ['\u{2}'].into_iter().chain(word.chars()).chain(['\u{3}']).collect();
    let mut hashes: Vec<u32> = marked.windows(2).chain(marked.windows(3)).map(hash).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// FNV-1a, the same on every machine and in every version.
fn hash(characters: &[char]) -> u32 {
    let bytes = characters.iter().flat_map(|character| u32::from(*character).to_le_bytes());
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn dice(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    2.0 * f64::from(common) / (a.len() + b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, alike: bool) {
        let mut matcher = Matcher::new(&[a.to_owned()]);
        assert_eq!(!matcher.resembled(b).is_empty(), alike, "{a} {b} {}", dice(&n_grams(a), &n_grams(b)));
    }

    #[test]
    fn sees_through_typos_and_inflections() {
        check("report", "report", true);
        check("report", "reports", true);
        check("reprot", "report", true);
        check("quartely", "quarterly", true);
        check("relatorio", "relatorios", true);
        check("mensal", "mensais", true);
        check("会", "会", true);
    }

    #[test]
    fn keeps_different_words_apart() {
        check("report", "invoice", false);
        check("report", "recipe", false);
        check("cat", "dog", false);
        check("cat", "car", false);
        check("会", "議", false);
    }

    #[test]
    fn the_same_word_is_wholly_alike_and_longer_words_count_more() {
        let mut matcher = Matcher::new(&["invoice".to_owned(), "may".to_owned()]);
        assert_eq!(matcher.resembled("invoice"), [(0, 1.0)]);
        assert!((matcher.answered(&[1.0, 0.0]) - 0.7).abs() < 1e-9);
        assert!((matcher.answered(&[1.0, 1.0]) - 1.0).abs() < 1e-9);
        assert!(matcher.answered(&matcher.nothing()).abs() < 1e-9);
    }
}
