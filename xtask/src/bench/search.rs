//! How long a search of a large memory takes as a whole, with the question's vector; how soon what is
//! added is found, and how long it takes to make the indices.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::memory::OWN_SET;
use super::table::{table, verdict};
use super::{measure, runs};
use crate::model_files;
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(3_600);
const CHUNKS: [usize; 2] = [100_000, 1_000_000];
const QUICK_CHUNKS: usize = 20_000;
/// What should be at a million chunks: what it is, where the figure is, and the most it may be.
const GOALS: [(&str, [&str; 3], f64); 6] = [
    ("a search, p50, ms", ["searches", "all", "p50_ms"], 10.0),
    ("a search, p95, ms", ["searches", "all", "p95_ms"], 20.0),
    ("added and found, p95, ms", ["added", "p95_ms", ""], 100.0),
    ("stored and indexed without embedding, s", ["taken_in_s", "", ""], 20.0),
    ("both indices made anew, s", ["rebuilt_s", "", ""], 60.0),
    ("resident, MiB", ["resident_mib", "", ""], 2_048.0),
];

/// `cargo xtask bench search [--quick]`.
pub fn bench(workshop: &Workshop, quick: bool) -> Result<()> {
    let model = model_files::minilm(workshop)?;
    let program = runs::example(workshop, "atelier", "bench_search")?;
    let sizes = if quick { vec![QUICK_CHUNKS] } else { CHUNKS.to_vec() };
    let mut all = Vec::new();
    for chunks in sizes {
        let mut command = Command::new(&program);
        command.arg("--model").arg(&model).arg("--set").arg(workshop.root.join(OWN_SET));
        let printed = measure::printed(command.args(["--chunks", &chunks.to_string()]), LIMIT)?;
        let line = printed.lines().last().unwrap_or_default();
        let mut measured: Value = serde_json::from_str(line).with_context(|| printed.clone())?;
        let seconds = |name: &str| measured[name].as_f64().unwrap_or_default();
        measured["taken_in_s"] = json!(seconds("stored_s") + seconds("indexed_s"));
        println!("{}", shown(&measured));
        all.push(measured);
    }
    if let Some(largest) = all.last().filter(|_| !quick) {
        println!("{}", against_goals(largest));
    }
    let written = workshop.target.join("bench/search.json");
    std::fs::create_dir_all(workshop.target.join("bench"))?;
    std::fs::write(written, serde_json::to_vec_pretty(&all)?)?;
    Ok(())
}

fn shown(measured: &Value) -> String {
    let times = |name: &str, of: &Value| {
        let time = |key: &str| format!("{:.1}", of[key].as_f64().unwrap_or_default());
        vec![name.to_owned(), time("p50_ms"), time("p95_ms"), time("most_ms")]
    };
    let mut rows: Vec<_> = measured["searches"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, of)| times(&format!("search: {name}"), of))
        .collect();
    rows.push(times("of it, the question's vector", &measured["embedding"]));
    rows.push(times("added and found", &measured["added"]));
    let number = |name: &str| measured[name].as_f64().unwrap_or_default();
    format!(
        "{}\n{} chunks stored in {:.1} s, indexed in {:.1} s without embedding, indexed anew in {:.1} s; {:.0} MiB resident",
        table(&["ms", "p50", "p95", "most"], &rows),
        measured["chunks"],
        number("stored_s"),
        number("indexed_s"),
        number("rebuilt_s"),
        number("resident_mib"),
    )
}

fn against_goals(measured: &Value) -> String {
    let row = |(name, place, most): &(&str, [&str; 3], f64)| {
        let found = place.iter().filter(|key| !key.is_empty()).fold(measured, |value, key| &value[*key]);
        let value = found.as_f64().unwrap_or(f64::INFINITY);
        vec![(*name).to_owned(), format!("{value:.1}"), format!("≤ {most}"), verdict(value <= *most)]
    };
    let rows: Vec<_> = GOALS.iter().map(row).collect();
    table(&["goal", "figure", "wanted", ""], &rows)
}
