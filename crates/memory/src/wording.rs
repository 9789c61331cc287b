//! How the words of a chunk answer those of a query: by being the same, by being near in meaning as
//! single words, and where nothing knows that, by being written nearly alike.

use std::sync::Arc;

use index::{SoughtWord, telling_words};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::ranking::stems;
use crate::similarity::Matcher;

/// A cosine of two words that says nothing.
const UNRELATED: f32 = 0.3;
/// How many words are kept with their vectors, of some 1.5 kB each.
const KEPT: usize = 8 * 1024;

/// What a word means: a vector of length 1.
type Meaning = Arc<[f32]>;

/// Knows what single words mean. What memory needs of a model; the program plugs it in.
pub trait WordVectors: Send + Sync {
    /// The meaning of a word in lower case, a vector of length 1; none for one that is not known.
    fn vector(&self, word: &str) -> Option<Meaning>;
}

/// Keeps the vectors of words, and begins anew when they are too many: a few thousand words are most of
/// what people write.
pub(crate) struct KeptVectors {
    words: Arc<dyn WordVectors>,
    /// None of those that are not known.
    kept: Mutex<FxHashMap<Box<str>, Option<Meaning>>>,
}

impl KeptVectors {
    pub fn new(words: Arc<dyn WordVectors>) -> Self {
        Self { words, kept: Mutex::default() }
    }
}

impl WordVectors for KeptVectors {
    fn vector(&self, word: &str) -> Option<Meaning> {
        if let Some(known) = self.kept.lock().get(word) {
            return known.clone();
        }
        let vector = self.words.vector(word);
        let mut kept = self.kept.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(word.into(), vector.clone());
        vector
    }
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
    of_sought: Vec<Option<Meaning>>,
    written: Matcher,
    /// Where the likenesses of a word of a text begin; none for what is like no word that is sought.
    seen: FxHashMap<String, Option<usize>>,
    /// How alike words are to each that is sought, one word after the other.
    likenesses: Vec<f32>,
}

impl<'q> Wording<'q> {
    /// `weights` belong to `sought`.
    pub fn new(sought: &'q [SoughtWord], weights: &'q [f32], meanings: Option<Arc<dyn WordVectors>>) -> Self {
        let vector =
            |word: &SoughtWord| meanings.as_ref()?.vector(&word.word).filter(|_| !is_exact(&word.word));
        let of_sought = sought.iter().map(vector).collect();
        let written = Matcher::new(&sought.iter().map(|word| word.word.clone()).collect::<Vec<_>>());
        let (seen, likenesses) = (FxHashMap::default(), Vec::new());
        Self { sought, weights, meanings, of_sought, written, seen, likenesses }
    }

    /// What answers each sought word in a text.
    pub fn answers(&mut self, text: &str) -> Vec<WordMatch> {
        let words = telling_words(text);
        let mut best: Vec<(f32, usize)> = vec![(0.0, 0); self.sought.len()];
        for (at, word) in words.iter().enumerate() {
            let begin = match self.seen.get(word) {
                Some(begin) => *begin,
                None => self.compare(word),
            };
            let Some(begin) = begin else { continue };
            for (best, likeness) in best.iter_mut().zip(&self.likenesses[begin..]) {
                if *likeness > best.0 {
                    *best = (*likeness, at);
                }
            }
        }
        let answer = |((sought, weight), (likeness, at)): ((&SoughtWord, &f32), (f32, usize))| WordMatch {
            sought: sought.word.clone(),
            found: (likeness > 0.0).then(|| words[at].clone()),
            likeness: f64::from(likeness),
            weight: f64::from(*weight),
        };
        self.sought.iter().zip(self.weights).zip(best).map(answer).collect()
    }

    /// Finds out what a word is like, and tells where that stands.
    fn compare(&mut self, word: &str) -> Option<usize> {
        let begin = self.likenesses.len();
        self.likenesses.resize(begin + self.sought.len(), 0.0);
        let alike = &mut self.likenesses[begin..];
        if !is_exact(word) {
            match self.meanings.as_ref().map(|meanings| meanings.vector(word)) {
                Some(Some(vector)) => mean_alike(&vector, &self.of_sought, alike),
                Some(None) => {}
                None => {
                    let resembled = self.written.resembled(word).iter();
                    for (at, likeness) in resembled.filter(|(at, _)| !is_exact(&self.sought[*at].word)) {
                        alike[*at] = *likeness as f32;
                    }
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
        let is_alike = alike.iter().any(|likeness| *likeness > 0.0);
        if !is_alike {
            self.likenesses.truncate(begin);
        }
        let begin = is_alike.then_some(begin);
        self.seen.insert(word.to_owned(), begin);
        begin
    }
}

/// How alike a vector is to each of those that are sought.
fn mean_alike(vector: &[f32], sought: &[Option<Meaning>], alike: &mut [f32]) {
    for (alike, sought) in alike.iter_mut().zip(sought) {
        let cosine = sought.as_ref().map_or(0.0, |sought| dot(sought, vector));
        *alike = ((cosine - UNRELATED) / (1.0 - UNRELATED)).clamp(0.0, 1.0);
    }
}

/// Whether a word means itself alone: the next number, version or identifier is another one, however
/// much it looks the same.
fn is_exact(word: &str) -> bool {
    word.chars().any(char::is_numeric)
}

/// Whether two words can have the same stem: stemming changes endings only.
fn begin_alike(one: &str, other: &str) -> bool {
    one.chars().zip(other.chars()).take(2).all(|(one, other)| one == other)
}

/// Summed up in lanes, since a single sum has to wait for each addition before the next.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest = ones.remainder().iter().zip(others.remainder()).map(|(one, other)| one * other).sum::<f32>();
    let mut sums = [0.0_f32; LANES];
    for (one, other) in ones.zip(others) {
        for (sum, (one, other)) in sums.iter_mut().zip(one.iter().zip(other)) {
            *sum += one * other;
        }
    }
    rest + sums.iter().sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use index::Sought;

    struct Pets;

    impl WordVectors for Pets {
        fn vector(&self, word: &str) -> Option<Meaning> {
            match word {
                "dog" => Some([1.0, 0.0].into()),
                "puppy" => Some([0.8, 0.6].into()),
                "invoice" => Some([0.0, 1.0].into()),
                "a17" | "a18" => Some([0.6, 0.8].into()),
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
    fn what_has_a_number_in_it_is_answered_by_itself_alone() {
        for meanings in [Some(Arc::new(Pets) as Arc<dyn WordVectors>), None] {
            assert_eq!(answers("a17", "Beside a18", meanings.clone()), [(None, 0.0)]);
            assert_eq!(answers("a17", "Beside A17", meanings), [(Some("a17".into()), 1.0)]);
        }
    }

    #[test]
    fn a_query_is_covered_by_the_weight_of_its_words() {
        let word = |weight, likeness| WordMatch { sought: "x".into(), found: None, likeness, weight };
        assert!((WordMatch::covered(&[word(3.0, 1.0), word(1.0, 0.5)]) - 0.875).abs() < 1e-9);
        assert!(WordMatch::covered(&[]).abs() < 1e-9);
    }
}
