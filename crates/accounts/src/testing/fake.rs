//! A store in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{Page, PageRequest, Result, Timestamp, TokenId};
use parking_lot::Mutex;

use crate::secret::SecretHash;
use crate::store::{AccountStore, Session, Token};

/// Keeps credentials as long as the process lives.
#[derive(Default)]
pub struct FakeAccountStore(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    tokens: Vec<(SecretHash, Token)>,
    sessions: HashMap<SecretHash, Session>,
    open_keys: HashMap<SecretHash, Timestamp>,
}

#[async_trait]
impl AccountStore for FakeAccountStore {
    async fn create_token(&self, hash: &SecretHash, token: &Token) -> Result<()> {
        self.0.lock().tokens.push((*hash, token.clone()));
        Ok(())
    }

    async fn find_token(&self, hash: &SecretHash) -> Result<Option<Token>> {
        let tables = self.0.lock();
        Ok(tables.tokens.iter().find(|(of, _)| of == hash).map(|(_, token)| token.clone()))
    }

    async fn list_tokens(&self, page: &PageRequest) -> Result<Page<Token>> {
        let tables = self.0.lock();
        let mut tokens: Vec<Token> = tables.tokens.iter().map(|(_, token)| token.clone()).collect();
        tokens.retain(|token| page.cursor.as_ref().is_none_or(|before| token.id.as_str() < before.as_str()));
        tokens.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(Page::from_overfull(tokens, page.limit, |token| token.id.to_string()))
    }

    async fn revoke_token(&self, id: &TokenId, at: Timestamp) -> Result<bool> {
        let mut tables = self.0.lock();
        let found = tables.tokens.iter_mut().find(|(_, token)| token.id == *id);
        Ok(found.map(|(_, token)| token.revoked_at.get_or_insert(at)).is_some())
    }

    async fn touch_token(&self, id: &TokenId, at: Timestamp) -> Result<()> {
        let mut tables = self.0.lock();
        if let Some((_, token)) = tables.tokens.iter_mut().find(|(_, token)| token.id == *id) {
            token.last_used_at = Some(at);
        }
        Ok(())
    }

    async fn create_session(&self, hash: &SecretHash, session: &Session) -> Result<()> {
        self.0.lock().sessions.insert(*hash, session.clone());
        Ok(())
    }

    async fn find_session(&self, hash: &SecretHash) -> Result<Option<(Session, Option<Token>)>> {
        let tables = self.0.lock();
        Ok(tables.sessions.get(hash).map(|session| {
            let of = |id: &TokenId| tables.tokens.iter().find(|(_, token)| token.id == *id);
            let token = session.token_id.as_ref().and_then(of).map(|(_, token)| token.clone());
            (session.clone(), token)
        }))
    }

    async fn prolong_session(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()> {
        if let Some(session) = self.0.lock().sessions.get_mut(hash) {
            session.expires_at = expires_at;
        }
        Ok(())
    }

    async fn delete_session(&self, hash: &SecretHash) -> Result<()> {
        self.0.lock().sessions.remove(hash);
        Ok(())
    }

    async fn create_open_key(&self, hash: &SecretHash, expires_at: Timestamp) -> Result<()> {
        self.0.lock().open_keys.insert(*hash, expires_at);
        Ok(())
    }

    async fn redeem_open_key(
        &self,
        key: &SecretHash,
        now: Timestamp,
        cookie: &SecretHash,
        session: &Session,
    ) -> Result<bool> {
        let mut tables = self.0.lock();
        let valid = tables.open_keys.get(key).is_some_and(|end| now < *end);
        if valid {
            tables.open_keys.remove(key);
            tables.sessions.insert(*cookie, session.clone());
        }
        Ok(valid)
    }

    async fn purge_expired(&self, now: Timestamp) -> Result<()> {
        let mut tables = self.0.lock();
        tables.sessions.retain(|_, session| now < session.expires_at);
        tables.open_keys.retain(|_, end| now < *end);
        Ok(())
    }
}
