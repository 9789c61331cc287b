//! `atelier exec`: its output and exit code are those of the code.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use kernel::Kind;
use serde_json::json;

use super::session::{Place, with_client};
use super::terminal::{note, say_json, short_duration, write_all};
use crate::client::wire::CodeRun;
use crate::client::{Problem, Result};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier exec -c 'print(6 * 7)'
  atelier exec script.js
  echo 'ls -la' | atelier exec - --language shell
  atelier exec sum.py --stdin --timeout 30 < numbers.txt

The exit code is the code's own; 124 when its time was up, 137 when its memory was.")]
pub struct Exec {
    /// The file with the code, or `-` for standard input
    #[arg(required_unless_present = "code", conflicts_with = "code")]
    file: Option<String>,
    /// The code itself
    #[arg(short = 'c', long = "code", value_name = "CODE", allow_hyphen_values = true)]
    code: Option<String>,
    /// python, javascript or shell; told from the file's name or first line, else python
    #[arg(long, short)]
    language: Option<String>,
    /// How long it may run, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=120))]
    timeout: Option<u64>,
    /// Pass standard input on to the code
    #[arg(long)]
    stdin: bool,
}

pub async fn exec(place: &Place, exec: Exec, json: bool) -> Result<super::Exit> {
    let code = read_code(&exec)?;
    let named = exec.file.as_deref().filter(|file| *file != "-");
    let language = match &exec.language {
        Some(language) => known(language)?,
        None => tell_language(named, &code),
    };
    let mut request = json!({ "code": code, "language": language });
    if let Some(seconds) = exec.timeout {
        request["timeout_ms"] = json!(seconds * 1000);
    }
    if exec.stdin {
        request["stdin"] = json!(read_stdin()?);
    }
    with_client(place, async |client| {
        let run = client.execute(request).await?;
        if json {
            say_json(&run.raw);
        } else {
            pass_through(&run);
        }
        Ok(super::Exit::Code(exit_code(&run)))
    })
    .await
}

fn read_code(exec: &Exec) -> Result<String> {
    match (&exec.code, exec.file.as_deref()) {
        (Some(code), _) => Ok(code.clone()),
        (None, Some("-")) if exec.stdin => Err(Problem::invalid(
            "stdin_twice",
            "Standard input cannot be both the code and what the code reads",
        )
        .with_hint("Put the code into a file, or give it with -c")),
        (None, Some("-") | None) => read_stdin(),
        (None, Some(path)) => std::fs::read_to_string(path).map_err(|error| {
            let kind =
                if error.kind() == std::io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Invalid };
            Problem::new(kind, "cannot_read", format!("`{path}` cannot be read: {error}"))
                .with_hint("Name a file with code, or give the code with -c")
        }),
    }
}

fn read_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| {
        Problem::invalid("cannot_read", format!("Standard input cannot be read as text: {error}"))
    })?;
    Ok(text)
}

fn known(name: &str) -> Result<&'static str> {
    agents::CodeLanguage::from_name(name).map(|language| language.name()).ok_or_else(|| {
        Problem::invalid("unknown_language", format!("`{name}` is not a language that is run"))
            .with_hint("Use python, javascript or shell")
    })
}

/// Tells the language from the file's ending, or from its first line.
fn tell_language(file: Option<&str>, code: &str) -> &'static str {
    let ending = file.and_then(|file| Path::new(file).extension()).and_then(|ending| ending.to_str());
    let first = code.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap_or_default();
    let program =
        first.split_whitespace().filter_map(|part| part.rsplit('/').next()).find(|part| *part != "env");
    let program = program.map(|program| program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'));
    let language = [ending, program].into_iter().flatten().find_map(agents::CodeLanguage::from_name);
    language.unwrap_or(agents::CodeLanguage::Python).name()
}

fn pass_through(run: &CodeRun) {
    write_all(run.stdout.as_bytes());
    let _ = std::io::stderr().write_all(run.stderr.as_bytes());
    for (cut, which) in [(run.stdout_truncated, "Standard output"), (run.stderr_truncated, "Standard error")]
    {
        if cut {
            note(&format!("atelier: {which} was cut: it is longer than what is kept"));
        }
    }
    let after = short_duration(Duration::from_millis(run.duration_ms));
    match (run.outcome.as_str(), run.signal) {
        ("timed_out", _) => {
            note(&format!("atelier: stopped after {after}, at its time limit; --timeout gives it more"))
        }
        ("out_of_memory", _) => note("atelier: stopped at its memory limit"),
        ("output_limit", _) => note("atelier: stopped at its limit of output"),
        ("cancelled", _) => note("atelier: cancelled"),
        (_, Some(signal)) => note(&format!("atelier: ended by signal {signal}")),
        _ => {}
    }
}

/// As shells have it: 124 is what `timeout` answers, 128 and more a signal.
fn exit_code(run: &CodeRun) -> u8 {
    let signal =
        run.signal.and_then(|signal| u8::try_from(signal).ok()).map(|signal| signal.saturating_add(128));
    match run.outcome.as_str() {
        "completed" => 0,
        "timed_out" => 124,
        "out_of_memory" => 137,
        "cancelled" => super::exit_code(Kind::Cancelled),
        _ => {
            let own = run.exit_code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0);
            own.or(signal).unwrap_or(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: Option<&str>, code: &str, expected: &str) {
        assert_eq!(tell_language(file, code), expected, "{file:?} {code}");
    }

    #[test]
    fn tells_the_language_by_name_and_first_line() {
        check(Some("a.py"), "", "python");
        check(Some("a.mjs"), "", "javascript");
        check(Some("dir.js/run"), "#!/bin/sh\nls", "shell");
        check(None, "#!/usr/bin/env node\n1", "javascript");
        check(None, "#!/usr/bin/python3.11\n1", "python");
        check(None, "print(1)", "python");
    }

    #[test]
    fn ends_as_the_code_ended() {
        let code = |document: serde_json::Value| exit_code(&serde_json::from_value(document).unwrap());
        assert_eq!(code(json!({"outcome": "completed", "exit_code": 0})), 0);
        assert_eq!(code(json!({"outcome": "failed", "exit_code": 3})), 3);
        assert_eq!(code(json!({"outcome": "failed", "signal": 11})), 139);
        assert_eq!(code(json!({"outcome": "timed_out", "signal": 9})), 124);
        assert_eq!(code(json!({"outcome": "out_of_memory"})), 137);
        assert_eq!(code(json!({"outcome": "output_limit"})), 1);
    }
}
