//! The states a folder was in, kept in a git repository that lies elsewhere.
//!
//! Of git this uses what it stores, not how it works: the tree is walked by descriptors, its files
//! become blobs byte for byte, and its folders become trees whose modes carry the permissions.
//! Neither index nor checkout takes part, so no `.gitattributes`, filter, hook, ignore rule or
//! repository in the folder has a say. Every checkpoint is one pack, written at once, and a commit
//! on `refs/heads/checkpoints`; `git log` and `git show` read it.
//!
//! Kept: every regular file up to a size, every link as a link, every folder also when empty, the
//! permissions of all. Not kept: owners, times, second names of one file (each becomes a file of
//! its own), pipes, sockets and devices, and the folders that [`CheckpointsOptions::excluded`]
//! names. What is not kept is not touched by a restore, except where something kept has to stand.
//!
//! Invariants:
//! - The ref moves last: a process killed at any moment leaves the checkpoints as they were.
//! - A restore begins with a checkpoint of what is there, so it can be undone.
//!
//! Start reading at [`Checkpoints`], then `snapshot.rs` and `restore.rs`.

mod cache;
mod diff;
mod object;
mod pack;
mod prune;
mod record;
mod repository;
mod restore;
mod snapshot;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::{Clock, Page, PageRequest};
use parking_lot::Mutex;

use crate::error::Error;
use crate::path::TreePath;
use crate::read::{Content, Version, is_text};
use crate::worktree::Worktree;
use cache::Cache;
pub use diff::{Diff, DiffLimits, FileDiff, FileStatus, State};
pub use prune::Pruned;
use record::Record;
pub use record::{Checkpoint, CheckpointId, CheckpointKind};
use repository::Repository;
pub use restore::Restored;
use snapshot::Snapshot;

/// How checkpoints are made.
#[derive(Clone, Debug)]
pub struct CheckpointsOptions {
    /// Folders of these names, wherever they are, are neither kept nor touched.
    pub excluded: Vec<String>,
    /// Larger files are not kept; [`Checkpoint::left_out`] names them.
    pub max_file_bytes: u64,
    /// A folder with more files and folders in it is not kept at all.
    pub max_entries: usize,
    /// Whether a checkpoint is on the disk, and not only with the kernel, when it is reported.
    pub sync: bool,
}

impl Default for CheckpointsOptions {
    fn default() -> Self {
        let excluded =
            [".git", "node_modules", ".venv", "__pycache__", ".next", ".turbo", ".cache", "target"];
        Self {
            excluded: excluded.map(str::to_owned).to_vec(),
            max_file_bytes: 256 * 1024 * 1024,
            max_entries: 500_000,
            sync: true,
        }
    }
}

/// What [`Checkpoints::create`] did.
#[derive(Clone, Debug, PartialEq)]
pub struct Created {
    /// The checkpoint of what is there now.
    pub checkpoint: Checkpoint,
    /// Whether it is new; if nothing has changed it is the one before.
    pub is_new: bool,
}

/// The checkpoints of one folder. Calls exclude each other; every call blocks its thread.
pub struct Checkpoints {
    git_folder: PathBuf,
    tree: Worktree,
    options: CheckpointsOptions,
    excluded: HashSet<Vec<u8>>,
    clock: Arc<dyn Clock>,
    /// What is known of the files; held while anything is done.
    cache: Mutex<Option<Cache>>,
}

impl Checkpoints {
    /// Opens the repository in `git_folder`, or makes it. It must not lie in the tree, and nobody
    /// else may use it meanwhile.
    ///
    /// # Errors
    /// [`Error::CheckpointsDamaged`] and [`Error::System`].
    pub fn open(
        git_folder: impl Into<PathBuf>,
        tree: Worktree,
        options: CheckpointsOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let git_folder = git_folder.into();
        Repository::make(&git_folder)?;
        let excluded = options.excluded.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Self { git_folder, tree, options, excluded, clock, cache: Mutex::new(None) })
    }

    /// Keeps what is there now, unless it is what was kept last. `label` is for people, one line;
    /// `meta` is the caller's.
    ///
    /// # Errors
    /// [`Error::TooDeep`], [`Error::TooMany`], [`Error::System`] for a file that cannot be read, and
    /// [`Error::CheckpointsDamaged`].
    pub fn create(
        &self,
        label: &str,
        kind: CheckpointKind,
        meta: serde_json::Value,
    ) -> Result<Created, Error> {
        let mut cache = self.cache.lock();
        let _alone = self.tree.inner.changes.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        self.create_alone(&repository, &mut cache, label, kind, meta)
    }

    fn create_alone(
        &self,
        repository: &Repository,
        cache: &mut Option<Cache>,
        label: &str,
        kind: CheckpointKind,
        meta: serde_json::Value,
    ) -> Result<Created, Error> {
        let known = cache.take().unwrap_or_else(|| Cache::read(&self.git_folder));
        let head = repository.head()?;
        let mut pack = repository.pack();
        let (snapshot, seen) = Snapshot::take(self, repository, &known, &mut pack)?;
        if let Some(head) = head.filter(|head| head.tree == snapshot.tree) {
            // What is known grows also when nothing has changed; nothing was written for it.
            seen.write(&self.git_folder, &known)?;
            *cache = Some(seen);
            return Ok(Created { checkpoint: head.checkpoint, is_new: false });
        }
        let record = Record {
            label: label.to_owned(),
            kind,
            created_at: self.clock.now(),
            files: snapshot.files,
            bytes: snapshot.bytes,
            left_out: snapshot.left_out,
            meta,
        };
        let checkpoint = repository.commit(pack, snapshot.tree, head_id(repository)?, record)?;
        seen.write(&self.git_folder, &known)?;
        *cache = Some(seen);
        Ok(Created { checkpoint, is_new: true })
    }

    /// The checkpoints, the newest first.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`] for a cursor that names none; [`Error::CheckpointsDamaged`].
    pub fn list(&self, request: &PageRequest) -> Result<Page<Checkpoint>, Error> {
        let _alone = self.cache.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        let mut next = match &request.cursor {
            Some(cursor) => Some(cursor.parse()?),
            None => head_id(&repository)?,
        };
        let mut items = Vec::new();
        let limit = request.limit.clamp(1, PageRequest::MAX) as usize;
        while let Some(id) = next.take_if(|_| items.len() < limit) {
            let commit = repository.commit_of(id)?;
            // Older ones may have been pruned.
            next = commit.checkpoint.parent.filter(|parent| repository.has(parent.oid()));
            items.push(commit.checkpoint);
        }
        Ok(Page { items, next_cursor: next.map(|id| id.to_string()) })
    }

    /// One checkpoint.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`] and [`Error::CheckpointsDamaged`].
    pub fn find(&self, id: CheckpointId) -> Result<Checkpoint, Error> {
        let _alone = self.cache.lock();
        Ok(Repository::open(&self.git_folder, self.options.sync)?.commit_of(id)?.checkpoint)
    }

    /// The oldest checkpoint there is; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::CheckpointsDamaged`].
    pub fn oldest(&self) -> Result<Option<CheckpointId>, Error> {
        let _alone = self.cache.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        let mut oldest = head_id(&repository)?;
        while let Some(id) = oldest {
            let parent = repository.commit_of(id)?.checkpoint.parent;
            match parent.filter(|parent| repository.has(parent.oid())) {
                Some(parent) => oldest = Some(parent),
                None => break,
            }
        }
        Ok(oldest)
    }

    /// A file as it was. Links are not followed.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`], [`Error::NotFound`], [`Error::NotAFile`], [`Error::TooLarge`]
    /// and [`Error::CheckpointsDamaged`].
    pub fn file_at(&self, id: CheckpointId, path: &TreePath, limit: u64) -> Result<Content, Error> {
        let _alone = self.cache.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        let mut mode = object::FOLDER;
        let mut found = repository.commit_of(id)?.tree;
        for name in path.names() {
            let entries = if object::is_folder(mode) { repository.tree(found)? } else { Vec::new() };
            let entry = entries.into_iter().find(|entry| entry.name == name.as_bytes());
            let entry = entry.ok_or_else(|| Error::NotFound { path: path.to_string() })?;
            (mode, found) = (entry.mode, entry.id);
        }
        if !object::is_file(mode) {
            return Err(Error::NotAFile { path: path.to_string(), kind: object::kind(mode) });
        }
        let bytes = repository.blob(found)?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { path: path.to_string(), bytes: bytes.len() as u64, limit });
        }
        Ok(Content {
            version: Version::of(&bytes),
            is_text: is_text(&bytes),
            is_executable: mode & 0o100 != 0,
            bytes,
        })
    }
}

fn head_id(repository: &Repository) -> Result<Option<CheckpointId>, Error> {
    Ok(repository.head()?.map(|commit| commit.checkpoint.id))
}
