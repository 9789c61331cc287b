//! Hosts as they are named in rules, requests and certificates, in one spelling.
//!
//! Invariant: two texts that could reach the same host are equal once they are [`Host`]s, and a
//! text that programs read differently from each other is none at all.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The longest name DNS has, without its last dot.
const MAX_NAME_BYTES: usize = 253;
const MAX_LABEL_BYTES: usize = 63;

/// A host: a name in lower-case ASCII without a last dot, or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name, which has to be resolved.
    Name(String),
    /// An address. An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) is the IPv4 address.
    Address(IpAddr),
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// There is nothing.
    #[error("the host is missing")]
    Empty,
    /// `user@` or `user:password@` stands before it.
    #[error("a host is named without a user or password before it")]
    UserInfo,
    /// It holds something that no host holds.
    #[error("`{0}` cannot be part of a host")]
    Character(char),
    /// `127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`: programs disagree about these.
    #[error("an IPv4 address is written as four decimal numbers, as in 192.0.2.1")]
    OddAddress,
    /// What is between the brackets is no IPv6 address.
    #[error("this is not an IPv6 address")]
    BadIpv6,
    /// An empty or too long label, a too long name, or one that has no ASCII form.
    #[error("this is not a host name")]
    BadName,
    /// What follows the colon is no port.
    #[error("a port is a number from 1 to 65535")]
    BadPort,
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if text.contains('@') {
            return Err(HostError::UserInfo);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').ok_or(HostError::BadIpv6)?;
            return inner.parse::<Ipv6Addr>().map(Self::from_ipv6).map_err(|_| HostError::BadIpv6);
        }
        if text.contains(':') {
            return text.parse::<Ipv6Addr>().map(Self::from_ipv6).map_err(|_| HostError::BadIpv6);
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        name(text).map(Self::Name)
    }
}

impl Host {
    fn from_ipv6(address: Ipv6Addr) -> Self {
        Self::Address(address.to_canonical())
    }

    /// Reads `host`, `host:port`, `[v6]` and `[v6]:port`. The port is `None` where none is given.
    pub fn parse_with_port(text: &str) -> Result<(Self, Option<u16>), HostError> {
        // A bare IPv6 address has more than one colon and can have no port.
        let colon = match text.rfind(']') {
            Some(end) => text[end..].find(':').map(|at| end + at),
            None if text.matches(':').count() > 1 => None,
            None => text.find(':'),
        };
        let Some(at) = colon else { return Ok((text.parse()?, None)) };
        Ok((text[..at].parse()?, Some(port(&text[at + 1..])?)))
    }

    /// As it stands in a URL or a `Host` header: an IPv6 address has its brackets.
    #[must_use]
    pub fn authority(&self, port: u16, default_port: u16) -> String {
        let host = match self {
            Self::Address(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.to_string(),
        };
        if port == default_port { host } else { format!("{host}:{port}") }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

fn port(text: &str) -> Result<u16, HostError> {
    // `parse` alone would take `+443`.
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HostError::BadPort);
    }
    text.parse().ok().filter(|port| *port != 0).ok_or(HostError::BadPort)
}

/// The one spelling of a host name: its ASCII form in lower case, without a last dot.
fn name(text: &str) -> Result<String, HostError> {
    if let Some(bad) = text.chars().find(|letter| is_barred(*letter)) {
        return Err(HostError::Character(bad));
    }
    let ascii = idna::domain_to_ascii(text).map_err(|_| HostError::BadName)?;
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    if let Some(bad) = name.chars().find(|letter| !is_of_a_name(*letter)) {
        return Err(HostError::Character(bad));
    }
    if ends_in_a_number(name) {
        return Err(HostError::OddAddress);
    }
    let labels_fit = name.split('.').all(|label| (1..=MAX_LABEL_BYTES).contains(&label.len()));
    if labels_fit && name.len() <= MAX_NAME_BYTES { Ok(name.to_owned()) } else { Err(HostError::BadName) }
}

/// What is refused before any conversion, because a parser of URLs would end the host there,
/// drop it or decode it.
fn is_barred(letter: char) -> bool {
    letter.is_control() || letter.is_whitespace() || r#"/\?#%<>"'`|^{}*,;()$&!~="#.contains(letter)
}

fn is_of_a_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '-' | '_' | '.')
}

/// Whether the system's resolver might take a name for an IPv4 address. No top-level domain is a
/// number, so nothing is lost (the URL standard's "ends in a number" check).
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, HostError>) {
        assert_eq!(
            text.parse::<Host>().map(|host| host.to_string()),
            expected.map(str::to_owned),
            "{text:?}"
        );
    }

    #[test]
    fn a_host_has_one_spelling() {
        check("Example.COM", Ok("example.com"));
        check("example.com.", Ok("example.com"));
        check("bücher.example", Ok("xn--bcher-kva.example"));
        check("ｅｘａｍｐｌｅ.com", Ok("example.com"));
        check("a_b.example", Ok("a_b.example"));
        check("192.0.2.1", Ok("192.0.2.1"));
        check("[2001:DB8::1]", Ok("2001:db8::1"));
        check("2001:db8::1", Ok("2001:db8::1"));
        check("::ffff:127.0.0.1", Ok("127.0.0.1"));
        check("[::ffff:7f00:1]", Ok("127.0.0.1"));
    }

    #[test]
    fn what_programs_read_differently_is_no_host() {
        for text in
            ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.0x1", "127.0.0.1.", "１２７.0.0.1"]
        {
            check(text, Err(HostError::OddAddress));
        }
        check("", Err(HostError::Empty));
        check("user@example.com", Err(HostError::UserInfo));
        check("a\\b.example", Err(HostError::Character('\\')));
        check("a%2eb.example", Err(HostError::Character('%')));
        check("a b.example", Err(HostError::Character(' ')));
        check("a\0b.example", Err(HostError::Character('\0')));
        check("*.example", Err(HostError::Character('*')));
        check("a..example", Err(HostError::BadName));
        check(".example", Err(HostError::BadName));
        check(".", Err(HostError::BadName));
        check("[::1%eth0]", Err(HostError::BadIpv6));
        check("[::1", Err(HostError::BadIpv6));
        check(&format!("{}.example", "a".repeat(64)), Err(HostError::BadName));
    }

    #[test]
    fn a_port_is_digits() {
        let host = |text: &str| Host::parse_with_port(text).map(|(host, port)| (host.to_string(), port));
        assert_eq!(host("a.example:8080"), Ok(("a.example".into(), Some(8080))));
        assert_eq!(host("a.example"), Ok(("a.example".into(), None)));
        assert_eq!(host("[::1]:80"), Ok(("::1".into(), Some(80))));
        assert_eq!(host("::1"), Ok(("::1".into(), None)));
        for text in ["a.example:", "a.example:0", "a.example:+80", "a.example:65536", "a.example:8o"] {
            assert_eq!(host(text), Err(HostError::BadPort), "{text}");
        }
    }
}
