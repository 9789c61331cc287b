//! A process that is killed while it changes the index.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::super::*;
use super::model::{Model, apply_to, check};

const FOLDER: &str = "ATELIER_TEST_INDEX";
const DIMENSIONS: usize = 40;
const NUMBERS: u64 = 12_000;

/// The same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ self.0 >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 29
    }

    fn vector(&mut self) -> Vec<f32> {
        (0..DIMENSIONS).map(|_| (self.next() % 2_001) as f32 - 1_000.0).collect()
    }
}

/// Puts and removes, the same for every process: what leads to a position from the one before.
fn changes(position: u64) -> Vec<(u32, Option<Vec<f32>>)> {
    let mut random = Random(position);
    let count = random.next() % 600;
    let mut change = || {
        let number = (random.next() % NUMBERS) as u32;
        (number, (!random.next().is_multiple_of(5)).then(|| random.vector()))
    };
    (0..count).map(|_| change()).collect()
}

fn as_changes(changes: &[(u32, Option<Vec<f32>>)]) -> Vec<Change<'_>> {
    changes
        .iter()
        .map(|(number, vector)| match vector {
            Some(vector) => Change::Put { number: *number, vector },
            None => Change::Remove { number: *number },
        })
        .collect()
}

fn rounds() -> u64 {
    match std::env::var("ATELIER_TEST_PROFILE").as_deref() {
        Ok("nightly") => 400,
        _ => 20,
    }
}

#[test]
fn after_a_kill_at_any_moment_the_index_is_as_its_position_says() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, mut at) = (Model::new(), 0);
    let mut random = Random(u64::from(std::process::id()));
    for round in 0..rounds() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "vectors::tests::killed::applies_until_it_is_killed"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(20_000 + random.next() % 150_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let index = Vectors::open(folder.path(), DIMENSIONS, "test").unwrap();
        assert!(index.position() >= at, "round {round} lost what an earlier process left");
        while at < index.position() {
            at += 1;
            apply_to(&mut model, &as_changes(&changes(at)));
        }
        check(&index, &model, &[random.vector()], &[None, Some((0..5_000).collect())]);
    }
    assert!(at > rounds(), "only {at} calls in {} rounds", rounds());
}

/// What the test above starts and kills.
#[test]
#[ignore = "is a part of another test"]
fn applies_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let index = Vectors::open(Path::new(&folder), DIMENSIONS, "test").unwrap();
    let killed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !killed.load(Ordering::Relaxed) {
                index.maintain().unwrap();
                let segments = index.stats().segments;
                index.0.rewrite_now(if segments > 3 { &[0, 1, 2] } else { &[] }).unwrap();
            }
        });
        for position in index.position() + 1.. {
            index.apply(&as_changes(&changes(position)), position).unwrap();
            if position.is_multiple_of(16) {
                index.flush().unwrap();
            }
        }
    });
}
