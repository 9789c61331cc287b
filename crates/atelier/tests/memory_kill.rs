//! The server is killed at random points while documents are taken in, changed, deleted and the
//! indices are made anew. Afterwards everything acknowledged is as it was acknowledged, and both
//! indices say what the database says.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/server.rs"]
mod server;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use kernel::{Entropy, SeededEntropy};
use reqwest::StatusCode;
use serde_json::{Value, json};
use server::{PATIENCE, Server, new_token};

const COLLECTION: &str = "kept";
/// How many work side by side, each on documents of its own.
const WORKERS: u64 = 2;

/// What a document was last said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It says its version's word.
    Version(u32),
    Deleted,
}

/// What was sent of a document and what of it was acknowledged.
#[derive(Default)]
struct Known {
    versions: u32,
    acknowledged: Option<State>,
    /// Sent after that: any of these may have arrived.
    possible: Vec<State>,
}

type Ledger = BTreeMap<String, Known>;

/// A word that only this version of this document has.
fn word(key: &str, version: u32) -> String {
    format!("zq{}v{version}", key.replace('-', "k"))
}

/// Some chunks, each with the word.
fn text(key: &str, version: u32) -> String {
    let word = word(key, version);
    let paragraph =
        |number: u64| format!("Part {number} of it tells of {word}. {}", "It goes on. ".repeat(60));
    (0..1 + u64::from(version) % 4).map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// One worker's work on the documents whose keys begin with its number. Never ends by itself.
async fn work(server: &Server, ledger: &mut Ledger, worker: u64, entropy: &SeededEntropy) {
    loop {
        let chance = entropy.next_u64() % 20;
        let key = format!("{worker}-{}", entropy.next_u64() % 40);
        if chance == 0 {
            let Some((status, answer)) = server.post("/memory/reindex", None, json!({})).await else {
                continue;
            };
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
        } else if chance < 4 {
            delete(server, ledger, &key).await;
        } else {
            ingest(server, ledger, &key).await;
        }
    }
}

async fn ingest(server: &Server, ledger: &mut Ledger, key: &str) {
    let known = ledger.entry(key.to_owned()).or_default();
    known.versions += 1;
    let state = State::Version(known.versions);
    known.possible.push(state);
    let document = json!({"collection": COLLECTION, "key": key, "text": text(key, known.versions)});
    let Some((status, answer)) = server.post("/ingest", None, json!({"documents": [document]})).await else {
        return;
    };
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_ne!(answer["items"][0]["state"], "failed", "{answer}");
    (known.acknowledged, known.possible) = (Some(state), Vec::new());
}

async fn delete(server: &Server, ledger: &mut Ledger, key: &str) {
    let Some(known) = ledger.get_mut(key) else { return };
    let Some(list) = server.get(&format!("/memory/documents?collection={COLLECTION}&limit=100")).await else {
        return;
    };
    let Some(id) = list["items"].as_array().unwrap().iter().find(|item| item["key"] == key) else { return };
    known.possible.push(State::Deleted);
    let path = format!("{}/api/v1/memory/documents/{}", server.url, id["id"].as_str().unwrap());
    let Ok(answer) = server.client.delete(path).bearer_auth(&server.token).send().await else { return };
    assert!(
        [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND].contains(&answer.status()),
        "{}",
        answer.status()
    );
    (known.acknowledged, known.possible) = (Some(State::Deleted), Vec::new());
}

/// Waits until both indices have everything.
async fn settle(server: &Server) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stats = server.get("/memory/stats").await.unwrap();
        let vectors = server.get("/memory/index").await.unwrap();
        if stats["keyword"]["behind"] == 0 && stats["vector"]["behind"] == 0 && vectors["state"] == "active" {
            return stats;
        }
        assert!(Instant::now() < deadline, "the indices are not brought up to date: {stats} {vectors}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn texts_found(server: &Server, word: &str) -> Vec<(String, String)> {
    let found = server.get(&format!("/search?q={word}&top_k=10")).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    found["items"].as_array().unwrap().iter().map(|hit| (text(&hit["key"]), text(&hit["text"]))).collect()
}

/// Everything acknowledged is there and found, what was replaced is found no more, and the indices
/// have as many chunks as the database.
async fn check(server: &Server, ledger: &mut Ledger) {
    let stats = settle(server).await;
    let mut stored = BTreeMap::new();
    let list = server.get(&format!("/memory/documents?collection={COLLECTION}&limit=100")).await.unwrap();
    for item in list["items"].as_array().unwrap() {
        let id = item["id"].as_str().unwrap();
        let document = server.get(&format!("/memory/documents/{id}")).await.unwrap();
        stored
            .insert(item["key"].as_str().unwrap().to_owned(), document["text"].as_str().unwrap().to_owned());
    }
    for (key, known) in ledger.iter_mut() {
        let is = match stored.get(key) {
            None => State::Deleted,
            Some(stored) => {
                let version = (1..=known.versions).rev().find(|version| *stored == text(key, *version));
                State::Version(version.expect("it says what was sent, all of it"))
            }
        };
        let was_never = known.acknowledged.is_none() && is == State::Deleted;
        let fits = was_never || known.acknowledged == Some(is) || known.possible.contains(&is);
        assert!(fits, "{key} is {is:?}, and {:?} was acknowledged", known.acknowledged);
        for version in known.versions.saturating_sub(3).max(1)..=known.versions {
            let word = word(key, version);
            let found = texts_found(server, &word).await;
            let says = |text: &str| text.split(|one: char| !one.is_alphanumeric()).any(|one| one == word);
            if is == State::Version(version) {
                assert!(
                    found.first().is_some_and(|(first, text)| first == key && says(text)),
                    "{word}: {found:?}"
                );
            } else {
                assert!(!found.iter().any(|(_, text)| says(text)), "{word} was replaced: {found:?}");
            }
        }
        (known.acknowledged, known.possible) = (Some(is), Vec::new());
    }
    assert_eq!(stats["keyword"]["chunks"], stats["chunks"], "{stats}");
    assert_eq!(stats["vector"]["vectors"], stats["chunks"], "{stats}");
    assert_eq!(stats["documents"], stored.len(), "{stats}");
}

/// How many milliseconds a server lives at most: three times what it takes here to start answering
/// and to take in a document, so that lives end anywhere in the work on a machine of any speed.
async fn longest_life(folder: &Path, token: &str, ledger: &mut Ledger) -> u64 {
    let server = Server::start(folder, token).await;
    let started = Instant::now();
    ingest(&server, ledger, "0-0").await;
    settle(&server).await;
    let longest = 3 * started.elapsed().as_millis() as u64;
    server.kill();
    longest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_what_was_acknowledged_however_often_the_server_is_killed() {
    // The client wants one even for plain HTTP; a second test in this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let nightly = std::env::var("ATELIER_TEST_PROFILE").is_ok_and(|profile| profile == "nightly");
    let kills = if nightly { 200 } else { 20 };
    let folder = tempfile::tempdir().unwrap();
    let token = new_token(folder.path());
    let entropy = SeededEntropy::new(20_260_505);
    let mut ledgers: Vec<Ledger> = (0..WORKERS).map(|_| Ledger::new()).collect();
    let longest = longest_life(folder.path(), &token, &mut ledgers[0]).await.max(200);
    println!("a server lives for at most {longest} ms");
    for kill in 1..=kills {
        let server = Server::start(folder.path(), &token).await;
        let life = Duration::from_millis(10 + entropy.next_u64() % longest);
        let [one, other] = &mut ledgers[..] else { unreachable!("there are two workers") };
        let both = async { tokio::join!(work(&server, one, 0, &entropy), work(&server, other, 1, &entropy)) };
        // The work is cut off wherever it is when the time is over.
        let _ = tokio::time::timeout(life, both).await;
        server.kill();
        if kill % 20 == 0 {
            let server = Server::start(folder.path(), &token).await;
            let mut all: Ledger = ledgers.iter_mut().flat_map(std::mem::take).collect();
            check(&server, &mut all).await;
            for (key, known) in all {
                let worker = usize::from(key.starts_with('1'));
                ledgers[worker].insert(key, known);
            }
            server.kill();
        }
    }
    let sent: u32 = ledgers.iter().flat_map(Ledger::values).map(|known| known.versions).sum();
    println!("{sent} versions of {} documents", ledgers.iter().map(Ledger::len).sum::<usize>());
    assert!(sent >= kills, "too little was taken in to prove anything");
}
