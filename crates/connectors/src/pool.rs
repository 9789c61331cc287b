//! The connections that are open: made when one is needed, kept for a while, made anew after a
//! failure with pauses that grow.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::error::Error;

/// How long a connection stays that nobody uses.
const IDLE: Duration = Duration::from_secs(10 * 60);
/// The first pause after a failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What is known of one server's connection.
#[derive(Default)]
pub(crate) struct Place {
    /// Held while it is opened, so that it is opened once.
    pub opening: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: Option<(Arc<Connection>, Instant)>,
    failures: u32,
    paused_until: Option<Instant>,
    problem: Option<String>,
}

impl Place {
    /// The connection, if there is one that can be used.
    pub fn open(&self) -> Option<Arc<Connection>> {
        let mut state = self.state.lock();
        let (connection, used) = state.open.as_mut().filter(|(connection, _)| !connection.is_closed())?;
        *used = Instant::now();
        Some(connection.clone())
    }

    /// Refuses while a failure is too fresh.
    pub fn check_pause(&self, name: &str) -> Result<(), Error> {
        let state = self.state.lock();
        let left = state.paused_until.map(|until| until.saturating_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            None => Ok(()),
            Some(left) => Err(Error::Paused {
                name: name.to_owned(),
                seconds: left.as_secs() + 1,
                reason: state.problem.clone().unwrap_or_default(),
            }),
        }
    }

    /// Takes a connection that works.
    pub fn put(&self, connection: Arc<Connection>) {
        *self.state.lock() = State { open: Some((connection, Instant::now())), ..State::default() };
    }

    /// Takes note of a failure, and gives the connection up.
    pub fn fail(&self, problem: &Error) {
        let mut state = self.state.lock();
        if let Some((connection, _)) = state.open.take() {
            connection.close();
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << state.failures.min(16)).min(LONGEST_PAUSE);
        state.failures += 1;
        state.paused_until = Some(Instant::now() + pause);
        state.problem = Some(problem.to_string());
    }

    /// Whether it is open, and what went wrong last.
    pub fn stands(&self) -> (bool, Option<String>) {
        let state = self.state.lock();
        let is_open = state.open.as_ref().is_some_and(|(connection, _)| !connection.is_closed());
        (is_open, state.problem.clone())
    }

    /// Closes it, and forgets what went wrong.
    pub fn close(&self) {
        let closed = std::mem::take(&mut *self.state.lock());
        if let Some((connection, _)) = closed.open {
            connection.close();
        }
    }

    fn close_idle(&self) {
        let mut state = self.state.lock();
        // Whoever is in the middle of a call holds it.
        let is_idle = state
            .open
            .as_ref()
            .is_some_and(|(connection, used)| used.elapsed() > IDLE && Arc::strong_count(connection) == 1);
        if is_idle {
            state.open = None;
        }
    }
}

/// The connections to all servers, by their names.
#[derive(Default)]
pub(crate) struct Pool {
    places: Mutex<HashMap<String, Arc<Place>>>,
}

impl Pool {
    /// The place of a server.
    pub fn place(&self, name: &str) -> Arc<Place> {
        self.places.lock().entry(name.to_owned()).or_default().clone()
    }

    /// Closes the connection to a server, with the calls that are under way.
    pub fn close(&self, name: &str) {
        let place = self.places.lock().remove(name);
        if let Some(place) = place {
            place.close();
        }
    }

    /// Closes those that nobody uses.
    pub fn close_idle(&self) {
        self.places.lock().values().for_each(|place| place.close_idle());
    }

    /// Closes all.
    pub fn close_all(&self) {
        self.places.lock().drain().for_each(|(_, place)| place.close());
    }
}
