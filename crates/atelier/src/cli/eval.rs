//! `atelier eval`: how well the Studio's agent does tasks whose results a program can judge.
//!
//! A task ([`task`]) is what is said in a fresh session and what has to hold afterwards. What holds
//! is found out by the server's routes for files and pages alone ([`checks`]): never by asking the
//! model, and never by a program the agent could have changed.
//!
//! Invariant: what could not be found out is `skipped`, and what was skipped never counts as passed.
//!
//! Start reading at [`run`]; one task is carried out in [`carry_out`].

mod carry_out;
mod checks;
mod compare;
mod report;
mod task;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use kernel::Kind;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Exit;
use super::session::{Place, with_client_until_left};
use super::terminal::{Ink, is_interactive, note, one_line, say, say_json, short_duration};
use crate::client::{Client, Problem, Result};
use carry_out::{Conditions, carry_out};
use report::{Report, TaskReport, TaskStatus};
use task::Task;

/// How long sessions may take to be put away after Ctrl-C.
const PUTTING_AWAY: Duration = Duration::from_secs(30);

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  atelier eval                                         every task below evals/
  atelier eval add-a-page change-colours --jobs 4
  atelier eval --model anthropic --out after.json --limit-usd 2
  atelier eval compare before.json after.json

Each task gets a fresh session, which is deleted afterwards. What earlier sessions did is remembered by
the server and may be recalled: measure on a workspace of its own, with --data. Nobody is asked
anything: what the agent would have to ask for is skipped.

It ends with 0 when it was carried out, however the tasks went; `compare` ends with 1 on a regression."
)]
pub struct Eval {
    #[command(subcommand)]
    command: Option<Command>,
    /// The tasks, by the names of their folders; all of them if left out
    tasks: Vec<String>,
    /// The model to ask: a model, a provider or provider/model
    #[arg(long)]
    model: Option<String>,
    /// Another policy than the owner's: local-only, local-first, cloud-first, cheapest or fastest
    #[arg(long, value_parser = models::Policy::NAMES)]
    policy: Option<String>,
    /// The file for the report
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The folder with the tasks
    #[arg(long = "tasks", value_name = "FOLDER", default_value = "evals")]
    folder: PathBuf,
    /// At most so many US dollars for all tasks together; what is left out for that is told
    #[arg(long, value_name = "USD", value_parser = dollars)]
    limit_usd: Option<f64>,
    /// How many tasks are carried out side by side
    #[arg(long, short, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    jobs: u8,
    /// Keep the sessions, to look at them
    #[arg(long)]
    keep: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Show what became worse and what better between two reports
    #[command(after_help = "Examples:
  atelier eval compare before.json after.json
  atelier eval compare before.json after.json --json

It ends with 1 when a task or check passed before and does not any more.")]
    Compare(compare::Compare),
}

fn dollars(text: &str) -> std::result::Result<f64, String> {
    let usd: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    if usd.is_finite() && usd > 0.0 { Ok(usd) } else { Err("it must be more than 0".into()) }
}

pub async fn eval(place: &Place, eval: Eval, json: bool) -> Result<Exit> {
    if let Some(Command::Compare(compare)) = eval.command {
        return compare::compare(&compare, json);
    }
    let tasks = task::read_all(&eval.folder, &eval.tasks)?;
    if let Some(out) = &eval.out {
        // Better now than after an hour.
        write(out, "")?;
    }
    with_client_until_left(place, async |client| run(client, &eval, &tasks, json).await).await
}

/// Carries the tasks out and tells what came of it.
async fn run(client: &Client, eval: &Eval, tasks: &[Task], json: bool) -> Result<Exit> {
    let stop = CancellationToken::new();
    let conditions = Conditions::new(client, eval, stop.clone());
    let progress = Progress::new(tasks.len());
    let began = Instant::now();
    let started_at = jiff::Timestamp::now().to_string();
    let done = carry_all_out(&conditions, tasks, eval.jobs.into(), &progress);
    let mut done = Box::pin(done);
    let reports = tokio::select! {
        reports = &mut done => reports,
        _ = tokio::signal::ctrl_c() => {
            progress.remark("Stopping: turns are cancelled and sessions put away. Ctrl-C again leaves at once.");
            stop.cancel();
            tokio::select! {
                reports = &mut done => reports,
                _ = tokio::signal::ctrl_c() => return Err(left()),
                () = tokio::time::sleep(PUTTING_AWAY) => return Err(left()),
            }
        }
    };
    drop(done);
    progress.finish();
    let report = Report::new(eval.model.clone(), eval.policy.clone(), started_at, began.elapsed(), reports);
    let document = serde_json::to_value(&report).map_err(|error| Problem::internal(error.to_string()))?;
    if let Some(out) = &eval.out {
        write(out, &format!("{document:#}\n"))?;
    }
    if json {
        say_json(&document);
    } else {
        say(&report.readable(Ink::stdout()));
    }
    Ok(if stop.is_cancelled() { Exit::RunCancelled } else { Exit::Done })
}

fn left() -> Problem {
    Problem::new(Kind::Cancelled, "interrupted", "Interrupted; no report was written")
        .with_hint("Sessions of tasks may be left: `atelier studio list` shows them")
}

/// The tasks' reports, in the tasks' order.
async fn carry_all_out(
    conditions: &Conditions<'_>,
    tasks: &[Task],
    jobs: usize,
    progress: &Progress,
) -> Vec<TaskReport> {
    let each = tasks.iter().enumerate().map(async |(place, task)| {
        if !conditions.stop.is_cancelled() {
            progress.begin(&task.name);
        }
        let report = carry_out(conditions, task).await;
        progress.end(&report);
        (place, report)
    });
    let mut reports: Vec<_> = futures::stream::iter(each).buffer_unordered(jobs).collect().await;
    reports.sort_by_key(|(place, _)| *place);
    reports.into_iter().map(|(_, report)| report).collect()
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| {
        Problem::unavailable("cannot_write", format!("{} cannot be written: {error}", path.display()))
            .with_hint("Choose another file with --out")
    })
}

/// How far it is, on standard error: a bar for a person, a line for each task in a log.
struct Progress {
    bar: ProgressBar,
    ink: Ink,
    running: std::cell::RefCell<Vec<String>>,
}

impl Progress {
    fn new(tasks: usize) -> Self {
        let bar = if is_interactive() { ProgressBar::new(tasks as u64) } else { ProgressBar::hidden() };
        let style = "{bar:24.cyan} {pos}/{len} {elapsed:.dim} {wide_msg:.dim}";
        bar.set_style(ProgressStyle::with_template(style).expect("the template is well-formed"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, ink: Ink::stderr(), running: std::cell::RefCell::default() }
    }

    fn begin(&self, name: &str) {
        self.running.borrow_mut().push(name.to_owned());
        self.bar.set_message(self.running.borrow().join(", "));
    }

    fn end(&self, report: &TaskReport) {
        self.running.borrow_mut().retain(|name| *name != report.name);
        self.bar.set_message(self.running.borrow().join(", "));
        self.bar.inc(1);
        let why =
            report.why().map(|why| self.ink.dim(&format!("  {}", one_line(&why, 140)))).unwrap_or_default();
        let took = if report.status == TaskStatus::NotRun {
            String::new()
        } else {
            format!("  {}", short_duration(Duration::from_secs_f64(report.seconds.max(0.0))))
        };
        self.remark(&format!("{} {}{took}{why}", report.status.mark(self.ink), report.name));
    }

    fn remark(&self, text: &str) {
        if self.bar.is_hidden() { note(text) } else { self.bar.println(text) }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
