//! A query made ready for estimating cosines with codes.
//!
//! For blocks, it has a table for each half of a byte of a code: what a query's four numbers add up
//! to with the signs that the half stands for, as small whole numbers, which are looked up and added
//! for all rows of a block at once. For records, it has its numbers as bytes.
//!
//! Invariant: four entries add up to no more than a byte holds, and all of them to no more than 16
//! bits, so nothing ever overflows ([`Simd::look_up`]).

use super::codes::{Blocks, FACTOR, Layout, Record, block_bytes};
use super::simd::{BLOCK, Kernel, LANES, Level, Simd, TABLE};

/// Signs that are looked up together.
const HALF: usize = 4;
/// Sums of so many signs.
const SUMS: usize = 1 << HALF;
/// What is added to a number that may be negative so that it is a byte.
const ZERO: u8 = 128;

/// A rotated query.
#[derive(Debug)]
pub struct Query {
    /// The query itself, of length 1.
    pub vector: Vec<f32>,
    /// The processor's level that it was made for.
    pub level: Level,
    layout: Layout,
    /// As [`Simd::look_up`] wants them.
    tables: Vec<u8>,
    /// A looked-up sum times the first is a sum of numbers with signs, when the second is added …
    step: f32,
    least: f32,
    /// … and the third for the first columns only.
    first_least: f32,
    /// The numbers as multiples of `unit`, from −127 to 127 …
    pub multiples: Vec<i16>,
    /// … which is what they are to be multiplied with.
    pub unit: f32,
    /// The multiples, each plus [`ZERO`].
    bytes: Vec<u8>,
    /// The sum of these multiples.
    sum: i32,
}

/// Blocks of rows with one centre.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The blocks.
    pub blocks: Blocks<'a>,
    /// The records of their rows.
    pub records: &'a [u8],
    /// Which part of the index they are of, as the caller calls it.
    pub part: u32,
    /// The place of the first row in that part.
    pub first: u32,
    /// The cosine with their centre, as if that had length 1; 0 if they have none.
    pub along: f32,
    /// How far below its cosine a row's estimate by its record may be.
    pub margin: f32,
}

/// A row that is to be estimated whatever its first columns say; as in [`Place`].
#[derive(Clone, Copy, Debug)]
pub struct Picked {
    /// Where it is in its part.
    pub place: u32,
    /// The cosine with its centre, as if that had length 1.
    pub along: f32,
    /// How far below its cosine its estimate may be.
    pub margin: f32,
}

/// A row that may be near by its first columns.
#[derive(Clone, Copy, Debug)]
pub struct Sifted<'a> {
    record: Record<'a>,
    part: u32,
    place: u32,
    along: f32,
    margin: f32,
}

/// A row that may be near.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Its cosine is hardly greater.
    pub at_most: f32,
    /// What its owner calls it.
    pub number: u32,
    /// As in [`Place::part`].
    pub part: u32,
    /// Its place in that part.
    pub place: u32,
}

impl Query {
    /// Makes the tables of a rotated vector.
    pub fn new(level: Level, vector: Vec<f32>) -> Self {
        let layout = Layout::new(vector.len());
        let halves = vector.len() / HALF;
        let largest_entry = (usize::from(u8::MAX) / 4).min(usize::from(u16::MAX) / halves) as u8;
        let (groups, _) = vector.as_chunks::<HALF>();
        let widest = groups.iter().map(magnitude).fold(0.0, f32::max);
        // A query of zeros has tables of zeros; the step is anything but 0.
        let step = if widest > 0.0 { 2.0 * widest / f32::from(largest_entry) } else { 1.0 };
        let mut tables = vec![0; layout.columns * TABLE];
        let (mut least, mut first_least) = (0.0, 0.0);
        for (half, group) in groups.iter().enumerate() {
            let lowest = -magnitude(group);
            let (column, upper) = (half / 2, half % 2);
            least += lowest;
            first_least += if column < layout.first_columns { lowest } else { 0.0 };
            let begin = column / 2 * 2 * TABLE + upper * TABLE + column % 2 * 2 * SUMS;
            let (table, copy) = tables[begin..begin + 2 * SUMS].split_at_mut(SUMS);
            for (entry, sum) in table.iter_mut().zip(sums(group)) {
                *entry = (((sum - lowest) / step + 0.5) as u8).min(largest_entry);
            }
            copy.copy_from_slice(table);
        }
        let largest = vector.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let unit = if largest > 0.0 { largest / 127.0 } else { 1.0 };
        // Half is added so that cutting off rounds, and [`ZERO`] so that nothing is negative.
        let shift = f32::from(ZERO) + 0.5;
        let bytes: Vec<u8> = vector.iter().map(|value| (value / unit + shift) as u8).collect();
        let multiples: Vec<i16> = bytes.iter().map(|byte| i16::from(*byte) - i16::from(ZERO)).collect();
        let sum = multiples.iter().map(|multiple| i32::from(*multiple)).sum();
        Self { vector, level, layout, tables, step, least, first_least, multiples, unit, bytes, sum }
    }

    /// Estimates of all rows of blocks that have all columns, and anything for missing rows.
    pub fn estimate_all(&self, blocks: Blocks<'_>, estimates: &mut Vec<f32>) {
        self.level.run(EstimateAll { query: self, blocks, estimates });
    }

    /// Adds the rows whose estimates by the first columns are at least `bound`.
    ///
    /// What will be read of them then is fetched, and so is `next`, what is sifted soon.
    pub fn sift<'a>(&self, place: Place<'a>, next: &[u8], bound: f32, sifted: &mut Vec<Sifted<'a>>) {
        self.level.run(Sift { query: self, place, next, bound, sifted });
    }

    /// Adds rows wherever they are in a segment, and fetches what will be read of them.
    pub fn pick<'a>(&self, records: &'a [u8], part: u32, rows: &[Picked], sifted: &mut Vec<Sifted<'a>>) {
        self.level.run(Pick { layout: self.layout, records, part, rows, sifted });
    }

    /// Adds the sifted rows whose estimates are hardly below `least`.
    pub fn estimate(&self, sifted: &[Sifted<'_>], least: f32, hits: &mut Vec<Hit>) {
        self.level.run(Estimate { query: self, sifted, least, hits });
    }

    /// By how much sums over so many columns are smaller than over all.
    pub fn larger(&self, columns: usize) -> f32 {
        self.layout.columns as f32 / columns as f32
    }

    /// How codes that it is compared with are laid out.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

fn magnitude(group: &[f32; HALF]) -> f32 {
    group.iter().map(|value| value.abs()).sum()
}

/// What four numbers add up to with all signs: that of the first is plus where the lowest bit is set.
fn sums(group: &[f32; HALF]) -> [f32; SUMS] {
    let mut sums = [-group.iter().sum::<f32>(); SUMS];
    for (signs, sum) in sums.iter_mut().enumerate() {
        for (place, value) in group.iter().enumerate() {
            *sum += if signs >> place & 1 == 1 { 2.0 * value } else { 0.0 };
        }
    }
    sums
}

struct EstimateAll<'a> {
    query: &'a Query,
    blocks: Blocks<'a>,
    estimates: &'a mut Vec<f32>,
}

impl Kernel for EstimateAll<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { query, blocks, estimates } = self;
        let terms = [query.step, query.least, 0.0];
        for block in blocks.bytes.chunks_exact(block_bytes(blocks.columns)) {
            let found = look_up::<S>(block, &query.tables, blocks.columns, terms);
            estimates.extend_from_slice(found.as_flattened());
        }
    }
}

struct Sift<'a, 'b> {
    query: &'b Query,
    place: Place<'a>,
    next: &'b [u8],
    bound: f32,
    sifted: &'b mut Vec<Sifted<'a>>,
}

impl Kernel for Sift<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { query, place, next, bound, sifted } = self;
        let Place { blocks, records, part, mut first, along, margin } = place;
        let size = block_bytes(blocks.columns);
        // What is sifted soon is fetched a part with each block: fetching all at once waits for itself.
        let mut parts = next.chunks(next.len().div_ceil((blocks.bytes.len() / size).max(1)).max(1));
        let larger = query.larger(blocks.columns);
        let terms = [query.step * larger, query.first_least * larger, along];
        let begin = first;
        for block in blocks.bytes.chunks_exact(size) {
            S::prefetch(parts.next().unwrap_or_default());
            let found = look_up::<S>(block, &query.tables, blocks.columns, terms);
            let mut rows = u32::from(S::at_least(&found[0], bound));
            rows |= u32::from(S::at_least(&found[1], bound)) << LANES;
            while rows != 0 {
                let place = first + rows.trailing_zeros();
                let record = query.layout.read(records, (place - begin) as usize);
                S::prefetch(record.bytes());
                sifted.push(Sifted { record, part, place, along, margin });
                rows &= rows - 1;
            }
            first += BLOCK as u32;
        }
    }
}

struct Pick<'a, 'b> {
    layout: Layout,
    records: &'a [u8],
    part: u32,
    rows: &'b [Picked],
    sifted: &'b mut Vec<Sifted<'a>>,
}

impl Kernel for Pick<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { layout, records, part, rows, sifted } = self;
        for row in rows {
            let Picked { place, along, margin } = *row;
            let record = layout.read(records, place as usize);
            S::prefetch(record.bytes());
            sifted.push(Sifted { record, part, place, along, margin });
        }
    }
}

struct Estimate<'a, 'b> {
    query: &'b Query,
    sifted: &'b [Sifted<'a>],
    least: f32,
    hits: &'b mut Vec<Hit>,
}

impl Kernel for Estimate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { query, sifted, least, hits } = self;
        for row in sifted {
            let signs = row.record.signs();
            let positive = S::sum_where(signs, &query.bytes) as i32;
            let with_signs = 2 * (positive - i32::from(ZERO) * i32::from(row.record.ones())) - query.sum;
            let factors = row.record.factors();
            let mut halves = [0; LANES];
            halves[..2].copy_from_slice(&factors);
            let factors = S::widen(&halves);
            let estimate = factors[0] * (query.unit * with_signs as f32) + factors[1] + row.along;
            let at_most = estimate + row.margin;
            if at_most >= least {
                let number = row.record.number();
                hits.push(Hit { at_most, number, part: row.part, place: row.place });
            }
        }
    }
}

/// The estimates or factors of a block's rows.
type Lanes = [[f32; LANES]; BLOCK / LANES];

/// The estimates of a block's rows: sums that are looked up, times the first of `terms`, plus the
/// second; that times the row's first factor, plus its second, plus the third.
#[inline(always)]
fn look_up<S: Simd>(block: &[u8], tables: &[u8], columns: usize, terms: [f32; 3]) -> Lanes {
    let (codes, factors) = block.split_at(columns * BLOCK);
    let sums = S::look_up(codes, tables);
    let (scales, offsets) = factors.split_at(FACTOR * BLOCK);
    let (scales, offsets) = (widen::<S>(scales), widen::<S>(offsets));
    let mut lanes = [[0.0; LANES]; BLOCK / LANES];
    for part in 0..BLOCK / LANES {
        for lane in 0..LANES {
            let sum = S::multiply_add(terms[0], f32::from(sums[part * LANES + lane]), terms[1]);
            lanes[part][lane] = S::multiply_add(scales[part][lane], sum, offsets[part][lane] + terms[2]);
        }
    }
    lanes
}

#[inline(always)]
fn widen<S: Simd>(factors: &[u8]) -> Lanes {
    let (halves, _) = factors.as_chunks::<{ LANES * FACTOR }>();
    let mut lanes = [[0.0; LANES]; BLOCK / LANES];
    for part in 0..BLOCK / LANES {
        let (bytes, _) = halves[part].as_chunks::<FACTOR>();
        let mut numbers = [0; LANES];
        for lane in 0..LANES {
            numbers[lane] = u16::from_ne_bytes(bytes[lane]);
        }
        lanes[part] = S::widen(&numbers);
    }
    lanes
}
