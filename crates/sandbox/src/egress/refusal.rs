//! Why a connection was not made, in words for the person who owns the session.
//!
//! Invariant: no variant holds a path, a header or a secret.

use std::net::IpAddr;

use super::{Range, host::HostError};

/// Why a connection was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No rule allows it; the default.
    #[error("this host and port are not among those this session may reach")]
    NotAllowed,
    /// A rule denies it, whatever else allows it.
    #[error("a rule of this session denies this host")]
    Denied,
    /// The policy changed while the connection was open.
    #[error("this host was taken from those this session may reach")]
    Withdrawn,
    /// It was asked for by its address, and no rule names that very address.
    #[error("hosts are reached by their names; no rule of this session names this address")]
    AddressLiteral,
    /// It leads to an address that is not of the public internet.
    #[error("it leads to {address}, {range}")]
    AddressForbidden {
        /// The address.
        address: IpAddr,
        /// What is wrong with that.
        range: Range,
    },
    /// The connection went to a made-up address that no name was given.
    #[error("no name was ever looked up for this address")]
    UnknownAddress,
    /// The host or its port cannot be read.
    #[error("{0}")]
    BadHost(#[from] HostError),
    /// Something other than TLS was sent where TLS belongs.
    #[error("what was sent to port 443 is not TLS")]
    NotTls,
    /// The greeting names no server, so nobody can tell where it really goes.
    #[error("the TLS greeting does not name the server (SNI)")]
    ServerNameMissing,
    /// The greeting names another server than the connection was made for.
    #[error("the TLS greeting names another server (domain fronting)")]
    ServerNameDiffers,
    /// The greeting hides the server's name (Encrypted Client Hello, or a greased one).
    #[error(
        "the TLS greeting may hide another server name (Encrypted Client Hello); turn that off in the client"
    )]
    ServerNameHidden,
    /// The greeting did not come, or not whole, in the time for it.
    #[error("nothing that can be judged was sent in time")]
    TooSlow,
    /// The `Host` header names another host than the connection was made for.
    #[error("the Host header names another host")]
    HostHeaderDiffers,
    /// The request can be read in two ways, or in none.
    #[error("the request is malformed: {0}")]
    Malformed(&'static str),
    /// A request that would change something, with a credential that is lent for reading.
    #[error("the credential kept for this host is only for reading (GET and HEAD)")]
    ReadOnly,
    /// The session has transferred all it may.
    #[error("this session has used up the bytes it may transfer")]
    BudgetSpent,
}

impl Refusal {
    /// Whether the owner of the session can change the answer by a rule.
    #[must_use]
    pub fn can_be_allowed(&self) -> bool {
        matches!(self, Self::NotAllowed | Self::Denied | Self::Withdrawn | Self::AddressLiteral)
    }
}

/// Why a connection that is allowed did not come about, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failure {
    /// Its name has no address.
    #[error("its name cannot be resolved")]
    NameNotFound,
    /// Nothing answers there, or this machine's own proxy refuses.
    #[error("it cannot be reached")]
    Unreachable,
    /// The connection was not made in time.
    #[error("it did not answer in time")]
    TimedOut,
    /// Its certificate was not accepted, or it does not speak TLS.
    #[error("no secure connection to it can be made")]
    NotSecure,
    /// It ended the connection before it had answered.
    #[error("it ended the connection without an answer")]
    NoAnswer,
}

/// A connection that did not come about: by decision, or by misfortune.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// It may not be made.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It may, but could not.
    #[error(transparent)]
    Failed(#[from] Failure),
}
