//! Remembers for less than a second who was recognised, so that a busy client does not cost a read
//! of the database with every request.
//!
//! Invariant: an entry is at most [`LIFETIME`] old, counted from before its database read began, so
//! that a revocation by another process takes effect within a second.

use std::collections::HashMap;
use std::time::Duration;

use kernel::Timestamp;
use parking_lot::Mutex;

use crate::secret::SecretHash;
use crate::service::Identity;

/// How long an entry is believed.
pub(crate) const LIFETIME: Duration = Duration::from_millis(900);
const CAPACITY: usize = 1_024;

/// Recognised credentials.
#[derive(Default)]
pub(crate) struct Cache(Mutex<HashMap<SecretHash, Entry>>);

struct Entry {
    identity: Identity,
    read_at: Timestamp,
    valid_until: Timestamp,
}

impl Entry {
    /// A clock that was set back makes entries from the future, which are not believed.
    fn is_valid(&self, now: Timestamp) -> bool {
        now >= self.read_at && now.since(self.read_at) < LIFETIME && now < self.valid_until
    }
}

impl Cache {
    pub(crate) fn find(&self, hash: &SecretHash, now: Timestamp) -> Option<Identity> {
        let entries = self.0.lock();
        entries.get(hash).filter(|entry| entry.is_valid(now)).map(|entry| entry.identity.clone())
    }

    /// Keeps what a read that began at `read_at` found, which holds until `valid_until` at most.
    pub(crate) fn keep(
        &self,
        hash: SecretHash,
        identity: &Identity,
        read_at: Timestamp,
        valid_until: Timestamp,
    ) {
        let mut entries = self.0.lock();
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| entry.is_valid(read_at));
        }
        if entries.len() < CAPACITY {
            entries.insert(hash, Entry { identity: identity.clone(), read_at, valid_until });
        }
    }

    pub(crate) fn clear(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scopes;
    use kernel::Actor;

    #[track_caller]
    fn check(read_at: i64, valid_until: i64, now: i64, believed: bool) {
        let (cache, hash) = (Cache::default(), SecretHash::of("some secret"));
        let identity = Identity { actor: Actor::Owner, scopes: Scopes::all() };
        cache.keep(hash, &identity, Timestamp(read_at), Timestamp(valid_until));
        assert_eq!(cache.find(&hash, Timestamp(now)).is_some(), believed);
    }

    #[test]
    fn believes_an_entry_for_less_than_a_second() {
        check(5_000, i64::MAX, 5_000, true);
        check(5_000, i64::MAX, 5_899, true);
        check(5_000, i64::MAX, 5_900, false);
    }

    #[test]
    fn believes_no_credential_that_is_over() {
        check(5_000, 5_010, 5_009, true);
        check(5_000, 5_010, 5_010, false);
    }

    #[test]
    fn believes_nothing_from_the_future_when_the_clock_was_set_back() {
        check(5_000, i64::MAX, 4_999, false);
    }

    #[test]
    fn stays_small() {
        let cache = Cache::default();
        let identity = Identity { actor: Actor::Owner, scopes: Scopes::all() };
        for at in 0..10_000 {
            let hash = SecretHash::of(&at.to_string());
            cache.keep(hash, &identity, Timestamp(at), Timestamp(i64::MAX));
        }
        assert!(cache.0.lock().len() <= CAPACITY);
        assert!(cache.find(&SecretHash::of("9999"), Timestamp(9_999)).is_some());
    }
}
