//! What the service promises, over the store double.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

use std::sync::Arc;
use std::time::Duration;

use accounts::service::{OPEN_KEY_LIFETIME, SESSION_LIFETIME};
use accounts::testing::{FakeAccountStore, contract};
use accounts::{Accounts, Identity, NewToken, Scope, Scopes};
use kernel::{Actor, Clock, FixedClock, Kind, PageRequest, SeededEntropy, Timestamp};

struct Fixture {
    accounts: Accounts,
    store: Arc<FakeAccountStore>,
    clock: Arc<FixedClock>,
}

fn fixture() -> Fixture {
    let store = Arc::new(FakeAccountStore::default());
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    let accounts = Accounts::new(store.clone(), clock.clone(), Arc::new(SeededEntropy::new(1)));
    Fixture { accounts, store, clock }
}

impl Fixture {
    async fn issue(&self, scopes: &str, lifetime: Option<Duration>) -> accounts::IssuedToken {
        let expires_at = lifetime.map(|lifetime| self.clock.now().plus(lifetime));
        let new = NewToken { name: "a program".into(), scopes: scopes.parse().unwrap(), expires_at };
        self.accounts.issue_token(new).await.unwrap()
    }

    async fn bearer(&self, token: &str) -> Result<Identity, Kind> {
        self.accounts.authenticate_bearer(token).await.map_err(|error| error.kind)
    }

    async fn session(&self, cookie: &str) -> Result<Identity, Kind> {
        self.accounts.authenticate_session(cookie).await.map_err(|error| error.kind)
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn the_double_keeps_the_contract() {
    contract(Arc::new(FakeAccountStore::default())).await;
}

#[tokio::test]
async fn a_token_is_recognised_until_it_is_over() {
    let f = fixture();
    let issued = f.issue("read:runs,run:code", Some(DAY)).await;
    let secret = issued.secret.expose();
    assert!(secret.starts_with("atl_") && secret.len() == 47, "{}", secret.len());
    let expected = Identity {
        actor: Actor::Token(issued.id.to_string()),
        scopes: "read:runs,run:code".parse().unwrap(),
    };
    assert_eq!(f.bearer(secret).await, Ok(expected.clone()));
    f.clock.advance(DAY - Duration::from_millis(1));
    assert_eq!(f.bearer(secret).await, Ok(expected), "and is in the cache now");
    f.clock.advance(Duration::from_millis(1));
    assert_eq!(f.bearer(secret).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn every_bad_credential_gets_the_same_answer() {
    let f = fixture();
    let issued = f.issue("admin", None).await;
    let good = issued.secret.expose().to_owned();
    let session = f.accounts.exchange(&good).await.unwrap().cookie_value;
    f.accounts.revoke_token(&issued.id).await.unwrap();
    let none_jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJvd25lciJ9.";
    let long = "a".repeat(1_000_000);
    let almost = format!("{}!", &good[..46]);
    let unicode = format!("atl_{}é", "a".repeat(41));
    let unknown = format!("atl_{}", "a".repeat(43));
    let bad = ["", " ", "atl_", "' OR 1=1--", none_jwt, &long, &almost, &unicode, &unknown, &good];
    let mut answers = Vec::new();
    for text in bad.into_iter().chain([session.expose(), "\0", "ats_"]) {
        answers.push(f.accounts.authenticate_bearer(text).await.unwrap_err());
        answers.push(f.accounts.authenticate_session(text).await.unwrap_err());
        answers.push(f.accounts.exchange(text).await.unwrap_err());
    }
    for answer in &answers {
        assert_eq!(
            (answer.kind, answer.code, answer.message.as_str(), answer.hint.as_deref()),
            (
                Kind::Unauthenticated,
                "unauthenticated",
                answers[0].message.as_str(),
                answers[0].hint.as_deref()
            )
        );
    }
}

#[tokio::test]
async fn a_token_revoked_by_another_process_stops_within_a_second() {
    let f = fixture();
    let issued = f.issue("admin", None).await;
    let cookie = f.accounts.exchange(issued.secret.expose()).await.unwrap().cookie_value;
    f.bearer(issued.secret.expose()).await.unwrap();
    f.session(cookie.expose()).await.unwrap();
    let other = Accounts::new(f.store.clone(), f.clock.clone(), Arc::new(SeededEntropy::new(2)));
    other.revoke_token(&issued.id).await.unwrap();
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.bearer(issued.secret.expose()).await, Err(Kind::Unauthenticated));
    assert_eq!(f.session(cookie.expose()).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_token_revoked_here_stops_at_once_and_is_still_listed() {
    let f = fixture();
    let kept = f.issue("read:runs", None).await;
    f.clock.advance(Duration::from_millis(1));
    let issued = f.issue("admin", None).await;
    f.bearer(issued.secret.expose()).await.unwrap();
    f.accounts.revoke_token(&issued.id).await.unwrap();
    f.accounts.revoke_token(&issued.id).await.unwrap();
    assert_eq!(f.bearer(issued.secret.expose()).await, Err(Kind::Unauthenticated));
    assert!(f.bearer(kept.secret.expose()).await.is_ok());
    let tokens = f.accounts.list_tokens(&PageRequest::default()).await.unwrap().items;
    let shown: Vec<_> = tokens.iter().map(|token| (token.id.clone(), token.revoked_at.is_some())).collect();
    assert_eq!(shown, [(issued.id, true), (kept.id, false)]);
    let unknown = "tok_00000000000000000000".parse().unwrap();
    assert_eq!(f.accounts.revoke_token(&unknown).await.unwrap_err().kind, Kind::NotFound);
}

#[tokio::test]
async fn a_one_time_key_gives_the_owner_one_session_within_ten_minutes() {
    let f = fixture();
    let other = Accounts::new(f.store.clone(), f.clock.clone(), Arc::new(SeededEntropy::new(2)));
    let [key, late] = [other.new_open_key().await.unwrap(), other.new_open_key().await.unwrap()];
    f.clock.advance(OPEN_KEY_LIFETIME - Duration::from_millis(1));
    let opened = f.accounts.open_with_key(&key).await.unwrap();
    let identity = f.session(opened.cookie_value.expose()).await;
    assert_eq!(identity, Ok(Identity { actor: Actor::Owner, scopes: Scopes::all() }));
    f.clock.advance(Duration::from_millis(1));
    for bad in [key.as_str(), late.as_str(), "", "' OR 1=1--", opened.cookie_value.expose()] {
        let error = f.accounts.open_with_key(bad).await.unwrap_err();
        assert_eq!((error.kind, error.code), (Kind::Unauthenticated, "open_key_invalid"));
    }
    assert_eq!(f.bearer(opened.cookie_value.expose()).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_session_lasts_thirty_days_from_its_last_use() {
    let f = fixture();
    let key = f.accounts.new_open_key().await.unwrap();
    let cookie = f.accounts.open_with_key(&key).await.unwrap().cookie_value;
    for _ in 0..3 {
        f.clock.advance(SESSION_LIFETIME - Duration::from_secs(1));
        assert!(f.session(cookie.expose()).await.is_ok());
    }
    f.clock.advance(SESSION_LIFETIME);
    assert_eq!(f.session(cookie.expose()).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_session_opened_with_a_token_can_do_no_more_and_ends_with_it() {
    let f = fixture();
    let issued = f.issue("read:runs", Some(DAY)).await;
    let cookie = f.accounts.exchange(issued.secret.expose()).await.unwrap().cookie_value;
    let identity = f.session(cookie.expose()).await.unwrap();
    assert_eq!(identity.actor, Actor::Token(issued.id.to_string()));
    assert!(identity.scopes.allows(Scope::ReadRuns) && !identity.scopes.allows(Scope::WriteRuns));
    f.clock.advance(DAY);
    assert_eq!(f.session(cookie.expose()).await, Err(Kind::Unauthenticated));
}

#[tokio::test]
async fn a_session_that_was_ended_is_over_at_once() {
    let f = fixture();
    let key = f.accounts.new_open_key().await.unwrap();
    let cookie = f.accounts.open_with_key(&key).await.unwrap().cookie_value;
    assert!(f.session(cookie.expose()).await.is_ok());
    f.accounts.end_session(cookie.expose()).await.unwrap();
    assert_eq!(f.session(cookie.expose()).await, Err(Kind::Unauthenticated));
    f.accounts.end_session(cookie.expose()).await.unwrap();
    f.accounts.end_session("nonsense").await.unwrap();
}

#[tokio::test]
async fn impossible_tokens_are_refused() {
    let f = fixture();
    let long = "x".repeat(101);
    let now = f.clock.now();
    let cases = [
        ("", Scopes::all(), None, "invalid_token_name"),
        ("  ", Scopes::all(), None, "invalid_token_name"),
        ("a\nb", Scopes::all(), None, "invalid_token_name"),
        (&long, Scopes::all(), None, "invalid_token_name"),
        ("fine", Scopes::default(), None, "no_scopes"),
        ("fine", Scopes::all(), Some(now), "expiry_in_past"),
    ];
    for (name, scopes, expires_at, code) in cases {
        let new = NewToken { name: name.into(), scopes, expires_at };
        assert_eq!(f.accounts.issue_token(new).await.unwrap_err().code, code, "{name}");
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let f = fixture();
    let issued = f.issue("admin", None).await;
    let session = f.accounts.exchange(issued.secret.expose()).await.unwrap();
    let shown = format!("{issued:?} {session:?} {} {}", issued.secret, session.cookie_value);
    assert!(!shown.contains("atl_") && !shown.contains("ats_"), "{shown}");
}
