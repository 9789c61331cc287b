//! Why a document cannot be read, and how it is told to people.

use serde::{Deserialize, Serialize};

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with a document, or with the workers that read it. A worker sends it to its parent as
/// it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Error {
    /// More bytes, or more text, than is read.
    #[error("The document has {}{bytes} bytes of {what}; at most {limit} are read", if *exact { "" } else { "more than " })]
    TooLarge {
        /// What there is too much of: `data` or `text`.
        what: String,
        /// How many bytes were seen.
        bytes: u64,
        /// Whether that is all of them, or reading ended there.
        exact: bool,
        /// The limit.
        limit: u64,
    },
    /// There is no text in it at all.
    #[error("There is no text in the document{}", if reason.is_empty() { String::new() } else { format!(": {reason}") })]
    Empty {
        /// Why that may be; can be empty.
        reason: String,
    },
    /// It can only be read with a password.
    #[error("The document is encrypted and cannot be read without its password")]
    Encrypted,
    /// It is not what it should be.
    #[error("The document is damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// It unpacks to far more than it seems to hold.
    #[error("The document unpacks to more than {limit} bytes from {packed}")]
    Bomb {
        /// The bytes it is packed in.
        packed: u64,
        /// The bytes that would be unpacked at most.
        limit: u64,
    },
    /// It takes longer to read than is allowed.
    #[error("The document was not read within {seconds} seconds")]
    TooSlow {
        /// The limit.
        seconds: u64,
    },
    /// Its parts are too many or too deep within each other, or need too much memory.
    #[error("The document is too complex: {reason}")]
    TooComplex {
        /// What there is too much of.
        reason: String,
    },
    /// It is of a kind that is not read.
    #[error("This is {what}, which is not read")]
    Unsupported {
        /// What it seems to be, with its article.
        what: String,
    },
    /// No worker can be started or reached; nothing is known about the document.
    #[error("No process could be started to read the document: {reason}")]
    WorkerUnavailable {
        /// What the system said.
        reason: String,
    },
}

impl Error {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }

    pub(crate) fn too_complex(reason: impl Into<String>) -> Self {
        Self::TooComplex { reason: reason.into() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        use kernel::Kind;
        let (kind, code, hint) = match &error {
            Error::TooLarge { .. } => {
                (Kind::Limit, "document_too_large", "Split it, or leave out what should not be found")
            }
            Error::Empty { .. } => {
                (Kind::Invalid, "document_empty", "If it is a scan, run text recognition on it first")
            }
            Error::Encrypted => (Kind::Invalid, "document_encrypted", "Save it without a password"),
            Error::Damaged { .. } => {
                (Kind::Invalid, "document_damaged", "Open it in its own program and save it again")
            }
            Error::Bomb { .. } => {
                (Kind::Limit, "document_bomb", "Do not open it unless you know where it comes from")
            }
            Error::TooSlow { .. } => (Kind::Limit, "document_too_slow", "Split it, or save it as plain text"),
            Error::TooComplex { .. } => {
                (Kind::Limit, "document_too_complex", "Split it, or save it as plain text")
            }
            Error::Unsupported { .. } => (
                Kind::Invalid,
                "unsupported_format",
                "Save it as text, Markdown, HTML, PDF or DOCX; unpack archives first",
            ),
            Error::WorkerUnavailable { .. } => {
                (Kind::Unavailable, "extract_worker_unavailable", "Try again; see the log if it stays so")
            }
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_what_is_wrong_and_what_to_do() {
        #[track_caller]
        fn check(error: Error, code: &str, message: &str) {
            let error = kernel::Error::from(error);
            assert_eq!((error.code, error.message.as_str()), (code, message));
            assert!(error.hint.is_some());
        }
        check(
            Error::TooLarge { what: "text".into(), bytes: 17, exact: false, limit: 16 },
            "document_too_large",
            "The document has more than 17 bytes of text; at most 16 are read",
        );
        check(
            Error::Encrypted,
            "document_encrypted",
            "The document is encrypted and cannot be read without its password",
        );
        check(Error::Empty { reason: String::new() }, "document_empty", "There is no text in the document");
        check(
            Error::unsupported("a PNG image"),
            "unsupported_format",
            "This is a PNG image, which is not read",
        );
        check(
            Error::Bomb { packed: 10, limit: 1000 },
            "document_bomb",
            "The document unpacks to more than 1000 bytes from 10",
        );
    }
}
