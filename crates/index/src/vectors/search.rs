//! Finds the rows nearest to a query.
//!
//! Cells are ordered by how near their rows may be, and the likeliest share of them is looked at. Of
//! their rows, blocks of a few signs say which may be near, records of all signs which of these are
//! likely to be, and only those are scored exactly, the likeliest first; what was found already says
//! what is near enough. Rows that are in no cell yet, in small segments and in the tail, are looked at
//! last and all of them.
//!
//! Where there are few rows, all of them are scored. A filter is asked only about rows that are near enough by their signs. Of a filter that lets few
//! through, more cells are looked at; one that lets few enough through is followed instead: its
//! rows are found by their numbers, and all signs of them looked at.
//!
//! Invariant: similarities are exact, up to half precision; what is approximate is only which rows
//! are looked at.

mod best;
mod budget;
mod cells;

use roaring::RoaringBitmap;

use super::codes::{Blocks, LOWEST};
use super::halves;
use super::query::{Hit, Picked, Place, Query, Sifted};
use super::simd::BLOCK;
use super::snapshot::{Location, Snapshot};
use super::tail::CHUNK;
use best::Best;
pub use best::Match;
use cells::Near;

/// How many deviations below its row an estimate is expected at most, by the first columns …
const SIFT_REACH: f32 = 2.1;
/// … and by all.
const ESTIMATE_REACH: f32 = 3.0;
/// The deviation of estimates for rows without a centre, times the root of the numbers of a vector.
const TAIL_ERROR: f32 = 0.756;
/// Of so few rows all are compared with the query.
pub const FEW: usize = 500;
/// How many rows are sifted while one that the filter lets through is found and estimated.
const SIFTED_FOR_FOLLOWED: f64 = 5.0;
/// Of a filter that is followed, so few rows are scored without an estimate.
const SCORED: u64 = 500;
/// How many rows of the tail are sifted while one is found by its number.
const SIFTED_FOR_FOUND: usize = 20;
/// Rows that are sifted before the likeliest of them are scored.
const ROUND: usize = 2_048;
/// How many cells ahead of the one that is sifted the blocks are fetched.
const AHEAD: usize = 3;
/// Blocks of a large cell that are sifted at once.
const STRETCH: usize = ROUND / BLOCK;
/// Rows that are scored before what is near enough is asked again.
const BATCH: usize = 24;
/// Rows that are scored at once when all of them are to be.
const ALL_AT_ONCE: usize = 256;

/// The `count` rows nearest to the query among those a filter lets through, the nearest first.
pub fn search(
    snapshot: &Snapshot,
    query: &Query,
    count: usize,
    filter: Option<&RoaringBitmap>,
) -> Vec<Match> {
    let count = count.min(snapshot.alive());
    if count == 0 {
        return Vec::new();
    }
    let mut search = Search {
        snapshot,
        query,
        filter,
        best: Best::new(count),
        sifted: Vec::new(),
        hits: Vec::new(),
        candidates: Vec::new(),
        similarities: Vec::new(),
    };
    match filter {
        _ if snapshot.alive() <= FEW => search.compare_all(),
        Some(filter) if search.is_quicker_followed(filter) => search.follow(filter),
        _ => search.scan(),
    }
    search.best.matches()
}

struct Search<'a> {
    snapshot: &'a Snapshot,
    query: &'a Query,
    filter: Option<&'a RoaringBitmap>,
    best: Best,
    /// Rows that may be near by their first signs.
    sifted: Vec<Sifted<'a>>,
    /// Those of them that may be by all.
    hits: Vec<Hit>,
    /// Those of them that are to be scored.
    candidates: Vec<Candidate>,
    similarities: Vec<f32>,
}

/// A row that may be near enough.
#[derive(Clone, Copy)]
struct Candidate {
    /// Its cosine is hardly greater.
    at_most: f32,
    number: u32,
    location: Location,
}

impl Search<'_> {
    /// Scores all rows that the filter lets through.
    fn compare_all(&mut self) {
        let (snapshot, filter) = (self.snapshot, self.filter);
        let allowed = |(number, _): &(u32, Location)| filter.is_none_or(|filter| filter.contains(*number));
        self.score_each(snapshot.rows().filter(allowed));
    }

    /// Scores what the filter lets through, found by its numbers.
    fn follow(&mut self, filter: &RoaringBitmap) {
        let snapshot = self.snapshot;
        let in_tail = |number: u32| Some((number, Location::Tail(snapshot.tail.find(number)?)));
        if filter.len() <= SCORED {
            for (at, part) in snapshot.segments.iter().enumerate() {
                let rows = part.find_all(filter.iter());
                self.score_each(rows.map(|(number, place)| (number, Location::Segment(at, place))));
            }
            self.score_each(filter.iter().filter_map(in_tail));
            return;
        }
        for part in 0..snapshot.segments.len() {
            self.follow_in_segment(part, filter);
        }
        if (filter.len() as usize).saturating_mul(SIFTED_FOR_FOUND) < snapshot.tail.rows() {
            self.score_each(filter.iter().filter_map(in_tail));
        } else {
            self.scan_tail();
        }
    }

    /// Scores those of a segment's rows that the filter lets through and that are near enough by all
    /// their signs.
    fn follow_in_segment(&mut self, part: usize, filter: &RoaringBitmap) {
        let (snapshot, query) = (self.snapshot, self.query);
        let held = &snapshot.segments[part];
        let segment = &*held.segment;
        let near = cells::all(segment, part as u32, query);
        let cells = near.iter().zip(segment.cells()).map(|(near, cell)| {
            let (_, margin) = self.margins(cell.distance(near.along), cell.error, cell.radius);
            (near.along, margin)
        });
        let cells: Vec<(f32, f32)> = cells.collect();
        let mut rows = held.find_all(filter.iter()).map(|(_, place)| {
            let (along, margin) = cells[segment.cell_of(place)];
            Picked { place, along, margin }
        });
        let mut picked = Vec::with_capacity(ROUND);
        loop {
            picked.clear();
            // The first rows say what is near enough.
            let round = if self.best.is_full() { ROUND } else { ALL_AT_ONCE };
            picked.extend(rows.by_ref().take(round));
            if picked.is_empty() {
                return;
            }
            query.pick(segment.all_records(), part as u32, &picked, &mut self.sifted);
            self.score_sifted();
        }
    }

    fn score_each(&mut self, rows: impl Iterator<Item = (u32, Location)>) {
        let mut candidates = Vec::with_capacity(ALL_AT_ONCE);
        for (number, location) in rows {
            candidates.push(Candidate { at_most: f32::MAX, number, location });
            if candidates.len() == ALL_AT_ONCE {
                self.score(&candidates);
                candidates.clear();
            }
        }
        self.score(&candidates);
    }

    /// Looks at the likeliest cells, or at all if these have too little that the filter lets through.
    fn scan(&mut self) {
        let share = self.share();
        self.scan_share(share);
        if share < 1.0 && !self.best.is_full() {
            self.best.clear();
            self.scan_share(1.0);
        }
    }

    fn scan_share(&mut self, share: f64) {
        let cells = cells::likeliest(self.snapshot, self.query, share);
        self.scan_cells(&cells.cells);
        self.score_sifted();
        for near in &cells.whole_segments {
            self.scan_cell(near, None);
            self.score_sifted();
        }
        self.scan_tail();
    }

    /// Whether following the filter is quicker than scanning the cells.
    fn is_quicker_followed(&self, filter: &RoaringBitmap) -> bool {
        let sifted = self.share() * self.snapshot.alive() as f64;
        filter.len() <= SCORED || filter.len() as f64 * SIFTED_FOR_FOLLOWED < sifted
    }

    /// Which share of the rows in cells is looked at.
    fn share(&self) -> f64 {
        let rows = self.snapshot.alive();
        let allowed = self.filter.map_or(1.0, |filter| filter.len() as f64 / rows as f64);
        budget::share(rows, allowed, self.best.count())
    }

    /// Looks at cells, and scores what is near enough after the first and so many rows each time.
    fn scan_cells(&mut self, cells: &[Near]) {
        let (snapshot, width) = (self.snapshot, self.query.vector.len());
        let mut unscored = 0;
        for (at, near) in cells.iter().enumerate() {
            let cell = &snapshot.segments[near.part as usize].segment.cells()[near.cell as usize];
            let distance = cell.distance(near.along);
            if near.along + budget::slack(distance, cell.radius, width) < self.best.least() {
                continue;
            }
            unscored += self.scan_cell(near, cells.get(at + AHEAD));
            if at == 0 || unscored >= ROUND {
                self.score_sifted();
                unscored = 0;
            }
        }
    }

    /// Sifts the rows of a cell; what is read of a later one is fetched meanwhile.
    fn scan_cell(&mut self, near: &Near, later: Option<&Near>) -> usize {
        let snapshot = self.snapshot;
        let segment = &snapshot.segments[near.part as usize].segment;
        let cell = &segment.cells()[near.cell as usize];
        let (sift, estimate) = self.margins(cell.distance(near.along), cell.error, cell.radius);
        let later = later.map_or(&[][..], |later| {
            let segment = &snapshot.segments[later.part as usize].segment;
            segment.blocks(&segment.cells()[later.cell as usize]).bytes
        });
        let (blocks, records) = (segment.blocks(cell), segment.records(cell));
        for begin in (0..cell.blocks as usize).step_by(STRETCH) {
            if begin > 0 {
                self.score_sifted();
            }
            let place = Place {
                blocks: blocks.part(begin, STRETCH.min(cell.blocks as usize - begin)),
                records: &records[begin * BLOCK * self.query.layout().record..],
                part: near.part,
                first: (cell.first as usize + begin) as u32 * BLOCK as u32,
                along: near.along,
                margin: estimate,
            };
            self.query.sift(place, later, self.bound(sift), &mut self.sifted);
        }
        cell.rows as usize
    }

    fn scan_tail(&mut self) {
        let snapshot = self.snapshot;
        let even = (self.query.vector.len() as f32).sqrt().recip();
        let (sift, estimate) = self.margins(1.0, TAIL_ERROR * even, even);
        for (at, chunk) in snapshot.tail.chunks().enumerate() {
            let place = Place {
                blocks: Blocks { columns: self.query.layout().first_columns, bytes: &chunk.codes.blocks },
                records: &chunk.codes.records,
                part: snapshot.segments.len() as u32,
                first: (at * CHUNK) as u32,
                along: 0.0,
                margin: estimate,
            };
            self.query.sift(place, &[], self.bound(sift), &mut self.sifted);
            if (at + 1) % (ROUND / CHUNK) == 0 {
                self.score_sifted();
            }
        }
        self.score_sifted();
    }

    /// What an estimate that may be so much too low must be.
    fn bound(&self, margin: f32) -> f32 {
        (self.best.least() - margin).max(LOWEST)
    }

    /// How far below a row's cosine its estimates may be, by the first columns and by all, for rows
    /// with this error and radius and a query at this distance from their centre.
    fn margins(&self, distance: f32, error: f32, radius: f32) -> (f32, f32) {
        let larger = self.query.larger(self.query.layout().first_columns);
        // The first columns have their share of the error, and their part of a row is not the whole.
        let first = (larger * error * error + (larger - 1.0) * radius * radius).sqrt();
        (SIFT_REACH * distance * first, ESTIMATE_REACH * distance * error)
    }

    /// Scores what is near enough of the rows that were sifted.
    fn score_sifted(&mut self) {
        self.hits.clear();
        self.query.estimate(&self.sifted, self.bound(0.0), &mut self.hits);
        self.sifted.clear();
        for hit in &self.hits {
            let Some(location) = self.alive(hit) else { continue };
            if self.filter.is_none_or(|filter| filter.contains(hit.number)) {
                let Hit { at_most, number, .. } = *hit;
                self.candidates.push(Candidate { at_most, number, location });
            }
        }
        self.score_candidates();
    }

    /// Where it is, if it is alive.
    fn alive(&self, hit: &Hit) -> Option<Location> {
        let Some(part) = self.snapshot.segments.get(hit.part as usize) else {
            // A chunk of the tail may have got rows since this snapshot was made.
            let tail = &self.snapshot.tail;
            let is_seen = (hit.place as usize) < tail.rows() && !tail.is_dead(hit.place);
            return is_seen.then_some(Location::Tail(hit.place));
        };
        (!part.dead.contains(hit.place)).then_some(Location::Segment(hit.part as usize, hit.place))
    }

    /// Scores the candidates, the likeliest first, until no other may be near enough.
    fn score_candidates(&mut self) {
        let mut candidates = std::mem::take(&mut self.candidates);
        loop {
            let least = self.best.least();
            candidates.retain(|candidate| candidate.at_most >= least);
            if candidates.is_empty() {
                break;
            }
            let rest = candidates.len().saturating_sub(BATCH);
            if rest > 0 {
                candidates.select_nth_unstable_by(rest, |a, b| a.at_most.total_cmp(&b.at_most));
            }
            self.score(&candidates[rest..]);
            candidates.truncate(rest);
        }
        self.candidates = candidates;
    }

    /// Scores so many candidates as [`ALL_AT_ONCE`] or fewer.
    fn score(&mut self, candidates: &[Candidate]) {
        let mut rows = [&[][..]; ALL_AT_ONCE];
        for (row, candidate) in rows.iter_mut().zip(candidates) {
            *row = self.snapshot.vector(candidate.location);
        }
        self.similarities.clear();
        let rows = &rows[..candidates.len()];
        halves::score(self.query.level, &self.query.vector, rows, &mut self.similarities);
        for (candidate, similarity) in candidates.iter().zip(&self.similarities) {
            self.best.offer(Match { number: candidate.number, similarity: *similarity });
        }
    }
}
