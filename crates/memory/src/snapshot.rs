//! Snapshots of the planner's log as JSON lines.
//!
//! Invariant: a snapshot appears under its name whole or not at all, is on disk by then, and never
//! takes the place of another.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use kernel::Timestamp;

use crate::dispatch::Dispatch;
use crate::error::Error;

/// The most dispatches of one snapshot.
pub const MAX_DISPATCHES: usize = 10_000;

/// A snapshot that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The file.
    pub path: PathBuf,
    /// How many dispatches it holds, one a line, the newest last.
    pub count: usize,
}

/// Writes `dispatches`, which come newest first, into a new file in `folder`. Blocks.
pub(crate) fn write(folder: &Path, now: Timestamp, dispatches: &[Dispatch]) -> Result<Snapshot, Error> {
    let failed = |path: &Path, source| Error::Snapshot { path: path.to_owned(), source };
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    let (file, partial, path) = reserve(folder, now).map_err(|source| failed(folder, source))?;
    let written = write_lines(file, dispatches)
        .and_then(|()| fs::rename(&partial, &path))
        .and_then(|()| File::open(folder)?.sync_all());
    if let Err(source) = written {
        // Only the unfinished file is left behind, if even that cannot be removed.
        let _ = fs::remove_file(&partial);
        return Err(failed(&path, source));
    }
    Ok(Snapshot { path, count: dispatches.len() })
}

/// Takes a name that no snapshot has. Whoever makes the partial file owns the name, so that
/// looking whether the final one exists cannot be overtaken.
fn reserve(folder: &Path, now: Timestamp) -> io::Result<(File, PathBuf, PathBuf)> {
    let moment = now.to_string().replace(':', "-");
    let mut number = 1;
    loop {
        let name = if number == 1 { moment.clone() } else { format!("{moment}-{number}") };
        let partial = folder.join(format!(".snapshot-{name}.partial"));
        let path = folder.join(format!("snapshot-{name}.jsonl"));
        match File::options().write(true).create_new(true).open(&partial) {
            Ok(file) if !path.try_exists()? => return Ok((file, partial, path)),
            Ok(_) => fs::remove_file(&partial)?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        number += 1;
    }
}

fn write_lines(file: File, dispatches: &[Dispatch]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    for dispatch in dispatches.iter().rev() {
        writeln!(out, "{}", dispatch.to_line())?;
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
