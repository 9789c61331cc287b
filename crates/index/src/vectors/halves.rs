//! Rotated vectors as they are kept: in half precision, row after row.
//!
//! Half precision costs a cosine about 1e-5 and halves what exact scoring reads from memory.
//!
//! Invariant: what is answered as a similarity was computed here, from the query in full.

use super::simd::{Kernel, LANES, Level, Simd, sum};

/// How many rows ahead are fetched while one is scored.
const AHEAD: usize = 4;

/// The cosines of a query with some rows, added to `similarities` in their order.
pub fn score(level: Level, query: &[f32], rows: &[&[u16]], similarities: &mut Vec<f32>) {
    level.run(Score { query, rows, similarities });
}

/// Rounds a vector to half precision.
pub fn narrow(level: Level, vector: &[f32], halves: &mut [u16]) {
    level.run(Narrow { vector, halves });
}

/// A vector in full again.
pub fn widen(level: Level, halves: &[u16], vector: &mut [f32]) {
    level.run(Widen { halves, vector });
}

struct Score<'a> {
    query: &'a [f32],
    rows: &'a [&'a [u16]],
    similarities: &'a mut Vec<f32>,
}

impl Kernel for Score<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        for row in self.rows.iter().take(AHEAD) {
            S::prefetch(row);
        }
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(next) = self.rows.get(at + AHEAD) {
                S::prefetch(next);
            }
            self.similarities.push(dot::<S>(self.query, row));
        }
    }
}

#[inline(always)]
fn dot<S: Simd>(query: &[f32], row: &[u16]) -> f32 {
    let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
    let (query, _) = query.as_chunks::<{ 2 * LANES }>();
    let (row, _) = row.as_chunks::<{ 2 * LANES }>();
    for (query, row) in query.iter().zip(row) {
        let (query, _) = query.as_chunks::<LANES>();
        let (row, _) = row.as_chunks::<LANES>();
        even = S::multiply_add_all(&query[0], &S::widen(&row[0]), &even);
        odd = S::multiply_add_all(&query[1], &S::widen(&row[1]), &odd);
    }
    for lane in 0..LANES {
        even[lane] += odd[lane];
    }
    sum(even)
}

struct Narrow<'a> {
    vector: &'a [f32],
    halves: &'a mut [u16],
}

impl Kernel for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (vector, _) = self.vector.as_chunks::<LANES>();
        let (halves, _) = self.halves.as_chunks_mut::<LANES>();
        for (vector, halves) in vector.iter().zip(halves) {
            *halves = S::narrow(vector);
        }
    }
}

struct Widen<'a> {
    halves: &'a [u16],
    vector: &'a mut [f32],
}

impl Kernel for Widen<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (vector, _) = self.vector.as_chunks_mut::<LANES>();
        let (halves, _) = self.halves.as_chunks::<LANES>();
        for (vector, halves) in vector.iter_mut().zip(halves) {
            *vector = S::widen(halves);
        }
    }
}
