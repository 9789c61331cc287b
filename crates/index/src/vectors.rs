//! Vectors, and which of them are nearest to one.
//!
//! SQL has the truth; this is a cache of it in a folder of its own, for one embedding model. Rows are
//! called by numbers. What is applied is in a journal ([`journal`]) and in memory ([`tail`]) and is
//! found at once, by a scan of one-bit codes ([`codes`], [`query`]) whose best rows are then scored
//! exactly ([`halves`]). [`Vectors::maintain`] makes segments of it ([`segment`], [`rewriting`]), whose
//! rows are sorted into cells of near ones ([`cells`]), so that a search looks at few of them
//! ([`search`]).
//!
//! Invariants:
//! - A search sees the whole of every [`Vectors::apply`] that returned before it began, and never a
//!   part of one; it waits for nobody ([`snapshot`]).
//! - What is on the disk is a manifest and a journal that leads on from it ([`folder`]): after a crash
//!   the index is as after some earlier call of `apply`, and [`Vectors::position`] says which.
//! - Whatever is in the folder, opening it is no error: what is not as it was written is dropped.
//!
//! Start reading at [`search`], then [`snapshot`] and [`rewriting`]; [`simd`] is where processors
//! differ.

mod building;
mod bytes;
mod cells;
mod codes;
mod folder;
mod halves;
mod index;
mod journal;
mod mapping;
mod nearest;
mod query;
mod rewriting;
mod rotation;
mod search;
mod segment;
mod simd;
mod snapshot;
mod tail;

use std::path::Path;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::{Error, Result};
use index::Index;
use query::Query;
use simd::Level;

pub use search::Match;

/// Most numbers a vector may have.
pub const MAX_DIMENSIONS: usize = 8_192;
/// Most matches of a search.
pub const MAX_COUNT: usize = 1_000;

/// A change of the index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change<'a> {
    /// There is a row with this number and this vector, and no other with the number.
    Put {
        /// What its owner calls it.
        number: u32,
        /// Of any length: cosines do not depend on it. One without a direction, of zeros or with a
        /// number that is not finite, has the cosine 0 with everything.
        vector: &'a [f32],
    },
    /// There is no row of this number.
    Remove {
        /// What its owner called it.
        number: u32,
    },
}

/// How large an index is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows that are found.
    pub rows: usize,
    /// Rows that were replaced or removed and still take room.
    pub dead_rows: usize,
    /// Rows that are in memory and in no segment yet.
    pub tail_rows: usize,
    /// Segments.
    pub segments: usize,
    /// Cells of all segments.
    pub cells: usize,
    /// Bytes of the files.
    pub bytes_on_disk: u64,
    /// Bytes of files that are mapped into memory.
    pub bytes_mapped: u64,
    /// Bytes of the tail in memory, and of what was copied out of the mapped files.
    pub bytes_in_memory: u64,
}

/// An index of vectors; clones are the same index.
#[derive(Clone)]
pub struct Vectors(Arc<Index>);

impl Vectors {
    /// Opens the index in a folder, made if it is missing.
    ///
    /// `stamp` says which vectors these are, the model and whatever else; they have `dimensions`
    /// numbers, from 1 to [`MAX_DIMENSIONS`]. Where the folder has others, or is damaged, the index
    /// starts empty, at position 0.
    ///
    /// # Errors
    /// [`Error::InUse`] while somebody else has it open, [`Error::DiskFull`] and [`Error::Folder`]
    /// when the folder cannot be written, [`Error::WrongDimensions`] for more than there may be.
    pub fn open(folder: &Path, dimensions: usize, stamp: &str) -> Result<Self> {
        Self::open_at(folder, dimensions, stamp, Level::detect())
    }

    fn open_at(folder: &Path, dimensions: usize, stamp: &str, level: Level) -> Result<Self> {
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return Err(Error::WrongDimensions { expected: MAX_DIMENSIONS, found: dimensions });
        }
        Ok(Self(Arc::new(Index::open(folder, dimensions, stamp, level)?)))
    }

    /// How far along its owner's changes the index is: what the newest call of `apply` said, or,
    /// when it was opened, the newest that is on the disk.
    pub fn position(&self) -> u64 {
        self.0.newest.load().position
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.0.newest.load().alive()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes some changes, in their order, after which the index is at a position.
    ///
    /// They are found by every search that begins after this returns, and survive the end of the
    /// process then; a power cut may take the newest of them, in whole calls, until
    /// [`Vectors::flush`]. A few thousand changes a call are best; they are in memory together.
    ///
    /// # Errors
    /// [`Error::WrongDimensions`], [`Error::DiskFull`] and [`Error::Folder`]; then nothing changed.
    pub fn apply(&self, changes: &[Change<'_>], position: u64) -> Result<()> {
        let index = &*self.0;
        let expected = index.rotation.dimensions();
        for change in changes {
            if let Change::Put { vector, .. } = change
                && vector.len() != expected
            {
                return Err(Error::WrongDimensions { expected, found: vector.len() });
            }
        }
        index.apply(changes, position)
    }

    /// Takes all rows out and begins at position 0.
    ///
    /// # Errors
    /// [`Error::DiskFull`] and [`Error::Folder`]; then the index is as it was.
    pub fn clear(&self) -> Result<()> {
        let gone: Vec<Change<'_>> = self.0.alive().iter().map(|number| Change::Remove { number }).collect();
        self.0.apply(&gone, 0)
    }

    /// Waits until all that was applied is on the disk.
    ///
    /// # Errors
    /// [`Error::DiskFull`] and [`Error::Folder`].
    pub fn flush(&self) -> Result<()> {
        self.0.flush()
    }

    /// Makes segments of the newest rows, merges small segments, and drops what is dead, as far as
    /// any of it is due; for a background task, now and then and after many changes.
    ///
    /// Takes up to a few seconds for each million rows, while searches and changes go on.
    ///
    /// # Errors
    /// [`Error::DiskFull`] and [`Error::Folder`]; then the index is as it was.
    pub fn maintain(&self) -> Result<()> {
        self.0.maintain()
    }

    /// The `count` rows nearest to a vector, the nearest first; those as near in the order of their
    /// numbers. At most [`MAX_COUNT`].
    ///
    /// With a filter, only rows whose numbers are in it. A vector without a direction (of zeros, with
    /// a number that is not finite, of another length) is near to nothing, and nothing is found.
    ///
    /// Similarities are cosines, exact to about 1e-5. Of many rows now and then one is passed over that
    /// should have been found; `cargo xtask bench vectors` measures how often.
    pub fn search(&self, vector: &[f32], count: usize, filter: Option<&RoaringBitmap>) -> Vec<Match> {
        let Some(query) = self.0.rotated(vector) else { return Vec::new() };
        let query = Query::new(self.0.level, query);
        search::search(&self.0.newest.load(), &query, count.min(MAX_COUNT), filter)
    }

    /// The cosines of a vector with the rows of some numbers; `None` for numbers without a row.
    ///
    /// A vector without a direction has the cosine 0 with all rows.
    pub fn similarities(&self, vector: &[f32], numbers: &[u32]) -> Vec<Option<f32>> {
        let index = &*self.0;
        let snapshot = index.newest.load();
        let found: Vec<_> = numbers.iter().map(|number| snapshot.find(*number)).collect();
        let Some(query) = index.rotated(vector) else {
            return found.into_iter().map(|location| location.map(|_| 0.0)).collect();
        };
        let rows: Vec<&[u16]> = found.iter().flatten().map(|location| snapshot.vector(*location)).collect();
        let mut similarities = Vec::with_capacity(rows.len());
        halves::score(index.level, &query, &rows, &mut similarities);
        let mut similarities = similarities.into_iter();
        found.into_iter().map(|location| location.and_then(|_| similarities.next())).collect()
    }

    /// How large the index is.
    pub fn stats(&self) -> Stats {
        let snapshot = self.0.newest.load();
        let segments = &snapshot.segments;
        let dead: usize = segments.iter().map(|part| part.dead.count()).sum();
        let resident: usize = segments.iter().map(|part| part.segment.resident()).sum();
        Stats {
            rows: snapshot.alive(),
            dead_rows: dead + snapshot.tail.dead(),
            tail_rows: snapshot.tail.rows(),
            segments: segments.len(),
            cells: segments.iter().map(|part| part.segment.cells().len()).sum(),
            bytes_on_disk: self.0.folder.bytes(),
            bytes_mapped: segments.iter().map(|part| part.segment.identity().bytes).sum(),
            bytes_in_memory: (snapshot.tail.bytes() + resident) as u64,
        }
    }
}

#[cfg(test)]
mod tests;
