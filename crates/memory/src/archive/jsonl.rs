//! Documents as JSON lines: a header, then one document a line.
//!
//! Invariant: a line is a whole document; one that is damaged says nothing about the others.

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};

use super::record::{MAX_RECORD_BYTES, Record};
use crate::chunk::CHUNKING_VERSION;
use crate::error::Error;

/// What an archive of ours begins with.
pub(super) const BEGINNING: &[u8] = b"{\"atelier\":\"memory\"";
/// The version that is written, and the newest that is read.
pub(super) const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    atelier: String,
    version: u32,
    /// The rules by which texts are divided whose chunks are not said.
    #[serde(default)]
    chunking: u32,
}

/// The first line, with its end.
pub(super) fn header() -> Vec<u8> {
    let header = Header { atelier: "memory".into(), version: VERSION, chunking: CHUNKING_VERSION };
    line(&header)
}

/// A document's line, with its end.
pub(super) fn line_of(record: &Record) -> Vec<u8> {
    line(record)
}

fn line<T: Serialize>(value: &T) -> Vec<u8> {
    // Nothing in it has keys that are no text, which is all that could fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Reads the header.
///
/// # Errors
/// [`Error::ArchiveTooNew`], [`Error::ArchiveRefused`].
pub(super) fn read_header(line: &[u8]) -> Result<(), Error> {
    let header: Header = serde_json::from_slice(line)
        .map_err(|error| Error::ArchiveRefused { reason: format!("its first line is damaged: {error}") })?;
    check_version(header.version)
}

/// Refuses what a newer Atelier wrote.
///
/// # Errors
/// [`Error::ArchiveTooNew`].
pub(super) fn check_version(version: u32) -> Result<(), Error> {
    if version > VERSION { Err(Error::ArchiveTooNew { version }) } else { Ok(()) }
}

/// Reads a document's line.
///
/// # Errors
/// [`Error::RecordDamaged`].
pub(super) fn read_line(line: &[u8]) -> Result<Record, Error> {
    serde_json::from_slice(line).map_err(|error| Error::RecordDamaged { reason: error.to_string() })
}

/// A line of a file, without its end; none at the end of the file. Of one that is too long nothing is
/// kept.
pub(super) fn next_line(from: &mut impl BufRead) -> io::Result<Option<Result<Vec<u8>, Error>>> {
    let mut line = Vec::new();
    from.by_ref().take(MAX_RECORD_BYTES + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Ok(line)));
    }
    if line.len() as u64 <= MAX_RECORD_BYTES {
        return Ok(Some(Ok(line)));
    }
    drop(line);
    skip_line(from)?;
    Ok(Some(Err(Error::RecordDamaged { reason: format!("it has more than {MAX_RECORD_BYTES} bytes") })))
}

fn skip_line(from: &mut impl BufRead) -> io::Result<()> {
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            return Ok(());
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(piece.len(), |end| end + 1);
        from.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}
