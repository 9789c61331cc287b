//! Codes of one bit a number, from which cosines are estimated.
//!
//! A row's code is the signs of what is left of it when the centre of its cell is taken away, and
//! factors that make of a query's sum over these signs an unbiased estimate of the cosine, after
//! RaBitQ (Gao and Long, 2024): with `r = x − c`, `s` the signs of `r`, and `f = |r|² / Σ|rᵢ|`,
//!
//! `q·x ≈ q·c + f (q·s) + g` where `g = c·r − f (c·s)`.
//!
//! The same over the first third of the numbers alone, with sums three times as large, estimates it
//! less well and passes over most rows. So there are two codes. [`Blocks`] are of the first numbers,
//! of [`BLOCK`] rows together: a byte of each of them after the other for each eight numbers (a
//! column), then `f` of all and `g` of all, in half precision. A record is of all numbers of one row:
//! its signs, `f`, `g`, the number that its owner calls it by, and how many of its signs are plus.
//!
//! Invariant: what is estimated is never answered; it only says what to look at exactly.

use super::halves;
use super::simd::{BLOCK, COLUMNS, Kernel, LANES, Level, Simd, sum};

/// The `g` of a row that is missing in a block.
const MISSING: f32 = -60_000.0;
/// No estimate of a row is so low, and none of a missing one so high.
pub const LOWEST: f32 = -1_000.0;
/// Bytes of a factor.
pub const FACTOR: usize = 2;
/// Records begin at multiples of this, as lines of a cache do.
const LINE: usize = 64;

/// How the codes of rows of one width are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Columns of all numbers.
    pub columns: usize,
    /// Columns of the first numbers, which blocks have: a third, in steps of [`COLUMNS`].
    pub first_columns: usize,
    /// Bytes of a record.
    pub record: usize,
}

/// Columns of rows, whole blocks of them.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    /// How many columns.
    pub columns: usize,
    /// Block after block.
    pub bytes: &'a [u8],
}

/// Codes of rows that can be added to.
#[derive(Clone, Debug)]
pub struct Codes {
    layout: Layout,
    /// As in [`Blocks::bytes`].
    pub blocks: Vec<u8>,
    /// Record after record, for every place of the blocks.
    pub records: Vec<u8>,
}

/// A record that is read.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    layout: Layout,
    bytes: &'a [u8],
}

/// What the signs of a row tell of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Factors {
    /// What a sum over the signs is multiplied with.
    pub scale: f32,
    /// What is added then.
    pub offset: f32,
    /// What is added when only the first columns are looked at.
    pub first_offset: f32,
    /// The square of the row's distance from its centre.
    pub square: f32,
    /// The standard deviation of the estimates for a query at distance 1 from the centre.
    pub error: f32,
}

/// Bytes of a block of so many columns.
pub fn block_bytes(columns: usize) -> usize {
    (columns + 2 * FACTOR) * BLOCK
}

impl Layout {
    /// Of rows of so many numbers.
    pub fn new(width: usize) -> Self {
        let columns = width / 8;
        let first_columns = (columns / 3).next_multiple_of(COLUMNS);
        let record = (columns + 2 * FACTOR + size_of::<u32>() + size_of::<u16>()).next_multiple_of(LINE);
        Self { columns, first_columns, record }
    }

    /// One of some records.
    pub fn read<'a>(&self, records: &'a [u8], place: usize) -> Record<'a> {
        Record { layout: *self, bytes: &records[place * self.record..][..self.record] }
    }
}

impl<'a> Blocks<'a> {
    /// Some of them.
    pub fn part(&self, first: usize, count: usize) -> Self {
        let bytes = block_bytes(self.columns);
        Self { columns: self.columns, bytes: &self.bytes[first * bytes..][..count * bytes] }
    }
}

impl<'a> Record<'a> {
    /// The signs, eight a byte.
    #[inline(always)]
    pub fn signs(&self) -> &'a [u8] {
        &self.bytes[..self.layout.columns]
    }

    /// `f` and `g`, in half precision.
    #[inline(always)]
    pub fn factors(&self) -> [u16; 2] {
        let (factors, _) = self.bytes[self.layout.columns..].as_chunks::<FACTOR>();
        [u16::from_ne_bytes(factors[0]), u16::from_ne_bytes(factors[1])]
    }

    /// What the owner calls the row.
    #[inline(always)]
    pub fn number(&self) -> u32 {
        let (words, _) = self.bytes[self.layout.columns + 2 * FACTOR..].as_chunks::<4>();
        u32::from_ne_bytes(words[0])
    }

    /// How many of the signs are plus.
    #[inline(always)]
    pub fn ones(&self) -> u16 {
        let begin = self.layout.columns + 2 * FACTOR + size_of::<u32>();
        u16::from_ne_bytes([self.bytes[begin], self.bytes[begin + 1]])
    }

    /// All of it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl Codes {
    /// Of no rows, with room for some.
    pub fn new(layout: Layout, rows: usize) -> Self {
        let blocks = Vec::with_capacity(rows.div_ceil(BLOCK) * block_bytes(layout.first_columns));
        Self { layout, blocks, records: Vec::with_capacity(rows.next_multiple_of(BLOCK) * layout.record) }
    }

    /// Adds blocks of missing rows until there is one for the row at a place.
    pub fn reach(&mut self, place: usize) {
        reach(&mut self.blocks, self.layout.first_columns, place);
        let places = self.blocks.len() / block_bytes(self.layout.first_columns) * BLOCK;
        self.records.resize(places * self.layout.record, 0);
    }
}

/// Adds blocks of missing rows until there is one for the row at a place.
fn reach(blocks: &mut Vec<u8>, columns: usize, place: usize) {
    while blocks.len() <= place / BLOCK * block_bytes(columns) {
        blocks.resize(blocks.len() + (columns + FACTOR) * BLOCK, 0);
        let missing = half(MISSING).to_ne_bytes();
        blocks.extend(std::iter::repeat_n(missing, BLOCK).flatten());
    }
}

/// Puts the first signs of a row and its factors at a place of some blocks.
fn put(blocks: &mut [u8], columns: usize, place: usize, signs: &[u8], factors: [f32; 2]) {
    let block = &mut blocks[place / BLOCK * block_bytes(columns)..][..block_bytes(columns)];
    let place = place % BLOCK;
    for (column, byte) in signs[..columns].iter().enumerate() {
        block[column * BLOCK + place] = *byte;
    }
    for (number, factor) in factors.into_iter().enumerate() {
        let begin = (columns + number * FACTOR) * BLOCK + place * FACTOR;
        block[begin..begin + FACTOR].copy_from_slice(&half(factor).to_ne_bytes());
    }
}

/// One number in half precision.
fn half(value: f32) -> u16 {
    let mut halves = [0; LANES];
    halves::narrow(Level::portable(), &[value; LANES], &mut halves);
    halves[0]
}

/// Makes the codes of rows; it is kept so that its buffer is.
#[derive(Debug)]
pub struct Encoder {
    level: Level,
    layout: Layout,
    signs: Vec<u8>,
}

impl Encoder {
    /// For rows of so many numbers.
    pub fn new(level: Level, width: usize) -> Self {
        Self { level, layout: Layout::new(width), signs: vec![0; width / 8] }
    }

    /// Puts the codes of a row, less its centre, at a place; no centre is one of zeros.
    pub fn encode(
        &mut self,
        number: u32,
        row: &[f32],
        centre: &[f32],
        codes: &mut Codes,
        place: usize,
    ) -> Factors {
        codes.reach(place);
        let factors = self.describe(row, centre);
        let layout = self.layout;
        let first = [factors.scale, factors.first_offset];
        put(&mut codes.blocks, layout.first_columns, place, &self.signs, first);
        let record = &mut codes.records[place * layout.record..][..layout.record];
        let (signs, rest) = record.split_at_mut(layout.columns);
        signs.copy_from_slice(&self.signs);
        rest[..FACTOR].copy_from_slice(&half(factors.scale).to_ne_bytes());
        rest[FACTOR..2 * FACTOR].copy_from_slice(&half(factors.offset).to_ne_bytes());
        let (number_place, rest) = rest[2 * FACTOR..].split_at_mut(size_of::<u32>());
        number_place.copy_from_slice(&number.to_ne_bytes());
        let ones: u32 = self.signs.iter().map(|signs| signs.count_ones()).sum();
        rest[..size_of::<u16>()].copy_from_slice(&(ones as u16).to_ne_bytes());
        factors
    }

    /// Puts the code of a row at a place of blocks that have all columns.
    pub fn encode_whole(&mut self, row: &[f32], blocks: &mut Vec<u8>, place: usize) {
        let columns = self.layout.columns;
        reach(blocks, columns, place);
        let factors = self.describe(row, &[]);
        put(blocks, columns, place, &self.signs, [factors.scale, factors.offset]);
    }

    fn describe(&mut self, row: &[f32], centre: &[f32]) -> Factors {
        let (layout, signs) = (self.layout, &mut self.signs);
        if centre.is_empty() {
            self.level.run(Describe::<false> { layout, row, centre: row, signs })
        } else {
            self.level.run(Describe::<true> { layout, row, centre, signs })
        }
    }
}

/// A row's signs and factors; without a centre, the row stands in for it and is not looked at.
struct Describe<'a, const CENTRE: bool> {
    layout: Layout,
    row: &'a [f32],
    centre: &'a [f32],
    signs: &'a mut [u8],
}

impl<const CENTRE: bool> Kernel for Describe<'_, CENTRE> {
    type Output = Factors;

    #[inline(always)]
    fn run<S: Simd>(self) -> Factors {
        let (rows, _) = self.row.as_chunks::<LANES>();
        let (centres, _) = self.centre.as_chunks::<LANES>();
        let (signs, _) = self.signs.as_chunks_mut::<{ LANES / 8 }>();
        let (mut squares, mut magnitudes) = ([0.0; LANES], [0.0; LANES]);
        let (mut along, mut with_signs) = ([0.0; LANES], [0.0; LANES]);
        let first = self.layout.first_columns * 8 / LANES;
        let mut with_first_signs = [0.0; LANES];
        for (at, ((row, centre), signs)) in rows.iter().zip(centres).zip(signs).enumerate() {
            let mut rest = [0.0; LANES];
            for lane in 0..LANES {
                let centre = if CENTRE { centre[lane] } else { 0.0 };
                rest[lane] = row[lane] - centre;
                squares[lane] = S::multiply_add(rest[lane], rest[lane], squares[lane]);
                magnitudes[lane] += rest[lane].abs();
                along[lane] = S::multiply_add(centre, rest[lane], along[lane]);
                with_signs[lane] += if rest[lane] >= 0.0 { centre } else { -centre };
            }
            *signs = S::at_least(&rest, 0.0).to_le_bytes();
            if at + 1 == first {
                with_first_signs = with_signs;
            }
        }
        let (squares, magnitudes, along) = (sum(squares), sum(magnitudes), sum(along));
        if magnitudes <= 0.0 {
            return Factors { offset: along, first_offset: along, ..Factors::default() };
        }
        let scale = squares / magnitudes;
        // How much of the row lies along its signs: its square is `agreement`.
        let width = self.row.len() as f32;
        let agreement = (magnitudes * magnitudes / (width * squares)).min(1.0);
        let error = (squares * (1.0 - agreement) / (agreement * (width - 1.0))).sqrt();
        let larger = self.layout.columns as f32 / self.layout.first_columns as f32;
        Factors {
            scale,
            offset: along - scale * sum(with_signs),
            first_offset: along - scale * larger * sum(with_first_signs),
            square: squares,
            error,
        }
    }
}
