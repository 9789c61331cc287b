//! How long it takes to start programs in the jail, beside bubblewrap, and Docker where an engine runs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::table::{median, short, spread, table, verdict};
use super::{measure, runs};
use crate::process;
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(900);
const IMAGE: &str = "atelier-bench-nothing";
/// What is to be reached: the series, and its median and 95th percentile in milliseconds.
const GOALS: [(&str, f64, f64); 5] = [
    ("jail, a session and its first program", 8.0, 20.0),
    ("jail, a program in a live session", 5.0, f64::INFINITY),
    ("jail, python from the pool", 3.0, 10.0),
    ("jail, python alone", 25.0, f64::INFINITY),
    ("jail, 100 sessions at once", 500.0, f64::INFINITY),
];

/// `cargo xtask bench sandbox [--quick]`.
pub fn bench(workshop: &Workshop, quick: bool) -> Result<()> {
    let samples = if quick { 20 } else { 200 };
    let program = runs::example(workshop, "sandbox", "bench_sandbox")?;
    let folder = workshop.empty_scratch("bench/sandbox")?;
    let mut command = Command::new(program);
    command.args(["--samples", &samples.to_string()]).arg("--folder").arg(folder.join("work"));
    match on_path("bwrap") {
        Some(bubblewrap) => drop(command.arg("--bubblewrap").arg(bubblewrap)),
        None => println!("bubblewrap is not installed and not measured (Debian: `apt install bubblewrap`)"),
    }
    match docker_image(&folder) {
        Ok(()) => drop(command.args(["--docker", IMAGE])),
        Err(error) => println!("Docker is not measured: {error:#}"),
    }
    let printed = measure::printed(&mut command, LIMIT)?;
    report(workshop, &printed)
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// An image with nothing in it but a program that ends at once, or stays when it is told to.
fn docker_image(folder: &Path) -> Result<()> {
    let shown = process::shown(Command::new("docker").arg("info"), Duration::from_secs(10))
        .context("there is no `docker` command")?;
    anyhow::ensure!(shown.success() && !shown.text.contains("Cannot connect"), "no engine is running");
    let (source, root) = (folder.join("nothing.rs"), folder.join("root"));
    std::fs::create_dir_all(&root)?;
    std::fs::write(
        &source,
        "fn main() { if std::env::args().nth(1).is_some() { loop { std::thread::park() } } }",
    )?;
    let mut rustc = Command::new("rustc");
    rustc.args(["-O", "-C", "target-feature=+crt-static", "-o"]).arg(root.join("nothing")).arg(&source);
    process::run(&mut rustc)?;
    let archive = folder.join("root.tar");
    process::run(Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg("."))?;
    process::run(Command::new("docker").arg("import").arg(&archive).arg(IMAGE))
}

fn report(workshop: &Workshop, printed: &str) -> Result<()> {
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let mut rows = Vec::new();
    let mut figures = Vec::new();
    for line in &lines {
        let Some((name, samples)) = read(line) else { continue };
        let (middle, high) = (median(&samples), percentile(&samples, 0.95));
        let goal = GOALS.iter().find(|(of, ..)| *of == name);
        let (wanted, met) = match goal {
            None => (String::new(), String::new()),
            Some((_, p50, p95)) => {
                let tail = if p95.is_finite() { format!(" / {p95}") } else { String::new() };
                (format!("≤ {p50}{tail}"), verdict(middle <= *p50 && high <= *p95))
            }
        };
        let count = samples.len().to_string();
        rows.push(vec![name.to_owned(), count, short(middle), short(high), spread(&samples), wanted, met]);
        figures.push(json!({ "name": name, "p50_ms": middle, "p95_ms": high, "samples": samples }));
    }
    println!("\n{}", table(&["ms", "samples", "p50", "p95", "spread", "goal", ""], &rows));
    let place = workshop.scratch("bench")?.join("sandbox.json");
    std::fs::write(&place, serde_json::to_string_pretty(&figures)? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

fn read(line: &Value) -> Option<(&str, Vec<f64>)> {
    let samples = line["ms"].as_array()?.iter().filter_map(Value::as_f64).collect();
    Some((line["name"].as_str()?, samples))
}

fn percentile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_sample_that_so_many_do_not_pass() {
        let samples: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&samples, 0.95), 95.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }
}
