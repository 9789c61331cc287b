//! Makes the vectors that `cargo xtask bench vectors` measures with, and the exact answers to them.
//!
//! `--like` names a folder with real ones, `rows.f32` and `queries.f32`: 32-bit floats one after the
//! other. They are used as they are, and where more are wanted, again with noise. Without it, vectors
//! of topics are made that lie along few directions, as those of texts do.
//!
//! Writes `queries.f32`, `<rows>.f32` and `<rows>.truth`: for each of [`SHARES`] the numbers of the
//! ten nearest of every query, of those rows whose mark is below the share.

use std::path::PathBuf;

const DIMENSIONS: usize = 384;
const QUERIES: usize = 600;
const COUNT: usize = 10;
/// Of a hundred rows so many are let through by a filter.
const SHARES: [usize; 4] = [100, 50, 10, 1];
/// Directions that the topics lie along.
const DIRECTIONS: usize = 64;
const TOPICS: usize = 400;
/// How many rows a batch of queries is compared with while they are at hand.
const BATCH: usize = 64;

fn main() {
    let out = PathBuf::from(argument("--out").expect("--out names a folder"));
    let count: usize = argument("--rows").and_then(|text| text.parse().ok()).expect("--rows is a number");
    let mut random = Random(11);
    let (rows, queries) = match argument("--like") {
        Some(place) => {
            let read = |name: &str| {
                let bytes = std::fs::read(PathBuf::from(&place).join(name)).expect("the vectors can be read");
                bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect::<Vec<f32>>()
            };
            let mut queries = read("queries.f32");
            queries.truncate(QUERIES * DIMENSIONS);
            (more(read("rows.f32"), count, &mut random), queries)
        }
        None => {
            let topics = Topics::new(&mut random);
            let make = |count: usize, random: &mut Random| -> Vec<f32> {
                (0..count).flat_map(|_| topics.vector(random)).collect()
            };
            (make(count, &mut random), make(QUERIES, &mut Random(13)))
        }
    };
    std::fs::create_dir_all(&out).expect("the folder can be made");
    let truth = truth(&rows, &queries);
    let floats = |vectors: &[f32]| vectors.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let numbers: Vec<u8> = truth.iter().flat_map(|number| number.to_le_bytes()).collect();
    let write =
        |name: String, bytes: Vec<u8>| std::fs::write(out.join(name), bytes).expect("it can be written");
    write("queries.f32".into(), floats(&queries));
    write(format!("{count}.f32"), floats(&rows));
    write(format!("{count}.truth"), numbers);
}

/// The rows, and when there are too few, rows near to them.
fn more(mut rows: Vec<f32>, count: usize, random: &mut Random) -> Vec<f32> {
    let given = rows.len() / DIMENSIONS;
    rows.truncate(count * DIMENSIONS);
    while rows.len() < count * DIMENSIONS {
        let like = rows.len() / DIMENSIONS % given * DIMENSIONS;
        let noise = 0.62 / (DIMENSIONS as f32).sqrt();
        let vector = (0..DIMENSIONS).map(|at| rows[like + at] + noise * random.normal()).collect();
        rows.extend(unit(vector));
    }
    rows
}

/// Topics of topics, each a point in a space of few directions.
struct Topics {
    directions: Vec<Vec<f32>>,
    topics: Vec<Vec<f32>>,
}

impl Topics {
    fn new(random: &mut Random) -> Self {
        let mut normals = |count: usize| -> Vec<f32> { (0..count).map(|_| random.normal()).collect() };
        let directions = (0..DIRECTIONS).map(|_| unit(normals(DIMENSIONS))).collect();
        Self { directions, topics: (0..TOPICS).map(|_| normals(DIRECTIONS)).collect() }
    }

    fn vector(&self, random: &mut Random) -> Vec<f32> {
        // Some topics have much, many have little.
        let topic = (random.uniform() * random.uniform() * TOPICS as f32) as usize % TOPICS;
        let mut vector: Vec<f32> = (0..DIMENSIONS).map(|_| 0.25 * random.normal()).collect();
        for (direction, along) in self.directions.iter().zip(&self.topics[topic]) {
            let along = along + 1.1 * random.normal();
            for (value, part) in vector.iter_mut().zip(direction) {
                *value += along * part;
            }
        }
        unit(vector)
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

/// The nearest of every query for every share, by comparing all with all.
fn truth(rows: &[f32], queries: &[f32]) -> Vec<u32> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = (queries.len() / DIMENSIONS).div_ceil(threads);
    let parts: Vec<Vec<Vec<u32>>> = std::thread::scope(|scope| {
        let parts: Vec<_> =
            queries.chunks(share * DIMENSIONS).map(|part| scope.spawn(|| nearest(rows, part))).collect();
        parts.into_iter().map(|part| part.join().expect("comparing does not fail")).collect()
    });
    (0..SHARES.len())
        .flat_map(|share| parts.iter().flat_map(move |part| part[share].iter().copied()))
        .collect()
}

fn nearest(rows: &[f32], queries: &[f32]) -> Vec<Vec<u32>> {
    let count = queries.len() / DIMENSIONS;
    let mut best = vec![vec![vec![(f32::MIN, u32::MAX); COUNT]; count]; SHARES.len()];
    for (batch, rows) in rows.chunks(BATCH * DIMENSIONS).enumerate() {
        for (at, query) in queries.chunks_exact(DIMENSIONS).enumerate() {
            for (row, vector) in rows.chunks_exact(DIMENSIONS).enumerate() {
                let (number, cosine) = ((batch * BATCH + row) as u32, dot(query, vector));
                for (share, best) in SHARES.iter().zip(&mut best) {
                    let best = &mut best[at];
                    if (mark(number) as usize) < *share && cosine > best[COUNT - 1].0 {
                        let place = best.partition_point(|one| one.0 >= cosine);
                        best.pop();
                        best.insert(place, (cosine, number));
                    }
                }
            }
        }
    }
    let numbers = |best: &Vec<Vec<(f32, u32)>>| best.iter().flatten().map(|one| one.1).collect();
    best.iter().map(numbers).collect()
}

/// What filters ask for: below a share of a hundred.
fn mark(number: u32) -> u32 {
    number % 100 * 79 % 100
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 16];
    for (a, b) in a.as_chunks::<16>().0.iter().zip(b.as_chunks::<16>().0) {
        for lane in 0..16 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f32 / (1 << 24) as f32
    }

    fn normal(&mut self) -> f32 {
        let (radius, angle) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * radius.ln()).sqrt() * (std::f32::consts::TAU * angle).cos()
    }
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = std::env::args();
    arguments.by_ref().find(|argument| argument == name)?;
    arguments.next()
}
