//! How well the surroundings of chunks answer a query: the window of a chunk and two others on
//! either side, and the whole document, each scored by BM25 as if it were one text.
//!
//! Nothing of this is indexed: the postings of the sought words say which chunks have them, and the
//! places of those chunks say which windows and documents they are in.

use std::ops::Range;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tantivy::columnar::Column;
use tantivy::fastfield::AliveBitSet;
use tantivy::postings::Postings;
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocId, DocSet, InvertedIndexReader, Searcher, SegmentReader, TERMINATED, TantivyError};

use super::places::{Places, REACH, Spread, window};
use super::schema::Fields;
use crate::analysis::{Sought, SoughtWord};

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// So many places of words are looked at, those of the rarest words first. Words beyond that are too
/// common to say which passage is meant.
const MOST_POSTINGS: u64 = 50_000;

/// The scores of windows and documents for one query.
#[derive(Debug, Default)]
pub struct Contexts {
    /// By their numbers.
    documents: Vec<Scored>,
    /// The windows of all these documents that have a word, one document after the other: the place
    /// of the chunk and the score.
    windows: Vec<(u32, f32)>,
}

/// A document that has a word.
#[derive(Debug)]
struct Scored {
    document: u32,
    score: f32,
    /// Where its windows are, by their places in it.
    windows: Range<usize>,
}

impl Contexts {
    /// BM25 of the chunk at a place together with its neighbours; 0 when none has a word.
    pub fn window(&self, document: u32, ordinal: u32) -> f32 {
        let windows = self.find(document).map_or(&[][..], |one| &self.windows[one.windows.clone()]);
        let at = windows.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal);
        at.map_or(0.0, |at| windows[at].1)
    }

    /// BM25 of a whole document; 0 when it has no word.
    pub fn document(&self, document: u32) -> f32 {
        self.find(document).map_or(0.0, |one| one.score)
    }

    fn find(&self, document: u32) -> Option<&Scored> {
        let at = self.documents.binary_search_by_key(&document, |one| one.document);
        at.ok().map(|at| &self.documents[at])
    }
}

/// Scores what stands around chunks, and finds the `count` chunks with the best windows among those
/// allowed, the best first, equals by place.
pub(super) fn contexts(
    searcher: &Searcher,
    fields: &Fields,
    places: &Places,
    sought: &Sought,
    allowed: Option<&RoaringBitmap>,
    count: usize,
) -> Result<(Contexts, Vec<u32>), TantivyError> {
    let mut words = Vec::new();
    for word in &sought.words {
        words.push((super::seeking::document_frequency(searcher, fields, word)?, word));
    }
    words.sort_by_key(|(frequency, _)| *frequency);
    let segments = searcher.segment_readers().iter().map(|segment| Segment::open(segment, fields));
    let segments: Vec<Segment<'_>> = segments.collect::<Result<_, _>>()?;
    let mut occurrences = Vec::new();
    let mut looked_at = 0;
    for (at, (frequency, word)) in words.iter().enumerate() {
        // The rarest is looked at however common it is.
        if looked_at > 0 && looked_at + frequency > MOST_POSTINGS {
            break;
        }
        looked_at += frequency;
        for segment in &segments {
            segment.read(fields, word, at as u32, &mut occurrences)?;
        }
    }
    // Each segment has the places of a stem nearly in order, and a stable sort goes by that.
    occurrences.sort();
    let documents: Vec<Found<'_>> = occurrences
        .chunk_by(|one, other| one.document == other.document)
        .filter_map(|occurrences| Some((places.document(occurrences[0].document)?, occurrences)))
        .collect();
    let weights = weights(&documents, places, words.len());
    Ok(Scoring::new(weights, places, allowed, count).score(&documents))
}

/// A chunk that has a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Occurrence {
    document: u32,
    /// By its place among the words, the rarest first.
    word: u32,
    /// The place in the document.
    ordinal: u32,
    /// How often.
    times: u32,
}

/// A document and where words are in it.
type Found<'a> = (&'a Spread, &'a [Occurrence]);

/// What of a segment says where words are.
struct Segment<'s> {
    words: Arc<InvertedIndexReader>,
    document: Column<u64>,
    ordinal: Column<u64>,
    alive: Option<&'s AliveBitSet>,
}

impl<'s> Segment<'s> {
    fn open(segment: &'s SegmentReader, fields: &Fields) -> Result<Self, TantivyError> {
        let columns = segment.fast_fields();
        Ok(Self {
            words: segment.inverted_index(fields.text)?,
            document: columns.u64("document")?,
            ordinal: columns.u64("ordinal")?,
            alive: segment.alive_bitset(),
        })
    }

    fn place(&self, at: DocId) -> Option<(u32, u32)> {
        let place = self.document.first(at).zip(self.ordinal.first(at));
        let (document, ordinal) = place.filter(|_| self.alive.is_none_or(|alive| alive.is_alive(at)))?;
        Some((u32::try_from(document).ok()?, u32::try_from(ordinal).ok()?))
    }

    /// Adds where a word is.
    fn read(
        &self,
        fields: &Fields,
        sought: &SoughtWord,
        word: u32,
        occurrences: &mut Vec<Occurrence>,
    ) -> Result<(), TantivyError> {
        for stem in &sought.stems {
            let term = Term::from_field_text(fields.text, stem);
            let Some(mut postings) = self.words.read_postings(&term, IndexRecordOption::WithFreqs)? else {
                continue;
            };
            let mut at = postings.doc();
            while at != TERMINATED {
                if let Some((document, ordinal)) = self.place(at) {
                    occurrences.push(Occurrence { document, word, ordinal, times: postings.term_freq() });
                }
                at = postings.advance();
            }
        }
        Ok(())
    }
}

/// How much each word tells of a document and of a window: its inverse frequency among these.
fn weights(documents: &[Found<'_>], places: &Places, words: usize) -> Vec<(f32, f32)> {
    let mut with = vec![(0, 0); words];
    for (spread, occurrences) in documents {
        for one in occurrences.chunk_by(|one, other| one.word == other.word) {
            let (documents, windows) = &mut with[one[0].word as usize];
            *documents += 1;
            let mut end = 0;
            for occurrence in one {
                let around = window(occurrence.ordinal as usize, spread.chunks.len());
                *windows += around.end - around.start.clamp(end, around.end);
                end = around.end;
            }
        }
    }
    let weight =
        |(documents, windows)| (rarity(documents, places.documents()), rarity(windows, places.chunks()));
    with.into_iter().map(weight).collect()
}

/// Scores documents one after the other, so that what is known of one is read from the memory once.
struct Scoring<'a> {
    weights: Vec<(f32, f32)>,
    mean_document: f32,
    mean_window: f32,
    allowed: Option<&'a RoaringBitmap>,
    count: usize,
    contexts: Contexts,
    /// The windows of one document, by place.
    scores: Vec<f32>,
    /// How often the windows of one document have the word at hand, by place, after [`REACH`] that there
    /// are not and before as many.
    times: Vec<u32>,
    /// The best windows until now and some others: score, place and chunk.
    best: Vec<(f32, (u32, u32), u32)>,
    /// What a window must have to be among the best.
    least: f32,
}

impl<'a> Scoring<'a> {
    fn new(
        weights: Vec<(f32, f32)>,
        places: &Places,
        allowed: Option<&'a RoaringBitmap>,
        count: usize,
    ) -> Self {
        Self {
            weights,
            mean_document: places.mean_document(),
            mean_window: places.mean_window(),
            allowed,
            count,
            contexts: Contexts::default(),
            scores: Vec::new(),
            times: Vec::new(),
            best: Vec::with_capacity(2 * count),
            least: 0.0,
        }
    }

    fn score(mut self, documents: &[Found<'_>]) -> (Contexts, Vec<u32>) {
        for (spread, occurrences) in documents {
            self.add(spread, occurrences);
        }
        self.keep_best();
        (self.contexts, self.best.into_iter().map(|(_, _, number)| number).collect())
    }

    fn add(&mut self, spread: &Spread, occurrences: &[Occurrence]) {
        let count = spread.chunks.len();
        self.scores.clear();
        self.scores.resize(count, 0.0);
        self.times.clear();
        self.times.resize(count + 2 * REACH, 0);
        let mut score = 0.0;
        for one in occurrences.chunk_by(|one, other| one.word == other.word) {
            let (of_document, of_window) = self.weights[one[0].word as usize];
            let times = one.iter().map(|one| one.times).sum();
            score += of_document * saturated(times, spread.length as f32, self.mean_document);
            for occurrence in one {
                let at = occurrence.ordinal as usize;
                for times in self.times.get_mut(at..=at + 2 * REACH).unwrap_or_default() {
                    *times += occurrence.times;
                }
            }
            let mut next = 0;
            for occurrence in one {
                let around = window(occurrence.ordinal as usize, count);
                for at in around.start.max(next)..around.end {
                    let times = std::mem::take(&mut self.times[at + REACH]);
                    let length = spread.windows[at].into();
                    self.scores[at] += of_window * saturated(times, length, self.mean_window);
                }
                next = around.end;
            }
        }
        let windows = self.keep_windows(spread);
        let document = occurrences[0].document;
        for at in windows.clone() {
            let (ordinal, score) = self.contexts.windows[at];
            if score >= self.least {
                self.offer(score, (document, ordinal), spread.chunks[ordinal as usize].number);
            }
        }
        self.contexts.documents.push(Scored { document, score, windows });
    }

    /// Notes the windows of a document that have a word, and tells where.
    fn keep_windows(&mut self, spread: &Spread) -> Range<usize> {
        let kept = &mut self.contexts.windows;
        let first = kept.len();
        kept.resize(first + self.scores.len(), (0, 0.0));
        let mut end = first;
        // No branch: which windows have a word is nothing a processor could foresee.
        for (ordinal, (score, length)) in self.scores.iter().zip(&spread.windows).enumerate() {
            kept[end] = (ordinal as u32, *score);
            end += usize::from((*score > 0.0) & (*length > 0));
        }
        kept.truncate(end);
        first..end
    }

    /// Keeps a window, if it is allowed.
    fn offer(&mut self, score: f32, place: (u32, u32), number: u32) {
        if self.allowed.is_none_or(|allowed| allowed.contains(number)) {
            self.best.push((score, place, number));
            if self.best.len() >= 2 * self.count.max(1) {
                self.keep_best();
                self.least = self.best.last().map_or(0.0, |(score, _, _)| *score);
            }
        }
    }

    fn keep_best(&mut self) {
        self.best.sort_unstable_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        self.best.truncate(self.count);
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
