//! Any processor: plain arithmetic over small arrays, which the compiler turns into what there is.

use super::{BLOCK, LANES, Simd, TABLE};

/// No instruction set in particular.
#[derive(Clone, Copy)]
pub struct Portable;

/// What takes the exponent of a half-precision number, 15 too large, to that of a full one.
const EXPONENTS_APART: f32 = f32::from_bits((127 + 112) << 23);

impl Simd for Portable {
    const TILE: usize = 2;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        // Not `mul_add`, which is a function call where the processor has no such instruction.
        a * b + c
    }

    #[inline(always)]
    fn multiply_add_all(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    fn dot(a: &[i16], b: &[i8]) -> i32 {
        a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
    }

    #[inline(always)]
    fn widen(halves: &[u16; LANES]) -> [f32; LANES] {
        halves.map(|half| {
            let magnitude = f32::from_bits(u32::from(half & 0x7fff) << 13) * EXPONENTS_APART;
            f32::from_bits(magnitude.to_bits() | u32::from(half & 0x8000) << 16)
        })
    }

    #[inline(always)]
    fn narrow(floats: &[f32; LANES]) -> [u16; LANES] {
        floats.map(|float| {
            let magnitude = (float.abs() / EXPONENTS_APART).to_bits();
            let rounded = (magnitude + 0x0fff + (magnitude >> 13 & 1)) >> 13;
            (rounded | float.to_bits() >> 16 & 0x8000) as u16
        })
    }

    #[inline(always)]
    fn at_least(floats: &[f32; LANES], bound: f32) -> u16 {
        let bits = floats.iter().enumerate().map(|(lane, float)| u16::from(*float >= bound) << lane);
        bits.fold(0, |all, bit| all | bit)
    }

    #[inline(always)]
    fn prefetch<T>(_: &[T]) {}

    #[inline(always)]
    fn look_up(codes: &[u8], tables: &[u8]) -> [u16; BLOCK] {
        let mut sums = [0; BLOCK];
        let (pairs, _) = codes.as_chunks::<{ 2 * BLOCK }>();
        let (tables, _) = tables.as_chunks::<{ 2 * TABLE }>();
        for (pair, tables) in pairs.iter().zip(tables) {
            for column in 0..2 {
                let (low, high) = (&tables[column * 32..][..16], &tables[64 + column * 32..][..16]);
                for (sum, byte) in sums.iter_mut().zip(&pair[column * BLOCK..][..BLOCK]) {
                    let of_halves = low[usize::from(byte & 15)] + high[usize::from(byte >> 4)];
                    *sum += u16::from(of_halves);
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn sum_where(bits: &[u8], bytes: &[u8]) -> u32 {
        let (bytes, _) = bytes.as_chunks::<8>();
        let mut sum = 0;
        for (bits, bytes) in bits.iter().zip(bytes) {
            for (place, byte) in bytes.iter().enumerate() {
                sum += u32::from(*byte) * u32::from(bits >> place & 1);
            }
        }
        sum
    }
}
