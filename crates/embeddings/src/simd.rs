//! What the kernels ask of a processor, and the processors that give it.
//!
//! Each kernel is written once, over [`Simd`]; an instruction set is an implementation of it.
//! [`Simd::run`] compiles a kernel for its set, so kernels and everything they call are
//! `#[inline(always)]`.
//!
//! Every method that is `unsafe` relies on two things. First, the processor has the instruction
//! set: [`Level::detect`] has found it, and only it leads to [`Simd::run`]. Second, every pointer
//! is good for [`Simd::LANES`] elements; the kernels' own checks see to that.
#![allow(unsafe_code, clippy::missing_safety_doc)]

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod portable;

/// The most lanes that a set has; rows are padded to it.
pub const MAX_LANES: usize = 16;

/// Code that is compiled once for each instruction set.
pub trait Kernel {
    /// What it answers.
    type Output;

    /// Does the work; `#[inline(always)]` in every implementation.
    unsafe fn run<S: Simd>(self) -> Self::Output;
}

/// An instruction set.
pub trait Simd: Copy + Send + Sync + 'static {
    /// A vector of floats.
    type Floats: Copy;
    /// A vector of 32-bit sums.
    type Sums: Copy;

    /// How many floats a vector has.
    const LANES: usize;
    /// How many vectors wide a tile of a matrix product is.
    const PANEL: usize;

    /// Runs a kernel that was compiled for this set.
    unsafe fn run<K: Kernel>(kernel: K) -> K::Output;

    unsafe fn splat(value: f32) -> Self::Floats;
    unsafe fn load(from: *const f32) -> Self::Floats;
    unsafe fn store(to: *mut f32, floats: Self::Floats);
    unsafe fn add(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn divide(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn larger(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    unsafe fn smaller(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a × b + c`.
    unsafe fn multiply_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// The nearest whole numbers.
    unsafe fn round(a: Self::Floats) -> Self::Floats;
    /// 2 to the power of whole numbers from −126 to 127.
    unsafe fn power_of_two(whole: Self::Floats) -> Self::Floats;
    /// Floats from 0 to 255, rounded to bytes.
    unsafe fn store_bytes(to: *mut u8, floats: Self::Floats);

    unsafe fn no_sums() -> Self::Sums;
    /// Adds to each lane the dot product of four unsigned bytes, the same for each lane, and four
    /// signed bytes of its own. Exact.
    unsafe fn add_dot(sums: Self::Sums, bytes: *const u8, weights: *const i8) -> Self::Sums;
    unsafe fn floats(sums: Self::Sums) -> Self::Floats;

    /// The sum of all lanes.
    #[inline(always)]
    unsafe fn sum(floats: Self::Floats) -> f32 {
        // SAFETY: as the caller's.
        unsafe { fold::<Self>(floats, |a, b| a + b) }
    }

    /// The largest lane.
    #[inline(always)]
    unsafe fn largest(floats: Self::Floats) -> f32 {
        // SAFETY: as the caller's.
        unsafe { fold::<Self>(floats, f32::max) }
    }

    /// The smallest lane.
    #[inline(always)]
    unsafe fn smallest(floats: Self::Floats) -> f32 {
        // SAFETY: as the caller's.
        unsafe { fold::<Self>(floats, f32::min) }
    }
}

/// Halves the lanes until one is left.
#[inline(always)]
unsafe fn fold<S: Simd>(floats: S::Floats, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; MAX_LANES];
    // SAFETY: `MAX_LANES` is at least `S::LANES`.
    unsafe { S::store(lanes.as_mut_ptr(), floats) };
    let mut half = S::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = join(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// e to the power of each lane, to a few units in the last place; at least e^−87.
///
/// Reduction by ln 2 in two parts and the polynomial of Cephes' `expf`.
#[inline(always)]
pub unsafe fn exponential<S: Simd>(x: S::Floats) -> S::Floats {
    // SAFETY: as the caller's; no pointers.
    unsafe {
        let x = S::smaller(S::larger(x, S::splat(-87.0)), S::splat(88.0));
        let whole = S::round(S::multiply(x, S::splat(std::f32::consts::LOG2_E)));
        let rest = S::multiply_add(whole, S::splat(-0.693_359_4), x);
        let rest = S::multiply_add(whole, S::splat(2.121_944_4e-4), rest);
        let mut power = S::splat(1.987_569_1e-4);
        for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
            power = S::multiply_add(power, rest, S::splat(coefficient));
        }
        let power = S::multiply_add(power, S::multiply(rest, rest), S::add(rest, S::splat(1.0)));
        S::multiply(power, S::power_of_two(whole))
    }
}

/// x Φ(x), the Gaussian error linear unit in its exact form, to 1e-6.
///
/// The error function is a rational minimax approximation on −4 to 4, beyond which it is ±1 to the
/// last place (the one Eigen uses for single precision).
#[inline(always)]
pub unsafe fn gelu<S: Simd>(x: S::Floats) -> S::Floats {
    // SAFETY: as the caller's; no pointers.
    unsafe {
        let scaled = S::multiply(x, S::splat(std::f32::consts::FRAC_1_SQRT_2));
        let z = S::smaller(S::larger(scaled, S::splat(-4.0)), S::splat(4.0));
        let square = S::multiply(z, z);
        let mut above = S::splat(-2.726_142_4e-10);
        for coefficient in
            [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2]
        {
            above = S::multiply_add(above, square, S::splat(coefficient));
        }
        let mut below = S::splat(-1.456_607_2e-5);
        for coefficient in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
            below = S::multiply_add(below, square, S::splat(coefficient));
        }
        let error_function = S::divide(S::multiply(z, above), below);
        let half = S::multiply(x, S::splat(0.5));
        S::multiply_add(half, error_function, half)
    }
}

/// The instruction sets there are kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// AVX2 with FMA and AVX-VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx2Vnni,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Any processor.
    Portable,
}

impl Level {
    /// How many columns a tile of a matrix product has.
    pub fn panel_width(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => avx512::Avx512::LANES * avx512::Avx512::PANEL,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2Vnni | Self::Avx2 => avx2::Avx2::<false>::LANES * avx2::Avx2::<false>::PANEL,
            Self::Portable => portable::Portable::LANES * portable::Portable::PANEL,
        }
    }

    /// The best this processor has.
    pub fn detect() -> Self {
        Self::all().first().copied().unwrap_or(Self::Portable)
    }

    /// All that this processor has, the best first.
    pub fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni")
            {
                levels.push(Self::Avx512);
            }
            if avx2 && is_x86_feature_detected!("avxvnni") {
                levels.push(Self::Avx2Vnni);
            }
            if avx2 {
                levels.push(Self::Avx2);
            }
        }
        levels.push(Self::Portable);
        levels
    }
}

#[cfg(test)]
mod tests;
