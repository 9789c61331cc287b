//! The git repository: its objects and its one ref.
//!
//! Only the object database is libgit2's. Opening a whole repository would have it read the
//! configuration of the user and the machine; a broken one would then cost the checkpoints.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use git2::{Odb, OdbLookupFlags, Oid};

use super::object::{Kind, TreeEntry, parse_tree};
use super::pack::PackWriter;
use super::record::{Checkpoint, CheckpointId, Commit, Record};
use crate::error::Error;

const REF: &str = "refs/heads/checkpoints";
/// Where git puts refs when it tidies up.
const PACKED_REFS: &str = "packed-refs";
/// What git wants to see to take a folder for a repository; the last one makes it one.
const LAYOUT: [(&str, &str); 2] = [
    ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"),
    ("HEAD", "ref: refs/heads/checkpoints\n"),
];
const FOLDERS: [&str; 2] = ["objects/pack", "refs/heads"];

/// Reads objects, wherever they are.
pub(crate) trait Objects {
    /// The bytes of an object.
    fn bytes(&self, id: Oid) -> Result<Vec<u8>, Error>;

    /// The entries of a tree.
    fn entries(&self, id: Oid) -> Result<Vec<TreeEntry>, Error> {
        parse_tree(&self.bytes(id)?)
            .ok_or_else(|| Error::CheckpointsDamaged { reason: format!("the tree {id} cannot be read") })
    }
}

/// An open repository.
pub(crate) struct Repository {
    path: PathBuf,
    objects: Odb<'static>,
    sync: bool,
}

impl Repository {
    /// Makes the repository if there is none. No template and no hook comes with it.
    pub(crate) fn make(path: &Path) -> Result<(), Error> {
        if path.join("HEAD").exists() {
            return Ok(());
        }
        for folder in FOLDERS {
            fs::create_dir_all(path.join(folder)).map_err(failed)?;
        }
        for (name, text) in LAYOUT {
            replace(&path.join(name), text, false).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn open(path: &Path, sync: bool) -> Result<Self, Error> {
        // To hash again what is read would cost a third of a restore; that a file was damaged is
        // seen by the checksum of its compressed bytes.
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| git2::opts::strict_hash_verification(false));
        let objects = Odb::new().map_err(damaged)?;
        let folder = path.join("objects");
        let folder = folder.to_str().ok_or_else(|| Error::CheckpointsDamaged {
            reason: format!("its path {} is no text", path.display()),
        })?;
        objects.add_disk_alternate(folder).map_err(damaged)?;
        Ok(Self { path: path.to_owned(), objects, sync })
    }

    /// The newest checkpoint.
    pub(crate) fn head(&self) -> Result<Option<Commit>, Error> {
        match self.head_id()? {
            Some(id) => Commit::parse(id, &self.bytes(id)?).map(Some),
            None => Ok(None),
        }
    }

    fn head_id(&self) -> Result<Option<Oid>, Error> {
        let text = match fs::read_to_string(self.path.join(REF)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let packed = fs::read_to_string(self.path.join(PACKED_REFS)).unwrap_or_default();
                let line = packed.lines().find_map(|line| line.strip_suffix(REF));
                match line {
                    Some(id) => id.to_owned(),
                    None => return Ok(None),
                }
            }
            text => text.map_err(failed)?,
        };
        let id = Oid::from_str(text.trim()).map_err(damaged)?;
        Ok(Some(id))
    }

    pub(crate) fn commit_of(&self, id: CheckpointId) -> Result<Commit, Error> {
        let not_found = || Error::CheckpointNotFound { id: id.to_string() };
        let object = match self.objects.read(id.oid()) {
            Ok(object) => object,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Err(not_found()),
            Err(error) => return Err(damaged(error)),
        };
        if object.kind() != git2::ObjectType::Commit {
            return Err(not_found());
        }
        Commit::parse(id.oid(), object.data())
    }

    /// Whether an object is there, as far as packs are known that were there when it was opened.
    pub(crate) fn has(&self, id: Oid) -> bool {
        self.objects.exists_ext(id, OdbLookupFlags::NO_REFRESH)
    }

    pub(crate) fn tree(&self, id: Oid) -> Result<Vec<TreeEntry>, Error> {
        self.entries(id)
    }

    pub(crate) fn blob(&self, id: Oid) -> Result<Vec<u8>, Error> {
        self.bytes(id)
    }

    /// A pack for new objects.
    pub(crate) fn pack(&self) -> PackWriter {
        PackWriter::new(self.packs(), self.sync)
    }

    pub(crate) fn packs(&self) -> PathBuf {
        self.path.join("objects").join("pack")
    }

    /// Writes the commit into the pack, finishes it, and moves the ref: the checkpoint is there.
    pub(crate) fn commit(
        &self,
        mut pack: PackWriter,
        tree: Oid,
        parent: Option<CheckpointId>,
        record: Record,
    ) -> Result<Checkpoint, Error> {
        let (commit, bytes) = Commit::encode(tree, parent, record)?;
        let id = commit.checkpoint.id.oid();
        pack.put(Kind::Commit, id, &bytes)?;
        pack.finish()?;
        replace(&self.path.join(REF), &format!("{id}\n"), self.sync).map_err(failed)?;
        Ok(commit.checkpoint)
    }
}

/// Writes a small file whole or not at all. Git looks at no ref whose name ends so.
fn replace(path: &Path, text: &str, sync: bool) -> std::io::Result<()> {
    let partial = path.with_extension("lock");
    let mut file = fs::File::create(&partial)?;
    file.write_all(text.as_bytes())?;
    if sync {
        file.sync_data()?;
    }
    fs::rename(&partial, path)?;
    match path.parent() {
        Some(folder) if sync => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

impl Objects for Repository {
    fn bytes(&self, id: Oid) -> Result<Vec<u8>, Error> {
        Ok(self.objects.read(id).map_err(damaged)?.data().to_vec())
    }
}

fn damaged(error: git2::Error) -> Error {
    Error::CheckpointsDamaged { reason: error.message().to_owned() }
}

fn failed(source: std::io::Error) -> Error {
    Error::System { path: "The repository of the checkpoints".into(), source }
}
