//! Measures searches of a large memory as a whole: the question's vector, words, meaning, ranking and
//! snippets; and how long it takes to store, index and index anew what is searched.
//!
//! Chunks are put together of sentences of the evaluation set's documents. Their vectors are the means
//! of the sentences' own, which saves embedding a million texts; questions are embedded in full.
//!
//! Prints one JSON line, and how far it is to standard error; `cargo xtask bench search` puts the
//! line in a table.

#[path = "../tests/support/minilm.rs"]
mod minilm;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use embeddings::{MiniLm, Precision};
use kernel::{Entropy, Privacy, SeededEntropy, Timestamp};
use memory::testing::EvaluationSet;
use memory::{Embedder, EmbedderIdentity, Filter, Memory, NewChunk, NewDocument, Query};
use minilm::{Local, open};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many chunks a document has.
const CHUNKS: usize = 100;
const SENTENCES: usize = 4;
const COLLECTIONS: u64 = 5;
const AUTHORS: u64 = 20;
const HITS: usize = 10;
/// How often a document is added and looked for.
const ADDED: usize = 50;
const PATIENCE: Duration = Duration::from_secs(10);
const NOW_MS: i64 = 1_790_000_000_000;
const DAY_MS: i64 = 86_400_000;

#[tokio::main]
async fn main() {
    let model = PathBuf::from(argument("--model").expect("--model names the model's folder"));
    let set = argument("--set").expect("--set names a JSON document");
    let count: usize = argument("--chunks").and_then(|text| text.parse().ok()).expect("--chunks is a number");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let set = EvaluationSet::read(Path::new(&set), &root);
    let model = MiniLm::load(&model, Precision::Quantised).expect("the model loads");
    let sentences = sentences(&set);
    let embedder = Arc::new(Composed::new(Local(model), &sentences));
    let folder = tempfile::tempdir().expect("a temporary folder");

    let memory = open(folder.path(), &embedder).await;
    let begin = Instant::now();
    store(&memory, &sentences, count).await;
    let stored = begin.elapsed().as_secs_f64();
    eprintln!("{count} chunks stored in {stored:.1} s");
    memory.catch_up().await.expect("the indices catch up");
    let indexed = begin.elapsed().as_secs_f64() - stored;
    eprintln!("indexed in {indexed:.1} s");
    drop(memory);
    for index in ["words", "vectors"] {
        std::fs::remove_dir_all(folder.path().join(index)).expect("an index is a folder");
    }
    let memory = open(folder.path(), &embedder).await;
    let begin = Instant::now();
    memory.catch_up().await.expect("the indices catch up");
    let rebuilt = begin.elapsed().as_secs_f64();
    eprintln!("indexed anew in {rebuilt:.1} s");

    let questions: Vec<&str> = set.questions.iter().map(|question| question.query.as_str()).collect();
    let mut searches = BTreeMap::new();
    for (name, filter) in filters() {
        // The first ones read what is mapped from the disk.
        measure(&memory, &questions[..50], &filter).await;
        let times = measure(&memory, &questions, &filter).await;
        eprintln!("searched for, {name}: {times}");
        searches.insert(name, times);
    }
    let embedding = embedding(&embedder, &questions).await;
    let added = added(&memory).await;
    println!(
        "{}",
        json!({ "chunks": count, "questions": questions.len(), "stored_s": stored, "indexed_s": indexed,
            "rebuilt_s": rebuilt, "searches": searches, "embedding": embedding, "added": added,
            "resident_mib": resident_mib() })
    );
}

/// What documents of a set say, in lines of a sentence or less.
fn sentences(set: &EvaluationSet) -> Vec<String> {
    let texts = set.documents.iter().flat_map(|document| {
        let chunks = document.chunks.iter().map(|chunk| chunk.text.as_str());
        chunks.chain(std::iter::once(document.text.as_str()))
    });
    let lines = texts.flat_map(|text| text.split(['\n', '.', '?', '!'])).map(str::trim);
    let mut sentences: Vec<String> =
        lines.filter(|line| (30..300).contains(&line.len())).map(str::to_owned).collect();
    sentences.sort();
    sentences.dedup();
    sentences
}

/// Gives a text of several lines the mean of its lines' vectors, and others what the model gives them.
struct Composed {
    model: Local,
    lines: HashMap<String, Vec<f32>>,
}

impl Composed {
    fn new(model: Local, sentences: &[String]) -> Self {
        let texts: Vec<&str> = sentences.iter().map(String::as_str).collect();
        let vectors = model.0.embed(&texts, 2).into_iter().map(Vec::from);
        let lines = sentences.iter().cloned().zip(vectors).collect();
        Self { model, lines }
    }

    fn mean(&self, text: &str) -> Option<Vec<f32>> {
        let mut sum = vec![0.0_f32; MiniLm::DIMENSIONS];
        let mut count = 0;
        for line in text.lines().filter_map(|line| self.lines.get(line)) {
            sum.iter_mut().zip(line).for_each(|(sum, one)| *sum += one);
            count += 1;
        }
        let length = sum.iter().map(|one| one * one).sum::<f32>().sqrt();
        (count > 1).then(|| sum.iter().map(|one| one / length).collect())
    }
}

#[async_trait]
impl Embedder for Composed {
    fn identity(&self) -> EmbedderIdentity {
        self.model.identity()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn batch(&self) -> usize {
        1_024
    }

    async fn embed(&self, texts: Vec<String>, privacy: Privacy) -> kernel::Result<Vec<Vec<f32>>> {
        let means: Option<Vec<_>> = texts.iter().map(|text| self.mean(text)).collect();
        match means {
            Some(means) => Ok(means),
            None => self.model.embed(texts, privacy).await,
        }
    }
}

impl memory::WordVectors for Composed {
    fn vector(&self, word: &str) -> Option<Arc<[f32]>> {
        self.model.vector(word)
    }
}

async fn store(memory: &Memory, sentences: &[String], count: usize) {
    let entropy = SeededEntropy::new(5);
    for number in 0..count.div_ceil(CHUNKS) {
        let chunk = |at: usize| {
            let mut lines: Vec<&str> = (0..SENTENCES)
                .map(|_| sentences[(entropy.next_u64() % sentences.len() as u64) as usize].as_str())
                .collect();
            let unique = format!("No. {}", number * CHUNKS + at);
            lines.push(&unique);
            NewChunk { text: lines.join("\n"), ..NewChunk::default() }
        };
        let chunks: Vec<NewChunk> = (0..CHUNKS.min(count - number * CHUNKS)).map(chunk).collect();
        let new = NewDocument {
            collection: format!("notes-{}", entropy.next_u64() % COLLECTIONS),
            key: number.to_string(),
            title: format!("Notes {number}"),
            author: Some(format!("Author {}", entropy.next_u64() % AUTHORS)),
            occurred_at: Some(Timestamp(NOW_MS - (entropy.next_u64() % 365) as i64 * DAY_MS)),
            ..NewDocument::default()
        };
        memory.remember_chunks(new, &chunks).await.expect("a document is stored");
    }
}

/// What is searched, by name: everything, a fifth, a twentieth, three months, one month of one author.
fn filters() -> Vec<(&'static str, Filter)> {
    let filter = |fields: &[(&str, &str)]| {
        let mut filter = Filter::default();
        for (field, value) in fields {
            filter.add(field, value).expect("there is such a field");
        }
        filter
    };
    let since = |days: i64| Timestamp(NOW_MS - days * DAY_MS).to_string();
    vec![
        ("all", filter(&[])),
        ("collection, 20 %", filter(&[("collection", "notes-1")])),
        ("author, 5 %", filter(&[("author", "Author 3")])),
        ("three months, 25 %", filter(&[("since", &since(90))])),
        ("month and author, 0.4 %", filter(&[("since", &since(30)), ("author", "Author 3")])),
    ]
}

async fn measure(memory: &Memory, questions: &[&str], filter: &Filter) -> Value {
    let mut times = Vec::new();
    for question in questions {
        let query = Query { filter: filter.clone(), ..Query::new(*question, HITS) };
        let begin = Instant::now();
        let found = memory.search(query).await.expect("the question is searched for");
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        assert!(found.has_meaning && !found.hits.is_empty(), "{question}");
    }
    percentiles(times)
}

/// What of a search is the question's vector.
async fn embedding(embedder: &Composed, questions: &[&str]) -> Value {
    let mut times = Vec::new();
    for question in questions {
        let begin = Instant::now();
        embedder.embed(vec![(*question).to_owned()], Privacy::Local).await.expect("it is embedded");
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    percentiles(times)
}

/// From before a document is stored until a search has found it.
async fn added(memory: &Memory) -> Value {
    let mut times = Vec::new();
    for number in 0..ADDED {
        let word = format!("zyx{number}q");
        let new = NewDocument {
            collection: "notes-0".into(),
            key: word.clone(),
            title: "Added".into(),
            text: format!("The word that only this one has is {word}."),
            ..NewDocument::default()
        };
        let begin = Instant::now();
        memory.remember(new).await.expect("a document is stored");
        loop {
            let found = memory.search(Query::new(word.clone(), HITS)).await.expect("it is searched for");
            if found.hits.iter().any(|hit| hit.document.key == word) {
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "{word} is not found");
        }
        times.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    percentiles(times)
}

fn percentiles(mut times: Vec<f64>) -> Value {
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    json!({ "p50_ms": at(50), "p95_ms": at(95), "most_ms": at(100) })
}

fn resident_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or_default() / 1024.0
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}
