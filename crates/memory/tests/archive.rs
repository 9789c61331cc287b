//! What exports and imports promise.

#![allow(clippy::unwrap_used, reason = "a test panics where it fails")]

#[path = "archive/foreign.rs"]
mod foreign;
#[path = "archive/hostile.rs"]
mod hostile;
#[path = "archive/round_trip.rs"]
mod round_trip;
#[path = "archive/support.rs"]
mod support;
