//! The files that the rules are about, read once.

use std::path::{Path, PathBuf};

use super::lexer;
use super::{Rule, Violation};

/// Folders that hold nothing of ours.
const FOREIGN: [&str; 4] = ["target", "node_modules", "dist", "test-results"];

/// A file as the rules see it.
pub struct File {
    /// From the root, with `/` between its parts.
    pub path: PathBuf,
    /// As it is.
    pub text: String,
    /// Rust only: the same text with comments, strings and characters blanked out, line by line.
    pub code: String,
    /// Rust only: the line of `code` at which an inline test module begins, from 0.
    pub tests_from: usize,
}

/// One of our crates.
pub struct Crate {
    /// Its package name.
    pub name: String,
    /// The path of its manifest.
    pub manifest_path: PathBuf,
    /// Its manifest, as text for line numbers.
    pub text: String,
    /// Its manifest.
    pub manifest: toml::Table,
}

/// What is below a root.
pub struct Tree {
    /// Rust, TypeScript, CSS and Python.
    pub files: Vec<File>,
    /// Every `crates/*` and `xtask`.
    pub crates: Vec<Crate>,
    /// `clippy.toml`, if there is one.
    pub clippy: Option<String>,
}

impl Tree {
    /// Reads what is below `root`; what cannot be read is not there.
    pub fn read(root: &Path) -> Self {
        let mut files = Vec::new();
        for folder in ["crates", "xtask", "web"] {
            collect(root, &root.join(folder), &mut files);
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let mut folders: Vec<PathBuf> = entries(&root.join("crates"));
        folders.push(root.join("xtask"));
        let crates = folders.iter().filter_map(|folder| Crate::read(root, folder)).collect();
        Self { files, crates, clippy: std::fs::read_to_string(root.join("clippy.toml")).ok() }
    }

    /// The Rust files.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.is("rs"))
    }
}

impl File {
    /// Whether its name ends so.
    pub fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|found| found == extension)
    }

    /// The names of its folders and its own, without the extension.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.path.iter().filter_map(|name| name.to_str()).collect();
        names.pop();
        names.extend(self.path.file_stem().and_then(|stem| stem.to_str()));
        names
    }

    /// Whether it is only compiled for tests, examples or benches.
    pub fn is_test(&self) -> bool {
        let names = self.names();
        let stem = names.last().copied().unwrap_or_default();
        let folder = |name: &&str| ["tests", "examples", "benches", "e2e"].contains(name);
        names.iter().any(folder) || stem.ends_with("_tests") || stem.ends_with(".test")
    }

    /// Whether a program wrote it.
    pub fn is_generated(&self) -> bool {
        self.names().contains(&"gen") || self.text.lines().take(5).any(|line| line.contains("@generated"))
    }

    /// The lines of code outside the inline test module, numbered from 1.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.code.lines().take(self.tests_from).enumerate().map(|(index, line)| (index + 1, line))
    }

    /// A violation in this file.
    pub fn violation(&self, rule: Rule, line: usize, message: impl Into<String>) -> Violation {
        Violation { rule, path: self.path.clone(), line, message: message.into() }
    }
}

impl Crate {
    fn read(root: &Path, folder: &Path) -> Option<Self> {
        let path = folder.join("Cargo.toml");
        let text = std::fs::read_to_string(&path).ok()?;
        let manifest: toml::Table = text.parse().ok()?;
        let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
        Some(Self { name, manifest_path: path.strip_prefix(root).ok()?.to_owned(), text, manifest })
    }

    /// The first line that begins with `key`, from 1; 1 if there is none.
    pub fn line_of(&self, key: &str) -> usize {
        let begins = |line: &str| {
            let rest = line.trim_start().strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start().starts_with(['=', '.']))
                || line.trim_end().ends_with(&format!("dependencies.{key}]"))
        };
        self.text.lines().position(begins).map_or(1, |index| index + 1)
    }

    /// A violation in its manifest.
    pub fn violation(&self, rule: Rule, key: &str, message: impl Into<String>) -> Violation {
        let (path, line) = (self.manifest_path.clone(), self.line_of(key));
        Violation { rule, path, line, message: message.into() }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = found.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<File>) {
    for path in entries(folder) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || FOREIGN.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if ["rs", "ts", "tsx", "css", "mjs", "py"]
            .iter()
            .any(|known| path.extension().is_some_and(|it| it == *known))
        {
            files.extend(read(root, &path));
        }
    }
}

fn read(root: &Path, path: &Path) -> Option<File> {
    let text = std::fs::read_to_string(path).ok()?;
    let rust = path.extension().is_some_and(|extension| extension == "rs");
    let code = if rust { lexer::code_only(&text) } else { String::new() };
    let tests_from = inline_tests(&code).unwrap_or(usize::MAX);
    Some(File { path: path.strip_prefix(root).ok()?.to_owned(), text, code, tests_from })
}

/// The line, from 0, of a `#[cfg(test)]` whose module is written out below it.
fn inline_tests(code: &str) -> Option<usize> {
    let lines: Vec<&str> = code.lines().collect();
    lines.windows(2).position(|pair| {
        pair[0].starts_with("#[cfg(test)]") && pair[1].starts_with("mod ") && pair[1].contains('{')
    })
}
