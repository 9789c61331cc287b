//! How long until the server answers, what it holds in memory at rest, how large the binary is.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::table::{median, short, spread, table, verdict};
use crate::binary::{self, Profile};
use crate::server::Server;
use crate::workshop::Workshop;

const ROUNDS: usize = 7;
/// How long a server is left alone before its memory is read.
const REST: Duration = Duration::from_secs(2);

/// `cargo xtask bench startup`.
pub fn bench(workshop: &Workshop) -> Result<()> {
    let binary = binary::build(workshop, Profile::Release)?;
    let megabytes = binary.metadata()?.len() as f64 / 1e6;
    let folder = workshop.empty_scratch("bench/startup")?;
    let (mut first, mut later, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // The even rounds begin with an empty folder, the odd ones with what those left behind.
        let data = folder.join(format!("data-{}", round / 2));
        let server = Server::start(&binary, &data, &folder.join("server.log"))?;
        let times = if round % 2 == 0 { &mut first } else { &mut later };
        times.push(server.started_in.as_secs_f64() * 1e3);
        std::thread::sleep(REST);
        memory.push(resident_megabytes(server.pid())?);
    }
    let row = |name: &str, figures: &[f64], goal: f64| {
        let middle = median(figures);
        let cells =
            [name.to_owned(), short(middle), spread(figures), format!("≤ {goal}"), verdict(middle <= goal)];
        cells.to_vec()
    };
    let rows = [
        row("ms to listening, first start", &first, 300.0),
        row("ms to listening, later start", &later, 300.0),
        row("MB resident at rest, children too", &memory, 60.0),
        row("MB of the binary", &[megabytes], 40.0),
    ];
    println!("\n{}", table(&["startup", "median", "spread", "goal", ""], &rows));
    let figures = json!({
        "first_start_ms": first, "later_start_ms": later, "resident_mb": memory, "binary_mb": megabytes,
    });
    let place = workshop.scratch("bench")?.join("startup.json");
    std::fs::write(&place, serde_json::to_string_pretty(&figures)? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

/// The resident memory of a process and all it has started.
fn resident_megabytes(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = kilobytes.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    let own = kilobytes.with_context(|| format!("the process {pid} has no resident memory"))? / 1e3 * 1.024;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    // A child may be gone by now.
    let children =
        children.split_whitespace().filter_map(|child| resident_megabytes(child.parse().ok()?).ok());
    Ok(own + children.sum::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_memory_of_a_process() {
        assert!(resident_megabytes(std::process::id()).unwrap() > 0.5);
        assert!(resident_megabytes(u32::MAX).is_err());
    }
}
