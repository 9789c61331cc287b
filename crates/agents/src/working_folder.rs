//! The folder in which a run's steps work, as the run's log knows it.
//!
//! The log says after each step which files there are, by digest, and their bytes are blobs. So the
//! folder on disk is a cache: it can be made again after a crash, before a retried stage, or for a
//! fork, exactly as it was when that step first began.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use runs::{Blobs, Failure};

/// The files there are, by relative path with `/`, each with the digest of its content.
pub(crate) type Files = BTreeMap<String, String>;

/// Beyond this many files a step's folder is not kept.
const MOST_FILES: usize = 2_000;
/// A larger file is not kept.
const LARGEST_FILE: u64 = 64 << 20;

/// A run's folder. Only one step at a time may use it.
pub(crate) struct WorkingFolder {
    path: PathBuf,
    blobs: Arc<dyn Blobs>,
    /// What is on disk; `None` until the folder was made by this process.
    known: Option<BTreeMap<String, Known>>,
}

struct Known {
    digest: String,
    size: u64,
    modified: Option<SystemTime>,
}

/// What a step changed.
pub(crate) struct Changes {
    /// All files there are now.
    pub files: Files,
    /// Those that are new or different, with their bytes.
    pub written: Vec<(String, Bytes)>,
    /// What could not be kept, for the log.
    pub left_out: Vec<String>,
}

impl WorkingFolder {
    pub fn new(path: PathBuf, blobs: Arc<dyn Blobs>) -> Self {
        Self { path, blobs, known: None }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder hold exactly `files`.
    pub async fn restore(&mut self, files: &Files) -> Result<(), Failure> {
        if let Some(known) = &self.known
            && known.len() == files.len()
            && known.iter().zip(files).all(|(known, file)| known.0 == file.0 && &known.1.digest == file.1)
        {
            return Ok(());
        }
        self.known = None;
        match tokio::fs::remove_dir_all(&self.path).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(unusable(&error)),
            _ => {}
        }
        tokio::fs::create_dir_all(&self.path).await.map_err(|error| unusable(&error))?;
        for (name, digest) in files {
            let path = self.place(name)?;
            if let Some(parent) = path.parent() {
                tokio::fs::create_dir_all(parent).await.map_err(|error| unusable(&error))?;
            }
            let bytes = self.blobs.get(digest).await?;
            tokio::fs::write(&path, &bytes).await.map_err(|error| unusable(&error))?;
        }
        let mut known = BTreeMap::new();
        for (name, digest) in files {
            let data = tokio::fs::metadata(self.place(name)?).await.map_err(|error| unusable(&error))?;
            known.insert(
                name.clone(),
                Known { digest: digest.clone(), size: data.len(), modified: data.modified().ok() },
            );
        }
        self.known = Some(known);
        Ok(())
    }

    /// What is different since [`WorkingFolder::restore`].
    pub async fn changes(&mut self) -> Result<Changes, Failure> {
        let before = self.known.take().unwrap_or_default();
        let path = self.path.clone();
        let scanned = tokio::task::spawn_blocking(move || scan(&path, &before)).await;
        let (known, changes) = scanned
            .map_err(|error| Failure::from(kernel::Error::internal(error)))?
            .map_err(|e| unusable(&e))?;
        self.known = Some(known);
        Ok(changes)
    }

    /// A file's bytes, for a check; `None` when there is no such file. Links are not followed.
    pub async fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let path = self.place(name)?;
        match tokio::fs::symlink_metadata(&path).await {
            Ok(data) if data.is_file() && data.len() <= LARGEST_FILE => {
                // Its parents may be links; the real place must be below the folder as well.
                let real = tokio::fs::canonicalize(&path).await.map_err(|error| unusable(&error))?;
                let root = tokio::fs::canonicalize(&self.path).await.map_err(|error| unusable(&error))?;
                if !real.starts_with(root) {
                    return Ok(None);
                }
                tokio::fs::read(real).await.map(Some).map_err(|error| unusable(&error))
            }
            _ => Ok(None),
        }
    }

    fn place(&self, name: &str) -> Result<PathBuf, Failure> {
        if is_safe(name) {
            return Ok(self.path.join(name));
        }
        Err(Failure::new("path_outside", format!("`{name}` is not a path inside the working folder")))
    }
}

/// Whether a path stays below the folder it is joined to.
pub(crate) fn is_safe(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && name.len() <= 1_024 && parts.all(|part| matches!(part, Component::Normal(_)))
}

fn unusable(error: &std::io::Error) -> Failure {
    Failure::from(kernel::Error::unavailable(
        "working_folder",
        format!("The run's working folder cannot be used: {error}"),
    ))
}

fn scan(
    root: &Path,
    before: &BTreeMap<String, Known>,
) -> std::io::Result<(BTreeMap<String, Known>, Changes)> {
    let mut known = BTreeMap::new();
    let mut changes = Changes { files: Files::new(), written: Vec::new(), left_out: Vec::new() };
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(root.join(&folder))?.collect::<Result<_, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let relative = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            let name = relative.to_string_lossy().into_owned();
            if entry.file_name() == "__pycache__" || entry.file_name() == "node_modules" {
                continue;
            }
            if kind.is_dir() {
                folders.push(relative);
                continue;
            }
            let data = entry.metadata()?;
            // A link, a socket, a name that is not text: nothing that can be kept by its bytes.
            let keepable = kind.is_file() && relative.to_str().is_some() && data.len() <= LARGEST_FILE;
            if !keepable || known.len() >= MOST_FILES {
                changes.left_out.push(name);
                continue;
            }
            let (size, modified) = (data.len(), data.modified().ok());
            let digest = match before.get(&name) {
                Some(old) if old.size == size && old.modified == modified && modified.is_some() => {
                    old.digest.clone()
                }
                old => {
                    let bytes = Bytes::from(std::fs::read(entry.path())?);
                    let digest = blake3::hash(&bytes).to_hex().to_string();
                    if old.is_none_or(|old| old.digest != digest) {
                        changes.written.push((name.clone(), bytes));
                    }
                    digest
                }
            };
            changes.files.insert(name.clone(), digest.clone());
            known.insert(name, Known { digest, size, modified });
        }
    }
    Ok((known, changes))
}

/// The media type a file's name suggests.
pub(crate) fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("md" | "markdown") => "text/markdown; charset=utf-8",
        Some("csv") => "text/csv; charset=utf-8",
        Some("tsv") => "text/tab-separated-values; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("html" | "htm") => "text/html; charset=utf-8",
        Some("pdf") => "application/pdf",
        Some("txt" | "log" | "py" | "js" | "sh" | "yaml" | "yml" | "toml" | "css" | "ts" | "rs") => {
            "text/plain; charset=utf-8"
        }
        _ => "application/octet-stream",
    }
}
