//! One measurement, as every measured program prints it: a line of JSON.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;

/// So many ten-step runs, all durable after each step or as `durability` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Who was measured, its durability behind it where that is not the ordinary one.
    pub system: String,
    /// How many runs were in flight at once.
    pub concurrency: u64,
    /// Finished runs a second.
    pub runs_per_second: f64,
    /// CPU a run, in milliseconds.
    pub cpu_ms: f64,
    /// CPU a durable operation, in microseconds.
    pub cpu_us_per_operation: f64,
    /// Stored for a run, in KiB.
    pub stored_kib: f64,
}

impl Measurement {
    /// Reads one line; `None` if it is not about runs.
    pub fn read(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line.trim()).ok()?;
        let number = |key: &str| line[key].as_f64();
        let (runs, seconds, cpu) = (number("runs")?, number("seconds")?, number("cpu_seconds")?);
        if runs <= 0.0 || seconds <= 0.0 {
            return None;
        }
        let system = line["system"].as_str()?;
        let durability = line["durability"].as_str().unwrap_or_default();
        Some(Self {
            system: if system == "atelier" { format!("{system} {durability}") } else { system.to_owned() },
            concurrency: line["concurrency"].as_u64()?,
            runs_per_second: runs / seconds,
            cpu_ms: cpu * 1e3 / runs,
            cpu_us_per_operation: cpu * 1e6 / number("durable_operations")?,
            stored_kib: number("bytes_stored")? / 1024.0 / runs,
        })
    }
}

/// Runs a measuring program and answers what it printed; stops it after `limit`.
pub fn printed(command: &mut Command, limit: Duration) -> Result<String> {
    let shown = process::shown(command, limit)?;
    if shown.status.is_none() {
        bail!("`{}` was stopped after {} s", process::line(command), limit.as_secs());
    }
    if !shown.success() {
        bail!("`{}` failed", process::line(command));
    }
    Ok(shown.text)
}

/// The measurements among the lines of a text; at least one is expected.
pub fn all(text: &str) -> Result<Vec<Measurement>> {
    let found: Vec<Measurement> = text.lines().filter_map(Measurement::read).collect();
    if found.is_empty() {
        return Err(anyhow::anyhow!("{text}")).context("the program printed no measurement");
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_line_of_json_among_others() {
        let line = r#"{"system":"atelier","concurrency":64,"runs":1000,"seconds":2,"cpu_seconds":0.5,
            "bytes_stored":2048000,"durable_operations":12000,"durability":"lazy-inner"}"#;
        let text = format!("warming up\n{}\n", line.replace('\n', ""));
        let measured = &all(&text).unwrap()[0];
        assert_eq!((measured.system.as_str(), measured.concurrency), ("atelier lazy-inner", 64));
        assert_eq!((measured.runs_per_second, measured.cpu_ms, measured.stored_kib), (500.0, 0.5, 2.0));
        assert!((measured.cpu_us_per_operation - 41.667).abs() < 0.001);
        assert!(all("nothing").is_err());
    }
}
