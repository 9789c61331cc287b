//! Rows times weights plus bias, in floats or in bytes.
//!
//! Weights are laid out once, in panels as wide as a tile, so that the innermost loop reads them
//! from the first byte to the last. In bytes, a weight is symmetric with one scale for each output,
//! and an input asymmetric with one scale and low end for each row; sums are exact, so the only
//! loss is that of rounding to bytes.
#![allow(unsafe_code)]

use super::rows::Quantised;
use super::tile::{Matrix, ROWS, byte_tile, float_tile, with_shape};
use crate::simd::{Kernel, Level, Simd};

/// What becomes of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It replaces the output.
    Store,
    /// Its GELU replaces the output.
    Gelu,
    /// It is added to the output.
    Add,
}

/// A layer's weights and bias.
pub struct Dense {
    inputs: usize,
    bias: Vec<f32>,
    weights: Layout,
}

enum Layout {
    /// Panel after panel, input after input, the outputs of the panel.
    Floats(Vec<f32>),
    /// Panel after panel, four inputs after four, for each output of the panel its four weights.
    Bytes {
        weights: Vec<i8>,
        /// What a weight of 1 stands for, for each output.
        scales: Vec<f32>,
        /// The sum of each output's weights, scaled: what an input row's low end is multiplied by.
        sums: Vec<f32>,
    },
}

impl Dense {
    /// Lays out weights that are given row by row, a row for each output.
    pub fn new(weights: &[f32], bias: Vec<f32>, quantised: bool, level: Level) -> Self {
        let inputs = weights.len() / bias.len().max(1);
        let panel = level.panel_width();
        assert!(
            inputs.is_multiple_of(4) && bias.len().is_multiple_of(panel),
            "the model's sizes are whole panels"
        );
        let outputs = bias.len();
        let layout = if quantised {
            Layout::bytes(weights, inputs, panel)
        } else {
            let order = (0..outputs / panel).flat_map(|at| {
                (0..inputs).flat_map(move |input| {
                    (0..panel).map(move |column| (at * panel + column) * inputs + input)
                })
            });
            Layout::Floats(order.map(|index| weights[index]).collect())
        };
        Self { inputs, bias, weights: layout }
    }

    /// How wide a row is that it takes.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Whether it takes bytes.
    pub fn is_quantised(&self) -> bool {
        matches!(self.weights, Layout::Bytes { .. })
    }
}

impl Layout {
    fn bytes(weights: &[f32], inputs: usize, panel: usize) -> Self {
        let (mut scales, mut sums) = (Vec::new(), Vec::new());
        let mut bytes = Vec::with_capacity(weights.len());
        for row in weights.chunks_exact(inputs) {
            let largest = row.iter().fold(f32::MIN_POSITIVE, |largest, weight| largest.max(weight.abs()));
            let scale = largest / 127.0;
            let begin = bytes.len();
            bytes.extend(row.iter().map(|weight| (weight / scale).round_ties_even() as i8));
            let sum: i32 = bytes[begin..].iter().map(|byte| i32::from(*byte)).sum();
            scales.push(scale);
            sums.push(sum as f32 * scale);
        }
        let outputs = scales.len();
        let order = (0..outputs / panel).flat_map(|at| {
            (0..inputs / 4).flat_map(move |four| {
                (0..panel * 4).map(move |place| (at * panel + place / 4) * inputs + four * 4 + place % 4)
            })
        });
        Self::Bytes { weights: order.map(|index| bytes[index]).collect(), scales, sums }
    }
}

/// Multiplies rows by weights.
pub struct Product<'a> {
    /// The weights.
    pub dense: &'a Dense,
    /// The rows, for weights in floats.
    pub input: &'a [f32],
    /// The rows, for weights in bytes.
    pub quantised: &'a Quantised,
    /// What becomes of the product.
    pub finish: Finish,
    /// As many rows as the input has.
    pub output: &'a mut [f32],
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (inputs, outputs) = (self.dense.inputs, self.dense.bias.len());
        let rows = self.input.len() / inputs;
        assert!(self.output.len() >= rows * outputs, "the output has a place for every row");
        if self.dense.is_quantised() {
            assert!(self.quantised.holds(rows, inputs), "every row was quantised");
        }
        let output = self.output.as_mut_ptr();
        let panel = S::LANES * S::PANEL;
        for first_column in (0..outputs).step_by(panel) {
            for first_row in (0..rows).step_by(ROWS) {
                let count = ROWS.min(rows - first_row);
                let output = output.wrapping_add(first_row * outputs + first_column);
                let place = Place { first_row, first_column, output };
                // SAFETY: the rows and columns are within the matrices, whose sizes were checked
                // above and, for the weights, when they were laid out.
                unsafe { with_shape!(count, S::PANEL, part::<S>(&self, place)) }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    first_row: usize,
    first_column: usize,
    /// Where the tile goes.
    output: *mut f32,
}

/// One tile of the product.
#[inline(always)]
unsafe fn part<S: Simd, const R: usize, const P: usize>(product: &Product, place: Place) {
    let Place { first_row, first_column, output } = place;
    let dense = product.dense;
    let (inputs, outputs) = (dense.inputs, dense.bias.len());
    // SAFETY: as the caller says, rows and columns are within the matrices.
    unsafe {
        let bias = dense.bias.as_ptr().add(first_column);
        match &dense.weights {
            Layout::Floats(weights) => {
                let left = Matrix { begin: product.input.as_ptr().add(first_row * inputs), stride: inputs };
                let begin = weights.as_ptr().add(first_column * inputs);
                let right = Matrix { begin, stride: P * S::LANES };
                let sums = float_tile::<S, R, P>(left, right, inputs);
                for (row, sums) in sums.iter().enumerate() {
                    for (vector, sum) in sums.iter().enumerate() {
                        let column = vector * S::LANES;
                        let value = S::add(*sum, S::load(bias.add(column)));
                        finish::<S>(product.finish, output.add(row * outputs + column), value);
                    }
                }
            }
            Layout::Bytes { weights, scales, sums: column_sums } => {
                let quantised = product.quantised;
                let begin = quantised.bytes.as_ptr().add(first_row * inputs);
                let left = Matrix { begin, stride: inputs };
                let begin = weights.as_ptr().add(first_column * inputs);
                let right = Matrix { begin, stride: P * S::LANES * 4 };
                let sums = byte_tile::<S, R, P>(left, right, inputs);
                for (row, sums) in sums.iter().enumerate() {
                    let scale = S::splat(*quantised.scales.as_ptr().add(first_row + row));
                    let low = S::splat(*quantised.lows.as_ptr().add(first_row + row));
                    for (vector, sum) in sums.iter().enumerate() {
                        let column = vector * S::LANES;
                        let at = first_column + column;
                        let offset = S::load(column_sums.as_ptr().add(at));
                        let offset = S::multiply_add(low, offset, S::load(bias.add(column)));
                        let scale = S::multiply(scale, S::load(scales.as_ptr().add(at)));
                        let value = S::multiply_add(S::floats(*sum), scale, offset);
                        finish::<S>(product.finish, output.add(row * outputs + column), value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn finish<S: Simd>(finish: Finish, output: *mut f32, value: S::Floats) {
    // SAFETY: as the caller says, the output has a vector here.
    unsafe {
        match finish {
            Finish::Store => S::store(output, value),
            Finish::Gelu => S::store(output, crate::simd::gelu::<S>(value)),
            Finish::Add => S::store(output, S::add(S::load(output), value)),
        }
    }
}
