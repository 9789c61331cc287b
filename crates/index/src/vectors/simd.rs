//! What the kernels ask of a processor beyond what the compiler makes of plain loops, and the
//! processors that give it.
//!
//! A kernel is written once, as safe code over [`Simd`]; [`Level::run`] compiles it for each
//! instruction set, so kernels and what they call are `#[inline(always)]`. Loops over whole arrays
//! become vector instructions by themselves; only where they would not, [`Simd`] has a method. Closures
//! are not compiled for the set, so kernels have none.
//!
//! Everything `unsafe` of the kernels is below here and relies on one thing: a [`Level`] other than
//! the portable one is only ever made by [`Level::all`], which has asked the processor.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

/// How many numbers a step of a kernel takes; rows are padded to a multiple of it.
pub const LANES: usize = 16;

/// How many rows a block of codes has.
pub const BLOCK: usize = 32;

/// Code that is compiled once for each instruction set.
pub trait Kernel {
    /// What it answers.
    type Output;

    /// Does the work; `#[inline(always)]` in every implementation.
    fn run<S: Simd>(self) -> Self::Output;
}

/// An instruction set.
pub trait Simd: Copy + 'static {
    /// How many vectors a tile of distances compares a row with at once.
    const TILE: usize;

    /// `a × b + c`, rounded once where the processor can.
    fn multiply_add(a: f32, b: f32, c: f32) -> f32;
    /// `a × b + c` for all lanes.
    fn multiply_add_all(a: &[f32; LANES], b: &[f32; LANES], c: &[f32; LANES]) -> [f32; LANES];
    /// The sum of the products of as many whole numbers, a multiple of twice [`LANES`] of them; the
    /// first from −127 to 127, and no more of them than the sum holds.
    fn dot(a: &[i16], b: &[i8]) -> i32;
    /// Half-precision numbers in full.
    fn widen(halves: &[u16; LANES]) -> [f32; LANES];
    /// The nearest half-precision numbers, ties to even; for numbers from −65,000 to 65,000.
    fn narrow(floats: &[f32; LANES]) -> [u16; LANES];
    /// A bit for each number that is at least `bound`, the first one lowest.
    fn at_least(floats: &[f32; LANES], bound: f32) -> u16;
    /// Fetches what will be read soon.
    fn prefetch<T>(place: &[T]);
    /// For each row of a block the sum of what `tables` has for the halves of its bytes.
    ///
    /// `codes` has [`BLOCK`] bytes for each column, `tables` [`TABLE`] for each; see
    /// [`crate::vectors::query`]. The number of columns is a multiple of [`COLUMNS`], and what
    /// four lookups add up to fits a byte, all of them 16 bits.
    fn look_up(codes: &[u8], tables: &[u8]) -> [u16; BLOCK];
    /// The sum of the bytes whose bits are set, the lowest of a byte of bits first.
    ///
    /// There are eight bytes for each byte of bits, and a multiple of eight of these.
    fn sum_where(bits: &[u8], bytes: &[u8]) -> u32;
}

/// Bytes of the tables of a column, on average; two columns are laid out together.
pub const TABLE: usize = 64;

/// Columns come in multiples of this.
pub const COLUMNS: usize = 4;

/// The sum of all lanes.
#[inline(always)]
pub fn sum(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// An instruction set of this processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Set);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    /// Intel from Ice Lake, AMD from Zen 4 on.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// Nearly every x86-64 processor.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Any processor.
    Portable,
}

impl Level {
    /// The best this processor has.
    pub fn detect() -> Self {
        Self::all().first().copied().unwrap_or(Self::portable())
    }

    /// All that this processor has, the best first.
    pub fn all() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c")
                && is_x86_feature_detected!("bmi2");
            if avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
            {
                levels.push(Self(Set::Avx512));
            }
            if avx2 {
                levels.push(Self(Set::Avx2));
            }
        }
        levels.push(Self(Set::Portable));
        levels
    }

    /// The one that any processor has.
    pub const fn portable() -> Self {
        Self(Set::Portable)
    }

    /// Runs the kernel as it was compiled for this set.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            // SAFETY: `all` has found that the processor has this set.
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => unsafe { avx512::run(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => unsafe { avx2::run(kernel) },
            Set::Portable => kernel.run::<portable::Portable>(),
        }
    }
}

#[cfg(test)]
mod tests;
