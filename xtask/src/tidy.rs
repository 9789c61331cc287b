//! The layering and style rules that no compiler holds: `cargo xtask tidy`.
//!
//! Invariant: [`tidy`] reads files and nothing else, so a test can hand it a tree that breaks every
//! rule. Every violation says where it is and what to do.
//!
//! Start reading at [`tidy`]; each rule's place is named in [`Rule`].

mod edges;
mod files;
mod lexer;
mod lints;
pub mod tree;
mod words;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::workshop::Workshop;
use tree::Tree;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A crate depends on one of ours that it may not see (`edges`).
    Edge,
    /// A crate depends on a part that belongs to another, as axum belongs to `http` (`edges`).
    Part,
    /// The web UI's imports flow the wrong way (`edges`).
    WebImport,
    /// A file is too long (`files`).
    FileSize,
    /// A module has no documentation of its own (`files`).
    ModuleDocs,
    /// A `lib.rs` holds more than docs, modules and re-exports (`files`).
    LibContents,
    /// A module is a `mod.rs` (`files`).
    ModFile,
    /// A file, module or type is named for nothing in particular (`words`).
    Name,
    /// The environment is read outside the binary (`words`).
    Environment,
    /// Something was left unfinished (`words`).
    Unfinished,
    /// A crate or a function escapes the workspace's lints (`lints`).
    Lints,
}

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// The file, from the root.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl Rule {
    /// What to do about it.
    fn advice(self) -> &'static str {
        match self {
            Rule::Edge => "declare a small port in this crate and let `atelier` plug the other one in",
            Rule::Part => "go through the crate that owns this part",
            Rule::WebImport => "move what is shared to lib/ or components/, or pass it in from the route",
            Rule::FileSize => "split the file by what its parts are for",
            Rule::ModuleDocs => {
                "begin the file with `//!`: what it is for, its invariant, where to start reading"
            }
            Rule::LibContents => "move the code to a module and re-export it",
            Rule::ModFile => "rename it to foo.rs beside foo/",
            Rule::Name => "name it after what it does, in the field's own terms",
            Rule::Environment => "take the value as an argument; `atelier` reads the environment",
            Rule::Unfinished => "finish it or take it out",
            Rule::Lints => "follow the workspace's lints",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, path, line, message } = self;
        write!(f, "{}:{line}: {message}; {}", path.display(), rule.advice())
    }
}

/// Everything in the tree below `root` that breaks a rule, by path and line.
pub fn tidy(root: &Path) -> Vec<Violation> {
    let tree = Tree::read(root);
    let mut violations = Vec::new();
    edges::check(&tree, &mut violations);
    files::check(&tree, &mut violations);
    words::check(&tree, &mut violations);
    lints::check(&tree, &mut violations);
    violations.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    violations
}

/// `cargo xtask tidy`.
pub fn run(workshop: &Workshop) -> Result<()> {
    let violations = tidy(&workshop.root);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        number => bail!("{number} {}", if number == 1 { "rule is broken" } else { "rules are broken" }),
    }
}

#[cfg(test)]
mod tests;
