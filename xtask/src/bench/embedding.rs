//! Texts a second embedded with all-MiniLM-L6-v2, beside onnxruntime on the same weights and texts.
//!
//! Every system is measured in turn in a process of its own, at one thread and at all; the order
//! turns round with each round, so that a drift of the machine hits all alike.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::table::{median, short, spread, table, verdict};
use super::{measure, runs};
use crate::workshop::Workshop;
use crate::{model_files, venv};

const LIMIT: Duration = Duration::from_secs(300);
const PRECISIONS: [&str; 2] = ["int8", "f32"];
/// The texts: the even ones have about as many pieces as a remembered sentence has.
const SETS: [&str; 2] = ["even", "mixed"];
const EVEN_BYTES: std::ops::RangeInclusive<usize> = 110..=190;

/// A measured program, up to texts, threads and precision.
struct System {
    program: PathBuf,
    arguments: Vec<PathBuf>,
}

struct Measured {
    system: String,
    set: &'static str,
    threads: u64,
    rate: f64,
    rate_of_cpu: f64,
    alone_ms: f64,
}

/// `cargo xtask bench embedding [--quick]`.
pub fn bench(workshop: &Workshop, quick: bool) -> Result<()> {
    let (rounds, seconds) = if quick { (1, 2) } else { (3, 4) };
    let model = model_files::minilm(workshop)?;
    let folder = workshop.scratch("bench/embedding")?;
    let peers = workshop.root.join("xtask/peers");
    let python = venv::ensure(workshop, "peers-embedding", &peers.join("embedding_requirements.txt"))?;
    let peer: [PathBuf; 4] =
        ["-B".into(), peers.join("onnxruntime_embedding.py"), "--cache".into(), folder.clone()];
    let systems = [
        System { program: runs::example(workshop, "embeddings", "bench_embedding")?, arguments: vec![] },
        System { program: python.join("python"), arguments: peer.into() },
    ];
    let all = std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let texts = write_texts(workshop, &folder)?;
    let mut measured = Vec::new();
    for round in 0..rounds {
        for (set, texts) in SETS.into_iter().zip(&texts) {
            for threads in if all > 1 { vec![1, all] } else { vec![1] } {
                let mut turn: Vec<(&System, &str)> = systems
                    .iter()
                    .flat_map(|system| PRECISIONS.map(|precision| (system, precision)))
                    .collect();
                if round % 2 == 1 {
                    turn.reverse();
                }
                for (system, precision) in turn {
                    let mut command = Command::new(&system.program);
                    command.args(&system.arguments).arg("--model").arg(&model).arg("--texts").arg(texts);
                    command.args(["--precision", precision, "--threads", &threads.to_string()]);
                    command.args(["--seconds", &seconds.to_string()]);
                    let printed = measure::printed(&mut command, LIMIT)?;
                    measured.push(read(&printed, set, threads).with_context(|| printed.clone())?);
                }
            }
        }
    }
    report(workshop, &measured)
}

/// The sets of texts, from those that the exactness test uses.
fn write_texts(workshop: &Workshop, folder: &Path) -> Result<Vec<PathBuf>> {
    let place = workshop.root.join("crates/embeddings/tests/reference/texts.json");
    let text = std::fs::read_to_string(&place).with_context(|| format!("{} is missing", place.display()))?;
    let texts: Vec<String> = serde_json::from_str(&text)?;
    let even: Vec<&String> = texts.iter().filter(|text| EVEN_BYTES.contains(&text.len())).collect();
    let mixed: Vec<&String> = texts.iter().collect();
    let mut places = Vec::new();
    for (set, texts) in SETS.into_iter().zip([even, mixed]) {
        let place = folder.join(format!("{set}.json"));
        std::fs::write(&place, serde_json::to_string(&texts)?)?;
        places.push(place);
    }
    Ok(places)
}

fn read(printed: &str, set: &'static str, threads: u64) -> Option<Measured> {
    let line = printed.lines().find(|line| line.starts_with('{'))?;
    let line: Value = serde_json::from_str(line).ok()?;
    let number = |key: &str| line[key].as_f64();
    Some(Measured {
        system: line["system"].as_str()?.to_owned(),
        set,
        threads,
        rate: number("texts_per_second")?,
        rate_of_cpu: number("texts_per_cpu_second")?,
        alone_ms: number("one_text_ms")?,
    })
}

fn report(workshop: &Workshop, measured: &[Measured]) -> Result<()> {
    let figures = |of: &Measured, figure: fn(&Measured) -> f64| -> Vec<f64> {
        let same = |one: &&Measured| (&one.system, one.set, one.threads) == (&of.system, of.set, of.threads);
        measured.iter().filter(same).map(figure).collect()
    };
    let peer = |of: &Measured| {
        let is_peer = |one: &&Measured| one.system == "onnxruntime int8";
        let found =
            measured.iter().filter(is_peer).find(|one| (one.set, one.threads) == (of.set, of.threads));
        found.map_or(f64::NAN, |peer| median(&figures(peer, |one| one.rate)))
    };
    let (mut rows, mut lines, mut worst) = (Vec::new(), Vec::new(), f64::INFINITY);
    let mut seen: Vec<(&str, &str, u64)> = Vec::new();
    for one in measured {
        if seen.contains(&(&one.system, one.set, one.threads)) {
            continue;
        }
        seen.push((&one.system, one.set, one.threads));
        let rates = figures(one, |one| one.rate);
        let ratio = median(&rates) / peer(one);
        if one.system == "atelier int8" {
            worst = worst.min(ratio);
        }
        let (of_cpu, alone) =
            (median(&figures(one, |one| one.rate_of_cpu)), median(&figures(one, |one| one.alone_ms)));
        rows.push(vec![
            one.system.clone(),
            one.set.to_owned(),
            one.threads.to_string(),
            short(median(&rates)),
            spread(&rates),
            short(of_cpu),
            short(alone),
            format!("{}×", short(ratio)),
        ]);
        lines.push(json!({ "system": one.system, "set": one.set, "threads": one.threads,
            "texts_per_second": rates, "texts_per_cpu_second": of_cpu, "one_text_ms": alone,
            "times_onnxruntime_int8": ratio }));
    }
    let head =
        ["system", "texts", "threads", "texts/s", "spread", "texts/CPU s", "one text, ms", "÷ ort int8"];
    println!("\n{}", table(&head, &rows));
    let goal = vec!["× onnxruntime int8, at worst".into(), short(worst), "≥ 1".into(), verdict(worst >= 1.0)];
    print!("{}", table(&["atelier int8", "here", "goal", ""], &[goal]));
    let place = workshop.scratch("bench")?.join("embedding.json");
    std::fs::write(&place, serde_json::to_string_pretty(&json!({ "series": lines }))? + "\n")?;
    println!("written to {}", place.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line_that_a_program_prints() {
        let printed = "a warning\n{\"system\":\"atelier int8\",\"threads\":2,\"texts_per_second\":400.5,\
            \"texts_per_cpu_second\":210,\"one_text_ms\":2.5}\n";
        let measured = read(printed, "even", 2).unwrap();
        assert_eq!(
            (measured.system.as_str(), measured.rate, measured.alone_ms),
            ("atelier int8", 400.5, 2.5)
        );
        assert!(read("a warning", "even", 2).is_none());
    }
}
