//! The folder of an index: who has it, and the manifest that says which of its files count.
//!
//! The manifest names the segments, says which of their rows are dead, and names the journal with
//! what came after. It is replaced as a whole, by renaming a new one over it, so there is always one
//! state of the index on the disk, and the frames of the journal lead from it to later ones.
//!
//! Invariant: a file that the manifest does not name is of no use to anybody and is removed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mapping::bytes;
use super::segment::Identity;
use crate::error::{Error, Result};

const MANIFEST: &str = "manifest";
const NEW: &str = "manifest.new";
const LOCK: &str = "lock";
/// A program that is being started has this one's files for a moment, a lock that was given up too; so
/// often, so long apart, it is tried before somebody is said to have it.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(5);
/// A manifest begins with this; it changes when anything in the files does.
const MARK: u64 = 0x4154_4c56_4543_0002;

/// A folder that nobody else has.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Holds the lock for as long as it is open.
    _lock: File,
}

/// What the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Which vectors these are, as the owner says.
    pub stamp: String,
    /// How many numbers they have.
    pub dimensions: usize,
    /// How far along the owner's changes the segments are.
    pub position: u64,
    /// The journal with what came after.
    pub journal: u64,
    /// The segments, with a bit for each place whose row is dead.
    pub segments: Vec<(Identity, Vec<u64>)>,
}

impl Folder {
    /// Takes a folder, made if it is missing.
    pub fn take(path: &Path) -> Result<Self> {
        let failed = |source| Error::io(path, source);
        fs::create_dir_all(path).map_err(failed)?;
        let lock = File::create(path.join(LOCK)).map_err(failed)?;
        for is_last in (1..=TRIES).map(|attempt| attempt == TRIES) {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { path: path.to_owned(), _lock: lock }),
                Err(TryLockError::WouldBlock) if is_last => break,
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
        Err(Error::InUse { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// An error of the system, told with the folder's place.
    pub fn failed(&self, source: io::Error) -> Error {
        Error::io(&self.path, source)
    }

    /// The manifest, if there is one that is whole.
    pub fn manifest(&self) -> Option<Manifest> {
        Manifest::read(&fs::read(self.path.join(MANIFEST)).ok()?)
    }

    /// Replaces the manifest; it is on the disk when this answers.
    pub fn replace(&self, manifest: &Manifest) -> io::Result<()> {
        let place = self.path.join(NEW);
        let mut file = File::create(&place)?;
        file.write_all(&manifest.written())?;
        file.sync_data()?;
        fs::rename(place, self.path.join(MANIFEST))?;
        File::open(&self.path)?.sync_data()
    }

    /// Removes the index's files that the manifest does not name; all of them without one.
    pub fn clean(&self, manifest: Option<&Manifest>) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let path = entry?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            let kind = path.extension().and_then(|kind| kind.to_str());
            let counts = |id: u64, kind: &str| {
                manifest.is_some_and(|manifest| match kind {
                    "journal" => manifest.journal == id,
                    _ => manifest.segments.iter().any(|(segment, _)| segment.id == id),
                })
            };
            let stale = match (id, kind) {
                (Some(id), Some(kind @ ("journal" | "segment"))) => !counts(id, kind),
                _ => path.file_name().is_some_and(|name| name == NEW),
            };
            if stale {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Bytes of all its files.
    pub fn bytes(&self) -> u64 {
        let entries = fs::read_dir(&self.path).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
    }
}

impl Manifest {
    /// Every number 64 bits, every list its length first; the checksum of all comes last.
    fn written(&self) -> Vec<u8> {
        let mut words = vec![MARK, self.dimensions as u64, self.position, self.journal];
        words.push(self.segments.len() as u64);
        for (segment, dead) in &self.segments {
            words.extend([segment.id, segment.bytes, u64::from(segment.checksum), dead.len() as u64]);
            words.extend(dead);
        }
        let mut written: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
        written.extend_from_slice(self.stamp.as_bytes());
        let checksum = crc32fast::hash(&written);
        written.extend_from_slice(bytes(&[checksum]));
        written
    }

    fn read(written: &[u8]) -> Option<Self> {
        let (rest, checksum) = written.split_last_chunk::<4>()?;
        if u32::from_ne_bytes(*checksum) != crc32fast::hash(rest) {
            return None;
        }
        let mut rest = rest;
        let mut word = || {
            let (word, after) = rest.split_first_chunk::<8>()?;
            rest = after;
            Some(u64::from_ne_bytes(*word))
        };
        if word()? != MARK {
            return None;
        }
        let (dimensions, position, journal) = (usize::try_from(word()?).ok()?, word()?, word()?);
        let mut segments = Vec::new();
        for _ in 0..word()? {
            let (id, bytes, checksum) = (word()?, word()?, u32::try_from(word()?).ok()?);
            let words = word()?;
            let dead = (0..words).map(|_| word()).collect::<Option<Vec<u64>>>()?;
            segments.push((Identity { id, bytes, checksum }, dead));
        }
        let stamp = String::from_utf8(rest.to_vec()).ok()?;
        Some(Self { stamp, dimensions, position, journal, segments })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_was_written_or_not_at_all() {
        let identity = Identity { id: 7, bytes: 4_096, checksum: 0xdead_beef };
        let manifest = Manifest {
            stamp: "model@1".into(),
            dimensions: 384,
            position: u64::MAX,
            journal: 8,
            segments: vec![(identity, vec![1, u64::MAX]), (Identity { id: 9, ..identity }, vec![])],
        };
        let written = manifest.written();
        assert_eq!(Manifest::read(&written), Some(manifest));
        for at in 0..written.len() {
            assert_eq!(Manifest::read(&written[..at]), None, "cut at {at}");
            let mut damaged = written.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(Manifest::read(&damaged), None, "damaged at {at}");
        }
    }

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::take(place.path()).unwrap();
        assert!(matches!(Folder::take(place.path()), Err(Error::InUse { .. })));
        drop(folder);
        Folder::take(place.path()).unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(Folder::take(&file), Err(Error::Folder { .. })));
    }
}
