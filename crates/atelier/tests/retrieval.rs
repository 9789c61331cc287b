//! The guard of memory's search: questions in English and Portuguese over documents of this project
//! and of a made-up workspace, with gold answers, on the real model.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/minilm.rs"]
mod minilm;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use embeddings::{MiniLm, Precision};
use kernel::PageRequest;
use memory::testing::{EvaluationSet, Figures, Ranks, ask, remember_set};
use memory::{Filter, Memory, Weights};
use minilm::{Local, open};

/// What it found when it was last improved, less what a change elsewhere may cost.
const LEAST_RECALL: [f64; 3] = [82.0, 88.0, 91.0];

fn set() -> EvaluationSet {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    EvaluationSet::read(&root.join("crates/memory/tests/evaluation/set.json"), &root)
}

fn model() -> Arc<Local> {
    let given = std::env::var_os("ATELIER_TEST_MINILM").map(PathBuf::from);
    let cache = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    let folder = given.unwrap_or_else(|| cache().join("atelier/models/all-MiniLM-L6-v2"));
    let model = MiniLm::load(&folder, Precision::Quantised);
    Arc::new(Local(model.expect("`cargo xtask test` fetches the model")))
}

async fn chunks(memory: &Memory) -> Vec<(String, String, String)> {
    let listed = memory.list_documents(&Filter::default(), &PageRequest::first(500)).await.unwrap();
    let mut all = Vec::new();
    for document in listed.items.into_iter().map(|listed| listed.document) {
        for chunk in memory.chunks(&document.id).await.unwrap() {
            let place = chunk.content.place.as_str().unwrap_or_default().to_owned();
            all.push((document.key.clone(), place, chunk.content.text));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_is_found() {
    let (folder, set) = (tempfile::tempdir().unwrap(), set());
    let memory = open(folder.path(), &model()).await;
    remember_set(&memory, &set).await;
    memory.catch_up().await.unwrap();
    let chunks = chunks(&memory).await;
    for question in &set.questions {
        for gold in 0..question.gold.len() {
            let holds = |(key, place, text): &&(String, String, String)| {
                question.answered(key, place, text).contains(&gold)
            };
            let count = chunks.iter().filter(holds).count();
            assert_eq!(count, 1, "{:?} of {:?}", question.gold[gold], question.query);
        }
    }
    let mut by_category: BTreeMap<&str, Vec<Ranks>> = BTreeMap::new();
    let mut all = Vec::new();
    for question in &set.questions {
        let ranks = ask(&memory, question, Weights::default()).await;
        by_category.entry(&question.category).or_default().push(ranks.clone());
        all.push(ranks);
    }
    let figures = Figures::of(&all);
    let each: Vec<_> = by_category.iter().map(|(name, ranks)| (name, Figures::of(ranks).recall)).collect();
    for (recall, least) in figures.recall.iter().zip(LEAST_RECALL) {
        assert!(*recall >= least, "{figures:?}\n{each:#?}");
    }
}
