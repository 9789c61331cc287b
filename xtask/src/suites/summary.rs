//! The table at the end of `cargo xtask test`, and its last line.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::counts::Counts;

/// One line of the table.
pub struct Row {
    /// The suite.
    pub name: &'static str,
    /// How long it took.
    pub elapsed: Duration,
    /// What came out of it; `None` for a step that is no suite.
    pub counts: Option<Counts>,
}

/// The whole table.
#[derive(Default)]
pub struct Summary {
    rows: Vec<Row>,
}

impl Summary {
    /// Adds a line.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Does a step that is no suite and adds its line.
    pub fn time<T>(&mut self, name: &'static str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let begin = Instant::now();
        let result = step();
        self.add(Row { name, elapsed: begin.elapsed(), counts: None });
        result
    }

    /// How many tests failed, over all suites.
    pub fn failed(&self) -> u64 {
        self.counts().map(|counts| counts.failed).sum()
    }

    fn passed(&self) -> u64 {
        self.counts().map(|counts| counts.passed).sum()
    }

    fn counts(&self) -> impl Iterator<Item = &Counts> {
        self.rows.iter().filter_map(|row| row.counts.as_ref())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>9}  {:<7} {:>7} {:>7}  note",
            "step", "seconds", "result", "passed", "failed"
        )?;
        for Row { name, elapsed, counts } in &self.rows {
            let seconds = elapsed.as_secs_f64();
            match counts {
                None => writeln!(f, "{name:<10} {seconds:>9.1}  ok")?,
                Some(Counts { passed, failed, note }) => {
                    let result = if *failed == 0 { "ok" } else { "FAILED" };
                    let line =
                        format!("{name:<10} {seconds:>9.1}  {result:<7} {passed:>7} {failed:>7}  {note}");
                    writeln!(f, "{}", line.trim_end())?;
                }
            }
        }
        writeln!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_the_suites_in_its_last_line() {
        let mut summary = Summary::default();
        summary.time("prepare", || Ok(())).unwrap();
        let second = Duration::from_secs(1);
        summary.add(Row { name: "rust", elapsed: second, counts: Some(Counts::new(40, 0)) });
        let failed = Counts { passed: 2, failed: 1, note: "see above".into() };
        summary.add(Row { name: "web", elapsed: second, counts: Some(failed) });
        let text = summary.to_string();
        assert_eq!(text.lines().last(), Some("42 passed, 1 failed"));
        assert!(text.contains("web              1.0  FAILED        2       1  see above"), "{text}");
        assert_eq!(summary.failed(), 1);
    }
}
