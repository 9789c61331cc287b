//! How long checkpoints take: `cargo run --release -p worktree --example checkpoint_speed [folder]`.
//!
//! Makes 1,000 files of the sizes source files have, and prints medians in milliseconds as JSON.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use kernel::SystemClock;
use serde_json::{Value, json};
use worktree::checkpoints::{CheckpointKind, DiffLimits, State};
use worktree::{Checkpoints, CheckpointsOptions, Worktree, WorktreeOptions};

const FILES: usize = 1_000;
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let place = folder.join(format!("checkpoint-speed-{}", std::process::id()));
    let measured = measure(&place);
    fs::remove_dir_all(&place)?;
    println!("{:#}", measured?);
    Ok(())
}

fn measure(place: &Path) -> Result<Value, Box<dyn Error>> {
    let mut times: [Vec<f64>; 7] = Default::default();
    let mut exact = 0;
    let mut bytes = 0;
    for round in 0..ROUNDS {
        let root = place.join(format!("tree{round}"));
        bytes = fill(&root, "first")?;
        let tree = Worktree::open(&root, WorktreeOptions::default())?;
        let open = || {
            let git = place.join(format!("git{round}"));
            Checkpoints::open(git, tree.clone(), CheckpointsOptions::default(), Arc::new(SystemClock))
        };
        let checkpoints = open()?;
        let keep = |label: &str| checkpoints.create(label, CheckpointKind::Manual, Value::Null);
        let (all, first) = timed(|| keep("first"))?;
        let wanted = read_all(&root)?;
        std::thread::sleep(std::time::Duration::from_millis(60));
        keep("settled")?;
        let (unchanged, _) = timed(|| keep("unchanged"))?;
        let cold = open()?;
        let (unchanged_cold, _) = timed(|| cold.create("cold", CheckpointKind::Manual, Value::Null))?;
        fs::write(root.join(name(0)), "one changed file")?;
        let (one, _) = timed(|| keep("one"))?;
        fill(&root, "second")?;
        let (changed, _) = timed(|| keep("all changed"))?;
        let id = first.checkpoint.id;
        let (diff, _) = timed(|| checkpoints.diff(id, State::Present, DiffLimits::default()))?;
        let (restored, _) = timed(|| checkpoints.restore(id))?;
        exact = read_all(&root)?.iter().zip(&wanted).filter(|(left, right)| left == right).count();
        let round = [all, unchanged, unchanged_cold, one, changed, diff, restored];
        times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
    }
    let [all, unchanged, unchanged_cold, one, changed, diff, restored] = times.map(median);
    Ok(json!({
        "files": FILES,
        "bytes": bytes,
        "rounds": ROUNDS,
        "checkpoint_of_all_new_ms": all,
        "checkpoint_of_all_changed_ms": changed,
        "checkpoint_of_one_changed_ms": one,
        "checkpoint_unchanged_ms": unchanged,
        "checkpoint_unchanged_after_start_ms": unchanged_cold,
        "diff_of_all_changed_ms": diff,
        "restore_of_all_changed_ms": restored,
        "exact_after_restore": exact,
    }))
}

fn name(number: usize) -> String {
    format!("src/part{}/file{number}.ts", number % 40)
}

/// Sizes from a few hundred bytes to 12 kB, 4 kB on average.
fn fill(root: &Path, word: &str) -> std::io::Result<u64> {
    let mut bytes = 0;
    for number in 0..FILES {
        let path = root.join(name(number));
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        let lines = 10 + (number * 7_919) % 210;
        let text: String = (0..lines)
            .map(|line| format!("export const {word}{number}_{line} = {};\n", line * number))
            .collect();
        bytes += text.len() as u64;
        fs::write(path, text)?;
    }
    Ok(bytes)
}

fn read_all(root: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    (0..FILES).map(|number| fs::read(root.join(name(number)))).collect()
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(f64, T), E> {
    let begun = Instant::now();
    let done = work()?;
    Ok((begun.elapsed().as_secs_f64() * 1_000.0, done))
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2] * 10.0).round() / 10.0
}
