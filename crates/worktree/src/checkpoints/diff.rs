//! What differs between two states, file by file.

use std::collections::HashMap;

use git2::{DiffOptions, Oid, Patch};

use super::Checkpoints;
use super::cache::Cache;
use super::object::{self, TreeEntry};
use super::record::CheckpointId;
use super::repository::{Objects, Repository};
use super::snapshot::{Layered, Memory, Snapshot};
use crate::error::Error;
use crate::path::joined;
use crate::read::is_text;

/// How many removed and added files are compared with each other for one that was moved and
/// changed; the same content is found among any number.
const COMPARED: usize = 50;
/// How much of the lines must be the same for a file to count as moved, in percent.
const ALIKE_PERCENT: usize = 50;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// What was kept.
    Checkpoint(CheckpointId),
    /// What is there now.
    Present,
}

/// How much of a difference is told.
#[derive(Clone, Copy, Debug)]
pub struct DiffLimits {
    /// How many files.
    pub files: usize,
    /// Of the text of one file's difference; a longer one is left out.
    pub patch_bytes: usize,
    /// Of all these texts.
    pub total_bytes: usize,
    /// A larger file is not compared line by line.
    pub file_bytes: usize,
}

impl Default for DiffLimits {
    fn default() -> Self {
        Self { files: 1_000, patch_bytes: 200_000, total_bytes: 2_000_000, file_bytes: 1_000_000 }
    }
}

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content or its permissions are others.
    Changed,
    /// It has another path; its content may differ too.
    Renamed,
}

/// A file or link that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path, or the one it had if it is gone; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// The path it had, if it was renamed.
    pub old_path: Option<String>,
    /// What happened.
    pub status: FileStatus,
    /// Whether it is no text before or after, or too large to be compared.
    pub is_binary: bool,
    /// Lines that are new.
    pub additions: usize,
    /// Lines that are gone.
    pub deletions: usize,
    /// Its mode before and after, as git writes it, where they differ.
    pub modes: Option<(u32, u32)>,
    /// The difference in the unified format; `None` for binary files and past the limits.
    pub patch: Option<String>,
}

/// A difference: files in the order of their paths. Folders are not told of by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// At most as many as were wanted.
    pub files: Vec<FileDiff>,
    /// How many there are.
    pub total_files: usize,
}

/// One file before and after; one of the two is missing if it was added or removed.
#[derive(Clone, Debug)]
struct Pair {
    old: Option<Side>,
    new: Option<Side>,
}

#[derive(Clone, Debug)]
struct Side {
    path: Vec<u8>,
    mode: u32,
    id: Oid,
}

impl Checkpoints {
    /// What differs between a checkpoint and another or the present state. Nothing is kept for it.
    ///
    /// # Errors
    /// [`Error::CheckpointNotFound`], and those of [`Checkpoints::create`].
    pub fn diff(&self, from: CheckpointId, to: State, limits: DiffLimits) -> Result<Diff, Error> {
        let mut cache = self.cache.lock();
        let repository = Repository::open(&self.git_folder, self.options.sync)?;
        let old = repository.commit_of(from)?.tree;
        let mut memory = Memory::default();
        let new = match to {
            State::Checkpoint(id) => repository.commit_of(id)?.tree,
            State::Present => {
                let known = cache.get_or_insert_with(|| Cache::read(&self.git_folder));
                Snapshot::take(self, &repository, known, &mut memory)?.0.tree
            }
        };
        let objects = Layered(&memory, &repository);
        let mut pairs = Vec::new();
        compare(&objects, b"", Some(old), Some(new), &mut pairs)?;
        let mut pairs = with_renames(&objects, pairs, limits);
        let path = |pair: &Pair| pair.new.as_ref().or(pair.old.as_ref()).map(|side| side.path.clone());
        pairs.sort_by_cached_key(path);
        let total_files = pairs.len();
        let mut room = limits.total_bytes;
        let files = pairs.iter().take(limits.files).map(|pair| told(&objects, pair, limits, &mut room));
        Ok(Diff { files: files.collect::<Result<_, _>>()?, total_files })
    }
}

/// Collects the files that differ between two trees.
fn compare(
    objects: &impl Objects,
    path: &[u8],
    old: Option<Oid>,
    new: Option<Oid>,
    pairs: &mut Vec<Pair>,
) -> Result<(), Error> {
    let entries = |id: Option<Oid>| id.map_or(Ok(Vec::new()), |id| objects.entries(id));
    let mut before: HashMap<Vec<u8>, TreeEntry> =
        entries(old)?.into_iter().map(|entry| (entry.name.clone(), entry)).collect();
    let mut both = Vec::new();
    for entry in entries(new)? {
        let old = before.remove(&entry.name);
        if old.as_ref() != Some(&entry) {
            both.push((old, Some(entry)));
        }
    }
    both.extend(before.into_values().map(|entry| (Some(entry), None)));
    for (old, new) in both {
        let name = old.as_ref().or(new.as_ref()).map(|entry| entry.name.clone()).unwrap_or_default();
        let path = joined(path, &name);
        let folder = |entry: &Option<TreeEntry>| {
            entry.as_ref().filter(|entry| object::is_folder(entry.mode)).map(|entry| entry.id)
        };
        let (old_folder, new_folder) = (folder(&old), folder(&new));
        if old_folder != new_folder {
            compare(objects, &path, old_folder, new_folder, pairs)?;
        }
        let side = |entry: Option<TreeEntry>| {
            let entry = entry.filter(|entry| !object::is_folder(entry.mode))?;
            Some(Side { path: path.clone(), mode: entry.mode, id: entry.id })
        };
        let pair = Pair { old: side(old), new: side(new) };
        if pair.old.is_some() || pair.new.is_some() {
            pairs.push(pair);
        }
    }
    Ok(())
}

/// Joins what is gone with what is new where one is the other under another path.
fn with_renames(objects: &impl Objects, pairs: Vec<Pair>, limits: DiffLimits) -> Vec<Pair> {
    let (mut removed, mut added, mut joined) = (Vec::new(), Vec::new(), Vec::new());
    for pair in pairs {
        match pair {
            Pair { old: Some(old), new: None } => removed.push(old),
            Pair { old: None, new: Some(new) } => added.push(new),
            pair => joined.push(pair),
        }
    }
    let mut by_id: HashMap<(Oid, bool), Vec<Side>> = HashMap::new();
    for old in removed {
        by_id.entry((old.id, object::is_file(old.mode))).or_default().push(old);
    }
    let mut new_ones = Vec::new();
    for new in added {
        match by_id.get_mut(&(new.id, object::is_file(new.mode))).and_then(Vec::pop) {
            Some(old) => joined.push(Pair { old: Some(old), new: Some(new) }),
            None => new_ones.push(new),
        }
    }
    let mut gone: Vec<Side> = by_id.into_values().flatten().collect();
    gone.sort_by(|left, right| left.path.cmp(&right.path));
    if gone.len() <= COMPARED && new_ones.len() <= COMPARED {
        join_alike(objects, &mut gone, &mut new_ones, &mut joined, limits);
    }
    joined.extend(gone.into_iter().map(|old| Pair { old: Some(old), new: None }));
    joined.extend(new_ones.into_iter().map(|new| Pair { old: None, new: Some(new) }));
    joined
}

fn join_alike(
    objects: &impl Objects,
    gone: &mut Vec<Side>,
    new_ones: &mut Vec<Side>,
    joined: &mut Vec<Pair>,
    limits: DiffLimits,
) {
    let lines_of = |side: &Side| text(objects, side, limits).map(|text| lines(&text));
    let mut old_lines: Vec<Option<Vec<u64>>> = gone.iter().map(lines_of).collect();
    let mut index = 0;
    while index < new_ones.len() {
        let wanted = lines_of(&new_ones[index]);
        let best = wanted.and_then(|wanted| {
            let likenesses = old_lines.iter().enumerate();
            let likenesses =
                likenesses.filter_map(|(at, lines)| Some((likeness(lines.as_ref()?, &wanted), at)));
            likenesses
                .filter(|(likeness, _)| *likeness >= ALIKE_PERCENT)
                .max_by_key(|(likeness, _)| *likeness)
        });
        match best {
            Some((_, at)) => {
                old_lines.remove(at);
                joined.push(Pair { old: Some(gone.remove(at)), new: Some(new_ones.remove(index)) });
            }
            None => index += 1,
        }
    }
}

fn text(objects: &impl Objects, side: &Side, limits: DiffLimits) -> Option<String> {
    if !object::is_file(side.mode) {
        return None;
    }
    let bytes = objects.bytes(side.id).ok()?;
    if bytes.len() > limits.file_bytes || bytes.is_empty() || !is_text(&bytes) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

/// The lines as numbers, in order.
fn lines(text: &str) -> Vec<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let number = |line: &str| {
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        hasher.finish()
    };
    let mut lines: Vec<u64> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(number).collect();
    lines.sort_unstable();
    lines
}

fn likeness(left: &[u64], right: &[u64]) -> usize {
    let (mut at, mut same) = (0, 0_usize);
    for line in left {
        while at < right.len() && right[at] < *line {
            at += 1;
        }
        if right.get(at) == Some(line) {
            at += 1;
            same += 1;
        }
    }
    (200 * same).checked_div(left.len() + right.len()).unwrap_or(0)
}

fn told(
    objects: &impl Objects,
    pair: &Pair,
    limits: DiffLimits,
    room: &mut usize,
) -> Result<FileDiff, Error> {
    let shown = |side: &Side| String::from_utf8_lossy(&side.path).into_owned();
    let (status, path, old_path) = match (&pair.old, &pair.new) {
        (Some(old), Some(new)) if old.path != new.path => (FileStatus::Renamed, shown(new), Some(shown(old))),
        (Some(_), Some(new)) => (FileStatus::Changed, shown(new), None),
        (None, Some(new)) => (FileStatus::Added, shown(new), None),
        (Some(old), None) => (FileStatus::Removed, shown(old), None),
        (None, None) => (FileStatus::Changed, String::new(), None),
    };
    let modes = pair.old.as_ref().zip(pair.new.as_ref()).map(|(old, new)| (old.mode, new.mode));
    let modes = modes.filter(|(old, new)| old != new);
    let mut told =
        FileDiff { path, old_path, status, is_binary: false, additions: 0, deletions: 0, modes, patch: None };
    let ids = (pair.old.as_ref().map(|side| side.id), pair.new.as_ref().map(|side| side.id));
    if ids.0 == ids.1 {
        return Ok(told);
    }
    // What is too large was not kept in memory, and cannot be read; neither is compared.
    let bytes = |id: Option<Oid>| id.map_or(Some(Vec::new()), |id| objects.bytes(id).ok());
    let (Some(old), Some(new)) = (bytes(ids.0), bytes(ids.1)) else {
        told.is_binary = true;
        return Ok(told);
    };
    let is_compared = |bytes: &[u8]| bytes.len() <= limits.file_bytes && is_text(bytes);
    if !is_compared(&old) || !is_compared(&new) {
        told.is_binary = true;
        return Ok(told);
    }
    let mut options = DiffOptions::new();
    options.context_lines(3).force_text(true);
    let mut patch =
        Patch::from_buffers(&old, None, &new, None, Some(&mut options)).map_err(|error| failed(&error))?;
    (_, told.additions, told.deletions) = patch.line_stats().map_err(|error| failed(&error))?;
    let text = patch.to_buf().map_err(|error| failed(&error))?;
    let hunks = text.as_str().and_then(hunks);
    told.patch = hunks.filter(|text| text.len() <= limits.patch_bytes.min(*room)).map(str::to_owned);
    *room -= told.patch.as_ref().map_or(0, String::len);
    Ok(told)
}

/// What follows the lines about names, which are told apart from the text.
fn hunks(text: &str) -> Option<&str> {
    let at = if text.starts_with("@@") { 0 } else { text.find("\n@@")? + 1 };
    Some(&text[at..])
}

fn failed(error: &git2::Error) -> Error {
    Error::CheckpointsDamaged { reason: error.message().to_owned() }
}
