//! Following a run to its end, and answering what it asks on the way.
//!
//! Start reading at [`follow`]; what is known of the run is [`progress`], how it is shown [`show`].

mod gate;
mod progress;
mod show;

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::Exit;
use super::runs::artifacts;
use super::terminal::{Ink, is_interactive, note, one_line, plain, say, say_json};
use crate::client::stream::{Events, Update};
use crate::client::wire::{Gate, RunDetail, RunStatus};
use crate::client::{Answer, Client, Result};

use gate::Answer as Typed;
pub use gate::{body as gate_answer, describe as describe_gate, next_line};
use progress::Change;
pub use progress::{Progress, is_over};
pub use show::list_steps;
use show::{Lines, Show, Tree};

/// How often a run that cannot be answered from here is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How to follow a run.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Watching {
    /// Approve every question without asking
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Leave out what the steps print
    #[arg(long, short)]
    pub quiet: bool,
    /// Download the run's files into this folder once it has completed
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<std::path::PathBuf>,
}

/// Follows a run until it ends, needs an answer that cannot be given here, or the person leaves.
///
/// # Errors
/// What the server refuses, or that it stays away.
pub async fn follow(client: &Client, id: &str, watching: &Watching, json: bool) -> Result<Exit> {
    let mut session = Session::open(client, id, watching, json).await?;
    let outcome = session.go_on().await;
    session.show.finish();
    match outcome? {
        Outcome::Over => session.conclude().await,
        Outcome::Left => {
            let hint = format!("watch it: atelier runs watch {id}\ncancel it: atelier runs cancel {id}");
            note(&format!("\nThe run goes on without you.\n{hint}"));
            Ok(Exit::Done)
        }
        Outcome::NeedsAnswer => session.tell_what_is_asked().await,
    }
}

enum Outcome {
    Over,
    Left,
    NeedsAnswer,
}

struct Session<'a> {
    client: &'a Client,
    id: &'a str,
    watching: &'a Watching,
    json: bool,
    progress: Progress,
    events: Events<'a>,
    show: Show,
    /// Questions the person wants to leave open.
    left_open: Vec<String>,
}

impl<'a> Session<'a> {
    async fn open(client: &'a Client, id: &'a str, watching: &'a Watching, json: bool) -> Result<Self> {
        let on_terminal = is_interactive();
        let (mut show, progress) = match (json, on_terminal) {
            (true, _) => (Show::Nothing, Progress::default()),
            (false, true) => {
                let detail = client.run(id).await?;
                note(&Ink::stderr().bold(&one_line(&detail.run.title, 120)));
                (Show::Tree(Tree::new(watching.quiet)), Progress::from_detail(&detail))
            }
            (false, false) => (Show::Lines(Lines::new(watching.quiet)), Progress::default()),
        };
        show.reset(&progress);
        let events = Events::after(client, id, progress.last_seq);
        Ok(Self { client, id, watching, json, progress, events, show, left_open: Vec::new() })
    }

    async fn go_on(&mut self) -> Result<Outcome> {
        let interactive = !self.json && is_interactive();
        let mut interrupted = Box::pin(tokio::signal::ctrl_c());
        loop {
            let open =
                self.progress.open_gates.iter().find(|gate| !self.left_open.contains(&gate.name)).cloned();
            let waits = open.is_some() || !self.left_open.is_empty();
            match open {
                Some(gate) if self.watching.yes => self.send(&gate, "approve", None).await?,
                Some(gate) if interactive => {
                    if let Some(outcome) = self.ask(&gate).await? {
                        return Ok(outcome);
                    }
                }
                _ => tokio::select! {
                    update = self.events.next() => match update? {
                        Update::End => return Ok(Outcome::Over),
                        update => self.take(update).await?,
                    },
                    _ = &mut interrupted => return Ok(Outcome::Left),
                    () = sleep(LOOK_EVERY), if waits => {
                        if self.client.run(self.id).await?.run.status == RunStatus::WaitingApproval {
                            return Ok(Outcome::NeedsAnswer);
                        }
                    }
                },
            }
        }
    }

    async fn take(&mut self, update: Update) -> Result<()> {
        let (event, raw) = match update {
            Update::Event(event, raw) => (event, raw),
            Update::Lost => {
                self.show.remark("The connection is lost; it is being made anew …");
                return Ok(());
            }
            Update::Restored => {
                self.show.remark("The connection is back.");
                return Ok(());
            }
            Update::End => return Ok(()),
        };
        if self.json {
            say(&raw);
        }
        let change = self.progress.take(&event);
        if change == Change::Rewound && !self.json {
            let seen = self.progress.last_seq;
            let detail = self.client.run(self.id).await?;
            self.progress = Progress::from_detail(&detail);
            self.progress.last_seq = seen;
            self.show.reset(&self.progress);
        }
        self.show.change(&change, &self.progress);
        Ok(())
    }

    /// Asks the person, while the run may go on, or be answered elsewhere.
    async fn ask(&mut self, gate: &Gate) -> Result<Option<Outcome>> {
        self.show.pause();
        let mut question = Box::pin(gate::ask(gate));
        let mut interrupted = Box::pin(tokio::signal::ctrl_c());
        let typed = loop {
            tokio::select! {
                typed = &mut question => break Some(typed),
                _ = &mut interrupted => return Ok(Some(Outcome::Left)),
                update = self.events.next() => {
                    let update = update?;
                    let over = matches!(update, Update::End);
                    self.take(update).await?;
                    if over {
                        return Ok(Some(Outcome::Over));
                    }
                    if !self.progress.open_gates.iter().any(|open| open.name == gate.name) {
                        note("\n  It was answered elsewhere.");
                        break None;
                    }
                }
            }
        };
        match typed {
            Some(Typed::Decided { decision, feedback }) => {
                self.send(gate, decision, feedback.as_deref()).await?
            }
            Some(Typed::Later) => self.left_open.push(gate.name.clone()),
            None => {}
        }
        self.show.resume(&self.progress);
        Ok(None)
    }

    async fn send(&mut self, gate: &Gate, decision: &str, feedback: Option<&str>) -> Result<()> {
        match self.client.approve(self.id, gate_answer(gate, decision, feedback)).await {
            Ok(_) => {}
            // Someone else was quicker, or it was asked anew: the events say what holds.
            Err(problem) if problem.kind == kernel::Kind::Conflict => self.show.remark(&problem.message),
            Err(problem) => return Err(problem),
        }
        self.progress.open_gates.retain(|open| open.name != gate.name);
        Ok(())
    }

    async fn conclude(&self) -> Result<Exit> {
        let detail = self.client.run(self.id).await?;
        if self.json {
            say_json(&json!({ "kind": "end", "run": detail.raw }));
        } else {
            say(conclusion(&detail).trim_end());
        }
        if let Some(folder) =
            self.watching.output.as_deref().filter(|_| detail.run.status == RunStatus::Completed)
        {
            artifacts::download_all(self.client, self.id, &detail.artifacts, folder).await?;
            note(&format!("{} in {}", artifacts::count(detail.artifacts.len()), folder.display()));
        }
        Ok(match detail.run.status {
            RunStatus::Failed => Exit::RunFailed,
            RunStatus::Cancelled => Exit::RunCancelled,
            _ => Exit::Done,
        })
    }

    async fn tell_what_is_asked(&self) -> Result<Exit> {
        let detail = self.client.run(self.id).await?;
        if self.json {
            say_json(&json!({ "kind": "waiting_approval", "run": detail.raw }));
            return Ok(Exit::WaitingApproval);
        }
        say(&waiting(&detail));
        Ok(Exit::WaitingApproval)
    }
}

fn waiting(detail: &Answer<RunDetail>) -> String {
    let ink = Ink::stdout();
    let open = detail.gates.iter().filter(|gate| gate.decision.is_none());
    let questions: String = open.map(|gate| describe_gate(gate, ink)).collect();
    let answer = format!("atelier runs approve {} [--decision skip|reject]", detail.run.id);
    format!("\n{questions}\nThe run waits for an answer: {}", ink.cyan(&answer))
}

/// What came of a run: its summary or why it failed, its files, its cost.
pub fn conclusion(detail: &RunDetail) -> String {
    let ink = Ink::stdout();
    let id = &detail.run.id;
    let mut text = match detail.run.status {
        RunStatus::Completed => format!("\n{} {id}\n", ink.green("✓ completed")),
        RunStatus::Failed => format!("\n{} {id}\n", ink.red("✗ failed")),
        status => format!("\n{} {id}\n", ink.yellow(status.words())),
    };
    if let Some(summary) = detail.result["summary"].as_str().filter(|summary| !summary.trim().is_empty()) {
        text.push_str(&format!("\n{}\n", plain(summary).trim_end()));
    }
    if let Some(error) = &detail.run.error {
        text.push_str(&format!("{}\n", plain(&error.message)));
        if let Some(hint) = &error.hint {
            text.push_str(&format!("{} {}\n", ink.cyan("hint:"), plain(hint)));
        }
        text.push_str(&format!("{} atelier runs retry {id}\n", ink.cyan("hint:")));
    }
    if !detail.artifacts.is_empty() {
        text.push_str(&format!("\n{}\n", artifacts::list(&detail.artifacts, ink)));
    }
    let cost = detail.cost;
    if cost.tokens_in + cost.tokens_out > 0 {
        // Not every provider says what it charges.
        let price = if cost.usd > 0.0 { format!(", ${:.4}", cost.usd) } else { String::new() };
        text.push_str(&format!("\n{} tokens in, {} out{price}\n", cost.tokens_in, cost.tokens_out));
    }
    text
}
