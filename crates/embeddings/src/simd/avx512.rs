//! AVX-512 with VNNI: Intel from Cascade Lake on, AMD from Zen 4 on.
// As `simd` says, the processor has the set and pointers are good for a vector.
#![allow(unsafe_op_in_unsafe_fn)]

use std::arch::x86_64::*;

use super::{Kernel, Simd};

/// 16 floats a vector, 32 vectors.
#[derive(Clone, Copy, Debug)]
pub struct Avx512;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,avx2,fma")]
unsafe fn compiled<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

impl Simd for Avx512 {
    type Floats = __m512;
    type Sums = __m512i;

    const LANES: usize = 16;
    const PANEL: usize = 4;

    unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
        compiled(kernel)
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        _mm512_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m512 {
        _mm512_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, floats: __m512) {
        _mm512_storeu_ps(to, floats);
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        _mm512_add_ps(a, b)
    }

    #[inline(always)]
    unsafe fn multiply(a: __m512, b: __m512) -> __m512 {
        _mm512_mul_ps(a, b)
    }

    #[inline(always)]
    unsafe fn divide(a: __m512, b: __m512) -> __m512 {
        _mm512_div_ps(a, b)
    }

    #[inline(always)]
    unsafe fn larger(a: __m512, b: __m512) -> __m512 {
        _mm512_max_ps(a, b)
    }

    #[inline(always)]
    unsafe fn smaller(a: __m512, b: __m512) -> __m512 {
        _mm512_min_ps(a, b)
    }

    #[inline(always)]
    unsafe fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        _mm512_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    unsafe fn round(a: __m512) -> __m512 {
        _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
    }

    #[inline(always)]
    unsafe fn power_of_two(whole: __m512) -> __m512 {
        _mm512_scalef_ps(_mm512_set1_ps(1.0), whole)
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, floats: __m512) {
        _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(floats)));
    }

    #[inline(always)]
    unsafe fn no_sums() -> __m512i {
        _mm512_setzero_si512()
    }

    #[inline(always)]
    unsafe fn add_dot(sums: __m512i, bytes: *const u8, weights: *const i8) -> __m512i {
        let bytes = _mm512_set1_epi32(bytes.cast::<i32>().read_unaligned());
        _mm512_dpbusd_epi32(sums, bytes, _mm512_loadu_si512(weights.cast()))
    }

    #[inline(always)]
    unsafe fn floats(sums: __m512i) -> __m512 {
        _mm512_cvtepi32_ps(sums)
    }
}
