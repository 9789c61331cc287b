//! `atelier memory facts`, `decisions`, `errors` and `decide`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::terminal::{Ink, age, note, one_line, plain, say, say_json, table};
use crate::client::tiers::{Fact, FactVersion, LogEntry, LogQuery};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
pub struct Facts {
    #[command(subcommand)]
    command: FactCommand,
}

#[derive(Subcommand)]
enum FactCommand {
    /// List what an agent noted, what was written last first
    #[command(
        after_help = "Examples:\n  atelier memory facts list scout\n  atelier memory facts list scout --prefix customers/ --json"
    )]
    List {
        /// The agent
        agent: String,
        /// Only keys that begin so
        #[arg(long)]
        prefix: Option<String>,
        /// At most this many
        #[arg(long, short = 'n', default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Print what an agent noted under a key
    #[command(after_help = "Example:\n  atelier memory facts get scout customers/ana")]
    Get {
        /// The agent
        agent: String,
        /// The key
        key: String,
    },
    /// Note a text for an agent; searches find it from then on
    #[command(
        after_help = "Examples:\n  atelier memory facts set scout customers/ana \"Ana prefers e-mail\"\n  atelier memory facts set scout offer \"Ten percent off\" --expires 2026-12-24\n  atelier memory facts set scout position '{\"page\": 3}' --parse --if-version 2"
    )]
    Set {
        /// The agent
        agent: String,
        /// The key
        key: String,
        /// The value
        value: String,
        /// Read the value as JSON, which is kept and not searched
        #[arg(long)]
        parse: bool,
        /// From when on it is gone, as a day or a moment of RFC 3339
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// Keep it on this machine: no model elsewhere is told
        #[arg(long)]
        local: bool,
        /// Only if this version stands; 0 for none
        #[arg(long, value_name = "VERSION")]
        if_version: Option<u64>,
    },
    /// Take back what an agent noted under a key; its history stays for a month
    #[command(after_help = "Example:\n  atelier memory facts delete scout customers/ana")]
    Delete {
        /// The agent
        agent: String,
        /// The key
        key: String,
    },
    /// Show what was noted under a key before, the newest first
    #[command(
        after_help = "Example:\n  atelier memory facts history scout customers/ana\n\nTo undo a change, set what was there again."
    )]
    History {
        /// The agent
        agent: String,
        /// The key
        key: String,
    },
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  atelier memory decisions\n  atelier memory decisions \"why SQLite\" --agent planner\n  atelier memory errors --run run_01hv5k3m9x7q2w8e4r6t --json"
)]
pub struct Log {
    /// A question; the entries that answer it come, the best first. All of them without one
    question: Vec<String>,
    /// Only those of this agent
    #[arg(long)]
    agent: Option<String>,
    /// Only those that were seen in this run
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// At most this many
    #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  atelier memory decide \"Invoices go out on Mondays\" --why \"Ana asked for it\"\n  atelier memory decide \"Invoices go out on Fridays\" --supersedes log_01hv5k3m9x7q2w8e4r6t"
)]
pub struct Decide {
    /// What was decided, in a line
    title: String,
    /// Why
    #[arg(long, default_value = "")]
    why: String,
    /// The agent that decided
    #[arg(long)]
    agent: Option<String>,
    /// The earlier decision whose place it takes
    #[arg(long, value_name = "DECISION")]
    supersedes: Option<String>,
}

pub async fn facts(client: &Client, wanted: Facts, json: bool) -> Result<()> {
    match wanted.command {
        FactCommand::List { agent, prefix, limit } => {
            list(client, &agent, prefix.as_deref(), limit, json).await?;
        }
        FactCommand::Get { agent, key } => {
            let fact = client.fact(&agent, &key).await?;
            if json { say_json(&fact.raw) } else { say(&plain(&shown(&fact.value))) }
        }
        FactCommand::Set { agent, key, value, parse, expires, local, if_version } => {
            let body = body(value, parse, expires, local, if_version)?;
            let fact = client.set_fact(&agent, &key, body).await?;
            if json { say_json(&fact.raw) } else { note(&format!("It is version {} now.", fact.version)) }
        }
        FactCommand::Delete { agent, key } => {
            client.delete_fact(&agent, &key).await?;
            note("It is taken back.");
        }
        FactCommand::History { agent, key } => history(client, &agent, &key, json).await?,
    }
    Ok(())
}

fn body(
    value: String,
    parse: bool,
    expires: Option<String>,
    local: bool,
    if_version: Option<u64>,
) -> Result<Value> {
    let value = match parse {
        false => Value::String(value),
        true => serde_json::from_str(&value).map_err(|error| {
            let hint = "Write it like '{\"page\": 3}', or leave --parse out to note a text";
            Problem::invalid("malformed_json", format!("The value is not JSON: {error}")).with_hint(hint)
        })?,
    };
    let mut body = json!({ "value": value, "privacy": if local { "local" } else { "shareable" } });
    if let Some(expires) = expires {
        body["expires_at"] = expires.into();
    }
    if let Some(version) = if_version {
        body["expected_version"] = version.into();
    }
    Ok(body)
}

/// A text as it is, anything else as JSON.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn list(client: &Client, agent: &str, prefix: Option<&str>, limit: u32, json: bool) -> Result<()> {
    let page = client.facts(agent, prefix, limit).await?;
    if json {
        say_json(&page.raw);
        return Ok(());
    }
    if page.items.is_empty() {
        note("This agent has noted nothing of the kind.");
        return Ok(());
    }
    let row = |fact: &Fact| {
        let expires = fact.expires_at.as_deref().map(plain).unwrap_or_default();
        let value = one_line(&shown(&fact.value), 60);
        vec![plain(&fact.key), fact.version.to_string(), age(&fact.updated_at), expires, value]
    };
    let rows: Vec<_> = page.items.iter().map(row).collect();
    say(&table(&["key", "version", "written", "expires", "value"], &rows, Ink::stdout()));
    Ok(())
}

async fn history(client: &Client, agent: &str, key: &str, json: bool) -> Result<()> {
    let versions = client.fact_history(agent, key).await?;
    if json {
        say_json(&versions.raw);
        return Ok(());
    }
    let row = |version: &FactVersion| {
        let value = match version.is_deleted {
            true => "(taken back)".to_owned(),
            false => one_line(&shown(&version.value), 60),
        };
        vec![version.version.to_string(), age(&version.written_at), plain(&version.written_by), value]
    };
    let rows: Vec<_> = versions.items.iter().map(row).collect();
    say(&table(&["version", "written", "by", "value"], &rows, Ink::stdout()));
    Ok(())
}

/// Lists `decisions` or `errors`.
pub async fn log(client: &Client, kind: &str, wanted: Log, json: bool) -> Result<()> {
    let Log { question, agent, run, limit } = wanted;
    let question = Some(question.join(" ")).filter(|question| !question.is_empty());
    let found = client.memory_log(kind, &LogQuery { question, agent, run_id: run, limit }).await?;
    if json {
        say_json(&found.raw);
        return Ok(());
    }
    if found.items.is_empty() {
        note(&format!("There are no such {kind}."));
        return Ok(());
    }
    let row = |entry: &LogEntry| {
        let superseded = if entry.superseded_by.is_some() { "(superseded) " } else { "" };
        vec![
            plain(&entry.id),
            age(&entry.last_at),
            format!("{}×", entry.count),
            entry.agent.as_deref().map(plain).unwrap_or_default(),
            one_line(&format!("{superseded}{} – {}", entry.title, entry.detail), 80),
        ]
    };
    let rows: Vec<_> = found.items.iter().map(row).collect();
    say(&table(&["id", "last", "seen", "agent", "what"], &rows, Ink::stdout()));
    Ok(())
}

pub async fn decide(client: &Client, wanted: Decide, json: bool) -> Result<()> {
    let Decide { title, why, agent, supersedes } = wanted;
    let entry = client.decide(&title, &why, agent.as_deref(), supersedes.as_deref()).await?;
    if json {
        say_json(&entry.raw)
    } else {
        say(&plain(&entry.id))
    }
    Ok(())
}
