//! Searching: candidates by words, by what stands around them and by meaning, ranked together, each
//! with every part of its score.
//!
//! A fixed pool of candidates is ranked, however few hits are asked for, so that the order of hits
//! does not depend on their number. [`crate::ranking`] says what a score is made of. What stands
//! around a hit is only shown ([`neighbours`]): it changes neither which hits there are nor their
//! order. Where that is asked for, a model grades the best and they are ordered by its grades
//! ([`reranking`]).

mod neighbours;
pub mod reranking;

use std::collections::HashMap;
use std::sync::Arc;

use index::{Condition, Contexts, Keywords, Match, Sought};
use kernel::{Kind, Privacy, Result, Timestamp};
use roaring::RoaringBitmap;

use self::reranking::{Problem, Reranked, Reranking};
use crate::chunk::{Chunk, IndexedChunk};
use crate::document::Document;
use crate::error::Error;
use crate::filter::{Filter, SUPERSEDED};
use crate::passage::{best_passage, snippet};
use crate::question::{Question, candidate_names};
use crate::ranking::{self, Candidate, Part, Ranked, Weights};
use crate::service::{MemoryParts, blocking};
use crate::similarity::Matcher;
use crate::vectors::Near;
use crate::wording::{WordMatch, WordVectors, Wording};

/// The longest query.
pub const MAX_QUERY_CHARS: usize = 2_000;
/// The most hits there can be.
pub const MAX_HITS: usize = 100;
/// The most chunks that are shown before a hit and behind it.
pub const MAX_NEIGHBOURS: u32 = 3;
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
    /// How many chunks of its document are shown before each hit and behind it, at most
    /// [`MAX_NEIGHBOURS`].
    pub neighbours: u32,
    /// Whether and by whom the best are graded and ordered anew.
    pub rerank: Option<Reranking>,
}

impl Query {
    /// Looks for `text` everywhere, for at most `limit` hits.
    pub fn new(text: impl Into<String>, limit: usize) -> Self {
        Self {
            text: text.into(),
            limit,
            filter: Filter::default(),
            privacy: Privacy::default(),
            weights: Weights::default(),
            neighbours: 0,
            rerank: None,
        }
    }

    /// Looks for what bears on a goal; none when there is nothing to look for.
    pub(crate) fn of_goal(goal: &str) -> Option<Self> {
        let end = goal.char_indices().nth(MAX_QUERY_CHARS).map_or(goal.len(), |(at, _)| at);
        let text = &goal[..end];
        (!Sought::read(text).is_empty()).then(|| Self::new(text, MAX_HITS))
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_limit(self.limit, MAX_HITS)?;
        if self.neighbours > MAX_NEIGHBOURS {
            return Err(Error::TooManyNeighbours { asked: self.neighbours });
        }
        self.rerank.as_ref().map_or(Ok(()), Reranking::check)?;
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
    /// What stands right before it in its document, in order; empty unless that was asked for.
    pub before: Vec<Chunk>,
    /// What stands right behind it, likewise.
    pub after: Vec<Chunk>,
    /// What a model made of it, where the hits were ordered by one.
    pub rerank: Option<Reranked>,
    /// How many words of the query it has, in whatever form.
    has_words: usize,
}

impl Hit {
    /// A hit of which nothing is known but its score.
    #[cfg(test)]
    pub(crate) fn bare(document: Document, chunk: Chunk, score: f64) -> Self {
        Self {
            document,
            chunk,
            snippet: String::new(),
            score,
            parts: Vec::new(),
            words: Vec::new(),
            keyword: None,
            vector: None,
            before: Vec::new(),
            after: Vec::new(),
            rerank: None,
            has_words: 0,
        }
    }

    /// Who wrote it, as far as is known.
    pub fn author(&self) -> Option<&str> {
        self.chunk.content.author.as_deref().or(self.document.author.as_deref())
    }

    /// Its moment.
    pub fn time(&self) -> Timestamp {
        self.chunk.content.time.unwrap_or_else(|| self.document.time())
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
    /// Whether the hits are ordered by a model's grades.
    pub reranked: bool,
    /// Why they are not, where that was asked for; none where there was nothing to order.
    pub rerank_problem: Option<Problem>,
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
    let ((keyword, weights), (contexts, around), (near, vector)) = tokio::try_join!(
        ask_words(parts, &scope),
        ask_contexts(parts, &scope),
        ask_meaning(parts, &scope, query.privacy)
    )?;
    let sides = Sides { keyword, contexts, around, weights, near, vector };
    let mut numbers: Vec<u32> = sides.keyword.iter().map(|found| found.number).collect();
    numbers.extend(&sides.around);
    numbers.extend(sides.near.iter().map(|near| near.number));
    numbers.sort_unstable();
    numbers.dedup();
    let now = parts.clock.now();
    let (mut chunks, nearness) =
        tokio::try_join!(parts.store.find_chunks(&numbers), Nearness::ask(parts, &sides.vector, &numbers))?;
    // What has expired or was superseded, or was changed while this was looked for, is not found.
    chunks.retain(|found| {
        found.document.expires_at.is_none_or(|expires| expires > now)
            && (query.filter.includes_superseded || found.document.superseded_by.is_none())
            && query.filter.passes(&found.document, found.author(), found.time())
    });
    let candidates = candidates(parts, sides, nearness, chunks).await?;
    let (count, has_meaning) = (candidates.found.len(), candidates.has_meaning);
    let names = scope.question.names.clone();
    let weights = query.weights;
    let pool = query.rerank.as_ref().map_or(query.limit, |rerank| query.limit.max(rerank.candidates));
    let hits = blocking(move || {
        let Candidates { found, keyword, vector, weights: of_words, words, .. } = candidates;
        let sought = &scope.question.content.words;
        let wording = Wording::new(sought, &of_words, words);
        let ranked = ranking::rank(found, &scope.question, &weights, now, wording, pool);
        let words: Vec<String> = sought.iter().map(|word| word.word.clone()).collect();
        let mut matcher = Matcher::new(&words);
        let shown = |ranked: Ranked| shown(ranked, &keyword, &vector, &mut matcher);
        ranked.into_iter().map(shown).collect::<Vec<_>>()
    });
    let mut hits: Vec<Hit> = hits.await?;
    let (reranked, rerank_problem) = match query.rerank.as_ref().filter(|_| !hits.is_empty()) {
        None => (false, None),
        Some(wanted) => {
            let problem = reranking::rerank(parts.reranker.as_deref(), query, wanted, &mut hits).await.err();
            (problem.is_none(), problem)
        }
    };
    hits.truncate(query.limit);
    neighbours::show(&*parts.store, &mut hits, query.neighbours).await?;
    Ok(Found { hits, candidates: count, has_meaning, names, reranked, rerank_problem })
}

async fn read_scope(parts: &MemoryParts, query: &Query) -> Result<Scope> {
    let (keywords, mut condition, text) =
        (parts.keywords.clone(), query.filter.condition(), query.text.clone());
    let includes_superseded = query.filter.includes_superseded;
    let read = move || {
        let reading = keywords.reading();
        // A condition costs something; where nothing was superseded there is nothing to leave out.
        if !includes_superseded && reading.has_facet(SUPERSEDED)? {
            condition.none_of.push(SUPERSEDED.to_owned());
        }
        let allowed = match condition.is_open() {
            true => None,
            false => Some(reading.matching(&condition)?),
        };
        let authors = reading.values_with("author", &candidate_names(&text), allowed.as_deref())?;
        Ok::<_, index::Error>(Scope { question: Question::read(&text, &authors), condition, allowed })
    };
    Ok(blocking(read).await??)
}

async fn ask_words(parts: &MemoryParts, scope: &Arc<Scope>) -> Result<(Vec<Match>, Vec<f32>)> {
    let (keywords, scope) = (parts.keywords.clone(), scope.clone());
    let ask = move || {
        let (reading, content) = (keywords.reading(), &scope.question.content);
        let found = reading.search(content, &scope.condition, POOL)?;
        Ok::<_, index::Error>((found, reading.weights(content)?))
    };
    Ok(blocking(ask).await??)
}

async fn ask_contexts(parts: &MemoryParts, scope: &Arc<Scope>) -> Result<(Contexts, Vec<u32>)> {
    let (keywords, scope) = (parts.keywords.clone(), scope.clone());
    let ask = move || keywords.reading().contexts(&scope.question.content, scope.allowed.as_deref(), POOL);
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
    let near = answered(vectors.index.search(&vector, POOL, scope.allowed.clone()).await)?;
    Ok(near.map_or((Vec::new(), None), |near| (near, Some(vector))))
}

/// What an index says; nothing when it cannot be asked, which nobody who searches has to know.
fn answered<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == Kind::Unavailable => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is ranked, and where the indices have it.
struct Candidates {
    found: Vec<Candidate>,
    keyword: HashMap<u32, Place>,
    vector: HashMap<u32, Place>,
    has_meaning: bool,
    /// How much each word that is sought tells.
    weights: Vec<f32>,
    /// What knows single words, if it may be asked.
    words: Option<Arc<dyn WordVectors>>,
}

/// How near chunks and those before and after them are.
struct Nearness {
    /// The chunks before and after each.
    around: HashMap<u32, [Option<u32>; 2]>,
    /// By chunk; nothing where meaning cannot be looked at.
    similarities: Option<HashMap<u32, f64>>,
}

impl Nearness {
    async fn ask(parts: &MemoryParts, vector: &Option<Vec<f32>>, numbers: &[u32]) -> Result<Self> {
        let around = around(&parts.keywords, numbers);
        let (Some(vector), Some(vectors)) = (vector, &parts.vectors) else {
            return Ok(Self { around, similarities: None });
        };
        let mut meant = numbers.to_vec();
        meant.extend(around.values().flatten().flatten());
        let similarities = answered(vectors.index.similarities(vector, &meant).await)?;
        let similarities = similarities.map(|similarities| {
            let known = meant.iter().zip(similarities);
            known.filter_map(|(number, similarity)| Some((*number, f64::from(similarity?)))).collect()
        });
        Ok(Self { around, similarities })
    }

    fn of(&self, number: u32) -> f64 {
        let known = self.similarities.as_ref().and_then(|known| known.get(&number));
        known.copied().unwrap_or_default()
    }

    fn around(&self, number: u32) -> [f64; 2] {
        let around = self.around.get(&number).copied().unwrap_or_default();
        around.map(|number| number.map_or(0.0, |number| self.of(number)))
    }
}

/// The chunks before and after each.
fn around(keywords: &Keywords, numbers: &[u32]) -> HashMap<u32, [Option<u32>; 2]> {
    let reading = keywords.reading();
    let of = |number: &u32| {
        let (document, ordinal) = reading.place_of(*number)?;
        let before = ordinal.checked_sub(1).and_then(|ordinal| reading.number_at(document, ordinal));
        Some((*number, [before, reading.number_at(document, ordinal.saturating_add(1))]))
    };
    numbers.iter().filter_map(of).collect()
}

/// Brings together what the indices say of each chunk and of those around it.
async fn candidates(
    parts: &MemoryParts,
    sides: Sides,
    nearness: Nearness,
    chunks: Vec<IndexedChunk>,
) -> Result<Candidates> {
    let has_meaning = nearness.similarities.is_some();
    // What knows single words is the model that has just embedded the question.
    let words = parts.words.clone().filter(|_| has_meaning);
    let keywords = parts.keywords.clone();
    let gather = move || {
        let reading = keywords.reading();
        let keyword = ranked(sides.keyword.iter().map(|found| (found.number, found.score)));
        let candidate = |indexed: IndexedChunk| {
            let number = indexed.chunk.number;
            Candidate {
                keyword: keyword.get(&number).map_or(0.0, |place| place.score),
                similarity: nearness.of(number),
                similarities_around: nearness.around(number),
                window: sides.contexts.window(indexed.document_number, indexed.chunk.ordinal).into(),
                document: sides.contexts.document(indexed.document_number).into(),
                is_alone: reading.is_alone(indexed.document_number),
                indexed,
            }
        };
        let found = chunks.into_iter().map(candidate).collect();
        let near_ones = sides.near.iter().filter(|_| has_meaning);
        Candidates {
            found,
            keyword,
            vector: ranked(near_ones.map(|near| (near.number, near.similarity))),
            has_meaning,
            weights: sides.weights,
            words,
        }
    };
    blocking(gather).await
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
    let Ranked { candidate: Candidate { indexed, .. }, words, score, parts } = ranked;
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
        before: Vec::new(),
        after: Vec::new(),
        rerank: None,
    }
}
