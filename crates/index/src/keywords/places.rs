//! Which chunk stands at which place of which document, and how long it is.
//!
//! Kept in memory beside the index, some fifty bytes a chunk, because a passage is scored with what
//! stands around it, wherever the index's segments put that.

use std::ops::Range;

use rustc_hash::{FxHashMap, FxHashSet};
use tantivy::columnar::Column;
use tantivy::{Searcher, TantivyError};

/// A document, a place in it, and how many telling words the chunk there has.
pub(super) type Place = (u32, u32, u32);

/// How many chunks on either side belong to a chunk's window.
pub(super) const REACH: usize = 2;

/// A chunk in its document.
#[derive(Clone, Copy)]
pub(super) struct Placed {
    /// What its owner calls it.
    pub number: u32,
    /// How many telling words it has.
    length: u32,
}

/// A place where no chunk is, between others.
const HOLE: Placed = Placed { number: u32::MAX, length: 0 };

impl Placed {
    fn is_there(&self) -> bool {
        self.number != HOLE.number
    }
}

/// The chunks of a document.
#[derive(Default)]
pub(super) struct Spread {
    /// By their places in it.
    pub chunks: Vec<Placed>,
    /// How many telling words the window of each has, as 1 to 65,535; 0 where no chunk is. Apart from the
    /// chunks, as a search reads those of many documents and waits for the memory.
    pub windows: Vec<u16>,
    /// How many telling words the chunks have together.
    pub length: u64,
    /// How many their windows have together.
    in_windows: u64,
}

impl Spread {
    /// Finds out all lengths but those of single chunks.
    fn measure(&mut self) {
        let count = self.chunks.len();
        self.length = total(&self.chunks);
        self.in_windows = 0;
        self.windows.clear();
        for (at, placed) in self.chunks.iter().enumerate() {
            if !placed.is_there() {
                self.windows.push(0);
                continue;
            }
            let around = total(&self.chunks[window(at, count)]);
            self.in_windows += around;
            self.windows.push(around.clamp(1, u16::MAX.into()) as u16);
        }
    }
}

fn total(chunks: &[Placed]) -> u64 {
    chunks.iter().map(|placed| u64::from(placed.length)).sum()
}

/// The chunks of all documents.
#[derive(Default)]
pub(super) struct Places {
    documents: FxHashMap<u32, Spread>,
    of_number: FxHashMap<u32, (u32, u32)>,
    /// The lengths of all documents together.
    length: u64,
    /// The lengths of all windows together.
    windows: u64,
}

impl Places {
    /// Reads them from an index.
    pub fn read(searcher: &Searcher) -> Result<Self, TantivyError> {
        let mut places = Self::default();
        for segment in searcher.segment_readers() {
            let columns = segment.fast_fields();
            let column = |name| columns.u64(name);
            let (numbers, documents, ordinals, lengths) =
                (column("number")?, column("document")?, column("ordinal")?, column("length")?);
            for at in segment.doc_ids_alive() {
                let small = |column: &Column<u64>| u32::try_from(column.first(at)?).ok();
                if let (Some(number), Some(document), Some(ordinal), Some(length)) =
                    (small(&numbers), small(&documents), small(&ordinals), small(&lengths))
                {
                    places.put(number, document, ordinal, length);
                }
            }
        }
        for spread in places.documents.values_mut() {
            spread.measure();
            places.length += spread.length;
            places.windows += spread.in_windows;
        }
        Ok(places)
    }

    /// Takes changes in: of each number where the chunk stands now and how long it is, or nothing when
    /// it is gone.
    pub fn apply(&mut self, changes: &[(u32, Option<Place>)]) {
        let mut changed: FxHashSet<u32> = FxHashSet::default();
        for (number, now) in changes {
            changed.extend(self.of_number.get(number).map(|(document, _)| *document));
            changed.extend(now.map(|(document, _, _)| document));
        }
        for spread in changed.iter().filter_map(|document| self.documents.get(document)) {
            self.length -= spread.length;
            self.windows -= spread.in_windows;
        }
        for (number, now) in changes {
            self.remove(*number);
            if let Some((document, ordinal, length)) = *now {
                self.put(*number, document, ordinal, length);
            }
        }
        for document in &changed {
            if let Some(spread) = self.documents.get_mut(document) {
                spread.measure();
                self.length += spread.length;
                self.windows += spread.in_windows;
            }
        }
    }

    fn put(&mut self, number: u32, document: u32, ordinal: u32, length: u32) {
        let chunks = &mut self.documents.entry(document).or_default().chunks;
        let at = ordinal as usize;
        if chunks.len() <= at {
            chunks.resize(at + 1, HOLE);
        }
        chunks[at] = Placed { number, length };
        self.of_number.insert(number, (document, ordinal));
    }

    fn remove(&mut self, number: u32) {
        let Some((document, ordinal)) = self.of_number.remove(&number) else { return };
        let Some(Spread { chunks, .. }) = self.documents.get_mut(&document) else { return };
        // Another may have taken its place already.
        if let Some(placed) = chunks.get_mut(ordinal as usize).filter(|placed| placed.number == number) {
            *placed = HOLE;
        }
        while chunks.last().is_some_and(|placed| !placed.is_there()) {
            chunks.pop();
        }
        if chunks.is_empty() {
            self.documents.remove(&document);
        }
    }

    /// What is known of a document that has a chunk.
    pub fn document(&self, document: u32) -> Option<&Spread> {
        self.documents.get(&document)
    }

    /// The document of a chunk and its place there.
    pub fn place_of(&self, number: u32) -> Option<(u32, u32)> {
        self.of_number.get(&number).copied()
    }

    /// The chunk at a place of a document.
    pub fn number_at(&self, document: u32, ordinal: u32) -> Option<u32> {
        let placed = self.document(document)?.chunks.get(ordinal as usize)?;
        placed.is_there().then_some(placed.number)
    }

    /// How many chunks there are.
    pub fn chunks(&self) -> usize {
        self.of_number.len()
    }

    /// How many documents have a chunk.
    pub fn documents(&self) -> usize {
        self.documents.len()
    }

    /// How long a document is on average.
    pub fn mean_document(&self) -> f32 {
        (self.length as f32 / self.documents().max(1) as f32).max(1.0)
    }

    /// How long a window is on average.
    pub fn mean_window(&self) -> f32 {
        (self.windows as f32 / self.chunks().max(1) as f32).max(1.0)
    }
}

/// The places that belong to the window of one among so many.
pub(super) fn window(at: usize, count: usize) -> Range<usize> {
    at.saturating_sub(REACH).min(count)..(at + REACH + 1).min(count)
}
