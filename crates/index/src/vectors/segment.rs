//! A segment: a file of rows that never changes, sorted by cell.
//!
//! What it holds is said by [`Parts`]. A cell begins with a block; places that are left over in its
//! last one have no row. Which rows have died since is said elsewhere ([`super::snapshot`]). The
//! file's length and checksum are in the manifest, so a segment is whole or not there.
//!
//! Vectors are read from the mapped file, where a search needs a few of them. What every search goes
//! through is copied out of it.

use std::path::{Path, PathBuf};

use super::codes::{Blocks, Layout, Record, block_bytes};
use super::mapping::{Mapping, Resident, numbers};
use super::simd::BLOCK;

/// What a segment's file ends with: this, and the four numbers of [`Shape`].
pub(super) const MARK: u32 = 0x5647_5301;
/// Bytes of what it ends with.
const END: usize = 5 * 4;
/// Numbers of 32 bits that a cell is written as.
pub(super) const CELL: usize = 7;

/// How many of what a segment has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Numbers of a vector.
    pub width: usize,
    /// Places, whether they have a row or not.
    pub places: usize,
    /// Rows.
    pub rows: usize,
    /// Cells.
    pub cells: usize,
}

/// Rows that are near each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Its first block.
    pub first: u32,
    /// How many blocks it has.
    pub blocks: u32,
    /// How many rows.
    pub rows: u32,
    /// What the bytes of its centre are to be multiplied with.
    pub unit: f32,
    /// The square of its centre's length.
    pub square: f32,
    /// The deviation of its rows from the centre, along one direction of all, on average.
    pub radius: f32,
    /// The deviation of an estimate, for a query at distance 1 from the centre.
    pub error: f32,
    /// How much nearer than the centre its nearest row is to most queries that are near, about.
    pub reach: f32,
}

/// The reach of a cell, as a share of how far its rows are from the centre.
const REACH: f32 = 0.3;

/// How to find a segment again and know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What it is called after.
    pub id: u64,
    /// Its length in bytes.
    pub bytes: u64,
    /// The CRC-32 of all of it.
    pub checksum: u32,
}

/// A segment that is mapped.
#[derive(Debug)]
pub struct Segment {
    identity: Identity,
    mapping: Mapping,
    shape: Shape,
    layout: Layout,
    parts: Parts,
    cells: Vec<Cell>,
    /// The cell of each block.
    cell_of_block: Vec<u32>,
    blocks: Resident,
    records: Resident,
    centres: Resident,
    centre_blocks: Resident,
}

/// The parts of the file, one after the other, as offsets of their beginnings.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    /// The vectors of all places, in half precision.
    vectors: usize,
    /// The first columns of their codes.
    blocks: usize,
    /// The records of their codes.
    records: usize,
    /// The numbers of all rows, in order.
    sorted: usize,
    /// The places of these rows.
    places: usize,
    /// The cells.
    cells: usize,
    /// Their centres, a byte a number.
    centres: usize,
    /// The codes of these, in blocks of all columns.
    centre_blocks: usize,
    /// What the file ends with.
    end: usize,
}

impl Identity {
    /// The segment's file.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.segment", self.id))
    }
}

impl Parts {
    /// Of a segment of this shape; `None` if that is beyond all bounds.
    fn of(shape: Shape, layout: Layout) -> Option<Self> {
        let Shape { width, places, rows, cells } = shape;
        let mut at = 0_usize;
        let mut next = |count: usize, bytes: usize| {
            let begin = at;
            at = at.checked_add(count.checked_mul(bytes)?)?;
            Some(begin)
        };
        Some(Self {
            vectors: next(places, width * 2)?,
            blocks: next(places / BLOCK, block_bytes(layout.first_columns))?,
            records: next(places, layout.record)?,
            sorted: next(rows, 4)?,
            places: next(rows, 4)?,
            cells: next(cells, CELL * 4)?,
            centres: next(cells, width)?,
            centre_blocks: next(cells.div_ceil(BLOCK), block_bytes(layout.columns))?,
            end: next(1, END)?,
        })
    }
}

impl Segment {
    /// Maps a segment's file; `None` if it is not the one that was written.
    ///
    /// Reads all of it once, unless `trusted` says that it was only just written.
    pub fn open(folder: &Path, identity: Identity, width: usize, trusted: bool) -> Option<Self> {
        let mapping = Mapping::open(&identity.path(folder)).ok()?;
        let bytes = mapping.bytes();
        if bytes.len() as u64 != identity.bytes {
            return None;
        }
        if !trusted && crc32fast::hash(bytes) != identity.checksum {
            return None;
        }
        let end = bytes.len().checked_sub(END)?;
        let counts: &[u32] = numbers(&bytes[end..]);
        let [MARK, of_width, places, rows, cells] = *counts else { return None };
        let [places, rows, cells] = [places, rows, cells].map(|count| count as usize);
        let (shape, layout) = (Shape { width, places, rows, cells }, Layout::new(width));
        let parts = Parts::of(shape, layout)?;
        if of_width as usize != width || parts.end != end {
            return None;
        }
        let written = numbers(&bytes[parts.cells..parts.centres]);
        let cells: Vec<Cell> = written.chunks_exact(CELL).map(|cell| Cell::read(cell, width)).collect();
        let blocks = cells
            .iter()
            .zip(0_u32..)
            .flat_map(|(cell, number)| std::iter::repeat_n(number, cell.blocks as usize));
        let cell_of_block = blocks.collect();
        Some(Self {
            identity,
            shape,
            layout,
            parts,
            cells,
            cell_of_block,
            blocks: Resident::copy(&bytes[parts.blocks..parts.records]),
            records: Resident::copy(&bytes[parts.records..parts.sorted]),
            centres: Resident::copy(&bytes[parts.centres..parts.centre_blocks]),
            centre_blocks: Resident::copy(&bytes[parts.centre_blocks..parts.end]),
            mapping,
        })
    }

    /// What the manifest says of it.
    pub fn identity(&self) -> Identity {
        self.identity
    }

    /// How many of what it has.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Its cells; a small segment is one cell.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The vector of a place.
    pub fn vector(&self, place: u32) -> &[u16] {
        let vectors = numbers(&self.mapping.bytes()[self.parts.vectors..self.parts.blocks]);
        &vectors[place as usize * self.shape.width..][..self.shape.width]
    }

    /// The blocks of a cell.
    pub fn blocks(&self, cell: &Cell) -> Blocks<'_> {
        let all = Blocks { columns: self.layout.first_columns, bytes: self.blocks.bytes() };
        all.part(cell.first as usize, cell.blocks as usize)
    }

    /// The records of a cell.
    pub fn records(&self, cell: &Cell) -> &[u8] {
        let block = self.layout.record * BLOCK;
        &self.records.bytes()[cell.first as usize * block..][..cell.blocks as usize * block]
    }

    /// The records of all cells.
    pub fn all_records(&self) -> &[u8] {
        self.records.bytes()
    }

    /// Which cell a place is in.
    pub fn cell_of(&self, place: u32) -> usize {
        self.cell_of_block.get(place as usize / BLOCK).copied().unwrap_or(0) as usize
    }

    /// The record of the row at a place.
    pub fn record(&self, place: u32) -> Record<'_> {
        self.layout.read(self.records.bytes(), place as usize)
    }

    /// The centre of a cell, a byte a number.
    pub fn centre(&self, cell: usize) -> &[i8] {
        &numbers(self.centres.bytes())[cell * self.shape.width..][..self.shape.width]
    }

    /// The codes of all centres.
    pub fn centre_blocks(&self) -> Blocks<'_> {
        Blocks { columns: self.layout.columns, bytes: self.centre_blocks.bytes() }
    }

    /// The numbers of all rows, in order.
    pub fn sorted(&self) -> &[u32] {
        numbers(&self.mapping.bytes()[self.parts.sorted..self.parts.places])
    }

    /// Where the rows of [`Segment::sorted`] are.
    pub fn places(&self) -> &[u32] {
        numbers(&self.mapping.bytes()[self.parts.places..self.parts.cells])
    }

    /// Where the row of this number is, be it alive or dead.
    pub fn place(&self, number: u32) -> Option<u32> {
        let at = self.sorted().binary_search(&number).ok()?;
        self.places().get(at).copied()
    }

    /// Bytes that were copied out of the file.
    pub fn resident(&self) -> usize {
        let copies = [&self.blocks, &self.records, &self.centres, &self.centre_blocks];
        let cells = size_of_val(&*self.cells) + size_of_val(&*self.cell_of_block);
        cells + copies.iter().map(|copy| copy.bytes().len()).sum::<usize>()
    }
}

impl Cell {
    fn read(numbers: &[u32], width: usize) -> Self {
        let float = |at: usize| f32::from_bits(numbers[at]);
        let reach = REACH * float(5) * (width as f32).sqrt();
        Self {
            first: numbers[0],
            blocks: numbers[1],
            rows: numbers[2],
            unit: float(3),
            square: float(4),
            radius: float(5),
            error: float(6),
            reach,
        }
    }

    /// As it lies in the file.
    pub(super) fn written(&self) -> [u32; CELL] {
        let [unit, square, radius, error] =
            [self.unit, self.square, self.radius, self.error].map(f32::to_bits);
        [self.first, self.blocks, self.rows, unit, square, radius, error]
    }

    /// How far a query is from the centre, when its cosine with it is as if that had length 1.
    pub fn distance(&self, along: f32) -> f32 {
        (1.0 + self.square - 2.0 * along).max(0.0).sqrt()
    }
}
