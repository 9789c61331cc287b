//! Definitions of any language, by keywords and indentation.
//!
//! A line that looks like a definition holds the lines below it that are indented deeper, up to the
//! line that closes it.

use std::ops::Range;

use super::Line;

const KEYWORDS: &[&str] = &[
    "fn",
    "func",
    "function",
    "def",
    "class",
    "struct",
    "enum",
    "trait",
    "interface",
    "impl",
    "module",
    "mod",
    "namespace",
    "object",
    "record",
    "sub",
    "proc",
    "procedure",
    "macro",
    "defmodule",
    "defp",
    "defmacro",
    "defn",
    "data",
    "newtype",
    "instance",
    "contract",
    "library",
    "event",
    "extension",
    "protocol",
    "actor",
    "union",
    "package",
    "program",
    "subroutine",
    "entity",
    "architecture",
    "fun",
    "resource",
    "service",
    "message",
    "rpc",
];

const MODIFIERS: &[&str] = &[
    "pub",
    "public",
    "private",
    "protected",
    "internal",
    "export",
    "default",
    "async",
    "static",
    "final",
    "abstract",
    "override",
    "inline",
    "virtual",
    "unsafe",
    "extern",
    "const",
    "sealed",
    "open",
    "partial",
    "data",
    "local",
    "suspend",
    "operator",
    "explicit",
    "constexpr",
    "template",
    "typedef",
    "declare",
    "case",
    "readonly",
];

const NO_FUNCTIONS: &[&str] = &[
    "if",
    "for",
    "while",
    "switch",
    "else",
    "catch",
    "do",
    "return",
    "try",
    "foreach",
    "using",
    "lock",
    "when",
    "match",
    "until",
    "with",
    "new",
    "throw",
    "elif",
    "elsif",
    "unless",
    "foreach_",
    "synchronized",
];

/// The lines and names of what looks like definitions, an outer one before those in it.
pub(super) fn definitions(lines: &[Line<'_>]) -> Vec<(Range<usize>, String)> {
    let mut found: Vec<(Range<usize>, String)> = Vec::new();
    // Definitions that have not ended: their index and indentation.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut last_written = 0;
    for (number, line) in lines.iter().enumerate() {
        let Some(indent) = line.indent else { continue };
        let text = line.text.trim();
        let closing = closes(text);
        while let Some((index, of)) = open.last().copied() {
            if indent > of
                || indent == of && number == found[index].0.start + 1 && text.starts_with(['{', '('])
            {
                break;
            }
            found[index].0.end = if closing && indent == of { number + 1 } else { last_written + 1 };
            open.pop();
        }
        if let Some(name) = name(text) {
            open.push((found.len(), indent));
            found.push((number..lines.len(), name));
        }
        last_written = number;
    }
    // One line that holds nothing is a declaration, not worth a chunk of its own.
    found.retain(|(range, _)| range.len() > 1);
    found
}

fn closes(text: &str) -> bool {
    text.starts_with(['}', ')', ']']) || text == "end" || text.starts_with("end ") || text.starts_with("end;")
}

/// The name of what a line defines.
fn name(text: &str) -> Option<String> {
    const LONGEST: usize = 400;
    if text.len() > LONGEST
        || text.starts_with(['/', '*', '#', '"', '\'', '}', '<', '-', ';']) && !text.starts_with("-spec")
    {
        return None;
    }
    let is_word = |letter: char| letter.is_alphanumeric() || "_$:?!".contains(letter);
    let mut words =
        text.split(|letter: char| letter.is_whitespace() || letter == '(').filter(|word| !word.is_empty());
    let keyword = words.find(|word| !MODIFIERS.contains(word) && !word.starts_with("pub("))?;
    if KEYWORDS.contains(&keyword) {
        let name = words.next()?;
        let end = name.find(|letter: char| !is_word(letter) && letter != '.').unwrap_or(name.len());
        let name = name[..end].trim_end_matches(':');
        return (!name.is_empty() && !name.starts_with(':')).then(|| name.to_owned());
    }
    // A function without a keyword: a name, parentheses, a brace.
    let (head, rest) = text.split_once('(')?;
    let opens = rest.trim_end().ends_with('{')
        || rest.trim_end().ends_with(')') && head.split_whitespace().count() > 1;
    let plain = !head.contains(['=', '.', '"', '\'']) && !rest.contains(';');
    let name = head.trim_end().rsplit(|letter: char| !is_word(letter) && letter != '~').next()?;
    let first = head.split_whitespace().next()?;
    let control = NO_FUNCTIONS.contains(&first) || NO_FUNCTIONS.contains(&name);
    (opens
        && plain
        && !control
        && name.starts_with(|letter: char| letter.is_alphabetic() || "_~$".contains(letter)))
    .then(|| name.to_owned())
}
