//! The one error every crate's own error turns into at its boundary.
//!
//! Invariant: `message` and `hint` are written for the person who reads them and never carry
//! secrets or internal detail; what only an engineer needs travels in `source` and is logged
//! once, at the edge.

use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure this is. Surfaces map it, exhaustively, to an HTTP status and an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be meant as it is written.
    Invalid,
    /// Nobody has said who is asking.
    Unauthenticated,
    /// Whoever asks may not do this.
    Forbidden,
    /// There is no such thing, or not for the one who asks.
    NotFound,
    /// The thing exists, but not in the state the request supposes.
    Conflict,
    /// A size, rate or budget is exhausted.
    Limit,
    /// A part this depends on does not answer; trying later may help.
    Unavailable,
    /// The work was cancelled.
    Cancelled,
    /// A defect in Atelier.
    Internal,
}

/// A failure as it is reported to people and programs.
#[derive(Debug)]
pub struct Error {
    /// The sort of failure.
    pub kind: Kind,
    /// A stable, snake_case identifier, documented in `docs/errors.md`.
    pub code: &'static str,
    /// What happened, one sentence, no final full stop needed.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// What caused it, for the log only.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of the given kind, with a stable code and a message for a person.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), hint: None, source: None }
    }

    /// [`Kind::Invalid`].
    pub fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, message)
    }

    /// [`Kind::NotFound`].
    pub fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    /// [`Kind::Conflict`].
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// [`Kind::Unavailable`].
    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, code, message)
    }

    /// [`Kind::Internal`], for what should not happen; the cause is kept for the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind: Kind::Internal,
            code: "internal",
            message: "Something went wrong inside Atelier".into(),
            hint: Some("The log has the detail under this request's id".into()),
            source: Some(source.into()),
        }
    }

    /// Adds what the person can do next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The causes in one line, the nearest first, for the log.
    pub fn causes(&self) -> Option<String> {
        let mut next = std::error::Error::source(self);
        let mut causes = Vec::new();
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        (!causes.is_empty()).then(|| causes.join(": "))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as _)
    }
}
