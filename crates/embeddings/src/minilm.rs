//! all-MiniLM-L6-v2: load it once, then embed texts on as many threads as wanted.

use std::path::Path;
use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::files;
use crate::network::{Batch, Network, WIDTH};
use crate::simd::Level;
use crate::tokenizer::Tokenizer;
use crate::weights::Weights;

/// How many pieces a batch has, give or take a text: enough rows to use the weights well while
/// they are near, few enough to stay in the nearest caches themselves.
const BATCH_PIECES: usize = 128;

/// How exactly the network computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// In 32-bit floats: the reference's vectors to 1e-4.
    Full,
    /// In bytes with 32-bit sums, several times as fast; what it costs is in ADR 6.
    Quantised,
}

impl Precision {
    /// Model, version and precision; vectors may be compared if and only if these are the same.
    pub fn identity(self) -> &'static str {
        match self {
            Self::Full => "all-MiniLM-L6-v2@53aa5117/f32",
            Self::Quantised => "all-MiniLM-L6-v2@53aa5117/int8",
        }
    }
}

/// The model, ready to embed; a call keeps its processors busy and never waits.
pub struct MiniLm {
    tokenizer: Tokenizer,
    network: Network,
}

impl MiniLm {
    /// Reads the model's files (see [`crate::files`]) from a folder.
    pub fn load(folder: &Path, precision: Precision) -> Result<Self> {
        Self::load_for(folder, precision, Level::detect())
    }

    fn load_for(folder: &Path, precision: Precision, level: Level) -> Result<Self> {
        let vocabulary = folder.join(files::VOCABULARY);
        let tokenizer = Tokenizer::load(&vocabulary)?;
        let weights = Weights::load(&folder.join(files::WEIGHTS))?;
        let network = Network::new(&weights, precision == Precision::Quantised, level)?;
        if tokenizer.size() > network.vocabulary() {
            return Err(Error::malformed(&vocabulary, "it has more pieces than the weights"));
        }
        Ok(Self { tokenizer, network })
    }

    /// How many numbers a vector has.
    pub const DIMENSIONS: usize = WIDTH;

    /// What cuts texts into pieces, for counting.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What a single word means by the model's table of pieces alone, without its layers: the mean of
    /// its pieces' rows less the mean of all rows, of length 1. None for a word of unknown pieces. Much
    /// cheaper than [`Self::embed`], and comparable with other words only.
    pub fn word(&self, word: &str) -> Option<[f32; WIDTH]> {
        self.network.word(&self.tokenizer.word(word)?)
    }

    /// A vector of length 1 for each text, in their order, computed on at most `threads` threads.
    ///
    /// A text's first 256 pieces count; an empty one has a vector too.
    pub fn embed(&self, texts: &[&str], threads: usize) -> Vec<[f32; WIDTH]> {
        let queue = Queue { texts, next: Mutex::new(0) };
        let work = || {
            let mut done = Vec::new();
            while let Some((first, texts)) = queue.take() {
                done.push((first, self.embed_batch(texts)));
            }
            done
        };
        let threads = threads.clamp(1, texts.len().max(1));
        let mut done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for other in others {
                done.extend(other.join().expect("a thread that embeds has nothing to panic about"));
            }
            done
        });
        done.sort_unstable_by_key(|(first, _)| *first);
        done.into_iter().flat_map(|(_, vectors)| vectors).collect()
    }

    fn embed_batch(&self, texts: &[&str]) -> Vec<[f32; WIDTH]> {
        let mut batch = Batch::default();
        for text in texts {
            let pieces = self.tokenizer.encode(text);
            batch.lengths.push(pieces.len());
            batch.pieces.extend(pieces);
        }
        self.network.embed(&batch)
    }
}

/// Texts that wait for a thread.
struct Queue<'a> {
    texts: &'a [&'a str],
    next: Mutex<usize>,
}

impl<'a> Queue<'a> {
    /// The next texts that make a batch, and the place of the first.
    fn take(&self) -> Option<(usize, &'a [&'a str])> {
        let mut next = self.next.lock().expect("nobody panics while holding the place");
        let first = *next;
        let mut pieces = 0;
        while *next < self.texts.len() && pieces < BATCH_PIECES {
            pieces += likely_pieces(self.texts[*next]);
            *next += 1;
        }
        (first < *next).then(|| (first, &self.texts[first..*next]))
    }
}

/// A guess that costs nothing: English has a piece every four or five bytes.
fn likely_pieces(text: &str) -> usize {
    (2 + text.len() / 4).min(crate::tokenizer::MAX_PIECES)
}

#[cfg(test)]
mod tests;
