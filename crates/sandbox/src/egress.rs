//! The only way out of a session: connections from inside its network namespace are taken here,
//! judged by the session's policy, and carried, or refused with a reason.
//!
//! A session's namespace has nothing but loopback. Four sockets listen in it ([`Listeners`]); they
//! were made inside and handed out, and [`Egress`] serves them from this process. Tools that honour
//! `HTTP_PROXY` talk to the proxy. Tools that do not look their names up at the DNS listener, get a
//! made-up address, connect to it, and land on the listener for plain HTTP or TLS, because every
//! address is routed to loopback there; the address they wanted tells the name.
//!
//! Invariants:
//! - Nothing leaves but to a host and port that a rule allows and none denies ([`Policy`]). That
//!   goes for every request on a connection, and while a connection lasts.
//! - A connection goes to the address that was looked at after the only resolution, and that
//!   address is a public one, unless this machine's own configuration names the host ([`Uplink`]).
//! - What a connection claims (its made-up address, its `Host` header, its TLS server name) agrees.
//! - Nothing is resolved for a question alone, so names carry nothing out.
//! - No event, answer or log line holds a path, a header or a secret.
//! - Dropping [`Egress`] ends every connection.
//!
//! What cannot be held here: the inside of TLS is not seen, so a host that is allowed and serves
//! others' content by the `Host` header inside TLS can be used to reach that content.
//!
//! Start reading at [`requests`] for HTTP and [`tunnel`] for everything else.

mod address;
mod answers;
mod fetch;
mod forwarding;
mod gate;
mod hello;
mod host;
mod lookup;
mod machine_proxy;
mod meter;
mod names;
mod policy;
mod refusal;
mod registries;
mod requests;
mod rule;
mod session;
mod tunnel;
mod uplink;

use std::{fmt, io, net::Ipv4Addr, sync::Arc, time::Duration};

use kernel::Clock;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use meter::Budget;
use names::Names;
use requests::Entry;
use session::Session;

pub use address::Range;
pub use fetch::{FetchError, FetchRequest, Fetched, fetch};
pub use host::{Host, HostError};
pub use machine_proxy::{MachineProxy, MachineProxyError};
pub use policy::{Broker, BrokerError, Policy};
pub use refusal::{Failure, Refusal, Stopped};
pub use registries::{Inside, Machine, Registries};
pub use rule::{Rule, RuleError};
pub use session::{Connection, OnConnection, Verdict, Way};
pub use uplink::{Resolver, SystemResolver, Uplink};

/// The sockets of a session, made inside its network namespace.
#[derive(Debug)]
pub struct Listeners {
    /// What `HTTP_PROXY` and `HTTPS_PROXY` point at.
    pub proxy: std::net::TcpListener,
    /// Every connection to port 80 of any address.
    pub http: std::net::TcpListener,
    /// Every connection to port 443 of any address.
    pub https: std::net::TcpListener,
    /// What `resolv.conf` points at.
    pub dns: std::net::UdpSocket,
}

/// What one session may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections from inside at once. The next one waits until one has ended.
    pub connections: usize,
    /// For the head of a request, or the greeting of a TLS connection.
    pub first_bytes: Duration,
    /// A connection over which nothing passes for so long is ended.
    pub idle: Duration,
    /// Bytes to and from the outside in all.
    pub total_bytes: Option<u64>,
    /// Where the made-up addresses begin; a /15 of it is used.
    pub made_up: Ipv4Addr,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            first_bytes: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            total_bytes: None,
            made_up: names::MADE_UP,
        }
    }
}

/// How a session reaches the outside, and who hears of it.
pub struct Options {
    /// This machine's way to the net.
    pub uplink: Uplink,
    /// What the session may use.
    pub limits: Limits,
    /// Tells when a connection was made.
    pub clock: Arc<dyn Clock>,
    /// Gets every attempt as it ends. A session can make as many as it likes, so whoever stores
    /// them has to bound that.
    pub on_connection: OnConnection,
}

/// The way out of one session. Dropping it ends every connection and stops listening.
pub struct Egress {
    policy: watch::Sender<Arc<Policy>>,
    session: Arc<Session>,
}

impl Egress {
    /// Begins to serve a session's sockets, on the runtime this is called in.
    pub fn start(listeners: Listeners, policy: Policy, options: Options) -> io::Result<Self> {
        let Options { uplink, limits, clock, on_connection } = options;
        let (proxy, http) = (listener(listeners.proxy)?, listener(listeners.http)?);
        let https = listener(listeners.https)?;
        listeners.dns.set_nonblocking(true)?;
        let dns = UdpSocket::from_std(listeners.dns)?;
        let (policy, watched) = watch::channel(Arc::new(policy));
        let permits = Arc::new(Semaphore::new(limits.connections));
        let session = Arc::new(Session {
            policy: watched,
            uplink,
            names: Mutex::new(Names::starting_at(limits.made_up)),
            budget: Arc::new(Budget::new(limits.total_bytes)),
            limits,
            clock,
            on_connection,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        for (kind, listener) in [(Kind::Proxy, proxy), (Kind::Http, http), (Kind::Https, https)] {
            session.spawn(accept(session.clone(), kind, listener, permits.clone()));
        }
        session.spawn(lookup::serve(session.clone(), dns));
        Ok(Self { policy, session })
    }

    /// Changes the rules. Connections that the new ones do not allow are ended.
    pub fn set_policy(&self, policy: Policy) {
        self.policy.send_replace(Arc::new(policy));
    }

    /// Ends everything and returns when the last event has been delivered.
    pub async fn stop(self) {
        self.session.stop.cancel();
        self.session.tasks.close();
        self.session.tasks.wait().await;
    }
}

impl Drop for Egress {
    fn drop(&mut self) {
        self.session.stop.cancel();
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Egress({} tasks)", self.session.tasks.len())
    }
}

/// Which of the listeners a connection came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Proxy,
    Http,
    Https,
}

fn listener(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// Takes connections, and serves as many at once as there are permits. One waits here for each
/// listener, and the others in the kernel's queue.
async fn accept(session: Arc<Session>, kind: Kind, listener: TcpListener, permits: Arc<Semaphore>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, for example: others may end meanwhile.
                tracing::warn!(%error, "a connection from inside could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        session.spawn(serve(session.clone(), kind, Guest { stream, permit }));
    }
}

/// A connection from inside, and its place among those that may be at once.
struct Guest {
    stream: TcpStream,
    permit: OwnedSemaphorePermit,
}

async fn serve(session: Arc<Session>, kind: Kind, Guest { stream, permit }: Guest) {
    let permit = Some(permit);
    if kind == Kind::Proxy {
        return requests::serve(session, Box::new(stream), Entry::Proxy, permit).await;
    }
    // The address the tool wanted. A stream without one has been closed meanwhile.
    let Ok(wanted) = stream.local_addr() else { return };
    let host = session.host_behind(wanted.ip());
    let shown = wanted.ip().to_string();
    match (kind, host) {
        (Kind::Https, host) => {
            tunnel::serve_caught(session, Box::new(stream), host, shown).await;
            drop(permit);
        }
        (_, Ok(host)) => {
            requests::serve(session, Box::new(stream), Entry::To(host, Way::Http), permit).await;
        }
        (_, Err(refusal)) => {
            requests::serve(session, Box::new(stream), Entry::Nowhere(shown, refusal), permit).await;
        }
    }
}
