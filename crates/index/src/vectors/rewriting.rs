//! Makes segments: of the tail, of small segments, of segments with many dead rows.
//!
//! Every rewrite takes the whole tail, so that afterwards the segments are as the index was at one
//! moment, and the journal has what came since. It works on a snapshot while changes and searches go
//! on; only at the end, while it says which rows died since, changes wait.
//!
//! Invariant: the manifest of a rewrite describes the snapshot that it began with, and the journal
//! leads from there to the newest state, so it does not matter when the process ends.

use std::io;
use std::sync::Arc;

use super::building::Builder;
use super::cells::{Partition, train};
use super::halves;
use super::segment::{Identity, Segment};
use super::simd::{BLOCK, Level};
use super::snapshot::{Part, Snapshot};

/// A tail of at least so many rows becomes a segment.
pub const TAIL_ROWS: usize = 8_192;
/// A segment of at least so many rows has cells.
const PARTITIONED_ROWS: usize = 16_384;
/// Rows of a cell, about.
const CELL_ROWS: usize = 128;
/// A segment is rewritten together with smaller ones that have one row for so many of its own.
const GROWTH: usize = 3;
/// A segment is rewritten when one of so many rows is dead.
const DEAD_SHARE: usize = 4;

/// Which segments to rewrite now, by their places; `None` if all is well as it is.
pub fn due(snapshot: &Snapshot) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..snapshot.segments.len()).collect();
    let alive = |part: &usize| snapshot.segments[*part].alive();
    order.sort_by_key(|part| std::cmp::Reverse(alive(part)));
    let tail = snapshot.tail.rows();
    // Of the segments from a place on the first is rewritten with all smaller ones when these have
    // grown enough; the tail counts when it is due by itself.
    let own = if tail >= TAIL_ROWS { tail } else { 0 };
    let mut smaller: usize = order.iter().map(alive).sum::<usize>() + own;
    for (place, part) in order.iter().enumerate() {
        let rows = alive(part);
        smaller -= rows;
        if smaller > 0 && smaller * GROWTH >= rows {
            return Some(order[place..].to_vec());
        }
        if is_worn(&snapshot.segments[*part]) {
            return Some(vec![*part]);
        }
    }
    (own > 0).then(Vec::new)
}

/// Whether a segment is to be rewritten even alone.
fn is_worn(part: &Part) -> bool {
    let rows = part.segment.shape().rows;
    let wants_cells = part.alive() >= PARTITIONED_ROWS && part.segment.cells().len() == 1;
    part.dead.count() * DEAD_SHARE > rows || wants_cells
}

/// Rows to write and their numbers.
struct Rows<'a> {
    numbers: Vec<u32>,
    vectors: Vec<&'a [u16]>,
}

/// Writes the live rows of some segments and of the tail as one segment; `None` if there are none.
pub fn write(
    folder: &std::path::Path,
    id: u64,
    level: Level,
    width: usize,
    snapshot: &Snapshot,
    parts: &[usize],
) -> io::Result<Option<Segment>> {
    let total: usize = parts.iter().map(|part| snapshot.segments[*part].alive()).sum();
    let total = total + snapshot.tail.rows() - snapshot.tail.dead();
    if total == 0 {
        return Ok(None);
    }
    let rows = gather(snapshot, parts);
    let mut builder = Builder::create(folder, id, level, width)?;
    if total < PARTITIONED_ROWS {
        builder.begin_cell(&mean(level, width, &rows.vectors));
        for (number, vector) in rows.numbers.iter().zip(&rows.vectors) {
            builder.push(*number, vector)?;
        }
        builder.end_cell()?;
    } else {
        let centres = train(level, width, &rows.vectors, total.div_ceil(CELL_ROWS));
        let cells = Partition::over(level, width, &centres).assign(&rows.vectors);
        for (cell, members) in sorted_by_cell(&cells, centres.len()).into_iter().enumerate() {
            builder.begin_cell(centres.get(cell));
            for row in members {
                builder.push(rows.numbers[row as usize], rows.vectors[row as usize])?;
            }
            builder.end_cell()?;
        }
    }
    let identity = builder.finish()?;
    let unreadable = || io::Error::other("a segment that was just written cannot be read");
    Segment::open(folder, identity, width, true).map(Some).ok_or_else(unreadable)
}

fn gather<'a>(snapshot: &'a Snapshot, parts: &[usize]) -> Rows<'a> {
    let mut rows = Rows { numbers: Vec::new(), vectors: Vec::new() };
    for part in parts {
        let held = &snapshot.segments[*part];
        for cell in held.segment.cells() {
            let begin = cell.first * BLOCK as u32;
            for place in (begin..begin + cell.rows).filter(|place| !held.dead.contains(*place)) {
                rows.numbers.push(held.segment.record(place).number());
                rows.vectors.push(held.segment.vector(place));
            }
        }
    }
    for place in snapshot.tail.alive_from(0) {
        rows.numbers.push(snapshot.tail.number(place));
        rows.vectors.push(snapshot.tail.vector(place));
    }
    rows
}

/// The middle of some rows; of very many, of a sample.
fn mean(level: Level, width: usize, rows: &[&[u16]]) -> Vec<f32> {
    let (mut sum, mut row) = (vec![0.0; width], vec![0.0; width]);
    let step = rows.len().div_ceil(4_096).max(1);
    let sample = rows.iter().step_by(step);
    let share = 1.0 / sample.len().max(1) as f32;
    for halves in sample {
        halves::widen(level, halves, &mut row);
        for (sum, value) in sum.iter_mut().zip(&row) {
            *sum += value * share;
        }
    }
    sum
}

fn sorted_by_cell(cells: &[u32], count: usize) -> Vec<Vec<u32>> {
    let mut members = vec![Vec::new(); count];
    for (row, cell) in cells.iter().enumerate() {
        members[*cell as usize].push(row as u32);
    }
    members
}

/// Marks the rows of a new segment as dead that died while it was written.
pub fn bury(new: &mut Part, before: &Snapshot, now: &Snapshot, parts: &[usize]) {
    let mut died = Vec::new();
    for part in parts {
        let (then, since) = (&before.segments[*part], &now.segments[*part]);
        let sorted = then.segment.sorted().iter().zip(then.segment.places());
        if then.dead.count() != since.dead.count() {
            let fresh =
                sorted.filter(|(_, place)| since.dead.contains(**place) && !then.dead.contains(**place));
            died.extend(fresh.map(|(number, _)| *number));
        }
    }
    let tail = before.tail.alive_from(0).filter(|place| now.tail.is_dead(*place));
    died.extend(tail.map(|place| before.tail.number(place)));
    let dead = Arc::make_mut(&mut new.dead);
    for place in died.into_iter().filter_map(|number| new.segment.place(number)) {
        dead.insert(place);
    }
}

/// What the manifest says of a segment.
pub fn described(part: &Part) -> (Identity, Vec<u64>) {
    (part.segment.identity(), part.dead.words().to_vec())
}
