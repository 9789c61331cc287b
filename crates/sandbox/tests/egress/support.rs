//! A session's way out, servers outside that remember what reached them, and tools inside.

use std::{
    collections::HashMap,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use kernel::{FixedClock, Timestamp};
use parking_lot::Mutex;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use sandbox::egress::{Connection, Egress, Limits, Listeners, Options, Policy, Resolver, Uplink};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};
use tokio_util::task::AbortOnDropHandle;

/// Where made-up addresses begin in tests: on loopback, so that they can be connected to.
pub const MADE_UP: Ipv4Addr = Ipv4Addr::new(127, 128, 0, 0);
/// What every server of the tests answers to a request.
pub const HELLO: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const CERTIFICATE: &[u8] = include_bytes!("certificates/server.pem");
const KEY: &[u8] = include_bytes!("certificates/server.key.pem");

/// Something that never takes this long has gone wrong.
pub async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("within ten seconds")
}

pub fn trust(rules: &[&str]) -> Policy {
    rules.iter().fold(Policy::default(), |policy, rule| policy.trust(rule.parse().expect("a rule")))
}

/// Which name and port leads where.
#[derive(Default)]
pub struct Table {
    addresses: Mutex<HashMap<(String, u16), Vec<SocketAddr>>>,
    pub asked: Mutex<Vec<String>>,
}

impl Table {
    pub fn set(&self, name: &str, port: u16, addresses: &[SocketAddr]) {
        self.addresses.lock().insert((name.to_owned(), port), addresses.to_vec());
    }
}

#[async_trait]
impl Resolver for Table {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.lock().push(name.to_owned());
        let addresses = self.addresses.lock();
        // A star is for names that a test does not list.
        let found = addresses.get(&(name.to_owned(), port)).or_else(|| addresses.get(&("*".to_owned(), 0)));
        found.cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

/// A session's way out.
pub struct World {
    pub egress: Egress,
    pub table: Arc<Table>,
    pub proxy: SocketAddr,
    pub http: SocketAddr,
    pub https: SocketAddr,
    pub dns: SocketAddr,
    events: mpsc::UnboundedReceiver<Connection>,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        Self::with(policy, |_| {}, |uplink| uplink)
    }

    pub fn with(policy: Policy, limit: impl FnOnce(&mut Limits), up: impl FnOnce(Uplink) -> Uplink) -> Self {
        let tcp = |host| std::net::TcpListener::bind((host, 0)).expect("a listener");
        // Connections to made-up addresses come to listeners for every address.
        let listeners = Listeners {
            proxy: tcp(Ipv4Addr::LOCALHOST),
            http: tcp(Ipv4Addr::UNSPECIFIED),
            https: tcp(Ipv4Addr::UNSPECIFIED),
            dns: std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket"),
        };
        let address = |listener: &std::net::TcpListener| listener.local_addr().expect("an address");
        let (proxy, http) = (address(&listeners.proxy), address(&listeners.http));
        let (https, dns) = (address(&listeners.https), listeners.dns.local_addr().expect("an address"));
        let table = Arc::new(Table::default());
        let mut limits = Limits { made_up: MADE_UP, ..Limits::default() };
        limit(&mut limits);
        let (sender, events) = mpsc::unbounded_channel();
        let options = Options {
            uplink: up(Uplink::new(table.clone()).with_tls(client_config())),
            limits,
            clock: Arc::new(FixedClock::at(Timestamp(7))),
            on_connection: Arc::new(move |connection| {
                let _ = sender.send(connection);
            }),
        };
        let egress = Egress::start(listeners, policy, options).expect("a way out");
        Self { egress, table, proxy, http, https, dns, events }
    }

    /// A name that leads to a server of the test, on this port.
    pub fn leads(self, name: &str, port: u16, to: SocketAddr) -> Self {
        self.table.set(name, port, &[to]);
        self
    }

    /// The next event.
    pub async fn event(&mut self) -> Connection {
        soon(self.events.recv()).await.expect("an event")
    }

    /// Stops everything and returns the events that were not taken yet.
    pub async fn events(self) -> Vec<Connection> {
        let Self { egress, mut events, .. } = self;
        soon(egress.stop()).await;
        let mut rest = Vec::new();
        while let Ok(event) = events.try_recv() {
            rest.push(event);
        }
        rest
    }

    /// Sends bytes to the proxy and returns everything that comes back.
    pub async fn ask_proxy(&self, bytes: impl AsRef<[u8]>) -> String {
        exchange(self.proxy, bytes).await
    }

    /// Looks a name up as a tool does, and returns its made-up address.
    pub async fn look_up(&self, name: &str) -> Option<Ipv4Addr> {
        let answer = self.ask_dns(&question(name, 1)).await;
        (answer[7] == 1).then(|| {
            let end = answer.len();
            Ipv4Addr::new(answer[end - 4], answer[end - 3], answer[end - 2], answer[end - 1])
        })
    }

    pub async fn ask_dns(&self, packet: &[u8]) -> Vec<u8> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a socket");
        socket.send_to(packet, self.dns).await.expect("sent");
        let mut answer = vec![0; 512];
        let length = soon(socket.recv(&mut answer)).await.expect("an answer");
        answer.truncate(length);
        answer
    }

    /// Where a tool that looked a name up connects to, at the listener for plain HTTP or TLS.
    pub async fn caught(&self, name: &str, listener: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.look_up(name).await.expect("an address").into(), listener.port())
    }

    /// A tunnel through the proxy, as far as the proxy grants it.
    pub async fn tunnel(&self, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy).await.expect("connected");
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let head = soon(read_head(&mut stream)).await;
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        stream
    }
}

/// A question for a name.
pub fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut packet = vec![1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(u8::try_from(label.len()).expect("a short label"));
        packet.extend(label.as_bytes());
    }
    packet.push(0);
    packet.extend(kind.to_be_bytes());
    packet.extend([0, 1]);
    packet
}

/// Sends bytes and returns everything that comes back until the other side is done.
pub async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    // A server that refuses early may close before all is written.
    let _ = stream.write_all(bytes.as_ref()).await;
    read_all(&mut stream).await
}

pub async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = soon(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

pub async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    head
}

/// What a server outside does with a connection.
#[derive(Clone, Copy)]
pub enum Behaviour {
    /// Reads a request's head and answers with these bytes.
    Answer(&'static [u8]),
    /// Sends back whatever comes, until its end, and then an end.
    Echo,
    /// Sends these bytes, and then everything back.
    Greet(&'static [u8]),
    /// Reads and says nothing.
    Listen,
}

/// A server outside. It remembers what reached it.
pub struct Server {
    pub address: SocketAddr,
    pub connections: Arc<AtomicUsize>,
    received: Arc<Mutex<Vec<u8>>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    pub async fn plain(behaviour: Behaviour) -> Self {
        Self::start(behaviour, None).await
    }

    pub async fn secure(behaviour: Behaviour) -> Self {
        Self::start(behaviour, Some(TlsAcceptor::from(server_config()))).await
    }

    async fn start(behaviour: Behaviour, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a listener");
        let address = listener.local_addr().expect("an address");
        let (received, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let (log, count) = (received.clone(), connections.clone());
        let task = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, SeqCst);
                let (log, tls) = (log.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => behave(behaviour, stream, log).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => behave(behaviour, stream, log).await,
                            Err(_) => log.lock().extend(b"no TLS"),
                        },
                    }
                });
            }
        }));
        Self { address, connections, received, _task: task }
    }

    /// Everything that reached it, in order.
    pub fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock()).into_owned()
    }

    /// Connections that reached it.
    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

async fn behave(
    behaviour: Behaviour,
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    log: Arc<Mutex<Vec<u8>>>,
) {
    match behaviour {
        Behaviour::Answer(answer) => {
            let mut head = read_head(&mut stream).await;
            let text = String::from_utf8_lossy(&head).to_lowercase();
            let length =
                text.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            let _ = stream.read_exact(&mut body).await;
            head.extend(body);
            log.lock().extend(head);
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
        Behaviour::Greet(greeting) => {
            let _ = stream.write_all(greeting).await;
            echo(stream, log).await;
        }
        Behaviour::Echo => echo(stream, log).await,
        Behaviour::Listen => {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = stream.read(&mut piece).await {
                log.lock().extend(&piece[..length]);
            }
        }
    }
}

async fn echo(mut stream: impl AsyncRead + AsyncWrite + Unpin, log: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece).await {
        log.lock().extend(&piece[..length]);
        if stream.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    let _ = stream.write_all(b"end").await;
    let _ = stream.shutdown().await;
}

/// Trusts the authority of the tests and nobody else.
pub fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(AUTHORITY).expect("a certificate")).expect("added");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(builder.expect("versions").with_root_certificates(roots).with_no_client_auth())
}

fn server_config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let builder = builder.expect("versions").with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![certificate], key).expect("a configuration"))
}

/// Speaks TLS to a host over a connection, as a tool inside does.
pub async fn shake_hands(stream: TcpStream, name: &str) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    soon(TlsConnector::from(client_config()).connect(name, stream)).await
}

/// The greeting of a TLS client that wants this server; `None` names none.
pub fn hello(name: Option<&str>) -> Vec<u8> {
    let mut config = (*client_config()).clone();
    config.enable_sni = name.is_some();
    let name = ServerName::try_from(name.unwrap_or("any.test").to_owned()).expect("a name");
    let mut connection = rustls::ClientConnection::new(Arc::new(config), name).expect("a connection");
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).expect("written");
    bytes
}
