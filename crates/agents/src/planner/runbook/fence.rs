//! What a code block is: code to run, or something to show.
//!
//! Invariant: only a fence that names a language the sandbox runs, and is not marked otherwise,
//! is run; what is in it is never looked at to decide that.

use crate::plan::{CodeLanguage, Language};
use crate::planner::words::cut;

/// The most of a block that is shown in a note.
const SHOWN_BYTES: usize = 20_000;

/// What becomes of a code block.
pub(in crate::planner) enum Fence {
    /// It is run.
    Run(CodeLanguage, String),
    /// It is shown: the detail of a note, which says why it is not run.
    Show(String),
    /// There is nothing in it.
    Empty,
}

/// Decides by the fence's info string; `None` stands for an indented block.
pub(in crate::planner) fn read(info: Option<&str>, text: &str, language: Language) -> Fence {
    if text.trim().is_empty() {
        return Fence::Empty;
    }
    let info = info.unwrap_or_default();
    let mut words = info
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ';'))
        .map(|word| word.trim_start_matches('.'))
        .filter(|word| !word.is_empty());
    let name = words.next().unwrap_or_default();
    let is_marked = words.any(|word| {
        matches!(
            word.to_lowercase().as_str(),
            "no-run" | "norun" | "no_run" | "ignore" | "skip" | "nao-rodar" | "não-rodar" | "nao-executar"
        )
    });
    match CodeLanguage::from_name(name) {
        Some(code_language) if !is_marked => {
            let code =
                if code_language == CodeLanguage::Shell { without_prompts(text) } else { text.to_owned() };
            if code.trim().is_empty() { Fence::Empty } else { Fence::Run(code_language, code) }
        }
        found => Fence::Show(shown(name, found.is_some(), text, language)),
    }
}

fn shown(name: &str, is_marked: bool, text: &str, language: Language) -> String {
    let name = cut(name, 40);
    let why = if is_marked {
        language
            .pick("Not run: the block is marked so.", "Não executado: o bloco está marcado assim.")
            .to_owned()
    } else if name.is_empty() {
        language
            .pick(
                "Not run: the block names no language. Write python, javascript or shell after the opening fence.",
                "Não executado: o bloco não diz a linguagem. Escreva python, javascript ou shell após a cerca.",
            )
            .to_owned()
    } else {
        match language {
            Language::En => {
                format!("Not run: “{name}” is not a language the sandbox runs (python, javascript, shell).")
            }
            Language::Pt => {
                format!("Não executado: o sandbox não executa “{name}” (só python, javascript e shell).")
            }
        }
    };
    // A longer fence than any inside, so that what is shown cannot end it.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.clamp(2, 80) + 1);
    format!("{why}\n\n{fence}{name}\n{}\n{fence}", cut(text, SHOWN_BYTES).trim_end())
}

/// A console session without its prompts and output: `$ ` lines and what continues them. Text
/// that does not begin with a prompt is left as it is.
fn without_prompts(text: &str) -> String {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if !first.trim_start().starts_with("$ ") {
        return text.to_owned();
    }
    let mut code = String::with_capacity(text.len());
    let mut continues = false;
    for line in text.lines() {
        let trimmed = line.trim_start();
        let command = match trimmed.strip_prefix("$ ") {
            Some(command) => command,
            None if continues => trimmed.strip_prefix("> ").unwrap_or(line),
            None => continue,
        };
        continues = command.trim_end().ends_with('\\');
        code.push_str(command);
        code.push('\n');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(info: &str, text: &str, expected: &str) {
        let found = match read(Some(info), text, Language::En) {
            Fence::Run(language, code) => format!("{}: {code}", language.name()),
            Fence::Show(detail) => detail.lines().next().unwrap_or_default().to_owned(),
            Fence::Empty => "empty".to_owned(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_info_string_decides() {
        check("python", "print(1)", "python: print(1)");
        check("Py title=\"x\"", "print(1)", "python: print(1)");
        check("{python}", "print(1)", "python: print(1)");
        check("js", "1", "javascript: 1");
        check("node", "1", "javascript: 1");
        check("bash", "ls", "shell: ls");
        check("console", "$ ls\nout\n$ echo a \\\n> b\na b\n", "shell: ls\necho a \\\nb\n");
        check("console", "ls\n", "shell: ls\n");
        check("sh", "  \n", "empty");
        check("python no-run", "print(1)", "Not run: the block is marked so.");
        check(
            "sql",
            "select 1",
            "Not run: “sql” is not a language the sandbox runs (python, javascript, shell).",
        );
        check(
            "",
            "x",
            "Not run: the block names no language. Write python, javascript or shell after the opening fence.",
        );
    }
}
