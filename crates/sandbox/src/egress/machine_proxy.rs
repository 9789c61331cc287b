//! The proxy by which this machine itself reaches the net, as its environment names it.
//!
//! It is only ever asked to `CONNECT`, for plain HTTP as well, so that it sees no more than it
//! must. Its own address is not judged: whoever set the variable chose it.

use std::{collections::HashMap, fmt, io, net::IpAddr};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Method, Request,
    header::{HOST, HeaderValue, PROXY_AUTHORIZATION},
};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::TcpStream;
use url::Url;

use super::{host::Host, uplink::BoxedStream};

/// The proxies of this machine and what goes past them.
#[derive(Clone, Debug, Default)]
pub struct MachineProxy {
    for_plain: Option<Server>,
    for_tls: Option<Server>,
    exceptions: Vec<Exception>,
}

/// One proxy.
#[derive(Clone)]
pub(super) struct Server {
    host: String,
    port: u16,
    authorization: Option<HeaderValue>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// An entry of `NO_PROXY`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    /// A name and everything below it, on one port or all.
    Domain(String, Option<u16>),
    Network(IpNet),
}

/// A proxy variable that cannot be used. It does not repeat the value, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} does not name a proxy that can be used: {reason}")]
pub struct MachineProxyError {
    variable: String,
    reason: &'static str,
}

impl MachineProxy {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`; lower case goes first, as in
    /// curl. `None` where no proxy is named.
    pub fn from_environment(
        environment: &HashMap<String, String>,
    ) -> Result<Option<Self>, MachineProxyError> {
        let for_tls = server(environment, "https_proxy")?;
        let for_plain = server(environment, "http_proxy")?;
        let for_all = server(environment, "all_proxy")?;
        let exceptions = variable(environment, "no_proxy").map(|(_, value)| exceptions(value));
        let found = Self {
            for_plain: for_plain.or_else(|| for_all.clone()),
            for_tls: for_tls.or(for_all),
            exceptions: exceptions.unwrap_or_default(),
        };
        let is_any = found.for_plain.is_some() || found.for_tls.is_some();
        Ok(is_any.then_some(found))
    }

    /// The proxy for this host and port; `None` where the way is direct.
    pub(super) fn server_for(&self, host: &Host, port: u16) -> Option<&Server> {
        let server = if port == 80 { self.for_plain.as_ref() } else { self.for_tls.as_ref() };
        server.filter(|_| !self.exceptions.iter().any(|exception| exception.means(host, port)))
    }
}

impl Server {
    /// Has the proxy connect to a host, by its name.
    pub(super) async fn connect(&self, host: &Host, port: u16) -> io::Result<BoxedStream> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let authority = host.authority(port, 0);
        let mut request = Request::builder().method(Method::CONNECT).uri(&authority).header(HOST, &authority);
        if let Some(value) = &self.authorization {
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        let request = request.body(Empty::<Bytes>::new()).map_err(io::Error::other)?;
        let mut connection = std::pin::pin!(connection.with_upgrades());
        let mut answer = std::pin::pin!(sender.send_request(request));
        let mut is_connected = true;
        let response = loop {
            tokio::select! {
                response = &mut answer => break response.map_err(io::Error::other)?,
                _ = &mut connection, if is_connected => is_connected = false,
            }
        };
        if !response.status().is_success() {
            return Err(io::Error::other(format!("the proxy answered {}", response.status())));
        }
        let upgrade = hyper::upgrade::on(response);
        if is_connected {
            connection.await.map_err(io::Error::other)?;
        }
        Ok(Box::new(TokioIo::new(upgrade.await.map_err(io::Error::other)?)))
    }
}

impl Exception {
    fn means(&self, host: &Host, port: u16) -> bool {
        match (self, host) {
            (Self::Everything, _) => true,
            (Self::Domain(domain, own_port), Host::Name(name)) => {
                let is_below = name
                    .strip_suffix(domain.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
                is_below && own_port.is_none_or(|own| own == port)
            }
            (Self::Network(network), Host::Address(address)) => network.contains(address),
            _ => false,
        }
    }
}

fn variable<'a>(environment: &'a HashMap<String, String>, name: &str) -> Option<(String, &'a str)> {
    [name.to_owned(), name.to_uppercase()].into_iter().find_map(|name| {
        let value = environment.get(&name)?.trim();
        (!value.is_empty()).then_some((name, value))
    })
}

fn server(environment: &HashMap<String, String>, name: &str) -> Result<Option<Server>, MachineProxyError> {
    let Some((variable, value)) = variable(environment, name) else { return Ok(None) };
    let bad = |reason| MachineProxyError { variable: variable.clone(), reason };
    let value = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&value).map_err(|_| bad("it is not a URL"))?;
    if url.scheme() != "http" {
        return Err(bad("only proxies that are reached by http:// are supported"));
    }
    let host = url.host_str().ok_or_else(|| bad("it names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let authorization = match (decoded(url.username()), url.password().map(decoded)) {
        (Some(user), _) if user.is_empty() => None,
        (Some(user), None) => Some(format!("{user}:")),
        (Some(user), Some(Some(password))) => Some(format!("{user}:{password}")),
        _ => return Err(bad("its user or password cannot be decoded")),
    };
    let authorization = match authorization {
        Some(pair) => {
            let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair)))
                .map_err(|_| bad("its user or password cannot be sent"))?;
            value.set_sensitive(true);
            Some(value)
        }
        None => None,
    };
    Ok(Some(Server { host, port: url.port_or_known_default().unwrap_or(80), authorization }))
}

/// What a URL's `%41` stands for.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            plain.push(byte);
            continue;
        }
        let digits = [char::from(bytes.next()?), char::from(bytes.next()?)];
        let value = digits[0].to_digit(16)? * 16 + digits[1].to_digit(16)?;
        plain.push(u8::try_from(value).ok()?);
    }
    String::from_utf8(plain).ok()
}

/// Entries that cannot be read are left out, as every other program does.
fn exceptions(value: &str) -> Vec<Exception> {
    value.split(',').map(str::trim).filter(|entry| !entry.is_empty()).filter_map(exception).collect()
}

fn exception(entry: &str) -> Option<Exception> {
    if entry == "*" {
        return Some(Exception::Everything);
    }
    if let Ok(network) = entry.parse::<IpNet>() {
        return Some(Exception::Network(network));
    }
    let entry = entry.trim_start_matches("*.").trim_start_matches('.');
    Some(match Host::parse_with_port(entry).ok()? {
        (Host::Name(name), port) => Exception::Domain(name, port),
        (Host::Address(address), _) => Exception::Network(single(address)),
    })
}

fn single(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<MachineProxy>, MachineProxyError> {
        let environment =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        MachineProxy::from_environment(&environment)
    }

    #[track_caller]
    fn check(proxy: &MachineProxy, host: &str, port: u16, expected: Option<&str>) {
        let host: Host = host.parse().expect("a host");
        let found = proxy.server_for(&host, port).map(|server| format!("{server:?}"));
        assert_eq!(found.as_deref(), expected, "{host}:{port}");
    }

    #[test]
    fn no_variable_is_no_proxy() {
        assert!(read(&[]).expect("nothing wrong").is_none());
        assert!(read(&[("HTTP_PROXY", ""), ("NO_PROXY", "*")]).expect("nothing wrong").is_none());
    }

    #[test]
    fn each_kind_of_connection_has_its_proxy() {
        let proxy = read(&[("https_proxy", "http://tls.example:3128"), ("HTTP_PROXY", "plain.example:8080")]);
        let proxy = proxy.expect("nothing wrong").expect("a proxy");
        check(&proxy, "a.example", 443, Some("tls.example:3128"));
        check(&proxy, "a.example", 80, Some("plain.example:8080"));
        let proxy = read(&[("ALL_PROXY", "http://all.example")]).expect("nothing wrong").expect("a proxy");
        check(&proxy, "a.example", 443, Some("all.example:80"));
    }

    #[test]
    fn exceptions_go_past_it() {
        let no_proxy = "localhost, .corp.example ,10.0.0.0/8,192.0.2.7,b.example:8443";
        let proxy = read(&[("ALL_PROXY", "http://p.example:1"), ("NO_PROXY", no_proxy)]);
        let proxy = proxy.expect("nothing wrong").expect("a proxy");
        for host in ["localhost", "corp.example", "a.corp.example", "10.1.2.3", "192.0.2.7"] {
            check(&proxy, host, 443, None);
        }
        check(&proxy, "b.example", 8443, None);
        for host in ["b.example", "notcorp.example", "192.0.2.8"] {
            check(&proxy, host, 443, Some("p.example:1"));
        }
    }

    #[test]
    fn a_password_is_kept_and_not_shown() {
        let proxy = read(&[("https_proxy", "http://ana:s%40cret@p.example:1")]);
        let proxy = proxy.expect("nothing wrong").expect("a proxy");
        assert!(!format!("{proxy:?}").contains("cret"));
        let server = proxy.for_tls.expect("a proxy");
        assert_eq!(server.authorization.expect("a header"), "Basic YW5hOnNAY3JldA==");
        let error = read(&[("https_proxy", "socks5://ana:s3cret@p.example:1")]).expect_err("no SOCKS");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
