//! Writes a segment's file.
//!
//! Invariant: the file is whole and on the disk before [`Builder::finish`] answers; until a manifest
//! names it, nobody reads it, and [`super::folder`] removes what no manifest names.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::bytes as centre_bytes;
use super::codes::{Codes, Encoder, Layout};
use super::halves;
use super::mapping::bytes;
use super::segment::{Cell, Identity, MARK};
use super::simd::{BLOCK, Level};

/// How many bytes are written at once.
const BUFFER: usize = 1 << 20;

/// A segment that is being written: cell after cell, row after row.
pub struct Builder {
    level: Level,
    width: usize,
    id: u64,
    output: Output,
    encoder: Encoder,
    /// The row at hand in full.
    row: Vec<f32>,
    centre: Vec<f32>,
    codes: Codes,
    /// How many places there are.
    places: usize,
    sorted: Vec<(u32, u32)>,
    cells: Vec<Cell>,
    centres: Vec<i8>,
    centre_blocks: Vec<u8>,
    /// Sums of squares, of the rows' distances from their centre and of their estimates' errors.
    sums: [f64; 2],
}

impl Builder {
    /// Begins a file.
    pub fn create(folder: &Path, id: u64, level: Level, width: usize) -> io::Result<Self> {
        let path = Identity { id, bytes: 0, checksum: 0 }.path(folder);
        Ok(Self {
            level,
            width,
            id,
            output: Output::new(File::create(path)?),
            encoder: Encoder::new(level, width),
            row: vec![0.0; width],
            centre: vec![0.0; width],
            codes: Codes::new(Layout::new(width), 0),
            places: 0,
            sorted: Vec::new(),
            cells: Vec::new(),
            centres: Vec::new(),
            centre_blocks: Vec::new(),
            sums: [0.0; 2],
        })
    }

    /// Begins a cell; rows that follow belong to it.
    pub fn begin_cell(&mut self, centre: &[f32]) {
        let begin = self.centres.len();
        self.centres.resize(begin + self.width, 0);
        let unit = centre_bytes::narrow(centre, &mut self.centres[begin..]);
        // Rows are coded against the centre as it will be read.
        centre_bytes::widen(&self.centres[begin..], unit, &mut self.centre);
        self.encoder.encode_whole(&self.centre, &mut self.centre_blocks, self.cells.len());
        let square = self.centre.iter().map(|value| value * value).sum();
        let first = (self.places / BLOCK) as u32;
        self.cells.push(Cell {
            first,
            blocks: 0,
            rows: 0,
            unit,
            square,
            radius: 0.0,
            error: 0.0,
            reach: 0.0,
        });
        self.sums = [0.0; 2];
    }

    /// Adds a row to the cell.
    pub fn push(&mut self, number: u32, vector: &[u16]) -> io::Result<()> {
        self.output.write(bytes(vector))?;
        halves::widen(self.level, vector, &mut self.row);
        let place = self.places;
        let factors = self.encoder.encode(number, &self.row, &self.centre, &mut self.codes, place);
        self.sums[0] += f64::from(factors.square);
        self.sums[1] += f64::from(factors.error * factors.error);
        self.sorted.push((number, place as u32));
        self.places += 1;
        if let Some(cell) = self.cells.last_mut() {
            cell.rows += 1;
        }
        Ok(())
    }

    /// Ends a cell.
    pub fn end_cell(&mut self) -> io::Result<()> {
        let nothing = vec![0_u16; self.width];
        while !self.places.is_multiple_of(BLOCK) {
            self.places += 1;
            self.output.write(bytes(&nothing))?;
        }
        let blocks = (self.places / BLOCK) as u32;
        if let Some(cell) = self.cells.last_mut() {
            let rows = f64::from(cell.rows.max(1));
            cell.blocks = blocks - cell.first;
            cell.radius = (self.sums[0] / rows / self.width as f64).sqrt() as f32;
            cell.error = (self.sums[1] / rows).sqrt() as f32;
        }
        Ok(())
    }

    /// Writes what is left and waits for the disk.
    pub fn finish(mut self) -> io::Result<Identity> {
        self.output.write(&self.codes.blocks)?;
        self.output.write(&self.codes.records)?;
        self.sorted.sort_unstable();
        let (numbers, sorted_places): (Vec<u32>, Vec<u32>) = self.sorted.iter().copied().unzip();
        self.output.write(bytes(&numbers))?;
        self.output.write(bytes(&sorted_places))?;
        for cell in &self.cells {
            self.output.write(bytes(&cell.written()))?;
        }
        self.output.write(bytes(&self.centres))?;
        self.output.write(&self.centre_blocks)?;
        let counts = [self.width, self.places, self.sorted.len(), self.cells.len()].map(|count| count as u32);
        self.output.write(bytes(&[MARK]))?;
        self.output.write(bytes(&counts))?;
        let (bytes, checksum) = self.output.finish()?;
        Ok(Identity { id: self.id, bytes, checksum })
    }
}

/// A file that is written from the front, and its checksum.
struct Output {
    file: File,
    buffer: Vec<u8>,
    bytes: u64,
    checksum: crc32fast::Hasher,
}

impl Output {
    fn new(file: File) -> Self {
        Self { file, buffer: Vec::with_capacity(BUFFER), bytes: 0, checksum: crc32fast::Hasher::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() > BUFFER {
            self.put(bytes)
        } else {
            self.buffer.extend_from_slice(bytes);
            Ok(())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        self.put(&buffer)?;
        buffer.clear();
        self.buffer = buffer;
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<(u64, u32)> {
        self.flush()?;
        self.file.sync_data()?;
        Ok((self.bytes, self.checksum.finalize()))
    }
}
