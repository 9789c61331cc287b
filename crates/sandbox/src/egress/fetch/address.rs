//! Addresses to fetch, and those that answers lead to, read in the one way that nobody disputes.

use hyper::{Response, body::Incoming, header::LOCATION};
use url::Url;

use super::{
    super::{Host, HostError},
    FetchError,
};

/// An address that every program reads in the same way.
pub(super) struct Address {
    pub url: Url,
    pub host: Host,
    pub port: u16,
}

impl Address {
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// The strict reading comes first: the parser of URLs repairs what it can, and another program
/// might repair it differently.
pub(super) fn address(text: &str) -> Result<Address, FetchError> {
    let bad = |reason: &str| FetchError::BadAddress { reason: reason.to_owned() };
    check_letters(text)?;
    let scheme = ["http://", "https://"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let scheme = scheme.ok_or_else(|| bad("it does not begin with http:// or https://"))?;
    let rest = &text[scheme.len()..];
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let unreadable = |error: HostError| bad(&error.to_string());
    let (host, port) = Host::parse_with_port(authority).map_err(unreadable)?;
    let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
    let read = url.host_str().and_then(|host| host.parse::<Host>().ok());
    if read.as_ref() != Some(&host) {
        return Err(bad("its host can be read in two ways"));
    }
    let port = port.unwrap_or(if scheme == "https://" { 443 } else { 80 });
    Ok(Address { url, host, port })
}

/// Letters that the parser of URLs drops, or takes for others.
fn check_letters(text: &str) -> Result<(), FetchError> {
    let odd = |letter: &char| letter.is_control() || letter.is_whitespace() || *letter == '\\';
    match text.chars().find(odd) {
        Some(letter) => {
            Err(FetchError::BadAddress { reason: format!("{letter:?} cannot be part of an address") })
        }
        None => Ok(()),
    }
}

/// Where an answer leads, if it leads on.
pub(super) fn redirect(at: &Address, response: &Response<Incoming>) -> Result<Option<Address>, FetchError> {
    let leads_on = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = response.headers().get(LOCATION).filter(|_| leads_on) else { return Ok(None) };
    let bad = |reason: &str| FetchError::BadAddress { reason: format!("it leads to one where {reason}") };
    let location = location.to_str().map_err(|_| bad("something is not text"))?;
    check_letters(location)?;
    let first = location.find([':', '/', '?', '#']);
    if first.is_some_and(|at| location[at..].starts_with(':')) {
        // A whole address is read as strictly as the first one.
        return address(location).map(Some);
    }
    if let Some(rest) = location.strip_prefix("//") {
        return address(&format!("{}://{rest}", at.url.scheme())).map(Some);
    }
    let next = at.url.join(location).map_err(|error| bad(&error.to_string()))?;
    address(next.as_str()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16)>) {
        let read = address(text).ok().map(|at| (at.host.to_string(), at.port));
        assert_eq!(read, expected.map(|(host, port)| (host.to_owned(), port)), "{text:?}");
    }

    #[test]
    fn an_address_has_one_reading_or_none() {
        check("https://Example.com/x?y#z", Some(("example.com", 443)));
        check("HTTP://example.com:8080", Some(("example.com", 8080)));
        check("http://[2001:db8::1]/", Some(("2001:db8::1", 80)));
        for text in [
            "ftp://example.com/",
            "file:///etc/passwd",
            "//example.com/",
            "https:example.com",
            "https:///example.com/",
            "https://good.example\\@evil.example/",
            "https://good.example@evil.example/",
            "https://user:password@evil.example/",
            "https://good.example\t.evil.example/",
            "https://good.example%2eevil.example/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1/",
            "https://example.com:99999/",
            " https://example.com/",
        ] {
            check(text, None);
        }
    }
}
