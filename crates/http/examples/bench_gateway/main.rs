//! Both ends of a gateway's measurement, a provider that answers at once and a client that counts;
//! and the least there can be between them.
//!
//! `mock` and `relay` print their address as JSON and serve until their standard input ends.
//! `drive` asks one address over some connections, for some time or for a number of answers, and
//! prints one line of JSON for `cargo xtask bench gateway`. All work on bare sockets, so that what
//! they cost themselves is small beside what is measured.

mod answers;
mod drive;
mod message;
mod mock;
mod relay;

use std::io::Read;
use std::str::FromStr;

use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("mock") => mock::serve().await,
        Some("relay") => relay::serve().await,
        Some("drive") => drive::drive().await,
        _ => eprintln!("bench_gateway mock | relay --address A | drive --address A --path P …"),
    }
}

/// A listener whose address was printed; the process ends with its standard input.
async fn announced() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    println!("{}", json!({"address": listener.local_addr().expect("it is bound").to_string()}));
    // Whoever started it holds the other end, and lets go of it however it ends.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    listener
}

/// What follows `--name` on the command line.
fn given<T: FromStr>(name: &str) -> Option<T> {
    let value = std::env::args().skip_while(|it| it != name).nth(1)?;
    value.parse().ok()
}
