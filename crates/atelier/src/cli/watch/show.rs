//! Showing a run while it goes on: a tree that redraws itself, lines for a log, JSON lines for a
//! program.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::progress::{Change, Line, Progress};
use crate::cli::terminal::{Ink, note, one_line, plain, say, short_duration};
use crate::client::wire::StepStatus;

/// How many lines of a step's output are kept in sight.
const TAIL: usize = 4;
const WIDEST: usize = 160;

/// Shows what happens.
pub enum Show {
    /// Redraws a line for each step on standard error.
    Tree(Tree),
    /// Writes lines as things happen.
    Lines(Lines),
    /// Nothing: the events themselves are written elsewhere.
    Nothing,
}

impl Show {
    /// Shows the whole anew.
    pub fn reset(&mut self, progress: &Progress) {
        if let Self::Tree(tree) = self {
            tree.reset(progress);
        }
    }

    /// Shows one change.
    pub fn change(&mut self, change: &Change, progress: &Progress) {
        match self {
            Self::Tree(tree) => tree.change(change, progress),
            Self::Lines(lines) => lines.change(change, progress),
            Self::Nothing => {}
        }
    }

    /// A remark beside the run, such as a lost connection.
    pub fn remark(&self, text: &str) {
        match self {
            Self::Tree(tree) => drop(tree.multi.println(Ink::stderr().yellow(text))),
            Self::Lines(_) | Self::Nothing => note(&Ink::stderr().yellow(text)),
        }
    }

    /// Stands still so that a question can be asked.
    pub fn pause(&self) {
        if let Self::Tree(tree) = self {
            let _ = tree.multi.clear();
            tree.multi.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Goes on after [`Show::pause`].
    pub fn resume(&mut self, progress: &Progress) {
        if let Self::Tree(tree) = self {
            tree.multi.set_draw_target(ProgressDrawTarget::stderr());
            tree.reset(progress);
        }
    }

    /// Leaves what is on the screen as it is.
    pub fn finish(&self) {
        if let Self::Tree(tree) = self {
            tree.bars.values().for_each(ProgressBar::abandon);
        }
    }
}

/// A line for each step, redrawn in place.
pub struct Tree {
    multi: MultiProgress,
    ink: Ink,
    quiet: bool,
    /// In the order of the steps.
    order: Vec<String>,
    bars: HashMap<String, ProgressBar>,
    tails: HashMap<String, VecDeque<String>>,
}

impl Tree {
    /// A tree on standard error; `quiet` leaves out what steps print.
    pub fn new(quiet: bool) -> Self {
        Self {
            multi: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            ink: Ink::stderr(),
            quiet,
            order: Vec::new(),
            bars: HashMap::new(),
            tails: HashMap::new(),
        }
    }

    fn reset(&mut self, progress: &Progress) {
        let _ = self.multi.clear();
        self.bars.drain().for_each(|(_, bar)| self.multi.remove(&bar));
        self.order.clear();
        for line in &progress.steps {
            self.draw(line, progress);
        }
    }

    fn change(&mut self, change: &Change, progress: &Progress) {
        match change {
            Change::Planned | Change::Ended => {
                progress.steps.iter().for_each(|line| self.draw(line, progress))
            }
            Change::Step(name) | Change::Asked(name) | Change::Answered { gate: name, .. } => {
                self.tails.remove(name);
                if let Some(line) = progress.step(name) {
                    self.draw(line, progress);
                }
            }
            Change::Output { step, text } if !self.quiet => {
                let tail = self.tails.entry(step.clone()).or_default();
                tail.extend(plain(text).lines().filter(|line| !line.trim().is_empty()).map(str::to_owned));
                while tail.len() > TAIL {
                    tail.pop_front();
                }
                if let Some(line) = progress.step(step) {
                    self.draw(line, progress);
                }
            }
            Change::Log { level, message } if level != "debug" && !self.quiet => {
                let message = one_line(message, WIDEST);
                let painted =
                    if level == "info" { self.ink.dim(&message) } else { self.ink.yellow(&message) };
                let _ = self.multi.println(format!("  {painted}"));
            }
            _ => {}
        }
    }

    fn draw(&mut self, line: &Line, progress: &Progress) {
        let bar = self.bar(line, progress);
        let tail: String = match self.tails.get(&line.name) {
            Some(tail) if line.status == StepStatus::Running => {
                tail.iter().map(|text| format!("\n      {}", self.ink.dim(&one_line(text, WIDEST)))).collect()
            }
            _ => String::new(),
        };
        bar.set_prefix(describe(line, self.ink));
        bar.set_message(tail);
        if line.status == StepStatus::Running {
            bar.set_style(turning());
            bar.enable_steady_tick(Duration::from_millis(100));
        } else {
            bar.disable_steady_tick();
            bar.set_style(still());
            bar.tick();
        }
    }

    /// The bar of a step, put in its place among the others.
    fn bar(&mut self, line: &Line, progress: &Progress) -> ProgressBar {
        if let Some(bar) = self.bars.get(&line.name) {
            return bar.clone();
        }
        let place_of = |name: &String| progress.steps.iter().position(|other| other.name == *name);
        let own = place_of(&line.name);
        let place = self.order.iter().position(|name| place_of(name) > own).unwrap_or(self.order.len());
        let began = line.began.map(|began| jiff::Timestamp::now().as_millisecond().saturating_sub(began));
        let elapsed =
            Duration::from_millis(began.and_then(|elapsed| u64::try_from(elapsed).ok()).unwrap_or(0));
        let bar = self.multi.insert(place, ProgressBar::new_spinner().with_elapsed(elapsed));
        self.order.insert(place, line.name.clone());
        self.bars.insert(line.name.clone(), bar.clone());
        bar
    }
}

fn turning() -> ProgressStyle {
    let elapsed = |state: &ProgressState, text: &mut dyn std::fmt::Write| {
        let _ = text.write_str(&short_duration(state.elapsed()));
    };
    ProgressStyle::with_template("  {spinner:.cyan} {prefix} {since:.dim}{msg}")
        .expect("the template is well-formed")
        .with_key("since", elapsed)
        .tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ")
}

fn still() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix}").expect("the template is well-formed")
}

/// A step on one line; while it runs its sign is a spinner and its time counts by itself.
fn describe(line: &Line, ink: Ink) -> String {
    let title = one_line(&line.title, 100);
    let mut text = match line.status {
        StepStatus::Running => title,
        StepStatus::Pending | StepStatus::Unknown => ink.dim(&format!("· {title}")),
        StepStatus::Completed => format!("{} {title}", ink.green("✓")),
        StepStatus::Failed => format!("{} {title}", ink.red("✗")),
        StepStatus::Skipped => ink.dim(&format!("– {title}")),
        StepStatus::Waiting => format!("{} {title}", ink.yellow("⏸")),
    };
    if line.attempt > 1 {
        text.push_str(&ink.dim(&format!(" (attempt {})", line.attempt)));
    }
    if let Some(took) =
        line.took.filter(|_| matches!(line.status, StepStatus::Completed | StepStatus::Failed))
    {
        text.push_str(&ink.dim(&format!("  {}", short_duration(took))));
    }
    if let Some(why) = line.why.as_ref().filter(|_| line.status != StepStatus::Running) {
        text.push_str(&ink.dim(&format!("  {}", one_line(why, WIDEST))));
    }
    text
}

/// Steps as `runs show` lists them, each with the criteria that do not hold.
pub fn list_steps(progress: &Progress, ink: Ink) -> String {
    let mut text = String::new();
    for line in &progress.steps {
        let sign = if line.status == StepStatus::Running { "▸ " } else { "" };
        text.push_str(&format!("  {sign}{}\n", describe(line, ink)));
        for unmet in &line.unmet {
            text.push_str(&format!("      {} {}\n", ink.red("✗"), one_line(unmet, WIDEST)));
        }
    }
    text
}

/// Lines as things happen, on standard output.
pub struct Lines {
    quiet: bool,
    ink: Ink,
    /// What steps have printed of a line that has no end yet.
    unfinished: HashMap<String, String>,
}

impl Lines {
    /// Lines; `quiet` leaves out what steps print.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, ink: Ink::stdout(), unfinished: HashMap::new() }
    }

    fn change(&mut self, change: &Change, progress: &Progress) {
        match change {
            Change::Step(name) | Change::Asked(name) | Change::Answered { gate: name, .. } => {
                self.flush(name);
                if let Some(line) = progress.step(name) {
                    self.say_step(line);
                }
            }
            Change::Planned => {
                if let Some(line) = progress.step("plan") {
                    self.say_step(line);
                }
            }
            Change::Output { step, text } if !self.quiet => {
                let unfinished = self.unfinished.entry(step.clone()).or_default();
                unfinished.push_str(&plain(text));
                while let Some(end) = unfinished.find('\n') {
                    let line: String = unfinished.drain(..=end).collect();
                    say(&self.ink.dim(&format!("    {}", line.trim_end())));
                }
            }
            Change::Log { level, message } if level != "debug" && !self.quiet => {
                let mark = if level == "info" { String::new() } else { format!("{level}: ") };
                say(&format!("    {mark}{}", one_line(message, 500)));
            }
            Change::Artifact(path) if !self.quiet => say(&format!("  + {}", one_line(path, 200))),
            _ => {}
        }
    }

    fn flush(&mut self, step: &str) {
        let rest = self.unfinished.remove(step).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest {
            say(&self.ink.dim(&format!("    {rest}")));
        }
    }

    fn say_step(&self, line: &Line) {
        let sign = if line.status == StepStatus::Running { "▸ " } else { "" };
        say(&format!("{sign}{}", describe(line, self.ink)));
        for unmet in &line.unmet {
            say(&format!("    ✗ {}", one_line(unmet, WIDEST)));
        }
    }
}
