//! What is known of the files since they were read last, so that an unchanged one is not read again.
//!
//! A file is taken for unchanged if its size, number, device and both times are. A program can set
//! the time of modification at will, but not that of the change of the inode.
//!
//! Invariant: a file that changed so shortly before it was read that a later change might carry the
//! same time is not remembered. A cache that cannot be read is an empty one.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::Oid;
use rustix::fs::Stat;

use crate::error::Error;

const FILE: &str = "atelier-known-files";
const PARTIAL: &str = "atelier-known-files-being-written";
const CLOCK: &str = "atelier-clock";
const MAGIC: &[u8; 8] = b"atkfiles";
const FORMAT: u32 = 1;
const HASH_BYTES: usize = 32;
/// Kernels tell the time of files no finer than their timer ticks, at most 10 ms apart.
const TICK_NS: i128 = 20_000_000;

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    device: u64,
    inode: u64,
    size: i64,
    modified_ns: i128,
    changed_ns: i128,
}

impl Mark {
    // How wide these numbers are depends on the machine.
    #[allow(clippy::useless_conversion)]
    pub(crate) fn of(stat: &Stat) -> Self {
        let ns = |seconds: i64, ns: i128| i128::from(seconds) * 1_000_000_000 + ns;
        Self {
            device: u64::from(stat.st_dev),
            inode: u64::from(stat.st_ino),
            size: i64::from(stat.st_size),
            modified_ns: ns(stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed_ns: ns(stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }
}

/// The known files by path.
pub(crate) struct Cache {
    files: HashMap<Vec<u8>, (Mark, Oid)>,
    /// Files that changed after this are not remembered.
    settled_ns: i128,
}

impl Cache {
    /// Nothing is known.
    pub(crate) fn empty() -> Self {
        Self { files: HashMap::new(), settled_ns: i128::MAX }
    }

    /// A cache for files that are going to be read now, by the clock of the file system.
    pub(crate) fn beginning(git_folder: &Path) -> Result<Self, Error> {
        let told = File::create(git_folder.join(CLOCK)).and_then(|mut file| {
            file.write_all(b"\n")?;
            file.metadata()
        });
        let now = told.map_err(failed)?;
        let now = i128::from(now.mtime()) * 1_000_000_000 + i128::from(now.mtime_nsec());
        Ok(Self { files: HashMap::new(), settled_ns: now - TICK_NS })
    }

    pub(crate) fn find(&self, path: &[u8], mark: Mark) -> Option<Oid> {
        self.files.get(path).filter(|(known, _)| *known == mark).map(|(_, id)| *id)
    }

    pub(crate) fn remember(&mut self, path: &[u8], mark: Mark, id: Oid) {
        if mark.changed_ns < self.settled_ns && mark.modified_ns < self.settled_ns {
            self.files.insert(path.to_vec(), (mark, id));
        }
    }

    pub(crate) fn read(git_folder: &Path) -> Self {
        let bytes = std::fs::read(git_folder.join(FILE)).unwrap_or_default();
        let files = bytes
            .split_at_checked(HASH_BYTES)
            .and_then(|(hash, rest)| (blake3::hash(rest).as_bytes() == hash).then(|| decode(rest)).flatten());
        Self { files: files.unwrap_or_default(), ..Self::empty() }
    }

    /// Writes the cache, unless `before` is on the disk and knows the same.
    pub(crate) fn write(&self, git_folder: &Path, before: &Self) -> Result<(), Error> {
        if self.files == before.files {
            return Ok(());
        }
        let bytes = encode(&self.files);
        let partial = git_folder.join(PARTIAL);
        let written = File::create(&partial).and_then(|mut file| {
            file.write_all(blake3::hash(&bytes).as_bytes())?;
            file.write_all(&bytes)
        });
        written.and_then(|()| std::fs::rename(&partial, git_folder.join(FILE))).map_err(failed)
    }

    /// Forgets all, also what is on the disk.
    pub(crate) fn forget(git_folder: &Path) -> Result<(), Error> {
        match std::fs::remove_file(git_folder.join(FILE)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }
}

fn encode(files: &HashMap<Vec<u8>, (Mark, Oid)>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(files.len() * 160);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    for (path, (mark, id)) in files {
        bytes.extend_from_slice(&u32::try_from(path.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(path);
        bytes.extend_from_slice(&mark.device.to_le_bytes());
        bytes.extend_from_slice(&mark.inode.to_le_bytes());
        bytes.extend_from_slice(&mark.size.to_le_bytes());
        bytes.extend_from_slice(&mark.modified_ns.to_le_bytes());
        bytes.extend_from_slice(&mark.changed_ns.to_le_bytes());
        bytes.extend_from_slice(id.as_bytes());
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<HashMap<Vec<u8>, (Mark, Oid)>> {
    let mut rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&FORMAT.to_le_bytes())?;
    let mut files = HashMap::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(take(&mut rest)?);
        let (path, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        let mark = Mark {
            device: u64::from_le_bytes(take(&mut rest)?),
            inode: u64::from_le_bytes(take(&mut rest)?),
            size: i64::from_le_bytes(take(&mut rest)?),
            modified_ns: i128::from_le_bytes(take(&mut rest)?),
            changed_ns: i128::from_le_bytes(take(&mut rest)?),
        };
        let id = Oid::from_bytes(&take::<20>(&mut rest)?).ok()?;
        files.insert(path.to_vec(), (mark, id));
    }
    Some(files)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn failed(source: std::io::Error) -> Error {
    Error::System { path: "The repository of the checkpoints".into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_was_and_damaged_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mark = Mark { device: 1, inode: 2, size: 3, modified_ns: 4, changed_ns: -5 };
        let id = Oid::from_bytes(&[7; 20]).unwrap();
        let mut cache = Cache::empty();
        cache.remember(b"a/\xff\n", mark, id);
        cache.write(folder.path(), &Cache::empty()).unwrap();
        assert_eq!(Cache::read(folder.path()).find(b"a/\xff\n", mark), Some(id));
        assert_eq!(Cache::read(folder.path()).find(b"a/\xff\n", Mark { size: 4, ..mark }), None);

        let file = folder.path().join(FILE);
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(Cache::read(folder.path()).find(b"a/\xff\n", mark), None);
    }

    #[test]
    fn a_file_that_has_just_changed_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let mut cache = Cache::beginning(folder.path()).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let stat = rustix::fs::stat(&file).unwrap();
        cache.remember(b"file", Mark::of(&stat), Oid::zero());
        assert_eq!(cache.find(b"file", Mark::of(&stat)), None);
    }
}
