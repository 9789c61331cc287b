//! The way out of a session over real sockets: what passes, what is refused, and what is told.
//!
//! The listeners are on loopback instead of in a namespace, and a table takes the place of the
//! system's resolver, so that a name and port lead to a server of the test. Hosts that a test
//! means to reach are trusted, because loopback is refused to all others.

mod brokers;
mod bypass;
mod fetching;
mod limits;
mod lookup;
mod machine_proxy;
mod plain;
mod registries;
mod support;
mod tls;
