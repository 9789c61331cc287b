//! What can go wrong with an embedding model, and how it is told to people.

use std::io;
use std::path::{Path, PathBuf};

use kernel::Kind;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a model cannot be loaded. Embedding itself never fails.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of its files is not there or cannot be read.
    #[error("The embedding model's file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// One of its files is not what it should be.
    #[error("The embedding model's file {} is damaged: {reason}", .path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable { path: path.to_owned(), source }
    }

    pub(crate) fn malformed(path: &Path, reason: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), reason: reason.into() }
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Unreadable { .. } => "embedding_model_missing",
            Error::Malformed { .. } => "embedding_model_damaged",
        };
        Self::new(Kind::Unavailable, code, error.to_string())
            .with_hint("Fetch the model again with `atelier models pull`")
            .with_source(error)
    }
}
