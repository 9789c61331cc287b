//! The index behind [`Vectors`](super::Vectors): opening it, changing it, rewriting it.
//!
//! Invariants:
//! - The newest snapshot is only ever replaced by one that has all of a call of `apply`.
//! - Whoever holds both locks took `rewriting` first.

use std::io;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use roaring::RoaringBitmap;

use super::codes::Encoder;
use super::folder::{Folder, Manifest};
use super::journal::{self, Entry, Journal};
use super::rotation::Rotation;
use super::segment::Segment;
use super::simd::Level;
use super::snapshot::{Dead, Part, Snapshot};
use super::tail::Tail;
use super::{Change, halves, rewriting};
use crate::error::Result;

/// When the tail has so many rows, the next call of `apply` makes a segment of it first.
const MOST_TAIL_ROWS: usize = 131_072;

/// An open index.
pub struct Index {
    pub level: Level,
    pub rotation: Rotation,
    stamp: String,
    pub folder: Folder,
    /// What searches that begin now see.
    pub newest: ArcSwap<Snapshot>,
    writer: Mutex<Writer>,
    /// Held while segments are made; taken before `writer` where both are.
    rewriting: Mutex<()>,
}

/// What only changes need.
struct Writer {
    journal: Journal,
    /// The numbers of all rows, so that a new one is known without looking for it.
    alive: RoaringBitmap,
    encoder: Encoder,
    /// The id of the next file.
    next_id: u64,
}

impl Index {
    /// Opens what is in a folder, or begins an empty index there.
    pub fn open(folder: &Path, dimensions: usize, stamp: &str, level: Level) -> Result<Self> {
        let folder = Folder::take(folder)?;
        let rotation = Rotation::new(dimensions);
        let width = rotation.width();
        let manifest =
            folder.manifest().filter(|found| found.stamp == stamp && found.dimensions == dimensions);
        let loaded = manifest.and_then(|manifest| Some((load(&folder, &manifest, width)?, manifest)));
        let mut encoder = Encoder::new(level, width);
        let failed = |source| folder.failed(source);
        let (snapshot, journal, alive, id) = match loaded {
            Some((mut snapshot, manifest)) => {
                folder.clean(Some(&manifest)).map_err(failed)?;
                let mut alive = numbers(&snapshot);
                let path = journal::path(folder.path(), manifest.journal);
                let mut row = vec![0.0; width];
                let end = journal::replay(&path, width, |entries, position| {
                    for entry in entries {
                        change(&mut snapshot, &mut alive, *entry, |tail, number, vector| {
                            halves::widen(level, vector, &mut row);
                            tail.push(&mut encoder, level, number, &row);
                        });
                    }
                    snapshot.tail.sort();
                    snapshot.position = position;
                });
                snapshot.journal_end = end;
                let journal = Journal::resume(folder.path(), manifest.journal, end).map_err(failed)?;
                (snapshot, journal, alive, manifest.journal)
            }
            None => {
                folder.clean(None).map_err(failed)?;
                let journal = Journal::create(folder.path(), 0).map_err(failed)?;
                let stamp = stamp.to_owned();
                let empty = Manifest { stamp, dimensions, position: 0, journal: 0, segments: Vec::new() };
                folder.replace(&empty).map_err(failed)?;
                (Snapshot::empty(width), journal, RoaringBitmap::new(), 0)
            }
        };
        let ids = snapshot.segments.iter().map(|part| part.segment.identity().id);
        let next_id = ids.chain([id]).max().unwrap_or(0) + 1;
        let writer = Mutex::new(Writer { journal, alive, encoder, next_id });
        Ok(Self {
            level,
            rotation,
            stamp: stamp.to_owned(),
            folder,
            newest: ArcSwap::from_pointee(snapshot),
            writer,
            rewriting: Mutex::new(()),
        })
    }

    /// Makes changes whose vectors have the right length.
    pub fn apply(&self, changes: &[Change<'_>], position: u64) -> Result<()> {
        if self.newest.load().tail.rows() >= MOST_TAIL_ROWS {
            let _rewriting = self.rewriting.lock();
            if self.newest.load().tail.rows() >= MOST_TAIL_ROWS {
                self.rewrite(&[])?;
            }
        }
        let mut writer = self.writer.lock();
        let mut draft = Snapshot::clone(&self.newest.load());
        match self.write(&mut writer, &mut draft, changes, position) {
            Ok(()) => {
                self.newest.store(Arc::new(draft));
                Ok(())
            }
            Err(source) => {
                // What of the changes was in the writer already is taken back.
                writer.alive = numbers(&self.newest.load());
                Err(self.folder.failed(source))
            }
        }
    }

    /// The numbers of all rows.
    pub fn alive(&self) -> RoaringBitmap {
        numbers(&self.newest.load())
    }

    /// Waits until all that was applied is on the disk.
    pub fn flush(&self) -> Result<()> {
        let journal = self.writer.lock().journal.handle();
        journal.and_then(|file| file.sync_data()).map_err(|source| self.folder.failed(source))
    }

    /// Rewrites what is due.
    pub fn maintain(&self) -> Result<()> {
        let _rewriting = self.rewriting.lock();
        while let Some(parts) = rewriting::due(&self.newest.load()) {
            self.rewrite(&parts)?;
        }
        Ok(())
    }

    /// The vector rotated and of length 1, if it has a direction.
    pub fn rotated(&self, vector: &[f32]) -> Option<Vec<f32>> {
        if vector.len() != self.rotation.dimensions() {
            return None;
        }
        let (mut rotated, mut scratch) = (vec![0.0; self.rotation.width()], vec![0.0; self.rotation.width()]);
        self.rotation.rotate(self.level, vector, &mut rotated, &mut scratch).then_some(rotated)
    }

    /// Writes changes to the journal and makes them in a draft.
    fn write(
        &self,
        writer: &mut Writer,
        draft: &mut Snapshot,
        changes: &[Change<'_>],
        position: u64,
    ) -> io::Result<()> {
        let width = self.rotation.width();
        let puts = changes.iter().filter(|change| matches!(change, Change::Put { .. })).count();
        let Writer { journal, alive, encoder, .. } = writer;
        let mut frame = journal.begin(position, changes.len(), puts, width)?;
        let (mut row, mut scratch, mut half) = (vec![0.0; width], vec![0.0; width], vec![0; width]);
        for one in changes {
            let entry = match one {
                Change::Put { number, vector } => {
                    self.rotation.rotate(self.level, vector, &mut row, &mut scratch);
                    halves::narrow(self.level, &row, &mut half);
                    Entry::Put(*number, &half)
                }
                Change::Remove { number } => Entry::Remove(*number),
            };
            frame.push(entry)?;
            change(draft, alive, entry, |tail, number, _| tail.push(encoder, self.level, number, &row));
        }
        frame.finish()?;
        draft.tail.sort();
        draft.position = position;
        draft.journal_end = journal.end();
        Ok(())
    }

    /// Rewrites some segments and the tail, due or not.
    #[cfg(test)]
    pub fn rewrite_now(&self, parts: &[usize]) -> Result<()> {
        let _rewriting = self.rewriting.lock();
        self.rewrite(parts)
    }

    /// Puts one segment in the place of some and of the tail; `rewriting` must be held.
    fn rewrite(&self, parts: &[usize]) -> Result<()> {
        self.try_rewrite(parts).map_err(|source| {
            tracing::warn!(error = %source, "the index of vectors could not be rewritten");
            // A part of a file would only take room, which may be what is missing.
            if let Some(manifest) = self.folder.manifest() {
                let _ = self.folder.clean(Some(&manifest));
            }
            self.folder.failed(source)
        })
    }

    fn try_rewrite(&self, parts: &[usize]) -> io::Result<()> {
        let (before, id) = {
            let mut writer = self.writer.lock();
            writer.next_id += 2;
            (self.newest.load_full(), writer.next_id - 2)
        };
        let (path, width) = (self.folder.path(), self.rotation.width());
        let new = rewriting::write(path, id, self.level, width, &before, parts)?;
        let mut new = new.map(Part::new);
        let kept = |place: &usize| !parts.contains(place);
        let described = |snapshot: &Snapshot| -> Vec<_> {
            (0..snapshot.segments.len())
                .filter(kept)
                .map(|it| rewriting::described(&snapshot.segments[it]))
                .collect()
        };
        let mut segments = described(&before);
        segments.extend(new.iter().map(rewriting::described));
        let (stamp, dimensions) = (self.stamp.clone(), self.rotation.dimensions());
        let manifest = Manifest { stamp, dimensions, position: before.position, journal: id + 1, segments };

        let mut writer = self.writer.lock();
        let now = self.newest.load_full();
        let mut journal = Journal::create(path, id + 1)?;
        journal.append(&writer.journal.since(before.journal_end)?)?;
        // What somebody flushed before stays flushed.
        journal.handle()?.sync_data()?;
        let mut after = Snapshot::empty(width);
        let remaining = (0..now.segments.len()).filter(kept).map(|it| now.segments[it].clone());
        after.segments = remaining.collect();
        if let Some(new) = &mut new {
            rewriting::bury(new, &before, &now, parts);
        }
        after.segments.extend(new);
        let mut row = vec![0.0; width];
        for place in now.tail.alive_from(before.tail.rows()) {
            halves::widen(self.level, now.tail.vector(place), &mut row);
            after.tail.push(&mut writer.encoder, self.level, now.tail.number(place), &row);
        }
        after.tail.sort();
        after.position = now.position;
        after.journal_end = journal.end();
        if let Err(source) = self.folder.replace(&manifest) {
            // What counts is which manifest is there now.
            if self.folder.manifest().as_ref() != Some(&manifest) {
                return Err(source);
            }
        }
        writer.journal = journal;
        self.newest.store(Arc::new(after));
        drop(writer);
        // Searches that began before have the removed files mapped; they go when those end.
        self.folder.clean(Some(&manifest))
    }
}

/// The segments that a manifest names, if all of them are as they were written.
fn load(folder: &Folder, manifest: &Manifest, width: usize) -> Option<Snapshot> {
    let mut snapshot = Snapshot::empty(width);
    snapshot.position = manifest.position;
    for (identity, dead) in &manifest.segments {
        let segment = Segment::open(folder.path(), *identity, width, false)?;
        let dead = Arc::new(Dead::from_words(dead.clone()));
        snapshot.segments.push(Part { segment: Arc::new(segment), dead });
    }
    Some(snapshot)
}

/// The numbers of all rows that are alive.
fn numbers(snapshot: &Snapshot) -> RoaringBitmap {
    snapshot.rows().map(|(number, _)| number).collect()
}

/// Makes a change in a snapshot; `push` adds a row to its tail.
fn change(
    snapshot: &mut Snapshot,
    alive: &mut RoaringBitmap,
    entry: Entry<'_>,
    push: impl FnOnce(&mut Tail, u32, &[u16]),
) {
    let (Entry::Put(number, _) | Entry::Remove(number)) = entry;
    let was_there = match entry {
        Entry::Put(..) => !alive.insert(number),
        Entry::Remove(_) => alive.remove(number),
    };
    if was_there {
        snapshot.tail.sort();
        snapshot.remove(number);
    }
    if let Entry::Put(number, vector) = entry {
        push(&mut snapshot.tail, number, vector);
    }
}
