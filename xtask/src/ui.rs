//! The web UI: its packages and its build, each renewed only when what it is made from is newer.

use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, bail};

use crate::process;
use crate::workshop::Workshop;

/// What in `web/` is not a source of the build.
const NOT_SOURCES: [&str; 7] =
    ["node_modules", "dist", "e2e", "test-results", ".tanstack", "tsconfig.tsbuildinfo", "scripts"];

/// Installs the packages unless those there are as new as the lock file.
pub fn install(workshop: &Workshop) -> Result<()> {
    install_in(workshop, &workshop.web())
}

/// Installs the packages of any folder with a lock file.
pub fn install_in(workshop: &Workshop, folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    if !lock.is_file() {
        let (lock, folder) = (lock.display(), folder.display());
        bail!("{lock} is missing; run `npm install` in {folder} and commit the file it writes");
    }
    let marker = folder.join("node_modules/.package-lock.json");
    if modified(&marker) < modified(&lock) {
        let mut npm = workshop.node("npm");
        process::run(npm.current_dir(folder).args(["ci", "--no-audit", "--no-fund"]))?;
        // npm keeps the marker's old time when nothing changed, which would bring us here again.
        if let Ok(file) = std::fs::File::options().append(true).open(marker) {
            file.set_modified(SystemTime::now())?;
        }
    }
    Ok(())
}

/// Builds the UI unless the build is newer than every source of it.
pub fn build(workshop: &Workshop) -> Result<()> {
    install(workshop)?;
    let web = workshop.web();
    if modified(&web.join("dist/index.html")) < newest_source(&web) {
        process::run(workshop.node("npm").args(["run", "build"]))?;
    }
    Ok(())
}

/// When a file was last written; `None`, which is before every time, if there is none.
fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn newest_source(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sources = entries.filter(|entry| !NOT_SOURCES.iter().any(|name| entry.file_name() == *name));
    sources
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() { newest_source(&path) } else { modified(&path) }
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    fn write(path: &Path, seconds: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn sources_leave_out_what_is_installed_built_or_only_tested() {
        let web = tempfile::tempdir().unwrap();
        write(&web.path().join("src/deep/app.tsx"), 20);
        write(&web.path().join("index.html"), 10);
        write(&web.path().join("dist/index.html"), 30);
        write(&web.path().join("node_modules/react/index.js"), 40);
        write(&web.path().join("e2e/run.test.mjs"), 50);
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(20);
        assert_eq!(newest_source(web.path()), Some(expected));
        assert!(modified(&web.path().join("missing")) < Some(expected));
    }
}
