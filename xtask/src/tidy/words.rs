//! Words that have no place in the code: names that say nothing, what is unfinished, and the
//! environment outside the binary.

use super::tree::{File, Tree};
use super::{Rule, Violation};

/// Names of files and modules that say nothing.
const NAMES: [&str; 8] = ["utils", "util", "common", "helpers", "helper", "manager", "managers", "misc"];
/// Ends of type names that say nothing.
const TYPE_ENDS: [&str; 5] = ["Manager", "Helper", "Helpers", "Util", "Utils"];
const UNFINISHED: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Crates whose sources may read the environment; `testkit` is only ever part of tests.
const READS_ENVIRONMENT: [&str; 3] = ["crates/atelier", "crates/testkit", "xtask"];

pub fn check(tree: &Tree, violations: &mut Vec<Violation>) {
    for file in tree.files.iter().filter(|file| !file.is_generated()) {
        if let Some(name) = file.names().iter().find(|name| NAMES.contains(&name.to_lowercase().as_str())) {
            violations.push(file.violation(Rule::Name, 1, format!("a file or folder called `{name}`")));
        }
    }
    for file in tree.rust().filter(|file| !file.is_generated()) {
        check_names(file, violations);
        check_unfinished(file, violations);
        if !file.is_test() && !READS_ENVIRONMENT.iter().any(|folder| file.path.starts_with(folder)) {
            check_environment(file, violations);
        }
    }
}

fn check_names(file: &File, violations: &mut Vec<Violation>) {
    for (index, line) in file.code.lines().enumerate() {
        let words: Vec<&str> =
            line.split(|letter: char| !is_word(letter)).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let bad = match pair[0] {
                "mod" => NAMES.contains(&pair[1]),
                "struct" | "enum" | "trait" | "type" => TYPE_ENDS.iter().any(|end| pair[1].ends_with(end)),
                _ => false,
            };
            if bad {
                let message = format!("`{} {}` says nothing about what it is", pair[0], pair[1]);
                violations.push(file.violation(Rule::Name, index + 1, message));
            }
        }
    }
}

fn check_unfinished(file: &File, violations: &mut Vec<Violation>) {
    for (index, line) in file.code.lines().enumerate() {
        for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
            violations.push(file.violation(Rule::Unfinished, index + 1, format!("`{word}` was left behind")));
        }
    }
}

fn check_environment(file: &File, violations: &mut Vec<Violation>) {
    for (number, line) in file.code_lines() {
        // `std::env::consts` is what the binary was compiled for, not what it is started with.
        let line = line.replace("std::env::consts", "").replace("env::consts", "");
        if line.contains("std::env") || has_word(&line, "env::") {
            let message = "the environment is read here, but only `atelier` may";
            violations.push(file.violation(Rule::Environment, number, message));
        }
    }
}

/// Whether `word` stands in the line and not at the end of a longer name or path.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(|letter| is_word(letter) || letter == ':'))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
