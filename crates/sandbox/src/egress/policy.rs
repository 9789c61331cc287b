//! What a session may reach, and the secrets that are added on the way out.
//!
//! Invariants: what no rule allows is refused; what a rule denies is refused whatever allows it;
//! a secret can be put in and sent to its host, and read by nothing else.

use std::fmt;

use hyper::{
    Method,
    header::{self, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue},
};

use super::{Refusal, Registries, Rule, host::Host};

/// The rules of one session. The default allows nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
    /// Allowed, and known to this machine by its own configuration: may be at private addresses.
    trusted: Vec<Rule>,
    /// Whether every public host is allowed.
    everywhere: bool,
    brokers: Vec<Broker>,
}

/// How far a host that is allowed may be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Only at public addresses.
    Public,
    /// At private ones as well, though never at link-local ones.
    Private,
}

impl Policy {
    /// Allows what the rule means.
    #[must_use]
    pub fn allow(mut self, rule: Rule) -> Self {
        self.allow.push(rule);
        self
    }

    /// Allows every host, on every port, as far as it is at public addresses. For what a person asks
    /// for, never for what a program does.
    #[must_use]
    pub fn allow_everywhere(mut self) -> Self {
        self.everywhere = true;
        self
    }

    /// Denies what the rule means, whatever else allows it.
    #[must_use]
    pub fn deny(mut self, rule: Rule) -> Self {
        self.deny.push(rule);
        self
    }

    /// Allows what the rule means even at private and loopback addresses. For hosts that this
    /// machine's own configuration names, never for what a session or a stranger asks for.
    #[must_use]
    pub fn trust(mut self, rule: Rule) -> Self {
        self.trusted.push(rule);
        self
    }

    /// Adds a secret to requests to its host. The host has to be allowed besides.
    #[must_use]
    pub fn broker(mut self, broker: Broker) -> Self {
        self.brokers.push(broker);
        self
    }

    /// Trusts the registries of this machine, and lends their credentials for reading.
    #[must_use]
    pub fn allow_registries(mut self, registries: &Registries) -> Self {
        self.trusted.extend(registries.rules());
        self.brokers.extend(registries.brokers().iter().cloned());
        self
    }

    /// Whether this host and port may be reached, and how far it may be looked for.
    pub(super) fn judge(&self, host: &Host, port: u16) -> Result<Reach, Refusal> {
        if self.deny.iter().any(|rule| rule.denies(host, port)) {
            return Err(Refusal::Denied);
        }
        let allowed_by = |rules: &[Rule]| rules.iter().any(|rule| rule.allows(host, port));
        match host {
            _ if allowed_by(&self.trusted) => Ok(Reach::Private),
            _ if self.everywhere || allowed_by(&self.allow) => Ok(Reach::Public),
            Host::Address(_) => Err(Refusal::AddressLiteral),
            Host::Name(_) => Err(Refusal::NotAllowed),
        }
    }

    /// Whether some port of this host may be reached, so that its name is worth an answer.
    pub(super) fn judge_name(&self, host: &Host) -> Result<(), Refusal> {
        if self.deny.iter().any(|rule| rule.names(host) && rule.is_for_every_port()) {
            return Err(Refusal::Denied);
        }
        let known = self.everywhere || self.allow.iter().chain(&self.trusted).any(|rule| rule.names(host));
        if known { Ok(()) } else { Err(Refusal::NotAllowed) }
    }

    /// The secret for plain requests to this host and port.
    pub(super) fn broker_for(&self, host: &Host, port: u16) -> Option<&Broker> {
        self.brokers.iter().find(|broker| broker.host == *host && broker.plain_port() == port)
    }
}

/// A secret that the session may use but never see.
///
/// A plain HTTP request from inside to `http://host` leaves this machine as `https://host` with
/// the header added; one the session sent of the same name is replaced. A TLS connection from
/// inside passes untouched, so it does not carry the secret: point tools at `http://`.
///
/// What the host itself says about the secret in its answers is passed on, as everything it says.
#[derive(Clone)]
pub struct Broker {
    host: Host,
    port: u16,
    header: HeaderName,
    value: SecretHeader,
    read_only: bool,
}

/// What would change where a request goes or where it ends.
const FRAMING: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

/// Why a secret cannot be brokered. It holds nothing of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// No header is called so.
    #[error("the header's name is not one that HTTP allows")]
    Name,
    /// It says how a request is sent, not what is asked for.
    #[error("this header is made by HTTP itself")]
    Framing,
    /// No header can have this value.
    #[error("the secret holds characters that no header can hold")]
    Value,
}

/// The value of a header, without any way to show it.
#[derive(Clone)]
struct SecretHeader(HeaderValue);

impl From<InvalidHeaderName> for BrokerError {
    fn from(_: InvalidHeaderName) -> Self {
        Self::Name
    }
}

impl From<InvalidHeaderValue> for BrokerError {
    fn from(_: InvalidHeaderValue) -> Self {
        Self::Value
    }
}

impl Broker {
    /// A secret for `https://host:port`. From inside it is used by plain requests to the same
    /// port, or to port 80 where the port is 443.
    pub fn new(host: Host, port: u16, header: &str, value: &str) -> Result<Self, BrokerError> {
        let mut value = HeaderValue::from_str(value)?;
        value.set_sensitive(true);
        let header = header.parse::<HeaderName>()?;
        if FRAMING.contains(&header) {
            return Err(BrokerError::Framing);
        }
        Ok(Self { host, port, header, value: SecretHeader(value), read_only: false })
    }

    /// Lends it for GET and HEAD only, so that a token which may publish cannot be used to.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// The host it is sent to.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The host and the port it is sent to, over TLS: `api.example.com`, `api.example.com:8443`.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        self.host.authority(self.port, 443)
    }

    /// The port inside whose plain requests it is added to.
    #[must_use]
    pub fn plain_port(&self) -> u16 {
        if self.port == 443 { 80 } else { self.port }
    }

    /// The port it is sent to, over TLS.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Whether a request of this method may use it. One that goes on in another protocol is no
    /// reading, whatever its method.
    pub(super) fn serves(&self, method: &Method, is_upgrade: bool) -> bool {
        !self.read_only || (matches!(*method, Method::GET | Method::HEAD) && !is_upgrade)
    }

    /// The header, for nothing but the request to its host.
    pub(super) fn header(&self) -> (HeaderName, HeaderValue) {
        (self.header.clone(), self.value.0.clone())
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({}:{}, {})", self.host, self.port, self.header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        text.parse().expect("a rule")
    }

    fn host(text: &str) -> Host {
        text.parse().expect("a host")
    }

    #[test]
    fn the_default_is_nothing() {
        let policy = Policy::default();
        assert_eq!(policy.judge(&host("example.com"), 443), Err(Refusal::NotAllowed));
        assert_eq!(policy.judge(&host("1.1.1.1"), 443), Err(Refusal::AddressLiteral));
        assert_eq!(policy.judge_name(&host("example.com")), Err(Refusal::NotAllowed));
    }

    #[test]
    fn deny_wins() {
        let policy = Policy::default()
            .deny(rule("secret.example.com"))
            .allow(rule("*.example.com"))
            .trust(rule("secret.example.com"));
        assert_eq!(policy.judge(&host("secret.example.com"), 443), Err(Refusal::Denied));
        assert_eq!(policy.judge_name(&host("secret.example.com")), Err(Refusal::Denied));
        assert_eq!(policy.judge(&host("open.example.com"), 443), Ok(Reach::Public));
    }

    #[test]
    fn everywhere_is_every_public_address_that_is_not_denied() {
        let policy =
            Policy::default().allow_everywhere().trust(rule("own.example:8080")).deny(rule("bad.example"));
        assert_eq!(policy.judge(&host("example.com"), 8443), Ok(Reach::Public));
        assert_eq!(policy.judge(&host("127.0.0.1"), 80), Ok(Reach::Public));
        assert_eq!(policy.judge(&host("own.example"), 8080), Ok(Reach::Private));
        assert_eq!(policy.judge(&host("own.example"), 80), Ok(Reach::Public));
        assert_eq!(policy.judge(&host("bad.example"), 80), Err(Refusal::Denied));
    }

    #[test]
    fn a_denied_port_leaves_the_name_known() {
        let policy = Policy::default().allow(rule("example.com")).deny(rule("example.com:80"));
        assert_eq!(policy.judge(&host("example.com"), 80), Err(Refusal::Denied));
        assert_eq!(policy.judge(&host("example.com"), 443), Ok(Reach::Public));
        assert_eq!(policy.judge_name(&host("example.com")), Ok(()));
    }

    #[test]
    fn a_secret_is_not_shown() {
        let broker = Broker::new(host("a.example"), 443, "Authorization", "Bearer canary").expect("a broker");
        let policy = Policy::default().broker(broker.clone());
        assert!(!format!("{policy:?} {:?}", broker.header()).contains("canary"));
        let error = Broker::new(host("a.example"), 443, "Authorization", "canary\n").expect_err("no value");
        assert!(!format!("{error:?} {error}").contains("canary"));
    }

    #[test]
    fn a_secret_serves_its_plain_port() {
        let policy = |port| {
            Policy::default().broker(Broker::new(host("a.example"), port, "x-key", "v").expect("a broker"))
        };
        assert!(policy(443).broker_for(&host("a.example"), 80).is_some());
        assert!(policy(443).broker_for(&host("a.example"), 443).is_none());
        assert!(policy(8443).broker_for(&host("a.example"), 8443).is_some());
        assert!(policy(443).broker_for(&host("b.example"), 80).is_none());
    }
}
