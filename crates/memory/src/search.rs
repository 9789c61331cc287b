//! Searching: candidates by words, by what stands around them and by meaning, ranked together, each
//! with every part of its score.
//!
//! A fixed pool of candidates is ranked, however few hits are asked for, so that the order of hits
//! does not depend on their number. [`crate::ranking`] says what a score is made of.

use std::collections::HashMap;
use std::sync::Arc;

use index::{Condition, Contexts, Keywords, Match, Sought};
use kernel::{Privacy, Result};
use roaring::RoaringBitmap;

use crate::chunk::{Chunk, IndexedChunk};
use crate::document::Document;
use crate::error::Error;
use crate::filter::Filter;
use crate::passage::{best_passage, snippet};
use crate::question::{Question, candidate_names};
use crate::ranking::{self, Candidate, Part, Ranked, Weights};
use crate::service::{MemoryParts, blocking};
use crate::similarity::Matcher;
use crate::vectors::Near;
use crate::wording::{WordMatch, Wording};

/// The longest query.
pub const MAX_QUERY_CHARS: usize = 2_000;
/// The most hits there can be.
pub const MAX_HITS: usize = 100;
/// How many candidates come from each side: by words, by what stands around, by meaning.
const POOL: usize = 100;

/// What to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// A question or some words, 1 to [`MAX_QUERY_CHARS`] characters.
    pub text: String,
    /// At most this many hits, 1 to [`MAX_HITS`].
    pub limit: usize,
    /// Where to look.
    pub filter: Filter,
    /// How far the query itself may travel, to an embedder elsewhere.
    pub privacy: Privacy,
    /// How much each feature counts.
    pub weights: Weights,
}

impl Query {
    /// Looks for `text` everywhere, for at most `limit` hits.
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        let (filter, weights) = (Filter::default(), Weights::default());
        Self { text: text.into(), limit, filter, privacy: Privacy::default(), weights }
    }

    /// Looks for what bears on a goal; none when there is nothing to look for.
    pub(crate) fn of_goal(goal: &str) -> Option<Self> {
        let end = goal.char_indices().nth(MAX_QUERY_CHARS).map_or(goal.len(), |(at, _)| at);
        let text = &goal[..end];
        (!Sought::read(text).is_empty()).then(|| Self::new(text, MAX_HITS))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_limit(self.limit, MAX_HITS)?;
        let chars = self.text.chars().count();
        if chars > MAX_QUERY_CHARS {
            return Err(Error::QueryTooLong { chars });
        }
        if Sought::read(&self.text).is_empty() { Err(Error::EmptyQuery) } else { Ok(()) }
    }
}

pub(crate) fn check_limit(limit: usize, max: usize) -> Result<(), Error> {
    if (1..=max).contains(&limit) { Ok(()) } else { Err(Error::LimitOutOfRange { limit, max }) }
}

/// Where a side has a chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// From 1.
    pub rank: usize,
    /// BM25 or cosine, as the side gives it.
    pub score: f64,
}

/// A chunk that was found, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// The document, without its text.
    pub document: Document,
    /// The chunk.
    pub chunk: Chunk,
    /// Its passage that answers best, at most 240 characters in one line.
    pub snippet: String,
    /// Higher is better. Comparable within one answer only.
    pub score: f64,
    /// What gave the score; the sum of their shares is the score.
    pub parts: Vec<Part>,
    /// The words of the query and what answers them here.
    pub words: Vec<WordMatch>,
    /// Where it stands by its words, if it is a candidate by them.
    pub keyword: Option<Place>,
    /// Where it stands by its meaning, if it is a candidate by it.
    pub vector: Option<Place>,
    /// How many words of the query it has, in whatever form.
    has_words: usize,
}

impl Hit {
    /// A hit of which nothing is known but its score.
    #[cfg(test)]
    pub(crate) fn bare(document: Document, chunk: Chunk, score: f64) -> Self {
        let (snippet, parts, words) = (String::new(), Vec::new(), Vec::new());
        Self { document, chunk, snippet, score, parts, words, keyword: None, vector: None, has_words: 0 }
    }

    /// The strictest label among `hits`, for what is made of them.
    pub fn privacy(hits: &[Self]) -> Privacy {
        hits.iter().map(|hit| hit.document.privacy).max().unwrap_or_default()
    }

    /// Whether it bears on what was sought as a goal, most words of which mean little alone.
    pub(crate) fn bears_on_goal(&self) -> bool {
        self.has_words >= self.words.len().clamp(1, 2)
            || self.vector.is_some_and(|near| ranking::is_near(near.score))
    }

    /// Whether it says the same as a goal.
    pub(crate) fn repeats(&self, goal: &str) -> bool {
        goal.starts_with(&self.chunk.content.text) || self.chunk.content.text.starts_with(goal)
    }
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best, first.
    pub hits: Vec<Hit>,
    /// How many candidates were ranked.
    pub candidates: usize,
    /// Whether meaning was looked at too, and not words alone.
    pub has_meaning: bool,
    /// The words of the query that were taken for an author's name.
    pub names: Vec<String>,
}

/// What a search is narrowed to, and what it asks.
struct Scope {
    question: Question,
    condition: Condition,
    /// The chunks that fulfil the condition; none when all do.
    allowed: Option<Arc<RoaringBitmap>>,
}

/// What the indices say.
struct Sides {
    keyword: Vec<Match>,
    contexts: Contexts,
    around: Vec<u32>,
    weights: Vec<f32>,
    near: Vec<Near>,
    vector: Option<Vec<f32>>,
}

pub(crate) async fn search(parts: &MemoryParts, query: &Query) -> Result<Found> {
    let scope = Arc::new(read_scope(parts, query).await?);
    let ((keyword, contexts, around, weights), (near, vector)) =
        tokio::try_join!(ask_words(parts, &scope), ask_meaning(parts, &scope, query.privacy))?;
    let sides = Sides { keyword, contexts, around, weights, near, vector };
    let mut numbers: Vec<u32> = sides.keyword.iter().map(|found| found.number).collect();
    numbers.extend(&sides.around);
    numbers.extend(sides.near.iter().map(|near| near.number));
    numbers.sort_unstable();
    numbers.dedup();
    let now = parts.clock.now();
    let mut chunks = parts.store.find_chunks(&numbers).await?;
    // What has expired, or was changed while this was looked for, is not found.
    chunks.retain(|found| {
        found.document.expires_at.is_none_or(|expires| expires > now)
            && query.filter.passes(&found.document, found.author(), found.time())
    });
    let candidates = candidates(parts, sides, &scope, chunks).await?;
    let (count, has_meaning) = (candidates.found.len(), candidates.has_meaning);
    let names = scope.question.names.clone();
    let (limit, weights) = (query.limit, query.weights);
    let hits = blocking(move || {
        let Candidates { found, keyword, vector, .. } = candidates;
        let ranked = ranking::rank(found, &scope.question, &weights, now);
        let words = scope.question.content.words.iter().map(|word| word.word.clone());
        let mut matcher = Matcher::new(&words.collect::<Vec<_>>());
        let shown = |ranked: Ranked| shown(ranked, &keyword, &vector, &mut matcher);
        ranked.into_iter().take(limit).map(shown).collect()
    });
    Ok(Found { hits: hits.await?, candidates: count, has_meaning, names })
}

async fn read_scope(parts: &MemoryParts, query: &Query) -> Result<Scope> {
    let (keywords, condition, text) = (parts.keywords.clone(), query.filter.condition(), query.text.clone());
    let read = move || {
        let reading = keywords.reading();
        let allowed = match condition.is_open() {
            true => None,
            false => Some(Arc::new(reading.matching(&condition)?)),
        };
        let authors = reading.values_with("author", &candidate_names(&text), allowed.as_deref())?;
        Ok::<_, index::Error>(Scope { question: Question::read(&text, &authors), condition, allowed })
    };
    Ok(blocking(read).await??)
}

type Worded = (Vec<Match>, Contexts, Vec<u32>, Vec<f32>);

async fn ask_words(parts: &MemoryParts, scope: &Arc<Scope>) -> Result<Worded> {
    let (keywords, scope) = (parts.keywords.clone(), scope.clone());
    let ask = move || {
        let (reading, content) = (keywords.reading(), &scope.question.content);
        let keyword = reading.search(content, &scope.condition, POOL)?;
        let (contexts, around) = reading.contexts(content, scope.allowed.as_deref(), POOL)?;
        Ok::<_, index::Error>((keyword, contexts, around, reading.weights(content)?))
    };
    Ok(blocking(ask).await??)
}

async fn ask_meaning(
    parts: &MemoryParts,
    scope: &Scope,
    privacy: Privacy,
) -> Result<(Vec<Near>, Option<Vec<f32>>)> {
    let Some(vectors) = &parts.vectors else { return Ok((Vec::new(), None)) };
    let text = scope.question.embedded.clone();
    let made = match vectors.queue.embedder().embed(vec![text], privacy).await {
        Ok(made) => made,
        Err(error) => {
            tracing::warn!(%error, "a search looks at words alone");
            return Ok((Vec::new(), None));
        }
    };
    let Some(vector) = made.into_iter().next() else { return Ok((Vec::new(), None)) };
    let near = vectors.index.search(&vector, POOL, scope.allowed.clone()).await?;
    Ok((near, Some(vector)))
}

/// What is ranked, and where the indices have it.
struct Candidates {
    found: Vec<Candidate>,
    keyword: HashMap<u32, Place>,
    vector: HashMap<u32, Place>,
    has_meaning: bool,
}

/// Brings together what the indices say of each chunk and of those around it.
async fn candidates(
    parts: &MemoryParts,
    sides: Sides,
    scope: &Arc<Scope>,
    chunks: Vec<IndexedChunk>,
) -> Result<Candidates> {
    let around = around(&parts.keywords, &chunks);
    let mut meant: Vec<u32> = chunks.iter().map(|chunk| chunk.chunk.number).collect();
    meant.extend(around.iter().flatten().flatten());
    let similarities: HashMap<u32, f64> = match (&sides.vector, &parts.vectors) {
        (Some(vector), Some(vectors)) => {
            let similarities = vectors.index.similarities(vector, &meant).await?;
            let known = meant.iter().zip(similarities);
            known.filter_map(|(number, similarity)| Some((*number, f64::from(similarity?)))).collect()
        }
        _ => HashMap::new(),
    };
    // What knows single words is the model that has just embedded the question.
    let words = parts.words.clone().filter(|_| sides.vector.is_some());
    let (keywords, scope) = (parts.keywords.clone(), scope.clone());
    let gather = move || {
        let reading = keywords.reading();
        let mut wording = Wording::new(&scope.question.content.words, &sides.weights, words);
        let near = |number: Option<u32>| {
            number.and_then(|number| similarities.get(&number)).copied().unwrap_or_default()
        };
        let keyword = ranked(sides.keyword.iter().map(|found| (found.number, found.score)));
        let score = |number: u32| keyword.get(&number).map_or(0.0, |place| place.score);
        let candidate = |(indexed, around): (IndexedChunk, [Option<u32>; 2])| Candidate {
            keyword: score(indexed.chunk.number),
            similarity: near(Some(indexed.chunk.number)),
            similarities_around: around.map(near),
            words: wording.answers(&indexed.chunk.content.embedded(&indexed.document)),
            window: sides.contexts.window(indexed.document_number, indexed.chunk.ordinal).into(),
            document: sides.contexts.document(indexed.document_number).into(),
            is_alone: reading.is_alone(indexed.document_number),
            indexed,
        };
        let found = chunks.into_iter().zip(around).map(candidate).collect();
        Candidates {
            found,
            keyword,
            vector: ranked(sides.near.iter().map(|near| (near.number, near.similarity))),
            has_meaning: sides.vector.is_some(),
        }
    };
    blocking(gather).await
}

/// The chunks before and after each.
fn around(keywords: &Keywords, chunks: &[IndexedChunk]) -> Vec<[Option<u32>; 2]> {
    let reading = keywords.reading();
    let of = |chunk: &IndexedChunk| {
        let (document, ordinal) = (chunk.document_number, chunk.chunk.ordinal);
        let before = ordinal.checked_sub(1).and_then(|ordinal| reading.number_at(document, ordinal));
        [before, reading.number_at(document, ordinal.saturating_add(1))]
    };
    chunks.iter().map(of).collect()
}

fn ranked(found: impl Iterator<Item = (u32, f32)>) -> HashMap<u32, Place> {
    let place = |(at, (number, score)): (usize, (u32, f32))| {
        (number, Place { rank: at + 1, score: f64::from(score) })
    };
    found.enumerate().map(place).collect()
}

fn shown(
    ranked: Ranked,
    keyword: &HashMap<u32, Place>,
    vector: &HashMap<u32, Place>,
    matcher: &mut Matcher,
) -> Hit {
    let Ranked { candidate: Candidate { indexed, words, .. }, score, parts } = ranked;
    let text = &indexed.chunk.content.text;
    let passage = best_passage(text, matcher);
    let number = indexed.chunk.number;
    Hit {
        snippet: snippet(text, passage.span),
        has_words: passage.coverage.iter().filter(|share| **share > 0.0).count(),
        document: indexed.document,
        chunk: indexed.chunk,
        score,
        parts,
        words,
        keyword: keyword.get(&number).copied(),
        vector: vector.get(&number).copied(),
    }
}
