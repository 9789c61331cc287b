//! Measures how well memory finds what answers the questions of a set, beside BM25 alone, vectors
//! alone and their reciprocal-rank fusion, on the same texts and questions.
//!
//! Prints one JSON line; `cargo xtask bench memory` puts it in a table.

#[path = "../tests/support/minilm.rs"]
mod minilm;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use embeddings::{MiniLm, Precision};
use index::{Change, Condition, Entry, Keywords, Sought};
use kernel::{PageRequest, Timestamp};
use memory::testing::{EvaluationSet, Figures, Ranks, SetQuestion, ask, ranks, remember_set};
use memory::{Document, Feature, Filter, Memory, NewChunk, Weights};
use minilm::{Local, open};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What reciprocal-rank fusion adds to each rank, as it was published.
const FUSION: f64 = 60.0;
/// How deep the single methods look.
const DEPTH: usize = 100;

#[tokio::main]
async fn main() {
    let model = PathBuf::from(argument("--model").expect("--model names the model's folder"));
    let set = argument("--set").expect("--set names a JSON document");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let set = EvaluationSet::read(Path::new(&set), &root);
    let model = Arc::new(Local(MiniLm::load(&model, Precision::Quantised).expect("the model loads")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let memory = open(folder.path(), &model).await;
    let weights = weights(argument("--weights").as_deref().unwrap_or_default());
    let begin = Instant::now();
    remember_set(&memory, &set).await;
    memory.catch_up().await.expect("the indices catch up");
    let ingested = begin.elapsed().as_secs_f64();

    let mut methods: BTreeMap<&str, Vec<Ranks>> = BTreeMap::new();
    let mut times = Vec::new();
    for question in &set.questions {
        let begin = Instant::now();
        let found = ask(&memory, question, weights).await;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        methods.entry("atelier").or_default().push(found);
    }
    let plain = Plain::of(&folder.path().join("plain"), &memory, &model).await;
    for question in &set.questions {
        let (words, meaning) = plain.ask(question, &model);
        let fused = plain.fused(&words, &meaning);
        methods.entry("BM25").or_default().push(plain.ranks(question, &words));
        methods.entry("MiniLM").or_default().push(plain.ranks(question, &meaning));
        methods.entry("RRF").or_default().push(plain.ranks(question, &fused));
    }
    times.sort_by(f64::total_cmp);
    let figures: BTreeMap<&str, _> =
        methods.iter().map(|(name, ranks)| (*name, by_category(&set.questions, ranks))).collect();
    println!(
        "{}",
        json!({ "questions": set.questions.len(), "chunks": plain.rows.len(), "ingested_s": ingested,
            "p50_ms": times[times.len() / 2], "p95_ms": times[times.len() * 95 / 100], "figures": figures })
    );
}

/// Weights in place of the usual ones, as `name=value` pairs with commas between.
fn weights(named: &str) -> Weights {
    named.split(',').filter(|pair| !pair.is_empty()).fold(Weights::default(), |weights, pair| {
        let (name, weight) = pair.split_once('=').expect("weights are `name=value` pairs");
        let feature = Feature::named(name).expect("there is such a feature");
        weights.with(feature, weight.parse().expect("a weight is a number"))
    })
}

fn by_category(questions: &[SetQuestion], ranks: &[Ranks]) -> BTreeMap<String, serde_json::Value> {
    let mut groups: BTreeMap<String, Vec<Ranks>> = BTreeMap::new();
    for (question, ranks) in questions.iter().zip(ranks) {
        let category = question.category.clone();
        if !category.starts_with("adversarial") {
            groups.entry("all".into()).or_default().push(ranks.clone());
        }
        groups.entry(category).or_default().push(ranks.clone());
    }
    let shown = |figures: Figures| {
        json!({ "questions": figures.questions, "recall_5": figures.recall[0], "recall_10": figures.recall[1],
            "recall_20": figures.recall[2], "all_10": figures.all, "ndcg_10": figures.ndcg })
    };
    groups.into_iter().map(|(name, ranks)| (name, shown(Figures::of(&ranks)))).collect()
}

/// The same chunks as others would index them: who says what, and when, in the text itself.
struct Plain {
    rows: Vec<Row>,
    keywords: Keywords,
    vectors: Vec<[f32; MiniLm::DIMENSIONS]>,
}

struct Row {
    key: String,
    place: String,
    text: String,
    facets: Vec<String>,
    time_ms: i64,
    indexed: String,
}

impl Plain {
    async fn of(folder: &Path, memory: &Memory, model: &Local) -> Self {
        let mut rows = Vec::new();
        let mut page = PageRequest::first(500);
        loop {
            let listed = memory.list_documents(&Filter::default(), &page).await.expect("they are listed");
            for document in listed.items.into_iter().map(|listed| listed.document) {
                for chunk in memory.chunks(&document.id).await.expect("they are listed") {
                    rows.push(Row::of(&document, chunk.content));
                }
            }
            match listed.next_cursor {
                Some(cursor) => page.cursor = Some(cursor),
                None => break,
            }
        }
        let keywords = Keywords::open(folder, "").expect("the index opens");
        let numbered = (0..).zip(&rows);
        let changes: Vec<Change<'_>> = numbered.map(|(number, row)| Change::Put(row.entry(number))).collect();
        keywords.apply(&changes, 1).expect("the texts are indexed");
        let texts: Vec<&str> = rows.iter().map(|row| row.indexed.as_str()).collect();
        let vectors = model.0.embed(&texts, 2);
        Self { rows, keywords, vectors }
    }

    /// The best by words and the best by meaning.
    fn ask(&self, question: &SetQuestion, model: &Local) -> (Vec<u32>, Vec<u32>) {
        let condition = condition(&question.filter);
        let reading = self.keywords.reading();
        let words =
            reading.search(&Sought::read(&question.query), &condition, DEPTH).expect("words are found");
        let allowed = reading.matching(&condition).expect("the filter is read");
        let query = &model.0.embed(&[&question.query], 1)[0];
        let dot = |vector: &[f32]| vector.iter().zip(query).map(|(one, other)| one * other).sum::<f32>();
        let mut near: Vec<(u32, f32)> =
            allowed.iter().map(|number| (number, dot(&self.vectors[number as usize]))).collect();
        near.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        (
            words.into_iter().map(|found| found.number).collect(),
            near.into_iter().take(DEPTH).map(|(number, _)| number).collect(),
        )
    }

    fn fused(&self, words: &[u32], meaning: &[u32]) -> Vec<u32> {
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for side in [words, meaning] {
            for (rank, number) in side.iter().enumerate() {
                *scores.entry(*number).or_default() += 1.0 / (FUSION + rank as f64 + 1.0);
            }
        }
        let mut fused: Vec<(u32, f64)> = scores.into_iter().collect();
        fused.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        fused.into_iter().map(|(number, _)| number).collect()
    }

    fn ranks(&self, question: &SetQuestion, found: &[u32]) -> Ranks {
        let rows = found.iter().map(|number| &self.rows[*number as usize]);
        ranks(question, rows.map(|row| (row.key.as_str(), row.place.as_str(), row.text.as_str())))
    }
}

impl Row {
    fn of(document: &Document, chunk: NewChunk) -> Self {
        let author = chunk.author.as_ref().or(document.author.as_ref());
        let mut facets = vec![format!("collection={}", document.collection)];
        facets.extend(document.attributes.iter().map(|(name, value)| format!("{name}={value}")));
        facets.extend(author.map(|author| format!("author={}", author.to_lowercase())));
        let time = chunk.time.unwrap_or_else(|| document.time());
        let author = chunk.author.as_ref().map(|author| format!("{} {author}: ", &time.to_string()[..10]));
        let mut indexed: String = author.unwrap_or_default();
        for heading in std::iter::once(&document.title).chain(&chunk.headings).filter(|it| !it.is_empty()) {
            indexed.push_str(heading);
            indexed.push('\n');
        }
        indexed.push_str(&chunk.text);
        let place = chunk.place.as_str().unwrap_or_default().to_owned();
        Self { key: document.key.clone(), place, text: chunk.text, facets, time_ms: time.0, indexed }
    }

    fn entry(&self, number: u32) -> Entry<'_> {
        let Self { facets, time_ms, indexed, .. } = self;
        Entry { number, document: number, ordinal: 0, time_ms: *time_ms, text: indexed, facets }
    }
}

/// A question's filter, as the index takes it.
fn condition(filter: &BTreeMap<String, String>) -> Condition {
    let mut condition = Condition::default();
    for (name, value) in filter {
        let moment = || value.parse::<Timestamp>().expect("the set names moments").0;
        match name.as_str() {
            "since" => condition.since_ms = Some(moment()),
            "until" => condition.until_ms = Some(moment()),
            "author" => condition.one_of_each.push(vec![format!("author={}", value.to_lowercase())]),
            _ => condition.one_of_each.push(vec![format!("{name}={value}")]),
        }
    }
    condition
}
fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}
