//! Searching: queries of the index's engine made from what is sought and from conditions.

use std::ops::Bound;

use roaring::RoaringBitmap;
use tantivy::collector::{Collector, SegmentCollector, TopDocs};
use tantivy::columnar::Column;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, Occur, Query, RangeQuery, TermQuery,
    TermSetQuery,
};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocId, Score, Searcher, SegmentOrdinal, SegmentReader, TantivyError};

use super::contexts::rarity;
use super::schema::Fields;
use super::{Condition, Match};
use crate::analysis::{Sought, SoughtWord};

type Result<T> = std::result::Result<T, TantivyError>;
type Clauses = Vec<(Occur, Box<dyn Query>)>;

/// Shorter words are not looked for with a letter wrong: too many others are near.
const FUZZY_CHARS: usize = 5;
/// From so many on, two letters may be wrong.
const VERY_FUZZY_CHARS: usize = 9;
/// What a word with a wrong letter counts beside the right one.
const FUZZY_WEIGHT: Score = 0.5;

pub(super) fn search(
    searcher: &Searcher,
    fields: &Fields,
    sought: &Sought,
    condition: &Condition,
    count: usize,
) -> Result<Vec<Match>> {
    if sought.is_empty() || count == 0 {
        return Ok(Vec::new());
    }
    // All stems beside each other: only of plain terms the engine leaves out what cannot be among the best.
    let mut words: Clauses = Vec::new();
    for word in &sought.words {
        words.extend(of_word(searcher, fields, word)?);
    }
    let mut clauses = clauses(fields, condition);
    let query: Box<dyn Query> = if clauses.is_empty() {
        Box::new(BooleanQuery::new(words))
    } else {
        clauses.push((Occur::Must, Box::new(BooleanQuery::new(words))));
        Box::new(BooleanQuery::new(clauses))
    };
    let best = searcher.search(&*query, &TopDocs::with_limit(count).order_by_score())?;
    let columns = searcher.segment_readers().iter().map(Columns::of).collect::<Result<Vec<_>>>()?;
    let mut found: Vec<Match> = best
        .into_iter()
        .filter_map(|(score, at)| columns.get(at.segment_ord as usize)?.read(at.doc_id, score))
        .collect();
    found.sort_by(|one, other| other.score.total_cmp(&one.score).then(one.number.cmp(&other.number)));
    Ok(found)
}

pub(super) fn weights(searcher: &Searcher, fields: &Fields, sought: &Sought) -> Result<Vec<f32>> {
    let all = usize::try_from(searcher.num_docs()).unwrap_or(usize::MAX);
    let of = |word: &SoughtWord| {
        let with = document_frequency(searcher, fields, word)?;
        Ok(rarity(usize::try_from(with).unwrap_or(usize::MAX), all))
    };
    sought.words.iter().map(of).collect()
}

pub(super) fn matching(searcher: &Searcher, fields: &Fields, condition: &Condition) -> Result<RoaringBitmap> {
    let clauses = clauses(fields, condition);
    if clauses.is_empty() {
        return searcher.search(&tantivy::query::AllQuery, &Numbers);
    }
    searcher.search(&BooleanQuery::new(clauses), &Numbers)
}

/// One word: any of its stems; where there is none of them, a stem that is nearly one.
fn of_word(searcher: &Searcher, fields: &Fields, word: &SoughtWord) -> Result<Clauses> {
    let is_nowhere = document_frequency(searcher, fields, word)? == 0;
    let of_stem = |stem: &String| -> (Occur, Box<dyn Query>) {
        let term = Term::from_field_text(fields.text, stem);
        let chars = stem.chars().count();
        let query: Box<dyn Query> = if is_nowhere && chars >= FUZZY_CHARS {
            let wrong = if chars >= VERY_FUZZY_CHARS { 2 } else { 1 };
            Box::new(BoostQuery::new(Box::new(FuzzyTermQuery::new(term, wrong, true)), FUZZY_WEIGHT))
        } else {
            Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
        };
        (Occur::Should, query)
    };
    Ok(word.stems.iter().map(of_stem).collect())
}

/// How many chunks have a word.
pub(super) fn document_frequency(searcher: &Searcher, fields: &Fields, word: &SoughtWord) -> Result<u64> {
    word.stems.iter().map(|stem| searcher.doc_freq(&Term::from_field_text(fields.text, stem))).sum()
}

/// A condition as clauses that add nothing to a score.
fn clauses(fields: &Fields, condition: &Condition) -> Clauses {
    let unscored = |query: Box<dyn Query>| -> Box<dyn Query> { Box::new(ConstScoreQuery::new(query, 0.0)) };
    let term = |facet: &String| Term::from_field_text(fields.facets, facet);
    let mut clauses: Clauses = Vec::new();
    for any in &condition.one_of_each {
        let set = TermSetQuery::new(any.iter().map(term));
        clauses.push((Occur::Must, unscored(Box::new(set))));
    }
    if condition.since_ms.is_some() || condition.until_ms.is_some() {
        let moment = |moment| Term::from_field_i64(fields.time, moment);
        let since = condition.since_ms.map_or(Bound::Unbounded, |since| Bound::Included(moment(since)));
        let until = condition.until_ms.map_or(Bound::Unbounded, |until| Bound::Excluded(moment(until)));
        clauses.push((Occur::Must, unscored(Box::new(RangeQuery::new(since, until)))));
    }
    if !condition.none_of.is_empty() {
        if clauses.is_empty() {
            // What is left out must be left out of something.
            clauses.push((Occur::Must, unscored(Box::new(tantivy::query::AllQuery))));
        }
        let set = TermSetQuery::new(condition.none_of.iter().map(term));
        clauses.push((Occur::MustNot, Box::new(set)));
    }
    clauses
}

/// Where the chunks of a segment stand.
struct Columns {
    number: Column<u64>,
    document: Column<u64>,
    ordinal: Column<u64>,
    time: Column<i64>,
}

impl Columns {
    fn of(segment: &SegmentReader) -> Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            number: columns.u64("number")?,
            document: columns.u64("document")?,
            ordinal: columns.u64("ordinal")?,
            time: columns.i64("time")?,
        })
    }

    fn read(&self, at: DocId, score: Score) -> Option<Match> {
        Some(Match {
            number: u32::try_from(self.number.first(at)?).ok()?,
            document: u32::try_from(self.document.first(at)?).ok()?,
            ordinal: u32::try_from(self.ordinal.first(at)?).ok()?,
            time_ms: self.time.first(at)?,
            score,
        })
    }
}

/// Collects the numbers of all chunks that match.
struct Numbers;

struct SegmentNumbers {
    column: Column<u64>,
    numbers: Vec<u32>,
}

impl Collector for Numbers {
    type Fruit = RoaringBitmap;
    type Child = SegmentNumbers;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> Result<SegmentNumbers> {
        Ok(SegmentNumbers { column: segment.fast_fields().u64("number")?, numbers: Vec::new() })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<RoaringBitmap>) -> Result<RoaringBitmap> {
        Ok(segments.into_iter().fold(RoaringBitmap::new(), |all, segment| all | segment))
    }
}

impl SegmentCollector for SegmentNumbers {
    type Fruit = RoaringBitmap;

    fn collect(&mut self, at: DocId, _: Score) {
        if let Some(number) = self.column.first(at).and_then(|number| u32::try_from(number).ok()) {
            self.numbers.push(number);
        }
    }

    fn harvest(mut self) -> RoaringBitmap {
        // Nearly in order already; a bitmap takes one after the other much faster than any other way.
        self.numbers.sort();
        self.numbers.dedup();
        RoaringBitmap::from_sorted_iter(self.numbers).unwrap_or_default()
    }
}
