//! Unpacking a zip file that a stranger may have made.
//!
//! It is unpacked aside, in a folder nobody is shown, and moved into place when all of it proved
//! good.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};

use zip::read::{ZipArchive, ZipFile};

use crate::error::Error;
use crate::folder::{Folder, Links, c_string};
use crate::list::EntryKind;
use crate::path::TreePath;
use crate::place::{self, Before, Placing};
use crate::remove::remove_entry;
use crate::worktree::Worktree;

/// Small files may be packed as tightly as they like.
const RATIO_COUNTS_FROM: u64 = 1024 * 1024;
/// The bits of a Unix mode that say what an entry is, and their values for files and folders.
const TYPE_MASK: u32 = 0o170_000;
const TYPE_FILE: u32 = 0o100_000;
const TYPE_FOLDER: u32 = 0o040_000;

/// What is taken of a stranger.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// The archive itself.
    pub archive_bytes: u64,
    /// Files and folders.
    pub entries: usize,
    /// All files, unpacked.
    pub total_bytes: u64,
    /// How many times larger a file of a megabyte or more may be than it is packed.
    pub ratio: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self { archive_bytes: 200_000_000, entries: 20_000, total_bytes: 1_000_000_000, ratio: 200 }
    }
}

/// What was unpacked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Files that were written.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// What an archive says is in it, by path; `None` is a folder.
type Plan = BTreeMap<TreePath, Option<usize>>;

impl Worktree {
    /// Unpacks an archive into a folder, which is made if there is none. With `replace`, files of
    /// the same names are replaced; without, one is enough to refuse. Links in the way are refused
    /// in any case.
    ///
    /// # Errors
    /// [`Error::ArchiveRefused`] and [`Error::Exists`], and then nothing was written;
    /// [`Error::LinkRefused`], [`Error::NotAFolder`], [`Error::System`].
    pub fn import_zip(
        &self,
        mut archive: impl Read + Seek,
        into: &TreePath,
        replace: bool,
        limits: ArchiveLimits,
    ) -> Result<Imported, Error> {
        let length = archive.seek(SeekFrom::End(0)).map_err(Error::at(into))?;
        if length > limits.archive_bytes {
            return Err(refused(format!("it has {length} bytes, more than {}", limits.archive_bytes)));
        }
        archive.rewind().map_err(Error::at(into))?;
        let mut archive = ZipArchive::new(archive).map_err(|error| refused(error.to_string()))?;
        let plan = plan(&mut archive, limits)?;
        let _alone = self.inner.changes.lock();
        let inner = &self.inner;
        self.check_places(&plan, into, replace)?;
        let staged = place::make_partial_folder(&inner.root, inner.options.owner);
        let (name, stage) = staged.map_err(Error::at(into))?;
        let imported = self
            .unpack(&mut archive, &plan, &stage, limits)
            .and_then(|imported| self.move_in(&plan, &stage, into, replace).map(|()| imported));
        let _ = remove_entry(&inner.root, &name, true);
        imported
    }

    /// That every entry has a place to go to, before anything is written.
    fn check_places(&self, plan: &Plan, into: &TreePath, replace: bool) -> Result<(), Error> {
        for (path, file) in plan {
            let path = into.join(path)?;
            let present = match self.entry_unfollowed(&path) {
                Err(Error::NotFound { .. }) => continue,
                present => present?,
            };
            match (present, file) {
                (EntryKind::Link, _) => return Err(Error::LinkRefused { path: path.to_string() }),
                (EntryKind::Folder, None) => {}
                (EntryKind::File, Some(_)) if replace => {}
                _ => return Err(Error::Exists { path: path.to_string() }),
            }
        }
        Ok(())
    }

    fn entry_unfollowed(&self, path: &TreePath) -> Result<EntryKind, Error> {
        let (parent, name) = self.parent_of(path, Links::Refused)?;
        Ok(EntryKind::of(&parent.stat(&name).map_err(Error::at(path))?))
    }

    fn unpack<R: Read + Seek>(
        &self,
        archive: &mut ZipArchive<R>,
        plan: &Plan,
        stage: &Folder,
        limits: ArchiveLimits,
    ) -> Result<Imported, Error> {
        let inner = &self.inner;
        let mut imported = Imported::default();
        for (path, file) in plan {
            let Some(index) = file else {
                stage.make_folders(path.as_ref(), inner.resolver, inner.options.owner)?;
                continue;
            };
            let mut entry = archive.by_index(*index).map_err(|error| refused(error.to_string()))?;
            // What the archive says of its sizes was believed so far; here it is counted.
            let room = entry.size().min(limits.total_bytes - imported.bytes);
            let is_executable = entry.unix_mode().is_some_and(|mode| mode & 0o100 != 0);
            let placing = Placing {
                before: Before::Nothing,
                mode: Some(if is_executable { 0o755 } else { 0o644 }),
                owner: inner.options.owner,
                sync: inner.options.sync,
            };
            let (parent, name) = parent_in(stage, path, self)?;
            let mut bytes = 0;
            place::put_file_with(&parent, &c_string(name.as_bytes()), path.as_ref(), placing, |out| {
                let copied = std::io::copy(&mut (&mut entry).take(room.saturating_add(1)), out);
                bytes = copied.map_err(|error| unpacking(path, error))?;
                if bytes > room { Err(refused(format!("{path} is larger than it says"))) } else { Ok(()) }
            })?;
            imported.files += 1;
            imported.bytes += bytes;
        }
        Ok(imported)
    }

    fn move_in(&self, plan: &Plan, stage: &Folder, into: &TreePath, replace: bool) -> Result<(), Error> {
        let inner = &self.inner;
        let before = if replace { Before::Anything } else { Before::Nothing };
        for (path, file) in plan {
            let target = into.join(path)?;
            if file.is_none() {
                inner.root.make_folders(target.as_ref(), inner.resolver, inner.options.owner)?;
                continue;
            }
            let (from, name) = parent_in(stage, path, self)?;
            let (to, _) = parent_in(&inner.root, &target, self)?;
            let name = c_string(name.as_bytes());
            place::place(&from, &name, &to, &name, before).map_err(Error::at(&target))?;
        }
        Ok(())
    }
}

fn parent_in<'p>(root: &Folder, path: &'p TreePath, tree: &Worktree) -> Result<(Folder, &'p str), Error> {
    let (parent, name) = path.split_last().ok_or_else(|| refused("an entry has no name".into()))?;
    let owner = tree.inner.options.owner;
    Ok((root.make_folders(parent.as_ref(), tree.inner.resolver, owner)?, name))
}

fn plan<R: Read + Seek>(archive: &mut ZipArchive<R>, limits: ArchiveLimits) -> Result<Plan, Error> {
    if archive.len() > limits.entries {
        return Err(refused(format!("it has {} entries, more than {}", archive.len(), limits.entries)));
    }
    let mut plan = Plan::new();
    let mut total = 0_u64;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|error| refused(error.to_string()))?;
        let path = checked(&entry, limits)?;
        total = total.saturating_add(entry.size());
        if total > limits.total_bytes {
            return Err(refused(format!("it unpacks to more than {} bytes", limits.total_bytes)));
        }
        let file = (!entry.is_dir()).then_some(index);
        let is_double =
            plan.insert(path.clone(), file).is_some_and(|before| before.is_some() || file.is_some());
        if is_double {
            return Err(refused(format!("{path} is in it twice")));
        }
    }
    let below_file = plan.keys().find(|path| {
        std::iter::successors(path.split_last(), |(parent, _)| parent.split_last().map(|(up, _)| (up, "")))
            .any(|(parent, _)| plan.get(&parent).is_some_and(Option::is_some))
    });
    match below_file {
        Some(path) => Err(refused(format!("{path} lies in a file"))),
        None => Ok(plan),
    }
}

/// The path of an entry that is a plain file or folder within the folder.
fn checked<R: Read>(entry: &ZipFile<'_, R>, limits: ArchiveLimits) -> Result<TreePath, Error> {
    // Old archives name their code page; most that say nothing mean UTF-8.
    let name = std::str::from_utf8(entry.name_raw()).unwrap_or_else(|_| entry.name());
    let name = if entry.is_dir() { name.strip_suffix('/').unwrap_or(name) } else { name };
    let path = TreePath::parse(name).map_err(|error| refused(error.to_string()))?;
    let kind = entry.unix_mode().map_or(0, |mode| mode & TYPE_MASK);
    let is_plain = match kind {
        0 => true,
        TYPE_FILE => entry.is_file(),
        TYPE_FOLDER => entry.is_dir(),
        _ => false,
    };
    if !is_plain || entry.is_symlink() {
        return Err(refused(format!("{path} is neither a file nor a folder")));
    }
    if entry.encrypted() {
        return Err(refused(format!("{path} is encrypted")));
    }
    let is_bomb =
        entry.size() >= RATIO_COUNTS_FROM && entry.size() / entry.compressed_size().max(1) > limits.ratio;
    if is_bomb {
        return Err(refused(format!("{path} is packed more than {} times", limits.ratio)));
    }
    Ok(path)
}

/// A full disk is no fault of the archive.
fn unpacking(path: &TreePath, error: std::io::Error) -> Error {
    match error.raw_os_error() {
        Some(_) => Error::at(path)(error),
        None => refused(format!("{path} cannot be unpacked: {error}")),
    }
}

fn refused(reason: String) -> Error {
    Error::ArchiveRefused { reason }
}
