//! AVX2 with FMA, which nearly every x86-64 processor has, and with AVX-VNNI, which newer ones add.
// As `simd` says, the processor has the set and pointers are good for a vector.
#![allow(unsafe_op_in_unsafe_fn)]

use std::arch::x86_64::*;

use super::{Kernel, Simd};

/// 8 floats a vector, 16 vectors; `VNNI` says whether bytes have a dot product of their own.
#[derive(Clone, Copy, Debug)]
pub struct Avx2<const VNNI: bool>;

#[target_feature(enable = "avx2,fma")]
unsafe fn compiled<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2<false>>()
}

#[target_feature(enable = "avx2,fma,avxvnni")]
unsafe fn compiled_with_vnni<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2<true>>()
}

impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type Floats = __m256;
    type Sums = __m256i;

    const LANES: usize = 8;
    const PANEL: usize = 2;

    unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
        if VNNI { compiled_with_vnni(kernel) } else { compiled(kernel) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m256 {
        _mm256_set1_ps(value)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> __m256 {
        _mm256_loadu_ps(from)
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, floats: __m256) {
        _mm256_storeu_ps(to, floats);
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        _mm256_add_ps(a, b)
    }

    #[inline(always)]
    unsafe fn multiply(a: __m256, b: __m256) -> __m256 {
        _mm256_mul_ps(a, b)
    }

    #[inline(always)]
    unsafe fn divide(a: __m256, b: __m256) -> __m256 {
        _mm256_div_ps(a, b)
    }

    #[inline(always)]
    unsafe fn larger(a: __m256, b: __m256) -> __m256 {
        _mm256_max_ps(a, b)
    }

    #[inline(always)]
    unsafe fn smaller(a: __m256, b: __m256) -> __m256 {
        _mm256_min_ps(a, b)
    }

    #[inline(always)]
    unsafe fn multiply_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        _mm256_fmadd_ps(a, b, c)
    }

    #[inline(always)]
    unsafe fn round(a: __m256) -> __m256 {
        _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a)
    }

    #[inline(always)]
    unsafe fn power_of_two(whole: __m256) -> __m256 {
        let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
        _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
    }

    #[inline(always)]
    unsafe fn store_bytes(to: *mut u8, floats: __m256) {
        let whole = _mm256_cvtps_epi32(floats);
        let (low, high) = (_mm256_castsi256_si128(whole), _mm256_extracti128_si256::<1>(whole));
        let words = _mm_packus_epi32(low, high);
        _mm_storel_epi64(to.cast(), _mm_packus_epi16(words, words));
    }

    #[inline(always)]
    unsafe fn no_sums() -> __m256i {
        _mm256_setzero_si256()
    }

    #[inline(always)]
    unsafe fn add_dot(sums: __m256i, bytes: *const u8, weights: *const i8) -> __m256i {
        let bytes = _mm256_set1_epi32(bytes.cast::<i32>().read_unaligned());
        let weights = _mm256_loadu_si256(weights.cast());
        if VNNI {
            return _mm256_dpbusd_avx_epi32(sums, bytes, weights);
        }
        // The instruction for bytes saturates, so even and odd bytes are multiplied as words.
        let even = _mm256_madd_epi16(
            _mm256_and_si256(bytes, _mm256_set1_epi16(0xff)),
            _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(weights)),
        );
        let odd = _mm256_madd_epi16(_mm256_srli_epi16::<8>(bytes), _mm256_srai_epi16::<8>(weights));
        _mm256_add_epi32(sums, _mm256_add_epi32(even, odd))
    }

    #[inline(always)]
    unsafe fn floats(sums: __m256i) -> __m256 {
        _mm256_cvtepi32_ps(sums)
    }
}
