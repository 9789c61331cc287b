//! What is left out when a folder is shown, searched, watched or packed: what tools make again by
//! themselves, and what the tree's own `.gitignore` files say.
//!
//! Invariant: the rules only ever leave out; they are texts of strangers and bounded as such.

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::folder::{Folder, c_string, read_whole};
use crate::path::{is_partial, joined};

/// Folders that are made by tools and made again when they are missing.
pub const MADE_BY_TOOLS: [&str; 22] = [
    ".git",
    ".hg",
    ".svn",
    "node_modules",
    "bower_components",
    ".venv",
    "venv",
    "__pycache__",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    "dist",
    "build",
    ".next",
    ".nuxt",
    ".svelte-kit",
    ".turbo",
    ".cache",
    ".parcel-cache",
    "coverage",
    "target",
];

const MAX_FILE_BYTES: u64 = 64 * 1024;
const MAX_LINES: usize = 1_000;
/// How many `.gitignore` files are read in one walk.
const MAX_FILES: usize = 200;

/// The rules that hold where a walk is.
pub(crate) struct Rules {
    /// Of the folders on the way, the outermost first, with the length of their path.
    files: Vec<(usize, Gitignore)>,
    read: usize,
}

impl Rules {
    pub(crate) fn new() -> Self {
        Self { files: Vec::new(), read: 0 }
    }

    /// Takes in the rules of a folder that is entered; [`Rules::leave`] gives back the result.
    pub(crate) fn enter(&mut self, folder: &Folder, path: &[u8]) -> bool {
        if self.read == MAX_FILES {
            return false;
        }
        let Some(rules) = read_rules(folder) else { return false };
        self.read += 1;
        let length = if path.is_empty() { 0 } else { path.len() + 1 };
        self.files.push((length, rules));
        true
    }

    pub(crate) fn leave(&mut self, entered: bool) {
        if entered {
            self.files.pop();
        }
    }

    /// Whether something in the folder at `path` is left out.
    pub(crate) fn leave_out(&self, path: &[u8], name: &[u8], is_folder: bool) -> bool {
        if is_partial(name) || (is_folder && is_made_by_tools(name)) {
            return true;
        }
        if self.files.is_empty() {
            return false;
        }
        let full = joined(path, name);
        let decided = self.files.iter().rev().find_map(|(length, rules)| {
            // What is no text cannot be meant by a rule.
            let below = std::str::from_utf8(full.get(*length..)?).ok()?;
            match rules.matched(below, is_folder) {
                Match::None => None,
                Match::Ignore(_) => Some(true),
                Match::Whitelist(_) => Some(false),
            }
        });
        decided.unwrap_or(false)
    }
}

/// Whether a folder of this name is left out everywhere.
pub(crate) fn is_made_by_tools(name: &[u8]) -> bool {
    MADE_BY_TOOLS.iter().any(|made| made.as_bytes() == name)
}

fn read_rules(folder: &Folder) -> Option<Gitignore> {
    let (mut file, stat) = folder.child_file(&c_string(b".gitignore"), b".gitignore").ok()?;
    let bytes = read_whole(&mut file, &stat, b".gitignore", MAX_FILE_BYTES).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut builder = GitignoreBuilder::new("");
    for line in text.trim_start_matches('\u{feff}').lines().take(MAX_LINES) {
        // A line that is no pattern leaves nothing out.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok().filter(|rules| !rules.is_empty())
}
