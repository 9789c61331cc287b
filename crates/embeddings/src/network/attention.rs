//! Attention of the pieces of each text to each other, in floats.
#![allow(unsafe_code)]

use super::tile::{Matrix, ROWS, float_tile, with_shape};
use super::{HEAD_WIDTH, HEADS, WIDTH};
use crate::simd::{Kernel, Simd, exponential};

/// A row has a query, a key and a value.
const STRIDE: usize = 3 * WIDTH;
/// Below every score: its exponential is nothing.
const NOTHING: f32 = -1e30;

/// Attends, text by text and head by head.
pub struct Attention<'a> {
    /// How many rows each text has.
    pub lengths: &'a [usize],
    /// Rows of queries, keys and values.
    pub input: &'a [f32],
    /// Rows of what each piece took from the others.
    pub output: &'a mut [f32],
}

impl Kernel for Attention<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let rows: usize = self.lengths.iter().sum();
        assert!(
            self.input.len() >= rows * STRIDE && self.output.len() >= rows * WIDTH,
            "a place for every row"
        );
        let longest = self.lengths.iter().copied().max().unwrap_or(0).next_multiple_of(S::LANES);
        let mut keys = vec![0.0; HEAD_WIDTH * longest];
        let mut scores = vec![0.0; ROWS * longest];
        let mut first = 0;
        for length in self.lengths {
            for head in 0..HEADS {
                let head = Head {
                    length: *length,
                    padded: length.next_multiple_of(S::LANES),
                    input: self.input[first * STRIDE..].as_ptr().wrapping_add(head * HEAD_WIDTH),
                    output: self.output[first * WIDTH..].as_mut_ptr().wrapping_add(head * HEAD_WIDTH),
                };
                // SAFETY: the text's rows are within input and output, whose sizes were checked;
                // `keys` and `scores` have room for the longest text.
                unsafe { head.attend::<S>(&mut keys, &mut scores) }
            }
            first += length;
        }
    }
}

/// One head of one text.
struct Head {
    length: usize,
    /// The length in whole vectors.
    padded: usize,
    /// The first query.
    input: *const f32,
    output: *mut f32,
}

impl Head {
    #[inline(always)]
    unsafe fn attend<S: Simd>(&self, keys: &mut [f32], scores: &mut [f32]) {
        // SAFETY: as the caller says, rows are within the matrices and the buffers large enough.
        unsafe {
            self.turn_keys(keys);
            for first in (0..self.length).step_by(ROWS) {
                let rows = ROWS.min(self.length - first);
                self.score::<S>(first, rows, keys, scores);
                let mut sums = [0.0; ROWS];
                for (row, sum) in sums.iter_mut().enumerate().take(rows) {
                    *sum = soften::<S>(&mut scores[row * self.padded..][..self.padded], self.length);
                }
                let vectors = HEAD_WIDTH / S::LANES;
                let step = vectors.min(S::PANEL).min(2);
                for vector in (0..vectors).step_by(step) {
                    let column = vector * S::LANES;
                    with_shape!(rows, step, weigh::<S>(self, scores, &sums, first, column));
                }
            }
        }
    }

    /// Writes the keys column by column, so that a vector holds one number of many keys.
    #[inline(always)]
    unsafe fn turn_keys(&self, keys: &mut [f32]) {
        for row in 0..self.length {
            for column in 0..HEAD_WIDTH {
                // SAFETY: as the caller says, the row is within the input.
                keys[column * self.padded + row] = unsafe { *self.input.add(row * STRIDE + WIDTH + column) };
            }
        }
    }

    /// Multiplies some queries with all keys.
    #[inline(always)]
    unsafe fn score<S: Simd>(&self, first: usize, rows: usize, keys: &[f32], scores: &mut [f32]) {
        let vectors = self.padded / S::LANES;
        let mut vector = 0;
        while vector < vectors {
            let left = vectors - vector;
            let step = if left >= S::PANEL {
                S::PANEL
            } else if left >= 2 {
                2
            } else {
                1
            };
            let column = vector * S::LANES;
            // SAFETY: as the caller says, rows are within the matrices; the keys are padded.
            unsafe { with_shape!(rows, step, score_tile::<S>(self, first, column, keys, scores)) }
            vector += step;
        }
    }
}

#[inline(always)]
unsafe fn score_tile<S: Simd, const R: usize, const P: usize>(
    head: &Head,
    first: usize,
    column: usize,
    keys: &[f32],
    scores: &mut [f32],
) {
    // SAFETY: as the caller says, rows and columns are within the matrices.
    unsafe {
        let queries = Matrix { begin: head.input.add(first * STRIDE), stride: STRIDE };
        let keys = Matrix { begin: keys.as_ptr().add(column), stride: head.padded };
        let sums = float_tile::<S, R, P>(queries, keys, HEAD_WIDTH);
        for (row, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let at = row * head.padded + column + vector * S::LANES;
                S::store(scores.as_mut_ptr().add(at), *sum);
            }
        }
    }
}

/// Turns scores into weights that are not yet divided by their sum, which it answers.
#[inline(always)]
unsafe fn soften<S: Simd>(scores: &mut [f32], length: usize) -> f32 {
    scores[length..].fill(NOTHING);
    // SAFETY: the scores are a whole number of vectors.
    unsafe {
        let begin = scores.as_mut_ptr();
        let mut largest = S::load(begin);
        for at in (S::LANES..scores.len()).step_by(S::LANES) {
            largest = S::larger(largest, S::load(begin.add(at)));
        }
        let minus_largest = S::splat(-S::largest(largest));
        let mut sum = S::splat(0.0);
        for at in (0..scores.len()).step_by(S::LANES) {
            let weight = exponential::<S>(S::add(S::load(begin.add(at)), minus_largest));
            S::store(begin.add(at), weight);
            sum = S::add(sum, weight);
        }
        S::sum(sum)
    }
}

/// Adds up the values by their weights.
#[inline(always)]
unsafe fn weigh<S: Simd, const R: usize, const P: usize>(
    head: &Head,
    scores: &[f32],
    sums: &[f32; ROWS],
    first: usize,
    column: usize,
) {
    // SAFETY: as the caller says, rows and columns are within the matrices.
    unsafe {
        let weights = Matrix { begin: scores.as_ptr(), stride: head.padded };
        let values = Matrix { begin: head.input.add(2 * WIDTH + column), stride: STRIDE };
        let tile = float_tile::<S, R, P>(weights, values, head.length);
        for (row, tile) in tile.iter().enumerate() {
            let factor = S::splat(1.0 / sums[row]);
            for (vector, value) in tile.iter().enumerate() {
                let at = (first + row) * WIDTH + column + vector * S::LANES;
                S::store(head.output.add(at), S::multiply(*value, factor));
            }
        }
    }
}
