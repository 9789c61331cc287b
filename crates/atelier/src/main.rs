//! The `atelier` program: command line, settings, and the one place where implementations are
//! chosen and put together.

mod adapters;
mod cli;
mod client;
mod composition;
mod embedding;
mod logging;
mod pull;
mod serve;
mod settings;

/// Runs make many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // With a huge page for every corner of the heap, a server at rest takes 20 MB more.
    cli::set_huge_pages(false);
    cli::main()
}
