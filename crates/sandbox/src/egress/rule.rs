//! One line of a policy: a host or everything below a domain, and on which ports.

use std::{fmt, str::FromStr};

use super::host::{Host, HostError};

/// The ports of a rule that allows and names none.
const WEB_PORTS: [u16; 2] = [80, 443];

/// `example.com`, `*.example.com`, `example.com:8443`, `192.0.2.1` or `[2001:db8::1]:443`.
///
/// `*.example.com` is everything below `example.com`, at any depth, but not `example.com` itself.
/// Without a port a rule that allows means 80 and 443, and one that denies means every port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    One(Host),
    /// Everything below this name.
    Below(String),
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It is a URL, or part of one.
    #[error("`{text}` is not a rule: name the host alone, without `https://` and without a path")]
    Url {
        /// As it was given.
        text: String,
    },
    /// A star that does not stand for everything below a domain.
    #[error(
        "`{text}` is not a rule: a star stands only at the beginning and before a dot, as in `*.example.com`"
    )]
    Star {
        /// As it was given.
        text: String,
    },
    /// The host or its port cannot be read.
    #[error("`{text}` is not a rule: {source}")]
    Host {
        /// As it was given.
        text: String,
        /// What is wrong with it.
        source: HostError,
    },
}

impl From<RuleError> for kernel::Error {
    fn from(error: RuleError) -> Self {
        let message = error.to_string();
        Self::new(kernel::Kind::Invalid, "egress_rule_invalid", message)
            .with_hint("Write a rule like example.com, *.example.com or example.com:8443")
            .with_source(error)
    }
}

impl Rule {
    /// A rule for exactly this host and port.
    #[must_use]
    pub fn exactly(host: Host, port: u16) -> Self {
        Self { hosts: Hosts::One(host), port: Some(port) }
    }

    /// Whether a rule that allows means this host and port.
    pub(super) fn allows(&self, host: &Host, port: u16) -> bool {
        self.names(host) && self.port.map_or(WEB_PORTS.contains(&port), |own| own == port)
    }

    /// Whether a rule that denies means this host and port.
    pub(super) fn denies(&self, host: &Host, port: u16) -> bool {
        self.names(host) && self.port.is_none_or(|own| own == port)
    }

    /// Whether it means this host, on whichever port.
    pub(super) fn names(&self, host: &Host) -> bool {
        match (&self.hosts, host) {
            (Hosts::One(own), _) => own == host,
            (Hosts::Below(domain), Host::Name(name)) => {
                name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Hosts::Below(_), Host::Address(_)) => false,
        }
    }

    /// Whether it means every port a deny rule can mean.
    pub(super) fn is_for_every_port(&self) -> bool {
        self.port.is_none()
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let text = text.trim();
        let own = || text.to_owned();
        if text.contains('/') {
            return Err(RuleError::Url { text: own() });
        }
        let (host, is_below) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if host.contains('*') {
            return Err(RuleError::Star { text: own() });
        }
        let (host, port) =
            Host::parse_with_port(host).map_err(|source| RuleError::Host { text: own(), source })?;
        let hosts = match (is_below, host) {
            (false, host) => Hosts::One(host),
            (true, Host::Name(name)) => Hosts::Below(name),
            (true, Host::Address(_)) => return Err(RuleError::Star { text: own() }),
        };
        Ok(Self { hosts, port })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.hosts, self.port) {
            (Hosts::One(host), None) => write!(f, "{host}"),
            (Hosts::One(host), Some(port)) => f.write_str(&host.authority(port, 0)),
            (Hosts::Below(domain), None) => write!(f, "*.{domain}"),
            (Hosts::Below(domain), Some(port)) => write!(f, "*.{domain}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().expect("a rule")
    }

    #[track_caller]
    fn check(text: &str, host: &str, port: u16, expected: bool) {
        assert_eq!(rule(text).allows(&host.parse().expect("a host"), port), expected, "{text} {host}:{port}");
    }

    #[test]
    fn a_rule_means_its_host_on_the_ports_of_the_web() {
        check("Example.com", "example.com", 443, true);
        check("example.com", "example.com", 80, true);
        check("example.com", "example.com", 22, false);
        check("example.com:22", "example.com", 22, true);
        check("example.com:22", "example.com", 443, false);
        check("example.com", "www.example.com", 443, false);
        check("192.0.2.1", "192.0.2.1", 80, true);
        check("[2001:db8::1]:443", "2001:db8::1", 443, true);
    }

    #[test]
    fn a_star_means_everything_below_and_only_below() {
        check("*.example.com", "a.example.com", 443, true);
        check("*.example.com", "a.b.example.com", 443, true);
        check("*.example.com", "example.com", 443, false);
        check("*.example.com", "badexample.com", 443, false);
        check("*.example.com", "example.com.evil.test", 443, false);
        check("*.com", "192.0.2.1", 443, false);
    }

    #[test]
    fn a_denial_without_a_port_means_every_port() {
        let host = "example.com".parse().expect("a host");
        assert!(rule("example.com").denies(&host, 22));
        assert!(!rule("example.com:22").denies(&host, 443));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_words() {
        let error = |text: &str| text.parse::<Rule>().expect_err(text).to_string();
        assert_eq!(
            error("https://example.com/x"),
            "`https://example.com/x` is not a rule: name the host alone, without `https://` and without a path"
        );
        assert_eq!(
            error("*"),
            "`*` is not a rule: a star stands only at the beginning and before a dot, as in `*.example.com`"
        );
        assert!(error("a.*.example").contains("a star stands only"));
        assert!(error("*.192.0.2.1").contains("a star stands only"));
        assert_eq!(
            error("example.com:0"),
            "`example.com:0` is not a rule: a port is a number from 1 to 65535"
        );
        assert_eq!(error(""), "`` is not a rule: the host is missing");
        assert!(error("u:p@example.com").contains("not a rule"));
        assert!(error("127.1").contains("four decimal numbers"));
    }

    #[test]
    fn a_rule_is_shown_as_it_is_read() {
        for text in
            ["example.com", "*.example.com:8443", "example.com:22", "[2001:db8::1]:443", "2001:db8::1"]
        {
            assert_eq!(rule(text).to_string(), text);
        }
    }
}
