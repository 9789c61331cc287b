//! `atelier runs`.

pub mod artifacts;
mod find;
mod list;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use kernel::Kind;
use serde_json::Value;

use super::Exit;
use super::session::{Place, with_client, with_client_until_left};
use super::terminal::{note, one_line, say, say_json};
use super::watch::{self, Watching, gate_answer};
use crate::client::wire::{Gate, Run};
use crate::client::{Answer, Client, Problem, Result};
use find::find;

#[derive(Args)]
pub struct Runs {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List runs, the newest first
    List(list::List),
    /// Show a run: its steps, questions and files
    #[command(
        after_help = "Examples:\n  atelier runs show 4r6t        ids may be cut to what is unique\n  atelier runs show 4r6t --json"
    )]
    Show(Which),
    /// Watch a run and answer what it asks
    #[command(
        after_help = "Examples:\n  atelier runs watch 4r6t\n  atelier runs watch 4r6t --json   every event as a line of JSON"
    )]
    Watch(Watch),
    /// Answer a question of a run
    Approve(Approve),
    /// Do a run again, from what failed or from a step on
    #[command(after_help = "Examples:\n  atelier runs retry 4r6t\n  atelier runs retry 4r6t --stage s2")]
    Retry(Retry),
    /// Stop a run
    #[command(after_help = "Example:\n  atelier runs cancel 4r6t")]
    Cancel(Which),
    /// Begin a new run with what another had done after a step
    #[command(after_help = "Example:\n  atelier runs fork 4r6t --after s2")]
    Fork(Fork),
    /// List the files a run made, or download them
    #[command(
        after_help = "Examples:\n  atelier runs artifacts 4r6t\n  atelier runs artifacts 4r6t --output out/"
    )]
    Artifacts(Artifacts),
}

#[derive(Args)]
struct Which {
    /// The run's id, or a part of it from its beginning or end
    id: String,
}

#[derive(Args)]
struct Watch {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    watching: Watching,
}

#[derive(Args)]
#[command(after_help = "Examples:
  atelier runs approve 4r6t
  atelier runs approve 4r6t --gate s2 --decision reject --feedback \"the totals are off\"")]
struct Approve {
    #[command(flatten)]
    which: Which,
    /// Which question; needed only when several are open
    #[arg(long)]
    gate: Option<String>,
    /// The answer
    #[arg(long, default_value = "approve", value_parser = ["approve", "skip", "reject"])]
    decision: String,
    /// What to say with it
    #[arg(long)]
    feedback: Option<String>,
}

#[derive(Args)]
struct Retry {
    #[command(flatten)]
    which: Which,
    /// The first step to do again; without it, what failed
    #[arg(long)]
    stage: Option<String>,
}

#[derive(Args)]
struct Fork {
    #[command(flatten)]
    which: Which,
    /// The last step whose result is taken over
    #[arg(long, value_name = "STEP")]
    after: String,
}

#[derive(Args)]
struct Artifacts {
    #[command(flatten)]
    which: Which,
    /// Download them into this folder
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub async fn runs(place: &Place, runs: Runs, json: bool) -> Result<Exit> {
    match runs.command.unwrap_or_else(|| Command::List(list::List::default())) {
        Command::Watch(Watch { which, watching }) => {
            with_client_until_left(place, async |client| {
                let id = find(client, &which.id).await?;
                watch::follow(client, &id, &watching, json).await
            })
            .await
        }
        command => with_client(place, async |client| carry_out(client, command, json).await).await,
    }
}

async fn carry_out(client: &Client, command: Command, json: bool) -> Result<Exit> {
    match command {
        Command::List(list) => list::list(client, list, json).await,
        Command::Show(which) => show::show(client, &find(client, &which.id).await?, json).await,
        Command::Approve(approve) => answer(client, approve, json).await,
        Command::Retry(retry) => {
            let id = find(client, &retry.which.id).await?;
            changed(&client.retry(&id, retry.stage.as_deref()).await?, "is done again", json)
        }
        Command::Cancel(which) => {
            let id = find(client, &which.id).await?;
            changed(&client.cancel(&id).await?, "is being stopped", json)
        }
        Command::Fork(fork) => {
            let id = find(client, &fork.which.id).await?;
            changed(&client.fork(&id, &fork.after).await?, &format!("goes on after {}", fork.after), json)
        }
        Command::Artifacts(wanted) => {
            let id = find(client, &wanted.which.id).await?;
            artifacts::artifacts(client, &id, wanted.output.as_deref(), json).await
        }
        Command::Watch(_) => unreachable!("follows the run by itself"),
    }
}

async fn answer(client: &Client, approve: Approve, json: bool) -> Result<Exit> {
    let id = find(client, &approve.which.id).await?;
    let detail = client.run(&id).await?;
    let open: Vec<&Gate> = detail.gates.iter().filter(|gate| gate.decision.is_none()).collect();
    let gate = match (&approve.gate, open.as_slice()) {
        (Some(name), _) => detail.gates.iter().find(|gate| gate.name == *name).ok_or_else(|| {
            Problem::new(Kind::NotFound, "gate_not_found", format!("The run has no question `{name}`"))
                .with_hint(names(&open))
        })?,
        (None, [gate]) => gate,
        (None, []) => {
            let message = format!("The run {id} asks nothing: it is {}", detail.run.status.words());
            return Err(Problem::new(Kind::Conflict, "no_open_gate", message)
                .with_hint(format!("Look at it with `atelier runs show {id}`")));
        }
        (None, _) => {
            let message = format!("The run {id} asks {} things", open.len());
            return Err(Problem::new(Kind::Conflict, "gate_ambiguous", message).with_hint(names(&open)));
        }
    };
    let body = gate_answer(gate, &approve.decision, approve.feedback.as_deref());
    let run = client.approve(&id, body).await?;
    if json {
        say_json(&run.raw);
        return Ok(Exit::Done);
    }
    let done = match approve.decision.as_str() {
        "skip" => "skipped",
        "reject" => "rejected",
        _ => "approved",
    };
    say(&format!("{id}  {done}: {}", one_line(&gate.title, 80)));
    Ok(Exit::Done)
}

fn names(open: &[&Gate]) -> String {
    let lines = open.iter().map(|gate| format!("--gate {}  ({})", gate.name, one_line(&gate.title, 80)));
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() { "It asks nothing now".into() } else { lines.join("\n") }
}

fn changed(run: &Answer<Run>, what: &str, json: bool) -> Result<Exit> {
    if json {
        say_json(&run.raw);
        return Ok(Exit::Done);
    }
    let from = run.forked_from.as_ref().map_or_else(String::new, |from| format!(" (forked from {from})"));
    say(&format!("{}  {what}: {}{from}", run.id, one_line(&run.title, 80)));
    note(&format!("Watch it: atelier runs watch {}", run.id));
    Ok(Exit::Done)
}

/// A member of `items` in a list as it came, for `--json`.
fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}
