//! Which of some centres is nearest to each of many rows: what partitioning spends its time with.

use super::simd::{Kernel, LANES, Level, Simd, sum};

/// Rows that are compared with a few centres while these are in registers.
const ROWS: usize = 2;

/// Centres and half the squares of their lengths.
#[derive(Clone, Debug, Default)]
pub struct Centres {
    width: usize,
    vectors: Vec<f32>,
    half_squares: Vec<f32>,
}

impl Centres {
    /// From vectors of so many numbers, one after the other.
    pub fn new(width: usize, vectors: Vec<f32>) -> Self {
        let half_squares =
            vectors.chunks_exact(width).map(|one| one.iter().map(|it| it * it).sum::<f32>() / 2.0);
        Self { width, half_squares: half_squares.collect(), vectors }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.half_squares.len()
    }

    /// One of them.
    pub fn get(&self, number: usize) -> &[f32] {
        &self.vectors[number * self.width..][..self.width]
    }

    /// All of them, one after the other.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// For each row how near each centre is, the nearest the greatest, into `scores`.
    ///
    /// The score is `row·centre − |centre|²/2`, which orders as distance does.
    pub fn score(&self, level: Level, rows: &[f32], scores: &mut Vec<f32>) {
        scores.clear();
        scores.resize(rows.len() / self.width * self.len(), 0.0);
        level.run(Scores { rows, centres: self, scores });
    }

    /// The nearest centre of each row and its score.
    pub fn nearest(&self, level: Level, rows: &[f32], scores: &mut Vec<f32>) -> Vec<(u32, f32)> {
        self.score(level, rows, scores);
        scores.chunks_exact(self.len()).map(best).collect()
    }
}

/// The greatest score and where it is.
fn best(scores: &[f32]) -> (u32, f32) {
    let greatest = scores.iter().fold(f32::MIN, |greatest, score| greatest.max(*score));
    let place = scores.iter().position(|score| *score == greatest);
    (place.unwrap_or(0) as u32, greatest)
}

struct Scores<'a> {
    rows: &'a [f32],
    centres: &'a Centres,
    scores: &'a mut [f32],
}

impl Kernel for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { rows, centres, scores } = self;
        let (width, many) = (centres.width, centres.len());
        // What is left over at the ends is done one by one.
        let rows_in_tiles = rows.len() / width / ROWS * ROWS;
        let in_tiles = many / S::TILE * S::TILE;
        for row in (0..rows_in_tiles).step_by(ROWS) {
            for centre in (0..in_tiles).step_by(S::TILE) {
                let rows = &rows[row * width..][..ROWS * width];
                let vectors = &centres.vectors[centre * width..][..S::TILE * width];
                if S::TILE == 4 {
                    tile::<S, 4>(width, rows, vectors, many, &mut scores[row * many + centre..]);
                } else {
                    tile::<S, 2>(width, rows, vectors, many, &mut scores[row * many + centre..]);
                }
            }
        }
        for (row, (vector, scores)) in rows.chunks_exact(width).zip(scores.chunks_exact_mut(many)).enumerate()
        {
            let begin = if row < rows_in_tiles { in_tiles } else { 0 };
            for (centre, score) in scores.iter_mut().enumerate().skip(begin) {
                *score = dot::<S>(vector, centres.get(centre));
            }
            for (score, half_square) in scores.iter_mut().zip(&centres.half_squares) {
                *score -= half_square;
            }
        }
    }
}

/// The dot products of [`ROWS`] rows and `TILE` centres, to their places in `scores`.
#[inline(always)]
fn tile<S: Simd, const TILE: usize>(
    width: usize,
    rows: &[f32],
    centres: &[f32],
    many: usize,
    scores: &mut [f32],
) {
    let steps = width / LANES;
    let (rows, _) = rows.as_chunks::<LANES>();
    let (centres, _) = centres.as_chunks::<LANES>();
    let mut sums = [[[0.0; LANES]; TILE]; ROWS];
    for at in 0..steps {
        for centre in 0..TILE {
            let vector = &centres[centre * steps + at];
            for row in 0..ROWS {
                let sums = &mut sums[row][centre];
                *sums = S::multiply_add_all(&rows[row * steps + at], vector, sums);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        for (centre, lanes) in sums.iter().enumerate() {
            scores[row * many + centre] = sum(*lanes);
        }
    }
}

#[inline(always)]
fn dot<S: Simd>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (a, _) = a.as_chunks::<LANES>();
    let (b, _) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        sums = S::multiply_add_all(a, b, &sums);
    }
    sum(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_finds_the_nearest_centre_of_every_row() {
        #[track_caller]
        fn check(rows: usize, centres: usize) {
            let width = 64;
            let numbers = |count: usize, seed: usize| -> Vec<f32> {
                (0..count * width).map(|at| ((at * 7919 + seed * 104_729) % 1009) as f32 / 1009.0).collect()
            };
            let (rows, centres) = (numbers(rows, 1), numbers(centres, 2));
            let far = |row: &[f32], centre: &[f32]| -> f32 {
                row.iter().zip(centre).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let all = Centres::new(width, centres.clone());
            for level in Level::all() {
                let found = all.nearest(level, &rows, &mut Vec::new());
                assert_eq!(found.len(), rows.len() / width);
                for (row, (centre, score)) in rows.chunks_exact(width).zip(found) {
                    let least = centres.chunks_exact(width).map(|it| far(row, it)).fold(f32::MAX, f32::min);
                    assert!((far(row, all.get(centre as usize)) - least).abs() < 1e-3, "{level:?}");
                    let square: f32 = row.iter().map(|it| it * it).sum();
                    assert!((square - 2.0 * score - least).abs() < 1e-3, "{level:?}");
                }
            }
        }
        for rows in [0, 1, 2, 5] {
            for centres in [1, 2, 3, 4, 7, 9] {
                check(rows, centres);
            }
        }
    }
}
