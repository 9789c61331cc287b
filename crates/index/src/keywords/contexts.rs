//! How well the surroundings of chunks answer a query: the window of a chunk and two others on
//! either side, and the whole document, each scored by BM25 as if it were one text.
//!
//! Nothing of this is indexed: the postings of the sought words say which chunks have them, and the
//! places of those chunks say which windows and documents they are in.

use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;
use tantivy::postings::Postings;
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocSet, Searcher, TERMINATED, TantivyError};

use super::places::{Places, total, window};
use super::schema::Fields;
use crate::analysis::{Sought, SoughtWord};

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// So many places of words are looked at, those of the rarest words first. Words beyond that are too
/// common to say which passage is meant.
const MOST_POSTINGS: u64 = 100_000;

/// The scores of windows and documents for one query.
#[derive(Debug, Default)]
pub struct Contexts {
    windows: FxHashMap<(u32, u32), f32>,
    documents: FxHashMap<u32, f32>,
}

impl Contexts {
    /// BM25 of the chunk at a place together with its neighbours; 0 when none has a word.
    pub fn window(&self, document: u32, ordinal: u32) -> f32 {
        self.windows.get(&(document, ordinal)).copied().unwrap_or_default()
    }

    /// BM25 of a whole document; 0 when it has no word.
    pub fn document(&self, document: u32) -> f32 {
        self.documents.get(&document).copied().unwrap_or_default()
    }

    /// The `count` chunks with the best windows among those allowed, the best first, equals by place.
    pub(super) fn best(&self, places: &Places, allowed: Option<&RoaringBitmap>, count: usize) -> Vec<u32> {
        let mut best: Vec<(f32, (u32, u32), u32)> = Vec::with_capacity(2 * count);
        let mut least = 0.0;
        let order = |one: &(f32, (u32, u32), u32), other: &(f32, (u32, u32), u32)| {
            other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
        };
        for (&(document, ordinal), &score) in &self.windows {
            if score < least {
                continue;
            }
            let Some(placed) = places.document(document).get(ordinal as usize) else { continue };
            if allowed.is_none_or(|allowed| allowed.contains(placed.number)) {
                best.push((score, (document, ordinal), placed.number));
            }
            if best.len() >= 2 * count.max(1) {
                best.sort_unstable_by(order);
                best.truncate(count);
                least = best.last().map_or(0.0, |last| last.0);
            }
        }
        best.sort_unstable_by(order);
        best.truncate(count);
        best.into_iter().map(|(_, _, number)| number).collect()
    }
}

pub(super) fn contexts(
    searcher: &Searcher,
    fields: &Fields,
    places: &Places,
    sought: &Sought,
) -> Result<Contexts, TantivyError> {
    let mut words = Vec::new();
    for word in &sought.words {
        words.push((super::seeking::document_frequency(searcher, fields, word)?, word));
    }
    words.sort_by_key(|(frequency, _)| *frequency);
    let mut contexts = Contexts::default();
    let mut looked_at = 0;
    for (frequency, word) in words {
        looked_at += frequency;
        if looked_at > MOST_POSTINGS && frequency < looked_at {
            break;
        }
        let occurrences = occurrences(searcher, fields, word)?;
        contexts.add(&occurrences, places);
    }
    Ok(contexts)
}

/// A chunk that has a word: its document, its place there, how often.
type Occurrence = (u32, u32, u32);

/// Where a word is, sorted by place.
fn occurrences(
    searcher: &Searcher,
    fields: &Fields,
    word: &SoughtWord,
) -> Result<Vec<Occurrence>, TantivyError> {
    let mut found = Vec::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(fields.text)?;
        let columns = segment.fast_fields();
        let (documents, ordinals) = (columns.u64("document")?, columns.u64("ordinal")?);
        let alive = segment.alive_bitset();
        for stem in &word.stems {
            let term = Term::from_field_text(fields.text, stem);
            let Some(mut postings) = index.read_postings(&term, IndexRecordOption::WithFreqs)? else {
                continue;
            };
            let mut at = postings.doc();
            while at != TERMINATED {
                let is_alive = alive.is_none_or(|alive| alive.is_alive(at));
                let place = documents.first(at).zip(ordinals.first(at)).filter(|_| is_alive);
                if let Some((document, ordinal)) = place
                    && let (Ok(document), Ok(ordinal)) = (u32::try_from(document), u32::try_from(ordinal))
                {
                    found.push((document, ordinal, postings.term_freq()));
                }
                at = postings.advance();
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

impl Contexts {
    /// Adds what one word says.
    fn add(&mut self, occurrences: &[Occurrence], places: &Places) {
        let mut of_documents: Vec<(u32, u32)> = Vec::new();
        let mut of_windows: Vec<(u32, u32, u32)> = Vec::new();
        let mut times: Vec<u32> = Vec::new();
        for one in occurrences.chunk_by(|one, other| one.0 == other.0) {
            let document = one[0].0;
            let count = places.document(document).len();
            times.clear();
            times.resize(count, 0);
            for (_, ordinal, frequency) in one {
                for at in window(*ordinal as usize, count) {
                    times[at] += frequency;
                }
            }
            of_documents.push((document, one.iter().map(|(_, _, frequency)| frequency).sum()));
            let has_it = times.iter().enumerate().filter(|(_, times)| **times > 0);
            of_windows.extend(has_it.filter_map(|(at, times)| {
                let at = u32::try_from(at).ok()?;
                Some((document, at, *times))
            }));
        }
        let weight = rarity(of_documents.len(), places.documents());
        let mean = places.mean_document();
        for (document, times) in of_documents {
            let length = total(places.document(document)) as f32;
            *self.documents.entry(document).or_default() += weight * saturated(times, length, mean);
        }
        let weight = rarity(of_windows.len(), places.chunks());
        let mean = places.mean_window();
        for (document, at, times) in of_windows {
            let chunks = places.document(document);
            let length = total(&chunks[window(at as usize, chunks.len())]) as f32;
            *self.windows.entry((document, at)).or_default() += weight * saturated(times, length, mean);
        }
    }
}

/// The inverse document frequency of what `with` of `all` texts have.
pub(super) fn rarity(with: usize, all: usize) -> f32 {
    let (with, all) = (with as f32, all as f32);
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

fn saturated(times: u32, length: f32, mean: f32) -> f32 {
    let times = times as f32;
    times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / mean))
}
