//! The shape of files: how long, how they begin, what a `lib.rs` holds, where modules live.

use super::tree::{File, Tree};
use super::{Rule, Violation};

const MAX_LINES: usize = 800;

pub fn check(tree: &Tree, violations: &mut Vec<Violation>) {
    for file in &tree.files {
        let lines = file.text.lines().count().min(file.tests_from);
        if lines > MAX_LINES && !file.is_test() && !file.is_generated() {
            let message = format!("{lines} lines, more than {MAX_LINES}");
            violations.push(file.violation(Rule::FileSize, MAX_LINES + 1, message));
        }
    }
    for file in tree.rust().filter(|file| !file.is_generated()) {
        check_docs(file, violations);
        match file.path.file_name().and_then(|name| name.to_str()) {
            Some("mod.rs") => violations.push(file.violation(Rule::ModFile, 1, "a module in a mod.rs")),
            Some("lib.rs") => violations.extend(first_item_of_its_own(file)),
            _ => {}
        }
    }
}

fn check_docs(file: &File, violations: &mut Vec<Violation>) {
    let first = file.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!["));
    if !first.is_some_and(|line| line.starts_with("//!")) {
        violations.push(file.violation(Rule::ModuleDocs, 1, "a module without documentation"));
    }
}

/// The first item of a `lib.rs` that is neither a module declaration nor an import.
fn first_item_of_its_own(file: &File) -> Option<Violation> {
    let mut at = 0;
    let code = &file.code;
    loop {
        at += code[at..].len() - code[at..].trim_start().len();
        let rest = &code[at..];
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with('#') {
            at += end_of_attribute(rest);
            continue;
        }
        let end = rest.find(';').map_or(rest.len(), |end| end + 1);
        if !is_declaration(&rest[..end]) {
            let line = code[..at].lines().count().max(1) + usize::from(code[..at].ends_with('\n'));
            let item = rest.lines().next().unwrap_or_default().trim_end();
            let message = format!("`{item}` in a lib.rs, which holds docs, modules and re-exports only");
            return Some(file.violation(Rule::LibContents, line, message));
        }
        at += end;
    }
}

fn is_declaration(item: &str) -> bool {
    let mut words = item.split_whitespace().peekable();
    if words.peek().is_some_and(|word| word.starts_with("pub")) {
        words.next();
    }
    match words.next() {
        Some("mod") => !item.contains('{') && item.ends_with(';'),
        Some("use" | "extern") => item.ends_with(';'),
        _ => false,
    }
}

fn end_of_attribute(rest: &str) -> usize {
    let mut depth = 0;
    for (index, letter) in rest.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return index + 1;
        }
    }
    rest.len()
}
