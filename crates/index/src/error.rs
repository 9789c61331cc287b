//! What can go wrong with an index, and what a person can do about it.

use std::io;
use std::path::{Path, PathBuf};

use kernel::Kind;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an index. Damage is none: a damaged index is made anew.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be read or written.
    #[error("the index in {} cannot be used: {source}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process, or another part of this one, has the index open.
    #[error("another process uses the index in {}", .path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// Anything else.
    #[error("the index failed: {0}")]
    Failed(String),
    /// A vector has another length than those of the index.
    #[error("a vector of {found} numbers does not belong in an index of {expected}")]
    WrongDimensions {
        /// How many numbers the vectors of the index have.
        expected: usize,
        /// How many this one has.
        found: usize,
    },
}

impl Error {
    /// What the system said about the folder at `path` or a file in it.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Folder { path: path.to_owned(), source },
        }
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::Folder { .. } => (
                Kind::Unavailable,
                "index_unusable",
                "Make the workspace's folder writable for the user Atelier runs as",
            ),
            Error::InUse { .. } => (Kind::Conflict, "index_in_use", "Stop the other process"),
            Error::DiskFull => {
                (Kind::Unavailable, "disk_full", "Free some space; what is remembered is not affected")
            }
            Error::Failed(_) => (
                Kind::Internal,
                "index_failed",
                "Make it anew with `atelier memory reindex`; what is remembered is not affected",
            ),
            Error::WrongDimensions { .. } => (
                Kind::Internal,
                "index_wrong_dimensions",
                "Make it anew with `atelier memory reindex`; what is remembered is not affected",
            ),
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_a_code_a_surface_can_answer_with() {
        #[track_caller]
        fn check(kind: io::ErrorKind, code: &str) {
            let error = kernel::Error::from(Error::io(Path::new("index"), kind.into()));
            assert_eq!(error.code, code, "{kind:?}");
        }
        check(io::ErrorKind::StorageFull, "disk_full");
        check(io::ErrorKind::QuotaExceeded, "disk_full");
        check(io::ErrorKind::PermissionDenied, "index_unusable");
        check(io::ErrorKind::Other, "index_unusable");
    }
}
