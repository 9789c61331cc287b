//! A request on its way out and its answer on its way back: which headers go on, and who keeps the
//! connection going meanwhile.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1,
    header::{
        CONNECTION, HeaderName, HeaderValue, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;

use super::{
    Failure, Refusal, Stopped,
    answers::Body,
    host::Host,
    session::{Attempt, Session},
    tunnel,
    uplink::BoxedStream,
};

/// Headers that are between two neighbours only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The wish of a client to go on in another protocol.
pub(super) struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

impl Upgrade {
    /// Takes the wish out of a request.
    pub fn asked_for(request: &mut Request<Incoming>) -> Option<Self> {
        let asks = listed(request.headers()).any(|name| name.eq_ignore_ascii_case("upgrade"));
        let protocol = request.headers().get(UPGRADE).filter(|_| asks)?.clone();
        // Plain HTTP/2 would carry requests that nobody judges.
        if protocol.as_bytes().to_ascii_lowercase().windows(3).any(|word| word == b"h2c") {
            return None;
        }
        Some(Self { protocol, client: hyper::upgrade::on(request) })
    }
}

/// Repeats the wish to the host.
pub(super) fn ask_for(headers: &mut HeaderMap, upgrade: Option<&Upgrade>) {
    if let Some(upgrade) = upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, upgrade.protocol.clone());
    } else {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// Removes what is between two neighbours, and what they say is.
pub(super) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = listed(headers).filter_map(|name| name.parse().ok()).collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Keeps a tool on the plain way where its requests get a secret: the host, which was asked over
/// TLS, sends it on to `https://` addresses of its own, and there nothing could be added.
pub(super) fn keep_plain(headers: &mut HeaderMap, secure: &str, plain: &str) {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else { return };
    let rest = location.strip_prefix("https://").and_then(|rest| rest.strip_prefix(secure));
    let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#'])) else { return };
    if let Ok(location) = HeaderValue::try_from(format!("http://{plain}{rest}")) {
        headers.insert(LOCATION, location);
    }
}

/// The names that the `Connection` headers list.
fn listed(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|name| !name.is_empty())
}

/// Sends a request over a connection of its own, and returns the answer while its body still comes.
pub(super) async fn send(
    session: &Arc<Session>,
    attempt: &Arc<Attempt>,
    to: (Host, u16),
    stream: BoxedStream,
    request: Request<Incoming>,
    upgrade: Option<Upgrade>,
) -> Result<Response<Body>, Stopped> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|_| Failure::NoAnswer)?;
    let (watching, kept) = (session.clone(), attempt.clone());
    let (host, port) = to.clone();
    session.spawn(async move {
        tokio::select! {
            // First, so that nothing is sent to a host that was withdrawn a moment ago.
            biased;
            () = watching.withdrawn(&host, port) => kept.stop(Refusal::Withdrawn),
            _ = connection.with_upgrades() => {}
            () = kept.meter().idle(watching.limits.idle) => {}
        }
    });
    let mut response = sender.send_request(request).await.map_err(|error| {
        tracing::debug!(%error, "no answer from outside");
        Failure::NoAnswer
    })?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let upgrade = upgrade.ok_or(Failure::NoAnswer)?;
        let protocol = response.headers().get(UPGRADE).cloned().unwrap_or_else(|| upgrade.protocol.clone());
        carry_on(session, attempt, to, upgrade, hyper::upgrade::on(&mut response));
        remove_hop_by_hop(response.headers_mut());
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
        response.headers_mut().insert(UPGRADE, protocol);
    } else {
        remove_hop_by_hop(response.headers_mut());
    }
    Ok(response.map(BodyExt::boxed))
}

/// After the switch the bytes of both sides pass as they come.
fn carry_on(
    session: &Arc<Session>,
    attempt: &Arc<Attempt>,
    (host, port): (Host, u16),
    upgrade: Upgrade,
    upstream: OnUpgrade,
) {
    let (working, attempt) = (session.clone(), attempt.clone());
    session.spawn(async move {
        if let (Ok(client), Ok(upstream)) = tokio::join!(upgrade.client, upstream) {
            let (client, upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            tunnel::relay(&working, &attempt, (&host, port), client, upstream, &[]).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_kept_on_the_plain_way() {
        for (location, expected) in [
            ("https://a.example/x?y", "http://a.example/x?y"),
            ("https://a.example", "http://a.example"),
            ("https://a.example.evil.test/x", "https://a.example.evil.test/x"),
            ("https://a.example:8443/x", "https://a.example:8443/x"),
            ("https://b.example/x", "https://b.example/x"),
            ("/x", "/x"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(location));
            keep_plain(&mut headers, "a.example", "a.example");
            assert_eq!(headers[LOCATION], expected);
        }
    }

    #[test]
    fn what_is_between_two_neighbours_stays_there() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, x-first"),
            ("connection", " X-Second"),
            ("x-first", "1"),
            ("x-second", "2"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("keep-alive", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("accept", "*/*"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut headers);
        assert_eq!(
            headers.into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
            [Some("accept".parse().expect("a name"))]
        );
    }
}
