//! Paths as people and agents write them, made safe to resolve.
//!
//! Invariant: a [`TreePath`] has no part that could lead upwards or away; whether what it names is
//! a link is the business of `folder.rs`.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The longest name the kernel takes, in bytes.
pub const MAX_NAME_BYTES: usize = 255;
/// How many folders may lie in one another.
pub const MAX_DEPTH: usize = 128;
/// The longest path the kernel takes in one call, in bytes.
const MAX_PATH_BYTES: usize = 4_000;
/// Begins the names of files that are still being written; nobody else may use it.
pub(crate) const PARTIAL: &str = ".atelier-part-";

/// A path relative to the folder, `/` between its names; empty for the folder itself.
///
/// A backslash, a newline or a leading dash are ordinary letters of a name on Linux, and so they
/// are here. A leading `./` and one `/` at the end are left out, as people write both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The folder itself.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// The path of something inside the folder.
    ///
    /// # Errors
    /// [`Error::PathRefused`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let path = Self::parse_folder(text)?;
        if path.is_root() { Err(refused(text, "it is empty")) } else { Ok(path) }
    }

    /// As [`TreePath::parse`], where an empty path and `.` name the folder itself.
    ///
    /// # Errors
    /// [`Error::PathRefused`].
    pub fn parse_folder(text: &str) -> Result<Self, Error> {
        if text.starts_with('/') {
            return Err(refused(text, "it is absolute"));
        }
        let inner = text.strip_prefix("./").unwrap_or(text);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() || inner == "." {
            return Ok(Self::root());
        }
        if inner.len() > MAX_PATH_BYTES {
            return Err(refused(text, "it is too long"));
        }
        if inner.split('/').count() > MAX_DEPTH {
            return Err(refused(text, "it has too many folders in one another"));
        }
        match inner.split('/').find_map(fault) {
            Some(reason) => Err(refused(text, reason)),
            None => Ok(Self(inner.to_owned())),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the folder itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Its names, the outermost first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// The folder it lies in, and its own name; `None` for the folder itself.
    pub fn split_last(&self) -> Option<(Self, &str)> {
        match self.0.rsplit_once('/') {
            Some((parent, name)) => Some((Self(parent.to_owned()), name)),
            None if self.is_root() => None,
            None => Some((Self::root(), &self.0)),
        }
    }

    /// The path of `other` inside this folder.
    ///
    /// # Errors
    /// [`Error::PathRefused`] if the two are too long together.
    pub fn join(&self, other: &Self) -> Result<Self, Error> {
        if self.is_root() || other.is_root() {
            return Ok(if self.is_root() { other.clone() } else { self.clone() });
        }
        Self::parse_folder(&format!("{self}/{other}"))
    }
}

impl AsRef<[u8]> for TreePath {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TreePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

/// Whether this is the name of a file that is still being written.
pub(crate) fn is_partial(name: &[u8]) -> bool {
    name.starts_with(PARTIAL.as_bytes())
}

/// A name below a path, for messages and results; bytes that are no text are replaced.
pub(crate) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() {
        return name.to_vec();
    }
    [folder, b"/", name].concat()
}

fn fault(name: &str) -> Option<&'static str> {
    match name {
        "" => Some("a name in it is empty"),
        "." | ".." => Some("`.` and `..` are not names"),
        _ if name.len() > MAX_NAME_BYTES => Some("a name in it is too long"),
        _ if name.contains('\0') => Some("it has a zero character"),
        _ if is_partial(name.as_bytes()) => Some("names that begin so are kept for files being written"),
        _ => None,
    }
}

fn refused(path: &str, reason: &'static str) -> Error {
    Error::PathRefused { path: path.chars().take(300).collect(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = TreePath::parse(text).ok();
        assert_eq!(parsed.as_ref().map(TreePath::as_str), expected, "{text:?}");
    }

    #[test]
    fn takes_what_a_linux_name_may_be_and_nothing_that_leads_away() {
        check("a", Some("a"));
        check("a/b.c", Some("a/b.c"));
        check("./a", Some("a"));
        check("src/", Some("src"));
        check(r"a\b", Some(r"a\b"));
        check(r"..\b", Some(r"..\b"));
        check("...", Some("..."));
        check(" ", Some(" "));
        check("-rf", Some("-rf"));
        check("a\nb", Some("a\nb"));
        check("مرحبا/文件/🦀.txt", Some("مرحبا/文件/🦀.txt"));
        check("cafe\u{301}", Some("cafe\u{301}"));
        check("", None);
        check(".", None);
        check("./", None);
        check("/", None);
        check("/etc/passwd", None);
        check("..", None);
        check("a/..", None);
        check("a/../b", None);
        check("../a", None);
        check("a/./b", None);
        check("a//b", None);
        check("a//", None);
        check(".//a", None);
        check("a\0b", None);
        check(".atelier-part-1-1", None);
    }

    #[test]
    fn bounds_names_and_depth() {
        check(&"x".repeat(255), Some(&"x".repeat(255)));
        check(&"x".repeat(256), None);
        // Bytes count, not letters.
        check(&"é".repeat(128), None);
        let deep = vec!["d"; 128].join("/");
        check(&deep, Some(&deep));
        check(&vec!["d"; 129].join("/"), None);
        check(&vec!["x".repeat(100); 50].join("/"), None);
    }

    #[test]
    fn splits_and_joins() {
        let path = TreePath::parse("a/b/c").unwrap();
        let (parent, name) = path.split_last().unwrap();
        assert_eq!((parent.as_str(), name), ("a/b", "c"));
        assert_eq!(parent.join(&TreePath::parse("d").unwrap()).unwrap().as_str(), "a/b/d");
        assert!(TreePath::root().split_last().is_none());
    }
}
