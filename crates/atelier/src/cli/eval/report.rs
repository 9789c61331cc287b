//! What came of an evaluation: the document that is written, and the table people read.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checks::{CheckReport, CheckStatus};
use super::task::Task;
use crate::cli::terminal::{Ink, one_line, plain, short_duration, table};
use crate::client::Problem;

/// The format of the document.
pub const FORMAT: u32 = 1;

/// An evaluation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The document's format.
    pub format: u32,
    /// The version of this program.
    pub atelier: String,
    /// The model that was asked for; the preferred one where absent.
    pub model: Option<String>,
    /// The policy that was asked for; the owner's where absent.
    pub policy: Option<String>,
    /// When it began.
    pub started_at: String,
    /// How long it took.
    pub seconds: f64,
    /// All tasks together.
    pub totals: Totals,
    /// Each task.
    pub tasks: Vec<TaskReport>,
}

/// All tasks together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// How many there are.
    pub tasks: u64,
    /// Whose turns all finished and whose checks all passed.
    pub passed: u64,
    /// Of which a turn did not finish or a check failed.
    pub failed: u64,
    /// Of which nothing failed, but something could not be found out.
    pub incomplete: u64,
    /// That could not be carried out.
    pub error: u64,
    /// That were not begun or not ended.
    pub not_run: u64,
    /// Passed, of those that were carried out; null where none was.
    pub pass_rate: Option<f64>,
    /// Tokens sent.
    pub tokens_in: u64,
    /// Tokens received.
    pub tokens_out: u64,
    /// US dollars.
    pub usd: f64,
    /// How long the turns took together.
    pub turn_seconds: f64,
    /// Tools the model wanted used.
    pub tool_calls: u64,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// All turns finished and all checks passed.
    Passed,
    /// A turn did not finish, or a check failed.
    Failed,
    /// Nothing failed, but something could not be found out.
    Incomplete,
    /// It could not be carried out.
    Error,
    /// It was not begun, or not ended.
    NotRun,
}

impl TaskStatus {
    /// The word for a person.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Error => "error",
            Self::NotRun => "not run",
        }
    }

    /// A mark for a person.
    pub fn mark(self, ink: Ink) -> String {
        match self {
            Self::Passed => ink.green("✓"),
            Self::Failed | Self::Error => ink.red("✗"),
            Self::Incomplete => ink.yellow("?"),
            Self::NotRun => ink.dim("–"),
        }
    }
}

/// A task and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskReport {
    /// What it is called.
    pub name: String,
    /// One line for a person.
    pub title: String,
    /// What its session began with.
    pub template: String,
    /// How it ended.
    pub status: TaskStatus,
    /// Why, where the turns and checks do not say it.
    pub reason: Option<String>,
    /// Its session, if that is still there.
    pub session: Option<String>,
    /// How long all of it took, the session's setting up included.
    pub seconds: f64,
    /// How long its turns took.
    pub turn_seconds: f64,
    /// Tokens sent.
    pub tokens_in: u64,
    /// Tokens received.
    pub tokens_out: u64,
    /// US dollars; 0 where no price is known.
    pub usd: f64,
    /// Tools the model wanted used.
    pub tool_calls: u64,
    /// Its turns.
    pub turns: Vec<TurnReport>,
    /// Its checks.
    pub checks: Vec<CheckReport>,
}

/// A turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TurnReport {
    /// Its id.
    pub turn: String,
    /// `finished`, `stopped`, `failed` or `limit`.
    pub outcome: String,
    /// Why.
    pub reason: Option<String>,
    /// The provider and model that answered last.
    pub model: Option<String>,
    /// Tokens sent.
    pub tokens_in: u64,
    /// Tokens received.
    pub tokens_out: u64,
    /// US dollars.
    pub usd: f64,
    /// How long it took.
    pub seconds: f64,
    /// Tools the model wanted used.
    pub tool_calls: u64,
    /// How often a person would have been asked.
    pub gates: u32,
}

impl TaskReport {
    /// Of a task that was not begun yet.
    pub fn new(task: &Task) -> Self {
        Self {
            name: task.name.clone(),
            title: task.title.clone(),
            template: task.template.clone(),
            status: TaskStatus::NotRun,
            reason: None,
            session: None,
            seconds: 0.0,
            turn_seconds: 0.0,
            tokens_in: 0,
            tokens_out: 0,
            usd: 0.0,
            tool_calls: 0,
            turns: Vec::new(),
            checks: Vec::new(),
        }
    }

    /// It was not begun, or not ended.
    pub fn not_run(self, why: &str) -> Self {
        Self { status: TaskStatus::NotRun, reason: Some(why.to_owned()), ..self }
    }

    /// It could not be carried out.
    pub fn erred(self, problem: &Problem) -> Self {
        Self {
            status: TaskStatus::Error,
            reason: Some(format!("{}: {}", problem.code, problem.message)),
            ..self
        }
    }

    /// Takes a turn in.
    pub fn add(&mut self, turn: TurnReport) {
        self.turn_seconds += turn.seconds;
        self.tokens_in += turn.tokens_in;
        self.tokens_out += turn.tokens_out;
        self.usd += turn.usd;
        self.tool_calls += turn.tool_calls;
        self.turns.push(turn);
    }

    /// What its turns and checks come to, when it should have had so many turns.
    pub fn judged(&self, turns: usize) -> TaskStatus {
        let has = |status| self.checks.iter().any(|check| check.status == status);
        let is_finished =
            self.turns.len() == turns && self.turns.iter().all(|turn| turn.outcome == "finished");
        match (is_finished, has(CheckStatus::Failed), has(CheckStatus::Skipped)) {
            (true, false, false) => TaskStatus::Passed,
            (true, false, true) => TaskStatus::Incomplete,
            _ => TaskStatus::Failed,
        }
    }

    /// Why it did not pass, in a line.
    pub fn why(&self) -> Option<String> {
        if let Some(reason) = &self.reason {
            return Some(reason.clone());
        }
        let turn = self.turns.iter().find(|turn| turn.outcome != "finished").map(|turn| {
            let reason = turn.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("a turn ended with {}{reason}", turn.outcome)
        });
        let by = |status| self.checks.iter().find(move |check| check.status == status);
        let check = by(CheckStatus::Failed).or_else(|| by(CheckStatus::Skipped));
        turn.or_else(|| check.map(describe))
    }

    fn count(&self, status: CheckStatus) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }
}

fn describe(check: &CheckReport) -> String {
    let reason = check.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{reason}", check.check)
}

impl Report {
    /// A report of tasks that were carried out in so long a time.
    pub fn new(
        model: Option<String>,
        policy: Option<String>,
        started_at: String,
        took: Duration,
        tasks: Vec<TaskReport>,
    ) -> Self {
        Self {
            format: FORMAT,
            atelier: env!("CARGO_PKG_VERSION").into(),
            model,
            policy,
            started_at,
            seconds: took.as_secs_f64(),
            totals: Totals::of(&tasks),
            tasks,
        }
    }

    /// The table, what did not pass and why, and the totals.
    pub fn readable(&self, ink: Ink) -> String {
        let rows: Vec<_> = self.tasks.iter().map(row).collect();
        let headings = ["task", "result", "checks", "turns", "tools", "tokens", "usd", "time"];
        let mut text = format!("{}\n", table(&headings, &rows, ink));
        for task in self.tasks.iter().filter(|task| task.status != TaskStatus::Passed) {
            text.push_str(&format!("\n{} {}", task.status.mark(ink), ink.bold(&plain(&task.name))));
            text.push_str(&ink.dim(&format!("  {}\n", one_line(&task.title, 80))));
            for line in task.misses() {
                text.push_str(&format!("    {}\n", one_line(&line, 200)));
            }
        }
        for task in &self.tasks {
            if let Some(session) = &task.session {
                text.push_str(&ink.dim(&format!("\n{} is kept as {session}", task.name)));
            }
        }
        format!("{}\n\n{}", text.trim_end(), self.totals.readable(self.seconds))
    }
}

impl TaskReport {
    fn misses(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.reason.iter().cloned().collect();
        let turns = self.turns.iter().enumerate().filter(|(_, turn)| turn.outcome != "finished");
        lines.extend(turns.map(|(place, turn)| {
            let reason = turn.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            format!("turn {} ended with {}{reason}", place + 1, turn.outcome)
        }));
        let failed = self.checks.iter().filter(|check| check.status == CheckStatus::Failed);
        lines.extend(failed.map(|check| format!("failed: {}", describe(check))));
        let skipped = self.checks.iter().filter(|check| check.status == CheckStatus::Skipped);
        lines.extend(skipped.map(|check| format!("skipped: {}", describe(check))));
        lines
    }
}

fn row(task: &TaskReport) -> Vec<String> {
    let skipped = match task.count(CheckStatus::Skipped) {
        0 => String::new(),
        count => format!(", {count} skipped"),
    };
    vec![
        plain(&task.name),
        task.status.word().into(),
        format!("{}/{}{skipped}", task.count(CheckStatus::Passed), task.checks.len()),
        task.turns.len().to_string(),
        task.tool_calls.to_string(),
        format!("{} + {}", task.tokens_in, task.tokens_out),
        format!("{:.4}", task.usd),
        short_duration(Duration::from_secs_f64(task.turn_seconds.clamp(0.0, 1e9))),
    ]
}

impl Totals {
    fn of(tasks: &[TaskReport]) -> Self {
        let count = |status| tasks.iter().filter(|task| task.status == status).count() as u64;
        let passed = count(TaskStatus::Passed);
        let carried_out = passed + count(TaskStatus::Failed) + count(TaskStatus::Incomplete);
        Self {
            tasks: tasks.len() as u64,
            passed,
            failed: count(TaskStatus::Failed),
            incomplete: count(TaskStatus::Incomplete),
            error: count(TaskStatus::Error),
            not_run: count(TaskStatus::NotRun),
            pass_rate: (carried_out > 0).then(|| passed as f64 / carried_out as f64),
            tokens_in: tasks.iter().map(|task| task.tokens_in).sum(),
            tokens_out: tasks.iter().map(|task| task.tokens_out).sum(),
            usd: tasks.iter().map(|task| task.usd).sum(),
            turn_seconds: tasks.iter().map(|task| task.turn_seconds).sum(),
            tool_calls: tasks.iter().map(|task| task.tool_calls).sum(),
        }
    }

    fn readable(&self, seconds: f64) -> String {
        let others: String = [
            (self.failed, "failed"),
            (self.incomplete, "incomplete"),
            (self.error, "could not be carried out"),
            (self.not_run, "not run"),
        ]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
        let rate = self.pass_rate.map(|rate| format!(" ({:.0} %)", rate * 100.0)).unwrap_or_default();
        format!(
            "{} of {} passed{rate}{others}  {} + {} tokens  ${:.4}  {} tools  {}",
            self.passed,
            self.tasks,
            self.tokens_in,
            self.tokens_out,
            self.usd,
            self.tool_calls,
            short_duration(Duration::from_secs_f64(seconds.clamp(0.0, 1e9))),
        )
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A task's report with checks of these statuses.
    pub fn task(name: &str, outcome: &str, checks: &[CheckStatus]) -> TaskReport {
        let task = Task {
            name: name.into(),
            title: "A title".into(),
            template: "empty".into(),
            turns: vec!["Go".into()],
            limits: super::super::task::Limits::default(),
            checks: Vec::new(),
            files: Vec::new(),
        };
        let mut report = TaskReport::new(&task);
        report.add(TurnReport {
            turn: "run_1".into(),
            outcome: outcome.into(),
            reason: (outcome != "finished").then(|| "because".into()),
            model: None,
            tokens_in: 100,
            tokens_out: 10,
            usd: 0.5,
            seconds: 2.0,
            tool_calls: 3,
            gates: 0,
        });
        report.checks = checks
            .iter()
            .enumerate()
            .map(|(place, status)| CheckReport {
                check: format!("check {place}"),
                status: *status,
                reason: (*status != CheckStatus::Passed).then(|| "it is not so".into()),
            })
            .collect();
        report.status = report.judged(1);
        report
    }

    use CheckStatus::{Failed, Passed, Skipped};

    #[test]
    fn a_task_passes_only_when_nothing_failed_and_nothing_was_skipped() {
        let status = |outcome: &str, checks: &[CheckStatus]| task("t", outcome, checks).status;
        assert_eq!(status("finished", &[Passed, Passed]), TaskStatus::Passed);
        assert_eq!(status("finished", &[Passed, Skipped]), TaskStatus::Incomplete);
        assert_eq!(status("finished", &[Skipped, Failed]), TaskStatus::Failed);
        assert_eq!(status("limit", &[Passed]), TaskStatus::Failed);
        assert_eq!(task("t", "finished", &[Passed]).judged(2), TaskStatus::Failed);
    }

    #[test]
    fn the_report_says_what_did_not_pass_and_why() {
        let tasks = vec![
            task("sound", "finished", &[Passed, Passed]),
            task("half", "finished", &[Passed, Skipped]),
            task("wrong", "limit", &[Failed]),
            task("late", "stopped", &[]).not_run("it was interrupted"),
        ];
        let report = Report::new(None, None, String::new(), Duration::from_secs(9), tasks);
        insta::assert_snapshot!(report.readable(Ink::none()), @r"
        TASK   RESULT      CHECKS          TURNS  TOOLS  TOKENS    USD     TIME
        sound  passed      2/2             1      3      100 + 10  0.5000  2.0s
        half   incomplete  1/2, 1 skipped  1      3      100 + 10  0.5000  2.0s
        wrong  failed      0/1             1      3      100 + 10  0.5000  2.0s
        late   not run     0/0             1      3      100 + 10  0.5000  2.0s

        ? half  A title
            skipped: check 1: it is not so

        ✗ wrong  A title
            turn 1 ended with limit: because
            failed: check 0: it is not so

        – late  A title
            it was interrupted
            turn 1 ended with stopped: because

        1 of 4 passed (33 %), 1 failed, 1 incomplete, 1 not run  400 + 40 tokens  $2.0000  12 tools  9.0s
        ");
        assert_eq!(report.totals.pass_rate, Some(1.0 / 3.0));
    }
}
