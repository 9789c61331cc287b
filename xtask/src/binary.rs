//! The `atelier` binary: built with the UI inside it, and where it then lies.

use std::path::PathBuf;

use anyhow::Result;

use crate::workshop::Workshop;
use crate::{process, ui};

/// How the binary is compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// As the tests compile everything: quick to build.
    Dev,
    /// As it is shipped.
    Release,
}

/// `cargo xtask build`.
pub fn build_command(workshop: &Workshop) -> Result<()> {
    let binary = build(workshop, Profile::Release)?;
    let bytes = binary.metadata()?.len();
    println!("{} ({:.1} MB)", binary.display(), bytes as f64 / 1e6);
    Ok(())
}

/// Builds the UI and the binary, and answers its path.
pub fn build(workshop: &Workshop, profile: Profile) -> Result<PathBuf> {
    ui::build(workshop)?;
    compile(workshop, profile)
}

/// Builds the binary with whatever UI was built last, maybe none, and answers its path.
pub fn compile(workshop: &Workshop, profile: Profile) -> Result<PathBuf> {
    std::fs::create_dir_all(workshop.web().join("dist"))?;
    let mut command = workshop.cargo();
    // The whole workspace's features, so that what the tests compiled is not compiled once more.
    command.args(["build", "--workspace", "--exclude", "xtask", "--bin", "atelier"]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    process::run(&mut command)?;
    let folder = if profile == Profile::Release { "release" } else { "debug" };
    Ok(workshop.target.join(folder).join("atelier"))
}
