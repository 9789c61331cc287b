//! What a folder contains.

use std::cmp::Ordering;

use kernel::Timestamp;
use rustix::fs::{FileType, Stat};

use crate::error::Error;
use crate::folder::{Folder, Links, Name, size_of};
use crate::path::{TreePath, is_partial, joined};
use crate::worktree::Worktree;

/// At most this many entries are listed.
pub const MAX_ENTRIES: usize = 10_000;
/// At most this many names are looked at to find the first ones.
pub(crate) const MAX_NAMES: usize = 200_000;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// A folder.
    Folder,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device: never read, written or kept.
    Other,
}

impl EntryKind {
    pub(crate) fn of(stat: &Stat) -> Self {
        Self::from(FileType::from_raw_mode(stat.st_mode))
    }

    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Self::Folder => "a folder",
            Self::File => "a file",
            Self::Link => "a link",
            Self::Other => "a pipe, socket or device",
        }
    }
}

impl From<FileType> for EntryKind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::Directory => Self::Folder,
            FileType::RegularFile => Self::File,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// One name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its own name. Bytes that are no UTF-8 are replaced, and then it cannot be asked for.
    pub name: String,
    /// Its path in the tree, as [`TreePath::parse`] takes it.
    pub path: String,
    /// Whether `name` is exactly what is on the disk.
    pub is_exact: bool,
    /// What it is. A link is listed as itself and not as what it points to.
    pub kind: EntryKind,
    /// Bytes of a file, 0 for anything else.
    pub size: u64,
    /// When its content was changed last.
    pub modified: Timestamp,
}

/// The entries of a folder: folders first, each sort in the order of its names' bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// At most [`MAX_ENTRIES`].
    pub entries: Vec<Entry>,
    /// Whether there are more.
    pub truncated: bool,
}

impl Worktree {
    /// What is in a folder.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotAFolder`], [`Error::LinkRefused`], [`Error::System`].
    pub fn list(&self, folder: &TreePath) -> Result<Listing, Error> {
        let path = folder.as_ref();
        let opened = self.inner.root.open_folder(path, Links::Beneath, self.inner.resolver);
        let opened = opened.map_err(Error::at(path))?;
        let (mut names, mut truncated) = opened.names(MAX_NAMES).map_err(Error::at(path))?;
        names.retain(|name| !is_partial(name.bytes()));
        names.sort_unstable_by(folders_first);
        truncated |= names.len() > MAX_ENTRIES;
        names.truncate(MAX_ENTRIES);
        // What is gone by now is not listed.
        let entries = names.iter().filter_map(|name| entry(&opened, path, name)).collect();
        Ok(Listing { entries, truncated })
    }

    /// What one path names, without following it if it is a link.
    ///
    /// # Errors
    /// As [`Worktree::list`].
    pub fn entry(&self, path: &TreePath) -> Result<Entry, Error> {
        let (parent, name) = self.parent_of(path, Links::Beneath)?;
        let stat = parent.stat(&name).map_err(Error::at(path))?;
        let own = path.split_last().map_or("", |(_, name)| name);
        Ok(described(own.as_bytes(), path.as_ref(), &stat))
    }
}

/// Folders before all else, then by name.
pub(crate) fn folders_first(left: &Name, right: &Name) -> Ordering {
    let is_other = |name: &Name| name.kind != EntryKind::Folder;
    is_other(left).cmp(&is_other(right)).then_with(|| left.name.cmp(&right.name))
}

fn entry(folder: &Folder, path: &[u8], name: &Name) -> Option<Entry> {
    let stat = folder.stat(&name.name).ok()?;
    Some(described(name.bytes(), &joined(path, name.bytes()), &stat))
}

fn described(name: &[u8], path: &[u8], stat: &Stat) -> Entry {
    let kind = EntryKind::of(stat);
    let milliseconds = i64::try_from(stat.st_mtime_nsec / 1_000_000).unwrap_or(0);
    Entry {
        is_exact: std::str::from_utf8(name).is_ok(),
        name: String::from_utf8_lossy(name).into_owned(),
        path: String::from_utf8_lossy(path).into_owned(),
        kind,
        size: if kind == EntryKind::File { size_of(stat) } else { 0 },
        modified: Timestamp(stat.st_mtime.saturating_mul(1_000).saturating_add(milliseconds)),
    }
}
