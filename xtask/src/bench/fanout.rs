//! Ten thousand events to a thousand readers over SSE, each given every event once, in order.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::table::{short, table, verdict};
use super::{measure, runs};
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(180);

/// `cargo xtask bench fanout`.
pub fn bench(workshop: &Workshop) -> Result<()> {
    let program = runs::example(workshop, "http-surface", "bench_fanout")?;
    let data = workshop.empty_scratch("bench/data")?;
    let printed = measure::printed(Command::new(program).arg("--data").arg(data), LIMIT)?;
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let Some(line) = lines.last() else { bail!("the bench printed no line of JSON") };
    let figure = |key: &str| line[key].as_f64().unwrap_or(f64::NAN);
    let exact =
        |key: &str| vec![key.replace('_', " "), short(figure(key)), "0".into(), verdict(figure(key) == 0.0)];
    let rate = figure("deliveries_per_second");
    let rows = [
        exact("lost"),
        exact("doubled_or_out_of_order"),
        vec!["deliveries a second".into(), short(rate), "≥ 100000".into(), verdict(rate >= 1e5)],
    ];
    let head = format!("{} events to {} readers over SSE", figure("events"), figure("readers"));
    println!("\n{}", table(&[&head, "here", "goal", ""], &rows));
    let place = workshop.scratch("bench")?.join("fanout.json");
    std::fs::write(&place, serde_json::to_string_pretty(&lines)? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}
