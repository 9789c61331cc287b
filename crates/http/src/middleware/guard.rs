//! Turns away requests for other hosts (so that no foreign name can be pointed at this machine)
//! and requests that pages of other origins make with the browser's cookie.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::app::Options;
use crate::error::Error;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether the request may pass.
pub(super) fn check(request: &Request, options: &Options) -> Result<(), Error> {
    let host = host(request)?;
    let name = without_port(&host);
    let known = LOOPBACK.contains(&name) || options.allowed_hosts.iter().any(|allowed| allowed == name);
    if !known {
        return Err(Error::ForeignHost(shown(&host)));
    }
    let headers = request.headers();
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if harmless && !headers.contains_key(UPGRADE) {
        return Ok(());
    }
    match headers.get(ORIGIN) {
        Some(origin) => {
            let origin = text(origin).to_ascii_lowercase();
            let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            let allowed = own == Some(&host) || options.allowed_origins.contains(&origin);
            if allowed { Ok(()) } else { Err(Error::ForeignOrigin(shown(&origin))) }
        }
        // Browsers that leave the origin out still say where the page came from.
        None => match headers.get(FETCH_SITE).map(text) {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(Error::ForeignOrigin("another site".into())),
        },
    }
}

/// The host the request is for, in lower case, with its port.
fn host(request: &Request) -> Result<String, Error> {
    let foreign = |name: &str| Error::ForeignHost(shown(name));
    let mut given = given_hosts(request.headers());
    let first = given.next();
    if given.next().is_some() {
        return Err(foreign("(several)"));
    }
    let named = request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
    match (first, named) {
        (Some(host), Some(named)) if host != named => Err(foreign(&named)),
        (Some(host), _) => Ok(host),
        (None, Some(named)) => Ok(named),
        (None, None) => Err(foreign("(none)")),
    }
}

fn given_hosts(headers: &HeaderMap) -> impl Iterator<Item = String> {
    headers.get_all(HOST).iter().map(|host| text(host).to_ascii_lowercase())
}

fn without_port(host: &str) -> &str {
    match host.find(']') {
        Some(end) => &host[..=end],
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or("(unreadable)")
}

fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[track_caller]
    fn check_request(method: &str, headers: &[(&str, &str)], expected: Result<(), &str>) {
        let options = Options {
            allowed_hosts: ["atelier.test".to_owned()].into(),
            allowed_origins: ["http://localhost:5173".to_owned()].into(),
            ..Options::default()
        };
        let builder = Request::builder().method(method).uri("/api/v1/runs");
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let found = check(&builder.body(Body::empty()).unwrap(), &options);
        assert_eq!(found.map_err(|error| error.code()), expected, "{method} {headers:?}");
    }

    #[test]
    fn answers_for_its_own_names_only() {
        for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "atelier.test:80"] {
            check_request("GET", &[("host", host)], Ok(()));
        }
        for host in ["evil.test", "localhost.evil.test", "127.0.0.1.evil.test:8080", "", "[::2]", "0.0.0.0"] {
            check_request("GET", &[("host", host)], Err("foreign_host"));
        }
        check_request("GET", &[], Err("foreign_host"));
        check_request("GET", &[("host", "localhost"), ("host", "evil.test")], Err("foreign_host"));
    }

    #[test]
    fn lets_only_its_own_pages_change_things() {
        let host = ("host", "127.0.0.1:8080");
        check_request("POST", &[host], Ok(()));
        check_request("POST", &[host, ("origin", "http://127.0.0.1:8080")], Ok(()));
        check_request("POST", &[host, ("origin", "http://localhost:5173")], Ok(()));
        check_request("GET", &[host, ("origin", "http://evil.test")], Ok(()));
        for origin in
            ["http://evil.test", "null", "http://127.0.0.1:9090", "http://127.0.0.1", "127.0.0.1:8080"]
        {
            check_request("POST", &[host, ("origin", origin)], Err("foreign_origin"));
            check_request("DELETE", &[host, ("origin", origin)], Err("foreign_origin"));
            check_request(
                "GET",
                &[host, ("origin", origin), ("upgrade", "websocket")],
                Err("foreign_origin"),
            );
        }
        check_request("POST", &[host, ("sec-fetch-site", "same-origin")], Ok(()));
        check_request("POST", &[host, ("sec-fetch-site", "cross-site")], Err("foreign_origin"));
        check_request("POST", &[host, ("sec-fetch-site", "same-site")], Err("foreign_origin"));
    }
}
