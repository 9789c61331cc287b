//! The HTTP surface over HTTP: the real router, an engine over a store in memory, a fixed clock.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod bad_input;
mod document;
mod embeddings;
mod factory;
mod faults;
mod gateway;
mod ledger;
mod memory;
mod privacy;
mod providers;
mod refused;
mod runs;
mod session;
mod streams;
mod support;
mod terminal;
