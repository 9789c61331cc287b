//! What can go wrong with memory, and how it is told to people.

use std::io;
use std::path::PathBuf;

use kernel::{DocumentId, Kind};

use crate::document::{MAX_KEY_CHARS, MAX_TEXT_BYTES};
use crate::search::MAX_QUERY_CHARS;

/// A failure of this crate's own making; the store's failures are [`kernel::Error`] already.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A search for nothing.
    #[error("The search names no word")]
    EmptyQuery,
    /// A search that is longer than any question.
    #[error("The search has {chars} characters; at most {MAX_QUERY_CHARS} are read")]
    QueryTooLong {
        /// How many it has.
        chars: usize,
    },
    /// A limit outside what the request allows.
    #[error("The limit is {limit}; it can be 1 to {max}")]
    LimitOutOfRange {
        /// What was asked.
        limit: usize,
        /// The largest there is.
        max: usize,
    },
    /// A collection's name that cannot be one.
    #[error("`{0}` cannot be the name of a collection")]
    InvalidCollection(String),
    /// A field that documents do not have.
    #[error("There is no field `{field}` to filter by")]
    UnknownField {
        /// What was named.
        field: String,
    },
    /// A value that a field cannot have.
    #[error("`{value}` is no value of `{field}`")]
    UnfitValue {
        /// The field.
        field: String,
        /// What was given, cut.
        value: String,
    },
    /// A document's key that cannot be one.
    #[error("A document's key has 1 to {MAX_KEY_CHARS} characters, none of them a control character")]
    InvalidKey,
    /// A text that is too long for one document.
    #[error("The text has {bytes} bytes; a document holds at most {MAX_TEXT_BYTES}")]
    TextTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// What a pack must have does not fit into its budget.
    #[error("What must be in the context takes {needed} tokens; the budget is {budget}")]
    PackTooSmall {
        /// How many it takes.
        needed: usize,
        /// How many there may be.
        budget: usize,
    },
    /// There is no such document.
    #[error("There is no document {0}")]
    DocumentNotFound(DocumentId),
    /// The snapshot could not be written.
    #[error("The snapshot could not be written to {}: {source}", .path.display())]
    Snapshot {
        /// Where to.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::EmptyQuery => (Kind::Invalid, "empty_query", "Write at least one word to look for"),
            Error::QueryTooLong { .. } => {
                (Kind::Invalid, "query_too_long", "Search for the words that matter most")
            }
            Error::LimitOutOfRange { .. } => {
                (Kind::Invalid, "limit_out_of_range", "Ask for fewer, or for at least one")
            }
            Error::InvalidCollection(_) => (
                Kind::Invalid,
                "invalid_collection",
                "Use 1 to 64 lower-case letters, digits, hyphens and underscores",
            ),
            Error::UnknownField { .. } => (
                Kind::Invalid,
                "unknown_field",
                "The fields are collection, source, author, privacy, since, until, brand_id, product_id, \
                 thread_id, project_id, client_id, run_id, agent, language, path and url",
            ),
            Error::UnfitValue { .. } => (
                Kind::Invalid,
                "unfit_value",
                "Moments are like 2026-11-21 or 2026-11-21T09:30:00Z, privacy is shareable or local",
            ),
            Error::InvalidKey => (Kind::Invalid, "invalid_key", "Use an id or a path as the key"),
            Error::TextTooLong { .. } => (
                Kind::Limit,
                "text_too_long",
                "Split the text into several documents, or keep a summary of it",
            ),
            Error::PackTooSmall { .. } => (
                Kind::Limit,
                "pack_too_small",
                "Raise the budget, choose a model that reads more, or shorten what is canonical",
            ),
            Error::DocumentNotFound(_) => {
                (Kind::NotFound, "document_not_found", "Search memory to see which documents there are")
            }
            Error::Snapshot { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    (Kind::Unavailable, "disk_full", "Free some space; memory itself is not affected")
                }
                _ => (
                    Kind::Unavailable,
                    "snapshot_failed",
                    "Make the folder writable for the user Atelier runs as",
                ),
            },
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}
