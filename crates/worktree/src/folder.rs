//! Folders by descriptor: the only place that resolves names.
//!
//! A path is resolved once, from the descriptor of the worktree's own folder, with `openat2` and
//! `RESOLVE_BENEATH`: the kernel refuses to leave the folder even while links are swapped. Reading
//! may pass through links that stay beneath (`node_modules/.bin` is made of them); changing may
//! not pass through any. Where the kernel has no `openat2`, or a seccomp filter refuses it, names
//! are opened one by one with `O_NOFOLLOW`, which follows no link at all. Within an open folder
//! everything is done by single names that are never followed.
//!
//! Invariant: no function here takes a path that is looked up from anywhere but a descriptor.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use crate::error::Error;
use crate::list::EntryKind;
use crate::path::joined;
use crate::worktree::{Owner, Resolver};

/// Links may be swapped while the kernel resolves one that points upwards; it then says so.
const TRIES: usize = 64;
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
/// A pipe without a writer, or a device, must not keep whoever opens it waiting.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Whether links on the way are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Not one: for everything that changes something.
    Refused,
    /// Those that stay beneath the root: for reading.
    Beneath,
}

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

/// A name in a folder and what the folder says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) name: CString,
    pub(crate) kind: EntryKind,
}

impl Name {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    /// Opens the folder that everything else is resolved from. Its path is the caller's, and trusted.
    pub(crate) fn open_root(path: &std::path::Path) -> Result<Self, Errno> {
        rustix::fs::open(path, FOLDER, Mode::empty()).map(Self)
    }

    /// Which way of resolving works on this machine.
    pub(crate) fn detect_resolver(&self) -> Resolver {
        match openat2(self.as_fd(), b".", FOLDER, Links::Refused) {
            Ok(_) => Resolver::Kernel,
            Err(_) => Resolver::ByName,
        }
    }

    /// The folder at a path below this one; an empty path opens this one anew.
    pub(crate) fn open_folder(&self, path: &[u8], links: Links, how: Resolver) -> Result<Self, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        self.open(path, FOLDER, links, how).map(Self)
    }

    /// The regular file at a path below this one.
    pub(crate) fn open_file(&self, path: &[u8], links: Links, how: Resolver) -> Result<(File, Stat), Error> {
        let descriptor = self.open(path, FILE, links, how).map_err(Error::at(path))?;
        regular(descriptor, path)
    }

    fn open(&self, path: &[u8], flags: OFlags, links: Links, how: Resolver) -> Result<OwnedFd, Errno> {
        match how {
            Resolver::Kernel => openat2(self.as_fd(), path, flags, links),
            Resolver::ByName => open_by_name(self.as_fd(), path, flags),
        }
    }

    /// The folder of this name in this one.
    pub(crate) fn child_folder(&self, name: &CStr) -> Result<Self, Errno> {
        rustix::fs::openat(self, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()).map(Self)
    }

    /// The regular file of this name in this one; `path` is what messages call it.
    pub(crate) fn child_file(&self, name: &CStr, path: &[u8]) -> Result<(File, Stat), Error> {
        let opened = rustix::fs::openat(self, name, FILE | OFlags::NOFOLLOW, Mode::empty());
        regular(opened.map_err(Error::at(path))?, path)
    }

    /// What is at a name, without following it.
    pub(crate) fn stat(&self, name: &CStr) -> Result<Stat, Errno> {
        rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Where a link points.
    pub(crate) fn link_target(&self, name: &CStr) -> Result<Vec<u8>, Errno> {
        rustix::fs::readlinkat(self, name, Vec::new()).map(CString::into_bytes)
    }

    /// At most `limit` names in no order, and whether there are more.
    pub(crate) fn names(&self, limit: usize) -> Result<(Vec<Name>, bool), Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if names.len() == limit {
                return Ok((names, true));
            }
            let kind = match entry.file_type() {
                // Some file systems do not say.
                FileType::Unknown => match self.stat(name) {
                    Ok(stat) => EntryKind::of(&stat),
                    Err(Errno::NOENT) => continue,
                    Err(errno) => return Err(errno),
                },
                file_type => EntryKind::from(file_type),
            };
            names.push(Name { name: name.to_owned(), kind });
        }
        Ok((names, false))
    }

    /// The folder at a path below this one; what of it is missing is made.
    pub(crate) fn make_folders(
        &self,
        path: &[u8],
        how: Resolver,
        owner: Option<Owner>,
    ) -> Result<Self, Error> {
        match self.open_folder(path, Links::Refused, how) {
            Err(Errno::NOENT) => {}
            opened => return opened.map_err(Error::at(path)),
        }
        let mut folder = self.open_folder(b"", Links::Refused, how).map_err(Error::at(path))?;
        let mut done = Vec::new();
        for name in path.split(|byte| *byte == b'/') {
            done = joined(&done, name);
            folder = folder.make_child_folder(&c_string(name), owner).map_err(Error::at(&done))?;
        }
        Ok(folder)
    }

    /// Opens the folder of this name in this one and makes it if there is none.
    pub(crate) fn make_child_folder(&self, name: &CStr, owner: Option<Owner>) -> Result<Self, Errno> {
        // Whoever changes the folder meanwhile may remove what was just made.
        for _ in 0..TRIES {
            match self.child_folder(name) {
                Err(Errno::NOENT) => {}
                opened => return opened,
            }
            match rustix::fs::mkdirat(self, name, Mode::from_raw_mode(0o755)) {
                Ok(()) => {
                    let made = self.child_folder(name)?;
                    give(&made, owner)?;
                    return Ok(made);
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        Err(Errno::AGAIN)
    }

    pub(crate) fn unlink(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::unlinkat(self, name, AtFlags::empty())
    }

    pub(crate) fn remove_empty_folder(&self, name: &CStr) -> Result<(), Errno> {
        rustix::fs::unlinkat(self, name, AtFlags::REMOVEDIR)
    }
}

/// Gives what was made to whom the folder belongs, by its descriptor.
pub(crate) fn give(made: impl AsFd, owner: Option<Owner>) -> Result<(), Errno> {
    match owner {
        Some(Owner { user, group }) => rustix::fs::fchown(
            made,
            Some(rustix::fs::Uid::from_raw(user)),
            Some(rustix::fs::Gid::from_raw(group)),
        ),
        None => Ok(()),
    }
}

/// Reads to the end, but never more than `limit` bytes.
pub(crate) fn read_whole(file: &mut File, stat: &Stat, path: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let size = size_of(stat);
    let too_large =
        |bytes| Error::TooLarge { path: String::from_utf8_lossy(path).into_owned(), bytes, limit };
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    // It may grow while it is read; one byte more than is taken shows that.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::at(path))?;
    match bytes.len() as u64 {
        length if length > limit => Err(too_large(length)),
        _ => Ok(bytes),
    }
}

pub(crate) fn size_of(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// A name for the kernel. Names with a zero byte were refused before; one would be cut there.
pub(crate) fn c_string(name: &[u8]) -> CString {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    CString::new(&name[..end]).unwrap_or_default()
}

fn regular(descriptor: OwnedFd, path: &[u8]) -> Result<(File, Stat), Error> {
    let stat = rustix::fs::fstat(&descriptor).map_err(Error::at(path))?;
    match EntryKind::of(&stat) {
        EntryKind::File => Ok((File::from(descriptor), stat)),
        kind => Err(Error::NotAFile { path: String::from_utf8_lossy(path).into_owned(), kind }),
    }
}

fn openat2(root: BorrowedFd<'_>, path: &[u8], flags: OFlags, links: Links) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    if links == Links::Refused {
        resolve |= ResolveFlags::NO_SYMLINKS;
    }
    for _ in 0..TRIES {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

fn open_by_name(root: BorrowedFd<'_>, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut names = path.split(|byte| *byte == b'/').peekable();
    let mut folder: Option<OwnedFd> = None;
    while let Some(name) = names.next() {
        let at = folder.as_ref().map_or(root, AsFd::as_fd);
        let is_last = names.peek().is_none();
        let flags = if is_last { flags } else { FOLDER };
        let opened = match rustix::fs::openat(at, name, flags | OFlags::NOFOLLOW, Mode::empty()) {
            // With O_DIRECTORY the kernel says of a link that it is no folder.
            Err(Errno::NOTDIR) if is_link(at, name) => return Err(Errno::LOOP),
            opened => opened?,
        };
        if is_last {
            return Ok(opened);
        }
        folder = Some(opened);
    }
    Err(Errno::NOENT)
}

fn is_link(at: BorrowedFd<'_>, name: &[u8]) -> bool {
    rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| EntryKind::of(&stat) == EntryKind::Link)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn both_ways(check: impl Fn(&Folder, Resolver)) {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        std::fs::create_dir_all(root.join("real/deep")).unwrap();
        std::fs::write(root.join("real/file"), "inside").unwrap();
        std::fs::write(place.path().join("secret"), "outside").unwrap();
        symlink("real", root.join("beneath")).unwrap();
        symlink("../secret", root.join("up")).unwrap();
        symlink(place.path(), root.join("away")).unwrap();
        symlink("/proc/self/fd", root.join("magic")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let folder = Folder::open_root(&root).unwrap();
        check(&folder, Resolver::Kernel);
        check(&folder, Resolver::ByName);
    }

    #[test]
    fn no_link_leads_out_and_none_is_changed_through() {
        both_ways(|root, how| {
            for links in [Links::Refused, Links::Beneath] {
                for path in ["up", "away/secret", "magic/0", "loop", "beneath/../../secret"] {
                    let opened = root.open_file(path.as_bytes(), links, how);
                    assert!(opened.is_err(), "{path} by {how:?}");
                }
                assert!(root.open_folder(b"away", links, how).is_err());
            }
            let through = root.open_file(b"beneath/file", Links::Refused, how);
            assert!(matches!(through, Err(Error::LinkRefused { .. })), "{how:?}: {through:?}");
            assert!(matches!(root.make_folders(b"beneath/new", how, None), Err(Error::LinkRefused { .. })));
            assert!(matches!(root.make_folders(b"away/new", how, None), Err(Error::LinkRefused { .. })));
        });
    }

    #[test]
    fn reading_passes_through_links_that_stay_beneath() {
        both_ways(|root, how| {
            let read = root.open_file(b"beneath/file", Links::Beneath, how);
            assert_eq!(read.is_ok(), how == Resolver::Kernel);
            assert!(root.open_file(b"real/file", Links::Beneath, how).is_ok());
        });
    }

    #[test]
    fn makes_the_folders_that_are_missing() {
        both_ways(|root, how| {
            root.make_folders(b"real/x/y/z", how, None).unwrap();
            assert!(root.open_folder(b"real/x/y/z", Links::Refused, how).is_ok());
            assert!(matches!(root.make_folders(b"real/file/x", how, None), Err(Error::NotAFolder { .. })));
        });
    }
}
