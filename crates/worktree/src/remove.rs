//! Removing files and whole folders.
//!
//! Invariant: no link is followed, however deep the folders lie and whoever changes them meanwhile.

use std::ffi::CStr;

use rustix::io::Errno;

use crate::error::Error;
use crate::folder::{Folder, Links};
use crate::list::{EntryKind, MAX_NAMES};
use crate::path::TreePath;
use crate::place::partial_name;
use crate::worktree::Worktree;

/// Every level is an open descriptor. What lies deeper is moved up to the top and removed there.
const DESCENT: usize = 64;
/// Programs may fill a folder as fast as it is emptied.
const ROUNDS: usize = 1_000;

impl Worktree {
    /// Removes a file, a link or a folder with all it contains.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LinkRefused`] for a link on the way, [`Error::System`].
    pub fn remove(&self, path: &TreePath) -> Result<(), Error> {
        let _alone = self.inner.changes.lock();
        let (parent, name) = self.parent_of(path, Links::Refused)?;
        let stat = parent.stat(&name).map_err(Error::at(path))?;
        let is_folder = EntryKind::of(&stat) == EntryKind::Folder;
        remove_entry(&parent, &name, is_folder).map_err(Error::at(path))
    }
}

/// Removes what is under a name, whatever it is.
pub(crate) fn remove_entry(parent: &Folder, name: &CStr, is_folder: bool) -> Result<(), Errno> {
    if !is_folder {
        return match parent.unlink(name) {
            // It was replaced by a folder since.
            Err(Errno::ISDIR) => remove_folder(parent, name),
            removed => removed,
        };
    }
    remove_folder(parent, name)
}

fn remove_folder(parent: &Folder, name: &CStr) -> Result<(), Errno> {
    for _ in 0..ROUNDS {
        match parent.remove_empty_folder(name) {
            Err(Errno::NOTEMPTY | Errno::EXIST) => {}
            // It was replaced by something else since.
            Err(Errno::NOTDIR) => return parent.unlink(name),
            removed => return removed,
        }
        let folder = parent.child_folder(name)?;
        empty(&folder, &folder, 0)?;
    }
    Err(Errno::NOTEMPTY)
}

fn empty(top: &Folder, folder: &Folder, depth: usize) -> Result<(), Errno> {
    let (names, _) = folder.names(MAX_NAMES)?;
    for entry in names {
        let name = &*entry.name;
        if entry.kind != EntryKind::Folder {
            is_gone(folder.unlink(name))?;
        } else if depth == DESCENT {
            is_gone(rustix::fs::renameat(folder, name, top, partial_name()))?;
        } else {
            match folder.child_folder(name) {
                Ok(child) => empty(top, &child, depth + 1)?,
                // Gone, or replaced; the next round sees what is there.
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => continue,
                Err(errno) => return Err(errno),
            }
            is_gone(folder.remove_empty_folder(name))?;
        }
    }
    Ok(())
}

/// What is gone already, or was replaced or filled meanwhile, is left to the next round.
fn is_gone(removed: Result<(), Errno>) -> Result<(), Errno> {
    match removed {
        Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR | Errno::ISDIR) => Ok(()),
        removed => removed,
    }
}
