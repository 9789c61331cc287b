//! `atelier usage` and `atelier limits`: what models were asked, what it cost, and how much may be.

use clap::{Args, Subcommand, ValueEnum};
use jiff::ToSpan;
use serde_json::{Map, Value, json};

use super::Exit;
use super::session::{Place, with_client};
use super::terminal::{Ink, note, one_line, plain, say, say_json, table};
use crate::client::wire::{Figures, Limit, NamedFigures, UsageReport};
use crate::client::{Client, Problem, Result};

/// How long the longest bar is.
const BAR: usize = 20;

#[derive(Args)]
#[command(after_help = "Examples:
  atelier usage
  atelier usage --days 30 --by model
  atelier usage --by day --json")]
pub struct Usage {
    /// Of the last so many days
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=400))]
    days: u16,
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = By::Provider)]
    by: By,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    Provider,
    Model,
    Token,
    Day,
}

pub async fn usage(place: &Place, usage: Usage, json: bool) -> Result<Exit> {
    let from = jiff::Timestamp::now().checked_sub((i64::from(usage.days) * 24).hours());
    let from = from.map_err(|error| Problem::internal(error.to_string()))?.to_string();
    with_client(place, async |client| {
        let report = client.usage(&from).await?;
        if json {
            say_json(&report.raw);
            return Ok(Exit::Done);
        }
        if report.totals.requests == 0 {
            note(&format!("No model was asked anything in the last {} days.", usage.days));
            return Ok(Exit::Done);
        }
        show(&report, usage.by, Ink::stdout());
        Ok(Exit::Done)
    })
    .await
}

fn show(report: &UsageReport, by: By, ink: Ink) {
    let nobody = || "(nobody asked)".to_owned();
    let named = |label: String, figures: &Figures| (label, figures.clone());
    let (heading, mut lines): (&str, Vec<(String, Figures)>) = match by {
        By::Provider => {
            let each = |it: &NamedFigures| named(it.provider.clone().unwrap_or_else(nobody), &it.figures);
            ("provider", report.by_provider.iter().map(each).collect())
        }
        By::Model => {
            let each = |it: &NamedFigures| {
                let name = it.provider.as_ref().zip(it.model.as_ref());
                let name = name.map(|(provider, model)| format!("{provider}/{model}"));
                named(name.unwrap_or_else(nobody), &it.figures)
            };
            ("model", report.by_model.iter().map(each).collect())
        }
        By::Token => {
            ("token", report.by_token.iter().map(|it| named(it.name.clone(), &it.figures)).collect())
        }
        By::Day => ("day", days(&report.series)),
    };
    lines.push(("total".to_owned(), report.totals.clone()));
    let dearest = lines.iter().rev().skip(1).map(|(_, figures)| figures.usd).fold(0.0, f64::max);
    let rows: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(place, (label, figures))| {
            let is_total = place + 1 == lines.len();
            let bar = if is_total { String::new() } else { bar(figures.usd, dearest) };
            let shown = one_line(&plain(label), 40);
            let percentiles = figures.latency_ms.as_ref();
            vec![
                shown,
                figures.requests.to_string(),
                figures.failures.to_string(),
                figures.tokens_in.to_string(),
                figures.tokens_out.to_string(),
                percentiles
                    .filter(|_| !matches!(by, By::Day))
                    .map_or("–".into(), |it| format!("{:.0}/{:.0}", it.p50, it.p95)),
                format!("{}{:.4}", if figures.is_estimated { "~" } else { "" }, figures.usd),
                bar,
            ]
        })
        .collect();
    let headings = [heading, "requests", "failed", "tokens in", "tokens out", "p50/p95 ms", "usd", ""];
    say(&table(&headings, &rows, ink));
    if report.totals.is_estimated {
        note("~ some of it was counted roughly, or a provider's price is not known.");
    }
}

/// The series without its providers.
fn days(series: &[NamedFigures]) -> Vec<(String, Figures)> {
    let mut days: Vec<(String, Figures)> = Vec::new();
    for point in series {
        let day = point.start.get(..10).unwrap_or(&point.start).to_owned();
        if days.last().is_none_or(|(last, _)| *last != day) {
            days.push((day, Figures::default()));
        }
        if let Some((_, sum)) = days.last_mut() {
            let more = &point.figures;
            sum.requests += more.requests;
            sum.failures += more.failures;
            sum.tokens_in += more.tokens_in;
            sum.tokens_out += more.tokens_out;
            sum.usd += more.usd;
            sum.is_estimated |= more.is_estimated;
        }
    }
    days
}

fn bar(usd: f64, dearest: f64) -> String {
    if usd <= 0.0 || dearest <= 0.0 {
        return String::new();
    }
    let length = (usd / dearest * BAR as f64).round() as usize;
    "█".repeat(length.clamp(1, BAR))
}

#[derive(Args)]
pub struct Limits {
    /// The list, where none is given
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// List limits with what was used of them
    #[command(after_help = "Example:\n  atelier limits list")]
    List,
    /// Set a limit, in place of the one there is for the same subject and window
    Set(Set),
    /// Remove a limit
    #[command(after_help = "Example:\n  atelier limits remove lim_01hv5k3m9x7q2w8e4r6t")]
    Remove {
        /// The limit's id, as `atelier limits list` shows it
        id: String,
    },
}

#[derive(Args)]
#[command(after_help = "Examples:
  atelier limits set --per day --usd 5
  atelier limits set --token tok_01hv5k3m9x7q2w8e4r6t --per minute --requests 60
  atelier limits set --provider openai --per month --usd 50 --warn-at 0.5")]
struct Set {
    /// In which time it is counted
    #[arg(long, value_enum)]
    per: Per,
    /// What is asked with this token; without it and --provider, all that is asked
    #[arg(long, conflicts_with = "provider")]
    token: Option<String>,
    /// What this provider is asked
    #[arg(long)]
    provider: Option<String>,
    /// At most so many requests
    #[arg(long)]
    requests: Option<u64>,
    /// At most so many tokens
    #[arg(long)]
    tokens: Option<u64>,
    /// At most so many US dollars
    #[arg(long)]
    usd: Option<f64>,
    /// From this share on a warning is given
    #[arg(long, value_name = "0…1")]
    warn_at: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Per {
    Minute,
    Day,
    Month,
}

impl Per {
    fn name(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

pub async fn limits(place: &Place, limits: Limits, json: bool) -> Result<Exit> {
    with_client(place, async |client| {
        match limits.command.unwrap_or(Command::List) {
            Command::List => list(client, json).await?,
            Command::Set(set) => set_limit(client, set, json).await?,
            Command::Remove { id } => {
                client.delete_limit(&id).await?;
                if json {
                    say_json(&json!({ "id": id, "removed": true }));
                } else {
                    say(&format!("{} is removed", plain(&id)));
                }
            }
        }
        Ok(Exit::Done)
    })
    .await
}

async fn list(client: &Client, json: bool) -> Result<()> {
    let found = client.limits().await?;
    if json {
        say_json(&found.raw);
        return Ok(());
    }
    if found.items.is_empty() {
        note("There are no limits. Set one: atelier limits set --per day --usd 10");
        return Ok(());
    }
    let rows: Vec<_> = found.items.iter().map(row).collect();
    let headings = ["id", "of", "per", "requests", "tokens", "usd", "state", "room again"];
    say(&table(&headings, &rows, Ink::stdout()));
    Ok(())
}

fn row(limit: &Limit) -> Vec<String> {
    let of = |used: String, most: Option<String>| most.map_or("–".into(), |most| format!("{used}/{most}"));
    let whose = limit
        .subject
        .as_ref()
        .map_or_else(|| limit.scope.clone(), |subject| format!("{} {}", limit.scope, one_line(subject, 30)));
    vec![
        limit.id.clone(),
        whose,
        limit.window.clone(),
        of(limit.used.requests.to_string(), limit.requests.map(|most| most.to_string())),
        of(limit.used.tokens.to_string(), limit.tokens.map(|most| most.to_string())),
        of(format!("{:.2}", limit.used.usd), limit.usd.map(|most| format!("{most:.2}"))),
        limit.state.clone(),
        limit.resets_at.clone(),
    ]
}

async fn set_limit(client: &Client, set: Set, json: bool) -> Result<()> {
    let (scope, subject) = match (set.token, set.provider) {
        (Some(token), _) => ("token", Some(token)),
        (None, Some(provider)) => ("provider", Some(provider)),
        (None, None) => ("workspace", None),
    };
    let mut numbers = Map::new();
    let mut put = |name: &str, value: Option<Value>| numbers.extend(value.map(|it| (name.to_owned(), it)));
    put("requests", set.requests.map(Value::from));
    put("tokens", set.tokens.map(Value::from));
    put("usd", set.usd.map(Value::from));
    put("warn_at", set.warn_at.map(Value::from));
    let there = client.limits().await?;
    let same = there
        .items
        .iter()
        .find(|limit| limit.scope == scope && limit.subject == subject && limit.window == set.per.name());
    let answer = match same {
        Some(limit) => {
            // It is set anew: what is not named is not limited.
            for name in ["requests", "tokens", "usd", "warn_at"] {
                numbers.entry(name).or_insert(Value::Null);
            }
            client.change_limit(&limit.id, Value::Object(numbers)).await?
        }
        None => {
            numbers.insert("scope".into(), scope.into());
            numbers.extend(subject.map(|name| ("subject".to_owned(), name.into())));
            numbers.insert("window".into(), set.per.name().into());
            client.create_limit(Value::Object(numbers)).await?
        }
    };
    if json {
        say_json(&answer.raw);
    } else {
        say(&table(
            &["id", "of", "per", "requests", "tokens", "usd", "state", "room again"],
            &[row(&answer)],
            Ink::stdout(),
        ));
    }
    Ok(())
}
