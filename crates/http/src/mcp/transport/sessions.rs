//! Whose the sessions are, and how many there may be.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use tokio::sync::MutexGuard;

use super::Limits;

/// Whose the sessions are.
pub(super) struct Sessions {
    manager: Arc<LocalSessionManager>,
    owned: Mutex<Owned>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Owned {
    sessions: HashMap<String, OwnedSession>,
    /// How often a session was used, all together: the larger, the later.
    uses: u64,
}

struct OwnedSession {
    caller: String,
    last_use: u64,
}

impl Sessions {
    /// Of those that `manager` has.
    pub fn new(manager: Arc<LocalSessionManager>) -> Self {
        Self { manager, owned: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// A turn at opening a session: one at a time, so that two cannot both be the last.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whether `caller` may use the session. Of one that is not known, rmcp says so itself.
    pub fn admit(&self, session: &str, caller: &str) -> bool {
        let mut owned = self.owned.lock();
        owned.uses += 1;
        let now = owned.uses;
        match owned.sessions.get_mut(session) {
            Some(session) if session.caller != caller => false,
            Some(session) => {
                session.last_use = now;
                true
            }
            None => true,
        }
    }

    /// It was opened by `caller`.
    pub fn remember(&self, session: String, caller: &str) {
        let mut owned = self.owned.lock();
        owned.uses += 1;
        let last_use = owned.uses;
        owned.sessions.insert(session, OwnedSession { caller: caller.to_owned(), last_use });
    }

    /// It was ended.
    pub fn forget(&self, session: &str) {
        self.owned.lock().sessions.remove(session);
    }

    /// Whether there is room for one more session of `caller`, for which theirs may be closed.
    pub async fn make_room(&self, caller: &str, limits: Limits) -> bool {
        let quietest = {
            let open = self.manager.sessions.read().await;
            let mut owned = self.owned.lock();
            owned.sessions.retain(|session, _| open.contains_key(session.as_str()));
            let own = owned.sessions.iter().filter(|(_, session)| session.caller == caller);
            if own.clone().count() < limits.sessions_each {
                return open.len() < limits.sessions;
            }
            own.min_by_key(|(_, session)| session.last_use).map(|(session, _)| session.clone())
        };
        if let Some(session) = quietest {
            tracing::debug!(caller, "a session of the protocol gives way to a new one");
            let _ = self.manager.close_session(&session.as_str().into()).await;
            self.forget(&session);
        }
        true
    }
}
