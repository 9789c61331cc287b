//! Going through the tree by descriptors, in order and within limits.
//!
//! Invariant: a folder that is swapped for a link while it is walked is not entered.

use std::time::Instant;

use rustix::io::Errno;

use crate::error::Error;
use crate::folder::{Folder, Name};
use crate::ignored::Rules;
use crate::list::{EntryKind, MAX_NAMES};
use crate::path::{MAX_DEPTH, joined};

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many entries are visited.
    pub(crate) entries: usize,
    /// When it stops.
    pub(crate) until: Instant,
}

/// Something on the way.
pub(crate) struct Found<'a> {
    /// The folder it lies in.
    pub(crate) folder: &'a Folder,
    pub(crate) name: &'a Name,
    /// Its path from the root of the tree.
    pub(crate) path: &'a [u8],
}

/// Whether the walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Onward,
    Stop,
}

struct Walk<'a, V> {
    rules: Rules,
    bounds: Bounds,
    visited: usize,
    visit: &'a mut V,
}

/// Visits everything below a folder that the rules do not leave out, the files of a folder before
/// the folders in it, and each before what it contains. Says whether nothing was cut off.
pub(crate) fn walk<V>(root: &Folder, bounds: Bounds, visit: &mut V) -> Result<bool, Error>
where
    V: FnMut(Found<'_>) -> Result<Next, Error>,
{
    let mut walk = Walk { rules: Rules::new(), bounds, visited: 0, visit };
    Ok(walk.folder(root, b"", 0)? == Next::Onward)
}

impl<V> Walk<'_, V>
where
    V: FnMut(Found<'_>) -> Result<Next, Error>,
{
    fn folder(&mut self, folder: &Folder, path: &[u8], depth: usize) -> Result<Next, Error> {
        let entered = self.rules.enter(folder, path);
        let walked = self.entries(folder, path, depth);
        self.rules.leave(entered);
        walked
    }

    fn entries(&mut self, folder: &Folder, path: &[u8], depth: usize) -> Result<Next, Error> {
        let (mut names, more) = folder.names(MAX_NAMES).map_err(Error::at(path))?;
        names.retain(|name| !self.rules.leave_out(path, name.bytes(), name.kind == EntryKind::Folder));
        // Files first, so that a walk that is cut off has seen what lies near the top.
        names.sort_unstable_by(|left, right| {
            let is_folder = |name: &Name| name.kind == EntryKind::Folder;
            is_folder(left).cmp(&is_folder(right)).then_with(|| left.name.cmp(&right.name))
        });
        let mut is_whole = !more;
        for name in &names {
            if self.visited == self.bounds.entries || Instant::now() >= self.bounds.until {
                return Ok(Next::Stop);
            }
            self.visited += 1;
            let path = joined(path, name.bytes());
            if (self.visit)(Found { folder, name, path: &path })? == Next::Stop {
                return Ok(Next::Stop);
            }
            if name.kind == EntryKind::Folder {
                match folder.child_folder(&name.name) {
                    Ok(_) if depth == MAX_DEPTH => is_whole = false,
                    Ok(child) => match self.folder(&child, &path, depth + 1)? {
                        Next::Stop => return Ok(Next::Stop),
                        Next::Onward => {}
                    },
                    Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::ACCESS) => {}
                    Err(errno) => return Err(Error::at(&path)(errno)),
                }
            }
        }
        Ok(if is_whole { Next::Onward } else { Next::Stop })
    }
}
