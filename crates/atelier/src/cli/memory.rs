//! `atelier memory`.

use clap::{Args, Subcommand};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, age, note, one_line, plain, say, say_json, table};
use crate::client::{Client, Result};

#[derive(Args)]
pub struct Memory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search everything that is remembered
    #[command(
        after_help = "Examples:\n  atelier memory search \"quarterly sales\"\n  atelier memory search tests -n 3 --json"
    )]
    Search {
        /// What to look for
        #[arg(required = true)]
        query: Vec<String>,
        /// At most this many
        #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
        count: u32,
    },
    /// List what was planned, the newest first
    #[command(after_help = "Example:\n  atelier memory logs --limit 5")]
    Logs {
        /// At most this many
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Show how far the vectors are, which another embedder makes anew in the background
    #[command(after_help = "Example:\n  atelier memory index --json")]
    Index,
    /// Write what was planned to a JSONL file in the workspace
    #[command(after_help = "Example:\n  atelier memory snapshot --limit 50")]
    Snapshot {
        /// At most this many entries
        #[arg(long, short = 'n', default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

pub async fn memory(place: &Place, memory: Memory, json: bool) -> Result<Exit> {
    with_client(place, async |client| {
        match memory.command {
            Command::Search { query, count } => search(client, &query.join(" "), count, json).await?,
            Command::Logs { limit } => logs(client, limit, json).await?,
            Command::Index => index(client, json).await?,
            Command::Snapshot { limit } => {
                let written = client.snapshot_memory(limit).await?;
                if json {
                    say_json(&written.raw);
                } else {
                    say(&format!("{}  ({} entries)", written.path, written.count));
                }
            }
        }
        Ok(Exit::Done)
    })
    .await
}

async fn search(client: &Client, query: &str, count: u32, json: bool) -> Result<()> {
    let found = client.search_memory(query, count).await?;
    if json {
        say_json(&found.raw);
        return Ok(());
    }
    if found.items.is_empty() {
        note("Nothing that is remembered fits.");
    }
    let ink = Ink::stdout();
    for hit in &found.items {
        let origin = format!("{:.3}  {}  {}", hit.score, plain(&hit.collection), plain(&hit.source));
        say(&format!("{}  {}", ink.bold(&one_line(&hit.title, 80)), ink.dim(&origin)));
        say(&format!("  {}\n", one_line(&hit.snippet, 300)));
    }
    Ok(())
}

async fn index(client: &Client, json: bool) -> Result<()> {
    let index = client.memory_index().await?;
    if json {
        say_json(&index.raw);
        return Ok(());
    }
    let Some(embedder) = &index.embedder else {
        say("There are no vectors: nothing makes them. `atelier doctor` tells more.");
        return Ok(());
    };
    let counts = format!("{} of {} documents", index.done, index.total);
    say(&format!("{}  {}  {counts}", plain(embedder), plain(&index.state)));
    Ok(())
}

async fn logs(client: &Client, limit: u32, json: bool) -> Result<()> {
    let found = client.memory_logs(limit).await?;
    if json {
        say_json(&found.raw);
        return Ok(());
    }
    let rows: Vec<_> = found
        .items
        .iter()
        .map(|entry| {
            let steps = entry.plan.steps.len().to_string();
            vec![
                entry.id.clone(),
                age(&entry.created_at),
                plain(&entry.plan.planner),
                steps,
                one_line(&entry.prompt, 70),
            ]
        })
        .collect();
    say(&table(&["id", "made", "planner", "steps", "goal"], &rows, Ink::stdout()));
    Ok(())
}
