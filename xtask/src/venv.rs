//! Python environments below the target folder, one per pinned list of packages.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process;
use crate::workshop::Workshop;

/// The folder of the environment's programs, with everything in `requirements` installed.
///
/// The list is kept beside the environment; when it is another one, the environment is made anew.
pub fn ensure(workshop: &Workshop, name: &str, requirements: &Path) -> Result<PathBuf> {
    let wanted = std::fs::read_to_string(requirements)
        .with_context(|| format!("{} cannot be read", requirements.display()))?;
    let folder = workshop.scratch(name)?;
    let (venv, marker) = (folder.join("venv"), folder.join("installed.txt"));
    if std::fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(venv.join("bin"));
    }
    let made = process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
    made.context("Python 3 with its venv module is needed; on Debian: apt-get install python3-venv")?;
    let mut pip = Command::new(venv.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(requirements);
    process::run(&mut pip).context("the package index must be reachable once for this")?;
    std::fs::write(marker, wanted)?;
    Ok(venv.join("bin"))
}
