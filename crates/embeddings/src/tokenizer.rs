//! Text to word pieces, exactly as BERT's uncased tokenizer does it.
//!
//! Invariant: the pieces are those of the reference (Hugging Face `tokenizers` with the model's own
//! `tokenizer.json`), the first 254 of a text between `[CLS]` and `[SEP]`; no text is refused.
//!
//! Text flows through iterators: [`normal`] cleans it, [`words`] cuts it into words, and here each
//! word is cut into the longest pieces that the vocabulary has. Nothing is read beyond what is
//! kept, so a text of a megabyte costs no more than its first page.

mod normal;
mod words;

use std::collections::HashMap;
use std::path::Path;

use foldhash::fast::FixedState;

use crate::error::{Error, Result};
use words::{Word, Words};

/// The most pieces of a text that are read, `[CLS]` and `[SEP]` among them.
pub const MAX_PIECES: usize = 256;

/// A word of more characters is unknown as a whole.
const MAX_WORD_CHARS: usize = 100;

const UNKNOWN: &str = "[UNK]";
const BEGIN: &str = "[CLS]";
const END: &str = "[SEP]";

/// What stands for itself wherever it is written in a text, as the reference has it.
const SPECIAL: [&str; 5] = ["[PAD]", UNKNOWN, BEGIN, END, "[MASK]"];

/// The vocabulary of a model, and how text is cut into it.
#[derive(Debug)]
pub struct Tokenizer {
    /// Pieces that begin a word.
    heads: HashMap<Box<str>, u32, FixedState>,
    /// Pieces that go on with one, without their `##`.
    tails: HashMap<Box<str>, u32, FixedState>,
    special: [u32; SPECIAL.len()],
    longest: usize,
    size: usize,
}

impl Tokenizer {
    /// Reads a `vocab.txt`: one piece a line, its number the line's.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::unreadable(path, source))?;
        Self::from_vocabulary(&text).ok_or_else(|| Error::malformed(path, "it lacks [CLS], [SEP] or [UNK]"))
    }

    fn from_vocabulary(text: &str) -> Option<Self> {
        let mut heads: HashMap<Box<str>, u32, FixedState> = HashMap::default();
        let mut tails: HashMap<Box<str>, u32, FixedState> = HashMap::default();
        let (mut longest, mut size) = (0, 0);
        for (id, piece) in (0_u32..).zip(text.lines()) {
            longest = longest.max(piece.len());
            size += 1;
            match piece.strip_prefix("##") {
                Some(tail) if !tail.is_empty() => tails.insert(tail.into(), id),
                _ => heads.insert(piece.into(), id),
            };
        }
        let mut special = [0; SPECIAL.len()];
        for (id, piece) in special.iter_mut().zip(SPECIAL) {
            *id = *heads.get(piece)?;
        }
        Some(Self { heads, tails, special, longest, size })
    }

    /// How many pieces the vocabulary has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The numbers of a text's pieces, `[CLS]` first and `[SEP]` last, at most [`MAX_PIECES`].
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let mut pieces = vec![self.special(BEGIN)];
        self.pieces(text, MAX_PIECES - 1, &mut pieces);
        pieces.push(self.special(END));
        pieces
    }

    /// How many pieces a whole text has, without `[CLS]` and `[SEP]` and without a limit.
    pub fn count(&self, text: &str) -> usize {
        let mut pieces = Vec::new();
        self.pieces(text, usize::MAX, &mut pieces);
        pieces.len()
    }

    /// The pieces of a word; none when it has one that is unknown, or none at all.
    pub fn word(&self, word: &str) -> Option<Vec<u32>> {
        let mut pieces = Vec::new();
        self.plain_pieces(word, MAX_PIECES, &mut pieces);
        (!pieces.is_empty() && !pieces.contains(&self.special(UNKNOWN))).then_some(pieces)
    }

    /// Adds a text's pieces until there are `limit`.
    fn pieces(&self, text: &str, limit: usize, pieces: &mut Vec<u32>) {
        let mut rest = text;
        while pieces.len() < limit && !rest.is_empty() {
            let found = first_special(rest);
            let plain = found.map_or(rest.len(), |(at, _)| at);
            self.plain_pieces(&rest[..plain], limit, pieces);
            let Some((at, which)) = found else { break };
            pieces.push(self.special[which]);
            rest = &rest[at + SPECIAL[which].len()..];
        }
        pieces.truncate(limit);
    }

    fn plain_pieces(&self, text: &str, limit: usize, pieces: &mut Vec<u32>) {
        let mut words = Words::new(normal::normal(text), MAX_WORD_CHARS);
        while pieces.len() < limit {
            match words.next_word() {
                Some(Word::Whole(word)) => self.word_pieces(word, pieces),
                Some(Word::TooLong) => pieces.push(self.special(UNKNOWN)),
                None => break,
            }
        }
    }

    /// The longest piece first, then the longest of the rest; a word with a gap is unknown whole.
    fn word_pieces(&self, word: &str, pieces: &mut Vec<u32>) {
        let before = pieces.len();
        let mut rest = word;
        while !rest.is_empty() {
            let known = if pieces.len() == before { &self.heads } else { &self.tails };
            let Some((id, length)) = longest_prefix(known, rest, self.longest) else {
                pieces.truncate(before);
                pieces.push(self.special(UNKNOWN));
                return;
            };
            pieces.push(id);
            rest = &rest[length..];
        }
    }

    fn special(&self, piece: &str) -> u32 {
        let at = SPECIAL.iter().position(|special| *special == piece);
        at.map_or(0, |at| self.special[at])
    }
}

fn longest_prefix(
    known: &HashMap<Box<str>, u32, FixedState>,
    word: &str,
    longest: usize,
) -> Option<(u32, usize)> {
    (1..=word.len().min(longest))
        .rev()
        .filter(|length| word.is_char_boundary(*length))
        .find_map(|length| known.get(&word[..length]).map(|id| (*id, length)))
}

/// Where the first special piece is written in a text, and which it is.
fn first_special(text: &str) -> Option<(usize, usize)> {
    text.match_indices('[').find_map(|(at, _)| {
        let which = SPECIAL.iter().position(|special| text[at..].starts_with(special))?;
        Some((at, which))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOCABULARY: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\ncar\n##s\n##a\n,\ncarp\n東\n##ct";

    #[track_caller]
    fn check(text: &str, expected: &[u32]) {
        let tokenizer = Tokenizer::from_vocabulary(VOCABULARY).unwrap();
        let pieces = tokenizer.encode(text);
        assert_eq!(pieces.first(), Some(&2));
        assert_eq!(pieces.last(), Some(&3));
        assert_eq!(&pieces[1..pieces.len() - 1], expected);
        assert_eq!(tokenizer.count(text), expected.len());
    }

    #[test]
    fn cuts_words_into_the_longest_pieces_known() {
        check("The cars", &[5, 6, 7]);
        check("carp,cars", &[10, 9, 6, 7]);
        check("çàrs the", &[6, 7, 5]);
        check("caro the", &[1, 5]);
        check("the東東", &[5, 11, 11]);
        check("", &[]);
        check("the[SEP]cars [sep]", &[5, 3, 6, 7, 1, 1, 1]);
    }

    #[test]
    fn long_words_are_unknown_and_long_texts_are_cut() {
        check(&"a".repeat(101), &[1]);
        let tokenizer = Tokenizer::from_vocabulary(VOCABULARY).unwrap();
        let long = "the cars ".repeat(100_000);
        let pieces = tokenizer.encode(&long);
        assert_eq!((pieces.len(), pieces.last()), (MAX_PIECES, Some(&3)));
        assert_eq!(tokenizer.count(&long), 300_000);
    }
}
