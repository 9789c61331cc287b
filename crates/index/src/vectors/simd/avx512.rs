//! AVX-512 with BW, DQ and VL: Intel from Skylake-X, AMD from Zen 4 on.
// As `simd` says, the processor has the set.

use std::arch::x86_64::*;
use std::mem::transmute;

use super::{BLOCK, COLUMNS, Kernel, LANES, Simd, TABLE};

/// 64 bytes a vector, 32 vectors.
#[derive(Clone, Copy)]
pub struct Avx512;

/// Runs a kernel compiled for this set.
///
/// # Safety
/// The processor must have it.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,bmi2,popcnt")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512>()
}

impl Simd for Avx512 {
    const TILE: usize = 4;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn multiply_add_all(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
        // SAFETY: the arrays have the size of the vector.
        unsafe {
            let [a, b, c]: [__m512; 3] = transmute([*a, *b, *c]);
            transmute(_mm512_fmadd_ps(a, b, c))
        }
    }

    #[inline(always)]
    fn dot(a: &[i16], b: &[i8]) -> i32 {
        let (a, _) = a.as_chunks::<{ 2 * LANES }>();
        let (b, _) = b.as_chunks::<{ 2 * LANES }>();
        // SAFETY: a vector is read from as many numbers.
        unsafe {
            let mut sums = _mm512_setzero_si512();
            for (a, b) in a.iter().zip(b) {
                let b = _mm512_cvtepi8_epi16(_mm256_loadu_si256(b.as_ptr().cast()));
                let products = _mm512_madd_epi16(_mm512_loadu_si512(a.as_ptr().cast()), b);
                sums = _mm512_add_epi32(sums, products);
            }
            _mm512_reduce_add_epi32(sums)
        }
    }

    #[inline(always)]
    fn widen(halves: &[u16; LANES]) -> [f32; LANES] {
        // SAFETY: the arrays have the sizes of the vectors.
        unsafe { transmute(_mm512_cvtph_ps(transmute::<[u16; LANES], __m256i>(*halves))) }
    }

    #[inline(always)]
    fn narrow(floats: &[f32; LANES]) -> [u16; LANES] {
        // SAFETY: the arrays have the sizes of the vectors.
        unsafe {
            let floats: __m512 = transmute(*floats);
            transmute(_mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(floats))
        }
    }

    #[inline(always)]
    fn at_least(floats: &[f32; LANES], bound: f32) -> u16 {
        // SAFETY: the array has the size of the vector.
        unsafe {
            let floats: __m512 = transmute(*floats);
            _mm512_cmp_ps_mask::<_CMP_GE_OQ>(floats, _mm512_set1_ps(bound))
        }
    }

    #[inline(always)]
    fn prefetch<T>(place: &[T]) {
        super::avx2::prefetch(place);
    }

    #[inline(always)]
    fn look_up(codes: &[u8], tables: &[u8]) -> [u16; BLOCK] {
        let steps = codes.len() / (COLUMNS * BLOCK);
        assert!(tables.len() >= steps * COLUMNS * TABLE);
        // SAFETY: a step reads four columns of codes and their tables; there are `steps` of both.
        unsafe {
            let low_half = _mm512_set1_epi8(15);
            let low_byte = _mm512_set1_epi16(255);
            let (mut even, mut odd) = (_mm512_setzero_si512(), _mm512_setzero_si512());
            for step in 0..steps {
                let codes = codes.as_ptr().add(step * COLUMNS * BLOCK);
                let tables = tables.as_ptr().add(step * COLUMNS * TABLE);
                let mut sum = _mm512_setzero_si512();
                for pair in 0..COLUMNS / 2 {
                    let bytes = _mm512_loadu_si512(codes.add(pair * 64).cast());
                    let low = _mm512_loadu_si512(tables.add(pair * 128).cast());
                    let high = _mm512_loadu_si512(tables.add(pair * 128 + 64).cast());
                    let of_low = _mm512_shuffle_epi8(low, _mm512_and_si512(bytes, low_half));
                    let upper = _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), low_half);
                    let of_high = _mm512_shuffle_epi8(high, upper);
                    sum = _mm512_add_epi8(sum, _mm512_add_epi8(of_low, of_high));
                }
                even = _mm512_add_epi16(even, _mm512_and_si512(sum, low_byte));
                odd = _mm512_add_epi16(odd, _mm512_srli_epi16::<8>(sum));
            }
            // The halves of a vector have two columns of the same rows.
            let fold = |sums: __m512i| {
                _mm256_add_epi16(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums))
            };
            super::avx2::interleave(fold(even), fold(odd))
        }
    }

    #[inline(always)]
    fn sum_where(bits: &[u8], bytes: &[u8]) -> u32 {
        let (masks, _) = bits.as_chunks::<8>();
        let (bytes, _) = bytes.as_chunks::<64>();
        // SAFETY: a vector is read from as many bytes.
        unsafe {
            let mut sums = _mm512_setzero_si512();
            for (mask, bytes) in masks.iter().zip(bytes) {
                let chosen = _mm512_maskz_loadu_epi8(u64::from_le_bytes(*mask), bytes.as_ptr().cast());
                sums = _mm512_add_epi64(sums, _mm512_sad_epu8(chosen, _mm512_setzero_si512()));
            }
            _mm512_reduce_add_epi64(sums) as u32
        }
    }
}
