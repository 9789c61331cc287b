//! Walking a folder whose content somebody else controls: by descriptors, never following a
//! link, never leaving its file system, and never deeper than [`DEPTH_LIMIT`].

use std::{
    ffi::CString,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use nix::{
    dir::Dir,
    errno::Errno,
    fcntl::{AtFlags, OFlag, open, openat},
    sys::stat::{FileStat, Mode, fstat, fstatat},
    unistd::{Gid, Uid, fchown, fchownat},
};

/// Each level keeps a descriptor open, of which a process has 1,024 by default.
pub(super) const DEPTH_LIMIT: usize = 256;

/// A user and group id that belongs to no person and no service: from the range systemd sets
/// apart for containers, or in a container that maps less, from the end of what Debian leaves
/// unassigned.
const PREFERRED_HOST_ID: u32 = 879_000;
const SMALL_HOST_ID: u32 = 64_999;

/// The id that is in use here when none is configured.
pub(in crate::jail) fn default_host_id() -> u32 {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let is_mapped = |id: u64| {
        map.lines().any(|line| {
            let numbers: Vec<u64> =
                line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
            matches!(numbers[..], [first, _, count] if (first..first.saturating_add(count)).contains(&id))
        })
    };
    if is_mapped(PREFERRED_HOST_ID.into()) { PREFERRED_HOST_ID } else { SMALL_HOST_ID }
}

/// How much there is in a tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub bytes: u64,
    pub inodes: u64,
    /// The tree is deeper than anything real; it was not walked to its end.
    pub is_too_deep: bool,
}

/// Adds up the blocks and entries below a folder. Stops early once `enough` says so.
pub(super) fn measure(root: &OwnedFd, enough: impl Fn(&Size) -> bool) -> nix::Result<Size> {
    let mut size = Size::default();
    let is_complete = walk(root, |_, _, stat| {
        size.bytes += u64::try_from(stat.st_blocks).unwrap_or(0) * 512;
        size.inodes += 1;
        !enough(&size)
    })?;
    size.is_too_deep = !is_complete && !enough(&size);
    Ok(size)
}

/// Makes a user the owner of a folder and all below it. A file with a second name is left alone,
/// because that name may be outside.
pub(super) fn give_to(folder: &Path, id: u32) -> nix::Result<()> {
    let (user, group) = (Some(Uid::from_raw(id)), Some(Gid::from_raw(id)));
    let root = open_folder(folder)?;
    if fstat(&root)?.st_uid != id {
        fchown(&root, user, group)?;
    }
    walk(&root, |parent, name, stat| {
        let is_folder = stat.st_mode & libc::S_IFMT == libc::S_IFDIR;
        if stat.st_uid != id && (is_folder || stat.st_nlink == 1) {
            let _ = fchownat(parent.as_fd(), name.as_c_str(), user, group, AtFlags::AT_SYMLINK_NOFOLLOW);
        }
        true
    })?;
    Ok(())
}

pub(super) fn open_folder(path: &Path) -> nix::Result<OwnedFd> {
    open(path, FOLDER, Mode::empty())
}

const FOLDER: OFlag =
    OFlag::O_RDONLY.union(OFlag::O_DIRECTORY).union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);

/// Visits every entry until the visitor says no. Returns whether all were visited. What vanishes
/// meanwhile is passed over.
fn walk(root: &OwnedFd, mut visit: impl FnMut(&Dir, &CString, &FileStat) -> bool) -> nix::Result<bool> {
    let device = fstat(root)?.st_dev;
    let mut levels = vec![Level::open(openat(root.as_fd(), ".", FOLDER, Mode::empty())?)?];
    while let Some(level) = levels.last_mut() {
        let Some(name) = level.names.pop() else {
            levels.pop();
            continue;
        };
        let Ok(stat) = fstatat(level.folder.as_fd(), name.as_c_str(), AtFlags::AT_SYMLINK_NOFOLLOW) else {
            continue;
        };
        if !visit(&level.folder, &name, &stat) {
            return Ok(false);
        }
        if stat.st_mode & libc::S_IFMT != libc::S_IFDIR || stat.st_dev != device {
            continue;
        }
        match openat(level.folder.as_fd(), name.as_c_str(), FOLDER, Mode::empty()) {
            Ok(_) if levels.len() == DEPTH_LIMIT => return Ok(false),
            Ok(folder) => levels.push(Level::open(folder)?),
            Err(Errno::EMFILE) => return Ok(false),
            Err(_) => {}
        }
    }
    Ok(true)
}

/// A folder that is being walked, and what of it is still to be visited.
struct Level {
    folder: Dir,
    names: Vec<CString>,
}

impl Level {
    fn open(folder: OwnedFd) -> nix::Result<Self> {
        let mut folder = Dir::from_fd(folder)?;
        let names = folder
            .iter()
            .map_while(Result::ok)
            .map(|entry| entry.file_name().to_owned())
            .filter(|name| name.as_bytes() != b"." && name.as_bytes() != b"..")
            .collect();
        Ok(Self { folder, names })
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_walk_counts_entries_and_follows_no_link() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("a/b")).expect("folders");
        fs::write(folder.path().join("a/b/file"), vec![1; 10_000]).expect("a file");
        symlink("/usr", folder.path().join("a/link")).expect("a link");
        let size = measure(&open_folder(folder.path()).expect("opens"), |_| false).expect("a walk");
        assert_eq!((size.inodes, size.is_too_deep), (4, false));
        assert!(size.bytes >= 10_000);
    }

    #[test]
    fn a_tree_that_is_too_deep_is_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join(["d"; DEPTH_LIMIT + 5].join("/"));
        fs::create_dir_all(deep).expect("folders");
        let size = measure(&open_folder(folder.path()).expect("opens"), |_| false).expect("a walk");
        assert!(size.is_too_deep);
    }
}
