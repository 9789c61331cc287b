//! Replacing a piece of text in a file exactly.

use crate::error::Error;
use crate::path::TreePath;
use crate::read::Version;
use crate::worktree::Worktree;
use crate::write::Expected;

/// The largest file that is edited so.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// How many places an error names.
const PLACES: usize = 5;
/// Lines longer than this are compared by their beginning.
const COMPARED: usize = 200;
/// How much of the letter pairs of two lines must be the same for one to be named, in percent.
const ALIKE_PERCENT: usize = 50;

/// An edit that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edited {
    /// What the file is now.
    pub version: Version,
    /// How many places were replaced.
    pub count: usize,
}

/// An edit that could be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What the file is now.
    pub before: Version,
    /// What it would contain.
    pub text: String,
    /// How many places would be replaced.
    pub count: usize,
}

impl Worktree {
    /// Replaces `old` by `new`. The text has to be there exactly once, unless `all` of its places
    /// are meant.
    ///
    /// # Errors
    /// [`Error::EditNotFound`], [`Error::EditAmbiguous`], [`Error::EditEmpty`], [`Error::NotText`],
    /// [`Error::Changed`], and those of [`Worktree::read`] and [`Worktree::write`].
    pub fn edit(&self, path: &TreePath, old: &str, new: &str, all: bool) -> Result<Edited, Error> {
        let _alone = self.inner.changes.lock();
        let Proposal { before, text, count } = self.propose_edit(path, old, new, all)?;
        let version = self.write_alone(path, text.as_bytes(), Expected::Version(before))?;
        Ok(Edited { version, count })
    }

    /// What [`Worktree::edit`] would make of a file, without making it.
    ///
    /// # Errors
    /// As [`Worktree::edit`].
    pub fn propose_edit(&self, path: &TreePath, old: &str, new: &str, all: bool) -> Result<Proposal, Error> {
        if old.is_empty() {
            return Err(Error::EditEmpty { reason: "the text to replace is empty" });
        }
        if old == new {
            return Err(Error::EditEmpty { reason: "both texts are the same" });
        }
        let content = self.read(path, MAX_BYTES)?;
        let text = content.text().ok_or_else(|| Error::NotText { path: path.to_string() })?;
        let count = text.matches(old).count();
        if count == 0 {
            return Err(Error::EditNotFound { path: path.to_string(), near: most_alike(text, old) });
        }
        if count > 1 && !all {
            let lines = text.match_indices(old).take(PLACES).map(|(at, _)| line_at(text, at)).collect();
            return Err(Error::EditAmbiguous { path: path.to_string(), count, lines });
        }
        Ok(Proposal { before: content.version, text: text.replace(old, new), count })
    }
}

fn line_at(text: &str, at: usize) -> usize {
    text[..at].bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// The numbers of the lines that are most like the first line with words of what was looked for.
fn most_alike(text: &str, old: &str) -> Vec<usize> {
    let Some(wanted) = old.lines().find(|line| !line.trim().is_empty()).map(pairs) else { return Vec::new() };
    let mut alike: Vec<(usize, usize)> = text
        .lines()
        .enumerate()
        .map(|(index, line)| (likeness(&wanted, &pairs(line)), index + 1))
        .filter(|(likeness, _)| *likeness >= ALIKE_PERCENT)
        .collect();
    alike.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    alike.into_iter().take(3).map(|(_, line)| line).collect()
}

/// The pairs of neighbouring letters of a line, spaces apart, in order.
fn pairs(line: &str) -> Vec<(char, char)> {
    let letters: Vec<char> = line.chars().filter(|letter| !letter.is_whitespace()).take(COMPARED).collect();
    let mut pairs: Vec<(char, char)> = letters.windows(2).map(|pair| (pair[0], pair[1])).collect();
    if let [only] = letters[..] {
        pairs.push((only, '\0'));
    }
    pairs.sort_unstable();
    pairs
}

/// How much of two sorted lists is the same, in percent (the coefficient of Dice).
fn likeness(left: &[(char, char)], right: &[(char, char)]) -> usize {
    let (mut at, mut same) = (0, 0_usize);
    for pair in left {
        while at < right.len() && right[at] < *pair {
            at += 1;
        }
        if right.get(at) == Some(pair) {
            at += 1;
            same += 1;
        }
    }
    (200 * same).checked_div(left.len() + right.len()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, old: &str, expected: &[usize]) {
        assert_eq!(most_alike(text, old), expected);
    }

    #[test]
    fn names_the_lines_most_like_what_was_looked_for() {
        let text = "fn a() {}\n\tlet total = 1;\nlet totals = 2;\n}\n";
        check(text, "let total = 1;\n", &[2, 3]);
        check(text, "    let  total = 1;", &[2, 3]);
        check(text, "\n\n}\n", &[4]);
        check(text, "something else entirely", &[]);
        check("", "x", &[]);
    }
}
