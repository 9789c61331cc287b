//! How well memory finds what it should: questions with the passages that answer them.
//!
//! A set is a JSON document, so that the ones that cannot be shipped are read like the one that is.

use std::collections::BTreeMap;
use std::path::Path;

use kernel::Timestamp;
use serde::Deserialize;

use crate::chunk::NewChunk;
use crate::document::{Attributes, NewDocument};
use crate::filter::Filter;
use crate::search::{Hit, Query};
use crate::service::Memory;

/// Documents and questions about them.
#[derive(Debug, Deserialize)]
pub struct EvaluationSet {
    /// What is remembered.
    pub documents: Vec<SetDocument>,
    /// What is asked.
    pub questions: Vec<SetQuestion>,
}

/// A document; either its text or its chunks are given.
#[derive(Debug, Deserialize)]
pub struct SetDocument {
    /// Where it belongs.
    pub collection: String,
    /// What it is called there.
    pub key: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// What its text is written in.
    #[serde(default)]
    pub format: String,
    /// What it belongs to.
    #[serde(default)]
    pub attributes: Attributes,
    /// When what it tells of happened, in milliseconds since 1970.
    #[serde(default)]
    pub time_ms: Option<i64>,
    /// Its text, to be split.
    #[serde(default)]
    pub text: String,
    /// Its chunks, where it is split already.
    #[serde(default)]
    pub chunks: Vec<SetChunk>,
    /// The file its text or its chunks are in: below the set's folder or, after a slash, below the
    /// repository's root. One that ends in `.json` holds chunks.
    #[serde(default)]
    pub file: String,
}

impl EvaluationSet {
    /// Reads a set and the files of its documents; `root` is the repository's.
    ///
    /// # Panics
    /// When a file is missing or is not what it should be.
    pub fn read(path: &Path, root: &Path) -> Self {
        let content = |path: &Path| {
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let mut set: Self = serde_json::from_str(&content(path)).expect("it is a set");
        let folder = path.parent().unwrap_or(Path::new("."));
        for document in set.documents.iter_mut().filter(|document| !document.file.is_empty()) {
            let file = match document.file.strip_prefix('/') {
                Some(below) => root.join(below),
                None => folder.join(&document.file),
            };
            let content = content(&file);
            if document.file.ends_with(".json") {
                document.chunks = serde_json::from_str(&content).expect("they are chunks");
            } else {
                document.text = content;
            }
        }
        set
    }
}

/// A chunk of a document.
#[derive(Debug, Deserialize)]
pub struct SetChunk {
    /// What questions call it.
    pub id: String,
    /// What it says.
    pub text: String,
    /// Who says it.
    #[serde(default)]
    pub author: Option<String>,
    /// When, in milliseconds since 1970.
    #[serde(default)]
    pub time_ms: Option<i64>,
}

/// A question and what answers it.
#[derive(Debug, Deserialize)]
pub struct SetQuestion {
    /// What is asked.
    pub query: String,
    /// What it is asked of, as [`Filter::add`] takes it.
    #[serde(default)]
    pub filter: BTreeMap<String, String>,
    /// The ids of the chunks that answer it, or `key|words`: a chunk of the document with this key
    /// that has these words.
    pub gold: Vec<String>,
    /// What sort of question it is.
    pub category: String,
}

impl SetQuestion {
    /// The filter it is asked with.
    ///
    /// # Panics
    /// When the set names a field there is not.
    pub fn filter(&self) -> Filter {
        let mut filter = Filter::default();
        for (field, value) in &self.filter {
            filter.add(field, value).expect("the set filters by known fields");
        }
        filter
    }

    /// The places in `gold` that a hit answers.
    pub fn answered(&self, key: &str, place: &str, text: &str) -> Vec<usize> {
        let answers = |gold: &String| match gold.split_once('|') {
            Some((document, words)) => document == key && text.contains(words),
            None => gold == place,
        };
        (0..self.gold.len()).filter(|at| answers(&self.gold[*at])).collect()
    }
}

/// How many of the gold passages were found, in percent, over some questions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many questions there were.
    pub questions: usize,
    /// Among the first 5, 10 and 20, the mean over the questions.
    pub recall: [f64; 3],
    /// Questions all of whose passages are among the first 10.
    pub all: f64,
    /// How far up they are among the first 10, as nDCG.
    pub ndcg: f64,
}

/// The ranks, from 0, at which the gold passages of one question were found.
pub type Ranks = Vec<Option<usize>>;

impl Figures {
    /// The figures of some questions.
    pub fn of(all: &[Ranks]) -> Self {
        let mean =
            |of: &dyn Fn(&Ranks) -> f64| 100.0 * all.iter().map(of).sum::<f64>() / all.len().max(1) as f64;
        let within = |ranks: &Ranks, count: usize| {
            ranks.iter().flatten().filter(|rank| **rank < count).count() as f64 / ranks.len().max(1) as f64
        };
        let gain = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
        let ndcg = |ranks: &Ranks| {
            let mut found: Vec<usize> = ranks.iter().flatten().copied().filter(|rank| *rank < 10).collect();
            // Two passages in one chunk are one hit.
            found.sort_unstable();
            found.dedup();
            let ideal: f64 = (0..ranks.len().min(10)).map(gain).sum();
            found.into_iter().map(gain).sum::<f64>() / ideal.max(f64::MIN_POSITIVE)
        };
        Self {
            questions: all.len(),
            recall: [5, 10, 20].map(|count| mean(&|ranks| within(ranks, count))),
            all: mean(&|ranks| f64::from(within(ranks, 10) >= 1.0)),
            ndcg: mean(&ndcg),
        }
    }
}

/// Stores the documents of a set.
///
/// # Panics
/// When they cannot be stored.
pub async fn remember_set(memory: &Memory, set: &EvaluationSet) {
    for document in &set.documents {
        let new = NewDocument {
            collection: document.collection.clone(),
            key: document.key.clone(),
            title: document.title.clone(),
            text: document.text.clone(),
            source: format!("set:{}", document.key),
            format: document.format.clone(),
            attributes: document.attributes.clone(),
            occurred_at: document.time_ms.map(Timestamp),
            ..NewDocument::default()
        };
        let stored = if document.chunks.is_empty() {
            memory.remember(new).await
        } else {
            let chunk = |chunk: &SetChunk| NewChunk {
                text: chunk.text.clone(),
                place: chunk.id.clone().into(),
                author: chunk.author.clone(),
                time: chunk.time_ms.map(Timestamp),
                ..NewChunk::default()
            };
            let chunks: Vec<NewChunk> = document.chunks.iter().map(chunk).collect();
            memory.remember_chunks(new, &chunks).await
        };
        stored.expect("a document of the set is stored");
    }
}

/// Asks one question; the ranks of its gold passages.
///
/// # Panics
/// When the search fails.
pub async fn ask(memory: &Memory, question: &SetQuestion, weights: crate::ranking::Weights) -> Ranks {
    let query = Query { filter: question.filter(), weights, ..Query::new(question.query.clone(), 100) };
    let found = memory.search(query).await.expect("the question is searched for");
    ranks(question, found.hits.iter().map(place_of))
}

fn place_of(hit: &Hit) -> (&str, &str, &str) {
    let place = hit.chunk.content.place.as_str().unwrap_or_default();
    (&hit.document.key, place, &hit.chunk.content.text)
}

/// The ranks of a question's gold passages among what was found: keys, places and texts.
pub fn ranks<'a>(question: &SetQuestion, found: impl Iterator<Item = (&'a str, &'a str, &'a str)>) -> Ranks {
    let mut ranks: Ranks = vec![None; question.gold.len()];
    for (rank, (key, place, text)) in found.enumerate() {
        for at in question.answered(key, place, text) {
            ranks[at].get_or_insert(rank);
        }
    }
    ranks
}
