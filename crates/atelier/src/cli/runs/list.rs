//! `atelier runs list`.

use clap::Args;

use super::items;
use crate::cli::Exit;
use crate::cli::terminal::{Ink, age, note, one_line, say, say_json, table};
use crate::client::{Client, Result, RunsQuery};

/// How many are listed where nobody says.
const USUAL: u32 = 20;

#[derive(Args)]
#[command(after_help = "Examples:
  atelier runs list
  atelier runs list --status waiting_approval,running
  atelier runs list --limit 500 --json | jq -r '.items[].id'")]
pub struct List {
    /// Only runs at these statuses, separated by commas: queued, running, waiting,
    /// waiting_approval, completed, failed, cancelled
    #[arg(long, value_name = "STATUS,…")]
    status: Option<String>,
    /// Only runs of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = USUAL, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Go on where a list ended, with its `next_cursor`
    #[arg(long)]
    cursor: Option<String>,
}

impl Default for List {
    fn default() -> Self {
        Self { status: None, workflow: None, limit: USUAL, cursor: None }
    }
}

pub async fn list(client: &Client, list: List, json: bool) -> Result<Exit> {
    let List { status, workflow, limit, cursor } = list;
    let found = client.runs(&RunsQuery { status, workflow, limit: Some(limit), cursor }).await?;
    if json {
        say_json(&found.raw);
        return Ok(Exit::Done);
    }
    if items(&found.raw).is_empty() {
        note("There are no runs. Begin one: atelier run \"…\"");
        return Ok(Exit::Done);
    }
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|run| {
            vec![
                run.id.clone(),
                run.status.words().into(),
                age(&run.created_at),
                run.workflow.clone(),
                one_line(&run.title, 60),
            ]
        })
        .collect();
    say(&table(&["id", "status", "submitted", "workflow", "title"], &rows, Ink::stdout()));
    if let Some(cursor) = &found.next_cursor {
        note(&format!("There are more: --cursor {cursor}, or a larger --limit"));
    }
    Ok(Exit::Done)
}
