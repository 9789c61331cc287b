//! Packing the tree into a zip file as it is read.

use std::io::Write;
use std::time::{Duration, Instant};

use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, result::ZipError};

use crate::error::Error;
use crate::list::EntryKind;
use crate::walk::{Bounds, Found, Next, walk};
use crate::worktree::Worktree;

const MAX_ENTRIES: usize = 200_000;
const PATIENCE: Duration = Duration::from_secs(600);

/// What went into an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files that are in it.
    pub files: usize,
    /// Links, pipes and names that are no text, which no archive could bring back alike.
    pub passed_over: usize,
    /// Whether everything else is in it.
    pub is_whole: bool,
}

impl Worktree {
    /// Packs all files and folders that [`crate::ignored`] does not leave out. Nothing is held but
    /// the piece that is being packed, so `out` may be the body of an answer. The same tree gives
    /// the same bytes: times are not kept.
    ///
    /// # Errors
    /// [`Error::System`], also when `out` takes no more.
    pub fn zip(&self, out: impl Write) -> Result<Exported, Error> {
        let mut writer = ZipWriter::new_stream(out);
        let mut exported = Exported::default();
        let bounds = Bounds { entries: MAX_ENTRIES, until: Instant::now() + PATIENCE };
        let walked = walk(&self.inner.root, bounds, &mut |found| {
            if add(&mut writer, &found)? {
                exported.files += usize::from(found.name.kind == EntryKind::File);
            } else {
                exported.passed_over += 1;
            }
            Ok(Next::Onward)
        });
        exported.is_whole = walked?;
        writer.finish().map_err(failed(b""))?;
        Ok(exported)
    }
}

fn add<W: Write + std::io::Seek>(writer: &mut ZipWriter<W>, found: &Found<'_>) -> Result<bool, Error> {
    let Ok(path) = std::str::from_utf8(found.path) else { return Ok(false) };
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    match found.name.kind {
        EntryKind::Folder => {
            writer.add_directory(path, options.unix_permissions(0o755)).map_err(failed(found.path))?;
            Ok(true)
        }
        EntryKind::File => {
            let (mut file, stat) = match found.folder.child_file(&found.name.name, found.path) {
                Ok(opened) => opened,
                // Gone or replaced since the folder was read.
                Err(Error::NotFound { .. } | Error::NotAFile { .. } | Error::LinkRefused { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            let options =
                options.unix_permissions(stat.st_mode & 0o777).large_file(stat.st_size > 0x7fff_ffff);
            writer.start_file(path, options).map_err(failed(found.path))?;
            std::io::copy(&mut file, writer).map_err(Error::at(found.path))?;
            Ok(true)
        }
        EntryKind::Link | EntryKind::Other => Ok(false),
    }
}

fn failed(path: &[u8]) -> impl FnOnce(ZipError) -> Error {
    move |error| Error::at(path)(std::io::Error::from(error))
}
