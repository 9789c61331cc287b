//! The `atelier` program: command line, settings, and the one place where implementations are
//! chosen and put together.

mod adapters;
mod allocator;
mod cli;
mod client;
mod composition;
mod connector_programs;
mod embedding;
mod fetching;
mod logging;
mod pull;
mod serve;
mod settings;
mod vectors;

fn main() -> std::process::ExitCode {
    // With a huge page for every corner of the heap, a server at rest takes 20 MB more.
    allocator::set_huge_pages(false);
    cli::main()
}
