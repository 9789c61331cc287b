//! A folder in a temporary place, and what is in it byte for byte.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::{FixedClock, Timestamp};
use worktree::{Checkpoints, CheckpointsOptions, TreePath, Worktree, WorktreeOptions};

pub struct Place {
    pub folder: tempfile::TempDir,
    pub tree: Worktree,
    pub clock: Arc<FixedClock>,
}

impl Place {
    pub fn new() -> Self {
        Self::with(WorktreeOptions::default())
    }

    pub fn with(options: WorktreeOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("tree")).unwrap();
        let tree = Worktree::open(folder.path().join("tree"), options).unwrap();
        Self { folder, tree, clock: Arc::new(FixedClock::at(Timestamp(1_800_000_000_000))) }
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("tree")
    }

    /// A path on the host.
    pub fn host(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root().join(path)
    }

    /// Writes past the tree's own operations, as a program in it would.
    pub fn put(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        let path = self.host(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn checkpoints(&self) -> Checkpoints {
        self.checkpoints_with(CheckpointsOptions { sync: false, ..CheckpointsOptions::default() })
    }

    pub fn checkpoints_with(&self, options: CheckpointsOptions) -> Checkpoints {
        let git = self.folder.path().join("git");
        Checkpoints::open(git, self.tree.clone(), options, Arc::clone(&self.clock) as _).unwrap()
    }
}

pub fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// What is under a name: its mode and what it contains or points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thing {
    Folder(u32),
    File(u32, Vec<u8>),
    Link(OsString),
    Other,
}

/// Everything below a folder, the names of `excluded` folders apart.
pub fn everything(root: &Path, excluded: &[&str]) -> BTreeMap<PathBuf, Thing> {
    let mut found = BTreeMap::new();
    collect(root, Path::new(""), excluded, &mut found);
    found
}

fn collect(root: &Path, below: &Path, excluded: &[&str], found: &mut BTreeMap<PathBuf, Thing>) {
    for entry in fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        let metadata = entry.metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o777;
        if metadata.is_dir() {
            if excluded.iter().any(|name| name.as_bytes() == entry.file_name().as_bytes()) {
                continue;
            }
            found.insert(path.clone(), Thing::Folder(mode));
            collect(root, &path, excluded, found);
        } else if metadata.is_symlink() {
            found.insert(path.clone(), Thing::Link(fs::read_link(entry.path()).unwrap().into()));
        } else if metadata.is_file() {
            found.insert(path, Thing::File(mode, fs::read(entry.path()).unwrap()));
        } else {
            assert!(metadata.ino() > 0);
            found.insert(path, Thing::Other);
        }
    }
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
