//! Remembers answers that would be the same again. Off unless the owner wants it.
//!
//! Only whole answers to requests that ask for the same answer each time are kept: temperature 0 or
//! a seed, and no tools, whose calls have effects. The key is the whole request with its privacy
//! label, policy and model, so that no answer crosses from one label to another.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use tokio::time::Instant;

use crate::dialect::Raw;
use crate::message::{Completion, FinishReason, Part, Request};

/// The settings of the cache.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheOptions {
    /// Whether there is one.
    pub enabled: bool,
    /// How long an answer is good, in seconds.
    pub ttl_s: u64,
    /// How much memory it may take.
    pub max_bytes: u64,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self { enabled: false, ttl_s: 3_600, max_bytes: 64 << 20 }
    }
}

/// What an answer takes beside its words.
const OVERHEAD: u64 = 512;
const USUAL_ANSWER: u64 = 4_096;

pub(super) type Key = blake3::Hash;

pub(super) struct AnswerCache {
    answers: Cache<Key, Kept, Bytes>,
    ttl: Duration,
}

#[derive(Clone)]
struct Kept {
    completion: Arc<Completion>,
    until: Instant,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Kept> for Bytes {
    fn weight(&self, _key: &Key, kept: &Kept) -> u64 {
        let raw = kept.completion.raw.as_ref().map_or(0, bytes::Bytes::len);
        let words: usize = kept.completion.parts.iter().filter_map(Part::as_text).map(str::len).sum();
        OVERHEAD + (raw + words) as u64
    }
}

impl AnswerCache {
    pub fn new(options: &CacheOptions) -> Option<Self> {
        let items = usize::try_from(options.max_bytes / USUAL_ANSWER).unwrap_or(usize::MAX).max(16);
        options.enabled.then(|| Self {
            answers: Cache::with_weighter(items, options.max_bytes, Bytes),
            ttl: Duration::from_secs(options.ttl_s),
        })
    }

    /// The key of a request whose answer may be kept.
    pub fn key(request: &Request) -> Option<Key> {
        let is_repeatable = request.temperature == Some(0.0) || request.seed.is_some();
        if !is_repeatable || !request.tools.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        if let Some(Raw { dialect, body, .. }) = &request.raw {
            // The same members in another order, or with other spaces, are the same request.
            let mut body: serde_json::Value = serde_json::from_slice(body).ok()?;
            body.sort_all_objects();
            hasher.update(format!("{dialect:?} {body}").as_bytes());
        }
        let asked = Request { raw: None, origin: crate::ledger::Origin::default(), ..request.clone() };
        // Every member, also those that are added one day.
        hasher.update(format!("{asked:?}").as_bytes());
        Some(hasher.finalize())
    }

    pub fn find(&self, key: &Key) -> Option<Completion> {
        let kept = self.answers.get(key)?;
        if kept.until <= Instant::now() {
            self.answers.remove(key);
            return None;
        }
        Some(Completion { attempts: Vec::new(), latency_ms: 0, ..(*kept.completion).clone() })
    }

    pub fn keep(&self, key: Key, completion: &Completion) {
        if completion.finish_reason == FinishReason::Stop {
            let kept = Kept { completion: Arc::new(completion.clone()), until: Instant::now() + self.ttl };
            self.answers.insert(key, kept);
        }
    }
}
