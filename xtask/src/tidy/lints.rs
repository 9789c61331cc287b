//! That nothing escapes the workspace's lints, by which clippy holds the length of functions.

use std::path::PathBuf;

use super::tree::Tree;
use super::{Rule, Violation};

const MAX_FUNCTION_LINES: i64 = 70;

pub fn check(tree: &Tree, violations: &mut Vec<Violation>) {
    let settings = tree.clippy.as_deref().and_then(|text| text.parse::<toml::Table>().ok());
    let threshold = settings.and_then(|settings| settings.get("too-many-lines-threshold")?.as_integer());
    if threshold.is_none_or(|threshold| threshold > MAX_FUNCTION_LINES) {
        let message = format!("`too-many-lines-threshold` is not {MAX_FUNCTION_LINES} or less");
        let path = PathBuf::from("clippy.toml");
        violations.push(Violation { rule: Rule::Lints, path, line: 1, message });
    }
    for krate in &tree.crates {
        let lints = krate.manifest.get("lints");
        if lints.and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            let message = "the manifest does not say `[lints] workspace = true`";
            violations.push(krate.violation(Rule::Lints, "name", message));
        }
    }
    for file in tree.rust().filter(|file| !file.is_test() && !file.is_generated()) {
        for (number, line) in file.code_lines().filter(|(_, line)| line.contains("clippy::too_many_lines")) {
            let message = format!("`{}` hides a function that is too long", line.trim());
            violations.push(file.violation(Rule::Lints, number, message));
        }
    }
}
