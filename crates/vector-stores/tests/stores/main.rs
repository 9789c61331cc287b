//! The stores of vectors over real servers, which the tests install once and start for themselves.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

mod contract;
mod crashes;
mod servers;
mod whole_memory;
