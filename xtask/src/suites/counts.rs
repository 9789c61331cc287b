//! Reads from what a test program printed how many tests passed and failed.
//!
//! Invariant: a program that ended badly never counts as zero failures, and one that ran no test
//! at all counts as a failure, since a suite that cannot fail shows nothing.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::Shown;

/// What came out of a suite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, or 1 for a suite that could not be run.
    pub failed: u64,
    /// What else is worth saying.
    pub note: String,
}

impl Counts {
    /// Counts with nothing to add.
    pub fn new(passed: u64, failed: u64) -> Self {
        Self { passed, failed, note: String::new() }
    }
}

/// Holds the counts against how the program ended.
pub fn judged(counts: Option<Counts>, shown: &Shown) -> Result<Counts> {
    let mut counts = counts.unwrap_or_default();
    if shown.status.is_none() {
        counts.failed += 1;
        counts.note = "stopped: it took too long".into();
    } else if !shown.success() && counts.failed == 0 {
        counts.failed = 1;
        counts.note = "it ended with an error; see above".into();
    } else if counts.passed + counts.failed == 0 {
        counts.failed = 1;
        counts.note = "no test was run".into();
    }
    Ok(counts)
}

/// Reads nextest's `Summary [ 1.2s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped`.
pub fn nextest(text: &str) -> Option<Counts> {
    let plain = without_colours(text);
    let line = plain.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let results = line.split_once("run:")?.1;
    // A test that ran into its time limit or lost its process is named apart from the failed ones.
    let failed = ["failed", "timed out", "exec failed"].map(|word| number_before(results, word));
    Some(Counts::new(number_before(results, "passed"), failed.iter().sum()))
}

/// Sums the `test result: ok. 5 passed; 0 failed; …` lines, one for each test binary.
pub fn cargo_test(text: &str) -> Option<Counts> {
    let plain = without_colours(text);
    let lines = plain.lines().filter_map(|line| line.trim_start().strip_prefix("test result:"));
    lines
        .map(|line| Counts::new(number_before(line, "passed"), number_before(line, "failed")))
        .reduce(|a, b| Counts::new(a.passed + b.passed, a.failed + b.failed))
}

/// Reads the summary of Node's test runner, `# pass 3` or `ℹ pass 3`.
pub fn node_test(text: &str) -> Option<Counts> {
    let plain = without_colours(text);
    let last = |word: &str| {
        plain.lines().rev().find_map(|line| {
            let rest = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
            rest.strip_prefix(word)?.trim().parse::<u64>().ok()
        })
    };
    let failed = last("fail ")? + last("cancelled ").unwrap_or(0);
    Some(Counts::new(last("pass ")?, failed))
}

/// Reads the last line of pytest, `1 failed, 12 passed, 3 skipped, 1 error in 1.2s`.
pub fn pytest(text: &str) -> Option<Counts> {
    const RESULTS: [&str; 4] = [" passed", " failed", " error", " skipped"];
    let plain = without_colours(text);
    let line = plain
        .lines()
        .rev()
        .find(|line| line.contains(" in ") && RESULTS.iter().any(|it| line.contains(it)))?;
    let failed = ["failed", "error", "errors"].map(|word| number_before(line, word));
    let skipped = number_before(line, "skipped");
    let note = if skipped > 0 { format!("{skipped} skipped") } else { String::new() };
    Some(Counts { passed: number_before(line, "passed"), failed: failed.iter().sum(), note })
}

/// Reads vitest's JSON report.
pub fn vitest(report: &str) -> Option<Counts> {
    let report: Value = serde_json::from_str(report).ok()?;
    let number = |key: &str| report[key].as_u64();
    let passed = number("numPassedTests")?;
    // A file that cannot be loaded has no failed test, only a failed suite.
    let failed = number("numFailedTests")?.max(u64::from(report["success"] == Value::Bool(false)));
    Some(Counts::new(passed, failed))
}

/// Reads Schemathesis's JSON report: operations tested and unique failures; cases go into the note.
pub fn schemathesis(report: &str) -> Result<(Counts, u64)> {
    let report: Value = serde_json::from_str(report)?;
    let number = |path: &str| report.pointer(path).and_then(Value::as_u64).with_context(|| missing(path));
    let cases = number("/test_cases/generated")?;
    let failures = report["failures"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors = report["errors"].as_array().map_or(0, |errors| errors.len() as u64);
    let mut broken: Vec<&str> = failures
        .iter()
        .filter_map(|failure| failure["operations"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    broken.sort_unstable();
    broken.dedup();
    let tested = number("/operations/tested")?;
    let failed = (number("/test_cases/unique_failures")? + errors).max(broken.len() as u64);
    let passed = tested.saturating_sub(broken.len() as u64);
    let note = format!("{cases} cases over {tested} operations");
    Ok((Counts { passed, failed, note }, cases))
}

fn missing(path: &str) -> String {
    format!("the report of Schemathesis has no {path}; has its format changed?")
}

/// The number in `… 12 passed …`, or 0.
fn number_before(text: &str, word: &str) -> u64 {
    let words: Vec<&str> =
        text.split([' ', ',', ';', '(', ')', ':']).filter(|word| !word.is_empty()).collect();
    let wanted: Vec<&str> = word.split(' ').collect();
    let window = words
        .windows(wanted.len() + 1)
        .find(|window| window[1..] == wanted[..] && window[0].bytes().all(|byte| byte.is_ascii_digit()));
    window.and_then(|window| window[0].parse().ok()).unwrap_or(0)
}

fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter == '\x1b' {
            letters.by_ref().find(|letter| letter.is_ascii_alphabetic());
        } else {
            plain.push(letter);
        }
    }
    plain
}

#[cfg(test)]
mod tests;
