//! An embedder without a model: words and pieces of words, hashed into the places of a vector.
//!
//! Invariant: the vector of a text is the same on every machine and in every version.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// How many numbers a vector has.
const DIMENSIONS: usize = 1024;
/// What a whole word counts for, and each of its pieces.
const WORD: f32 = 1.0;
const PIECE: f32 = 0.35;
const PIECE_CHARS: std::ops::RangeInclusive<usize> = 3..=4;
/// A longer word is cut here, so that one without spaces costs no more than a page.
const MAX_WORD_CHARS: usize = 64;

/// Deterministic vectors that know spelling, not meaning: alike are texts that share words or,
/// less, parts of words. Accents and case do not count, so it serves Portuguese as it does English.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashingEmbedder;

impl HashingEmbedder {
    /// How many numbers a vector has.
    pub const DIMENSIONS: usize = DIMENSIONS;

    /// Name and version; vectors may be compared if and only if these are the same.
    pub const IDENTITY: &str = "hashing-1024@1";

    /// A vector of length 1; all zeros for a text without a letter or digit.
    pub fn embed(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; DIMENSIONS];
        let mut word = Vec::new();
        let folded = text.nfd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase);
        for letter in folded.chain([' ']) {
            if letter.is_alphanumeric() {
                if word.len() < MAX_WORD_CHARS {
                    word.push(letter);
                }
            } else if !word.is_empty() {
                add_word(&mut vector, &word);
                word.clear();
            }
        }
        // Said ten times is not ten times as much about it.
        vector.iter_mut().for_each(|value| *value = value.signum() * value.abs().sqrt());
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|value| *value /= length);
        }
        vector
    }
}

fn add_word(vector: &mut [f32], word: &[char]) {
    add(vector, word, WORD);
    let bounded: Vec<char> = std::iter::once('<').chain(word.iter().copied()).chain(['>']).collect();
    for size in PIECE_CHARS {
        for piece in bounded.windows(size) {
            add(vector, piece, PIECE);
        }
    }
}

/// A feature goes to a place and with a sign that its hash says, so that strangers who meet in a
/// place cancel out as often as they add up.
fn add(vector: &mut [f32], feature: &[char], weight: f32) {
    let hash = fnv(feature);
    let sign = if hash >> 63 == 0 { weight } else { -weight };
    vector[(hash % DIMENSIONS as u64) as usize] += sign;
}

/// FNV-1a over the characters, stirred at the end, since its low bits are poor.
fn fnv(feature: &[char]) -> u64 {
    let hash = feature.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, letter| {
        (hash ^ u64::from(u32::from(*letter))).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f32 {
        let (a, b) = (HashingEmbedder.embed(a), HashingEmbedder.embed(b));
        a.iter().zip(&b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn spelling_makes_texts_alike_and_accents_and_case_do_not_count() {
        assert!((alike("Configuração do cartão", "configuracao DO CARTAO") - 1.0).abs() < 1e-6);
        let near = alike("payment failed for the card", "failed card payments");
        let far = alike("payment failed for the card", "rotating the backup keys");
        assert!(near > 0.5 && far < 0.2, "{near} {far}");
    }

    #[test]
    fn the_same_in_every_version() {
        let vector = HashingEmbedder.embed("Atelier");
        let places: Vec<usize> = (0..DIMENSIONS).filter(|place| vector[*place] != 0.0).collect();
        assert_eq!(places, EXPECTED);
    }

    const EXPECTED: [usize; 14] = [3, 130, 226, 285, 330, 336, 553, 557, 575, 584, 735, 736, 739, 873];

    proptest::proptest! {
        #[test]
        fn any_text_has_a_vector_of_length_one_or_zero(text: String) {
            let vector = HashingEmbedder.embed(&text);
            let length = vector.iter().map(|value| value * value).sum::<f32>();
            assert!(vector.len() == 1024 && (length == 0.0 || (length - 1.0).abs() < 1e-4));
        }
    }
}
