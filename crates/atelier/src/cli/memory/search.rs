//! `atelier memory search`.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};

use super::super::terminal::{Ink, note, one_line, plain, say, say_json};
use crate::client::memory::{Neighbour, Rerank, Reranked, SearchHit, Sought};
use crate::client::{Client, Problem, Result};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  atelier memory search \"quarterly sales\"\n  atelier memory search tests -n 3 --json\n  atelier memory search \"who decided it\" --in notes --filter since=2026-01-01 --explain\n  atelier memory search \"who decided it\" --neighbours 1\n  atelier memory search \"who decided it\" --rerank\n  atelier memory search \"who decided it\" --rerank=ollama/qwen3 --candidates 10"
)]
pub struct Search {
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
    /// Show so many chunks before each hit and behind it, whole
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3))]
    neighbours: u32,
    /// Have a model grade the best hits and order them by that; the preferred one unless it is named
    #[arg(long, value_name = "MODEL", num_args = 0..=1, require_equals = true)]
    rerank: Option<Option<String>>,
    /// How many hits the model is shown; 20 unless it is said
    #[arg(long, value_name = "N", requires = "rerank", value_parser = clap::value_parser!(u32).range(2..=50))]
    candidates: Option<u32>,
    /// Show what each score is made of
    #[arg(long)]
    explain: bool,
}

pub async fn search(client: &Client, wanted: Search, json: bool) -> Result<()> {
    let sought = Sought {
        query: wanted.query.join(" "),
        top_k: wanted.count,
        filters: filters_of(wanted.collections, &wanted.filters)?,
        neighbours: wanted.neighbours,
        rerank: wanted.rerank.map(|model| Rerank { model, candidates: wanted.candidates }),
    };
    let found = client.find(&sought).await?;
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
    if let Some(problem) = &found.rerank_problem {
        note(&format!("Not reranked: {}.", plain(&problem.message)));
    }
    for hit in &found.items {
        show(hit, sought.neighbours > 0, wanted.explain);
    }
    Ok(())
}

fn show(hit: &SearchHit, is_whole: bool, explain: bool) {
    let ink = Ink::stdout();
    let title = hit.headings.iter().fold(hit.title.clone(), |title, heading| {
        if *heading == title { title } else { format!("{title} › {heading}") }
    });
    let author = hit.author.as_deref().map(|author| format!("  {}", plain(author))).unwrap_or_default();
    let graded = hit.rerank.as_ref().map(|Reranked { grade, rank_before }| {
        let grade = grade.map_or("no grade".to_owned(), |grade| format!("grade {grade}"));
        format!("{grade}, was {rank_before}.  ")
    });
    let (collection, source) = (plain(&hit.collection), plain(&hit.source));
    let origin = format!("{}{:.3}  {collection}  {source}{author}", graded.unwrap_or_default(), hit.score);
    say(&format!("{}  {}", ink.bold(&one_line(&title, 80)), ink.dim(&origin)));
    let beside = |neighbours: &[Neighbour]| {
        for neighbour in neighbours {
            say(&ink.dim(&indented(&neighbour.text)));
        }
    };
    beside(&hit.before);
    // Between what stands around it a snippet would not follow on.
    say(&if is_whole { indented(&hit.text) } else { format!("  {}", one_line(&hit.snippet, 300)) });
    beside(&hit.after);
    if explain {
        let telling = hit.parts.iter().filter(|part| part.share.abs() >= 0.005);
        let parts: Vec<String> =
            telling.map(|part| format!("{} {:+.2}", plain(&part.feature), part.share)).collect();
        say(&format!("  {}", ink.dim(&parts.join("  "))));
        say(&format!("  {}", ink.dim(&plain(&hit.document_id))));
    }
    say("");
}

fn indented(text: &str) -> String {
    let lines = plain(text).lines().map(|line| format!("  {line}")).collect::<Vec<_>>();
    lines.join("\n")
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
