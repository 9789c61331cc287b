//! Comma and tab separated values: each row is a block, the header one of its own.

use csv::{ByteRecord, ReaderBuilder};

use crate::collector::{Collector, one_line};
use crate::document::{Place, Role};
use crate::error::Result;

/// What stands between the cells of a row.
pub(crate) const BETWEEN_CELLS: &str = " | ";

pub(crate) fn read(text: &str, name: Option<&str>, collector: &mut Collector<'_>) -> Result<()> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text, name))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    let mut number = 0_u64;
    let mut first = true;
    // Reading from memory with any number of fields allowed never fails.
    while let Ok(true) = reader.read_byte_record(&mut record) {
        collector.count(record.len())?;
        let header = first && is_header(&record);
        number += u64::from(!header);
        first = false;
        let place = Place::Rows { first: number, last: number };
        collector.push(row(&record), Role::TableRow { header }, place)?;
    }
    Ok(())
}

/// One row of cells, each in one line.
pub(crate) fn joined<'c>(cells: impl Iterator<Item = &'c str>) -> String {
    let mut row = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            row.push_str(BETWEEN_CELLS);
        }
        row.push_str(&one_line(cell));
    }
    // A row of empty cells says nothing.
    if row.chars().all(|letter| letter == ' ' || letter == '|') { String::new() } else { row }
}

fn row(record: &ByteRecord) -> String {
    // The text was UTF-8, and fields are cut where ASCII stands.
    let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    joined(cells.iter().map(AsRef::as_ref))
}

/// The sign that stands most regularly in the first lines.
fn delimiter(text: &str, name: Option<&str>) -> u8 {
    const LINES: usize = 20;
    const LOOK_AT: usize = 64 << 10;
    if name.is_some_and(|name| name.to_lowercase().ends_with(".tsv")) {
        return b'\t';
    }
    let mut end = text.len().min(LOOK_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let lines: Vec<&str> = text[..end].lines().filter(|line| !line.is_empty()).take(LINES).collect();
    let score = |sign: u8| {
        let counts = lines.iter().map(|line| line.bytes().filter(|byte| *byte == sign).count());
        let (least, most) =
            counts.fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)));
        // The same number in every line says more than a large one.
        (least.min(1) * if least == most { 1000 } else { 1 }) + least.min(100)
    };
    let mut best = b',';
    for sign in [b';', b'\t', b'|'] {
        if score(sign) > score(best) {
            best = sign;
        }
    }
    best
}

/// Whether a first row names columns: no cell is empty or a number.
fn is_header(record: &ByteRecord) -> bool {
    record.iter().all(|cell| {
        let cell = String::from_utf8_lossy(cell);
        let cell = cell.trim();
        !cell.is_empty() && cell.parse::<f64>().is_err()
    })
}
