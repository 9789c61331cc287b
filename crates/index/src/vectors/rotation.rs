//! Turns vectors so that each of their numbers says about as much as any other.
//!
//! One bit a number keeps most of a vector whose numbers are spread alike, and little of one that
//! has a few large numbers or many zeros. A rotation spreads them and changes no cosine. This one
//! flips signs at random and then goes through a few stages that replace two neighbours by their
//! sum and their difference and shuffle, which costs `n log n`.
//!
//! Invariant: the rotation of a width is the same at all times; rotated vectors are in files.

use super::simd::{BLOCK, Kernel, LANES, Level, Simd};

/// Rotations have a multiple of this many numbers, so that kernels and codes need no remainders.
const MULTIPLE: usize = 64;
const _: () = assert!(MULTIPLE.is_multiple_of(LANES) && MULTIPLE.is_multiple_of(BLOCK));

/// The rotation of an index.
#[derive(Debug)]
pub struct Rotation {
    dimensions: usize,
    signs: Vec<f32>,
    stages: u32,
}

impl Rotation {
    /// For vectors of so many numbers.
    pub fn new(dimensions: usize) -> Self {
        let width = dimensions.next_multiple_of(MULTIPLE);
        // SplitMix64; the seed is nothing in particular.
        let mut state = 0x243f_6a88_85a3_08d3_u64;
        let sign = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            if mixed >> 63 == 0 { 1.0 } else { -1.0 }
        };
        let signs = std::iter::repeat_with(sign).take(width).collect();
        // Each stage doubles how many numbers of the vector one of the result depends on.
        Self { dimensions, signs, stages: width.ilog2() + 1 }
    }

    /// How many numbers the vectors have.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// How many numbers they have when they are rotated.
    pub fn width(&self) -> usize {
        self.signs.len()
    }

    /// Rotates a vector and makes its length 1, into `rotated`, using as much of `scratch`.
    ///
    /// A vector without a direction, of zeros or with a number that is not finite, becomes zeros;
    /// then the answer is false.
    pub fn rotate(&self, level: Level, vector: &[f32], rotated: &mut [f32], scratch: &mut [f32]) -> bool {
        assert!(rotated.len() == self.width() && scratch.len() == self.width());
        assert_eq!(vector.len(), self.dimensions, "vectors of other lengths were refused before");
        level.run(Rotate { rotation: self, vector, rotated, scratch })
    }
}

struct Rotate<'a> {
    rotation: &'a Rotation,
    vector: &'a [f32],
    rotated: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl Kernel for Rotate<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self) -> bool {
        let Self { rotation, vector, rotated, scratch } = self;
        let scale = (square_sum(vector) * f64::from(2.0_f32.powi(rotation.stages as i32))).sqrt().recip();
        if !scale.is_finite() || scale == 0.0 {
            rotated.fill(0.0);
            return false;
        }
        let (mut from, mut to) = (rotated, scratch);
        if !rotation.stages.is_multiple_of(2) {
            std::mem::swap(&mut from, &mut to);
        }
        from[vector.len()..].fill(0.0);
        let narrow = scale as f32;
        if narrow.is_normal() {
            for ((place, value), sign) in from.iter_mut().zip(vector).zip(&rotation.signs) {
                *place = *value * (*sign * narrow);
            }
        } else {
            for ((place, value), sign) in from.iter_mut().zip(vector).zip(&rotation.signs) {
                *place = (f64::from(*value) * scale) as f32 * *sign;
            }
        }
        for _ in 0..rotation.stages {
            stage(from, to);
            std::mem::swap(&mut from, &mut to);
        }
        true
    }
}

/// The square of the length; of floats it never overflows.
#[inline(always)]
fn square_sum(vector: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = vector.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    let mut sum = 0.0;
    for lane in sums {
        sum += lane;
    }
    for value in rest {
        sum += f64::from(*value) * f64::from(*value);
    }
    sum
}

/// The sums of neighbours into the first half, their differences into the second.
#[inline(always)]
fn stage(from: &[f32], to: &mut [f32]) {
    let (sums, differences) = to.split_at_mut(from.len() / 2);
    let (pairs, _) = from.as_chunks::<2>();
    for ((pair, sum), difference) in pairs.iter().zip(sums).zip(differences) {
        *sum = pair[0] + pair[1];
        *difference = pair[0] - pair[1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotated(rotation: &Rotation, vector: &[f32]) -> Vec<f32> {
        let (mut rotated, mut scratch) = (vec![0.0; rotation.width()], vec![0.0; rotation.width()]);
        rotation.rotate(Level::detect(), vector, &mut rotated, &mut scratch);
        rotated
    }

    fn dot(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn a_rotation_changes_no_cosine_and_spreads_every_number() {
        #[track_caller]
        fn check(dimensions: usize, width: usize) {
            let rotation = Rotation::new(dimensions);
            assert_eq!(rotation.width(), width);
            let axes: Vec<Vec<f32>> = (0..dimensions)
                .map(|axis| {
                    let mut vector = vec![0.0; dimensions];
                    vector[axis] = 7.0;
                    rotated(&rotation, &vector)
                })
                .collect();
            for (number, axis) in axes.iter().enumerate() {
                assert!((dot(axis, axis) - 1.0).abs() < 1e-5);
                let largest = axis.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
                assert!(largest < 3.1 / (width as f32).sqrt(), "{dimensions}: {largest}");
                for other in &axes[..number] {
                    assert!(dot(axis, other).abs() < 1e-5, "{dimensions}");
                }
            }
        }
        for (dimensions, width) in [(1, 64), (64, 64), (100, 128), (300, 320), (384, 384), (768, 768)] {
            check(dimensions, width);
        }
    }

    #[test]
    fn vectors_of_any_length_become_units_and_those_without_a_direction_zeros() {
        let rotation = Rotation::new(3);
        for length in [1e-44, 1e-30, 1.0, 1e30, f32::MAX] {
            let unit = rotated(&rotation, &[length, 0.0, 0.0]);
            assert!((dot(&unit, &unit) - 1.0).abs() < 1e-5, "{length}");
        }
        for vector in [[0.0; 3], [f32::NAN, 1.0, 1.0], [f32::INFINITY, 1.0, 1.0]] {
            assert_eq!(rotated(&rotation, &vector), [0.0; 64], "{vector:?}");
        }
    }
}
