//! Partitions rows into cells of near ones, so that a search looks only at cells near the query.
//!
//! k-means in two steps: a coarse partition of a sample, and one of each coarse part. A row is
//! compared with all coarse centres and then only with the cells of the nearest few, which costs a
//! tenth of comparing it with all and loses next to nothing.
//!
//! Invariant: every row gets a cell, whatever the vectors are; where they are all alike, cells may
//! be empty.

use super::halves;
use super::nearest::Centres;
use super::simd::Level;

/// Rows of the sample for each cell.
const SAMPLE: usize = 64;
/// Rounds of k-means; more change little.
const ROUNDS: usize = 8;
/// In how many coarse parts a row's cell is looked for.
const PARTS: usize = 3;
/// How many rows are widened at once.
const BATCH: usize = 64;

/// Finds about so many centres for cells of these rows.
pub fn train(level: Level, width: usize, rows: &[&[u16]], cells: usize) -> Centres {
    let sample = spread(rows, cells * SAMPLE);
    let parts = (cells as f64).sqrt().ceil() as usize;
    let coarse = lloyd(level, width, &widened(level, width, &spread(&sample, parts * SAMPLE)), parts);
    let mut of_part = vec![Vec::new(); coarse.len()];
    let mut scores = Vec::new();
    for batch in sample.chunks(BATCH) {
        let nearest = coarse.nearest(level, &widened(level, width, batch), &mut scores);
        for (row, (part, _)) in batch.iter().zip(nearest) {
            of_part[part as usize].push(*row);
        }
    }
    let mut fine = Vec::new();
    for rows in of_part.iter().filter(|rows| !rows.is_empty()) {
        let share = (cells * rows.len()).div_ceil(sample.len());
        fine.extend_from_slice(lloyd(level, width, &widened(level, width, rows), share).vectors());
    }
    Centres::new(width, fine)
}

/// Rows taken at even distances, at most so many.
fn spread<'a>(rows: &[&'a [u16]], count: usize) -> Vec<&'a [u16]> {
    let step = rows.len().div_ceil(count.max(1)).max(1);
    rows.iter().step_by(step).copied().collect()
}

fn widened(level: Level, width: usize, rows: &[&[u16]]) -> Vec<f32> {
    let mut vectors = vec![0.0; rows.len() * width];
    for (row, vector) in rows.iter().zip(vectors.chunks_exact_mut(width)) {
        halves::widen(level, row, vector);
    }
    vectors
}

/// k-means; begins with rows at even distances.
fn lloyd(level: Level, width: usize, rows: &[f32], cells: usize) -> Centres {
    let count = rows.len() / width;
    let cells = cells.clamp(1, count.max(1));
    let begin = (0..cells).flat_map(|cell| {
        let row = cell * count / cells;
        rows[row * width..][..width].iter().copied()
    });
    let mut centres = Centres::new(width, begin.collect());
    let mut scores = Vec::new();
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0; cells * width];
        let mut members = vec![0_u32; cells];
        for batch in rows.chunks(BATCH * width) {
            let nearest = centres.nearest(level, batch, &mut scores);
            for (row, (cell, _)) in batch.chunks_exact(width).zip(nearest) {
                let cell = cell as usize;
                members[cell] += 1;
                for (sum, value) in sums[cell * width..][..width].iter_mut().zip(row) {
                    *sum += value;
                }
            }
        }
        for (cell, (members, sum)) in members.iter().zip(sums.chunks_exact_mut(width)).enumerate() {
            if *members == 0 {
                sum.copy_from_slice(centres.get(cell));
            } else {
                let share = 1.0 / *members as f32;
                sum.iter_mut().for_each(|value| *value *= share);
            }
        }
        centres = Centres::new(width, sums);
    }
    centres
}

/// Cells and the coarse parts they lie in.
#[derive(Debug)]
pub struct Partition {
    level: Level,
    width: usize,
    coarse: Centres,
    /// The cells of each coarse part: their centres, and their numbers among all.
    parts: Vec<(Centres, Vec<u32>)>,
}

impl Partition {
    /// Of cells with these centres.
    pub fn over(level: Level, width: usize, cells: &Centres) -> Self {
        let parts = (cells.len() as f64).sqrt().ceil() as usize;
        let coarse = lloyd(level, width, cells.vectors(), parts);
        let mut members = vec![Vec::new(); coarse.len()];
        let nearest = coarse.nearest(level, cells.vectors(), &mut Vec::new());
        for (cell, (part, _)) in nearest.into_iter().enumerate() {
            members[part as usize].push(cell as u32);
        }
        let parts = members.into_iter().map(|members| {
            let vectors = members.iter().flat_map(|cell| cells.get(*cell as usize).iter().copied());
            (Centres::new(width, vectors.collect()), members)
        });
        Self { level, width, coarse, parts: parts.collect() }
    }

    /// The cell of each row.
    pub fn assign(&self, rows: &[&[u16]]) -> Vec<u32> {
        let mut looks = vec![Vec::new(); self.parts.len()];
        let mut scores = Vec::new();
        for (number, batch) in rows.chunks(BATCH).enumerate() {
            self.coarse.score(self.level, &widened(self.level, self.width, batch), &mut scores);
            for (row, scores) in scores.chunks_exact(self.coarse.len()).enumerate() {
                for part in self.nearest_parts(scores) {
                    looks[part].push((number * BATCH + row) as u32);
                }
            }
        }
        let mut best = vec![(f32::MIN, 0); rows.len()];
        for ((centres, members), looks) in self.parts.iter().zip(looks) {
            for batch in looks.chunks(BATCH) {
                let vectors: Vec<&[u16]> = batch.iter().map(|row| rows[*row as usize]).collect();
                let vectors = widened(self.level, self.width, &vectors);
                let nearest = centres.nearest(self.level, &vectors, &mut scores);
                for (row, (cell, score)) in batch.iter().zip(nearest) {
                    let best = &mut best[*row as usize];
                    if score > best.0 {
                        *best = (score, members[cell as usize]);
                    }
                }
            }
        }
        best.into_iter().map(|(_, cell)| cell).collect()
    }

    /// The nearest few parts that have cells.
    fn nearest_parts(&self, scores: &[f32]) -> impl Iterator<Item = usize> {
        let mut nearest = [(f32::MIN, usize::MAX); PARTS];
        for (part, score) in scores.iter().enumerate() {
            if *score > nearest[PARTS - 1].0 && !self.parts[part].1.is_empty() {
                nearest[PARTS - 1] = (*score, part);
                nearest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
            }
        }
        nearest.into_iter().map(|(_, part)| part).filter(|part| *part != usize::MAX)
    }
}
