//! `atelier memory`.

mod ingest;

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, age, is_interactive, note, one_line, plain, say, say_json, size, table};
use crate::client::memory::{Collection, RememberedDocument};
use crate::client::{Client, Problem, Result};

const LOOK_EVERY: Duration = Duration::from_millis(300);

#[derive(Args)]
pub struct Memory {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Search everything that is remembered
    #[command(
        after_help = "Examples:\n  atelier memory search \"quarterly sales\"\n  atelier memory search tests -n 3 --json\n  atelier memory search \"who decided it\" --in notes --filter since=2026-01-01 --explain"
    )]
    Search {
        /// What to look for
        #[arg(required = true)]
        query: Vec<String>,
        /// At most this many
        #[arg(long, short = 'n', default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
        count: u32,
        /// Only in this collection; can be given again
        #[arg(long = "in", value_name = "COLLECTION")]
        collections: Vec<String>,
        /// Only what has this, as `field=value`: author, source, privacy, since, until, `brand_id`, path, …
        #[arg(long = "filter", value_name = "FIELD=VALUE")]
        filters: Vec<String>,
        /// Show what each score is made of
        #[arg(long)]
        explain: bool,
    },
    /// Print what a model would be given to know about a question, within a budget of tokens
    #[command(
        after_help = "Example:\n  atelier memory pack \"when do the invoices go out\" --budget 2000 --model gpt-4o"
    )]
    Pack {
        /// The question
        #[arg(required = true)]
        query: Vec<String>,
        /// How many tokens it may have
        #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
        budget: u32,
        /// The model by whose tokenizer tokens are counted
        #[arg(long)]
        model: Option<String>,
    },
    /// Take in files and folders, so that they are found
    Ingest(ingest::Ingest),
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
    Reindex {
        /// Return at once
        #[arg(long)]
        no_wait: bool,
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
            Command::Search { query, count, collections, filters, explain } => {
                let filters = filters_of(collections, &filters)?;
                search(client, &query.join(" "), count, &filters, explain, json).await?;
            }
            Command::Pack { query, budget, model } => {
                let pack = client.pack(&query.join(" "), budget, model.as_deref()).await?;
                if json {
                    say_json(&pack.raw);
                } else {
                    say(&plain(&pack.text));
                    let (tokens, most, cut) = (pack.tokens, pack.budget_tokens, pack.cut.len());
                    note(&format!("{tokens} of {most} tokens, {}, {cut} left out", plain(&pack.privacy)));
                }
            }
            Command::Ingest(wanted) => return ingest::ingest(client, wanted, json).await,
            Command::List { collection: None, .. } => collections(client, json).await?,
            Command::List { collection, limit } => {
                documents(client, collection.as_deref(), limit, json).await?
            }
            Command::Show { id } => show(client, &id, json).await?,
            Command::Forget { id } => {
                client.forget_document(&id).await?;
                note("It is forgotten.");
            }
            Command::Stats => stats(client, json).await?,
            Command::Reindex { no_wait } => reindex(client, no_wait).await?,
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

/// The filters of a search, as the server takes them.
fn filters_of(collections: Vec<String>, pairs: &[String]) -> Result<BTreeMap<String, Value>> {
    let mut filters = BTreeMap::new();
    for pair in pairs {
        let Some((field, value)) = pair.split_once('=') else {
            let text = format!("`{}` is no filter", plain(pair));
            return Err(Problem::invalid("invalid_filter", text).with_hint("Write it like author=Ana"));
        };
        filters.insert(field.to_owned(), json!(value));
    }
    if !collections.is_empty() {
        filters.insert("collection".into(), json!(collections));
    }
    Ok(filters)
}

async fn search(
    client: &Client,
    query: &str,
    count: u32,
    filters: &BTreeMap<String, Value>,
    explain: bool,
    json: bool,
) -> Result<()> {
    let found = client.find(query, count, filters).await?;
    if json {
        say_json(&found.raw);
        return Ok(());
    }
    if found.items.is_empty() {
        note("Nothing that is remembered fits.");
    }
    if !found.has_meaning {
        note("Only words were looked at: nothing makes vectors. `atelier doctor` tells more.");
    }
    let ink = Ink::stdout();
    for hit in &found.items {
        let title = hit.headings.iter().fold(hit.title.clone(), |title, heading| {
            if *heading == title { title } else { format!("{title} › {heading}") }
        });
        let author = hit.author.as_deref().map(|author| format!("  {}", plain(author))).unwrap_or_default();
        let origin = format!("{:.3}  {}  {}{author}", hit.score, plain(&hit.collection), plain(&hit.source));
        say(&format!("{}  {}", ink.bold(&one_line(&title, 80)), ink.dim(&origin)));
        say(&format!("  {}", one_line(&hit.snippet, 300)));
        if explain {
            let telling = hit.parts.iter().filter(|part| part.share.abs() >= 0.005);
            let parts: Vec<String> =
                telling.map(|part| format!("{} {:+.2}", plain(&part.feature), part.share)).collect();
            say(&format!("  {}", ink.dim(&parts.join("  "))));
            say(&format!("  {}", ink.dim(&plain(&hit.document_id))));
        }
        say("");
    }
    Ok(())
}

async fn collections(client: &Client, json: bool) -> Result<()> {
    let all = client.collections().await?;
    if json {
        say_json(&all.raw);
        return Ok(());
    }
    if all.items.is_empty() {
        note("Nothing is remembered yet. `atelier memory ingest FOLDER` takes files in.");
        return Ok(());
    }
    let row = |collection: &Collection| {
        vec![
            plain(&collection.name),
            collection.documents.to_string(),
            collection.local_documents.to_string(),
            collection.chunks.to_string(),
            size(collection.characters),
            age(&collection.newest),
        ]
    };
    let rows: Vec<_> = all.items.iter().map(row).collect();
    say(&table(&["collection", "documents", "local", "chunks", "text", "newest"], &rows, Ink::stdout()));
    Ok(())
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

async fn reindex(client: &Client, no_wait: bool) -> Result<()> {
    client.reindex().await?;
    if no_wait {
        note("The indices are being made anew; `atelier memory stats` tells how far they are.");
        return Ok(());
    }
    let bar = if is_interactive() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    bar.set_message("making the indices anew");
    bar.enable_steady_tick(Duration::from_millis(100));
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let stats = client.memory_stats().await?;
        let behind = stats.keyword.behind.max(stats.vector.as_ref().map_or(0, |vector| vector.behind));
        bar.set_message(format!("{behind} changes to go"));
        if behind == 0 && stats.keyword.chunks == stats.chunks {
            break;
        }
    }
    bar.finish_and_clear();
    note("The indices are made anew.");
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
