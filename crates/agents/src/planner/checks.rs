//! From the words of a criterion to a check that a program can make.
//!
//! Invariant: a check is made only when every word of the criterion is accounted for. A text with
//! one word that this reader does not know gets no check and is a question to a person, so that
//! nothing passes because half of it was understood. The words are in [`lexicon`].
//!
//! What is understood, in English and Portuguese: a file exists, is gone, is empty or not,
//! contains a text or not, has so many rows, lines or columns, is valid JSON or XML; the output
//! contains, lacks or is a text; the step ends with an exit code or without errors; a command in
//! backquotes runs, succeeds, prints a text. Parts may be joined by “and”. Rows of a CSV are those
//! below its header; the Portuguese “linhas” are lines of text, “linhas de dados” and
//! “registros” are rows.

mod lexicon;

use crate::plan::check::relative_path;
use crate::plan::{Check, CodeLanguage, CountUnit, Criterion, Language, limits};
use lexicon::{Token, Word};

/// The criteria in one line of text: usually one; several when it joins several checks by “and”.
/// The text is kept as it was written.
#[must_use]
pub fn criteria(text: &str, language: Language) -> Vec<Criterion> {
    let text = super::words::cut(text.trim(), limits::TEXT_BYTES);
    if text.is_empty() {
        return Vec::new();
    }
    match checks(text, language) {
        Some(checks) => checks.into_iter().map(|check| Criterion::new(text, Some(check))).collect(),
        None => vec![Criterion::new(text, None)],
    }
}

/// The checks a text stands for, or `None` when any part of it is not understood.
fn checks(text: &str, language: Language) -> Option<Vec<Check>> {
    if let Some(command) = text.strip_prefix("$ ") {
        return Some(vec![command_check(command.trim())?]);
    }
    let tokens = lexicon::read(text, language);
    if tokens.is_empty() || tokens.len() > 40 {
        return None;
    }
    several_files(&tokens).or_else(|| {
        let parts: Vec<&[Token]> =
            tokens.split(|token| token.is(Word::And)).filter(|part| !part.is_empty()).collect();
        let first = *parts.first()?;
        parts
            .iter()
            .enumerate()
            .map(|(at, part)| if at == 0 { one(part) } else { continued(first, part) })
            .collect()
    })
}

/// “`a.csv` and `b.csv` exist”.
fn several_files(tokens: &[Token]) -> Option<Vec<Check>> {
    let words: Vec<&Token> =
        tokens.iter().filter(|token| !token.is(Word::And) && !token.is(Word::Be)).collect();
    let (files, verb) = match words.as_slice() {
        [files @ .., verb] if verb.is(Word::Exist) => (files, verb),
        [verb, files @ ..] if verb.is(Word::Exist) => (files, verb),
        _ => return None,
    };
    debug_assert!(verb.is(Word::Exist));
    (files.len() > 1).then_some(())?;
    files.iter().map(|file| Some(Check::FileExists { path: file.path()? })).collect()
}

/// A later part, which may leave out the subject or the verb of the first.
fn continued(first: &[Token], part: &[Token]) -> Option<Check> {
    let without_last = &first[..first.len() - 1];
    let have = Token::Word(Word::Have);
    one(part)
        .or_else(|| one(&[&first[..1], part].concat()))
        .or_else(|| one(&[without_last, part].concat()))
        .or_else(|| one(&[&first[..1], std::slice::from_ref(&have), part].concat()))
}

fn one(tokens: &[Token]) -> Option<Check> {
    equal_output(tokens).or_else(|| {
        let tokens: Vec<&Token> = tokens.iter().filter(|token| !token.is(Word::Be)).collect();
        let first = *tokens.first()?;
        let rest = &tokens[1..];
        file_check(first, rest)
            .or_else(|| file_last(&tokens))
            .or_else(|| output_check(&tokens))
            .or_else(|| exit_check(&tokens))
            .or_else(|| run_check(&tokens))
    })
}

/// “the output is 42”, “prints exactly 42”.
fn equal_output(tokens: &[Token]) -> Option<Check> {
    match tokens {
        [output, be, text] if output.is(Word::Output) && (be.is(Word::Be) || be.is(Word::Exactly)) => {
            Some(Check::OutputEquals { text: text.literal()? })
        }
        [print, exactly, text] if print.is(Word::Print) && exactly.is(Word::Exactly) => {
            Some(Check::OutputEquals { text: text.literal()? })
        }
        _ => None,
    }
}

fn file_check(subject: &Token, predicate: &[&Token]) -> Option<Check> {
    if subject.is(Word::Folder) {
        return match predicate {
            [folder, verb] if verb.is(Word::Exist) => folder_exists(folder),
            _ => None,
        };
    }
    let path = subject.path()?;
    match predicate {
        [verb] if verb.is(Word::Exist) => Some(Check::FileExists { path }),
        [not, verb] if not.is(Word::Not) && verb.is(Word::Exist) => Some(Check::FileAbsent { path }),
        [gone] if gone.is(Word::Gone) => Some(Check::FileAbsent { path }),
        [full] if full.is(Word::NotEmpty) => Some(Check::FileNotEmpty { path }),
        [not, empty] if not.is(Word::Not) && empty.is(Word::Empty) => Some(Check::FileNotEmpty { path }),
        [valid, format] if valid.is(Word::Valid) => valid_format(&path, format),
        [format, valid] if valid.is(Word::Valid) => valid_format(&path, format),
        [verb, text] if verb.is(Word::Contain) => Some(Check::FileContains { path, text: text.literal()? }),
        [verb, text] if verb.is(Word::Have) => Some(Check::FileContains { path, text: text.quoted()? }),
        [not, verb, text] | [verb, not, text]
            if not.is(Word::Not) && (verb.is(Word::Contain) || verb.is(Word::Have)) =>
        {
            Some(Check::FileLacks { path, text: text.literal()? })
        }
        [verb, amount @ ..] if verb.is(Word::Have) || verb.is(Word::Contain) => count_check(path, amount),
        _ => None,
    }
}

/// Portuguese likes the verb first: “existe o arquivo x”, “não existe x”, “existe a pasta x”.
fn file_last(tokens: &[&Token]) -> Option<Check> {
    match tokens {
        [verb, file] if verb.is(Word::Exist) => Some(Check::FileExists { path: file.path()? }),
        [not, verb, file] if not.is(Word::Not) && verb.is(Word::Exist) => {
            Some(Check::FileAbsent { path: file.path()? })
        }
        [verb, folder, path] if verb.is(Word::Exist) && folder.is(Word::Folder) => folder_exists(path),
        _ => None,
    }
}

fn folder_exists(folder: &Token) -> Option<Check> {
    shell(format!("test -d {}", quoted(&folder.path()?)))
}

fn valid_format(path: &str, format: &Token) -> Option<Check> {
    let path = serde_json::to_string(path).ok()?;
    let code = if format.is(Word::Json) {
        format!("import json\njson.load(open({path}, encoding=\"utf-8\"))")
    } else if format.is(Word::Xml) {
        format!("import xml.etree.ElementTree as tree\ntree.parse({path})")
    } else {
        return None;
    };
    Some(Check::Command { language: CodeLanguage::Python, code })
}

fn count_check(path: String, amount: &[&Token]) -> Option<Check> {
    let (bound, number, unit) = match amount {
        [number, unit] => (Word::Exactly, number, unit),
        [bound @ Token::Word(word), number, unit] if !bound.is(Word::Not) => (*word, number, unit),
        [number, Token::Word(word), unit] | [number, unit, Token::Word(word)]
            if matches!(word, Word::OrMore | Word::OrLess) =>
        {
            (*word, number, unit)
        }
        _ => return None,
    };
    let Token::Number(count, _) = number else { return None };
    let count = *count;
    let (at_least, at_most) = match bound {
        Word::Exactly => (Some(count), Some(count)),
        Word::AtLeast | Word::OrMore => (Some(count), None),
        Word::AtMost | Word::OrLess => (None, Some(count)),
        Word::MoreThan => (Some(count.checked_add(1)?), None),
        Word::LessThan => (None, Some(count.checked_sub(1)?)),
        _ => return None,
    };
    let unit = match unit {
        Token::Word(Word::Rows) => CountUnit::Rows,
        Token::Word(Word::Lines) => CountUnit::Lines,
        Token::Word(Word::Columns) => CountUnit::Columns,
        _ => return None,
    };
    Some(Check::FileCount { path, unit, at_least, at_most })
}

fn output_check(tokens: &[&Token]) -> Option<Check> {
    let speaks = |token: &Token| token.is(Word::Contain) || token.is(Word::Have) || token.is(Word::Print);
    match tokens {
        [print, text] if print.is(Word::Print) => Some(Check::OutputContains { text: text.literal()? }),
        [not, print, text] if not.is(Word::Not) && print.is(Word::Print) => {
            Some(Check::OutputLacks { text: text.literal()? })
        }
        [output, verb, text] if output.is(Word::Output) && speaks(verb) => {
            Some(Check::OutputContains { text: text.literal()? })
        }
        [output, not, verb, text] | [output, verb, not, text]
            if output.is(Word::Output) && not.is(Word::Not) && speaks(verb) =>
        {
            Some(Check::OutputLacks { text: text.literal()? })
        }
        _ => None,
    }
}

fn exit_check(tokens: &[&Token]) -> Option<Check> {
    match tokens {
        [exit, Token::Number(code, _)] if exit.is(Word::Exit) && *code <= 255 => {
            Some(Check::ExitCode { code: i32::try_from(*code).ok()? })
        }
        [success] if success.is(Word::Success) => Some(Check::ExitCode { code: 0 }),
        [run, success] if run.is(Word::Run) && success.is(Word::Success) => Some(Check::ExitCode { code: 0 }),
        _ => None,
    }
}

/// “run `make test`”, “`make test` passes”, “`./tool` prints "ok"”, “`./tool` exits with 2”.
fn run_check(tokens: &[&Token]) -> Option<Check> {
    let (asked, tokens) = match tokens {
        [run, rest @ ..] if run.is(Word::Run) => (true, rest),
        tokens => (false, tokens),
    };
    let [Token::Code(code), rest @ ..] = tokens else { return None };
    let is_prompt = code.starts_with("$ ");
    let command = code.strip_prefix("$ ").unwrap_or(code).trim();
    match rest {
        [] if asked || is_prompt => command_check(command),
        [success] if success.is(Word::Success) || success.is(Word::Works) => command_check(command),
        [exit, Token::Number(0, _)] if exit.is(Word::Exit) => command_check(command),
        [exit, Token::Number(number, _)] if exit.is(Word::Exit) && *number <= 255 => {
            shell(format!("(\n{command}\n)\ntest $? -eq {number}"))
        }
        [verb, text] if verb.is(Word::Print) || (verb.is(Word::Contain) && (asked || is_prompt)) => {
            let text = quoted(&text.literal()?);
            shell(format!("seen=$(\n{command}\n) && printf '%s\\n' \"$seen\" | grep -F -q -e {text}"))
        }
        _ => None,
    }
}

fn command_check(command: &str) -> Option<Check> {
    (!command.is_empty()).then(|| command.to_owned()).and_then(shell)
}

fn shell(code: String) -> Option<Check> {
    Some(Check::Command { language: CodeLanguage::Shell, code })
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Token {
    fn is(&self, word: Word) -> bool {
        matches!(self, Self::Word(found) if *found == word)
    }

    /// The token as a file inside the workspace.
    fn path(&self) -> Option<String> {
        let path = match self {
            Self::Path(path) => path,
            Self::Code(text) | Self::Quoted(text) if !text.contains(char::is_whitespace) => text,
            _ => return None,
        };
        if path.contains(['*', '?', '$', '|', '>', '<', '(', ';', '&']) {
            return None;
        }
        relative_path(path)
    }

    /// The token as a text to look for.
    fn literal(&self) -> Option<String> {
        match self {
            Self::Quoted(text) | Self::Code(text) | Self::Path(text) | Self::Number(_, text) => {
                Some(text.clone())
            }
            // A bare word in lower case may be a description rather than the text itself.
            Self::Name(text) => {
                text.chars().any(|c| c.is_uppercase() || c.is_numeric()).then(|| text.clone())
            }
            Self::Word(_) => None,
        }
        .filter(|text| !text.is_empty())
    }

    fn quoted(&self) -> Option<String> {
        matches!(self, Self::Quoted(_) | Self::Code(_)).then(|| self.literal()).flatten()
    }
}

#[cfg(test)]
mod tests;
