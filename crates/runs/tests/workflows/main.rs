//! What workflows can rely on, one behaviour a test, on virtual time.

mod children;
mod fixture;
mod gates;
mod live;
mod requests;
mod steps;
mod trouble;
mod waits;
