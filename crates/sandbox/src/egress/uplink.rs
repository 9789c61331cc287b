//! How this process reaches the net: names are resolved, what they lead to is judged, and the
//! connection goes to the very address that was judged, or to this machine's own proxy.
//!
//! Invariant: nothing in `egress` opens a connection but [`Uplink::connect`].

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use rustls::{ClientConfig, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{Failure, MachineProxy, Refusal, Stopped, address::range_of, host::Host, policy::Reach};

/// For a connection, from the question for its address to the end of its handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one of several addresses is waited for.
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a name is looked for here where the proxy of this machine resolves it anyway.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// More addresses than this are not tried.
const MAX_ADDRESSES: usize = 8;

/// Tells the addresses of a name.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// The addresses of a name, best first, with the port to connect to. It is asked once a
    /// connection.
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, port)).await?.collect())
    }
}

/// A connection, of whichever kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
pub(super) type BoxedStream = Box<dyn Stream>;

/// This machine's way to the net. Cheap to clone; one serves all sessions.
#[derive(Clone)]
pub struct Uplink {
    resolver: Arc<dyn Resolver>,
    proxy: Option<Arc<MachineProxy>>,
    tls: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Default for Uplink {
    fn default() -> Self {
        Self::new(Arc::new(SystemResolver))
    }
}

impl Uplink {
    /// A direct way, with this resolver, and the certificates the system trusts.
    #[must_use]
    pub fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self { resolver, proxy: None, tls: Arc::default() }
    }

    /// Through the proxy by which this machine reaches the net. Names are then resolved twice: here,
    /// if they can be, to refuse what leads to a private address, and by the proxy.
    #[must_use]
    pub fn through(mut self, proxy: MachineProxy) -> Self {
        self.proxy = Some(Arc::new(proxy));
        self
    }

    /// Trusts what this configuration trusts, and not what the system does.
    #[must_use]
    pub fn with_tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Arc::new(OnceLock::from(config));
        self
    }

    /// Connects to a host that the policy allows, as far as `reach` goes.
    pub(super) async fn connect(&self, host: &Host, port: u16, reach: Reach) -> Result<BoxedStream, Stopped> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let proxy = self.proxy.as_ref().and_then(|proxy| proxy.server_for(host, port));
        let look_until = if proxy.is_some() { Instant::now() + LOOK_TIMEOUT } else { deadline };
        let addresses = self.addresses(host, port, reach, look_until).await;
        if let Some(server) = proxy {
            // What only the proxy can resolve is left to it; what leads to a private place is not.
            if let Err(refused @ Stopped::Refused(_)) = addresses {
                return Err(refused);
            }
            let connected = timeout_at(deadline, server.connect(host, port)).await;
            return connected.map_err(|_| Failure::TimedOut)?.map_err(|error| {
                tracing::debug!(%host, port, %error, "this machine's proxy did not connect");
                Failure::Unreachable.into()
            });
        }
        Ok(Box::new(connect_to_one(&addresses?, deadline).await?))
    }

    /// The addresses of a host that may be connected to. At least one, else it is an error.
    async fn addresses(
        &self,
        host: &Host,
        port: u16,
        reach: Reach,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, Stopped> {
        let mut addresses = match host {
            Host::Address(address) => vec![SocketAddr::new(*address, port)],
            Host::Name(name) => timeout_at(deadline, self.resolver.resolve(name, port))
                .await
                .map_err(|_| Failure::TimedOut)?
                .map_err(|_| Failure::NameNotFound)?,
        };
        let mut refused = None;
        addresses.retain(|address| match range_of(address.ip()) {
            Some(range) if reach == Reach::Public || range.is_never_reached() => {
                refused.get_or_insert(Refusal::AddressForbidden { address: address.ip(), range });
                false
            }
            _ => true,
        });
        addresses.truncate(MAX_ADDRESSES);
        match (addresses.is_empty(), refused) {
            (false, _) => Ok(addresses),
            (true, Some(refusal)) => Err(refusal.into()),
            (true, None) => Err(Failure::NameNotFound.into()),
        }
    }

    /// Makes a connection a secure one, with the host's own name.
    pub(super) async fn secure(
        &self,
        stream: impl Stream + 'static,
        host: &Host,
    ) -> Result<BoxedStream, Stopped> {
        let config = self.tls_config().map_err(|error| {
            tracing::warn!(%error, "no secure connection can be made from this machine");
            Failure::NotSecure
        })?;
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| Failure::NotSecure)?,
            Host::Address(address) => ServerName::from(*address),
        };
        let shaken = timeout(CONNECT_TIMEOUT, TlsConnector::from(config).connect(name, stream)).await;
        let stream = shaken.map_err(|_| Failure::TimedOut)?.map_err(|error| {
            tracing::debug!(%host, %error, "no secure connection");
            Failure::NotSecure
        })?;
        Ok(Box::new(stream))
    }

    /// Made when it is first needed: reading the system's certificates takes a while, and a
    /// machine without any may still carry what the sandbox itself encrypts.
    fn tls_config(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(config) = self.tls.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(self.tls.get_or_init(|| Arc::new(config)).clone())
    }
}

/// Tries one address after the other; the last one has all the time that is left.
async fn connect_to_one(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, Failure> {
    let mut failure = Failure::Unreachable;
    for (index, address) in addresses.iter().enumerate() {
        let is_last = index + 1 == addresses.len();
        let until = if is_last { deadline } else { deadline.min(Instant::now() + ADDRESS_TIMEOUT) };
        match timeout_at(until, TcpStream::connect(*address)).await {
            Ok(Ok(stream)) => {
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(_)) => failure = Failure::Unreachable,
            Err(_) => failure = Failure::TimedOut,
        }
    }
    Err(failure)
}
