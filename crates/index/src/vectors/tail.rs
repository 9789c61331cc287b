//! The newest rows, in memory; the journal has them on disk until a segment has.
//!
//! Rows are only ever added. They lie in chunks that clones share: adding to one copies at most the
//! last chunk, and a search that holds a clone sees what was there when it was made.
//!
//! Invariant: of the rows with one number at most the newest is alive.

use std::sync::Arc;

use super::codes::{Codes, Encoder, Layout};
use super::halves;
use super::simd::Level;

/// Rows of a chunk, one for each bit of [`Held::dead`].
pub const CHUNK: usize = 128;

/// Rows and which of them have died.
#[derive(Clone, Debug)]
pub struct Tail {
    width: usize,
    chunks: Vec<Held>,
    rows: usize,
    dead: usize,
    /// Numbers and places in order, in runs: each has at most half as many as the one before, so
    /// there are few, and what is newer is in a later run.
    runs: Vec<Arc<[(u32, u32)]>>,
    /// Those in no run yet, in the order in which they came.
    pending: Vec<(u32, u32)>,
}

/// A chunk, and what of it a snapshot sees.
#[derive(Clone, Debug)]
struct Held {
    chunk: Arc<Chunk>,
    dead: u128,
}

/// Rows; those that are not there yet are left out by their codes.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Their vectors in half precision.
    pub vectors: Box<[u16]>,
    /// Their codes, against no centre.
    pub codes: Codes,
}

impl Tail {
    /// Without rows.
    pub fn new(width: usize) -> Self {
        Self { width, chunks: Vec::new(), rows: 0, dead: 0, runs: Vec::new(), pending: Vec::new() }
    }

    /// How many rows were added, dead ones too.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many of them are dead.
    pub fn dead(&self) -> usize {
        self.dead
    }

    /// Bytes in memory, about.
    pub fn bytes(&self) -> usize {
        let held = self.chunks.iter().map(|held| {
            let Chunk { vectors, codes } = &*held.chunk;
            size_of_val(&**vectors) + codes.blocks.len() + codes.records.len()
        });
        held.sum()
    }

    /// The chunks in order.
    pub fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        self.chunks.iter().map(|held| &*held.chunk)
    }

    /// The number of the row at a place.
    pub fn number(&self, place: u32) -> u32 {
        let records = &self.chunks[place as usize / CHUNK].chunk.codes.records;
        Layout::new(self.width).read(records, place as usize % CHUNK).number()
    }

    /// The vector of the row at a place.
    pub fn vector(&self, place: u32) -> &[u16] {
        let begin = place as usize % CHUNK * self.width;
        &self.chunks[place as usize / CHUNK].chunk.vectors[begin..begin + self.width]
    }

    /// Whether the row at a place has died.
    pub fn is_dead(&self, place: u32) -> bool {
        self.chunks[place as usize / CHUNK].dead >> (place as usize % CHUNK) & 1 == 1
    }

    /// The places of all rows that are alive, from a place on.
    pub fn alive_from(&self, first: usize) -> impl Iterator<Item = u32> {
        (first as u32..self.rows as u32).filter(|place| !self.is_dead(*place))
    }

    /// Where the row of this number is, if it is alive.
    pub fn find(&self, number: u32) -> Option<u32> {
        let newest = self.pending.iter().rev().find(|(other, _)| *other == number).map(|(_, place)| *place);
        let place = newest.or_else(|| {
            self.runs.iter().rev().find_map(|run| {
                let at = run.binary_search_by_key(&number, |(number, _)| *number).ok()?;
                Some(run[at].1)
            })
        })?;
        (!self.is_dead(place)).then_some(place)
    }

    /// Adds a row; the one that had its number before must have died.
    pub fn push(&mut self, encoder: &mut Encoder, level: Level, number: u32, row: &[f32]) {
        let (place, within) = (self.rows, self.rows % CHUNK);
        if within == 0 {
            self.chunks.push(Held { chunk: Arc::new(Chunk::new(self.width)), dead: 0 });
        }
        if let Some(held) = self.chunks.last_mut() {
            let chunk = Arc::make_mut(&mut held.chunk);
            halves::narrow(level, row, &mut chunk.vectors[within * self.width..][..self.width]);
            encoder.encode(number, row, &[], &mut chunk.codes, within);
        }
        self.rows += 1;
        self.pending.push((number, place as u32));
    }

    /// Marks the row at a place as dead.
    pub fn kill(&mut self, place: u32) {
        let held = &mut self.chunks[place as usize / CHUNK];
        let bit = 1 << (place as usize % CHUNK);
        self.dead += usize::from(held.dead & bit == 0);
        held.dead |= bit;
    }

    /// Makes a run of the rows that are in none, so that [`Tail::find`] is quick.
    pub fn sort(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut run = std::mem::take(&mut self.pending);
        while self.runs.last().is_some_and(|last| last.len() < 2 * run.len()) {
            run.extend_from_slice(&self.runs.pop().unwrap_or_default());
        }
        // Of rows with one number, the newest has the last place.
        run.sort_unstable_by_key(|(number, place)| (*number, std::cmp::Reverse(*place)));
        run.dedup_by_key(|(number, _)| *number);
        self.runs.push(run.into());
    }
}

impl Chunk {
    fn new(width: usize) -> Self {
        let mut codes = Codes::new(Layout::new(width), CHUNK);
        codes.reach(CHUNK - 1);
        Self { vectors: vec![0; CHUNK * width].into(), codes }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn the_newest_row_of_a_number_is_found_and_the_others_are_dead() {
        let level = Level::detect();
        let (mut tail, mut encoder) = (Tail::new(64), Encoder::new(level, 64));
        let mut model = HashMap::new();
        let mut before = None;
        for step in 0..3_000_u32 {
            let number = step.wrapping_mul(2_654_435_761) % 500;
            if let Some(place) = tail.find(number) {
                assert_eq!(model.remove(&number), Some(place));
                tail.kill(place);
            }
            if step % 5 != 0 {
                model.insert(number, tail.rows() as u32);
                tail.push(&mut encoder, level, number, &[0.125; 64]);
            }
            if step % 7 == 0 {
                tail.sort();
            }
            if step == 1_500 {
                before = Some((tail.clone(), model.clone()));
            }
        }
        for (tail, model) in [Some((tail, model)), before].into_iter().flatten() {
            for number in 0..500 {
                assert_eq!(tail.find(number), model.get(&number).copied());
            }
            assert_eq!(tail.alive_from(0).count(), model.len());
            assert_eq!(tail.rows() - tail.dead(), model.len());
            assert!(tail.alive_from(0).all(|place| model[&tail.number(place)] == place));
        }
    }
}
