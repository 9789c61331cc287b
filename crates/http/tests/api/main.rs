//! The HTTP surface over HTTP: the real router, an engine over a store in memory, a fixed clock.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod archive;
mod bad_input;
mod connectors;
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
mod tiers;
#[path = "../../../connectors/tests/connectors/scripted.rs"]
#[allow(dead_code, reason = "the tests of the plane use all of it")]
mod tool_server;
