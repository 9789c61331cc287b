//! Centres as they are kept: a byte a number and what to multiply it with.
//!
//! They are read by every search, and a fourth of the bytes is a fourth of the wait. Rows are coded
//! against the centre as it is read, so nothing is lost but a little of where it lies.

use super::simd::{Kernel, Level, Simd};

/// A vector as multiples of the number that is answered.
pub fn narrow(vector: &[f32], bytes: &mut [i8]) -> f32 {
    let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let unit = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    for (byte, value) in bytes.iter_mut().zip(vector) {
        *byte = (value / unit).round() as i8;
    }
    unit
}

/// A vector in full again.
pub fn widen(bytes: &[i8], unit: f32, vector: &mut [f32]) {
    for (value, byte) in vector.iter_mut().zip(bytes) {
        *value = f32::from(*byte) * unit;
    }
}

/// The dot products of a query and some rows, all of them as multiples.
pub fn score(level: Level, query: &[i16], rows: &[&[i8]], products: &mut Vec<i32>) {
    level.run(Score { query, rows, products });
}

/// How many rows ahead are fetched while one is scored.
const AHEAD: usize = 4;

struct Score<'a> {
    query: &'a [i16],
    rows: &'a [&'a [i8]],
    products: &'a mut Vec<i32>,
}

impl Kernel for Score<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(next) = self.rows.get(at + AHEAD) {
                S::prefetch(next);
            }
            self.products.push(S::dot(self.query, row));
        }
    }
}
