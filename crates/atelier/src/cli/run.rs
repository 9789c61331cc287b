//! `atelier run`.

use std::path::PathBuf;

use clap::Args;

use super::Exit;
use super::goal::Goal;
use super::session::{Place, with_client_until_left};
use super::terminal::{Ink, is_interactive, one_line, say, say_json};
use super::watch::{self, Watching};
use crate::client::{NewRun, Result};

#[derive(Args)]
#[command(after_help = "Examples:
  atelier run examples/quarterly-report.md                   a runbook, with the inputs it names
  atelier run \"add up sales.csv by region\" --file sales.csv  plain words and a file
  cat goal.md | atelier run - --watch --yes                  without a terminal, approving all
  atelier run report.md --watch --output out/                keep the files it makes

On a terminal the run is watched and its questions are asked right here; Ctrl-C leaves it running.")]
pub struct Run {
    /// The goal in words, the path of a runbook, or `-` for standard input
    goal: String,
    /// Watch the run; on a terminal that is the default
    #[arg(long, short)]
    watch: bool,
    /// Submit it and return at once
    #[arg(long, short, conflicts_with_all = ["watch", "yes", "output"])]
    detach: bool,
    /// A file to send along; may be given several times
    #[arg(long, short, value_name = "PATH")]
    file: Vec<PathBuf>,
    /// What the run is called
    #[arg(long)]
    title: Option<String>,
    /// What sort of work it is
    #[arg(long, value_parser = ["auto", "coding", "writing", "research", "data"])]
    task_type: Option<String>,
    /// Ask before the plan is carried out; without this, only where a model planned code
    #[arg(long)]
    require_approval: bool,
    /// Never ask for the plan as a whole; its own questions are asked all the same
    #[arg(long, conflicts_with = "require_approval")]
    no_approval: bool,
    /// The model to ask
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    watching: Watching,
}

pub async fn run(place: &Place, run: Run, json: bool) -> Result<Exit> {
    let goal = Goal::read(&run.goal)?;
    let files = goal.files(&run.file)?;
    let wanted = run.watch || run.watching.yes || run.watching.output.is_some();
    let watch = wanted || (!run.detach && !json && is_interactive());
    let new = NewRun {
        goal: goal.text,
        title: run.title,
        task_type: run.task_type,
        require_approval: (run.require_approval || run.no_approval).then_some(run.require_approval),
        files,
        model: run.model,
    };
    with_client_until_left(place, async |client| {
        let submitted = client.submit(&new).await?;
        if watch {
            return watch::follow(client, &submitted.id, &run.watching, json).await;
        }
        if json {
            say_json(&submitted.raw);
            return Ok(Exit::Done);
        }
        let ink = Ink::stdout();
        let id = &submitted.id;
        say(&format!("{id}  {}", one_line(&submitted.title, 80)));
        say(&format!("Watch it: {}", ink.cyan(&format!("atelier runs watch {id}"))));
        Ok(Exit::Done)
    })
    .await
}
