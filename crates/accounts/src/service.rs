//! The service: issues and revokes tokens, opens and ends sessions, recognises who asks.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Actor, Clock, Entropy, Ids, Page, PageRequest, Result, Timestamp, TokenId};

use crate::cache::Cache;
use crate::error::Error;
use crate::scope::Scopes;
use crate::secret::{Purpose, Secret, SecretHash};
use crate::store::{AccountStore, Session, Token};

/// The longest name of a token.
pub const MAX_NAME_CHARS: usize = 100;
/// How long a session lasts without use.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a one-time key is valid.
pub const OPEN_KEY_LIFETIME: Duration = Duration::from_secs(10 * 60);
/// Uses closer together than this are not each written down.
const TOUCH_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Who asks, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The owner, for a session opened with a one-time key; else the token, also for the sessions
    /// that were opened with it.
    pub actor: Actor,
    /// What they may do.
    pub scopes: Scopes,
}

/// A token to issue.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What the owner calls it.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A token that was just issued.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Its public part.
    pub id: TokenId,
    /// What the program sends. It cannot be had again.
    pub secret: Secret,
}

/// A session that was just opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// What the browser sends. It cannot be had again.
    pub cookie_value: Secret,
    /// When it ends unless it is used before. Every use moves the end, so the cookie itself is
    /// best given a longer life than this.
    pub expires_at: Timestamp,
}

/// Tokens and sessions.
pub struct Accounts {
    store: Arc<dyn AccountStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ids: Ids,
    cache: Cache,
}

impl Accounts {
    /// A service over `store`. The secrets are as good as `entropy`.
    pub fn new(store: Arc<dyn AccountStore>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let ids = Ids::new(clock.clone(), entropy.clone());
        Self { store, clock, entropy, ids, cache: Cache::default() }
    }

    /// Recognises a program by what follows `Authorization: Bearer `.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] whatever is wrong with the token.
    pub async fn authenticate_bearer(&self, token: &str) -> Result<Identity> {
        let hash = SecretHash::of_presented(Purpose::Bearer, token).ok_or(Error::Unauthenticated)?;
        let now = self.clock.now();
        if let Some(identity) = self.cache.find(&hash, now) {
            return Ok(identity);
        }
        let token = self.valid_token(&hash, now).await?;
        let identity = identity_of(Some(&token));
        self.cache.keep(hash, &identity, now, end_of(Some(&token)));
        Ok(identity)
    }

    /// Recognises a browser by its cookie's value, and prolongs the session.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] whatever is wrong with the cookie.
    pub async fn authenticate_session(&self, cookie: &str) -> Result<Identity> {
        let hash = SecretHash::of_presented(Purpose::Session, cookie).ok_or(Error::Unauthenticated)?;
        let now = self.clock.now();
        if let Some(identity) = self.cache.find(&hash, now) {
            return Ok(identity);
        }
        let (session, token) = self.store.find_session(&hash).await?.ok_or(Error::Unauthenticated)?;
        // A session whose token is gone altogether belongs to nobody.
        let orphaned = session.token_id.is_some() && token.is_none();
        if orphaned || now >= session.expires_at || !token.as_ref().is_none_or(|token| is_valid(token, now)) {
            return Err(Error::Unauthenticated.into());
        }
        let end = now.plus(SESSION_LIFETIME);
        if end.since(session.expires_at) >= TOUCH_INTERVAL {
            note(self.store.prolong_session(&hash, end).await);
        }
        let identity = identity_of(token.as_ref());
        self.cache.keep(hash, &identity, now, session.expires_at.min(end_of(token.as_ref())));
        Ok(identity)
    }

    /// Makes a one-time key, valid for ten minutes, with which `GET /open` gives the owner a
    /// session. Any process of the workspace can make one.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn new_open_key(&self) -> Result<String> {
        let key = Secret::mint(Purpose::OpenKey, &*self.entropy);
        self.store.create_open_key(&key.hash(), self.clock.now().plus(OPEN_KEY_LIFETIME)).await?;
        Ok(key.expose().to_owned())
    }

    /// Opens the owner's session with a one-time key, which is used up by it.
    ///
    /// # Errors
    /// [`Error::OpenKeyInvalid`] whatever is wrong with the key.
    pub async fn open_with_key(&self, one_time_key: &str) -> Result<NewSession> {
        let key = SecretHash::of_presented(Purpose::OpenKey, one_time_key).ok_or(Error::OpenKeyInvalid)?;
        let now = self.clock.now();
        let (session, opened) = self.mint_session(None, now);
        if !self.store.redeem_open_key(&key, now, &opened.cookie_value.hash(), &session).await? {
            return Err(Error::OpenKeyInvalid.into());
        }
        note(self.store.purge_expired(now).await);
        Ok(opened)
    }

    /// Opens a session with a token. It can do what the token can, and ends with it.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] whatever is wrong with the token.
    pub async fn exchange(&self, token: &str) -> Result<NewSession> {
        let hash = SecretHash::of_presented(Purpose::Bearer, token).ok_or(Error::Unauthenticated)?;
        let now = self.clock.now();
        let token = self.valid_token(&hash, now).await?;
        let (session, opened) = self.mint_session(Some(token.id), now);
        self.store.create_session(&opened.cookie_value.hash(), &session).await?;
        note(self.store.purge_expired(now).await);
        Ok(opened)
    }

    /// Ends a session; one that does not exist has ended already.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn end_session(&self, cookie: &str) -> Result<()> {
        if let Some(hash) = SecretHash::of_presented(Purpose::Session, cookie) {
            self.store.delete_session(&hash).await?;
            self.cache.clear();
        }
        Ok(())
    }

    /// Issues a token.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::NoScopes`], [`Error::ExpiryInPast`].
    pub async fn issue_token(&self, new: NewToken) -> Result<IssuedToken> {
        let now = self.clock.now();
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            return Err(Error::InvalidName.into());
        }
        if new.scopes.is_empty() {
            return Err(Error::NoScopes.into());
        }
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(Error::ExpiryInPast.into());
        }
        let secret = Secret::mint(Purpose::Bearer, &*self.entropy);
        let token = Token {
            id: self.ids.fresh(),
            name: name.to_owned(),
            scopes: new.scopes,
            created_at: now,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        self.store.create_token(&secret.hash(), &token).await?;
        Ok(IssuedToken { id: token.id, secret })
    }

    /// All tokens, the newest first, revoked ones included.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_tokens(&self, page: &PageRequest) -> Result<Page<Token>> {
        self.store.list_tokens(page).await
    }

    /// Ends a token and the sessions opened with it. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`].
    pub async fn revoke_token(&self, id: &TokenId) -> Result<()> {
        let found = self.store.revoke_token(id, self.clock.now()).await?;
        self.cache.clear();
        if found { Ok(()) } else { Err(Error::TokenNotFound(id.clone()).into()) }
    }

    async fn valid_token(&self, hash: &SecretHash, now: Timestamp) -> Result<Token> {
        let found = self.store.find_token(hash).await?;
        let token = found.filter(|token| is_valid(token, now)).ok_or(Error::Unauthenticated)?;
        if token.last_used_at.is_none_or(|used| now.since(used) >= TOUCH_INTERVAL) {
            note(self.store.touch_token(&token.id, now).await);
        }
        Ok(token)
    }

    fn mint_session(&self, token_id: Option<TokenId>, now: Timestamp) -> (Session, NewSession) {
        let expires_at = now.plus(SESSION_LIFETIME);
        let cookie_value = Secret::mint(Purpose::Session, &*self.entropy);
        (Session { token_id, created_at: now, expires_at }, NewSession { cookie_value, expires_at })
    }
}

fn is_valid(token: &Token, now: Timestamp) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|end| now < end)
}

fn end_of(token: Option<&Token>) -> Timestamp {
    token.and_then(|token| token.expires_at).unwrap_or(Timestamp(i64::MAX))
}

fn identity_of(token: Option<&Token>) -> Identity {
    match token {
        Some(token) => Identity { actor: Actor::Token(token.id.as_str().to_owned()), scopes: token.scopes },
        None => Identity { actor: Actor::Owner, scopes: Scopes::all() },
    }
}

/// Housekeeping that fails, on a full disk say, must not keep anyone out.
fn note(outcome: Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, code = error.code, "credentials could not be brought up to date");
    }
}
