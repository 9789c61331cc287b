//! The folder itself: what every operation on files starts from.
//!
//! Invariant: the folder is opened once; whatever its path names later, the operations stay in the
//! folder that was opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Error;
use crate::folder::Folder;

/// To whom files and folders are given that are made, when the server runs as root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// The group's number.
    pub group: u32,
}

/// How paths are resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolver {
    /// By the kernel in one call; reading may pass through links that stay in the folder.
    Kernel,
    /// Name by name, following no link at all: where the kernel has no `openat2`.
    ByName,
}

/// How a folder is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorktreeOptions {
    /// To whom what is made is given.
    pub owner: Option<Owner>,
    /// Whether a written file is on the disk, and not only with the kernel, when a call returns.
    pub sync: bool,
    /// How paths are resolved; `None` finds out what this machine can do.
    pub resolver: Option<Resolver>,
}

/// A folder that agents and people edit together. Cheap to clone; every call blocks its thread.
///
/// Changes made through clones of one `Worktree` exclude each other, so that of two writers who
/// expect the same version one is told of the conflict. Programs in the folder know no such lock:
/// between the look at a version and the replacement of the file they may write once more.
#[derive(Clone, Debug)]
pub struct Worktree {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: Folder,
    pub(crate) options: WorktreeOptions,
    pub(crate) resolver: Resolver,
    /// Held while something is changed.
    pub(crate) changes: Mutex<()>,
    path: PathBuf,
}

impl Worktree {
    /// Opens an existing folder. Links in `path` itself are followed: it is the caller's.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotAFolder`] and [`Error::System`].
    pub fn open(path: impl Into<PathBuf>, options: WorktreeOptions) -> Result<Self, Error> {
        let path = path.into();
        let root = Folder::open_root(&path).map_err(Error::at(path.as_os_str().as_encoded_bytes()))?;
        let resolver = options.resolver.unwrap_or_else(|| root.detect_resolver());
        Ok(Self { inner: Arc::new(Inner { root, options, resolver, changes: Mutex::new(()), path }) })
    }

    /// The path it was opened by, for messages.
    pub fn opened_as(&self) -> &Path {
        &self.inner.path
    }
}
