//! Where a store is, read from the settings, and what may be put there.
//!
//! Invariant: a host that is not this machine beyond doubt, a name of a container for instance, is
//! elsewhere.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use kernel::Privacy;
use memory::VectorIndex;
use reqwest::Url;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::chroma::{Chroma, Server};
use crate::error::Error;
use crate::generation::Generation;
use crate::pgvector::{self, Pgvector};

/// What may follow the `?` of a Postgres address. Others would be logged with their values.
const PARAMETERS: [&str; 8] =
    ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "user", "password", "application_name"];

/// Which kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A Postgres with the extension pgvector.
    Pgvector,
    /// Chroma, over its HTTP interface.
    Chroma,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pgvector => "Postgres with pgvector",
            Self::Chroma => "Chroma",
        })
    }
}

/// Where a store is, and what opens it. Neither `Debug` nor `Display` shows the latter.
#[derive(Clone)]
pub struct Address(Place);

#[derive(Clone)]
enum Place {
    Pgvector(Box<PgConnectOptions>),
    Chroma(Server),
}

impl Address {
    /// Reads an address: `postgres://user@host:port/database`, or `http://host:port` with or without
    /// `/tenant/database`. What opens it, a password or a token, is the URL's password or, better,
    /// `secret`.
    ///
    /// # Errors
    /// [`Error::InvalidAddress`].
    pub fn parse(store: Store, url: &str, secret: Option<&str>) -> Result<Self, Error> {
        let invalid = |reason: &str| Error::InvalidAddress { store, reason: reason.into() };
        // What a parser says of a URL may quote it, and with it a password.
        let parsed = Url::parse(url.trim()).map_err(|_| invalid("it is not a URL"))?;
        let schemes: &[&str] = match store {
            Store::Pgvector => &["postgres", "postgresql"],
            Store::Chroma => &["http", "https"],
        };
        if !schemes.contains(&parsed.scheme()) {
            return Err(invalid(&format!("it must begin with {}://", schemes.join(":// or "))));
        }
        match store {
            Store::Pgvector => {
                if parsed.query_pairs().any(|(name, _)| !PARAMETERS.contains(&&*name)) {
                    return Err(invalid(&format!("its parameters can be {}", PARAMETERS.join(", "))));
                }
                let options = PgConnectOptions::from_str(url.trim());
                let options = options.map_err(|_| invalid("a part of it cannot be read"))?;
                if options.get_database().is_none() {
                    return Err(invalid("it names no database"));
                }
                let options = secret.into_iter().fold(options, PgConnectOptions::password);
                Ok(Self(Place::Pgvector(Box::new(options.disable_statement_logging()))))
            }
            Store::Chroma => Server::new(parsed, secret).map(|server| Self(Place::Chroma(server))),
        }
    }

    /// Which kind of store is there.
    pub fn store(&self) -> Store {
        match &self.0 {
            Place::Pgvector(_) => Store::Pgvector,
            Place::Chroma(_) => Store::Chroma,
        }
    }

    /// The strictest label of what may be put there.
    pub fn strictest(&self) -> Privacy {
        let is_here = match &self.0 {
            Place::Pgvector(options) => options.get_socket().is_some() || is_loopback(options.get_host()),
            Place::Chroma(server) => server.is_loopback(),
        };
        if is_here { Privacy::Local } else { Privacy::Shareable }
    }

    /// The vectors of a generation there. Asks nobody yet: the store may be away.
    pub fn open(&self, generation: Generation) -> Arc<dyn VectorIndex> {
        match &self.0 {
            Place::Pgvector(options) => {
                Arc::new(Pgvector::new((**options).clone(), self.strictest(), generation))
            }
            Place::Chroma(server) => Arc::new(Chroma::new(server.clone(), self.strictest(), generation)),
        }
    }

    /// What answers there, with its version. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::Refused`].
    pub async fn check(&self) -> Result<String, Error> {
        match &self.0 {
            Place::Pgvector(options) => pgvector::check(options).await,
            Place::Chroma(server) => server.check().await,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Pgvector(options) => {
                let database = options.get_database().unwrap_or_default();
                match options.get_socket() {
                    Some(socket) => write!(f, "{}/{database}", socket.display()),
                    None => write!(f, "{}:{}/{database}", options.get_host(), options.get_port()),
                }
            }
            Place::Chroma(server) => write!(f, "{server}"),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {self}", self.store())
    }
}

pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(store: Store, url: &str, expected: Result<(&str, Privacy), &str>) {
        let found = Address::parse(store, url, Some("hush-hush"));
        let shown = format!("{found:?}");
        assert!(!shown.contains("hush"), "{shown}");
        let found = found.map(|address| (address.to_string(), address.strictest()));
        match (found, expected) {
            (Ok((shown, strictest)), Ok(expected)) => assert_eq!((shown.as_str(), strictest), expected),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (found, expected) => panic!("{url}: {found:?} in place of {expected:?}"),
        }
    }

    #[test]
    fn an_address_shows_no_secret_and_says_what_may_be_there() {
        use Privacy::{Local, Shareable};
        use Store::{Chroma, Pgvector};
        check(Pgvector, "postgres://ana:hush@localhost/notes", Ok(("localhost:5432/notes", Local)));
        check(Pgvector, "postgresql://127.0.0.1:1/notes", Ok(("127.0.0.1:1/notes", Local)));
        check(Pgvector, "postgres://ana@db.example.org/notes", Ok(("db.example.org:5432/notes", Shareable)));
        check(
            Pgvector,
            "postgres://ana@localhost/notes?host=10.0.0.1",
            Ok(("10.0.0.1:5432/notes", Shareable)),
        );
        check(
            Pgvector,
            "postgres:///notes?host=/run/postgresql&user=ana",
            Ok(("/run/postgresql/notes", Local)),
        );
        check(Pgvector, "postgres://ana:hush@localhost", Err("names no database"));
        check(Pgvector, "http://localhost:8000", Err("must begin with postgres://"));
        check(Pgvector, "postgres://ana:hush@localhost/notes?sslmode=hush", Err("cannot be read"));
        check(Pgvector, "postgres://ana@localhost/notes?pasword=hush", Err("its parameters can be"));
        check(Pgvector, "ana:hush@localhost:notes", Err("must begin with"));
        check(Chroma, "http://localhost:8000", Ok(("http://localhost:8000/", Local)));
        check(Chroma, "http://[::1]:8000/", Ok(("http://[::1]:8000/", Local)));
        check(
            Chroma,
            "https://:hush@chroma.example.org/a/b",
            Ok(("https://chroma.example.org/a/b", Shareable)),
        );
        check(Chroma, "http://localhost.example.org", Ok(("http://localhost.example.org/", Shareable)));
        check(Chroma, "http://localhost:8000/a", Err("/tenant/database"));
        check(Chroma, "http://localhost:8000/?key=hush", Err("neither"));
        check(Chroma, "not a url", Err("not a URL"));
    }
}
