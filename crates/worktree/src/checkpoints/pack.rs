//! Many objects in one file: a git pack and its index, written in one go.
//!
//! A file for each object would cost more than all else a checkpoint does. The formats are those of
//! gitformat-pack(5), version 2 both; objects are compressed lightly and not against each other.
//!
//! Invariant: a pack is seen only when it and its index are whole.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use git2::Oid;
use sha1::{Digest, Sha1};

use super::object::Kind;
use crate::error::Error;

const HEADER_BYTES: u64 = 12;
/// Offsets from here on stand in a table of their own.
const FAR: u64 = 1 << 31;
const PARTIAL: &str = "being-written";

/// A pack in the making. Without objects it leaves no file.
pub(crate) struct PackWriter {
    folder: PathBuf,
    sync: bool,
    out: Option<BufWriter<File>>,
    objects: HashMap<Oid, Place>,
    offset: u64,
    compress: Compress,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Place {
    offset: u64,
    checksum: u32,
}

impl PackWriter {
    /// Writes into the folder of the packs of a repository.
    pub(crate) fn new(folder: PathBuf, sync: bool) -> Self {
        let compress = Compress::new(Compression::fast(), true);
        Self {
            folder,
            sync,
            out: None,
            objects: HashMap::new(),
            offset: HEADER_BYTES,
            compress,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn has(&self, id: Oid) -> bool {
        self.objects.contains_key(&id)
    }

    pub(crate) fn put(&mut self, kind: Kind, id: Oid, bytes: &[u8]) -> Result<(), Error> {
        if self.has(id) {
            return Ok(());
        }
        self.buffer.clear();
        entry_header(kind, bytes.len() as u64, &mut self.buffer);
        self.deflate(bytes)?;
        let mut checksum = Crc::new();
        checksum.update(&self.buffer);
        self.objects.insert(id, Place { offset: self.offset, checksum: checksum.sum() });
        self.offset += self.buffer.len() as u64;
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.out()?.write_all(&buffer).map_err(failed);
        self.buffer = buffer;
        written
    }

    fn out(&mut self) -> Result<&mut BufWriter<File>, Error> {
        let out = match self.out.take() {
            Some(out) => out,
            None => {
                let path = self.folder.join(PARTIAL);
                let mut options = OpenOptions::new();
                let file = options.read(true).write(true).create(true).truncate(true).open(path);
                let mut out = BufWriter::with_capacity(256 * 1024, file.map_err(failed)?);
                // How many objects follow is known at the end.
                out.write_all(&[0; HEADER_BYTES as usize]).map_err(failed)?;
                out
            }
        };
        Ok(self.out.insert(out))
    }

    fn deflate(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.compress.reset();
        loop {
            let read = usize::try_from(self.compress.total_in()).unwrap_or(usize::MAX);
            let rest = bytes.get(read..).unwrap_or_default();
            self.buffer.reserve(rest.len() / 2 + 64);
            let status = self.compress.compress_vec(rest, &mut self.buffer, FlushCompress::Finish);
            match status.map_err(|error| failed(std::io::Error::other(error)))? {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
    }

    /// Makes the pack visible to whoever reads the repository. Gives the name it has now.
    pub(crate) fn finish(mut self) -> Result<Option<String>, Error> {
        let Some(out) = self.out.take() else { return Ok(None) };
        let mut file = out.into_inner().map_err(|error| failed(error.into_error()))?;
        let count =
            u32::try_from(self.objects.len()).map_err(|error| failed(std::io::Error::other(error)))?;
        let header = [&b"PACK"[..], &2_u32.to_be_bytes(), &count.to_be_bytes()].concat();
        file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&header)).map_err(failed)?;
        let name = hash_of(&mut file).map_err(failed)?;
        file.write_all(&name).map_err(failed)?;
        let index = index(&self.objects, &name);
        let stem = format!("pack-{}", Oid::from_bytes(&name).unwrap_or_else(|_| Oid::zero()));
        let partial_index = self.folder.join(format!("{PARTIAL}-index"));
        let mut index_file = File::create(&partial_index).map_err(failed)?;
        index_file.write_all(&index).map_err(failed)?;
        if self.sync {
            file.sync_data().and_then(|()| index_file.sync_data()).map_err(failed)?;
        }
        // A pack counts when its index is there, which therefore comes last.
        rename(&self.folder, PARTIAL, &format!("{stem}.pack"))?;
        rename(&self.folder, &format!("{PARTIAL}-index"), &format!("{stem}.idx"))?;
        if self.sync {
            File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Ok(Some(stem))
    }
}

fn rename(folder: &Path, from: &str, to: &str) -> Result<(), Error> {
    std::fs::rename(folder.join(from), folder.join(to)).map_err(failed)
}

fn failed(source: std::io::Error) -> Error {
    Error::System { path: "The repository of the checkpoints".into(), source }
}

/// What an object is and how large, before its compressed bytes.
fn entry_header(kind: Kind, length: u64, out: &mut Vec<u8>) {
    let mut byte = ((kind as u8) << 4) | (length & 0x0f) as u8;
    let mut rest = length >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}

fn hash_of(file: &mut File) -> std::io::Result<[u8; 20]> {
    file.seek(SeekFrom::Start(0))?;
    let mut hasher = Sha1::new();
    std::io::copy(file, &mut hasher)?;
    Ok(hasher.finalize().into())
}

fn index(objects: &HashMap<Oid, Place>, pack_name: &[u8; 20]) -> Vec<u8> {
    let mut sorted: Vec<(&Oid, &Place)> = objects.iter().collect();
    sorted.sort_unstable_by_key(|(id, _)| **id);
    let mut bytes = Vec::with_capacity(1_100 + sorted.len() * 28);
    bytes.extend_from_slice(b"\xfftOc\0\0\0\x02");
    // For each first byte of an id, how many ids do not come after it.
    let mut at = 0;
    for first in 0..=u8::MAX {
        at += sorted[at..].iter().take_while(|(id, _)| id.as_bytes()[0] == first).count();
        bytes.extend_from_slice(&number(at).to_be_bytes());
    }
    sorted.iter().for_each(|(id, _)| bytes.extend_from_slice(id.as_bytes()));
    sorted.iter().for_each(|(_, place)| bytes.extend_from_slice(&place.checksum.to_be_bytes()));
    let mut far = Vec::new();
    for (_, place) in &sorted {
        let offset = match u32::try_from(place.offset) {
            Ok(offset) if place.offset < FAR => offset,
            _ => {
                far.extend_from_slice(&place.offset.to_be_bytes());
                (1 << 31) | number(far.len() / 8 - 1)
            }
        };
        bytes.extend_from_slice(&offset.to_be_bytes());
    }
    bytes.extend_from_slice(&far);
    bytes.extend_from_slice(pack_name);
    let checksum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}

/// A count of objects, of which [`PackWriter::finish`] takes no more than fit.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
