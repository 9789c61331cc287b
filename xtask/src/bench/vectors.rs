//! Queries a second of the index of vectors, and what it finds, beside other such indices on the same
//! vectors.
//!
//! Every system is measured in a process of its own; ours again before each of the others, so that
//! what is compared was measured within the same minutes of the machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::table::{median, short, table, verdict};
use super::{measure, runs};
use crate::venv;
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(3_600);
/// Systems and their variants: a number type, how many candidates are looked at, or nothing.
const PEERS: [(&str, &str); 7] = [
    ("usearch", "f32"),
    ("usearch", "bf16"),
    ("faiss", "200"),
    ("chroma", ""),
    ("lancedb", ""),
    ("sqlite-vec", ""),
    ("hnswlib", "100"),
];
const ROWS: usize = 100_000;
const QUICK_ROWS: usize = 20_000;
/// What is measured of ours alone.
const MORE_ROWS: [usize; 2] = [200_000, 1_000_000];
/// The kinds of queries, and how the table calls them.
const KINDS: [(&str, &str); 4] =
    [("all", "all"), ("filter 50", "50 %"), ("filter 10", "10 %"), ("filter 1", "1 %")];

/// A goal: of how many rows, what it is, where the figure is, and the least or most it may be.
struct Goal {
    rows: usize,
    name: &'static str,
    place: [&'static str; 2],
    least: Option<f64>,
    most: Option<f64>,
}

const fn at_least(rows: usize, name: &'static str, place: [&'static str; 2], least: f64) -> Goal {
    Goal { rows, name, place, least: Some(least), most: None }
}

const fn at_most(rows: usize, name: &'static str, place: [&'static str; 2], most: f64) -> Goal {
    Goal { rows, name, place, least: None, most: Some(most) }
}

const RATE: [&str; 2] = ["all", "queries_per_second"];
const RECALL: [&str; 2] = ["all", "recall"];
const GOALS: [Goal; 9] = [
    at_least(100_000, "queries a second", RATE, 4_000.0),
    at_least(100_000, "recall of ten", RECALL, 0.998),
    at_least(100_000, "rows a second of CPU, searchable", ["rows_per_cpu_second", ""], 1e6),
    at_least(200_000, "queries a second", RATE, 4_000.0),
    at_least(200_000, "recall of ten", RECALL, 0.998),
    at_least(1_000_000, "queries a second", RATE, 3_000.0),
    at_least(1_000_000, "recall of ten", RECALL, 0.99),
    at_most(1_000_000, "seconds to make it", ["ingest_seconds", ""], 60.0),
    at_most(1_000_000, "MiB of memory at most", ["peak_mib", ""], 2_048.0),
];

/// Where vectors and exact answers are, and how they are measured.
struct Bench<'a> {
    workshop: &'a Workshop,
    data: PathBuf,
    seconds: u64,
}

/// `cargo xtask bench vectors [<folder>] [--quick]`; the folder has real vectors, as `rows.f32` and
/// `queries.f32`, of 384 32-bit floats each. Without it, vectors are made.
pub fn bench(workshop: &Workshop, quick: bool, real: Option<&Path>) -> Result<()> {
    let kind = if real.is_some() { "real" } else { "made" };
    let data = workshop.scratch(&format!("bench/vectors-{kind}"))?;
    let bench = Bench { workshop, data, seconds: if quick { 2 } else { 6 } };
    let peers = workshop.root.join("xtask/peers");
    let python = venv::ensure(workshop, "peers-vectors", &peers.join("vectors_requirements.txt"))?;
    let ours = runs::example(workshop, "index", "bench_vectors")?;
    let maker = runs::example(workshop, "index", "make_vectors")?;
    let rows = if quick { QUICK_ROWS } else { ROWS };
    bench.make(&maker, rows, real)?;
    let mut measured = Vec::new();
    for rows in MORE_ROWS.into_iter().filter(|_| !quick) {
        bench.make(&maker, rows, real)?;
        measured.push(bench.measure(Command::new(&ours), rows)?);
    }
    for (system, variant) in PEERS {
        measured.push(bench.measure(Command::new(&ours), rows)?);
        let mut command = Command::new(python.join("python"));
        command.arg("-B").arg(peers.join("vector_indices.py"));
        command.args(["--system", system, "--kind", variant]);
        measured.push(bench.measure(command, rows)?);
    }
    print!("\n{}\n{}", systems(&measured), goals(&measured));
    let place = workshop.scratch("bench")?.join("vectors.json");
    let written = json!({ "vectors": kind, "series": measured });
    std::fs::write(&place, serde_json::to_string_pretty(&written)? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

impl Bench<'_> {
    /// Makes so many vectors, unless they are there.
    fn make(&self, maker: &Path, rows: usize, real: Option<&Path>) -> Result<()> {
        if self.data.join(format!("{rows}.truth")).exists() {
            return Ok(());
        }
        let mut command = Command::new(maker);
        command.arg("--out").arg(&self.data).args(["--rows", &rows.to_string()]);
        if let Some(real) = real {
            command.arg("--like").arg(real);
        }
        measure::printed(&mut command, LIMIT).map(drop)
    }

    fn measure(&self, mut command: Command, rows: usize) -> Result<Value> {
        let folder = self.workshop.empty_scratch("bench/vectors-index")?;
        command.arg("--rows").arg(self.data.join(format!("{rows}.f32")));
        command.arg("--queries").arg(self.data.join("queries.f32"));
        command.arg("--truth").arg(self.data.join(format!("{rows}.truth")));
        command.arg("--folder").arg(&folder).args(["--seconds", &self.seconds.to_string()]);
        let printed = measure::printed(&mut command, LIMIT)?;
        std::fs::remove_dir_all(folder)?;
        read(&printed).with_context(|| printed.clone())
    }
}

fn read(printed: &str) -> Option<Value> {
    let line = printed.lines().find(|line| line.starts_with('{'))?;
    let line: Value = serde_json::from_str(line).ok()?;
    line["all"]["queries_per_second"].as_f64().map(|_| line)
}

/// The figure of some measurements at a place, the middle of them; `None` if none has it.
fn figure(measured: &[&Value], place: [&str; 2]) -> Option<f64> {
    let of = |one: &&Value| {
        let outer = &one[place[0]];
        if place[1].is_empty() { outer } else { &outer[place[1]] }.as_f64()
    };
    let figures: Vec<f64> = measured.iter().filter_map(of).collect();
    (!figures.is_empty()).then(|| median(&figures))
}

/// A row for each system and number of rows.
fn systems(measured: &[Value]) -> String {
    let (mut rows, mut seen) = (Vec::new(), Vec::new());
    for (at, one) in measured.iter().enumerate() {
        if seen.contains(&(&one["system"], &one["rows"])) {
            continue;
        }
        seen.push((&one["system"], &one["rows"]));
        let same = |other: &&Value| (&other["system"], &other["rows"]) == (&one["system"], &one["rows"]);
        let all: Vec<&Value> = measured.iter().filter(same).collect();
        let shown = |place: [&str; 2]| figure(&all, place).map_or_else(|| "–".to_owned(), short);
        let mut row = vec![one["system"].as_str().unwrap_or_default().to_owned(), one["rows"].to_string()];
        for (kind, _) in KINDS {
            let recall =
                figure(&all, [kind, "recall"]).map_or_else(|| "–".to_owned(), |it| format!("{it:.4}"));
            row.extend([shown([kind, "queries_per_second"]), recall]);
        }
        row.push(shown(["all", "queries_per_cpu_second"]));
        row.extend(["ingest_seconds", "resident_mib", "disk_mib"].map(|place| shown([place, ""])));
        row.push(times(measured, at).map_or_else(|| "–".into(), |times| format!("{}×", short(times))));
        rows.push(row);
    }
    let mut head = vec!["system", "rows"];
    for (_, shown) in KINDS {
        head.extend([shown, "recall"]);
    }
    head.extend(["/CPU s", "made in, s", "MiB", "disk MiB", "ours ÷ it"]);
    table(&head, &rows)
}

/// How many times as many queries a second ours answered right before another one was measured.
fn times(measured: &[Value], at: usize) -> Option<f64> {
    let (before, one) = (measured.get(at.checked_sub(1)?)?, &measured[at]);
    let is_compared =
        before["system"] == "atelier" && one["system"] != "atelier" && before["rows"] == one["rows"];
    let ratio = figure(&[before], RATE)? / figure(&[one], RATE)?;
    is_compared.then_some(ratio)
}

fn goals(measured: &[Value]) -> String {
    let mut rows = Vec::new();
    for goal in &GOALS {
        let is_meant = |one: &&Value| one["system"] == "atelier" && one["rows"] == goal.rows;
        let ours: Vec<&Value> = measured.iter().filter(is_meant).collect();
        let Some(here) = figure(&ours, goal.place) else { continue };
        let met = goal.least.is_none_or(|least| here >= least) && goal.most.is_none_or(|most| here <= most);
        let bound = match (goal.least, goal.most) {
            (Some(least), _) => format!("≥ {least}"),
            (None, most) => format!("≤ {}", most.unwrap_or_default()),
        };
        let shown = if goal.place == RECALL { format!("{here:.4}") } else { short(here) };
        rows.push(vec![goal.name.to_owned(), goal.rows.to_string(), shown, bound, verdict(met)]);
    }
    table(&["atelier", "rows", "here", "goal", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(system: &str, rows: usize, rate: f64, recall: f64) -> Value {
        json!({ "system": system, "rows": rows, "ingest_seconds": 1.5,
            "all": { "queries_per_second": rate, "recall": recall } })
    }

    #[test]
    fn holds_the_middle_of_ours_against_the_goals_and_each_other_against_ours_before_it() {
        let all = [
            measured("atelier", 100_000, 4_500.0, 0.999),
            measured("usearch f32", 100_000, 1_500.0, 0.99),
            measured("atelier", 100_000, 3_000.0, 0.999),
            measured("chroma", 100_000, 1_000.0, 0.99),
            measured("atelier", 100_000, 5_000.0, 0.999),
        ];
        assert_eq!(times(&all, 0), None);
        assert_eq!(times(&all, 1), Some(3.0));
        assert_eq!(times(&all, 3), Some(3.0));
        let shown = goals(&all);
        assert!(shown.lines().nth(1).unwrap().contains("4500") && !shown.contains("MISSED"), "{shown}");
        assert!(goals(&all[2..4]).contains("MISSED"));
        assert_eq!(systems(&all).lines().count(), 4);
    }

    #[test]
    fn reads_the_line_that_a_program_prints() {
        let printed = format!("a warning\n{}\n", measured("atelier", 5, 2.0, 0.5));
        assert_eq!(read(&printed).unwrap()["rows"], 5);
        assert!(read("{\"rows\": 5}").is_none());
    }
}
