//! Looking for text in the files.

use std::time::{Duration, Instant};

use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder};

use crate::error::Error;
use crate::folder::read_whole;
use crate::list::EntryKind;
use crate::walk::{Bounds, Found, Next, walk};
use crate::worktree::Worktree;

/// How much memory a compiled pattern may take.
const PATTERN_BYTES: usize = 4 * 1024 * 1024;
/// A file with a zero byte among its first so many is binary.
const LOOKED_AT: usize = 8 * 1024;
/// How much of a line is shown.
const SNIPPET_BYTES: usize = 300;

/// What to look for, where, and for how long.
#[derive(Clone, Debug)]
pub struct Query {
    /// The text, or the regular expression.
    pub text: String,
    /// Whether `text` is a regular expression, in the syntax of the `regex` crate.
    pub is_regex: bool,
    /// Whether upper and lower case differ.
    pub match_case: bool,
    /// Only files whose path matches, such as `*.ts` or `src/**`.
    pub glob: Option<String>,
    /// How many lines are wanted.
    pub limit: usize,
    /// How many files and folders are looked at.
    pub entries: usize,
    /// Files that are larger are passed over.
    pub file_bytes: u64,
    /// How much is read altogether.
    pub total_bytes: u64,
    /// How long it may take.
    pub time: Duration,
}

impl Query {
    /// Looks for a text exactly, in any case, with limits for interactive use.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_regex: false,
            match_case: false,
            glob: None,
            limit: 200,
            entries: 100_000,
            file_bytes: 2_000_000,
            total_bytes: 500_000_000,
            time: Duration::from_secs(5),
        }
    }
}

/// A line that matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The file's path.
    pub path: String,
    /// The line's number, from 1.
    pub line: usize,
    /// The letter of the line at which the first match begins, from 1.
    pub column: usize,
    /// The line, or of a long one the part around the match.
    pub text: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResult {
    /// At most as many as were wanted, in the order of the tree.
    pub matches: Vec<Match>,
    /// How many files were read.
    pub files: usize,
    /// Whether a limit was met before the end.
    pub truncated: bool,
}

struct Search<'a> {
    query: &'a Query,
    pattern: Regex,
    glob: Option<GlobMatcher>,
    read: u64,
    until: Instant,
    result: SearchResult,
}

impl Worktree {
    /// Looks through the text files that [`crate::ignored`] does not leave out.
    ///
    /// # Errors
    /// [`Error::QueryInvalid`] and [`Error::System`].
    pub fn search(&self, query: &Query) -> Result<SearchResult, Error> {
        let until = Instant::now() + query.time;
        let mut search = Search {
            query,
            pattern: pattern(query)?,
            glob: query.glob.as_deref().map(glob).transpose()?,
            read: 0,
            until,
            result: SearchResult::default(),
        };
        let bounds = Bounds { entries: query.entries, until };
        let is_whole = walk(&self.inner.root, bounds, &mut |found| Ok(search.visit(&found)))?;
        search.result.truncated |= !is_whole;
        Ok(search.result)
    }
}

impl Search<'_> {
    fn visit(&mut self, found: &Found<'_>) -> Next {
        if found.name.kind != EntryKind::File || !self.is_meant(found.path) {
            return Next::Onward;
        }
        // What cannot be read, or is too large, is passed over: a search is not an inventory.
        let Ok((mut file, stat)) = found.folder.child_file(&found.name.name, found.path) else {
            return Next::Onward;
        };
        let Ok(bytes) = read_whole(&mut file, &stat, found.path, self.query.file_bytes) else {
            return Next::Onward;
        };
        self.read += bytes.len() as u64;
        self.result.files += 1;
        if !bytes[..bytes.len().min(LOOKED_AT)].contains(&0) && self.pattern.is_match(&bytes) {
            self.lines(&bytes, &String::from_utf8_lossy(found.path));
        }
        let is_over = self.read >= self.query.total_bytes || self.result.matches.len() >= self.query.limit;
        if is_over { Next::Stop } else { Next::Onward }
    }

    fn is_meant(&self, path: &[u8]) -> bool {
        let Some(glob) = &self.glob else { return true };
        std::str::from_utf8(path).is_ok_and(|path| glob.is_match(path))
    }

    fn lines(&mut self, bytes: &[u8], path: &str) {
        for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            if self.result.matches.len() >= self.query.limit || Instant::now() >= self.until {
                self.result.truncated = true;
                return;
            }
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Some(found) = self.pattern.find(line) {
                self.result.matches.push(Match {
                    path: path.to_owned(),
                    line: index + 1,
                    column: String::from_utf8_lossy(&line[..found.start()]).chars().count() + 1,
                    text: snippet(line, found.start()),
                });
            }
        }
    }
}

fn pattern(query: &Query) -> Result<Regex, Error> {
    if query.text.is_empty() {
        return Err(Error::QueryInvalid { reason: "it is empty".into() });
    }
    let escaped;
    let text = if query.is_regex {
        &query.text
    } else {
        escaped = regex::escape(&query.text);
        &escaped
    };
    let mut builder = RegexBuilder::new(text);
    builder.case_insensitive(!query.match_case).multi_line(true).size_limit(PATTERN_BYTES);
    builder.build().map_err(|error| Error::QueryInvalid { reason: error.to_string() })
}

/// A glob without a `/` means files of that name in any folder, as people expect.
fn glob(text: &str) -> Result<GlobMatcher, Error> {
    let everywhere = if text.contains('/') { text.to_owned() } else { format!("**/{text}") };
    let glob = GlobBuilder::new(&everywhere).literal_separator(true).build();
    let glob = glob.map_err(|error| Error::QueryInvalid { reason: error.to_string() })?;
    Ok(glob.compile_matcher())
}

fn snippet(line: &[u8], at: usize) -> String {
    let start = if line.len() <= SNIPPET_BYTES { 0 } else { at.saturating_sub(SNIPPET_BYTES / 3) };
    let end = line.len().min(start + SNIPPET_BYTES);
    // A cut may fall within a letter; what is left of it is no text.
    String::from_utf8_lossy(&line[start..end]).trim_matches('\u{fffd}').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_part_of_a_long_line_around_the_match() {
        let line = format!("{}needle{}", "é".repeat(1_000), "x".repeat(1_000));
        let shown = snippet(line.as_bytes(), 2_000);
        assert!(shown.contains("needle") && shown.len() <= SNIPPET_BYTES, "{shown}");
        assert!(!shown.contains('\u{fffd}'));
    }

    #[test]
    fn a_pattern_that_would_take_too_much_memory_is_refused() {
        let query = Query { is_regex: true, ..Query::text(r"(\w{1000}){1000}") };
        assert!(matches!(pattern(&query), Err(Error::QueryInvalid { .. })));
    }
}
