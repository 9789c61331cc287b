//! AVX2 with FMA and F16C, which nearly every x86-64 processor has.
// As `simd` says, the processor has the set.

use std::arch::x86_64::*;
use std::mem::transmute;

use super::{BLOCK, COLUMNS, Kernel, LANES, Simd, TABLE};

/// 32 bytes a vector, 16 vectors.
#[derive(Clone, Copy)]
pub struct Avx2;

/// Runs a kernel compiled for this set.
///
/// # Safety
/// The processor must have it.
#[target_feature(enable = "avx2,fma,f16c,bmi2,popcnt")]
pub unsafe fn run<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2>()
}

impl Simd for Avx2 {
    const TILE: usize = 2;

    #[inline(always)]
    fn multiply_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    #[inline(always)]
    fn multiply_add_all(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES] {
        // SAFETY: the arrays have the sizes of the vectors.
        unsafe {
            let [a, b, c]: [[__m256; 2]; 3] = transmute([*a, *b, *c]);
            transmute([_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])])
        }
    }

    #[inline(always)]
    fn dot(a: &[i16], b: &[i8]) -> i32 {
        let (a, _) = a.as_chunks::<LANES>();
        let (b, _) = b.as_chunks::<LANES>();
        // SAFETY: a vector is read from as many numbers.
        unsafe {
            let mut sums = _mm256_setzero_si256();
            for (a, b) in a.iter().zip(b) {
                let b = _mm256_cvtepi8_epi16(_mm_loadu_si128(b.as_ptr().cast()));
                let products = _mm256_madd_epi16(_mm256_loadu_si256(a.as_ptr().cast()), b);
                sums = _mm256_add_epi32(sums, products);
            }
            let sums: [i32; 8] = transmute(sums);
            sums.iter().sum()
        }
    }

    #[inline(always)]
    fn widen(halves: &[u16; LANES]) -> [f32; LANES] {
        // SAFETY: the arrays have the sizes of the vectors.
        unsafe {
            let [low, high]: [__m128i; 2] = transmute(*halves);
            transmute([_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)])
        }
    }

    #[inline(always)]
    fn narrow(floats: &[f32; LANES]) -> [u16; LANES] {
        // SAFETY: the arrays have the sizes of the vectors.
        unsafe {
            let [low, high]: [__m256; 2] = transmute(*floats);
            transmute([low, high].map(|half| _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(half)))
        }
    }

    #[inline(always)]
    fn at_least(floats: &[f32; LANES], bound: f32) -> u16 {
        // SAFETY: the array has the size of the vectors.
        unsafe {
            let bound = _mm256_set1_ps(bound);
            let [low, high]: [__m256; 2] = transmute(*floats);
            let [low, high] =
                [low, high].map(|half| _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(half, bound)));
            (low | high << 8) as u16
        }
    }

    #[inline(always)]
    fn prefetch<T>(place: &[T]) {
        prefetch(place);
    }

    #[inline(always)]
    fn look_up(codes: &[u8], tables: &[u8]) -> [u16; BLOCK] {
        let steps = codes.len() / (COLUMNS * BLOCK);
        assert!(tables.len() >= steps * COLUMNS * TABLE);
        // SAFETY: a step reads four columns of codes and their tables; there are `steps` of both.
        unsafe {
            let low_half = _mm256_set1_epi8(15);
            let low_byte = _mm256_set1_epi16(255);
            let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
            for step in 0..steps {
                let mut sum = _mm256_setzero_si256();
                for column in 0..COLUMNS {
                    let bytes = codes.as_ptr().add((step * COLUMNS + column) * BLOCK);
                    let bytes = _mm256_loadu_si256(bytes.cast());
                    let pair = (step * COLUMNS + column) / 2 * 2 * TABLE + column % 2 * 32;
                    let low = _mm256_loadu_si256(tables.as_ptr().add(pair).cast());
                    let high = _mm256_loadu_si256(tables.as_ptr().add(pair + 64).cast());
                    let of_low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, low_half));
                    let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), low_half);
                    let of_high = _mm256_shuffle_epi8(high, upper);
                    sum = _mm256_add_epi8(sum, _mm256_add_epi8(of_low, of_high));
                    if column % 2 == 1 {
                        even = _mm256_add_epi16(even, _mm256_and_si256(sum, low_byte));
                        odd = _mm256_add_epi16(odd, _mm256_srli_epi16::<8>(sum));
                        sum = _mm256_setzero_si256();
                    }
                }
            }
            interleave(even, odd)
        }
    }

    #[inline(always)]
    fn sum_where(bits: &[u8], bytes: &[u8]) -> u32 {
        let (words, _) = bits.as_chunks::<4>();
        let (bytes, _) = bytes.as_chunks::<32>();
        // SAFETY: a vector is read from as many bytes.
        unsafe {
            // Each byte of bits stands eight times in a vector, once for each of its bits.
            let spread =
                _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
            let places = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
            let mut sums = _mm256_setzero_si256();
            for (word, bytes) in words.iter().zip(bytes) {
                let bits = _mm256_shuffle_epi8(_mm256_set1_epi32(i32::from_le_bytes(*word)), spread);
                let is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bits, places), places);
                let chosen = _mm256_and_si256(is_set, _mm256_loadu_si256(bytes.as_ptr().cast()));
                sums = _mm256_add_epi64(sums, _mm256_sad_epu8(chosen, _mm256_setzero_si256()));
            }
            let sums: [u64; 4] = transmute(sums);
            (sums[0] + sums[1] + sums[2] + sums[3]) as u32
        }
    }
}

/// Fetches the lines of a place into the nearest cache.
#[inline(always)]
pub fn prefetch<T>(place: &[T]) {
    let begin: *const i8 = place.as_ptr().cast();
    for line in 0..size_of_val(place).div_ceil(64) {
        // SAFETY: fetching never fails, and the address lies within the slice.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(begin.add(line * 64)) };
    }
}

/// The sums of even and of odd rows, in the order of the rows.
#[inline(always)]
pub fn interleave(even: __m256i, odd: __m256i) -> [u16; BLOCK] {
    // SAFETY: the array has the size of the vectors.
    unsafe {
        let (low, high) = (_mm256_unpacklo_epi16(even, odd), _mm256_unpackhi_epi16(even, odd));
        transmute([
            _mm256_permute2x128_si256::<0x20>(low, high),
            _mm256_permute2x128_si256::<0x31>(low, high),
        ])
    }
}
