//! What every connection of one session shares, and the event that each of them ends with.
//!
//! Invariants: every attempt is reported exactly once, however it ends, because its report is
//! sent when it is dropped; every task ends with the session, because none is started elsewhere.

use std::{future::Future, net::IpAddr, sync::Arc};

use kernel::{Clock, Timestamp};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Limits, Policy, Refusal, Stopped, Uplink,
    host::Host,
    meter::{Budget, Meter},
    names::Names,
    refusal::Failure,
};

/// Takes the events of a session. It is called on the session's own tasks, so it must not block.
pub type OnConnection = Arc<dyn Fn(Connection) + Send + Sync>;

/// One attempt to reach something, as it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The host that was asked for, in its one spelling; as it was asked for, cut to what is
    /// printable, if it is none. Empty if the request did not get that far.
    pub host: String,
    /// The port; `None` for a name that was only looked up.
    pub port: Option<u16>,
    /// How it was asked for.
    pub way: Way,
    /// What came of it.
    pub verdict: Verdict,
    /// Bytes that went out.
    pub sent_bytes: u64,
    /// Bytes that came back.
    pub received_bytes: u64,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// How long it lasted.
    pub duration_ms: u64,
}

/// How something was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// Through the proxy: `CONNECT`, or a request with an absolute URL.
    Proxy,
    /// Plain HTTP, by a tool that does not know of the proxy.
    Http,
    /// TLS, by a tool that does not know of the proxy.
    Tls,
    /// Only its name was looked up.
    Lookup,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was allowed and made.
    Allowed,
    /// It was refused; with bytes counted, it was made and then cut off.
    Refused(Refusal),
    /// It was allowed but could not be made.
    Failed(Failure),
}

impl From<Stopped> for Verdict {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(refusal) => Self::Refused(refusal),
            Stopped::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// What the connections of one session share.
pub(super) struct Session {
    pub policy: watch::Receiver<Arc<Policy>>,
    pub uplink: Uplink,
    pub limits: Limits,
    pub names: Mutex<Names>,
    pub budget: Arc<Budget>,
    pub clock: Arc<dyn Clock>,
    pub on_connection: OnConnection,
    pub tasks: TaskTracker,
    pub stop: CancellationToken,
}

impl Session {
    /// The policy as it is now.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.borrow().clone()
    }

    /// Starts a task that ends with the session.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Begins the report of an attempt.
    pub fn attempt(self: &Arc<Self>, host: impl ToString, port: Option<u16>, way: Way) -> Arc<Attempt> {
        Arc::new(Attempt {
            session: self.clone(),
            host: host.to_string(),
            port,
            way,
            verdict: Mutex::new(Verdict::Allowed),
            meter: Arc::new(Meter::new(self.budget.clone())),
            started_at: self.clock.now(),
        })
    }

    /// Which host a caught connection was meant for, by the address it was made to.
    pub fn host_behind(&self, address: IpAddr) -> Result<Host, Refusal> {
        let names = self.names.lock();
        match names.name_of(address) {
            Some(name) => Ok(Host::Name(name.to_owned())),
            None if names.is_made_up(address) => Err(Refusal::UnknownAddress),
            None => Ok(Host::from(address)),
        }
    }

    /// The host a tunnel is meant for: a tool that looks names up by itself and then asks the proxy
    /// names a made-up address.
    pub fn host_meant(&self, host: Host) -> Result<Host, Refusal> {
        match host {
            Host::Address(address) => self.host_behind(address),
            name @ Host::Name(_) => Ok(name),
        }
    }

    /// Returns when the policy no longer allows what it allowed.
    pub async fn withdrawn(&self, host: &Host, port: u16) {
        let mut policy = self.policy.clone();
        loop {
            if policy.borrow_and_update().judge(host, port).is_err() {
                return;
            }
            if policy.changed().await.is_err() {
                // The session is over, and with it the task that waits here.
                std::future::pending::<()>().await;
            }
        }
    }
}

/// An attempt under way. The last one to drop it sends its report.
pub(super) struct Attempt {
    session: Arc<Session>,
    host: String,
    port: Option<u16>,
    way: Way,
    verdict: Mutex<Verdict>,
    meter: Arc<Meter>,
    started_at: Timestamp,
}

impl Attempt {
    /// What it transfers is counted here.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Says that it was stopped, and why.
    pub fn stop(&self, stopped: impl Into<Stopped>) {
        *self.verdict.lock() = stopped.into().into();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let verdict = match &*self.verdict.lock() {
            Verdict::Allowed if self.meter.is_cut() => Verdict::Refused(Refusal::BudgetSpent),
            verdict => verdict.clone(),
        };
        (self.session.on_connection)(Connection {
            host: std::mem::take(&mut self.host),
            port: self.port,
            way: self.way,
            verdict,
            sent_bytes: self.meter.sent(),
            received_bytes: self.meter.received(),
            started_at: self.started_at,
            duration_ms: u64::try_from(self.meter.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
    }
}
