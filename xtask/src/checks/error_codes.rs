//! Every error code that the code can answer with is explained in `docs/errors.md`, and no other.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use crate::tidy::tree::{File, Tree};
use crate::workshop::Workshop;

const PAGE: &str = "docs/errors.md";
/// What stands before a code where an error is made; see `kernel::Error`.
const BEFORE: [&str; 6] = ["Error::invalid(", "not_found(", "conflict(", "unavailable(", "code:", "code ="];

/// Compares the sources with the page.
pub fn check(workshop: &Workshop) -> Result<()> {
    let tree = Tree::read(&workshop.root);
    let page =
        std::fs::read_to_string(workshop.root.join(PAGE)).with_context(|| format!("{PAGE} is missing"))?;
    super::report(&differences(&tree, &page), "differences between the error codes and their page")
}

fn differences(tree: &Tree, page: &str) -> Vec<String> {
    let mut used = BTreeMap::new();
    let mut mentioned = BTreeSet::new();
    for file in tree.rust().filter(|file| !file.is_test() && !file.path.starts_with("xtask")) {
        for literal in literals(file) {
            if literal.is_code {
                let place = format!("{}:{}", file.path.display(), literal.line);
                used.entry(literal.text.clone()).or_insert(place);
            }
            mentioned.insert(literal.text);
        }
    }
    let documented: BTreeMap<&str, usize> = documented(page).collect();
    let missing = used.iter().filter(|(code, _)| !documented.contains_key(code.as_str()));
    let missing =
        missing.map(|(code, place)| format!("{place}: the code `{code}` is not explained in {PAGE}"));
    let stale = documented.iter().filter(|(code, _)| !mentioned.contains(**code));
    let stale = stale.map(|(code, line)| format!("{PAGE}:{line}: no code answers with `{code}`"));
    missing.chain(stale).collect()
}

struct Literal {
    text: String,
    line: usize,
    /// Whether it stands where an error's code is said.
    is_code: bool,
}

/// The `snake_case` string literals of a file, its inline tests apart.
fn literals(file: &File) -> Vec<Literal> {
    let in_error_module = file.path.file_stem().is_some_and(|stem| stem == "error" || stem == "errors");
    let text: String = file.text.lines().take(file.tests_from).flat_map(|line| [line, "\n"]).collect();
    let quotes: Vec<usize> = text.match_indices('"').map(|(at, _)| at).collect();
    let pairs = quotes.windows(2).map(|pair| (pair[0], pair[1]));
    pairs
        .filter(|(open, close)| is_snake_case(&text[open + 1..*close]))
        .map(|(open, close)| {
            let before = text[..open].trim_end();
            let is_code = BEFORE.iter().any(|word| before.ends_with(word))
                || follows_kind(before)
                || (in_error_module && before.ends_with("=>"));
            let line = text[..open].matches('\n').count() + 1;
            Literal { text: text[open + 1..close].to_owned(), line, is_code }
        })
        .collect()
}

/// Whether the text ends in `Kind::Something,`, which a code follows.
fn follows_kind(before: &str) -> bool {
    let Some(before) = before.strip_suffix(',') else { return false };
    let before = before.trim_end_matches(|letter: char| letter.is_alphanumeric());
    before.ends_with("Kind::")
}

fn is_snake_case(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// The codes that have a heading, a list item or a table row of their own, with their lines.
fn documented(page: &str) -> impl Iterator<Item = (&str, usize)> {
    page.lines().enumerate().filter_map(|(index, line)| {
        let rest = line.trim_start_matches(['#', '|', '-', '*', ' ']);
        let marked = rest.len() < line.len();
        let code = rest.strip_prefix('`')?.split('`').next()?;
        (marked && is_snake_case(code)).then_some((code, index + 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"//! Errors.
fn f() {
    let _ = Error::new(
        Kind::NotFound,
        "run_not_found",
        "There is no such run",
    );
    let _ = Error::invalid("goal_empty", "The goal is empty");
    let _ = match x { Error::Busy => "port_in_use" };
    let _ = name("ordinary_word");
}
#[cfg(test)]
mod tests {
    const X: Error = Error::invalid("only_in_tests", "x");
}
"#;

    #[test]
    fn finds_codes_without_a_page_and_pages_without_a_code() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("crates/runs/src");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("error.rs"), SOURCE).unwrap();
        let page =
            "# Codes\n\nSee `kernel`.\n\n| code | |\n|---|---|\n| `goal_empty` | … |\n| `gone` | … |\n";
        let expected = [
            "crates/runs/src/error.rs:9: the code `port_in_use` is not explained in docs/errors.md",
            "crates/runs/src/error.rs:5: the code `run_not_found` is not explained in docs/errors.md",
            "docs/errors.md:8: no code answers with `gone`",
        ];
        assert_eq!(differences(&Tree::read(root.path()), page), expected);
    }
}
