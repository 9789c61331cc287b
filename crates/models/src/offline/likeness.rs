//! How alike texts are: the cosine of their hashed words and parts of words.
//!
//! An embedding that needs no model: the words that carry meaning and their trigrams of characters
//! are counted in a sparse vector, so that inflections and typos cost a little instead of
//! everything. The same texts always have the same likeness, on every machine.

use std::collections::HashMap;

use super::language::{Language, words};

/// What each of a word's trigrams counts beside the whole word.
const TRIGRAM: f64 = 0.7;
/// What a word counts that carries structure rather than meaning.
const FILLER: f64 = 0.15;

/// A text as a sparse vector of length 1; the empty text is the zero vector.
#[derive(Debug)]
pub(super) struct Embedding(HashMap<u64, f64>);

impl Embedding {
    pub(super) fn of(text: &str) -> Self {
        let mut counts: HashMap<u64, f64> = HashMap::new();
        for word in words(text) {
            let word = word.folded;
            let is_filler = Language::English.is_filler(&word) || Language::Portuguese.is_filler(&word);
            let weight = if is_filler { FILLER } else { 1.0 };
            *counts.entry(hash(word.chars())).or_default() += weight;
            if is_filler {
                continue;
            }
            let marked: Vec<char> = ['\u{2}'].into_iter().chain(word.chars()).chain(['\u{3}']).collect();
            for trigram in marked.windows(3) {
                *counts.entry(hash(trigram.iter().copied())).or_default() += weight * TRIGRAM;
            }
        }
        let length = counts.values().map(|count| count * count).sum::<f64>().sqrt();
        if length > 0.0 {
            counts.values_mut().for_each(|count| *count /= length);
        }
        Self(counts)
    }

    /// From 0, nothing in common, to 1, the same words.
    pub(super) fn cosine(&self, other: &Self) -> f64 {
        let (small, large) = if self.0.len() < other.0.len() { (self, other) } else { (other, self) };
        small.0.iter().filter_map(|(key, count)| large.0.get(key).map(|other| count * other)).sum()
    }
}

/// FNV-1a, the same on every machine and in every version.
fn hash(letters: impl Iterator<Item = char>) -> u64 {
    let bytes = letters.flat_map(|letter| u32::from(letter).to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn likeness(one: &str, other: &str) -> f64 {
        Embedding::of(one).cosine(&Embedding::of(other))
    }

    #[test]
    fn grows_with_what_texts_have_in_common() {
        let same = likeness("list the files", "list the files");
        let inflected = likeness("listing all file names", "list the files");
        let other = likeness("what is the weather", "list the files");
        assert!((same - 1.0).abs() < 1e-9);
        assert!(same > inflected && inflected > other + 0.2, "{same} {inflected} {other}");
        assert!(likeness("", "list the files") == 0.0);
        assert!(likeness("previsão do tempo", "previsao de tempo") > 0.9);
    }
}
