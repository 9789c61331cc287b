//! The port through which tokens, sessions and one-time keys are kept.
//!
//! Invariant: every method is one atomic operation, and what it wrote is on disk when it returns.

use async_trait::async_trait;
use kernel::{Page, PageRequest, Result, Timestamp, TokenId};

use crate::scope::Scopes;
use crate::secret::SecretHash;

/// A bearer token as lists show it: everything but the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its public part.
    pub id: TokenId,
    /// What the owner calls it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When the owner ended it.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the hour.
    pub last_used_at: Option<Timestamp>,
}

/// A browser's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The token it was opened with, whose scopes and end it shares; the owner's own if none.
    pub token_id: Option<TokenId>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends unless it is used before.
    pub expires_at: Timestamp,
}

/// Keeps credentials, by the hashes of their secrets. Whether one is still valid is not for the
/// store to say, except where a method takes `now`. Implementations pass
/// [`crate::testing::contract`].
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// Keeps a new token.
    async fn create_token(&self, hash: &SecretHash, token: &Token) -> Result<()>;

    /// The token with this secret, revoked and expired ones included.
    async fn find_token(&self, hash: &SecretHash) -> Result<Option<Token>>;

    /// All tokens, the newest first.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_tokens(&self, page: &PageRequest) -> Result<Page<Token>>;

    /// Ends a token; the first end stays. Tells whether there is such a token.
    async fn revoke_token(&self, id: &TokenId, at: Timestamp) -> Result<bool>;

    /// Notes a token's use.
    async fn touch_token(&self, id: &TokenId, at: Timestamp) -> Result<()>;

    /// Keeps a new session.
    async fn create_session(&self, hash: &SecretHash, session: &Session) -> Result<()>;

    /// The session with this cookie and the token it was opened with, both whatever their end.
    async fn find_session(&self, hash: &SecretHash) -> Result<Option<(Session, Option<Token>)>>;

    /// Moves a session's end.
    async fn prolong_session(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()>;

    /// Ends a session, if there is one.
    async fn delete_session(&self, hash: &SecretHash) -> Result<()>;

    /// Keeps a one-time key.
    async fn create_open_key(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()>;

    /// Takes a one-time key that is valid at `now` out and keeps `session` for it. Tells whether
    /// there was such a key; of several calls with the same key, one succeeds.
    async fn redeem_open_key(
        &self,
        key: &SecretHash,
        now: Timestamp,
        cookie: &SecretHash,
        session: &Session,
    ) -> Result<bool>;

    /// Removes the sessions and one-time keys that were over at `now`.
    async fn purge_expired(&self, now: Timestamp) -> Result<()>;
}
