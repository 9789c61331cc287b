//! The worker that this crate's tests start; the program itself starts itself.
//!
//! Documents that begin with a poison's name do what documents do that break their reader. When it
//! begins it has more memory than the tests allow it, as with some allocators.

use std::process::ExitCode;
use std::time::Duration;

/// Taken at once, and never used.
const HELD: usize = 512 << 20;

fn main() -> ExitCode {
    let held = vec![0_u8; HELD];
    std::hint::black_box(&held);
    let status =
        extract::workers::serve_worker_with(std::io::stdin().lock(), std::io::stdout().lock(), poison);
    drop(held);
    status
}

fn poison(document: &[u8]) {
    let Some(poison) = document.strip_prefix(b"poison: ") else { return };
    match poison {
        b"abort" => std::process::abort(),
        b"exit" => std::process::exit(3),
        b"panic" => panic!("a parser's assertion"),
        b"sleep" => std::thread::sleep(Duration::from_secs(3600)),
        b"spin" => spin(),
        b"memory" => hoard(),
        b"stack" => drop(deeper(0)),
        b"nonsense" => print!("{}", "nonsense".repeat(100)),
        b"files" => assert!(
            std::fs::File::open("/proc/self/stat").is_err() && std::net::UdpSocket::bind("[::]:0").is_err()
        ),
        _ => {}
    }
}

fn spin() {
    let mut number = 1_u64;
    while number != 0 {
        number = std::hint::black_box(number.wrapping_mul(3) | 1);
    }
}

fn hoard() {
    let mut hoard = Vec::new();
    loop {
        hoard.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&hoard);
    }
}

#[allow(unconditional_recursion, reason = "it is meant to end its process")]
fn deeper(depth: u64) -> u64 {
    let room = std::hint::black_box([depth; 512]);
    deeper(depth + 1) + room[7]
}
