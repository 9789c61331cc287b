//! The innermost loops of a matrix product: some rows by a few vectors of columns, in registers.
#![allow(unsafe_code)]
// Plain counters unroll into registers; `enumerate` over the sums keeps them in memory at times.
#![allow(clippy::needless_range_loop)]

use crate::simd::Simd;

/// How many rows a tile has at most: with [`Simd::PANEL`] vectors each they fill the registers.
pub const ROWS: usize = 6;

/// Calls `$tile::<S, R, P>($arguments)` with the number of rows and vectors as constants.
macro_rules! with_shape {
    ($rows:expr, $vectors:expr, $call:ident::<$S:ident>($($argument:expr),* $(,)?)) => {
        match ($rows, $vectors) {
            (1, 1) => $call::<$S, 1, 1>($($argument),*),
            (2, 1) => $call::<$S, 2, 1>($($argument),*),
            (3, 1) => $call::<$S, 3, 1>($($argument),*),
            (4, 1) => $call::<$S, 4, 1>($($argument),*),
            (5, 1) => $call::<$S, 5, 1>($($argument),*),
            (6, 1) => $call::<$S, 6, 1>($($argument),*),
            (1, 2) => $call::<$S, 1, 2>($($argument),*),
            (2, 2) => $call::<$S, 2, 2>($($argument),*),
            (3, 2) => $call::<$S, 3, 2>($($argument),*),
            (4, 2) => $call::<$S, 4, 2>($($argument),*),
            (5, 2) => $call::<$S, 5, 2>($($argument),*),
            (6, 2) => $call::<$S, 6, 2>($($argument),*),
            (1, _) => $call::<$S, 1, 4>($($argument),*),
            (2, _) => $call::<$S, 2, 4>($($argument),*),
            (3, _) => $call::<$S, 3, 4>($($argument),*),
            (4, _) => $call::<$S, 4, 4>($($argument),*),
            (5, _) => $call::<$S, 5, 4>($($argument),*),
            _ => $call::<$S, 6, 4>($($argument),*),
        }
    };
}
pub(super) use with_shape;

/// A matrix somewhere in memory: where it begins, and how far its rows are apart.
#[derive(Clone, Copy)]
pub struct Matrix<T> {
    /// Its first element.
    pub begin: *const T,
    /// From one row's element to the next row's.
    pub stride: usize,
}

impl<T> Matrix<T> {
    #[inline(always)]
    pub unsafe fn at(self, row: usize, column: usize) -> *const T {
        // SAFETY: the caller's rows and columns are within the matrix.
        unsafe { self.begin.add(row * self.stride + column) }
    }
}

/// `R` rows of `left`, `depth` wide, times `P` vectors of columns of `right`.
#[inline(always)]
pub unsafe fn float_tile<S: Simd, const R: usize, const P: usize>(
    left: Matrix<f32>,
    right: Matrix<f32>,
    depth: usize,
) -> [[S::Floats; P]; R] {
    // SAFETY: the caller's matrices have these rows and columns.
    unsafe {
        let mut sums = [[S::splat(0.0); P]; R];
        for step in 0..depth {
            let mut columns = [S::splat(0.0); P];
            for (vector, columns) in columns.iter_mut().enumerate() {
                *columns = S::load(right.at(step, vector * S::LANES));
            }
            for row in 0..R {
                let factor = S::splat(*left.at(row, step));
                for vector in 0..P {
                    sums[row][vector] = S::multiply_add(factor, columns[vector], sums[row][vector]);
                }
            }
        }
        sums
    }
}

/// The same in bytes: four of a row's bytes at a time meet four weights of each column, which lie
/// side by side in `right`.
#[inline(always)]
pub unsafe fn byte_tile<S: Simd, const R: usize, const P: usize>(
    left: Matrix<u8>,
    right: Matrix<i8>,
    depth: usize,
) -> [[S::Sums; P]; R] {
    // SAFETY: the caller's matrices have these rows and columns.
    unsafe {
        let mut sums = [[S::no_sums(); P]; R];
        for step in 0..depth / 4 {
            for row in 0..R {
                for vector in 0..P {
                    let weights = right.at(step, vector * S::LANES * 4);
                    sums[row][vector] = S::add_dot(sums[row][vector], left.at(row, step * 4), weights);
                }
            }
        }
        sums
    }
}
