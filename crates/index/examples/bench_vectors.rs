//! Measures the index of vectors: how fast it takes rows, finds them, and what it finds.
//!
//! Prints one JSON line; `cargo xtask bench vectors` puts it beside those of others. What it reads is
//! made by `make_vectors`.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use index::Vectors;
use index::vectors::Change;
use roaring::RoaringBitmap;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const DIMENSIONS: usize = 384;
const COUNT: usize = 10;
const BATCH: usize = 4_096;
/// As in the file of exact answers.
const SHARES: [u32; 4] = [100, 50, 10, 1];

fn main() {
    let path = |name: &str| PathBuf::from(argument(name).unwrap_or_else(|| panic!("{name} names a file")));
    let seconds: f64 = argument("--seconds").map_or(3.0, |text| text.parse().expect("--seconds is a number"));
    let (queries, truth, folder) = (floats(&path("--queries")), numbers(&path("--truth")), path("--folder"));
    let (before, begin) = (resident("VmRSS"), Instant::now());
    let index = Vectors::open(&folder, DIMENSIONS, "bench").expect("the folder can be used");
    let (rows, [applying, apply_cpu]) = apply_all(&index, &path("--rows"));
    let reading = begin.elapsed().as_secs_f64() - applying;
    let of_share = truth.len() / SHARES.len();
    let search = |share: usize, filter: Option<&RoaringBitmap>, seconds: f64| {
        measure(&index, &queries, &truth[share * of_share..][..of_share], filter, seconds)
    };
    let unsorted = search(0, None, seconds.min(2.0));
    let maintaining = Instant::now();
    index.maintain().expect("the disk has room");
    let maintaining = maintaining.elapsed().as_secs_f64();
    let mut figures = json!({ "system": "atelier", "rows": rows, "reading_seconds": reading,
        "ingest_seconds": applying + maintaining, "rows_per_cpu_second": rows as f64 / apply_cpu,
        "maintain_seconds": maintaining, "before maintenance": unsorted, "all": search(0, None, seconds) });
    for (share, percent) in SHARES.iter().enumerate().skip(1) {
        let allowed = (0..rows as u32).filter(|number| number % 100 * 79 % 100 < *percent);
        let filter: RoaringBitmap = allowed.collect();
        figures[format!("filter {percent}")] = search(share, Some(&filter), seconds.min(2.0));
    }
    figures["resident_mib"] = json!((resident("VmRSS") - before) / 1024.0);
    figures["peak_mib"] = json!((resident("VmHWM") - before) / 1024.0);
    figures["disk_mib"] = json!(index.stats().bytes_on_disk as f64 / f64::from(1 << 20));
    figures["update_us"] = json!(update(&index, &queries, rows));
    drop(index);
    let opening = Instant::now();
    let index = Vectors::open(&folder, DIMENSIONS, "bench").expect("the folder can be used");
    figures["open_ms"] = json!(opening.elapsed().as_secs_f64() * 1e3);
    assert_eq!(index.len(), rows, "all of it is there again");
    println!("{figures}");
}

/// Applies a file of vectors; how many, and in how many seconds without reading the file, of time and of
/// a processor.
fn apply_all(index: &Vectors, place: &Path) -> (usize, [f64; 2]) {
    let mut file = File::open(place).expect("the rows can be read");
    let (mut rows, mut seconds) = (0, [0.0, 0.0]);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let batch = (BATCH * DIMENSIONS * 4) as u64;
        file.by_ref().take(batch).read_to_end(&mut bytes).expect("the rows can be read");
        if bytes.is_empty() {
            return (rows, seconds);
        }
        let vectors = as_floats(&bytes);
        let changes: Vec<Change<'_>> = vectors
            .chunks_exact(DIMENSIONS)
            .enumerate()
            .map(|(at, vector)| Change::Put { number: (rows + at) as u32, vector })
            .collect();
        let (begin, cpu) = (Instant::now(), cpu_seconds());
        index.apply(&changes, (rows + changes.len()) as u64).expect("the disk has room");
        seconds[0] += begin.elapsed().as_secs_f64();
        seconds[1] += cpu_seconds() - cpu;
        rows += changes.len();
    }
}

/// Searches for all queries again and again; the middle of the rounds.
fn measure(
    index: &Vectors,
    queries: &[f32],
    truth: &[u32],
    filter: Option<&RoaringBitmap>,
    seconds: f64,
) -> Value {
    let (mut found, mut of, mut rounds) = (0, 0, Vec::new());
    let (begin, mut times) = (Instant::now(), Vec::new());
    while rounds.len() < 3 || begin.elapsed().as_secs_f64() < seconds {
        let (round, cpu) = (Instant::now(), cpu_seconds());
        for (query, truth) in queries.chunks_exact(DIMENSIONS).zip(truth.chunks_exact(COUNT)) {
            let asked = Instant::now();
            let matches = index.search(query, COUNT, filter);
            times.push(asked.elapsed().as_secs_f64() * 1e6);
            found += matches.iter().filter(|one| truth.contains(&one.number)).count();
            of += COUNT;
        }
        rounds.push((round.elapsed().as_secs_f64(), cpu_seconds() - cpu));
    }
    let count = (queries.len() / DIMENSIONS) as f64;
    let per_second = middle(rounds.iter().map(|round| count / round.0).collect());
    let cpu: f64 = rounds.iter().map(|round| round.1).sum();
    json!({ "queries_per_second": per_second, "queries_per_cpu_second": count * rounds.len() as f64 / cpu,
        "middle_us": middle(times), "recall": found as f64 / of as f64 })
}

/// The middle time that replacing one row takes, in microseconds.
fn update(index: &Vectors, vectors: &[f32], rows: usize) -> f64 {
    let position = index.position();
    let one = |(step, vector): (usize, &[f32])| {
        let number = (step * 7_919 % rows) as u32;
        let begin = Instant::now();
        index
            .apply(&[Change::Put { number, vector }], position + step as u64 + 1)
            .expect("the disk has room");
        begin.elapsed().as_secs_f64() * 1e6
    };
    middle(vectors.chunks_exact(DIMENSIONS).enumerate().map(one).collect())
}

fn middle(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn floats(place: &Path) -> Vec<f32> {
    as_floats(&std::fs::read(place).expect("the vectors can be read"))
}

fn as_floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

fn numbers(place: &Path) -> Vec<u32> {
    let bytes = std::fs::read(place).expect("the answers can be read");
    bytes.as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}

/// A line of what Linux says of this process's memory, in KiB.
fn resident(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells its processes' memory");
    let found = status.lines().find_map(|text| text.strip_prefix(line)?.split_whitespace().nth(1));
    found.and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

/// What this thread has had of a processor, which is all there is.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells its threads' times");
    let nanoseconds = text.split_whitespace().next().and_then(|text| text.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}
