//! Which cells a search looks at.

use super::super::bytes;
use super::super::query::Query;
use super::super::segment::Segment;
use super::super::snapshot::Snapshot;

/// Of more cells, those that are far by their codes are not compared exactly …
const MANY: usize = 1_024;
/// … if fewer than this share of them will be looked at.
const FEW: f64 = 0.4;
/// How many cells are compared exactly for one that will be looked at.
const COMPARED: f64 = 2.0;
/// Into so many parts the range of all cells is divided to find how likely the last is.
const PARTS: usize = 1_024;

/// A cell and how near it is.
#[derive(Clone, Copy)]
pub struct Near {
    /// About what the nearest of its rows may have.
    pub likely: f32,
    /// The cosine with its centre, as if that had length 1.
    pub along: f32,
    /// The segment, by its place among all.
    pub part: u32,
    /// The cell, by its place in the segment.
    pub cell: u32,
}

/// The cells to look at.
pub struct Likeliest {
    /// The likeliest first, as it soon tells what is near enough; the others in the order in which
    /// they lie in memory, as it matters little which is next.
    pub cells: Vec<Near>,
    /// Segments without a partition, all of which are looked at.
    pub whole_segments: Vec<Near>,
}

/// Chooses the likeliest cells that have about a share of all rows.
pub fn likeliest(snapshot: &Snapshot, query: &Query, share: f64) -> Likeliest {
    let (mut compared, mut whole_segments) = (Vec::new(), Vec::new());
    let mut total = 0;
    for (part, held) in snapshot.segments.iter().enumerate() {
        let (segment, part) = (&*held.segment, part as u32);
        let count = segment.cells().len();
        if count == 1 {
            compare(segment, part, query, 0..1, &mut whole_segments);
            continue;
        }
        total += count;
        if count > MANY && share < FEW {
            let wanted = (count as f64 * share * COMPARED) as usize;
            let near = nearest_by_code(segment, query, wanted.max(MANY));
            compare(segment, part, query, near.into_iter(), &mut compared);
        } else {
            compare(segment, part, query, 0..count as u32, &mut compared);
        }
    }
    let least = threshold(compared.iter().map(|near| near.likely), (total as f64 * share).ceil() as usize);
    let mut cells = compared;
    cells.retain(|near| near.likely >= least);
    let first = (0..cells.len()).max_by(|a, b| cells[*a].likely.total_cmp(&cells[*b].likely));
    if let Some(first) = first {
        cells[..=first].rotate_right(1);
    }
    Likeliest { cells, whole_segments }
}

/// All cells of a segment, compared with the query.
pub fn all(segment: &Segment, part: u32, query: &Query) -> Vec<Near> {
    let mut near = Vec::with_capacity(segment.cells().len());
    compare(segment, part, query, 0..segment.cells().len() as u32, &mut near);
    near
}

/// Adds some cells of a segment, compared with the query.
fn compare(
    segment: &Segment,
    part: u32,
    query: &Query,
    cells: impl Iterator<Item = u32> + Clone,
    near: &mut Vec<Near>,
) {
    let centres: Vec<&[i8]> = cells.clone().map(|cell| segment.centre(cell as usize)).collect();
    let mut products = Vec::with_capacity(centres.len());
    bytes::score(query.level, &query.multiples, &centres, &mut products);
    near.extend(cells.zip(products).map(|(number, product)| {
        let cell = &segment.cells()[number as usize];
        let along = product as f32 * (query.unit * cell.unit);
        Near { likely: along + cell.reach, along, part, cell: number }
    }));
}

/// The cells of a segment that are likeliest by the codes of their centres, about so many.
fn nearest_by_code(segment: &Segment, query: &Query, count: usize) -> Vec<u32> {
    let mut likely = Vec::with_capacity(segment.cells().len() + 32);
    query.estimate_all(segment.centre_blocks(), &mut likely);
    // The last block may have places without a cell.
    likely.truncate(segment.cells().len());
    for (likely, cell) in likely.iter_mut().zip(segment.cells()) {
        *likely += cell.reach;
    }
    let least = threshold(likely.iter().copied(), count);
    let near = likely.iter().enumerate().filter(|(_, likely)| **likely >= least);
    near.map(|(cell, _)| cell as u32).collect()
}

/// How likely the last of the likeliest cells is, so many of them, give or take a few.
fn threshold(likely: impl ExactSizeIterator<Item = f32> + Clone, count: usize) -> f32 {
    if count >= likely.len() {
        return f32::NEG_INFINITY;
    }
    let (least, greatest) = likely
        .clone()
        .fold((f32::MAX, f32::MIN), |(least, greatest), likely| (least.min(likely), greatest.max(likely)));
    let scale = (PARTS - 1) as f32 / (greatest - least).max(f32::MIN_POSITIVE);
    let mut cells = [0_u32; PARTS];
    for likely in likely {
        cells[((likely - least) * scale) as usize % PARTS] += 1;
    }
    let mut above = 0;
    for part in (0..PARTS).rev() {
        above += cells[part] as usize;
        if above >= count {
            return least + part as f32 / scale;
        }
    }
    f32::NEG_INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_lets_about_as_many_through_as_are_wanted() {
        #[track_caller]
        fn check(likely: &[f32], count: usize, least: usize, most: usize) {
            let from = threshold(likely.iter().copied(), count);
            let through = likely.iter().filter(|likely| **likely >= from).count();
            assert!((least..=most).contains(&through), "{through} of {count}");
        }
        let ramp: Vec<f32> = (0..5_000).map(|step| step as f32 / 5_000.0 - 0.3).collect();
        check(&ramp, 100, 95, 110);
        check(&ramp, 1, 1, 10);
        check(&ramp, 4_999, 4_990, 5_000);
        check(&ramp, 5_000, 5_000, 5_000);
        check(&[0.5; 100], 3, 100, 100);
        check(&[], 3, 0, 0);
    }
}
