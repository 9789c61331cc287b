//! Any processor: plain arithmetic over small arrays, which the compiler turns into what there is.
// As `simd` says, pointers are good for a vector.
#![allow(unsafe_op_in_unsafe_fn)]

use super::{Kernel, Simd};

/// 4 floats a vector, as the processors have that are neither x86-64 nor very small.
#[derive(Clone, Copy, Debug)]
pub struct Portable;

type Floats = [f32; 4];

#[inline(always)]
fn each(a: Floats, b: Floats, join: impl Fn(f32, f32) -> f32) -> Floats {
    std::array::from_fn(|lane| join(a[lane], b[lane]))
}

impl Simd for Portable {
    type Floats = Floats;
    type Sums = [i32; 4];

    const LANES: usize = 4;
    const PANEL: usize = 2;

    unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Self>()
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Floats {
        [value; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Floats {
        from.cast::<Floats>().read_unaligned()
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, floats: Floats) {
        to.cast::<Floats>().write_unaligned(floats);
    }

    #[inline(always)]
    unsafe fn add(a: Floats, b: Floats) -> Floats {
        each(a, b, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn multiply(a: Floats, b: Floats) -> Floats {
        each(a, b, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn divide(a: Floats, b: Floats) -> Floats {
        each(a, b, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn larger(a: Floats, b: Floats) -> Floats {
        each(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    unsafe fn smaller(a: Floats, b: Floats) -> Floats {
        each(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    unsafe fn multiply_add(a: Floats, b: Floats, c: Floats) -> Floats {
        // Not `mul_add`, which is a function call where the processor has no such instruction.
        std::array::from_fn(|lane| a[lane] * b[lane] + c[lane])
    }

    #[inline(always)]
    unsafe fn round(a: Floats) -> Floats {
        a.map(f32::round_ties_even)
    }

    #[inline(always)]
    unsafe fn power_of_two(whole: Floats) -> Floats {
        whole.map(|whole| f32::from_bits(((whole as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, floats: Floats) {
        to.cast::<[u8; 4]>().write_unaligned(floats.map(|float| float.round_ties_even() as u8));
    }

    #[inline(always)]
    unsafe fn no_sums() -> [i32; 4] {
        [0; 4]
    }

    #[inline(always)]
    unsafe fn add_dot(sums: [i32; 4], bytes: *const u8, weights: *const i8) -> [i32; 4] {
        let bytes = bytes.cast::<[u8; 4]>().read_unaligned();
        let weights = weights.cast::<[[i8; 4]; 4]>().read_unaligned();
        std::array::from_fn(|lane| {
            let products =
                bytes.iter().zip(weights[lane]).map(|(byte, weight)| i32::from(*byte) * i32::from(weight));
            sums[lane] + products.sum::<i32>()
        })
    }

    #[inline(always)]
    unsafe fn floats(sums: [i32; 4]) -> Floats {
        sums.map(|sum| sum as f32)
    }
}
