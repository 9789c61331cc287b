//! What can go wrong with secrets, and how it is told to people.
//!
//! Invariant: no variant holds a secret.

use std::path::PathBuf;

use kernel::Kind;

/// A failure of the secret store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file was encrypted with another key.
    #[error("The stored secrets cannot be opened: {reason}")]
    Locked {
        /// What is missing or differs.
        reason: String,
    },
    /// The file or an entry of it is not what was written.
    #[error("The stored secrets are damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be used: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The keychain does not do as it is asked.
    #[error("The system's keychain does not answer: {reason}")]
    Keychain {
        /// What it says.
        reason: String,
    },
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::Locked { .. } => (
                Kind::Unavailable,
                "secrets_locked",
                "Bring back the key file or the ATELIER_SECRETS_PASSPHRASE they were stored with; or remove \
                 secrets.json from the workspace's folder and give the keys anew",
            ),
            Error::Damaged { .. } => (
                Kind::Unavailable,
                "secrets_damaged",
                "Restore secrets.json from a backup; or remove it and give the keys anew",
            ),
            Error::File { .. } => {
                (Kind::Unavailable, "secrets_unwritable", "Let this user read and write it")
            }
            Error::Keychain { .. } => {
                (Kind::Unavailable, "keychain_failed", "Unlock the keychain and try again")
            }
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}
