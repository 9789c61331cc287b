//! One look at the index: all questions of a search are answered from the same state of it.

use std::sync::Arc;

use roaring::RoaringBitmap;
use rustc_hash::FxHashSet;
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocSet, Searcher, TERMINATED, TantivyError};

use super::contexts::{Contexts, contexts};
use super::{Condition, Keywords, Match, failure, seeking};
use crate::analysis::Sought;
use crate::error::Error;

/// The index as it was at one moment.
pub struct Reading<'k> {
    keywords: &'k Keywords,
    searcher: Searcher,
}

impl<'k> Reading<'k> {
    pub(super) fn new(keywords: &'k Keywords, searcher: Searcher) -> Self {
        Self { keywords, searcher }
    }

    fn told<T>(&self, answer: Result<T, TantivyError>) -> Result<T, Error> {
        answer.map_err(|error| failure(&self.keywords.folder, error))
    }

    /// The `count` best chunks that fulfil the condition and have a word that is sought, the best
    /// first, equals by number.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn search(&self, sought: &Sought, condition: &Condition, count: usize) -> Result<Vec<Match>, Error> {
        self.told(seeking::search(&self.searcher, &self.keywords.fields, sought, condition, count))
    }

    /// How much each sought word tells: its inverse document frequency among all texts.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn weights(&self, sought: &Sought) -> Result<Vec<f32>, Error> {
        self.told(seeking::weights(&self.searcher, &self.keywords.fields, sought))
    }

    /// Whether a chunk may have a facet: true while one has it, and for a while after the last was
    /// removed.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn has_facet(&self, facet: &str) -> Result<bool, Error> {
        let term = Term::from_field_text(self.keywords.fields.facets, facet);
        self.told(self.searcher.doc_freq(&term).map(|count| count > 0))
    }

    /// All chunks that fulfil a condition.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn matching(&self, condition: &Condition) -> Result<Arc<RoaringBitmap>, Error> {
        let generation = self.searcher.generation().generation_id();
        if let Some(known) = self.keywords.kept.find(generation, condition) {
            return Ok(known);
        }
        let matching = self.told(seeking::matching(&self.searcher, &self.keywords.fields, condition))?;
        let matching = Arc::new(matching);
        self.keywords.kept.put(generation, condition, Arc::clone(&matching));
        Ok(matching)
    }

    /// How well what stands around chunks answers, and the `count` chunks among those allowed around
    /// which it answers best.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn contexts(
        &self,
        sought: &Sought,
        allowed: Option<&RoaringBitmap>,
        count: usize,
    ) -> Result<(Contexts, Vec<u32>), Error> {
        let places = self.keywords.places.read();
        self.told(contexts(&self.searcher, &self.keywords.fields, &places, sought, allowed, count))
    }

    /// The document of a chunk and its place there.
    pub fn place_of(&self, number: u32) -> Option<(u32, u32)> {
        self.keywords.places.read().place_of(number)
    }

    /// The chunk at a place of a document.
    pub fn number_at(&self, document: u32, ordinal: u32) -> Option<u32> {
        self.keywords.places.read().number_at(document, ordinal)
    }

    /// Whether a document has one chunk only.
    pub fn is_alone(&self, document: u32) -> bool {
        self.keywords.places.read().document(document).is_none_or(|spread| spread.chunks.len() < 2)
    }

    /// The values of a facet that have one of some words, folded, among the chunks that are allowed.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn values_with(
        &self,
        facet: &str,
        words: &[String],
        allowed: Option<&RoaringBitmap>,
    ) -> Result<Vec<String>, Error> {
        self.told(self.look_for_values(&format!("{facet}="), words, allowed))
    }

    fn look_for_values(
        &self,
        prefix: &str,
        words: &[String],
        allowed: Option<&RoaringBitmap>,
    ) -> Result<Vec<String>, TantivyError> {
        let facets = self.keywords.fields.facets;
        let end = format!("{}>", prefix.trim_end_matches('='));
        let mut found: FxHashSet<String> = FxHashSet::default();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(facets)?;
            let numbers = segment.fast_fields().u64("number")?;
            let is_allowed = |at| {
                let number = numbers.first(at).and_then(|number| u32::try_from(number).ok());
                allowed.is_none_or(|allowed| number.is_some_and(|number| allowed.contains(number)))
            };
            let mut terms = index.terms().range().ge(prefix.as_bytes()).lt(end.as_bytes()).into_stream()?;
            while let Some((term, _)) = terms.next() {
                let Some(value) = std::str::from_utf8(term).ok().and_then(|term| term.strip_prefix(prefix))
                else {
                    continue;
                };
                if found.contains(value)
                    || !crate::words::words(value).iter().any(|word| words.contains(&word.folded))
                {
                    continue;
                }
                let term = Term::from_field_text(facets, &format!("{prefix}{value}"));
                let Some(mut postings) = index.read_postings(&term, IndexRecordOption::Basic)? else {
                    continue;
                };
                let alive = segment.alive_bitset();
                while postings.doc() != TERMINATED {
                    let at = postings.doc();
                    if alive.is_none_or(|alive| alive.is_alive(at)) && is_allowed(at) {
                        found.insert(value.to_owned());
                        break;
                    }
                    postings.advance();
                }
            }
        }
        let mut found: Vec<String> = found.into_iter().collect();
        found.sort_unstable();
        Ok(found)
    }
}
