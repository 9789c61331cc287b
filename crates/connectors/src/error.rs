//! What can go wrong with other servers and their tools, and how it is told.
//!
//! Invariant: no variant holds a secret.

use kernel::Kind;

/// A failure of this plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no server of this name.
    #[error("There is no server of tools called `{name}`")]
    NotFound {
        /// As it was asked for.
        name: String,
    },
    /// The name is taken.
    #[error("There is a server of tools called `{name}` already")]
    Exists {
        /// The name.
        name: String,
    },
    /// What would be set up cannot be meant.
    #[error("This server cannot be set up: {reason}")]
    Unfit {
        /// What is wrong with it.
        reason: String,
    },
    /// There are as many servers as there may be.
    #[error("There are {most} servers of tools, and there can be no more")]
    TooMany {
        /// How many there may be.
        most: usize,
    },
    /// The configuration cannot be read.
    #[error("This configuration cannot be imported: {reason}")]
    ImportUnfit {
        /// What is wrong with it.
        reason: String,
    },
    /// Something else would be approved than what is there.
    #[error("`{name}` is not what this approval is for")]
    DigestStale {
        /// The server.
        name: String,
    },
    /// Nobody approved what would be contacted or started.
    #[error("`{name}` was not approved, and is neither contacted nor started")]
    NotApproved {
        /// The server.
        name: String,
    },
    /// It is switched off.
    #[error("`{name}` is switched off")]
    Disabled {
        /// The server.
        name: String,
    },
    /// The server has no such tool, or has it no more.
    #[error("`{server}` has no tool `{tool}`")]
    ToolNotFound {
        /// The server.
        server: String,
        /// As it was asked for.
        tool: String,
    },
    /// The owner does not let the tool be used.
    #[error("The owner does not let `{tool}` of `{server}` be used")]
    ToolDenied {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The tool is not what it was when the call was prepared.
    #[error("`{tool}` of `{server}` is defined otherwise than when this call was prepared")]
    ToolChanged {
        /// The server.
        server: String,
        /// The tool.
        tool: String,
    },
    /// The arguments are not what the tool takes.
    #[error("The arguments do not fit `{tool}`: {reason}")]
    ArgumentsUnfit {
        /// The tool.
        tool: String,
        /// What is wrong with them.
        reason: String,
    },
    /// It cannot be reached, or does not speak the protocol.
    #[error("`{name}` cannot be used: {reason}")]
    Unreachable {
        /// The server.
        name: String,
        /// Why, in words.
        reason: String,
    },
    /// It failed a moment ago, and is left alone for a while.
    #[error("`{name}` failed a moment ago, and is tried again in {seconds} s: {reason}")]
    Paused {
        /// The server.
        name: String,
        /// How long it is left alone.
        seconds: u64,
        /// Why it failed.
        reason: String,
    },
    /// It wants to know who asks.
    #[error("`{name}` wants a token, or another one")]
    TokenRefused {
        /// The server.
        name: String,
    },
    /// The connection broke while a tool was at work.
    #[error("The connection to `{name}` broke; whether the tool did its work is not known ({reason})")]
    Broken {
        /// The server.
        name: String,
        /// How it broke.
        reason: String,
    },
    /// It took too long.
    #[error("`{name}` did not answer in {seconds} s")]
    TimedOut {
        /// The server.
        name: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server refused the call.
    #[error("`{name}` refused: {reason}")]
    Refused {
        /// The server.
        name: String,
        /// What it says.
        reason: String,
    },
    /// Whoever asked wants it no more.
    #[error("The call was cancelled")]
    Cancelled,
    /// Something failed below.
    #[error("{}", .0.message)]
    Kernel(#[from] kernel::Error),
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let (kind, code, hint) = match error {
            Error::Kernel(error) => return error,
            Error::NotFound { .. } => {
                (Kind::NotFound, "connector_not_found", "`atelier connect list` lists them")
            }
            Error::Exists { .. } => {
                (Kind::Conflict, "connector_exists", "Choose another name, or change the one there is")
            }
            Error::Unfit { .. } => (Kind::Invalid, "connector_unfit", "Correct what the message names"),
            Error::TooMany { .. } => (Kind::Limit, "too_many_connectors", "Remove one that is not needed"),
            Error::ImportUnfit { .. } => (
                Kind::Invalid,
                "connector_import_unfit",
                "Give the file as it is, an object with the member `mcpServers` or `servers`",
            ),
            Error::DigestStale { .. } => (
                Kind::Conflict,
                "connector_digest_stale",
                "Look at it again, and approve the digest that is shown now",
            ),
            Error::NotApproved { .. } => (
                Kind::Forbidden,
                "connector_not_approved",
                "`atelier connect approve NAME` shows exactly what it is and asks",
            ),
            Error::Disabled { .. } => {
                (Kind::Conflict, "connector_disabled", "Switch it on in `atelier connect edit NAME --enable`")
            }
            Error::ToolNotFound { .. } => {
                (Kind::NotFound, "connector_tool_not_found", "`atelier connect show NAME` lists its tools")
            }
            Error::ToolDenied { .. } => {
                (Kind::Forbidden, "connector_tool_denied", "The owner can grant it: `atelier connect grant`")
            }
            Error::ToolChanged { .. } => (
                Kind::Conflict,
                "connector_tool_changed",
                "Look at what the tool is now; it asks again before it is used",
            ),
            Error::ArgumentsUnfit { .. } => {
                (Kind::Invalid, "connector_arguments_unfit", "Call it again with arguments that fit")
            }
            Error::Unreachable { .. } => (
                Kind::Unavailable,
                "connector_unreachable",
                "`atelier connect test NAME` says more; check the address or the command",
            ),
            Error::Paused { .. } => (
                Kind::Unavailable,
                "connector_paused",
                "Try again then, or test it now with `atelier connect test NAME`",
            ),
            Error::TokenRefused { .. } => (
                Kind::Unavailable,
                "connector_token_refused",
                "`atelier connect edit NAME --bearer` asks for one",
            ),
            Error::Broken { .. } => {
                (Kind::Unavailable, "connector_broken", "Look at what was done before the call is made again")
            }
            Error::TimedOut { .. } => (Kind::Unavailable, "connector_timed_out", "Try again later"),
            Error::Refused { .. } => (Kind::Unavailable, "connector_refused", "The message says why"),
            Error::Cancelled => (Kind::Cancelled, "connector_call_cancelled", "Call it again"),
        };
        Self::new(kind, code, message).with_hint(hint)
    }
}
