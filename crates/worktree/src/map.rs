//! A map of the files for a model's context, within so many bytes.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::folder::size_of;
use crate::list::EntryKind;
use crate::walk::{Bounds, Next, walk};
use crate::worktree::Worktree;

/// How large a map may become and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct MapLimits {
    /// Of the text.
    pub bytes: usize,
    /// Files and folders that are looked at.
    pub entries: usize,
    /// Of looking.
    pub time: Duration,
}

impl Default for MapLimits {
    fn default() -> Self {
        Self { bytes: 16 * 1024, entries: 20_000, time: Duration::from_secs(2) }
    }
}

/// The files of a tree as text: one a line, indented by depth, folders with a `/` at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMap {
    /// At most as long as it may be.
    pub text: String,
    /// How many files were seen.
    pub files: usize,
    /// Whether something is not in the text: it was folded to a number, or not looked at.
    pub truncated: bool,
}

struct Line {
    depth: usize,
    name: String,
    is_folder: bool,
    size: u64,
    /// How many files lie in a folder at any depth.
    inside: usize,
}

impl Worktree {
    /// A map of the files, without what [`crate::ignored`] leaves out. Where it would be too long,
    /// the innermost folders are folded to the number of their files first.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn map(&self, limits: MapLimits) -> Result<FileMap, Error> {
        let mut lines: Vec<Line> = Vec::new();
        // Where the folders on the way stand in `lines`.
        let mut open: Vec<usize> = Vec::new();
        let bounds = Bounds { entries: limits.entries, until: Instant::now() + limits.time };
        let is_whole = walk(&self.inner.root, bounds, &mut |found| {
            let depth = found.path.iter().filter(|byte| **byte == b'/').count();
            open.truncate(depth);
            let is_folder = found.name.kind == EntryKind::Folder;
            if is_folder {
                open.push(lines.len());
            } else {
                for folder in &open {
                    lines[*folder].inside += 1;
                }
            }
            let size = found.folder.stat(&found.name.name).map_or(0, |stat| size_of(&stat));
            lines.push(Line { depth, name: shown(found.name.bytes()), is_folder, size, inside: 0 });
            Ok(Next::Onward)
        })?;
        let files = lines.iter().filter(|line| !line.is_folder).count();
        let (text, all_shown) = fit(&lines, limits.bytes);
        Ok(FileMap { text, files, truncated: !(is_whole && all_shown) })
    }
}

/// The deepest map that fits; where not even the outermost does, as many lines as fit.
fn fit(lines: &[Line], budget: usize) -> (String, bool) {
    let deepest = lines.iter().map(|line| line.depth).max().unwrap_or(0);
    for depth in (0..=deepest).rev() {
        let text = draw(lines, depth);
        if text.len() <= budget {
            return (text, depth == deepest);
        }
    }
    let text = draw(lines, 0);
    let mut end = 0;
    // A note of how many are left out takes its place too.
    let room = budget.saturating_sub(40);
    for line in text.split_inclusive('\n').take_while(|line| line.len() <= room) {
        if end + line.len() > room {
            break;
        }
        end += line.len();
    }
    let left_out = text[end..].lines().count();
    let mut cut = text[..end].to_owned();
    let _ = writeln!(cut, "… and {left_out} more");
    if cut.len() > budget {
        cut.clear();
    }
    (cut, false)
}

fn draw(lines: &[Line], deepest: usize) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| line.depth <= deepest) {
        let Line { depth, name, size, inside, .. } = line;
        let indent = "  ".repeat(*depth);
        // Writing to a text does not fail.
        let _ = match line.is_folder {
            false => writeln!(text, "{indent}{name} {}", human(*size)),
            true if *depth == deepest && *inside > 0 => writeln!(text, "{indent}{name}/ ({inside} files)"),
            true => writeln!(text, "{indent}{name}/"),
        };
    }
    text
}

/// A name in one line, whatever is in it.
fn shown(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn human(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(depth: usize, name: &str, inside: usize) -> Line {
        Line { depth, name: name.into(), is_folder: inside > 0, size: 10, inside }
    }

    #[test]
    fn folds_the_innermost_folders_first() {
        let lines = [
            line(0, "a.txt", 0),
            line(0, "src", 3),
            line(1, "b.txt", 0),
            line(1, "deep", 2),
            line(2, "c.txt", 0),
            line(2, "d.txt", 0),
        ];
        let whole = "a.txt 10 B\nsrc/\n  b.txt 10 B\n  deep/\n    c.txt 10 B\n    d.txt 10 B\n";
        assert_eq!(fit(&lines, 1_000), (whole.to_owned(), true));
        let folded = "a.txt 10 B\nsrc/\n  b.txt 10 B\n  deep/ (2 files)\n";
        assert_eq!(fit(&lines, whole.len() - 1), (folded.to_owned(), false));
        assert_eq!(fit(&lines, 40), ("a.txt 10 B\nsrc/ (3 files)\n".to_owned(), false));
        for budget in 0..whole.len() {
            assert!(fit(&lines, budget).0.len() <= budget, "{budget}");
        }
    }
}
