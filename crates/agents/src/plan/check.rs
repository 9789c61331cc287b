//! What a check means, and how it is judged from what was observed.
//!
//! Invariant: judging is pure. Whoever carries out a plan reads the file or runs the command and
//! hands over what it saw; a file that is not there fails every check but [`Check::FileAbsent`].

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{CodeLanguage, Language};

/// How a program finds out whether a criterion holds. Paths are relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// The file is there.
    FileExists {
        /// Which file.
        path: String,
    },
    /// The file is not there.
    FileAbsent {
        /// Which file.
        path: String,
    },
    /// The file is there and holds more than white space.
    FileNotEmpty {
        /// Which file.
        path: String,
    },
    /// The file holds this text, letter for letter.
    FileContains {
        /// Which file.
        path: String,
        /// What to look for.
        text: String,
    },
    /// The file is there and does not hold this text.
    FileLacks {
        /// Which file.
        path: String,
        /// What must not be found.
        text: String,
    },
    /// The file has so many rows, lines or columns.
    FileCount {
        /// Which file.
        path: String,
        /// What is counted.
        unit: CountUnit,
        /// The smallest number that passes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<u64>,
        /// The largest number that passes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<u64>,
    },
    /// What the step printed, on either stream, holds this text.
    OutputContains {
        /// What to look for.
        text: String,
    },
    /// What the step printed, on either stream, does not hold this text.
    OutputLacks {
        /// What must not be found.
        text: String,
    },
    /// What the step printed on its standard output is this text, white space around it aside.
    OutputEquals {
        /// The whole of it.
        text: String,
    },
    /// The step's code ended with this exit code.
    ExitCode {
        /// 0 to 255.
        code: i32,
    },
    /// This code, run in the workspace after the step, ends with exit code 0.
    Command {
        /// Its language.
        language: CodeLanguage,
        /// The code.
        code: String,
    },
}

/// What [`Check::FileCount`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountUnit {
    /// Records of a CSV or TSV below its header; blank lines are none, and a quoted line break
    /// does not end a record.
    Rows,
    /// Lines of text; the last need not end with a line break.
    Lines,
    /// Fields of a CSV's or TSV's header.
    Columns,
}

/// What was seen of a step, or of a [`Check::Command`], once it ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct Observation<'a> {
    /// Its standard output.
    pub stdout: &'a str,
    /// Its standard error.
    pub stderr: &'a str,
    /// Its exit code; none when nothing ran or a signal ended it.
    pub exit_code: Option<i32>,
}

/// Whether a check passed, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it holds.
    pub passed: bool,
    /// What was found, one sentence in the plan's language.
    pub detail: String,
}

impl Check {
    /// The file this check must see, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::FileExists { path }
            | Self::FileAbsent { path }
            | Self::FileNotEmpty { path }
            | Self::FileContains { path, .. }
            | Self::FileLacks { path, .. }
            | Self::FileCount { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether this check is about what the step's own code printed or how it ended.
    #[must_use]
    pub fn is_about_output(&self) -> bool {
        matches!(
            self,
            Self::OutputContains { .. }
                | Self::OutputLacks { .. }
                | Self::OutputEquals { .. }
                | Self::ExitCode { .. }
        )
    }

    /// Judges the check.
    ///
    /// `seen` is the step's end, or for [`Check::Command`] the end of that command; `file` holds
    /// the bytes of [`Check::path`], `None` when there is no such file.
    #[must_use]
    pub fn judge(&self, seen: &Observation<'_>, file: Option<&[u8]>, language: Language) -> Verdict {
        match (self.path(), file) {
            (Some(path), None) => Verdict {
                passed: matches!(self, Self::FileAbsent { .. }),
                detail: said(language, format!("there is no {path}"), format!("não há {path}")),
            },
            (Some(path), Some(bytes)) => self.judge_file(path, bytes, language),
            (None, _) => self.judge_output(seen, language),
        }
    }

    fn judge_file(&self, path: &str, bytes: &[u8], language: Language) -> Verdict {
        let size = bytes.len();
        match self {
            Self::FileContains { text, .. } => judge_text(path, find(bytes, text), text, true, language),
            Self::FileLacks { text, .. } => judge_text(path, find(bytes, text), text, false, language),
            Self::FileNotEmpty { .. } => Verdict {
                passed: !bytes.trim_ascii().is_empty(),
                detail: said(
                    language,
                    format!("{path} has {size} bytes"),
                    format!("{path} tem {size} bytes"),
                ),
            },
            Self::FileCount { unit, at_least, at_most, .. } => {
                let count = count(path, bytes, *unit);
                let (en, pt) = unit.names();
                Verdict {
                    passed: at_least.is_none_or(|least| count >= least)
                        && at_most.is_none_or(|most| count <= most),
                    detail: said(
                        language,
                        format!("{path} has {count} {en}"),
                        format!("{path} tem {count} {pt}"),
                    ),
                }
            }
            _ => Verdict {
                passed: matches!(self, Self::FileExists { .. }),
                detail: said(language, format!("{path} is there"), format!("{path} está lá")),
            },
        }
    }

    fn judge_output(&self, seen: &Observation<'_>, language: Language) -> Verdict {
        let output = language.pick("the output", "a saída");
        let printed = |text: &str| seen.stdout.contains(text) || seen.stderr.contains(text);
        match self {
            Self::OutputContains { text } => judge_text(output, printed(text), text, true, language),
            Self::OutputLacks { text } => judge_text(output, printed(text), text, false, language),
            Self::OutputEquals { text } => {
                let found = crate::planner::words::shorten(seen.stdout.trim(), 80);
                Verdict {
                    passed: seen.stdout.trim() == text.trim(),
                    detail: said(language, format!("it printed “{found}”"), format!("imprimiu “{found}”")),
                }
            }
            Self::ExitCode { code } => judge_exit(seen.exit_code, *code, language),
            _ => judge_exit(seen.exit_code, 0, language),
        }
    }
}

impl CountUnit {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Rows => ("rows below the header", "linhas de dados"),
            Self::Lines => ("lines", "linhas"),
            Self::Columns => ("columns", "colunas"),
        }
    }
}

/// The path as it is inside the workspace, or `None` when it leads elsewhere or nowhere.
/// `./out/x` and `/workspace/out/x` are both `out/x`.
#[must_use]
pub fn relative_path(path: &str) -> Option<String> {
    let path = path.strip_prefix("/workspace/").unwrap_or(path);
    if path.starts_with('/') || path.chars().any(char::is_control) || path.contains('\\') {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    (!parts.is_empty() && !parts.contains(&"..")).then(|| parts.join("/"))
}

fn said(language: Language, en: String, pt: String) -> String {
    match language {
        Language::En => en,
        Language::Pt => pt,
    }
}

fn judge_text(place: &str, found: bool, text: &str, wanted: bool, language: Language) -> Verdict {
    let text = crate::planner::words::shorten(text, 80);
    let detail = if found {
        said(language, format!("{place} contains “{text}”"), format!("{place} contém “{text}”"))
    } else {
        said(language, format!("{place} does not contain “{text}”"), format!("{place} não contém “{text}”"))
    };
    Verdict { passed: found == wanted, detail }
}

fn judge_exit(found: Option<i32>, wanted: i32, language: Language) -> Verdict {
    let detail = match found {
        Some(code) => {
            said(language, format!("it ended with exit code {code}"), format!("terminou com código {code}"))
        }
        None => language.pick("it ended without an exit code", "terminou sem código de saída").to_owned(),
    };
    Verdict { passed: found == Some(wanted), detail }
}

fn find(bytes: &[u8], text: &str) -> bool {
    // Bytes that are not UTF-8 cannot be part of the text, so replacing them loses no match.
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(valid) => valid.contains(text),
        Cow::Owned(repaired) => repaired.contains(text),
    }
}

fn count(path: &str, bytes: &[u8], unit: CountUnit) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    match unit {
        CountUnit::Lines => text.lines().count() as u64,
        CountUnit::Rows => records(&text).0.saturating_sub(1),
        CountUnit::Columns => {
            let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            if header.is_empty() { 0 } else { fields(header, delimiter(path, header)) }
        }
    }
}

/// How many records a CSV has, header and all, and whether its last quote was closed.
fn records(text: &str) -> (u64, bool) {
    let (mut count, mut quoted, mut blank) = (0, false, true);
    for c in text.chars() {
        match c {
            '"' => (quoted, blank) = (!quoted, false),
            '\n' if !quoted => {
                count += u64::from(!blank);
                blank = true;
            }
            c if !c.is_whitespace() => blank = false,
            _ => {}
        }
    }
    (count + u64::from(!blank), !quoted)
}

fn delimiter(path: &str, header: &str) -> char {
    if path.to_ascii_lowercase().ends_with(".tsv") {
        return '\t';
    }
    let often = |c: char| header.matches(c).count();
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(|&c| often(c)).unwrap_or(',')
}

fn fields(header: &str, delimiter: char) -> u64 {
    let (mut count, mut quoted) = (1, false);
    for c in header.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn judge(check: Check, file: Option<&str>, expected: bool) {
        let seen = Observation { stdout: "total 42\n", stderr: "warn\n", exit_code: Some(0) };
        let verdict = check.judge(&seen, file.map(str::as_bytes), Language::En);
        assert_eq!(verdict.passed, expected, "{check:?}: {}", verdict.detail);
        assert!(!verdict.detail.is_empty());
    }

    fn path() -> String {
        "x.csv".into()
    }

    fn counted(unit: CountUnit, at_least: Option<u64>, at_most: Option<u64>) -> Check {
        Check::FileCount { path: path(), unit, at_least, at_most }
    }

    #[test]
    fn files_are_judged_by_their_bytes() {
        judge(Check::FileExists { path: path() }, Some(""), true);
        judge(Check::FileExists { path: path() }, None, false);
        judge(Check::FileAbsent { path: path() }, None, true);
        judge(Check::FileAbsent { path: path() }, Some("x"), false);
        judge(Check::FileNotEmpty { path: path() }, Some(" \n"), false);
        judge(Check::FileNotEmpty { path: path() }, Some("x"), true);
        judge(Check::FileContains { path: path(), text: "Total".into() }, Some("# Total"), true);
        judge(Check::FileContains { path: path(), text: "Total".into() }, Some("# total"), false);
        judge(Check::FileLacks { path: path(), text: "NaN".into() }, Some("1"), true);
        judge(Check::FileLacks { path: path(), text: "NaN".into() }, None, false);
    }

    #[test]
    fn rows_leave_the_header_and_blank_lines_out() {
        let csv = "a;b;c\n1;2;3\n\n4;\"5\n6\";7\n";
        judge(counted(CountUnit::Rows, Some(2), Some(2)), Some(csv), true);
        judge(counted(CountUnit::Lines, Some(5), Some(5)), Some(csv), true);
        judge(counted(CountUnit::Columns, Some(3), Some(3)), Some(csv), true);
        judge(counted(CountUnit::Rows, Some(3), None), Some(csv), false);
        judge(counted(CountUnit::Rows, None, Some(0)), Some(""), true);
        judge(counted(CountUnit::Columns, Some(1), None), Some(""), false);
    }

    #[test]
    fn output_and_exit_code_are_those_observed() {
        judge(Check::OutputContains { text: "42".into() }, None, true);
        judge(Check::OutputContains { text: "warn".into() }, None, true);
        judge(Check::OutputLacks { text: "error".into() }, None, true);
        judge(Check::OutputEquals { text: "total 42".into() }, None, true);
        judge(Check::OutputEquals { text: "42".into() }, None, false);
        judge(Check::ExitCode { code: 0 }, None, true);
        judge(Check::ExitCode { code: 1 }, None, false);
        judge(Check::Command { language: CodeLanguage::Shell, code: "true".into() }, None, true);
    }

    #[test]
    fn paths_stay_inside_the_workspace() {
        for (given, expected) in [
            ("out/x.csv", Some("out/x.csv")),
            ("./out//x.csv", Some("out/x.csv")),
            ("/workspace/out/x.csv", Some("out/x.csv")),
            ("/etc/passwd", None),
            ("../x", None),
            ("out/../../x", None),
            ("", None),
            (".", None),
            ("a\0b", None),
        ] {
            assert_eq!(relative_path(given).as_deref(), expected, "{given:?}");
        }
    }
}
