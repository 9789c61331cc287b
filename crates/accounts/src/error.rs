//! What can go wrong with credentials, and how it is told to people.

use kernel::{Kind, TokenId};

use crate::scope::Scope;
use crate::service::MAX_NAME_CHARS;

/// A failure of this crate's own making; the store's failures are [`kernel::Error`] already.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The credential is absent, malformed, unknown, revoked or over. Which of these is not told.
    #[error("This request carries no valid token or session")]
    Unauthenticated,
    /// The one-time key of a link is unknown, used or over.
    #[error("This link was used already or is too old")]
    OpenKeyInvalid,
    /// There is no such token.
    #[error("There is no token {0}")]
    TokenNotFound(TokenId),
    /// A name that cannot be a token's.
    #[error("A token's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
    InvalidName,
    /// A token that would be over before it is issued.
    #[error("The token's end lies in the past")]
    ExpiryInPast,
    /// A token that could do nothing.
    #[error("No scope is named")]
    NoScopes,
    /// A scope that does not exist.
    #[error("There is no scope `{0}`")]
    UnknownScope(String),
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::Unauthenticated => (
                Kind::Unauthenticated,
                "unauthenticated",
                "Open the link that `atelier open` prints, or send the header `Authorization: Bearer atl_…`"
                    .into(),
            ),
            Error::OpenKeyInvalid => {
                (Kind::Unauthenticated, "open_key_invalid", "Run `atelier open` for a fresh link".into())
            }
            Error::TokenNotFound(_) => {
                (Kind::NotFound, "token_not_found", "List the tokens to see their ids".into())
            }
            Error::InvalidName => {
                (Kind::Invalid, "invalid_token_name", "Name it after the program that will use it".into())
            }
            Error::ExpiryInPast => (
                Kind::Invalid,
                "expiry_in_past",
                "Choose a later end, or none for a token that stays valid".into(),
            ),
            Error::NoScopes => (Kind::Invalid, "no_scopes", known_scopes()),
            Error::UnknownScope(_) => (Kind::Invalid, "unknown_scope", known_scopes()),
        };
        Self::new(kind, code, error.to_string()).with_hint(hint)
    }
}

fn known_scopes() -> String {
    let names: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    format!("The scopes are {}", names.join(", "))
}
