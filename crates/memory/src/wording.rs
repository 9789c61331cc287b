//! How the words of a chunk answer those of a query: by being the same, by being near in meaning as
//! single words, and where nothing knows that, by being written nearly alike.

use std::collections::HashMap;
use std::sync::Arc;

use index::{SoughtWord, telling_words};

use crate::ranking::stems;
use crate::similarity::Matcher;

/// A cosine of two words that says nothing.
const UNRELATED: f32 = 0.3;

/// Knows what single words mean. What memory needs of a model; the program plugs it in.
pub trait WordVectors: Send + Sync {
    /// A vector of length 1 for a word in lower case; none for one that is not known.
    fn vector(&self, word: &str) -> Option<Vec<f32>>;
}

/// A word of the query and the word of the chunk that answers it best.
#[derive(Clone, Debug, PartialEq)]
pub struct WordMatch {
    /// The word that is sought, folded.
    pub sought: String,
    /// What answers it; none when nothing does.
    pub found: Option<String>,
    /// How alike they are, 0 to 1.
    pub likeness: f64,
    /// How much the word tells: its inverse document frequency.
    pub weight: f64,
}

impl WordMatch {
    /// How much of a query is answered, 0 to 1.
    pub(crate) fn covered(matches: &[Self]) -> f64 {
        let total: f64 = matches.iter().map(|word| word.weight).sum();
        let answered: f64 = matches.iter().map(|word| word.weight * word.likeness).sum();
        if total > 0.0 { answered / total } else { 0.0 }
    }
}

/// Compares the words of one query with those of many texts; each word is looked at once.
pub(crate) struct Wording<'q> {
    sought: &'q [SoughtWord],
    weights: &'q [f32],
    meanings: Option<Arc<dyn WordVectors>>,
    of_sought: Vec<Option<Vec<f32>>>,
    written: Matcher,
    /// How alike a word of a text is to each that is sought.
    seen: HashMap<String, Box<[f32]>>,
}

impl<'q> Wording<'q> {
    /// `weights` belong to `sought`.
    pub fn new(sought: &'q [SoughtWord], weights: &'q [f32], meanings: Option<Arc<dyn WordVectors>>) -> Self {
        let vector = |word: &SoughtWord| meanings.as_ref()?.vector(&word.word);
        let of_sought = sought.iter().map(vector).collect();
        let written = Matcher::new(&sought.iter().map(|word| word.word.clone()).collect::<Vec<_>>());
        Self { sought, weights, meanings, of_sought, written, seen: HashMap::new() }
    }

    /// What answers each sought word in a text.
    pub fn answers(&mut self, text: &str) -> Vec<WordMatch> {
        let mut best: Vec<(f32, Option<String>)> = vec![(0.0, None); self.sought.len()];
        for word in telling_words(text) {
            if !self.seen.contains_key(&word) {
                let alike = self.compare(&word);
                self.seen.insert(word.clone(), alike);
            }
            for (best, likeness) in best.iter_mut().zip(&self.seen[&word]) {
                if *likeness > best.0 {
                    *best = (*likeness, Some(word.clone()));
                }
            }
        }
        let answer = |((sought, weight), (likeness, found)): ((&SoughtWord, &f32), (f32, _))| WordMatch {
            sought: sought.word.clone(),
            found,
            likeness: f64::from(likeness),
            weight: f64::from(*weight),
        };
        self.sought.iter().zip(self.weights).zip(best).map(answer).collect()
    }

    fn compare(&mut self, word: &str) -> Box<[f32]> {
        let mut alike = vec![0.0_f32; self.sought.len()];
        match self.meanings.as_ref().map(|meanings| meanings.vector(word)) {
            Some(Some(vector)) => {
                for (alike, sought) in alike.iter_mut().zip(&self.of_sought) {
                    let cosine = sought.as_ref().map_or(0.0, |sought| dot(sought, &vector));
                    *alike = ((cosine - UNRELATED) / (1.0 - UNRELATED)).clamp(0.0, 1.0);
                }
            }
            Some(None) => {}
            None => {
                for (at, likeness) in self.written.resembled(word) {
                    alike[*at] = *likeness as f32;
                }
            }
        }
        if self.sought.iter().any(|sought| begin_alike(&sought.word, word)) {
            let stems = stems(word);
            for (alike, sought) in alike.iter_mut().zip(self.sought) {
                if sought.stems.iter().any(|stem| stems.contains(stem)) {
                    *alike = 1.0;
                }
            }
        }
        alike.into()
    }
}

/// Whether two words can have the same stem: stemming changes endings only.
fn begin_alike(one: &str, other: &str) -> bool {
    one.chars().zip(other.chars()).take(2).all(|(one, other)| one == other)
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use index::Sought;

    struct Pets;

    impl WordVectors for Pets {
        fn vector(&self, word: &str) -> Option<Vec<f32>> {
            match word {
                "dog" => Some(vec![1.0, 0.0]),
                "puppy" => Some(vec![0.8, 0.6]),
                "invoice" => Some(vec![0.0, 1.0]),
                _ => None,
            }
        }
    }

    fn answers(
        query: &str,
        text: &str,
        meanings: Option<Arc<dyn WordVectors>>,
    ) -> Vec<(Option<String>, f64)> {
        let sought = Sought::read(query).words;
        let weights = vec![1.0; sought.len()];
        let found = Wording::new(&sought, &weights, meanings).answers(text);
        found.into_iter().map(|word| (word.found, (word.likeness * 100.0).round() / 100.0)).collect()
    }

    #[test]
    fn words_answer_by_stem_and_by_meaning() {
        let pets = || Some(Arc::new(Pets) as Arc<dyn WordVectors>);
        assert_eq!(answers("dogs", "Two dogs bark", pets()), [(Some("dogs".into()), 1.0)]);
        assert_eq!(answers("dog", "A puppy barks", pets()), [(Some("puppy".into()), 0.71)]);
        assert_eq!(answers("dog", "An invoice", pets()), [(None, 0.0)]);
        assert_eq!(answers("decisões", "A decisão", pets()), [(Some("decisao".into()), 1.0)]);
    }

    #[test]
    fn without_meanings_words_that_are_written_alike_answer() {
        let found = answers("quartely report", "The quarterly report", None);
        assert_eq!(found[1], (Some("report".into()), 1.0));
        assert!(found[0].0.as_deref() == Some("quarterly") && found[0].1 > 0.4, "{found:?}");
    }

    #[test]
    fn a_query_is_covered_by_the_weight_of_its_words() {
        let word = |weight, likeness| WordMatch { sought: "x".into(), found: None, likeness, weight };
        assert!((WordMatch::covered(&[word(3.0, 1.0), word(1.0, 0.5)]) - 0.875).abs() < 1e-9);
        assert!(WordMatch::covered(&[]).abs() < 1e-9);
    }
}
