//! What can go wrong between a request and the plane or app it is meant for.
//!
//! Everything else arrives as [`kernel::Error`]. Invariant: the two exhaustive matches here,
//! [`Error::status`] and [`status_of`], are the only places where a failure gets its HTTP status.

use std::num::NonZeroU32;
use std::time::Duration;

use accounts::Scope;
use axum::http::StatusCode;
use kernel::Kind;

/// A request that is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The body is not JSON.
    #[error("The body is not valid JSON: {problem} at line {line}, column {column}")]
    MalformedJson {
        /// What the parser stumbled over.
        problem: String,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// The body has a member that nothing reads.
    #[error("The body has the unknown member `{name}`")]
    UnknownMember {
        /// The member.
        name: String,
        /// What there is instead.
        hint: String,
    },
    /// The body is JSON, but not what this request takes.
    #[error("The body does not fit this request: {problem}")]
    UnfitBody {
        /// Why not.
        problem: String,
    },
    /// The body is not declared as JSON.
    #[error("The body's Content-Type is {found}, and this request takes application/json")]
    WrongContentType {
        /// What it is declared as.
        found: String,
    },
    /// The body, or a part of it, is too large.
    #[error("{what} is larger than {limit}, the most that is taken here")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// The limit, for a person.
        limit: String,
    },
    /// There is no body where a file should be.
    #[error("The file is empty: it has no bytes")]
    EmptyFile,
    /// The body could not be read to its end.
    #[error("The connection broke off before the whole body had arrived")]
    BodyCutOff,
    /// A query parameter, path segment or header does not have the form it should.
    #[error("The parameter `{name}` is not valid: {problem}")]
    InvalidParameter {
        /// Which one.
        name: String,
        /// Why not.
        problem: String,
    },
    /// A query parameter that nothing reads.
    #[error("There is no query parameter `{name}` here")]
    UnknownParameter {
        /// Which one.
        name: String,
        /// What there is instead.
        hint: String,
    },
    /// A path that would leave the folder it is meant to stay in.
    #[error("`{0}` is not a path inside the run")]
    UnsafePath(String),
    /// Nothing answers at this path.
    #[error("Nothing answers at this path")]
    NoRoute,
    /// Something answers at this path, but not to this method.
    #[error("This path does not answer to {0}")]
    NoMethod(String),
    /// A WebSocket handshake that is not complete.
    #[error("The WebSocket handshake is not complete")]
    UpgradeRequired,
    /// The Host header names a host this server is not.
    #[error("This server does not answer for the host `{0}`")]
    ForeignHost(String),
    /// The request was made by a page of another origin.
    #[error("Pages of `{0}` may not use this server")]
    ForeignOrigin(String),
    /// The request carries no credentials.
    #[error("This request carries no credentials")]
    NoCredentials,
    /// The request carries a token where none is read.
    #[error("This request carries a token in the header `{0}`")]
    MisplacedCredentials(&'static str),
    /// The credentials do not allow this.
    #[error("These credentials lack the scope `{0}`")]
    ScopeLacking(Scope),
    /// A reader asks to go on after an event that does not exist.
    #[error("The run has no event {0} yet")]
    PositionAhead(u64),
    /// The run has no such artifact.
    #[error("The run has no artifact `{0}`")]
    ArtifactNotFound(String),
    /// A run was told nothing of what memory knows, or not yet.
    #[error("The run `{0}` has no context pack")]
    PackNotFound(kernel::RunId),
    /// The answer took too long.
    #[error("The answer took longer than {0} s")]
    TimedOut(u64),
    /// The answer is of a status nobody here gave a meaning.
    #[error("{}", .0.canonical_reason().unwrap_or("The request failed"))]
    Other(StatusCode),
    /// Handling the request panicked.
    #[error("Something went wrong inside Atelier")]
    Panicked(String),
    /// What a provider of models answered, or did not.
    #[error("{error}")]
    Model {
        /// The status it is told with.
        status: StatusCode,
        /// The provider.
        provider: Option<String>,
        /// How many seconds to wait before the same may succeed.
        retry_after: Option<NonZeroU32>,
        /// What happened.
        error: kernel::Error,
    },
    /// What a plane or app answered.
    #[error(transparent)]
    Refused(#[from] kernel::Error),
}

impl From<::models::Error> for Error {
    fn from(error: ::models::Error) -> Self {
        let provider = error.provider().map(str::to_owned);
        let whole = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let seconds = error.retry_after().map(|wait| u32::try_from(whole(wait)).unwrap_or(u32::MAX));
        let retry_after = seconds.and_then(NonZeroU32::new);
        Self::Model { status: status_of_model(&error), provider, retry_after, error: error.into() }
    }
}

/// A failure of providers is told apart from one of the request: only the latter is for whoever asks
/// to mend.
fn status_of_model(error: &::models::Error) -> StatusCode {
    use ::models::{Error as E, Outcome};
    match error {
        E::Rejected { .. } | E::ContextTooLong { .. } | E::Untranslatable { .. } => StatusCode::BAD_REQUEST,
        E::NotFound { .. } => StatusCode::NOT_FOUND,
        E::RateLimited { .. } | E::LimitReached { .. } => StatusCode::TOO_MANY_REQUESTS,
        E::Timeout { .. } => StatusCode::GATEWAY_TIMEOUT,
        E::NoModel(_) | E::Unreachable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        E::Options { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        E::Embedding(fault) => status_of(fault.kind()),
        E::Exhausted { attempts, telling } => {
            let failed = |code: &str| {
                attempts.iter().any(|attempt| {
                    matches!(&attempt.outcome, Outcome::Failed { code: failed, .. } if failed == code)
                })
            };
            match telling.kind {
                Kind::Invalid => StatusCode::BAD_REQUEST,
                Kind::NotFound => StatusCode::NOT_FOUND,
                Kind::Limit
                    if ["model_rate_limited", "rate_limited", "budget_exhausted"].into_iter().any(failed) =>
                {
                    StatusCode::TOO_MANY_REQUESTS
                }
                _ if failed("model_timeout") => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_GATEWAY,
            }
        }
        _ => StatusCode::BAD_GATEWAY,
    }
}

impl From<::connectors::Error> for Error {
    fn from(error: ::connectors::Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<runs::Error> for Error {
    fn from(error: runs::Error) -> Self {
        Self::Refused(error.into())
    }
}

/// The status a kind of failure is answered with.
pub fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Invalid => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict | Kind::Cancelled => StatusCode::CONFLICT,
        Kind::Limit => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Error {
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownMember { .. } | Self::UnfitBody { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::WrongContentType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MalformedJson { .. }
            | Self::EmptyFile
            | Self::BodyCutOff
            | Self::InvalidParameter { .. }
            | Self::UnknownParameter { .. }
            | Self::UnsafePath(_) => StatusCode::BAD_REQUEST,
            Self::NoRoute | Self::ArtifactNotFound(_) | Self::PackNotFound(_) => StatusCode::NOT_FOUND,
            Self::NoMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Self::ForeignHost(_)
            | Self::ForeignOrigin(_)
            | Self::MisplacedCredentials(_)
            | Self::ScopeLacking(_) => StatusCode::FORBIDDEN,
            Self::NoCredentials => StatusCode::UNAUTHORIZED,
            Self::PositionAhead(_) => StatusCode::CONFLICT,
            Self::TimedOut(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(status) => *status,
            Self::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Model { status, .. } => *status,
            Self::Refused(error) => status_of(error.kind),
        }
    }

    /// The stable identifier of what went wrong.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson { .. } => "malformed_json",
            Self::UnknownMember { .. } => "unknown_member",
            Self::UnfitBody { .. } => "unfit_body",
            Self::WrongContentType { .. } => "wrong_content_type",
            Self::TooLarge { .. } => "too_large",
            Self::EmptyFile => "empty_file",
            Self::BodyCutOff => "body_cut_off",
            Self::InvalidParameter { .. } => "invalid_parameter",
            Self::UnknownParameter { .. } => "unknown_parameter",
            Self::UnsafePath(_) => "unsafe_path",
            Self::NoRoute => "no_route",
            Self::NoMethod(_) => "no_method",
            Self::UpgradeRequired => "upgrade_required",
            Self::ForeignHost(_) => "foreign_host",
            Self::ForeignOrigin(_) => "foreign_origin",
            Self::NoCredentials => "no_credentials",
            Self::MisplacedCredentials(_) => "misplaced_credentials",
            Self::ScopeLacking(_) => "scope_lacking",
            Self::PositionAhead(_) => "position_ahead",
            Self::ArtifactNotFound(_) => "artifact_not_found",
            Self::PackNotFound(_) => "pack_not_found",
            Self::TimedOut(_) => "timed_out",
            Self::Other(_) => "refused",
            Self::Panicked(_) => "internal",
            Self::Model { error, .. } | Self::Refused(error) => error.code,
        }
    }

    /// The provider of models that failed, where one did.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Model { provider, .. } => provider.as_deref(),
            _ => None,
        }
    }

    /// Whole seconds to wait, where that is known and something is to be waited for.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Model { retry_after, .. } => retry_after.map(|seconds| u64::from(seconds.get())),
            _ => None,
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::UnknownMember { hint, .. } | Self::UnknownParameter { hint, .. } => {
                return Some(hint.clone());
            }
            Self::Model { error, .. } | Self::Refused(error) => return error.hint.clone(),
            Self::TooLarge { .. } => "Send less, or split it over several requests",
            Self::EmptyFile => "Leave it out; over HTTP, the bytes of a file are the body of the request",
            Self::WrongContentType { .. } => "Send JSON with the header `Content-Type: application/json`",
            Self::MalformedJson { .. } => "Mend the JSON at the place named",
            Self::UnfitBody { .. } | Self::InvalidParameter { .. } => {
                "/api/docs shows what this request takes"
            }
            Self::UnsafePath(_) => "Use a relative path as the run's list of artifacts shows it",
            Self::NoRoute | Self::NoMethod(_) => "/api/docs lists every path with its methods",
            Self::UpgradeRequired => {
                "Connect with a WebSocket client, or follow the run at /api/v1/runs/{id}/stream"
            }
            Self::ForeignHost(_) => "Use http://127.0.0.1, or add the name to the server's allowed hosts",
            Self::ForeignOrigin(_) => {
                "Use Atelier's own pages, or add the origin to the server's allowed origins"
            }
            Self::NoCredentials => {
                "Open the link that `atelier open` prints, or send the header `Authorization: Bearer atl_…`"
            }
            Self::MisplacedCredentials(_) => "Send it as `Authorization: Bearer atl_…`",
            Self::ScopeLacking(_) => "Issue a token with this scope: `atelier token new --scopes …`",
            Self::PositionAhead(_) => "Read the run's events from the start",
            Self::ArtifactNotFound(_) => "/api/v1/runs/{id}/artifacts lists what there is",
            Self::PackNotFound(_) => "Runs of goals and of the Studio have one once memory was asked",
            Self::BodyCutOff | Self::TimedOut(_) => "Send the request again",
            Self::Panicked(_) => "The log has the detail under this request's id",
            Self::Other(_) => return None,
        };
        Some(hint.to_owned())
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let kind = match error.status().as_u16() {
            401 => Kind::Unauthenticated,
            403 => Kind::Forbidden,
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            413 | 429 => Kind::Limit,
            503 => Kind::Unavailable,
            500 => Kind::Internal,
            _ => Kind::Invalid,
        };
        match error {
            Error::Model { error, .. } | Error::Refused(error) => error,
            error => Self { hint: error.hint(), ..Self::new(kind, error.code(), error.to_string()) },
        }
    }
}
