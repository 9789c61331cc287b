//! Changing files: writing, renaming, making folders.
//!
//! Invariant: no change passes through a link, and none replaces what the caller did not expect.

use std::ffi::CString;

use rustix::fs::Stat;
use rustix::io::Errno;

use crate::error::Error;
use crate::folder::{Folder, Links, c_string};
use crate::list::EntryKind;
use crate::path::TreePath;
use crate::place::{self, Before, Placing};
use crate::read::Version;
use crate::worktree::Worktree;

/// What a file must be for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever it is, or missing.
    Anything,
    /// Missing: the file is new.
    Absent,
    /// This content.
    Version(Version),
}

impl Worktree {
    /// Writes a whole file and says its new version. Folders on the way are made; the permissions
    /// of a file that was there are kept.
    ///
    /// # Errors
    /// [`Error::Changed`] with the version that is there, if it is not the expected one;
    /// [`Error::Exists`] where [`Expected::Absent`] is not so; [`Error::NotAFile`],
    /// [`Error::LinkRefused`], [`Error::NotAFolder`], [`Error::System`].
    pub fn write(&self, path: &TreePath, bytes: &[u8], expected: Expected) -> Result<Version, Error> {
        let _alone = self.inner.changes.lock();
        self.write_alone(path, bytes, expected)
    }

    /// As [`Worktree::write`], for whoever holds the lock.
    pub(crate) fn write_alone(
        &self,
        path: &TreePath,
        bytes: &[u8],
        expected: Expected,
    ) -> Result<Version, Error> {
        let (parent, name) = match expected {
            // For a file that must be there no folder is made.
            Expected::Version(_) => self.parent_of(path, Links::Refused).map_err(gone(path))?,
            _ => self.make_parent_of(path)?,
        };
        let present = self.present(&parent, &name, path)?;
        match (expected, &present) {
            (Expected::Absent, Some(_)) => return Err(Error::Exists { path: path.to_string() }),
            (Expected::Version(_), None) => {
                return Err(Error::Changed { path: path.to_string(), present: None });
            }
            (Expected::Version(version), Some(_)) => check_version(&parent, &name, path, version)?,
            _ => {}
        }
        let options = self.inner.options;
        let placing = Placing {
            before: if present.is_none() && expected == Expected::Absent {
                Before::Nothing
            } else {
                Before::Anything
            },
            mode: present.map(|stat| stat.st_mode),
            owner: options.owner,
            sync: options.sync,
        };
        place::put_file(&parent, &name, path.as_ref(), bytes, placing)?;
        Ok(Version::of(bytes))
    }

    /// Gives a file or folder another path. Folders on the way are made; nothing is replaced.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Exists`], [`Error::LinkRefused`], [`Error::PathRefused`] for a
    /// folder that would be moved into itself, [`Error::System`].
    pub fn rename(&self, from: &TreePath, to: &TreePath) -> Result<(), Error> {
        let _alone = self.inner.changes.lock();
        let (old_parent, old_name) = self.parent_of(from, Links::Refused)?;
        old_parent.stat(&old_name).map_err(Error::at(from))?;
        let (new_parent, new_name) = self.make_parent_of(to)?;
        match rustix::fs::renameat_with(
            &old_parent,
            &old_name,
            &new_parent,
            &new_name,
            rustix::fs::RenameFlags::NOREPLACE,
        ) {
            Err(Errno::INVAL) => {
                Err(Error::PathRefused { path: to.to_string(), reason: "it lies in what is to be moved" })
            }
            Err(Errno::NOENT) => Err(Error::NotFound { path: from.to_string() }),
            moved => moved.map_err(Error::at(to)),
        }
    }

    /// Makes a folder and those it lies in; one that is there already is left as it is.
    ///
    /// # Errors
    /// [`Error::NotAFolder`], [`Error::LinkRefused`], [`Error::System`].
    pub fn make_folder(&self, path: &TreePath) -> Result<(), Error> {
        let _alone = self.inner.changes.lock();
        let inner = &self.inner;
        inner.root.make_folders(path.as_ref(), inner.resolver, inner.options.owner).map(drop)
    }

    /// The open folder that a path lies in, and its name there.
    pub(crate) fn parent_of(&self, path: &TreePath, links: Links) -> Result<(Folder, CString), Error> {
        let (parent, name) = split(path)?;
        let opened = self.inner.root.open_folder(parent.as_ref(), links, self.inner.resolver);
        Ok((opened.map_err(Error::at(path))?, name))
    }

    fn make_parent_of(&self, path: &TreePath) -> Result<(Folder, CString), Error> {
        let (parent, name) = split(path)?;
        let inner = &self.inner;
        let made = inner.root.make_folders(parent.as_ref(), inner.resolver, inner.options.owner)?;
        Ok((made, name))
    }

    /// The regular file that is under a name, if any.
    fn present(&self, parent: &Folder, name: &CString, path: &TreePath) -> Result<Option<Stat>, Error> {
        let stat = match parent.stat(name) {
            Err(Errno::NOENT) => return Ok(None),
            stat => stat.map_err(Error::at(path))?,
        };
        match EntryKind::of(&stat) {
            EntryKind::File => Ok(Some(stat)),
            EntryKind::Link => Err(Error::LinkRefused { path: path.to_string() }),
            kind => Err(Error::NotAFile { path: path.to_string(), kind }),
        }
    }
}

/// The folder a path lies in and its name there.
fn split(path: &TreePath) -> Result<(TreePath, CString), Error> {
    let (parent, name) = path
        .split_last()
        .ok_or(Error::PathRefused { path: String::new(), reason: "it is the folder itself" })?;
    Ok((parent, c_string(name.as_bytes())))
}

/// A file is changed, not missing, for someone who has read it.
fn gone(path: &TreePath) -> impl FnOnce(Error) -> Error {
    let path = path.to_string();
    move |error| if error.is_not_found() { Error::Changed { path, present: None } } else { error }
}

fn check_version(parent: &Folder, name: &CString, path: &TreePath, expected: Version) -> Result<(), Error> {
    let (file, _) = parent.child_file(name, path.as_ref()).map_err(gone(path))?;
    let present = Version::of_file(file).map_err(Error::at(path))?;
    if present == expected {
        return Ok(());
    }
    Err(Error::Changed { path: path.to_string(), present: Some(present) })
}
