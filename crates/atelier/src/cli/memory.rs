//! `atelier memory`.

mod collections;
mod counts;
mod export;
mod import;
mod ingest;
mod search;
mod tiers;

use clap::{Args, Subcommand};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, age, note, one_line, plain, say, say_json, size, table};
use crate::client::memory::RememberedDocument;
use crate::client::{Client, Result};

#[derive(Args)]
pub struct Memory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search everything that is remembered
    Search(search::Search),
    /// Print what a model would be given to know about a question, within a budget of tokens
    #[command(
        after_help = "Examples:\n  atelier memory pack \"when do the invoices go out\" --budget 2000 --model gpt-4o\n  atelier memory pack --run run_01hv5k3m9x7q2w8e4r6t"
    )]
    Pack {
        /// The question
        #[arg(required_unless_present = "run")]
        query: Vec<String>,
        /// Show the pack that this run was given instead
        #[arg(long, value_name = "RUN", conflicts_with_all = ["query", "budget", "model"])]
        run: Option<String>,
        /// How many tokens it may have
        #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
        budget: u32,
        /// The model by whose tokenizer tokens are counted
        #[arg(long)]
        model: Option<String>,
    },
    /// Take in files and folders, so that they are found
    Ingest(ingest::Ingest),
    /// Write everything that is remembered to a file, which can be imported again
    Export(export::Export),
    /// Take in an export of memory, a vault or folder of notes, or the export of a chat program
    Import(import::Import),
    /// List the collections with how each is set up
    #[command(after_help = "Example:\n  atelier memory collections --json")]
    Collections,
    /// Show how a collection is set up, or set it up: its label, the length of passages, vectors
    Collection(collections::CollectionArgs),
    /// List the collections, or the documents of one
    #[command(after_help = "Examples:\n  atelier memory list\n  atelier memory list notes --limit 10")]
    List {
        /// The collection
        collection: Option<String>,
        /// At most this many documents
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Print a document
    #[command(after_help = "Example:\n  atelier memory show doc_01hv5k3m9x7q2w8e4r6t")]
    Show {
        /// The document
        id: String,
    },
    /// Forget a document, with its passages and their vectors
    #[command(after_help = "Example:\n  atelier memory forget doc_01hv5k3m9x7q2w8e4r6t")]
    Forget {
        /// The document
        id: String,
    },
    /// Show how much is remembered and how far the indices are
    #[command(after_help = "Example:\n  atelier memory stats --json")]
    Stats,
    /// Make the indices anew from what is stored; searches go on meanwhile
    #[command(after_help = "Example:\n  atelier memory reindex")]
    Reindex,
    /// What agents note by key: list, get, set, delete, and what was there before
    Facts(tiers::Facts),
    /// List decisions, or ask for those that answer a question
    Decisions(tiers::Log),
    /// List errors, the same one counted once, or ask for those that answer a question
    Errors(tiers::Log),
    /// Log a decision, so that it is found
    Decide(tiers::Decide),
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
            Command::Search(wanted) => search::search(client, wanted, json).await?,
            Command::Pack { query, run, budget, model } => {
                let pack = match run {
                    Some(run) => client.pack_of_run(&run).await?,
                    None => client.pack(&query.join(" "), budget, model.as_deref()).await?,
                };
                if json {
                    say_json(&pack.raw);
                } else {
                    say(&plain(&pack.text));
                    let (tokens, most, cut) = (pack.tokens, pack.budget_tokens, pack.cut.len());
                    note(&format!("{tokens} of {most} tokens, {}, {cut} left out", plain(&pack.privacy)));
                }
            }
            Command::Ingest(wanted) => return ingest::ingest(client, wanted, json).await,
            Command::Export(wanted) => return export::export(client, wanted, json).await,
            Command::Import(wanted) => return import::import(client, wanted, json).await,
            Command::Collections | Command::List { collection: None, .. } => {
                collections::list(client, json).await?
            }
            Command::Collection(wanted) => collections::show_or_change(client, wanted, json).await?,
            Command::List { collection, limit } => {
                documents(client, collection.as_deref(), limit, json).await?
            }
            Command::Show { id } => show(client, &id, json).await?,
            Command::Forget { id } => {
                client.forget_document(&id).await?;
                note("It is forgotten.");
            }
            Command::Stats => stats(client, json).await?,
            Command::Reindex => {
                client.reindex().await?;
                note("The indices are being made anew; searches go on meanwhile.");
            }
            Command::Facts(wanted) => tiers::facts(client, wanted, json).await?,
            Command::Decisions(wanted) => tiers::log(client, "decisions", wanted, json).await?,
            Command::Errors(wanted) => tiers::log(client, "errors", wanted, json).await?,
            Command::Decide(wanted) => tiers::decide(client, wanted, json).await?,
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

async fn documents(client: &Client, collection: Option<&str>, limit: u32, json: bool) -> Result<()> {
    let page = client.documents(collection, limit).await?;
    if json {
        say_json(&page.raw);
        return Ok(());
    }
    if page.items.is_empty() {
        note("There is no document in this collection.");
        return Ok(());
    }
    let row = |document: &RememberedDocument| {
        let title = if document.title.is_empty() { &document.key } else { &document.title };
        vec![
            plain(&document.id),
            age(&document.updated_at),
            plain(&document.privacy),
            document.chunks.to_string(),
            one_line(title, 60),
        ]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    say(&table(&["id", "stored", "privacy", "chunks", "title"], &rows, Ink::stdout()));
    Ok(())
}

async fn show(client: &Client, id: &str, json: bool) -> Result<()> {
    let document = client.document(id).await?;
    if json {
        say_json(&document.raw);
        return Ok(());
    }
    let origin = format!("{}  {}  {}", document.collection, document.key, document.privacy);
    note(&format!("{}  {}", plain(&document.title), plain(&origin)));
    say(&plain(document.text.as_deref().unwrap_or_default()));
    Ok(())
}

async fn stats(client: &Client, json: bool) -> Result<()> {
    let stats = client.memory_stats().await?;
    if json {
        say_json(&stats.raw);
        return Ok(());
    }
    let behind = |count: u64| match count {
        0 => "up to date".to_owned(),
        count => format!("{count} changes behind"),
    };
    say(&format!("{} documents, {} chunks, {}", stats.documents, stats.chunks, size(stats.characters)));
    let words = &stats.keyword;
    say(&format!("words    {} chunks, {}, {}", words.chunks, size(words.bytes), behind(words.behind)));
    match &stats.vector {
        Some(vectors) => say(&format!("meaning  {} vectors, {}", vectors.chunks, behind(vectors.behind))),
        None => say("meaning  nothing makes vectors"),
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
    let counts = format!("{} of {} chunks", index.done, index.total);
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
