//! The Model Context Protocol over HTTP: how it is spoken, by the protocol's own suite and clients;
//! and what Atelier does for whom.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

#[path = "../api"]
#[allow(dead_code, reason = "it serves another suite too")]
mod api {
    pub mod support;
}
mod conformance;
mod exchange;
mod fixture;
mod hostile;
mod official_clients;
mod packages;
mod sessions;
mod work;
