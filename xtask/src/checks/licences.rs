//! Every package we build on has a licence from `deny.toml` and comes from crates.io or npm.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process;
use crate::workshop::Workshop;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Beside those of `deny.toml`, for what the UI is built with: fonts, data and build tools.
const WEB_TOO: [&str; 4] = ["BlueOak-1.0.0", "CC-BY-4.0", "OFL-1.1", "Python-2.0"];

/// Reads what cargo and npm have resolved.
pub fn check(workshop: &Workshop) -> Result<()> {
    let allowed = allow_list(&std::fs::read_to_string(workshop.root.join("deny.toml"))?)?;
    let mut command = workshop.cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    let metadata: Value = serde_json::from_str(&process::output(&mut command)?)?;
    let mut found = crates(&metadata, &allowed);
    let lock = workshop.web().join("package-lock.json");
    let lock = std::fs::read_to_string(lock).context("web/package-lock.json cannot be read")?;
    found.extend(packages(&serde_json::from_str(&lock)?, &allowed));
    super::report(&found, "packages that may not be used; replace them, or argue for deny.toml")
}

fn allow_list(text: &str) -> Result<Vec<String>> {
    let table: toml::Table = text.parse().context("deny.toml cannot be read")?;
    let list = table.get("licenses").and_then(|licenses| licenses.get("allow")?.as_array());
    let list = list.context("deny.toml has no [licenses] allow")?;
    Ok(list.iter().filter_map(|licence| licence.as_str().map(str::to_owned)).collect())
}

fn crates(metadata: &Value, allowed: &[String]) -> Vec<String> {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut found = Vec::new();
    // A package without a source is one of ours.
    for package in packages.iter().filter(|package| !package["source"].is_null()) {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        if package["source"] != CRATES_IO {
            found.push(format!("{name} does not come from crates.io but from {}", text(&package["source"])));
        }
        let licence = package["license"].as_str();
        if !licence.is_some_and(|licence| satisfied(licence, &|one| allowed.iter().any(|known| known == one)))
        {
            found.push(format!("{name} has the licence {}", licence.unwrap_or("(none named)")));
        }
    }
    found
}

fn packages(lock: &Value, allowed: &[String]) -> Vec<String> {
    let known = |one: &str| allowed.iter().any(|known| known == one) || WEB_TOO.contains(&one);
    let packages = lock["packages"].as_object().into_iter().flatten();
    packages
        .filter(|(path, _)| path.starts_with("node_modules/"))
        .filter_map(|(path, package)| {
            let licence = package["license"].as_str();
            let fine = licence.is_some_and(|licence| satisfied(licence, &known));
            (!fine).then(|| format!("{path} has the licence {}", licence.unwrap_or("(none named)")))
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

/// Whether an SPDX expression can be satisfied with licences we know; `/` is an old way to say OR.
fn satisfied(expression: &str, known: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, known, complete: true };
    parser.any() && parser.words.is_empty() && parser.complete
}

struct Parser<'a> {
    words: &'a [&'a str],
    known: &'a dyn Fn(&str) -> bool,
    /// Whether a licence stood wherever one has to, and every bracket was closed.
    complete: bool,
}

impl<'a> Parser<'a> {
    fn take(&mut self, word: &str) -> bool {
        let there = self.words.first() == Some(&word);
        if there {
            self.words = &self.words[1..];
        }
        there
    }

    fn next(&mut self) -> &'a str {
        let Some((word, rest)) = self.words.split_first() else {
            self.complete = false;
            return "";
        };
        self.words = rest;
        word
    }

    fn any(&mut self) -> bool {
        let mut result = self.all();
        while self.take("OR") {
            result |= self.all();
        }
        result
    }

    fn all(&mut self) -> bool {
        let mut result = self.one();
        while self.take("AND") {
            result &= self.one();
        }
        result
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let result = self.any();
            self.complete &= self.take(")");
            return result;
        }
        let licence = self.next();
        if self.take("WITH") {
            let exception = self.next();
            // An exception only ever allows more than the licence does.
            return (self.known)(&format!("{licence} WITH {exception}")) || (self.known)(licence);
        }
        (self.known)(licence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, expected: bool) {
        let known = |one: &str| ["MIT", "Apache-2.0", "Unicode-3.0"].contains(&one);
        assert_eq!(satisfied(expression, &known), expected, "{expression}");
    }

    #[test]
    fn reads_licence_expressions() {
        check("MIT", true);
        check("GPL-3.0", false);
        check("MIT OR GPL-3.0", true);
        check("MIT AND GPL-3.0", false);
        check("MIT/Apache-2.0", true);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("(MIT OR Apache-2.0) AND NCSA", false);
        check("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true);
        check("MIT OR (GPL-3.0 AND", false);
        check("", false);
    }

    #[test]
    fn names_a_crate_with_another_licence_or_from_elsewhere() {
        let metadata = serde_json::json!({"packages": [
            {"name": "ours", "version": "1", "source": null, "license": "Secret"},
            {"name": "good", "version": "1", "source": CRATES_IO, "license": "MIT"},
            {"name": "bad", "version": "2", "source": "git+ssh://x", "license": "AGPL-3.0"},
            {"name": "bare", "version": "3", "source": CRATES_IO, "license": null},
        ]});
        let expected = [
            "bad 2 does not come from crates.io but from git+ssh://x",
            "bad 2 has the licence AGPL-3.0",
            "bare 3 has the licence (none named)",
        ];
        assert_eq!(crates(&metadata, &["MIT".to_owned()]), expected);
    }
}
