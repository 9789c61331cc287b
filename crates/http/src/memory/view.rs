//! What is shown of documents, chunks and hits.

use std::collections::BTreeMap;

use kernel::Privacy;
use memory::search::reranking::{Problem, Reranked};
use memory::{Chunk, Document, Found, Hit, Listed, Part, WordMatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::wire::Moment;

/// How far a document may travel.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PrivacyLabel {
    /// It may be given to models elsewhere.
    Shareable,
    /// It stays on this machine.
    Local,
}

impl From<Privacy> for PrivacyLabel {
    fn from(privacy: Privacy) -> Self {
        match privacy {
            Privacy::Shareable => Self::Shareable,
            Privacy::Local => Self::Local,
        }
    }
}

impl From<PrivacyLabel> for Privacy {
    fn from(label: PrivacyLabel) -> Self {
        match label {
            PrivacyLabel::Shareable => Self::Shareable,
            PrivacyLabel::Local => Self::Local,
        }
    }
}

/// A document that is remembered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub(crate) struct DocumentView {
    /// The document.
    id: String,
    /// The collection it belongs to.
    collection: String,
    /// What it is called there; storing the same again replaces it.
    key: String,
    /// Its title.
    title: String,
    /// Where it came from.
    source: String,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// What it is written in, such as `markdown` or `pdf`.
    format: String,
    /// Who wrote it.
    #[schema(required)]
    author: Option<String>,
    /// What it belongs to.
    attributes: BTreeMap<String, String>,
    /// When what it tells of happened, or else when it was stored last.
    time: Moment,
    /// When it was stored first.
    created_at: Moment,
    /// When it was stored last.
    updated_at: Moment,
    /// From when on it is not found any more.
    #[schema(required)]
    expires_at: Option<Moment>,
    /// The document that took its place; it is searched no more, unless that is asked for.
    #[schema(required)]
    superseded_by: Option<String>,
    /// How many characters its text has.
    characters: u64,
    /// How many chunks it has.
    chunks: u64,
    /// Its text; only where a single document is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

impl DocumentView {
    /// A document with its text.
    pub fn whole(document: Document, chunks: u64) -> Self {
        let text = document.text.clone();
        let characters = text.chars().count() as u64;
        Self { text: Some(text), ..Listed { document, characters, chunks }.into() }
    }
}

impl From<Listed> for DocumentView {
    fn from(Listed { document, characters, chunks }: Listed) -> Self {
        Self {
            time: document.time().into(),
            id: document.id.to_string(),
            collection: document.collection,
            key: document.key,
            title: document.title,
            source: document.source,
            privacy: document.privacy.into(),
            format: document.format,
            author: document.author,
            attributes: document.attributes,
            created_at: document.created_at.into(),
            updated_at: document.updated_at.into(),
            expires_at: document.expires_at.map(Moment::from),
            superseded_by: document.superseded_by.map(|id| id.to_string()),
            characters,
            chunks,
            text: None,
        }
    }
}

/// A part of a document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chunk)]
pub(crate) struct ChunkView {
    /// Its number in all of memory.
    number: u32,
    /// Its place in the document, from 0.
    ordinal: u32,
    /// What it says.
    text: String,
    /// The headings above it, the outermost first.
    headings: Vec<String>,
    /// Where it stands: lines, pages, rows, messages, …
    #[schema(value_type = Option<Object>, required)]
    place: Value,
    /// Who says it, where that is known of the chunk itself.
    #[schema(required)]
    author: Option<String>,
    /// When, where that is known of the chunk itself.
    #[schema(required)]
    time: Option<Moment>,
}

impl From<Chunk> for ChunkView {
    fn from(Chunk { number, ordinal, content, .. }: Chunk) -> Self {
        Self {
            number,
            ordinal,
            text: content.text,
            headings: content.headings,
            place: content.place,
            author: content.author,
            time: content.time.map(Moment::from),
        }
    }
}

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchAnswer {
    /// What was looked for.
    query: String,
    /// The best chunks, first.
    items: Vec<SearchHit>,
    /// How many candidates were ranked.
    candidates: usize,
    /// Whether meaning was looked at too, and not words alone.
    has_meaning: bool,
    /// The words of the query that were taken for an author's name.
    names: Vec<String>,
    /// Whether the hits are ordered by a model's grades.
    reranked: bool,
    /// Why they are not, though that was asked for; null too where there was nothing to order.
    #[schema(required)]
    rerank_problem: Option<RerankProblem>,
    /// How long it took, in milliseconds.
    took_ms: f64,
}

/// Why hits are not ordered by a model's grades.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RerankProblem {
    /// The code of the error.
    code: &'static str,
    /// What happened.
    message: String,
}

impl From<Problem> for RerankProblem {
    fn from(Problem { code, message }: Problem) -> Self {
        Self { code, message }
    }
}

impl SearchAnswer {
    pub fn of(query: String, found: Found, took_ms: f64) -> Self {
        let Found { hits, candidates, has_meaning, names, reranked, rerank_problem } = found;
        let items = hits.into_iter().map(SearchHit::from).collect();
        let rerank_problem = rerank_problem.map(RerankProblem::from);
        Self { query, items, candidates, has_meaning, names, reranked, rerank_problem, took_ms }
    }
}

/// A chunk that was found, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    /// The chunk's number.
    chunk: u32,
    /// Its place in the document, from 0.
    ordinal: u32,
    /// The document.
    document_id: String,
    /// The collection it belongs to.
    collection: String,
    /// What it is called there.
    key: String,
    /// The document's title.
    title: String,
    /// The headings above the chunk.
    headings: Vec<String>,
    /// Where it stands.
    #[schema(value_type = Option<Object>, required)]
    place: Value,
    /// Who wrote it.
    #[schema(required)]
    author: Option<String>,
    /// Its moment.
    time: Moment,
    /// How far it may travel.
    privacy: PrivacyLabel,
    /// Where the document came from.
    source: String,
    /// What it is written in.
    format: String,
    /// What the document belongs to.
    attributes: BTreeMap<String, String>,
    /// The passage that answers best, in one line.
    snippet: String,
    /// The whole chunk.
    text: String,
    /// How well it fits; higher is better, comparable within one answer only.
    score: f64,
    /// What gave the score; the shares add up to it.
    parts: Vec<ScorePart>,
    /// The words of the query and what answers them here.
    words: Vec<AnsweredWord>,
    /// Where it stands by its words, if it is a candidate by them.
    #[schema(required)]
    keyword: Option<Rank>,
    /// Where it stands by its meaning, if it is a candidate by it.
    #[schema(required)]
    vector: Option<Rank>,
    /// The chunks right before it in its document, in order; as many as were asked for and there are.
    before: Vec<Neighbour>,
    /// The chunks right behind it, likewise.
    after: Vec<Neighbour>,
    /// What a model made of it, where the hits are ordered by one.
    #[schema(required)]
    rerank: Option<GradedHit>,
}

/// What a model made of a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GradedHit {
    /// How well it answers, 0 to 10; null where the model did not say, or did not see it.
    #[schema(required)]
    grade: Option<f64>,
    /// Where it stood before, from 1.
    rank_before: usize,
}

impl From<Reranked> for GradedHit {
    fn from(Reranked { grade, rank_before }: Reranked) -> Self {
        Self { grade, rank_before }
    }
}

/// A chunk that stands beside a hit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Neighbour {
    /// The chunk's number.
    chunk: u32,
    /// Its place in the document, from 0.
    ordinal: u32,
    /// What it says.
    text: String,
    /// Where it stands.
    #[schema(value_type = Option<Object>, required)]
    place: Value,
}

impl From<Chunk> for Neighbour {
    fn from(Chunk { number, ordinal, content, .. }: Chunk) -> Self {
        Self { chunk: number, ordinal, text: content.text, place: content.place }
    }
}

/// A part of a score.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScorePart {
    /// What was looked at.
    feature: &'static str,
    /// What was found.
    value: f64,
    /// How much that counts.
    weight: f64,
    /// What it adds to the score.
    share: f64,
}

/// A word of a query and what answers it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AnsweredWord {
    /// The word.
    sought: String,
    /// What answers it best; null when nothing does.
    #[schema(required)]
    found: Option<String>,
    /// How alike the two are, 0 to 1.
    likeness: f64,
    /// How much the word tells.
    weight: f64,
}

/// A rank on one side.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Rank {
    /// From 1.
    rank: usize,
    /// BM25 or cosine.
    score: f64,
}

impl From<Hit> for SearchHit {
    fn from(hit: Hit) -> Self {
        let (author, time) = (hit.author().map(str::to_owned), hit.time().into());
        let rank = |place: memory::search::Place| Rank { rank: place.rank, score: place.score };
        Self {
            chunk: hit.chunk.number,
            ordinal: hit.chunk.ordinal,
            document_id: hit.document.id.to_string(),
            collection: hit.document.collection,
            key: hit.document.key,
            title: hit.document.title,
            headings: hit.chunk.content.headings,
            place: hit.chunk.content.place,
            author,
            time,
            privacy: hit.document.privacy.into(),
            source: hit.document.source,
            format: hit.document.format,
            attributes: hit.document.attributes,
            snippet: hit.snippet,
            text: hit.chunk.content.text,
            score: hit.score,
            parts: hit.parts.iter().map(ScorePart::from).collect(),
            words: hit.words.into_iter().map(AnsweredWord::from).collect(),
            keyword: hit.keyword.map(rank),
            vector: hit.vector.map(rank),
            before: hit.before.into_iter().map(Neighbour::from).collect(),
            after: hit.after.into_iter().map(Neighbour::from).collect(),
            rerank: hit.rerank.map(GradedHit::from),
        }
    }
}

impl From<&Part> for ScorePart {
    fn from(part: &Part) -> Self {
        Self { feature: part.feature.name(), value: part.value, weight: part.weight, share: part.share() }
    }
}

impl From<WordMatch> for AnsweredWord {
    fn from(WordMatch { sought, found, likeness, weight }: WordMatch) -> Self {
        Self { sought, found, likeness, weight }
    }
}
