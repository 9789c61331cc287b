//! The package registries this machine is configured with: where they are, for the policy, and
//! what tools have to be told inside so that they use the same ones.
//!
//! Only configuration of the machine and its user is read. A configuration file in a project
//! belongs to whoever wrote the project, and a session may write its own.
//!
//! Invariant: no credential is in what goes inside ([`Inside`]). Where one is found, the tool inside
//! is pointed at `http://` and the credential is brokered on the way out ([`Broker`]), for reading.

mod cargo;
mod npm;
mod pip;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use url::Url;

use super::{Broker, Rule, host::Host, machine_proxy::decoded};

/// Variables that name a file of certificates, for tools of every kind.
const CERTIFICATE_VARIABLES: [&str; 7] = [
    "SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
];

/// Where configuration is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Machine<'a> {
    /// The environment of the server.
    pub environment: &'a HashMap<String, String>,
    /// The home folder of its user.
    pub home: &'a Path,
    /// The root of the file system.
    pub root: &'a Path,
}

/// The registries of a machine.
#[derive(Clone, Debug, Default)]
pub struct Registries {
    endpoints: BTreeSet<(Host, u16)>,
    brokers: Vec<Broker>,
    inside: Inside,
}

/// What has to be there inside a jail so that tools use the registries of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// Variables to set.
    pub environment: BTreeMap<String, String>,
    /// Files below the home folder inside, with their text.
    pub files: BTreeMap<String, String>,
    /// Files and folders of the host that have to be readable at the same path: certificates, and
    /// folders of packages.
    pub readable: BTreeSet<PathBuf>,
}

impl Registries {
    /// Reads the configuration of npm, pip and cargo. What cannot be read counts as not there.
    #[must_use]
    pub fn detect(machine: Machine<'_>) -> Self {
        let mut found = Self::default();
        for name in CERTIFICATE_VARIABLES {
            if let Some(path) = machine.variable(name) {
                found.certificates(path);
                found.set(name, path);
            }
        }
        npm::detect(machine, &mut found);
        pip::detect(machine, &mut found);
        cargo::detect(machine, &mut found);
        found
    }

    /// The hosts and ports, as rules of a policy. Those of a registry whose credential is brokered
    /// include the port that plain requests inside go to.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        let plain = self.brokers.iter().map(|broker| (broker.host().clone(), broker.plain_port()));
        let all: BTreeSet<_> = self.endpoints.iter().cloned().chain(plain).collect();
        all.into_iter().map(|(host, port)| Rule::exactly(host, port))
    }

    /// The credentials that were found, for reading only.
    #[must_use]
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// What to put inside.
    #[must_use]
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    fn reach(&mut self, address: &Address) {
        self.endpoints.insert((address.host.clone(), address.port));
    }

    fn reach_default(&mut self, host: &str) {
        self.endpoints.insert((Host::Name(host.to_owned()), 443));
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.inside.environment.insert(name.to_owned(), value.into());
    }

    /// Makes a file of certificates readable.
    fn certificates(&mut self, path: &str) {
        if Path::new(path).is_absolute() {
            self.inside.readable.insert(path.into());
        }
    }

    /// Lends a credential for an address; the first one for a host is kept. `false` where it
    /// cannot be lent: over plain HTTP it would be sent in the clear.
    fn lend(&mut self, address: &Address, value: &str) -> bool {
        if !address.is_secure() {
            tracing::warn!(host = %address.host, "a registry's credential is not used, because the registry has no https://");
            return false;
        }
        let is_known = |broker: &Broker| broker.host() == &address.host && broker.port() == address.port;
        if self.brokers.iter().any(is_known) {
            return true;
        }
        match Broker::new(address.host.clone(), address.port, "authorization", value) {
            Ok(broker) => self.brokers.push(broker.read_only()),
            Err(error) => {
                tracing::warn!(host = %address.host, %error, "a registry's credential cannot be used");
                return false;
            }
        }
        true
    }

    /// The URL for tools inside: without credentials, and `http://` where one is lent.
    fn url_inside(&self, address: &Address) -> String {
        let is_lent = self.brokers.iter().any(|b| b.host() == &address.host && b.port() == address.port);
        if !is_lent {
            return address.url.to_string();
        }
        let authority = address.host.authority(address.port, 443);
        let query = address.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("http://{authority}{}{query}", address.url.path())
    }
}

impl<'a> Machine<'a> {
    fn variable(&self, name: &str) -> Option<&'a str> {
        self.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn read(path: &Path) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    /// A folder that a variable names, else one below the home folder.
    fn folder(&self, variable: &str, default: &str) -> PathBuf {
        self.variable(variable).map_or_else(|| self.home.join(default), PathBuf::from)
    }
}

/// The address of a registry, and the credential that stood in it.
#[derive(Clone, Debug)]
struct Address {
    /// Without credentials.
    url: Url,
    host: Host,
    port: u16,
    credential: Option<Credential>,
}

/// A user and password. It is not shown.
#[derive(Clone)]
struct Credential {
    user: String,
    password: String,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

impl Credential {
    /// As the value of an `Authorization` header.
    fn basic(&self) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

impl Address {
    /// Reads a URL of `http` or `https`; `None` for anything else.
    fn read(text: &str) -> Option<Self> {
        let mut url = Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let host: Host = url.host_str()?.parse().ok()?;
        let port = url.port_or_known_default()?;
        let (user, password) = (decoded(url.username())?, decoded(url.password().unwrap_or_default())?);
        let is_any = !(user.is_empty() && password.is_empty());
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        Some(Self { url, host, port, credential: is_any.then_some(Credential { user, password }) })
    }

    fn is_secure(&self) -> bool {
        self.url.scheme() == "https"
    }
}
