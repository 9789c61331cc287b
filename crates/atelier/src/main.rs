//! The `atelier` program: command line, settings, and the one place where implementations are
//! chosen and put together.

mod adapters;
mod cli;
mod client;
mod composition;
mod logging;
mod serve;
mod settings;

fn main() -> std::process::ExitCode {
    cli::main()
}
