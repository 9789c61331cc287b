//! Ten-step no-op runs, durable after each step, beside LangGraph and DBOS on SQLite.
//!
//! For each round and each number of runs at once, every system is measured in turn in a process
//! and a folder of its own; the order turns round with each round, so that a drift of the machine
//! hits all alike.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::measure::{self, Measurement};
use super::table::{median, short, spread, table, verdict};
use crate::workshop::Workshop;
use crate::{process, venv};

const CONCURRENCIES: [u64; 4] = [1, 16, 64, 256];
const PEERS: [&str; 2] = ["langgraph", "dbos"];
/// The fastest system of the same kind that was measured elsewhere on such a machine, in runs a
/// second: durare 0.5 (Rust), SQLite without full sync, 16 at once.
const FASTEST_KNOWN: f64 = 771.0;
/// What one measurement may take: its seconds, and then the runs still in flight.
const LIMIT: Duration = Duration::from_secs(180);

/// A system and the command that measures it, up to its folder and numbers.
struct System {
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

/// `cargo xtask bench runs [--quick] [--peers-only]`.
pub fn bench(workshop: &Workshop, quick: bool, peers_only: bool) -> Result<()> {
    let (rounds, seconds) = if quick { (1, 2) } else { (3, 4) };
    let mut systems = peers(workshop)?;
    if !peers_only {
        systems.insert(0, System { program: example(workshop, "store", "bench_runs")?, arguments: vec![] });
    }
    let folder = workshop.empty_scratch("bench/data")?;
    let mut measured = Vec::new();
    for round in 0..rounds {
        for concurrency in CONCURRENCIES {
            let mut turn: Vec<&System> = systems.iter().collect();
            if round % 2 == 1 {
                turn.reverse();
            }
            for system in turn {
                measured.extend(system.measure(&folder, concurrency, seconds)?);
            }
        }
    }
    report(workshop, &measured)
}

/// Builds an example of a crate as it would be shipped, and answers its path.
pub fn example(workshop: &Workshop, package: &str, name: &str) -> Result<PathBuf> {
    let mut command = workshop.cargo();
    command.args(["build", "--release", "--package", package, "--example", name]);
    process::run(&mut command)?;
    Ok(workshop.target.join("release/examples").join(name))
}

fn peers(workshop: &Workshop) -> Result<Vec<System>> {
    let folder = workshop.root.join("xtask/peers");
    let python = venv::ensure(workshop, "peers", &folder.join("requirements.txt"))?.join("python");
    let script = |peer: &&str| folder.join(format!("{peer}_runs.py"));
    // `-B`: no compiled files beside the scripts.
    let system = |peer| System { program: python.clone(), arguments: vec!["-B".into(), script(peer)] };
    Ok(PEERS.iter().map(system).collect())
}

impl System {
    fn measure(&self, folder: &Path, concurrency: u64, seconds: u64) -> Result<Vec<Measurement>> {
        let data = folder.join("now");
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg("--data").arg(&data);
        command.args(["--concurrency", &concurrency.to_string(), "--seconds", &seconds.to_string()]);
        let printed = measure::printed(&mut command, LIMIT);
        std::fs::remove_dir_all(&data).with_context(|| format!("{} cannot be removed", data.display()))?;
        measure::all(&printed?)
    }
}

/// Everything measured of one system at one number of runs at once.
struct Series {
    system: String,
    concurrency: u64,
    rates: Vec<f64>,
    cpu_ms: f64,
    cpu_us_per_operation: f64,
    stored_kib: f64,
}

fn series(measured: &[Measurement]) -> Vec<Series> {
    let mut systems: Vec<&str> = measured.iter().map(|one| one.system.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    let mut all = Vec::new();
    for concurrency in CONCURRENCIES {
        for system in &systems {
            let these =
                || measured.iter().filter(|one| one.system == *system && one.concurrency == concurrency);
            let middle = |figure: fn(&Measurement) -> f64| median(&these().map(figure).collect::<Vec<_>>());
            let rates: Vec<f64> = these().map(|one| one.runs_per_second).collect();
            if !rates.is_empty() {
                all.push(Series {
                    system: (*system).to_owned(),
                    concurrency,
                    cpu_ms: middle(|one| one.cpu_ms),
                    cpu_us_per_operation: middle(|one| one.cpu_us_per_operation),
                    stored_kib: middle(|one| one.stored_kib),
                    rates,
                });
            }
        }
    }
    all
}

fn rate(all: &[Series], system: &str, concurrency: u64) -> Option<f64> {
    let found = all.iter().find(|one| one.system == system && one.concurrency == concurrency)?;
    Some(median(&found.rates))
}

fn report(workshop: &Workshop, measured: &[Measurement]) -> Result<()> {
    let all = series(measured);
    let ratio = |one: &Series, peer: &str| {
        rate(&all, peer, one.concurrency)
            .map(|other| median(&one.rates) / other)
            .filter(|_| one.system != peer)
    };
    let cell = |ratio: Option<f64>| ratio.map_or("–".to_owned(), |ratio| format!("{}×", short(ratio)));
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| {
            vec![
                one.system.clone(),
                one.concurrency.to_string(),
                short(median(&one.rates)),
                spread(&one.rates),
                short(one.cpu_ms),
                short(one.cpu_us_per_operation),
                short(one.stored_kib),
                cell(ratio(one, "langgraph")),
                cell(ratio(one, "dbos")),
            ]
        })
        .collect();
    let head = [
        "system",
        "at once",
        "runs/s",
        "spread",
        "CPU ms/run",
        "CPU µs/op",
        "KiB/run",
        "÷ langgraph",
        "÷ dbos",
    ];
    println!("\n{}", table(&head, &rows));
    print!("{}", goals(&all));
    let lines: Vec<_> = all.iter().map(|one| as_json(one, &ratio)).collect();
    let place = workshop.scratch("bench")?.join("runs.json");
    std::fs::write(&place, serde_json::to_string_pretty(&json!({ "series": lines }))? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

fn as_json(one: &Series, ratio: &dyn Fn(&Series, &str) -> Option<f64>) -> serde_json::Value {
    json!({
        "system": one.system,
        "concurrency": one.concurrency,
        "runs_per_second": one.rates,
        "runs_per_second_median": median(&one.rates),
        "cpu_ms_per_run": one.cpu_ms,
        "cpu_us_per_durable_operation": one.cpu_us_per_operation,
        "kib_per_run": one.stored_kib,
        "times_langgraph": ratio(one, "langgraph"),
        "times_dbos": ratio(one, "dbos"),
    })
}

/// What we hold ourselves to, where Atelier was measured: at its best number of runs at once.
fn goals(all: &[Series]) -> String {
    let ours = all.iter().filter(|one| one.system.starts_with("atelier"));
    let Some(best) = ours.max_by(|a, b| median(&a.rates).total_cmp(&median(&b.rates))) else {
        return String::new();
    };
    let own = median(&best.rates);
    let langgraph =
        CONCURRENCIES.iter().filter_map(|at_once| rate(all, "langgraph", *at_once)).fold(0.0, f64::max);
    let (over_langgraph, over_known) = (own / langgraph, own / FASTEST_KNOWN);
    let rows = [
        vec![
            "× LangGraph at its best".into(),
            short(over_langgraph),
            "≥ 50".into(),
            verdict(over_langgraph >= 50.0),
        ],
        vec![
            "× the fastest known, 771/s".into(),
            short(over_known),
            "≥ 3".into(),
            verdict(over_known >= 3.0),
        ],
        vec![
            "CPU µs a durable operation".into(),
            short(best.cpu_us_per_operation),
            "≤ 15".into(),
            verdict(best.cpu_us_per_operation <= 15.0),
        ],
        vec![
            "KiB stored a run".into(),
            short(best.stored_kib),
            "≤ 6".into(),
            verdict(best.stored_kib <= 6.0),
        ],
    ];
    let title = format!("{}, {} at once", best.system, best.concurrency);
    table(&[&title, "here", "goal", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(system: &str, concurrency: u64, runs_per_second: f64) -> Measurement {
        let system = system.to_owned();
        Measurement {
            system,
            concurrency,
            runs_per_second,
            cpu_ms: 1.0,
            cpu_us_per_operation: 12.0,
            stored_kib: 7.0,
        }
    }

    #[test]
    fn takes_the_middle_of_the_rounds_and_holds_it_against_the_goals() {
        let measured = [
            measurement("atelier lazy-inner", 64, 3000.0),
            measurement("langgraph", 64, 40.0),
            measurement("atelier lazy-inner", 64, 2800.0),
            measurement("langgraph", 64, 50.0),
            measurement("atelier lazy-inner", 64, 100.0),
            measurement("langgraph", 64, 45.0),
        ];
        let all = series(&measured);
        assert_eq!(rate(&all, "atelier lazy-inner", 64), Some(2800.0));
        assert_eq!(rate(&all, "langgraph", 64), Some(45.0));
        let goals = goals(&all);
        assert!(goals.contains("× LangGraph at its best         62.2  ≥ 50     met"), "{goals}");
        assert!(goals.contains("KiB stored a run                7.00   ≤ 6  MISSED"), "{goals}");
    }
}
