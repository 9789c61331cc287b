//! The git repository: its objects and its one ref.

use std::path::{Path, PathBuf};

use git2::{Odb, OdbLookupFlags, Oid, RepositoryInitOptions};

use super::object::{Kind, TreeEntry, parse_tree};
use super::pack::PackWriter;
use super::record::{Checkpoint, CheckpointId, Commit, Record};
use crate::error::Error;

const REF: &str = "refs/heads/checkpoints";

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
    repository: git2::Repository,
    sync: bool,
}

impl Repository {
    /// Makes the repository if there is none. No template and no hook comes with it.
    pub(crate) fn make(path: &Path) -> Result<(), Error> {
        if git2::Repository::open_bare(path).is_ok() {
            return Ok(());
        }
        let mut options = RepositoryInitOptions::new();
        options.bare(true).external_template(false).initial_head("checkpoints");
        git2::Repository::init_opts(path, &options).map_err(damaged)?;
        Ok(())
    }

    pub(crate) fn open(path: &Path, sync: bool) -> Result<Self, Error> {
        let repository = git2::Repository::open_bare(path).map_err(damaged)?;
        Ok(Self { repository, sync })
    }

    /// The newest checkpoint.
    pub(crate) fn head(&self) -> Result<Option<Commit>, Error> {
        match self.repository.refname_to_id(REF) {
            Ok(id) => Commit::parse(id, &self.bytes(id)?).map(Some),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(damaged(error)),
        }
    }

    pub(crate) fn commit_of(&self, id: CheckpointId) -> Result<Commit, Error> {
        let not_found = || Error::CheckpointNotFound { id: id.to_string() };
        let odb = self.odb()?;
        let object = match odb.read(id.oid()) {
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
        self.odb().is_ok_and(|odb| odb.exists_ext(id, OdbLookupFlags::NO_REFRESH))
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
        self.repository.path().join("objects").join("pack")
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
        self.repository.reference(REF, id, true, "checkpoint").map_err(damaged)?;
        if self.sync {
            let file = self.repository.path().join(REF);
            std::fs::File::open(file).and_then(|file| file.sync_all()).map_err(failed)?;
        }
        Ok(commit.checkpoint)
    }

    fn odb(&self) -> Result<Odb<'_>, Error> {
        self.repository.odb().map_err(damaged)
    }
}

impl Objects for Repository {
    fn bytes(&self, id: Oid) -> Result<Vec<u8>, Error> {
        Ok(self.odb()?.read(id).map_err(damaged)?.data().to_vec())
    }
}

fn damaged(error: git2::Error) -> Error {
    Error::CheckpointsDamaged { reason: error.message().to_owned() }
}

fn failed(source: std::io::Error) -> Error {
    Error::System { path: "The repository of the checkpoints".into(), source }
}
