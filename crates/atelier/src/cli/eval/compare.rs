//! `atelier eval compare`: what became worse and what better.
//!
//! Invariant: a regression is something that passed before and now does not, for a reason that was
//! seen. What is merely not known any more is told and is none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kernel::Kind;
use serde_json::{Value, json};

use super::checks::{CheckReport, CheckStatus};
use super::report::{FORMAT, Report, TaskReport, TaskStatus};
use crate::cli::Exit;
use crate::cli::terminal::{Ink, one_line, plain, say, say_json, short_duration, table};
use crate::client::{Problem, Result};

#[derive(Args)]
pub struct Compare {
    /// The earlier report
    before: PathBuf,
    /// The later one
    after: PathBuf,
}

pub fn compare(files: &Compare, json: bool) -> Result<Exit> {
    let (before, after) = (read(&files.before)?, read(&files.after)?);
    let difference = Difference::between(&before, &after);
    if json {
        say_json(&difference.document(&before, &after));
    } else {
        say(&difference.readable(&before, &after, Ink::stdout()));
    }
    Ok(if difference.regressions.is_empty() { Exit::Done } else { Exit::Code(1) })
}

fn read(path: &Path) -> Result<Report> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::NotFound } else { Kind::Invalid };
        Problem::new(kind, "cannot_read", format!("`{shown}` cannot be read: {error}"))
            .with_hint("Name a file that `atelier eval --out` has written")
    })?;
    let invalid = |why: String| {
        Problem::invalid("report_invalid", format!("`{shown}` is not a report of an evaluation: {why}"))
            .with_hint("Name a file that `atelier eval --out` has written")
    };
    let report: Report = serde_json::from_str(&text).map_err(|error| invalid(error.to_string()))?;
    if report.format == FORMAT {
        Ok(report)
    } else {
        Err(invalid(format!("its format is {}", report.format)))
    }
}

/// What differs between two reports. Each line names the task.
#[derive(Debug, Default, PartialEq, Eq)]
struct Difference {
    regressions: Vec<String>,
    improvements: Vec<String>,
    /// What is not known any more, or was not known before.
    unknown: Vec<String>,
}

impl Difference {
    fn between(before: &Report, after: &Report) -> Self {
        let mut difference = Self::default();
        for earlier in &before.tasks {
            match after.tasks.iter().find(|task| task.name == earlier.name) {
                Some(later) => difference.add(earlier, later),
                None => difference.unknown.push(format!("{}: it is not in the later report", earlier.name)),
            }
        }
        let is_new = |task: &&TaskReport| !before.tasks.iter().any(|earlier| earlier.name == task.name);
        for task in after.tasks.iter().filter(is_new) {
            difference.unknown.push(format!(
                "{}: it is not in the earlier report ({})",
                task.name,
                task.status.word()
            ));
        }
        difference
    }

    fn add(&mut self, before: &TaskReport, after: &TaskReport) {
        use TaskStatus::{Error, Failed, Incomplete, NotRun, Passed};
        let name = &after.name;
        let change = format!("{name}: {} → {}", before.status.word(), after.status.word());
        let told = after.why().map(|why| format!("{change}; {why}")).unwrap_or_else(|| change.clone());
        match (before.status, after.status) {
            (Passed, Failed | Error) => self.regressions.push(told),
            (Passed, Incomplete | NotRun) => self.unknown.push(told),
            (before, Passed) if before != Passed => self.improvements.push(change),
            // Neither of them passed; a single check may tell more.
            (Failed | Incomplete, Failed | Incomplete) => self.add_checks(before, after),
            (before, after) if before != after => self.unknown.push(told),
            _ => {}
        }
    }

    fn add_checks(&mut self, before: &TaskReport, after: &TaskReport) {
        let name = &after.name;
        for later in &after.checks {
            let Some(earlier) = before.checks.iter().find(|check| check.check == later.check) else {
                continue;
            };
            match (earlier.status, later.status) {
                (CheckStatus::Passed, CheckStatus::Failed) => self.regressions.push(told(name, later)),
                (CheckStatus::Failed, CheckStatus::Passed) => self.improvements.push(told(name, later)),
                (CheckStatus::Passed, CheckStatus::Skipped) => self.unknown.push(told(name, later)),
                _ => {}
            }
        }
    }

    fn document(&self, before: &Report, after: &Report) -> Value {
        let side = |report: &Report| json!({ "model": report.model, "policy": report.policy, "started_at": report.started_at, "totals": report.totals });
        json!({
            "before": side(before), "after": side(after),
            "regressions": self.regressions, "improvements": self.improvements, "unknown": self.unknown,
        })
    }

    fn readable(&self, before: &Report, after: &Report, ink: Ink) -> String {
        let mut text = String::new();
        for (heading, mark, lines) in [
            ("Worse", ink.red("✗"), &self.regressions),
            ("Better", ink.green("✓"), &self.improvements),
            ("Not known", ink.yellow("?"), &self.unknown),
        ] {
            if !lines.is_empty() {
                text.push_str(&format!("{}\n", ink.bold(heading)));
                lines.iter().for_each(|line| text.push_str(&format!("  {mark} {}\n", one_line(line, 220))));
                text.push('\n');
            }
        }
        if text.is_empty() {
            text.push_str("Every task and check came out as before.\n\n");
        }
        text + &figures(before, after, ink)
    }
}

fn told(task: &str, check: &CheckReport) -> String {
    let reason = check.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{task}: {}{reason}", check.check)
}

/// The figures side by side: of the tasks in both reports that were carried out, and of each whose
/// figures differ.
fn figures(before: &Report, after: &Report, ink: Ink) -> String {
    let of = |report: &Report| report.model.as_deref().map_or_else(|| "the preferred model".into(), plain);
    let rate = |report: &Report| {
        report.totals.pass_rate.map_or_else(|| "–".into(), |rate| format!("{:.0} %", rate * 100.0))
    };
    let mut rows = vec![
        vec!["model".into(), of(before), of(after), String::new()],
        vec!["pass rate".into(), rate(before), rate(after), String::new()],
    ];
    let in_both = |report: &Report, other: &Report| {
        let carried_out = |task: &&TaskReport| !matches!(task.status, TaskStatus::NotRun | TaskStatus::Error);
        let has =
            |task: &&TaskReport| other.tasks.iter().filter(carried_out).any(|one| one.name == task.name);
        report.tasks.iter().filter(carried_out).filter(has).cloned().collect::<Vec<_>>()
    };
    let (earlier, later) = (in_both(before, after), in_both(after, before));
    type Figure = (&'static str, fn(&TaskReport) -> f64, fn(f64) -> String);
    let all: [Figure; 5] = [
        ("usd", |task| task.usd, |usd| format!("{usd:.4}")),
        ("tokens in", |task| task.tokens_in as f64, |count| format!("{count:.0}")),
        ("tokens out", |task| task.tokens_out as f64, |count| format!("{count:.0}")),
        ("tools", |task| task.tool_calls as f64, |count| format!("{count:.0}")),
        (
            "time",
            |task| task.turn_seconds,
            |seconds| short_duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9))),
        ),
    ];
    for (name, figure, shown) in all {
        let sum = |tasks: &[TaskReport]| tasks.iter().map(figure).sum::<f64>();
        let (a, b) = (sum(&earlier), sum(&later));
        rows.push(vec![name.into(), shown(a), shown(b), percent(a, b)]);
    }
    let note =
        ink.dim(&format!("The last five are those of the tasks that both carried out: {}.", later.len()));
    format!("{}\n{note}", table(&["", "before", "after", "difference"], &rows, ink))
}

fn percent(before: f64, after: f64) -> String {
    if before <= 0.0 || before == after {
        String::new()
    } else {
        format!("{:+.0} %", (after / before - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::task;
    use super::*;
    use CheckStatus::{Failed, Passed, Skipped};

    fn report(tasks: Vec<TaskReport>) -> Report {
        Report::new(Some("scripted".into()), None, String::new(), Duration::from_secs(1), tasks)
    }

    #[test]
    fn worse_better_and_not_known_are_told_apart() {
        let before = report(vec![
            task("a", "finished", &[Passed, Passed]),
            task("b", "finished", &[Failed]),
            task("c", "finished", &[Passed]),
            task("d", "finished", &[Passed, Failed]),
            task("e", "finished", &[Passed]),
        ]);
        let after = report(vec![
            task("a", "finished", &[Passed, Failed]),
            task("b", "finished", &[Passed]),
            task("c", "finished", &[Skipped]),
            task("d", "finished", &[Failed, Passed]),
            task("f", "limit", &[Passed]),
        ]);
        let difference = Difference::between(&before, &after);
        assert_eq!(
            difference.regressions,
            ["a: passed → failed; check 1: it is not so", "d: check 0: it is not so"]
        );
        assert_eq!(difference.improvements, ["b: failed → passed", "d: check 1"]);
        assert_eq!(difference.unknown.len(), 3, "{difference:?}");
        let same = Difference::between(&before, &before);
        assert_eq!(same, Difference::default());
    }

    #[test]
    fn a_difference_is_shown_with_its_figures() {
        let mut dearer = task("a", "finished", &[Passed]);
        dearer.usd = 0.75;
        let (before, after) = (report(vec![task("a", "finished", &[Passed])]), report(vec![dearer]));
        let difference = Difference::between(&before, &after);
        insta::assert_snapshot!(difference.readable(&before, &after, Ink::none()), @r"
        Every task and check came out as before.

                    BEFORE    AFTER     DIFFERENCE
        model       scripted  scripted
        pass rate   100 %     100 %
        usd         0.5000    0.7500    +50 %
        tokens in   100       100
        tokens out  10        10
        tools       3         3
        time        2.0s      2.0s
        The last five are those of the tasks that both carried out: 1.
        ");
    }
}
