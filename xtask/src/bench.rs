//! `cargo xtask bench runs | startup | fanout | gateway | embedding | sandbox | vectors | memory |
//! search`: figures of this machine, beside those of the peers.
//!
//! Invariant: systems that are compared are measured in turn, in one go, on the same disk. Figures
//! go to `target/bench/` as JSON; a goal that is missed is said, and is no failure of the command.

mod embedding;
mod fanout;
mod gateway;
mod measure;
mod memory;
mod runs;
mod sandbox;
mod search;
mod startup;
mod table;
mod vectors;

use std::path::Path;

use anyhow::{Result, bail};

use crate::arguments::Arguments;
use crate::workshop::Workshop;

/// `cargo xtask bench <what>`.
pub fn bench(workshop: &Workshop, mut arguments: Arguments) -> Result<()> {
    let what = arguments.word().unwrap_or_default();
    let quick = arguments.flag("--quick");
    let peers_only = arguments.flag("--peers-only");
    let file = if matches!(what.as_str(), "vectors" | "memory") { arguments.word() } else { None };
    arguments.finish()?;
    match what.as_str() {
        "runs" => runs::bench(workshop, quick, peers_only),
        "startup" => startup::bench(workshop),
        "fanout" => fanout::bench(workshop),
        "gateway" => gateway::bench(workshop, quick),
        "embedding" => embedding::bench(workshop, quick),
        "sandbox" => sandbox::bench(workshop, quick),
        "vectors" => vectors::bench(workshop, quick, file.as_deref().map(Path::new)),
        "memory" => memory::bench(workshop, file.as_deref().map(Path::new)),
        "search" => search::bench(workshop, quick),
        other => bail!(
            "there is no bench `{other}`; there are runs, startup, fanout, gateway, embedding, sandbox, vectors, \
             memory and search"
        ),
    }
}
