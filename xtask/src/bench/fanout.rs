//! Ten thousand events to a thousand subscribers, by the example that also measures runs.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{measure, runs};
use crate::workshop::Workshop;

const LIMIT: Duration = Duration::from_secs(180);

/// `cargo xtask bench fanout`.
pub fn bench(workshop: &Workshop) -> Result<()> {
    let program = runs::example(workshop, "bench_runs")?;
    let data = workshop.empty_scratch("bench/data")?;
    let printed = measure::printed(Command::new(program).arg("--fanout").arg("--data").arg(data), LIMIT)?;
    let lines: Vec<Value> = printed.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let Some(lost) = lines.iter().rev().find_map(lost) else {
        bail!("the bench printed no line of JSON with `lost` in it");
    };
    let place = workshop.scratch("bench")?.join("fanout.json");
    std::fs::write(&place, serde_json::to_string_pretty(&lines)? + "\n")?;
    println!("written to {}", place.display());
    if lost > 0 {
        bail!("{lost} events were lost");
    }
    Ok(())
}

fn lost(line: &Value) -> Option<u64> {
    line["lost"].as_u64()
}
