//! What can go wrong with storage, and what the person can do about it.

use std::path::PathBuf;

use kernel::Kind;

/// A failure of the database, the blobs or the workspace folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be made or written to.
    #[error("the workspace folder {path} cannot be used: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process serves this workspace.
    #[error("another Atelier already serves {path}")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database was written by a newer version.
    #[error("the workspace was written by a newer Atelier (schema {found}, this one knows {known})")]
    Newer {
        /// The schema version found.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The database or its folder is read-only.
    #[error("the workspace cannot be written to")]
    ReadOnly,
    /// The database file is not one, or is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another process holds the database too long.
    #[error("the database is busy")]
    Busy,
    /// The writer has stopped.
    #[error("the workspace is closed")]
    Closed,
    /// Anything else the database says.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row that does not say what it should.
    #[error("a stored row cannot be read: {0}")]
    Unreadable(String),
}

impl Error {
    /// What an extended SQLite result code means, if it is one that a person can do something about.
    fn of_code(code: i32, message: &str) -> Option<Self> {
        // The low byte is the primary code.
        match code & 0xff {
            13 => Some(Self::DiskFull),
            // A folder that may be read only shows as a file that cannot be opened.
            8 | 14 => Some(Self::ReadOnly),
            5 | 6 => Some(Self::Busy),
            11 | 26 => Some(Self::Damaged(message.to_owned())),
            _ => None,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let known = match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().and_then(|code| code.parse().ok());
                code.and_then(|code| Self::of_code(code, database.message()))
            }
            _ => None,
        };
        known.unwrap_or_else(|| Self::Database(error.into()))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let known = match &error {
            rusqlite::Error::SqliteFailure(failure, message) => {
                Self::of_code(failure.extended_code, message.as_deref().unwrap_or_default())
            }
            _ => None,
        };
        known.unwrap_or_else(|| Self::Database(error.into()))
    }
}

/// Whether a row was refused because its key is taken.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    error.sqlite_error().is_some_and(|failure| {
        matches!(failure.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE)
    })
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        let mut message: String = text.chars().take(1).flat_map(char::to_uppercase).collect();
        message.extend(text.chars().skip(1));
        let new = |kind, code, hint: &str| kernel::Error::new(kind, code, message.clone()).with_hint(hint);
        match error {
            Error::Folder { .. } | Error::ReadOnly => new(
                Kind::Unavailable,
                "workspace_read_only",
                "Make the folder writable for the user Atelier runs as, or choose another with --data",
            ),
            Error::InUse { .. } => new(
                Kind::Conflict,
                "workspace_in_use",
                "Use the server that runs, stop it first, or choose another folder with --data",
            ),
            Error::Newer { .. } => new(
                Kind::Conflict,
                "workspace_newer",
                "Update Atelier, or open the folder with the version that wrote it",
            ),
            Error::DiskFull => {
                new(Kind::Unavailable, "disk_full", "Free some space; nothing that was acknowledged is lost")
            }
            Error::Damaged(_) => new(
                Kind::Unavailable,
                "workspace_damaged",
                "Restore the folder from a backup; the file was left as it is",
            ),
            Error::Busy => {
                new(Kind::Unavailable, "workspace_busy", "Another program holds the database; try again")
            }
            Error::Closed => {
                new(Kind::Unavailable, "stopping", "Atelier is stopping; try again when it is back")
            }
            Error::Database(_) | Error::Unreadable(_) => kernel::Error::internal(error),
        }
    }
}

impl From<Error> for runs::Error {
    fn from(error: Error) -> Self {
        Self::Store(error.into())
    }
}
