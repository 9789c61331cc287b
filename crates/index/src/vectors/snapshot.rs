//! What one search sees: segments, which of their rows are dead, and the tail.
//!
//! Snapshots share nearly all they have. A writer clones the newest, changes its own, and puts it in
//! the place of the newest when a whole call of `apply` is done.
//!
//! Invariant: of all rows with one number, in segments and tail, at most one is alive.

use std::sync::Arc;

use super::segment::Segment;
use super::tail::Tail;

/// A state of the index.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The segments.
    pub segments: Vec<Part>,
    /// What is newer than they are.
    pub tail: Tail,
    /// How far along the owner's changes it is.
    pub position: u64,
    /// Where its journal ended.
    pub journal_end: u64,
}

/// A segment, and which of its rows are dead.
#[derive(Clone, Debug)]
pub struct Part {
    /// The segment.
    pub segment: Arc<Segment>,
    /// Those that died since it was written.
    pub dead: Arc<Dead>,
}

/// A bit for each place whose row is dead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dead {
    words: Vec<u64>,
    count: usize,
}

/// Where a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a segment, by its place among them, at a place of its own.
    Segment(usize, u32),
    /// In the tail.
    Tail(u32),
}

impl Dead {
    /// As the manifest has it.
    pub fn from_words(words: Vec<u64>) -> Self {
        let count = words.iter().map(|word| word.count_ones() as usize).sum();
        Self { words, count }
    }

    /// For the manifest.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether the row at a place is dead.
    #[inline]
    pub fn contains(&self, place: u32) -> bool {
        self.words.get(place as usize / 64).is_some_and(|word| word >> (place % 64) & 1 == 1)
    }

    /// Marks the row at a place as dead.
    pub fn insert(&mut self, place: u32) {
        let at = place as usize / 64;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (place % 64);
        self.count += usize::from(self.words[at] & bit == 0);
        self.words[at] |= bit;
    }
}

impl Part {
    /// A segment of which no row is dead.
    pub fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), dead: Arc::default() }
    }

    /// How many of its rows are alive.
    pub fn alive(&self) -> usize {
        self.segment.shape().rows.saturating_sub(self.dead.count())
    }

    /// The numbers of the rows that are alive, in order, and their places.
    pub fn alive_rows(&self) -> impl Iterator<Item = (u32, u32)> {
        let rows = self.segment.sorted().iter().zip(self.segment.places());
        rows.map(|(number, place)| (*number, *place)).filter(|(_, place)| !self.dead.contains(*place))
    }

    /// Those of some numbers that have a row that is alive, and their places; both in order.
    pub fn find_all(&self, numbers: impl Iterator<Item = u32>) -> impl Iterator<Item = (u32, u32)> {
        let (sorted, places) = (self.segment.sorted(), self.segment.places());
        let mut at = 0;
        numbers.filter_map(move |number| {
            // No number is there twice, so it is no further away than it is greater; mostly just there.
            let further = number.checked_sub(*sorted.get(at)?)? as usize;
            let end = at.saturating_add(further).min(sorted.len() - 1);
            at = if sorted[end] == number {
                end
            } else {
                at + sorted[at..=end].partition_point(|other| *other < number)
            };
            let is_there = sorted.get(at) == Some(&number) && !self.dead.contains(places[at]);
            is_there.then(|| (number, places[at]))
        })
    }

    /// Where the row of this number is, if it is alive.
    pub fn find(&self, number: u32) -> Option<u32> {
        self.segment.place(number).filter(|place| !self.dead.contains(*place))
    }
}

impl Snapshot {
    /// Of no rows.
    pub fn empty(width: usize) -> Self {
        Self { segments: Vec::new(), tail: Tail::new(width), position: 0, journal_end: 0 }
    }

    /// Where the row of this number is, if there is one.
    pub fn find(&self, number: u32) -> Option<Location> {
        if let Some(place) = self.tail.find(number) {
            return Some(Location::Tail(place));
        }
        let mut parts = self.segments.iter().enumerate();
        parts.find_map(|(part, segment)| Some(Location::Segment(part, segment.find(number)?)))
    }

    /// All rows that are alive, with their numbers.
    pub fn rows(&self) -> impl Iterator<Item = (u32, Location)> {
        let parts = self.segments.iter().enumerate().flat_map(|(at, part)| {
            part.alive_rows().map(move |(number, place)| (number, Location::Segment(at, place)))
        });
        let tail = self.tail.alive_from(0).map(|place| (self.tail.number(place), Location::Tail(place)));
        parts.chain(tail)
    }

    /// How many rows are alive.
    pub fn alive(&self) -> usize {
        let segments: usize = self.segments.iter().map(Part::alive).sum();
        segments + self.tail.rows() - self.tail.dead()
    }

    /// The vector of a row.
    pub fn vector(&self, location: Location) -> &[u16] {
        match location {
            Location::Segment(part, place) => self.segments[part].segment.vector(place),
            Location::Tail(place) => self.tail.vector(place),
        }
    }

    /// Removes the row of a number, if there is one.
    pub fn remove(&mut self, number: u32) {
        match self.find(number) {
            Some(Location::Segment(part, place)) => {
                Arc::make_mut(&mut self.segments[part].dead).insert(place)
            }
            Some(Location::Tail(place)) => self.tail.kill(place),
            None => {}
        }
    }
}
