//! What is done to each row alone: layer norm, and rounding to bytes.
#![allow(unsafe_code)]

use super::WIDTH;
use crate::simd::{Kernel, Simd};

/// As the model was trained.
const EPSILON: f32 = 1e-12;

/// Rows in bytes: a byte `b` stands for `low + scale × b`.
#[derive(Debug, Default)]
pub struct Quantised {
    pub bytes: Vec<u8>,
    pub scales: Vec<f32>,
    pub lows: Vec<f32>,
}

impl Quantised {
    /// Whether it has so many rows of this width.
    pub fn holds(&self, rows: usize, width: usize) -> bool {
        self.bytes.len() >= rows * width && self.scales.len() >= rows && self.lows.len() >= rows
    }
}

/// Rounds each row to bytes between its smallest and its largest value.
pub struct Quantise<'a> {
    /// The rows, one after the other.
    pub input: &'a [f32],
    /// How wide they are: a multiple of the vector's.
    pub width: usize,
    /// Where the bytes go.
    pub output: &'a mut Quantised,
}

impl Kernel for Quantise<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { input, width, output } = self;
        assert!(width.is_multiple_of(S::LANES), "rows are whole vectors");
        output.bytes.resize(input.len(), 0);
        output.scales.clear();
        output.lows.clear();
        for (row, bytes) in input.chunks_exact(width).zip(output.bytes.chunks_exact_mut(width)) {
            // SAFETY: both rows are `width` long, which is a whole number of vectors.
            let (scale, low) = unsafe { quantise::<S>(row, bytes) };
            output.scales.push(scale);
            output.lows.push(low);
        }
    }
}

#[inline(always)]
unsafe fn quantise<S: Simd>(row: &[f32], bytes: &mut [u8]) -> (f32, f32) {
    // SAFETY: as the caller says, both are as long and whole vectors.
    unsafe {
        let (mut low, mut high) = (S::load(row.as_ptr()), S::load(row.as_ptr()));
        for at in (S::LANES..row.len()).step_by(S::LANES) {
            let values = S::load(row.as_ptr().add(at));
            low = S::smaller(low, values);
            high = S::larger(high, values);
        }
        let (low, high) = (S::smallest(low), S::largest(high));
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        // x / scale − low / scale in one step; rounding may leave 0 to 255 by less than a half.
        let (factor, offset) = (S::splat(1.0 / scale), S::splat(-low / scale));
        for at in (0..row.len()).step_by(S::LANES) {
            let values = S::multiply_add(S::load(row.as_ptr().add(at)), factor, offset);
            S::store_bytes(bytes.as_mut_ptr().add(at), values);
        }
        (scale, low)
    }
}

/// Brings each row to mean 0 and variance 1, then to the learned weight and bias.
pub struct Norm<'a> {
    /// What each column is multiplied by.
    pub weight: &'a [f32],
    /// What is added to each column.
    pub bias: &'a [f32],
    /// The rows.
    pub states: &'a mut [f32],
}

impl Kernel for Norm<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        assert!(self.weight.len() == WIDTH && self.bias.len() == WIDTH, "as wide as the rows");
        for row in self.states.chunks_exact_mut(WIDTH) {
            // SAFETY: all three are `WIDTH` long, a whole number of vectors of any set.
            unsafe { norm::<S>(row, self.weight, self.bias) }
        }
    }
}

#[inline(always)]
unsafe fn norm<S: Simd>(row: &mut [f32], weight: &[f32], bias: &[f32]) {
    // SAFETY: as the caller says, all are `WIDTH` long.
    unsafe {
        let mut sum = S::splat(0.0);
        for at in (0..WIDTH).step_by(S::LANES) {
            sum = S::add(sum, S::load(row.as_ptr().add(at)));
        }
        let minus_mean = S::splat(-S::sum(sum) / WIDTH as f32);
        let mut squares = S::splat(0.0);
        for at in (0..WIDTH).step_by(S::LANES) {
            let value = S::add(S::load(row.as_ptr().add(at)), minus_mean);
            squares = S::multiply_add(value, value, squares);
        }
        let factor = S::splat(1.0 / (S::sum(squares) / WIDTH as f32 + EPSILON).sqrt());
        for at in (0..WIDTH).step_by(S::LANES) {
            let value = S::multiply(S::add(S::load(row.as_ptr().add(at)), minus_mean), factor);
            let value =
                S::multiply_add(value, S::load(weight.as_ptr().add(at)), S::load(bias.as_ptr().add(at)));
            S::store(row.as_mut_ptr().add(at), value);
        }
    }
}
