//! Plain HTTP from inside: requests to the proxy, requests a tool made without knowing of it, and
//! requests inside a `CONNECT` tunnel to port 80. Every one is judged by itself.
//!
//! hyper reads and writes both sides, so what goes out was made here from what was understood, and
//! not copied. [`gate`](super::gate) has refused what hyper would be lenient about.

use std::{convert::Infallible, future::Future, pin::Pin, sync::Arc};

use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::Incoming,
    header::{HOST, HeaderValue},
    http::uri::{PathAndQuery, Scheme},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Refusal, Stopped, answers,
    answers::Body,
    forwarding::{self, Upgrade},
    gate::{Gate, Head},
    host::Host,
    meter::Metered,
    policy::Broker,
    session::{Attempt, Session, Way},
    tunnel,
    uplink::BoxedStream,
};

/// The port of plain HTTP.
const HTTP_PORT: u16 = 80;

/// Headers that name another method than the request's own.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Where a connection from inside arrived, which says what its requests may be for.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// At the proxy: every request names its own host.
    Proxy,
    /// On its way to this host, on port 80.
    To(Host, Way),
    /// On its way to something that is no host; shown as this.
    Nowhere(String, Refusal),
}

/// Serves a connection to its end.
pub(super) fn serve(
    session: Arc<Session>,
    stream: BoxedStream,
    entry: Entry,
    permit: Option<OwnedSemaphorePermit>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    // Boxed, because a tunnel to port 80 serves requests within a request.
    Box::pin(async move {
        let (gate, heads) = Gate::new(stream, permit);
        let first_bytes = session.limits.first_bytes;
        let service = service_fn(move |request| {
            let (session, entry, head) = (session.clone(), entry.clone(), heads.next());
            async move { Ok::<_, Infallible>(answer(session, entry, head, request).await) }
        });
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(first_bytes)
            .half_close(true)
            .auto_date_header(false)
            .serve_connection(TokioIo::new(gate), service)
            .with_upgrades()
            .await;
        if let Err(error) = served {
            tracing::debug!(%error, "a connection from inside ended early");
        }
    })
}

async fn answer(
    session: Arc<Session>,
    entry: Entry,
    head: Head,
    request: Request<Incoming>,
) -> Response<Body> {
    let is_connect = head.fault.is_none() && request.method() == Method::CONNECT;
    let mut response = match (head.fault, &entry) {
        (Some(fault), _) => {
            let (way, host) = match &entry {
                Entry::To(host, way) => (*way, host.to_string()),
                Entry::Proxy => (Way::Proxy, String::new()),
                Entry::Nowhere(shown, _) => (Way::Http, shown.clone()),
            };
            let port = (!host.is_empty()).then_some(HTTP_PORT);
            stop(&session.attempt(&host, port, way), &host, Refusal::Malformed(fault).into())
        }
        (None, Entry::Nowhere(shown, refusal)) => {
            let attempt = session.attempt(shown, Some(HTTP_PORT), Way::Http);
            stop(&attempt, shown, refusal.clone().into())
        }
        (None, Entry::Proxy) if is_connect => connect(&session, request).await,
        (None, _) => {
            let asked = destination(&entry, &request);
            carry(&session, asked, request).await
        }
    };
    let is_tunnel = response.status() == StatusCode::SWITCHING_PROTOCOLS
        || (is_connect && response.status().is_success());
    if head.is_last && !is_tunnel {
        answers::close_after(&mut response);
    }
    response
}

/// What a request is for: as far as it could be read, and whether that is consistent.
struct Asked {
    way: Way,
    /// The host as it is reported.
    shown: String,
    port: Option<u16>,
    host: Result<(Host, u16), Refusal>,
}

/// Finds out which host a request is for, and that everything in it says the same.
fn destination(entry: &Entry, request: &Request<Incoming>) -> Asked {
    let (way, named, default_port) = match entry {
        Entry::To(host, way) => (*way, Ok((host.clone(), HTTP_PORT)), HTTP_PORT),
        _ => (Way::Proxy, absolute(request.uri()), HTTP_PORT),
    };
    let shown = match (&named, request.uri().authority()) {
        (Ok((host, _)), _) => host.to_string(),
        (Err(_), Some(authority)) => answers::printable(authority.as_str()),
        (Err(_), None) => String::new(),
    };
    let port = named.as_ref().ok().map(|(_, port)| *port);
    let host = named.and_then(|(host, port)| {
        if matches!(entry, Entry::To(..)) && request.uri().authority().is_some() {
            return Err(Refusal::Malformed("a request with a whole URL goes to the proxy"));
        }
        let header = request.headers().get(HOST).map(HeaderValue::as_bytes);
        match (header, entry) {
            // HTTP/1.0 has no such header, and the URL has named the host already.
            (None, Entry::Proxy) => {}
            (None, _) => return Err(Refusal::Malformed("it has no Host header")),
            (Some(header), _) => agree(header, &host, port, default_port)?,
        }
        Ok((host, port))
    });
    Asked { way, shown, port, host }
}

/// The host and port of a request's absolute URL.
fn absolute(uri: &Uri) -> Result<(Host, u16), Refusal> {
    let authority = uri.authority().ok_or(Refusal::Malformed("a proxy is asked with a whole URL"))?;
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err(Refusal::Malformed("only http:// is asked for so; use CONNECT for anything else"));
    }
    let (host, port) = Host::parse_with_port(authority.as_str())?;
    Ok((host, port.unwrap_or(HTTP_PORT)))
}

fn agree(header: &[u8], host: &Host, port: u16, default_port: u16) -> Result<(), Refusal> {
    let named = str::from_utf8(header).ok().and_then(|text| Host::parse_with_port(text).ok());
    match named {
        Some((named, own)) if named == *host && own.unwrap_or(default_port) == port => Ok(()),
        _ => Err(Refusal::HostHeaderDiffers),
    }
}

/// Carries one request to its host and the answer back.
async fn carry(session: &Arc<Session>, asked: Asked, mut request: Request<Incoming>) -> Response<Body> {
    let attempt = session.attempt(&asked.shown, asked.port, asked.way);
    let client = Upgrade::asked_for(&mut request);
    let sent = async {
        let (host, port) = asked.host?;
        if request.method() == Method::TRACE {
            return Err(Refusal::Malformed("TRACE shows what was added on the way").into());
        }
        let policy = session.policy();
        policy.judge(&host, port)?;
        let broker = policy.broker_for(&host, port);
        if broker.is_some_and(|broker| !broker.serves(request.method(), client.is_some())) {
            return Err(Refusal::ReadOnly.into());
        }
        let stream = open(session, &attempt, &host, port, broker).await?;
        let request = outgoing(request, &host, port, broker, client.as_ref())?;
        let to = (host.clone(), port);
        let mut response = forwarding::send(session, &attempt, to, stream, request, client).await?;
        if let Some(broker) = broker {
            let (secure, plain) = (host.authority(broker.port(), 443), host.authority(port, HTTP_PORT));
            forwarding::keep_plain(response.headers_mut(), &secure, &plain);
        }
        Ok(response)
    };
    match sent.await {
        Ok(response) => response,
        Err(stopped) => stop(&attempt, &asked.shown, stopped),
    }
}

/// A counted connection to the host, a secure one if a secret goes over it.
async fn open(
    session: &Session,
    attempt: &Attempt,
    host: &Host,
    port: u16,
    broker: Option<&Broker>,
) -> Result<BoxedStream, Stopped> {
    let meter = attempt.meter().clone();
    let Some(broker) = broker else {
        return Ok(Box::new(Metered::new(tunnel::open(session, host, port).await?, meter)));
    };
    let stream = tunnel::open(session, host, broker.port()).await?;
    session.uplink.secure(Metered::new(stream, meter), host).await
}

/// The request as it goes out.
fn outgoing(
    mut request: Request<Incoming>,
    host: &Host,
    port: u16,
    broker: Option<&Broker>,
    upgrade: Option<&Upgrade>,
) -> Result<Request<Incoming>, Stopped> {
    let path = request.uri().path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    *request.uri_mut() = Uri::from(path);
    forwarding::remove_hop_by_hop(request.headers_mut());
    request.headers_mut().remove(hyper::header::EXPECT);
    let authority = match broker {
        Some(broker) => host.authority(broker.port(), 443),
        None => host.authority(port, HTTP_PORT),
    };
    let authority =
        HeaderValue::try_from(authority).map_err(|_| Refusal::Malformed("its host cannot be sent"))?;
    request.headers_mut().insert(HOST, authority);
    forwarding::ask_for(request.headers_mut(), upgrade);
    if let Some(broker) = broker {
        // Some servers would take a GET with one of these for a PUT.
        METHOD_OVERRIDES.iter().for_each(|name| drop(request.headers_mut().remove(*name)));
        let (name, value) = broker.header();
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// Answers `CONNECT`: the connection is made first, so that a failure can still be told.
async fn connect(session: &Arc<Session>, request: Request<Incoming>) -> Response<Body> {
    let target = request.uri().authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();
    let named = Host::parse_with_port(&target).map_err(Refusal::from).and_then(|(host, port)| {
        let port = port.ok_or(Refusal::Malformed("CONNECT names a host and a port"))?;
        match request.headers().get(HOST).map(|value| agree(value.as_bytes(), &host, port, port)) {
            // Some clients name the host here without its port.
            Some(Err(refusal)) => Err(refusal),
            _ => Ok((session.host_meant(host)?, port)),
        }
    });
    let (host, port) = match named {
        Ok(named) => named,
        Err(refusal) => {
            let shown = answers::printable(&target);
            return stop(&session.attempt(&shown, None, Way::Proxy), &shown, refusal.into());
        }
    };
    if port == HTTP_PORT {
        return connect_plain(session, request, host);
    }
    let attempt = session.attempt(&host, Some(port), Way::Proxy);
    match tunnel::open(session, &host, port).await {
        Ok(upstream) => {
            let work = session.clone();
            session.spawn(async move {
                if let Ok(client) = hyper::upgrade::on(request).await {
                    let client = Box::new(TokioIo::new(client));
                    tunnel::serve_connect(work, attempt, client, upstream, host, port).await;
                }
            });
            answers::empty(StatusCode::OK)
        }
        Err(stopped) => stop(&attempt, &host.to_string(), stopped),
    }
}

/// A tunnel to port 80 is plain HTTP (some clients tunnel everything), so its requests are judged
/// like those of any other connection to that host, and nothing else passes.
fn connect_plain(session: &Arc<Session>, request: Request<Incoming>, host: Host) -> Response<Body> {
    if let Err(refusal) = session.policy().judge(&host, HTTP_PORT) {
        let attempt = session.attempt(&host, Some(HTTP_PORT), Way::Proxy);
        return stop(&attempt, &host.to_string(), refusal.into());
    }
    let work = session.clone();
    session.spawn(async move {
        if let Ok(client) = hyper::upgrade::on(request).await {
            serve(work, Box::new(TokioIo::new(client)), Entry::To(host, Way::Proxy), None).await;
        }
    });
    answers::empty(StatusCode::OK)
}

/// Reports why and tells the client.
fn stop(attempt: &Attempt, host: &str, stopped: Stopped) -> Response<Body> {
    let response = answers::stopped(host, &stopped);
    attempt.stop(stopped);
    response
}
