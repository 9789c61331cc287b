//! What can go wrong with memory, and how it is told to people.

use std::io;
use std::path::PathBuf;

use kernel::{DocumentId, Kind, LogEntryId};

use crate::collection::CHUNK_CHARACTERS;
use crate::document::{MAX_KEY_CHARS, MAX_TEXT_BYTES};
use crate::facts::{self, MAX_FACTS, MAX_VALUE_BYTES};
use crate::search::reranking::{MAX_CANDIDATES, MIN_CANDIDATES};
use crate::search::{MAX_NEIGHBOURS, MAX_QUERY_CHARS};

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
    /// More chunks around a hit than are shown.
    #[error("{asked} neighbours are asked for; there can be 0 to {MAX_NEIGHBOURS} on each side")]
    TooManyNeighbours {
        /// How many.
        asked: u32,
    },
    /// Fewer or more candidates than are shown to a model.
    #[error("{asked} candidates are to be graded; there can be {MIN_CANDIDATES} to {MAX_CANDIDATES}")]
    CandidatesOutOfRange {
        /// How many.
        asked: usize,
    },
    /// Nothing asks models here.
    #[error("Hits are not reranked here")]
    NothingReranks,
    /// A model did not grade in time.
    #[error("The model gave no grades within {seconds} s")]
    RerankTooLate {
        /// How long it had.
        seconds: u64,
    },
    /// A model's answer has no grades.
    #[error("The model's answer has no grade that can be meant")]
    RerankUnusable,
    /// A collection's name that cannot be one.
    #[error("`{0}` cannot be the name of a collection")]
    InvalidCollection(String),
    /// There is no such collection.
    #[error("There is no collection `{0}`")]
    CollectionNotFound(String),
    /// Chunks of a length that says too little or is not embedded whole.
    #[error(
        "A chunk of {characters} characters cannot be set; it can have {} to {}",
        CHUNK_CHARACTERS.start(),
        CHUNK_CHARACTERS.end()
    )]
    ChunkSizeOutOfRange {
        /// What was asked.
        characters: u32,
    },
    /// A document cannot have a lower label than its collection.
    #[error("Everything in `{collection}` stays on this machine")]
    CollectionIsLocal {
        /// The collection.
        collection: String,
    },
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
    /// The store of vectors does not answer.
    #[error("The store of vectors cannot be asked: {0}")]
    VectorsUnreachable(String),
    /// There is no such document.
    #[error("There is no document {0}")]
    DocumentNotFound(DocumentId),
    /// There is no document of this key.
    #[error("There is no document `{key}` in `{collection}`")]
    DocumentKeyNotFound {
        /// The collection.
        collection: String,
        /// The key, cut.
        key: String,
    },
    /// A document cannot take its own place, nor that of what has taken its place.
    #[error("The document {0} cannot supersede what it is superseded by")]
    SupersedesItself(DocumentId),
    /// An agent's name that cannot be one.
    #[error("`{0}` cannot be the name of an agent")]
    InvalidAgent(String),
    /// A fact's key that cannot be one.
    #[error("A key has 1 to {} characters, none of them a control character", facts::MAX_KEY_CHARS)]
    InvalidFactKey,
    /// A value that is too large for a fact.
    #[error("The value has {bytes} bytes as JSON; a fact holds at most {MAX_VALUE_BYTES}")]
    FactTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// A fact would be gone at once.
    #[error("The fact would be gone at once")]
    FactExpired,
    /// There is no such fact.
    #[error("The agent {agent} has noted nothing under `{key}`")]
    FactNotFound {
        /// The agent.
        agent: String,
        /// The key, cut.
        key: String,
    },
    /// Somebody else has set the key meanwhile.
    #[error("Version {current} of `{key}` stands, not version {expected}")]
    FactChanged {
        /// The key, cut.
        key: String,
        /// What was expected.
        expected: u64,
        /// What stands; 0 for nothing.
        current: u64,
    },
    /// An agent has as many facts as it may.
    #[error("The agent {agent} has {MAX_FACTS} keys, and may have no more")]
    TooManyFacts {
        /// The agent.
        agent: String,
    },
    /// An entry of the log says nothing.
    #[error("The title is empty")]
    EmptyTitle,
    /// There is no such entry.
    #[error("There is no entry {0} in the log")]
    LogEntryNotFound(LogEntryId),
    /// A decision has been superseded by another.
    #[error("The decision {id} was superseded by {by} already")]
    AlreadySuperseded {
        /// The decision.
        id: LogEntryId,
        /// What took its place.
        by: LogEntryId,
    },
    /// A line or file of an archive that is no document.
    #[error("This is no document of an export: {reason}")]
    RecordDamaged {
        /// What is wrong with it.
        reason: String,
    },
    /// A member of an archive that is not looked into.
    #[error("This is not taken from the archive: {reason}")]
    MemberRefused {
        /// Why.
        reason: String,
    },
    /// An archive that cannot be read at all.
    #[error("The archive is not taken: {reason}")]
    ArchiveRefused {
        /// Why.
        reason: String,
    },
    /// An archive of a later version than this one reads.
    #[error("The archive is of version {version}, which is newer than this Atelier")]
    ArchiveTooNew {
        /// The version.
        version: u32,
    },
    /// A page that its server does not give.
    #[error("The server answers with status {status} in place of the page")]
    PageRefused {
        /// The status.
        status: u16,
    },
    /// Nothing fetches pages here.
    #[error("Pages of the web are not fetched here")]
    NothingFetches,
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

const NAME_HINT: &str = "Use 1 to 64 lower-case letters, digits, hyphens and underscores";

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::EmptyQuery
            | Error::QueryTooLong { .. }
            | Error::LimitOutOfRange { .. }
            | Error::TooManyNeighbours { .. }
            | Error::CandidatesOutOfRange { .. }
            | Error::NothingReranks
            | Error::RerankTooLate { .. }
            | Error::RerankUnusable => of_search(&error),
            Error::InvalidCollection(_)
            | Error::CollectionNotFound(_)
            | Error::ChunkSizeOutOfRange { .. }
            | Error::CollectionIsLocal { .. } => of_collections(&error),
            Error::UnknownField { .. } => (
                Kind::Invalid,
                "unknown_field",
                "The fields are collection, source, author, privacy, since, until, brand_id, product_id, \
                 thread_id, project_id, client_id, run_id, agent, language, path, url and superseded",
            ),
            Error::UnfitValue { .. } => (
                Kind::Invalid,
                "unfit_value",
                "Moments are like 2026-11-21 or 2026-11-21T09:30:00Z, privacy is shareable or local, \
                 superseded is include or exclude",
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
            Error::VectorsUnreachable(_) => (
                Kind::Unavailable,
                "vectors_unreachable",
                "Look whether it runs; `atelier doctor` says which one is set up. Searches go on by words",
            ),
            Error::DocumentNotFound(_) | Error::DocumentKeyNotFound { .. } => {
                (Kind::NotFound, "document_not_found", "Search memory to see which documents there are")
            }
            Error::SupersedesItself(_) => (
                Kind::Conflict,
                "supersedes_itself",
                "Name an earlier document, or let the other stand again first",
            ),
            Error::InvalidAgent(_)
            | Error::InvalidFactKey
            | Error::FactTooLong { .. }
            | Error::FactExpired
            | Error::FactNotFound { .. }
            | Error::FactChanged { .. }
            | Error::TooManyFacts { .. } => of_facts(&error),
            Error::EmptyTitle | Error::LogEntryNotFound(_) | Error::AlreadySuperseded { .. } => {
                of_log(&error)
            }
            Error::RecordDamaged { .. }
            | Error::MemberRefused { .. }
            | Error::ArchiveRefused { .. }
            | Error::ArchiveTooNew { .. }
            | Error::PageRefused { .. }
            | Error::NothingFetches => of_source(&error),
            Error::Snapshot { source, .. } => of_snapshot(source),
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}

/// Of collections; one that stays here in the end.
fn of_collections(error: &Error) -> (Kind, &'static str, &'static str) {
    match error {
        Error::InvalidCollection(_) => (Kind::Invalid, "invalid_collection", NAME_HINT),
        Error::CollectionNotFound(_) => {
            (Kind::NotFound, "collection_not_found", "List the collections, or set this one up to create it")
        }
        Error::ChunkSizeOutOfRange { .. } => {
            (Kind::Invalid, "chunk_size_out_of_range", "Leave it out, or set it to null for the default")
        }
        _ => (Kind::Conflict, "collection_is_local", "Make the collection shareable first"),
    }
}

/// Of searches and of grades by a model; nothing that gives them in the end.
fn of_search(error: &Error) -> (Kind, &'static str, &'static str) {
    match error {
        Error::EmptyQuery => (Kind::Invalid, "empty_query", "Write at least one word to look for"),
        Error::QueryTooLong { .. } => {
            (Kind::Invalid, "query_too_long", "Search for the words that matter most")
        }
        Error::LimitOutOfRange { .. } => {
            (Kind::Invalid, "limit_out_of_range", "Ask for fewer, or for at least one")
        }
        Error::TooManyNeighbours { .. } => {
            (Kind::Invalid, "limit_out_of_range", "Ask for fewer, or read the whole document")
        }
        Error::CandidatesOutOfRange { .. } => {
            (Kind::Invalid, "limit_out_of_range", "Ask for a number in this range, or leave it out")
        }
        Error::RerankTooLate { .. } => {
            (Kind::Unavailable, "rerank_too_late", "Choose a faster model, or fewer candidates")
        }
        Error::RerankUnusable => {
            (Kind::Unavailable, "rerank_unusable", "Choose a model that follows instructions better")
        }
        _ => (Kind::Unavailable, "nothing_reranks", "Search without it"),
    }
}

/// Of the log; a decision that is superseded already in the end.
fn of_log(error: &Error) -> (Kind, &'static str, &'static str) {
    match error {
        Error::EmptyTitle => (Kind::Invalid, "empty_title", "Say in a line what was decided or failed"),
        Error::LogEntryNotFound(_) => {
            (Kind::NotFound, "log_entry_not_found", "List decisions or errors to see which there are")
        }
        _ => (Kind::Conflict, "already_superseded", "Supersede the decision that took its place"),
    }
}

/// Of what agents note; too many of them in the end.
fn of_facts(error: &Error) -> (Kind, &'static str, &'static str) {
    match error {
        Error::InvalidAgent(_) => (Kind::Invalid, "invalid_agent", NAME_HINT),
        Error::InvalidFactKey => (Kind::Invalid, "invalid_fact_key", "Use a short name or a path"),
        Error::FactTooLong { .. } => {
            (Kind::Limit, "fact_too_long", "Keep it as a document, and note its id here")
        }
        Error::FactExpired => (Kind::Invalid, "fact_expired", "Choose a later end, or none"),
        Error::FactNotFound { .. } => {
            (Kind::NotFound, "fact_not_found", "List what the agent has noted to see its keys")
        }
        Error::FactChanged { .. } => {
            (Kind::Conflict, "fact_changed", "Read it again, and set it with the version that stands")
        }
        _ => (Kind::Limit, "too_many_facts", "Take keys back, or keep what is long as documents"),
    }
}

/// Of archives and pages that are taken in; nothing that fetches them in the end.
fn of_source(error: &Error) -> (Kind, &'static str, &'static str) {
    match error {
        Error::RecordDamaged { .. } => (
            Kind::Invalid,
            "record_damaged",
            "Export it again, or undo what was changed by hand; the other documents are not affected",
        ),
        Error::MemberRefused { .. } => (
            Kind::Invalid,
            "archive_member_refused",
            "Pack the file itself, under a plain path; the other files are not affected",
        ),
        Error::ArchiveRefused { .. } => (
            Kind::Invalid,
            "import_refused",
            "Pack it again, or unpack it yourself and import the folder with `atelier memory import`",
        ),
        Error::ArchiveTooNew { .. } => {
            (Kind::Invalid, "archive_too_new", "Import it with the Atelier that wrote it, or a newer one")
        }
        Error::PageRefused { .. } => (
            Kind::Invalid,
            "page_refused",
            "Open the address in a browser; a page behind a login is saved there",
        ),
        _ => (Kind::Unavailable, "nothing_fetches", "Save the page and give the file"),
    }
}

fn of_snapshot(source: &io::Error) -> (Kind, &'static str, &'static str) {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Kind::Unavailable, "disk_full", "Free some space; memory itself is not affected")
        }
        _ => (Kind::Unavailable, "snapshot_failed", "Make the folder writable for the user Atelier runs as"),
    }
}
