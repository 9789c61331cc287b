//! Making the index anew while it is searched as it was.

use std::sync::atomic::Ordering;

use parking_lot::MutexGuard;
use tantivy::IndexWriter;

use super::places::Places;
use super::{Change, Keywords, failure};
use crate::error::Error;

/// An index that is being made anew. Dropped before [`Rebuild::finish`], it leaves the index as it was.
pub struct Rebuild<'k> {
    keywords: &'k Keywords,
    writer: MutexGuard<'k, IndexWriter>,
    position: u64,
    is_finished: bool,
}

impl<'k> Rebuild<'k> {
    pub(super) fn begin(keywords: &'k Keywords) -> Result<Self, Error> {
        let writer = keywords.writer.lock();
        let begun = writer.delete_all_documents().map_err(|error| failure(&keywords.folder, error));
        let rebuild = Self { keywords, writer, position: 0, is_finished: false };
        begun.map(|_| rebuild)
    }

    /// Takes changes in, which reach `position`. Blocks.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Folder`].
    pub fn add(&mut self, changes: &[Change<'_>], position: u64) -> Result<(), Error> {
        let added = self.keywords.add(&self.writer, changes);
        added.map_err(|error| failure(&self.keywords.folder, error))?;
        self.position = position;
        Ok(())
    }

    /// Lets searches see it. Blocks.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Folder`]. The index stays as it was then.
    pub fn finish(mut self) -> Result<(), Error> {
        let keywords = self.keywords;
        let failed = |error| failure(&keywords.folder, error);
        keywords.commit(&mut self.writer, self.position).map_err(failed)?;
        self.is_finished = true;
        keywords.reader.reload().map_err(failed)?;
        *keywords.places.write() = Places::read(&keywords.reader.searcher()).map_err(failed)?;
        keywords.position.store(self.position, Ordering::Release);
        Ok(())
    }
}

impl Drop for Rebuild<'_> {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = self.writer.rollback();
        }
    }
}
