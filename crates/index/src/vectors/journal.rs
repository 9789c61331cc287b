//! What was applied since the last manifest, in the order in which it was.
//!
//! A frame for each call of `apply`: a head, the changes, and a checksum. A put is its number, 1 and
//! the rotated vector in half precision, a remove its number and 0.
//!
//! Invariants: frames that were written are never touched again, so what was cut off at the end, or
//! damaged anywhere, leaves the frames before it; a frame counts when all of it is there.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::mapping::{Mapping, bytes, numbers};

/// A head begins with this.
const MARK: u32 = 0x5647_4a01;
/// Mark, checksum of what follows, number of changes (64 bits), position, bytes of the changes.
const HEAD: usize = 32;
const CHECKSUM: usize = 4;
/// How many bytes are gathered before they are written.
const BUFFER: usize = 256 << 10;

/// A journal that is open for writing.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Where the last frame that counts ends.
    end: u64,
    buffer: Vec<u8>,
}

/// A change as a journal has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A row, its vector rotated and in half precision.
    Put(u32, &'a [u16]),
    /// There is no row of this number any more.
    Remove(u32),
}

/// The file of a journal.
pub fn path(folder: &Path, id: u64) -> PathBuf {
    folder.join(format!("{id}.journal"))
}

impl Journal {
    /// Makes an empty journal.
    pub fn create(folder: &Path, id: u64) -> io::Result<Self> {
        let path = path(folder, id);
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
        Ok(Self { path, file, end: 0, buffer: Vec::new() })
    }

    /// Goes on with a journal after its last frame that counts.
    pub fn resume(folder: &Path, id: u64, end: u64) -> io::Result<Self> {
        let path = path(folder, id);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        if file.metadata()?.len() != end {
            // Nothing of what is cut off may ever follow a frame that is written here.
            file.set_len(end)?;
            file.sync_all()?;
        }
        Ok(Self { path, file, end, buffer: Vec::new() })
    }

    /// Where the last frame ends.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// The frames from an offset on.
    pub fn since(&self, offset: u64) -> io::Result<Vec<u8>> {
        let mut frames = vec![0; (self.end - offset) as usize];
        File::open(&self.path)?.read_exact_at(&mut frames, offset)?;
        Ok(frames)
    }

    /// Adds frames of another journal.
    pub fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        self.file.write_all_at(frames, self.end)?;
        self.end += frames.len() as u64;
        Ok(())
    }

    /// Begins a frame of so many changes, so many of which are puts.
    pub fn begin(
        &mut self,
        position: u64,
        changes: usize,
        puts: usize,
        width: usize,
    ) -> io::Result<Frame<'_>> {
        let length = changes * 8 + puts * width * 2;
        let mut head = [0; HEAD];
        let (parts, _) = head.as_chunks_mut::<8>();
        for (part, value) in parts[1..].iter_mut().zip([changes as u64, position, length as u64]) {
            *part = value.to_ne_bytes();
        }
        let checksum = crc32fast::hash(&head[8..]);
        head[..4].copy_from_slice(&MARK.to_ne_bytes());
        head[4..8].copy_from_slice(&checksum.to_ne_bytes());
        let at = self.end + HEAD as u64;
        self.file.write_all_at(&head, self.end)?;
        self.buffer.clear();
        Ok(Frame { journal: self, at, checksum: crc32fast::Hasher::new() })
    }

    /// A second handle, to wait for the disk without holding the journal.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}

/// A frame that is being written; it counts from [`Frame::finish`] on.
pub struct Frame<'a> {
    journal: &'a mut Journal,
    at: u64,
    checksum: crc32fast::Hasher,
}

impl Frame<'_> {
    /// Adds a change.
    pub fn push(&mut self, entry: Entry<'_>) -> io::Result<()> {
        let buffer = &mut self.journal.buffer;
        match entry {
            Entry::Put(number, vector) => {
                buffer.extend_from_slice(bytes(&[number, 1]));
                buffer.extend_from_slice(bytes(vector));
            }
            Entry::Remove(number) => buffer.extend_from_slice(bytes(&[number, 0])),
        }
        if buffer.len() < BUFFER { Ok(()) } else { self.write() }
    }

    /// Ends the frame.
    pub fn finish(mut self) -> io::Result<()> {
        self.write()?;
        let checksum = self.checksum.finalize();
        self.journal.file.write_all_at(&checksum.to_ne_bytes(), self.at)?;
        self.journal.end = self.at + CHECKSUM as u64;
        Ok(())
    }

    fn write(&mut self) -> io::Result<()> {
        let buffer = &mut self.journal.buffer;
        self.checksum.update(buffer);
        self.journal.file.write_all_at(buffer, self.at)?;
        self.at += buffer.len() as u64;
        buffer.clear();
        Ok(())
    }
}

/// Reads the frames that count, in order, each with its position; answers where the last one ends.
pub fn replay(path: &Path, width: usize, mut apply: impl FnMut(&[Entry<'_>], u64)) -> u64 {
    let Ok(mapping) = Mapping::open(path) else { return 0 };
    let bytes = mapping.bytes();
    let mut end = 0;
    let mut entries = Vec::new();
    while let Some((position, length)) = read(&bytes[end..], width, &mut entries) {
        apply(&entries, position);
        end += length;
        entries.clear();
    }
    end as u64
}

/// The frame at the front: its position and its length.
fn read<'a>(bytes: &'a [u8], width: usize, entries: &mut Vec<Entry<'a>>) -> Option<(u64, usize)> {
    let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
    let (parts, _) = head.as_chunks::<8>();
    let [changes, position, length] = [1, 2, 3].map(|part| u64::from_ne_bytes(parts[part]));
    let (first, _) = head.as_chunks::<4>();
    if u32::from_ne_bytes(first[0]) != MARK || u32::from_ne_bytes(first[1]) != crc32fast::hash(&head[8..]) {
        return None;
    }
    let length = usize::try_from(length).ok()?;
    let (body, rest) = rest.split_at_checked(length)?;
    let checksum = rest.first_chunk::<CHECKSUM>()?;
    if u32::from_ne_bytes(*checksum) != crc32fast::hash(body) {
        return None;
    }
    let mut body = body;
    for _ in 0..changes {
        let (words, after) = body.split_first_chunk::<8>()?;
        let (words, _) = words.as_chunks::<4>();
        let [number, kind] = [0, 1].map(|word| u32::from_ne_bytes(words[word]));
        body = after;
        entries.push(if kind == 0 {
            Entry::Remove(number)
        } else {
            let (vector, after) = body.split_at_checked(width * 2)?;
            body = after;
            let vector = numbers(vector);
            if vector.len() != width {
                return None;
            }
            Entry::Put(number, vector)
        });
    }
    body.is_empty().then_some((position, HEAD + length + CHECKSUM))
}

#[cfg(test)]
mod tests;
