//! Measures how well memory finds what answers the questions of a set, beside BM25 alone, vectors
//! alone and their reciprocal-rank fusion, on the same texts and questions.
//!
//! Prints one JSON line; `cargo xtask bench memory` puts it in a table.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use embeddings::{MiniLm, Precision};
use index::{Change, Condition, Entry, Keywords, Sought};
use kernel::{Privacy, SystemClock, SystemEntropy};
use memory::testing::{EvaluationSet, Figures, Ranks, SetQuestion, ask, ranks, remember_set};
use memory::{
    EmbeddedVectors, Embedder, EmbedderIdentity, EmbeddingQueue, Memory, MemoryParts, VectorParts, Weights,
    WordVectors,
};
use serde_json::json;
use store::{SqlEmbeddingStore, SqlMemoryStore, Workspace};

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
    let set = std::fs::read_to_string(set).expect("the set can be read");
    let set: EvaluationSet = serde_json::from_str(&set).expect("it is a set");
    let model = Arc::new(Local(MiniLm::load(&model, Precision::Quantised).expect("the model loads")));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let memory = open(folder.path(), &model).await;
    let begin = Instant::now();
    remember_set(&memory, &set).await;
    memory.catch_up().await.expect("the indices catch up");
    let ingested = begin.elapsed().as_secs_f64();

    let mut methods: BTreeMap<&str, Vec<Ranks>> = BTreeMap::new();
    let mut times = Vec::new();
    for question in &set.questions {
        let begin = Instant::now();
        let found = ask(&memory, question, Weights::default()).await;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        methods.entry("atelier").or_default().push(found);
    }
    let plain = Plain::of(&folder.path().join("plain"), &set, &model);
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

async fn open(folder: &Path, model: &Arc<Local>) -> Memory {
    let workspace = Workspace::open(&folder.join("workspace")).await.expect("the workspace opens");
    let database = workspace.database();
    let index = EmbeddedVectors::open(&folder.join("vectors"), &model.identity()).expect("the index opens");
    let queue = EmbeddingQueue::new(Arc::new(SqlEmbeddingStore::new(database.clone())), model.clone());
    Memory::new(MemoryParts {
        store: Arc::new(SqlMemoryStore::new(database.clone())),
        keywords: Arc::new(Keywords::open(&folder.join("words"), "").expect("the index opens")),
        vectors: Some(VectorParts { queue, index: Arc::new(index) }),
        words: Some(model.clone()),
        readers: None,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
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

/// The model, as memory takes it.
struct Local(MiniLm);

#[async_trait]
impl Embedder for Local {
    fn identity(&self) -> EmbedderIdentity {
        EmbedderIdentity { name: "minilm".into(), version: "int8".into(), dimensions: MiniLm::DIMENSIONS }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn batch(&self) -> usize {
        256
    }

    async fn embed(&self, texts: Vec<String>, _: Privacy) -> kernel::Result<Vec<Vec<f32>>> {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(self.0.embed(&texts, 2).into_iter().map(Vec::from).collect())
    }
}

impl WordVectors for Local {
    fn vector(&self, word: &str) -> Option<Vec<f32>> {
        self.0.word(word).map(Vec::from)
    }
}

/// The same texts as others would index them: who says what, and when, in the text itself.
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
}

impl Plain {
    fn of(folder: &Path, set: &EvaluationSet, model: &Local) -> Self {
        let mut rows = Vec::new();
        let mut texts = Vec::new();
        for document in &set.documents {
            let mut facets = vec![format!("collection={}", document.collection)];
            facets.extend(document.attributes.iter().map(|(name, value)| format!("{name}={value}")));
            let mut add = |place: &str, text: &str, before: String| {
                let (key, place) = (document.key.clone(), place.to_owned());
                texts.push(format!("{before}{text}"));
                rows.push(Row { key, place, text: text.to_owned(), facets: facets.clone() });
            };
            for chunk in &document.chunks {
                let date = chunk.time_ms.map(|time| kernel::Timestamp(time).to_string());
                let date = date.map(|date| format!("{} ", &date[..10])).unwrap_or_default();
                let author = chunk.author.as_ref().map(|author| format!("{author}: ")).unwrap_or_default();
                add(&chunk.id, &chunk.text, date + &author);
            }
            if document.chunks.is_empty() {
                let title =
                    if document.title.is_empty() { String::new() } else { format!("{}\n", document.title) };
                for paragraphs in paragraphs(&document.text) {
                    add("", &paragraphs, title.clone());
                }
            }
        }
        let keywords = Keywords::open(folder, "").expect("the index opens");
        let change = |(number, (row, text)): (u32, (&'_ Row, &'_ String))| -> (u32, Vec<String>, String) {
            (number, row.facets.clone(), text.clone())
        };
        let owned: Vec<_> = (0..).zip(rows.iter().zip(&texts)).map(change).collect();
        let changes: Vec<Change<'_>> = owned
            .iter()
            .map(|(number, facets, text)| {
                Change::Put(Entry {
                    number: *number,
                    document: *number,
                    ordinal: 0,
                    time_ms: 0,
                    text,
                    facets,
                })
            })
            .collect();
        keywords.apply(&changes, 1).expect("the texts are indexed");
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Self { rows, keywords, vectors: model.0.embed(&texts, 2) }
    }

    /// The best by words and the best by meaning.
    fn ask(&self, question: &SetQuestion, model: &Local) -> (Vec<u32>, Vec<u32>) {
        let one_of_each: Vec<Vec<String>> =
            question.filter.iter().map(|(name, value)| vec![format!("{name}={value}")]).collect();
        let condition = Condition { one_of_each, ..Condition::default() };
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

/// Paragraphs of a text, as many together as a chunk of ours may have.
fn paragraphs(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for paragraph in text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        match all.last_mut().filter(|last| last.len() + paragraph.len() < 1_200) {
            Some(last) => *last = format!("{last}\n\n{paragraph}"),
            None => all.push(paragraph.to_owned()),
        }
    }
    all
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}
