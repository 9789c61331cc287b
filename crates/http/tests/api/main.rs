//! The HTTP surface over HTTP: the real router, an engine over a store in memory, a fixed clock.
#![allow(clippy::unwrap_used, reason = "everything here is a test")]

mod document;
mod factory;
mod refused;
mod runs;
mod session;
mod streams;
mod support;
#[tokio::test(flavor = "multi_thread")]
async fn zz_serve_for_fuzzing() {
    let server = support::Server::start().await;
    let address = server.listen().await;
    std::fs::write("/tmp/fuzz_target", format!("{address} {}", server.token)).unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(240)).await;
}
