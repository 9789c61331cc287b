//! Queries, hits, and the ranking of candidates.
//!
//! A score is the sum of its parts: `keyword` is the candidate's keyword score beside the best
//! one's, `similarity` how well its title and best passage answer the query word by word,
//! `recency` what is left of being new. The weights were measured on LoCoMo.

use std::time::Duration;

use kernel::{Privacy, Timestamp};

use crate::document::{Document, head};
use crate::error::Error;
use crate::passage::{Passage, Span, best_passage, snippet};
use crate::similarity::Matcher;
use crate::stop_words::query_words;
use crate::store::Candidate;
use crate::words::words;

/// The longest query.
pub const MAX_QUERY_CHARS: usize = 2_000;
/// The most hits there can be.
pub const MAX_HITS: usize = 100;
/// How many candidates are ranked, however few hits are asked for, so that the order of hits does
/// not depend on their number.
pub(crate) const POOL: usize = MAX_HITS;
/// How many documents, the newest, are looked through when no document has a word of the query.
pub(crate) const SCANNED: usize = 300;

const KEYWORD_WEIGHT: f64 = 0.50;
const SIMILARITY_WEIGHT: f64 = 0.45;
const RECENCY_WEIGHT: f64 = 0.05;
const RECENCY_HALF_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The least similarity of a hit that has no word of the query.
const SIMILAR_ENOUGH: f64 = 0.45;
/// How much of a document is compared word by word; the keyword index knows all of it.
const COMPARED_BYTES: usize = 16 * 1024;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// A question or some words, 1 to [`MAX_QUERY_CHARS`] characters.
    pub text: String,
    /// At most this many hits, 1 to [`MAX_HITS`].
    pub limit: usize,
    /// In one of these collections; in any when empty.
    pub collections: Vec<String>,
    /// Not in what came from this source.
    pub excluded_source: Option<String>,
}

impl Query {
    /// Looks for `text` everywhere, for at most `limit` hits.
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self { text: text.into(), limit, collections: Vec::new(), excluded_source: None }
    }

    /// The words to look for.
    pub(crate) fn checked_words(&self) -> Result<Vec<String>, Error> {
        check_limit(self.limit, MAX_HITS)?;
        let chars = self.text.chars().count();
        if chars > MAX_QUERY_CHARS {
            return Err(Error::QueryTooLong { chars });
        }
        let words = query_words(&self.text);
        if words.is_empty() { Err(Error::EmptyQuery) } else { Ok(words) }
    }
}

pub(crate) fn check_limit(limit: usize, max: usize) -> Result<(), Error> {
    if (1..=max).contains(&limit) { Ok(()) } else { Err(Error::LimitOutOfRange { limit, max }) }
}

/// A document that was found, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document.
    pub document: Document,
    /// Its passage that answers best, at most 240 characters in one line.
    pub snippet: String,
    /// From 0 to 1; higher is better. Comparable within one answer only.
    pub score: f64,
    /// What gave the score: `keyword`, `similarity` and `recency`. Their sum is the score.
    pub parts: Vec<(&'static str, f64)>,
}

impl Hit {
    /// The strictest label among `hits`, for what is made of them.
    pub fn privacy(hits: &[Self]) -> Privacy {
        hits.iter().map(|hit| hit.document.privacy).max().unwrap_or_default()
    }
}

/// What a document must have to become a hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bar {
    /// It was found by a word; that is enough.
    None,
    /// It was found without a word and must be similar enough.
    Similar,
    /// It was found for a whole goal, most words of which mean little alone: two words, or the
    /// only one.
    TwoWords,
}

/// Ranks `candidates` for a query of `words`. The result depends on nothing else.
pub(crate) fn rank(
    words: &[String],
    candidates: Vec<Candidate>,
    bar: Bar,
    limit: usize,
    now: Timestamp,
) -> Vec<Hit> {
    let mut matcher = Matcher::new(words);
    let best = candidates.iter().map(|candidate| candidate.score).fold(0.0, f64::max);
    let mut ranked: Vec<(Hit, Option<Span>)> = Vec::with_capacity(candidates.len());
    for Candidate { document, score } in candidates {
        let Passage { coverage, span } = answer(&document, &mut matcher);
        let similarity = matcher.answered(&coverage);
        let passes = match bar {
            Bar::None => true,
            Bar::Similar => similarity >= SIMILAR_ENOUGH,
            Bar::TwoWords => coverage.iter().filter(|share| **share > 0.0).count() >= words.len().min(2),
        };
        if passes {
            let keyword = if best > 0.0 { score / best } else { 0.0 };
            let age = now.since(document.updated_at).as_secs_f64() / RECENCY_HALF_LIFE.as_secs_f64();
            let parts = vec![
                ("keyword", KEYWORD_WEIGHT * keyword),
                ("similarity", SIMILARITY_WEIGHT * similarity),
                ("recency", RECENCY_WEIGHT * (-age).exp2()),
            ];
            let score = parts.iter().map(|(_, part)| part).sum();
            ranked.push((Hit { document, snippet: String::new(), score, parts }, span));
        }
    }
    ranked.sort_by(|(a, _), (b, _)| {
        b.score.total_cmp(&a.score).then_with(|| b.document.id.cmp(&a.document.id))
    });
    ranked.truncate(limit);
    let mut show = |(mut hit, span): (Hit, Option<Span>)| {
        let text = &hit.document.text;
        // Only a document that answers late, or in its title alone, is looked through to its end.
        let span = span.or_else(|| best_passage(text, &mut matcher).span);
        hit.snippet = snippet(text, span);
        hit
    };
    ranked.into_iter().map(&mut show).collect()
}

/// How well the document's title and its best passage together answer each word, and where that
/// passage is.
fn answer(document: &Document, matcher: &mut Matcher) -> Passage {
    let mut passage = best_passage(head(&document.text, COMPARED_BYTES), matcher);
    for word in words(&document.title) {
        for &(word, likeness) in matcher.resembled(&word.folded) {
            passage.coverage[word] = passage.coverage[word].max(likeness);
        }
    }
    passage
}
