//! What can go wrong with a store of vectors, and what a person can do about it.

use kernel::Kind;

use crate::address::Store;

/// A failure of a store. None of them holds a password or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Its address cannot be one.
    #[error("This cannot be the address of {store}: {reason}")]
    InvalidAddress {
        /// Which store it should be of.
        store: Store,
        /// Why, without the address.
        reason: String,
    },
    /// Nobody answers there.
    #[error("{store} does not answer: {reason}")]
    Unreachable {
        /// Which store.
        store: Store,
        /// Why.
        reason: String,
    },
    /// It answers, and does not do what it is asked to.
    #[error("{store} cannot be used: {reason}")]
    Refused {
        /// Which store.
        store: Store,
        /// Why.
        reason: String,
    },
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::InvalidAddress { store: Store::Pgvector, .. } => (
                Kind::Invalid,
                "vectors_address_invalid",
                "Write it like postgres://user@localhost:5432/database, with the password in the variable \
                 that `memory.vectors.secret_env` names",
            ),
            Error::InvalidAddress { store: Store::Chroma, .. } => (
                Kind::Invalid,
                "vectors_address_invalid",
                "Write it like http://localhost:8000, or http://localhost:8000/tenant/database, with the \
                 token in the variable that `memory.vectors.secret_env` names",
            ),
            Error::Unreachable { .. } => (
                Kind::Unavailable,
                "vectors_unreachable",
                "Look whether it runs; `atelier doctor` says which one is set up. Searches go on by words",
            ),
            Error::Refused { store: Store::Pgvector, .. } => (
                Kind::Unavailable,
                "vectors_refused",
                "The user needs a database with the extension `vector` (CREATE EXTENSION vector) and the \
                 right to create a schema in it. Searches go on by words",
            ),
            Error::Refused { store: Store::Chroma, .. } => (
                Kind::Unavailable,
                "vectors_refused",
                "It must be Chroma 1.0 or newer, and its token, tenant and database must be right. \
                 Searches go on by words",
            ),
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}
