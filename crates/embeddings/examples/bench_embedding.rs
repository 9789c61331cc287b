//! Measures how many texts a second are embedded, or writes their vectors to a file.
//!
//! Prints one JSON line; `cargo xtask bench embedding` puts it beside onnxruntime's.

use std::path::PathBuf;
use std::time::Instant;

use embeddings::{MiniLm, Precision};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let model = PathBuf::from(argument("--model").expect("--model names the model's folder"));
    let texts = argument("--texts").expect("--texts names a JSON list of texts");
    let texts = std::fs::read_to_string(texts).expect("the texts can be read");
    let texts: Vec<String> = serde_json::from_str(&texts).expect("the texts are a JSON list");
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let threads = argument("--threads").map_or(1, |text| text.parse().expect("--threads is a number"));
    let seconds: f64 = argument("--seconds").map_or(3.0, |text| text.parse().expect("--seconds is a number"));
    let name = argument("--precision").unwrap_or_else(|| "int8".into());
    let precision = if name == "f32" { Precision::Full } else { Precision::Quantised };
    let model = MiniLm::load(&model, precision).expect("the model loads");
    if let Some(place) = argument("--vectors") {
        let bytes: Vec<u8> =
            model.embed(&texts, threads).iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(place, bytes).expect("the vectors can be written");
        return;
    }
    model.embed(&texts[..texts.len().min(64)], threads);
    let (mut done, begin, cpu) = (0, Instant::now(), cpu_seconds());
    while begin.elapsed().as_secs_f64() < seconds {
        done += model.embed(&texts, threads).len();
    }
    let elapsed = begin.elapsed().as_secs_f64();
    let cpu = cpu_seconds() - cpu;
    let query = one_by_one(&model, &texts[..texts.len().min(200)]);
    let system = format!("atelier {name}");
    println!(
        "{}",
        json!({ "system": system, "threads": threads, "texts_per_second": done as f64 / elapsed,
            "texts_per_cpu_second": done as f64 / cpu, "one_text_ms": query })
    );
}

/// The middle time that a text takes alone, in milliseconds.
fn one_by_one(model: &MiniLm, texts: &[&str]) -> f64 {
    let mut times: Vec<f64> = texts
        .iter()
        .map(|text| {
            let begin = Instant::now();
            std::hint::black_box(model.embed(&[text], 1));
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells its processes' times");
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        after_name.split_whitespace().skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    ticks.iter().sum::<f64>() / 100.0
}
