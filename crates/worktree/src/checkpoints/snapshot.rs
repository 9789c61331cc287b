//! The state of the folder as objects.
//!
//! Invariant: what is read is read through a descriptor that was opened beneath the folder's own
//! without following a link, and is a regular file.

use std::collections::{HashMap, HashSet};

use git2::Oid;
use rustix::fs::Stat;
use rustix::io::Errno;

use super::Checkpoints;
use super::cache::{Cache, Mark};
use super::object::{Kind, TreeEntry, encode_tree, id_of, tree_mode};
use super::pack::PackWriter;
use super::repository::{Objects, Repository};
use crate::error::Error;
use crate::folder::{Folder, Links, Name, read_whole, size_of};
use crate::list::EntryKind;
use crate::path::{MAX_DEPTH, is_partial, joined};

/// How often a file is read again that changes while it is read.
const TRIES: usize = 3;
/// How many of the files that were left out are named.
const NAMED: usize = 20;

/// Takes objects that may be new.
pub(crate) trait Sink {
    fn has(&self, id: Oid) -> bool;
    fn put(&mut self, kind: Kind, id: Oid, bytes: &[u8]) -> Result<(), Error>;
}

impl Sink for PackWriter {
    fn has(&self, id: Oid) -> bool {
        Self::has(self, id)
    }

    fn put(&mut self, kind: Kind, id: Oid, bytes: &[u8]) -> Result<(), Error> {
        Self::put(self, kind, id, bytes)
    }
}

/// New objects that are only looked at. Of large files no more is kept than that they are there.
#[derive(Default)]
pub(crate) struct Memory {
    objects: HashMap<Oid, Vec<u8>>,
    bytes: usize,
}

const MAX_BLOB: usize = 2 * 1024 * 1024;
const MAX_MEMORY: usize = 128 * 1024 * 1024;

impl Sink for Memory {
    fn has(&self, id: Oid) -> bool {
        self.objects.contains_key(&id)
    }

    fn put(&mut self, kind: Kind, id: Oid, bytes: &[u8]) -> Result<(), Error> {
        let is_kept =
            kind == Kind::Tree || (bytes.len() <= MAX_BLOB && self.bytes + bytes.len() <= MAX_MEMORY);
        if is_kept {
            self.bytes += bytes.len();
            self.objects.insert(id, bytes.to_vec());
        }
        Ok(())
    }
}

/// What is in memory, and else what is in the repository.
pub(crate) struct Layered<'a>(pub(crate) &'a Memory, pub(crate) &'a Repository);

impl Objects for Layered<'_> {
    fn bytes(&self, id: Oid) -> Result<Vec<u8>, Error> {
        match self.0.objects.get(&id) {
            Some(bytes) => Ok(bytes.clone()),
            None => self.1.bytes(id),
        }
    }
}

/// A state of the folder.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) tree: Oid,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) left_out: Vec<String>,
}

struct Taking<'a, S> {
    excluded: &'a HashSet<Vec<u8>>,
    max_file_bytes: u64,
    /// How many more files and folders are taken.
    room: usize,
    max_entries: usize,
    repository: &'a Repository,
    known: &'a Cache,
    seen: Cache,
    sink: &'a mut S,
    files: u64,
    bytes: u64,
    left_out: Vec<String>,
}

impl Snapshot {
    /// Reads what has changed since `known` and puts what is new into the sink. Gives also what is
    /// known from now on, which holds once the sink's objects are in the repository.
    pub(crate) fn take(
        of: &Checkpoints,
        repository: &Repository,
        known: &Cache,
        sink: &mut impl Sink,
    ) -> Result<(Self, Cache), Error> {
        let mut taking = Taking {
            excluded: &of.excluded,
            max_file_bytes: of.options.max_file_bytes,
            room: of.options.max_entries,
            max_entries: of.options.max_entries,
            repository,
            known,
            seen: Cache::beginning(&of.git_folder)?,
            sink,
            files: 0,
            bytes: 0,
            left_out: Vec::new(),
        };
        let inner = &of.tree.inner;
        let root = inner.root.open_folder(b"", Links::Refused, inner.resolver).map_err(Error::at(b"."))?;
        let tree = taking.folder(&root, b"", 0)?;
        let Taking { files, bytes, left_out, seen, .. } = taking;
        Ok((Self { tree, files, bytes, left_out }, seen))
    }
}

impl<S: Sink> Taking<'_, S> {
    fn folder(&mut self, folder: &Folder, path: &[u8], depth: usize) -> Result<Oid, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep { path: String::from_utf8_lossy(path).into_owned() });
        }
        let (names, more) = folder.names(self.room).map_err(Error::at(path))?;
        if more {
            return Err(Error::TooMany { limit: self.max_entries });
        }
        self.room -= names.len();
        let mut entries = Vec::with_capacity(names.len());
        for name in names {
            let path = joined(path, name.bytes());
            match self.entry(folder, &name, &path, depth) {
                Ok(entry) => entries.extend(entry),
                // It went, or became something else, after the folder was read.
                Err(Error::NotFound { .. } | Error::LinkRefused { .. } | Error::NotAFile { .. }) => {}
                Err(Error::NotAFolder { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let bytes = encode_tree(entries);
        let id = id_of(Kind::Tree, &bytes);
        self.put(Kind::Tree, id, &bytes)?;
        Ok(id)
    }

    fn entry(
        &mut self,
        folder: &Folder,
        name: &Name,
        path: &[u8],
        depth: usize,
    ) -> Result<Option<TreeEntry>, Error> {
        let entry = |mode, id| Ok(Some(TreeEntry { name: name.bytes().to_vec(), mode, id }));
        match name.kind {
            EntryKind::Folder if self.excluded.contains(name.bytes()) => Ok(None),
            EntryKind::Folder => {
                let child = folder.child_folder(&name.name).map_err(Error::at(path))?;
                let stat = rustix::fs::fstat(&child).map_err(Error::at(path))?;
                entry(tree_mode(EntryKind::Folder, stat.st_mode), self.folder(&child, path, depth + 1)?)
            }
            EntryKind::Link => {
                let target = folder.link_target(&name.name);
                let target = match target {
                    // It is no link any more.
                    Err(Errno::INVAL) => return Ok(None),
                    target => target.map_err(Error::at(path))?,
                };
                let id = id_of(Kind::Blob, &target);
                self.put(Kind::Blob, id, &target)?;
                self.files += 1;
                entry(tree_mode(EntryKind::Link, 0), id)
            }
            EntryKind::File if is_partial(name.bytes()) => Ok(None),
            EntryKind::File => match self.file(folder, name, path)? {
                Some((stat, id)) => entry(tree_mode(EntryKind::File, stat.st_mode), id),
                None => Ok(None),
            },
            EntryKind::Other => Ok(None),
        }
    }

    fn file(&mut self, folder: &Folder, name: &Name, path: &[u8]) -> Result<Option<(Stat, Oid)>, Error> {
        let stat = folder.stat(&name.name).map_err(Error::at(path))?;
        if EntryKind::of(&stat) == EntryKind::File {
            let mark = Mark::of(&stat);
            let known = self.known.find(path, mark).filter(|id| self.repository.has(*id));
            if let Some(id) = known {
                self.seen.remember(path, mark, id);
                self.count(&stat);
                return Ok(Some((stat, id)));
            }
        }
        for attempt in 1..=TRIES {
            let (mut file, before) = folder.child_file(&name.name, path)?;
            let bytes = match read_whole(&mut file, &before, path, self.max_file_bytes) {
                Err(Error::TooLarge { path, .. }) => {
                    if self.left_out.len() < NAMED {
                        self.left_out.push(path);
                    }
                    return Ok(None);
                }
                bytes => bytes?,
            };
            let after = rustix::fs::fstat(&file).map_err(Error::at(path))?;
            let is_still = Mark::of(&before) == Mark::of(&after) && bytes.len() as u64 == size_of(&after);
            if is_still || attempt == TRIES {
                let id = id_of(Kind::Blob, &bytes);
                self.put(Kind::Blob, id, &bytes)?;
                if is_still {
                    self.seen.remember(path, Mark::of(&after), id);
                }
                self.count(&after);
                return Ok(Some((after, id)));
            }
        }
        Ok(None)
    }

    fn count(&mut self, stat: &Stat) {
        self.files += 1;
        self.bytes += size_of(stat);
    }

    fn put(&mut self, kind: Kind, id: Oid, bytes: &[u8]) -> Result<(), Error> {
        if self.sink.has(id) || self.repository.has(id) {
            return Ok(());
        }
        self.sink.put(kind, id, bytes)
    }
}
