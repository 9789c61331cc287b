//! What every [`AccountStore`] must do.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Clock, FixedClock, Ids, PageRequest, SeededEntropy, Timestamp};

use crate::scope::{Scope, Scopes};
use crate::secret::SecretHash;
use crate::store::{AccountStore, Session, Token};

/// Checks a store that is empty.
///
/// # Panics
/// When it does not keep the contract.
pub async fn contract(store: Arc<dyn AccountStore>) {
    let suite = Suite::over(store);
    suite.tokens_are_found_by_their_secret().await;
    suite.tokens_are_listed_newest_first().await;
    suite.the_first_revocation_stays().await;
    suite.sessions_come_with_their_token().await;
    suite.a_one_time_key_opens_one_session().await;
    suite.what_is_over_can_be_removed().await;
}

struct Suite {
    store: Arc<dyn AccountStore>,
    clock: Arc<FixedClock>,
    ids: Ids,
}

impl Suite {
    fn over(store: Arc<dyn AccountStore>) -> Self {
        let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
        let ids = Ids::new(clock.clone(), Arc::new(SeededEntropy::new(7)));
        Self { store, clock, ids }
    }

    fn token(&self, name: &str) -> Token {
        self.clock.advance(Duration::from_millis(1));
        Token {
            id: self.ids.fresh(),
            name: name.into(),
            scopes: [Scope::ReadRuns, Scope::InvokeModels].into_iter().collect(),
            created_at: self.clock.now(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    fn session(&self) -> Session {
        let now = self.clock.now();
        Session { token_id: None, created_at: now, expires_at: now.plus(Duration::from_secs(60)) }
    }

    async fn tokens_are_found_by_their_secret(&self) {
        let hash = SecretHash::of("found");
        let mut token = self.token("the café's tablet ☕ 'quoted' %");
        token.scopes = Scopes::all();
        token.expires_at = Some(Timestamp(i64::MAX));
        assert_eq!(self.store.find_token(&hash).await.unwrap(), None);
        self.store.create_token(&hash, &token).await.unwrap();
        assert_eq!(self.store.find_token(&hash).await.unwrap(), Some(token.clone()));
        self.store.touch_token(&token.id, Timestamp(5)).await.unwrap();
        token.last_used_at = Some(Timestamp(5));
        assert_eq!(self.store.find_token(&hash).await.unwrap(), Some(token));
        assert_eq!(self.store.find_token(&SecretHash::of("other")).await.unwrap(), None);
    }

    async fn tokens_are_listed_newest_first(&self) {
        let mut made = Vec::new();
        for name in ["one", "two", "three"] {
            let token = self.token(name);
            self.store.create_token(&SecretHash::of(name), &token).await.unwrap();
            made.insert(0, token);
        }
        let mut page = PageRequest::first(2);
        let first = self.store.list_tokens(&page).await.unwrap();
        assert_eq!(first.items, made[..2]);
        page.cursor = first.next_cursor;
        assert!(page.cursor.is_some(), "a third token follows");
        let second = self.store.list_tokens(&page).await.unwrap();
        assert_eq!(second.items[0], made[2]);
        page.cursor = Some("' OR 1=1--".into());
        assert_eq!(self.store.list_tokens(&page).await.unwrap().items, [], "nothing comes before this");
    }

    async fn the_first_revocation_stays(&self) {
        let hash = SecretHash::of("revoked");
        let token = self.token("revoked");
        assert!(!self.store.revoke_token(&token.id, Timestamp(1)).await.unwrap(), "there is none yet");
        self.store.create_token(&hash, &token).await.unwrap();
        for at in [1, 2] {
            assert!(self.store.revoke_token(&token.id, Timestamp(at)).await.unwrap());
            let revoked_at = self.store.find_token(&hash).await.unwrap().unwrap().revoked_at;
            assert_eq!(revoked_at, Some(Timestamp(1)));
        }
    }

    async fn sessions_come_with_their_token(&self) {
        let token = self.token("exchanged");
        self.store.create_token(&SecretHash::of("exchanged"), &token).await.unwrap();
        for (cookie, token) in [("plain cookie", None), ("cookie with a token", Some(token))] {
            let hash = SecretHash::of(cookie);
            let mut session = self.session();
            session.token_id = token.as_ref().map(|token| token.id.clone());
            assert_eq!(self.store.find_session(&hash).await.unwrap(), None);
            self.store.create_session(&hash, &session).await.unwrap();
            assert_eq!(self.store.find_session(&hash).await.unwrap(), Some((session.clone(), token.clone())));
            session.expires_at = session.expires_at.plus(Duration::from_secs(1));
            self.store.prolong_session(&hash, session.expires_at).await.unwrap();
            assert_eq!(self.store.find_session(&hash).await.unwrap(), Some((session, token)));
            self.store.delete_session(&hash).await.unwrap();
            self.store.delete_session(&hash).await.unwrap();
            assert_eq!(self.store.find_session(&hash).await.unwrap(), None);
        }
    }

    async fn a_one_time_key_opens_one_session(&self) {
        let (now, session) = (self.clock.now(), self.session());
        let [key, late, cookie] = ["key", "late key", "opened"].map(SecretHash::of);
        self.store.create_open_key(&key, now.plus(Duration::from_millis(1))).await.unwrap();
        self.store.create_open_key(&late, now).await.unwrap();
        assert!(!self.store.redeem_open_key(&late, now, &cookie, &session).await.unwrap(), "it is over");
        assert!(!self.store.redeem_open_key(&cookie, now, &cookie, &session).await.unwrap(), "it is no key");
        assert_eq!(self.store.find_session(&cookie).await.unwrap(), None);
        assert!(self.store.redeem_open_key(&key, now, &cookie, &session).await.unwrap());
        assert_eq!(self.store.find_session(&cookie).await.unwrap(), Some((session.clone(), None)));
        let again = SecretHash::of("opened again");
        assert!(!self.store.redeem_open_key(&key, now, &again, &session).await.unwrap(), "it was used");
        assert_eq!(self.store.find_session(&again).await.unwrap(), None);
    }

    async fn what_is_over_can_be_removed(&self) {
        let [hash, key] = ["purged", "purged key"].map(SecretHash::of);
        let session = self.session();
        self.store.create_session(&hash, &session).await.unwrap();
        self.store.create_open_key(&key, session.expires_at).await.unwrap();
        self.store.purge_expired(Timestamp(session.expires_at.0 - 1)).await.unwrap();
        assert!(self.store.find_session(&hash).await.unwrap().is_some());
        self.store.purge_expired(session.expires_at).await.unwrap();
        assert_eq!(self.store.find_session(&hash).await.unwrap(), None);
        let before = Timestamp(session.expires_at.0 - 1);
        assert!(!self.store.redeem_open_key(&key, before, &hash, &session).await.unwrap());
    }
}
