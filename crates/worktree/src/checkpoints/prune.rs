//! Forgetting old checkpoints, and many small packs made into one.

use std::collections::HashSet;
use std::fs;

use git2::Oid;
use kernel::Timestamp;

use super::Checkpoints;
use super::cache::Cache;
use super::object::{self, Kind};
use super::pack::PackWriter;
use super::record::CheckpointId;
use super::repository::{Objects, Repository};
use crate::error::Error;

/// More packs than this make every look-up slower than packing them anew is worth.
const MAX_PACKS: usize = 50;
/// What git calls the commits whose parents are not there, by design.
const SHALLOW: &str = "shallow";

/// What [`Checkpoints::prune`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Checkpoints that are left.
    pub kept: usize,
    /// Checkpoints that are gone.
    pub removed: usize,
}

impl Checkpoints {
    /// Forgets the checkpoints made before a moment, but never the newest `at_least`, of which
    /// there is always one. Objects that no checkpoint needs any more are removed.
    ///
    /// # Errors
    /// [`Error::CheckpointsDamaged`] and [`Error::System`], and then all are there still.
    pub fn prune(&self, before: Timestamp, at_least: usize) -> Result<Pruned, Error> {
        let mut cache = self.cache.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        let mut pruned = Pruned::default();
        let mut kept: Vec<(CheckpointId, Oid)> = Vec::new();
        let mut is_past = false;
        let mut next = repository.head()?;
        while let Some(commit) = next {
            let checkpoint = commit.checkpoint;
            is_past |= kept.len() >= at_least.max(1) && checkpoint.created_at < before;
            if is_past {
                pruned.removed += 1;
            } else {
                kept.push((checkpoint.id, commit.tree));
            }
            let parent = checkpoint.parent.filter(|parent| repository.has(parent.oid()));
            next = parent.map(|parent| repository.commit_of(parent)).transpose()?;
        }
        pruned.kept = kept.len();
        let old_packs = self.packs(&repository)?;
        if kept.is_empty() || (pruned.removed == 0 && old_packs.len() <= MAX_PACKS) {
            return Ok(pruned);
        }
        let new_pack = repack(&repository, &kept)?;
        if let Some((oldest, _)) = kept.last().filter(|_| pruned.removed > 0) {
            fs::write(self.git_folder.join(SHALLOW), format!("{oldest}\n")).map_err(Error::at(SHALLOW))?;
        }
        // What is known may name objects that are gone.
        *cache = None;
        Cache::forget(&self.git_folder)?;
        for stem in old_packs.iter().filter(|stem| new_pack.as_ref() != Some(stem)) {
            for ending in ["idx", "pack"] {
                let path = repository.packs().join(format!("{stem}.{ending}"));
                fs::remove_file(path).map_err(Error::at(stem))?;
            }
        }
        Ok(pruned)
    }

    /// The names of the packs, without their endings.
    fn packs(&self, repository: &Repository) -> Result<Vec<String>, Error> {
        let mut stems = Vec::new();
        for entry in fs::read_dir(repository.packs()).map_err(Error::at(b"packs"))? {
            let name = entry.map_err(Error::at(b"packs"))?.file_name();
            stems.extend(name.to_str().and_then(|name| name.strip_suffix(".idx")).map(str::to_owned));
        }
        Ok(stems)
    }
}

/// Writes all that the checkpoints need into one pack.
fn repack(repository: &Repository, kept: &[(CheckpointId, Oid)]) -> Result<Option<String>, Error> {
    let mut pack = repository.pack();
    let mut seen = HashSet::new();
    for (commit, tree) in kept {
        let bytes = repository.bytes(commit.oid())?;
        pack.put(Kind::Commit, commit.oid(), &bytes)?;
        take_tree(repository, *tree, &mut pack, &mut seen)?;
    }
    pack.finish()
}

fn take_tree(
    repository: &Repository,
    tree: Oid,
    pack: &mut PackWriter,
    seen: &mut HashSet<Oid>,
) -> Result<(), Error> {
    if !seen.insert(tree) {
        return Ok(());
    }
    pack.put(Kind::Tree, tree, &repository.bytes(tree)?)?;
    for entry in repository.entries(tree)? {
        if object::is_folder(entry.mode) {
            take_tree(repository, entry.id, pack, seen)?;
        } else if seen.insert(entry.id) {
            pack.put(Kind::Blob, entry.id, &repository.bytes(entry.id)?)?;
        }
    }
    Ok(())
}
