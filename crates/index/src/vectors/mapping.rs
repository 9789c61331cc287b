//! Files that are read by mapping them into memory.
//!
//! Invariant: a mapped file is never written again. The index writes a file whole under a new name,
//! and maps it then; the folder is the index's own, under its lock. Somebody who cuts a mapped file
//! ends the process, as with every program that maps files.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// What most systems have for large pages.
const LARGE_PAGE: usize = 2 << 20;

/// A file in memory, for reading.
#[derive(Debug)]
pub struct Mapping(Mmap);

/// A copy of bytes that is read at random: in large pages, where the system has them, so that finding
/// a page does not take longer than reading it.
#[derive(Debug)]
pub struct Resident {
    memory: Vec<u8>,
    begin: usize,
}

impl Resident {
    /// Copies some bytes.
    pub fn copy(bytes: &[u8]) -> Self {
        if bytes.len() < LARGE_PAGE {
            return Self { memory: bytes.to_vec(), begin: 0 };
        }
        let mut memory: Vec<u8> = Vec::with_capacity(bytes.len() + LARGE_PAGE);
        let begin = memory.as_ptr().align_offset(LARGE_PAGE).min(LARGE_PAGE);
        let length = bytes.len() / LARGE_PAGE * LARGE_PAGE;
        #[cfg(target_os = "linux")]
        // SAFETY: the range lies in the vector's own memory, whose contents the advice does not change.
        // Should it be refused, ordinary pages do as well.
        unsafe {
            let place = memory.as_mut_ptr().add(begin).cast();
            let _ = rustix::mm::madvise(place, length, rustix::mm::Advice::LinuxHugepage);
        }
        memory.resize(begin, 0);
        memory.extend_from_slice(bytes);
        Self { memory, begin }
    }

    /// All of them.
    pub fn bytes(&self) -> &[u8] {
        &self.memory[self.begin..]
    }
}

/// Numbers that any bytes are.
pub trait Plain: Copy {}
impl Plain for i8 {}
impl Plain for u16 {}
impl Plain for u32 {}

impl Mapping {
    /// Maps a whole file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: nobody writes the file again, as the module says.
        Ok(Self(unsafe { Mmap::map(&file) }?))
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Bytes as numbers of this machine's byte order; none if they do not lie or end as numbers do.
pub fn numbers<T: Plain>(bytes: &[u8]) -> &[T] {
    // SAFETY: any bytes are such a number.
    let (before, numbers, after) = unsafe { bytes.align_to::<T>() };
    if before.is_empty() && after.is_empty() { numbers } else { &[] }
}

/// The bytes of numbers.
pub fn bytes<T: Plain>(numbers: &[T]) -> &[u8] {
    // SAFETY: such a number has no padding, and bytes may lie anywhere.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
