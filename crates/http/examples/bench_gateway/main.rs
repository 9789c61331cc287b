//! Both ends of a gateway's measurement: a provider that answers at once, and a client that counts.
//!
//! `mock` prints its address as JSON and serves until its standard input ends. `drive` asks one
//! address over some connections, for some time or for a number of answers, and prints one line of
//! JSON for `cargo xtask bench gateway`. Both speak HTTP/1.1 over bare sockets, so that what they
//! cost themselves is small beside what is measured.

mod answers;
mod drive;
mod message;
mod mock;

use std::str::FromStr;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("mock") => mock::serve().await,
        Some("drive") => drive::drive().await,
        _ => eprintln!("bench_gateway mock | bench_gateway drive --address A --path P …"),
    }
}

/// What follows `--name` on the command line.
fn given<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::args().skip_while(|it| it != name).nth(1)?;
    value.parse().ok()
}
