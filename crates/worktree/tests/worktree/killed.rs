//! A process that is killed in the middle of a restore leaves a note, and restoring again does the
//! rest.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::SystemClock;
use serde_json::Value;
use worktree::checkpoints::CheckpointKind::Manual;
use worktree::{Checkpoints, CheckpointsOptions, Worktree, WorktreeOptions};

use crate::support::{Place, everything};

const FILES: usize = 1_000;
const FOLDER: &str = "WORKTREE_TEST_FOLDER";
const CHECKPOINT: &str = "WORKTREE_TEST_CHECKPOINT";

/// Not a test by itself: the process that is killed.
#[test]
#[ignore = "started and killed by the test below"]
fn restores_until_it_is_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let tree = Worktree::open(format!("{folder}/tree"), WorktreeOptions::default()).unwrap();
    let options = CheckpointsOptions { sync: false, ..CheckpointsOptions::default() };
    let checkpoints =
        Checkpoints::open(format!("{folder}/git"), tree, options, Arc::new(SystemClock)).unwrap();
    let id = std::env::var(CHECKPOINT).unwrap().parse().unwrap();
    checkpoints.restore(id).unwrap();
}

#[test]
fn a_restore_that_was_killed_is_done_by_repeating_it() {
    let place = Place::new();
    let write = |text: &str, from: usize| {
        for number in from..from + FILES {
            place.put(format!("d{}/f{number}", number % 20), format!("{text} {number}"));
        }
    };
    write("first", 0);
    let first_state = everything(&place.root(), &[]);
    let first = place.checkpoints().create("first", Manual, Value::Null).unwrap().checkpoint.id;
    let mut was_cut = 0;
    for _ in 0..3 {
        write("second", FILES / 2);
        let second_state = everything(&place.root(), &[]);
        let head = place.checkpoints().create("second", Manual, Value::Null).unwrap().checkpoint.id;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "killed::restores_until_it_is_killed"])
            .env(FOLDER, place.folder.path())
            .env(CHECKPOINT, first.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let note = place.folder.path().join("git/atelier-restoring");
        // From some of its first files on it may be killed at any moment.
        while !(note.exists() && fs::read(place.host("d0/f600")).is_ok_and(|text| text.starts_with(b"first")))
            && child.try_wait().unwrap().is_none()
            && begun.elapsed() < Duration::from_secs(20)
        {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let checkpoints = place.checkpoints();
        let halfway = everything(&place.root(), &[]);
        if let Some(unfinished) = checkpoints.unfinished_restore() {
            assert_eq!(unfinished, first);
            was_cut += usize::from(halfway != first_state);
            checkpoints.restore(unfinished).unwrap();
        }
        assert_eq!(everything(&place.root(), &[]), first_state);
        assert_eq!(checkpoints.unfinished_restore(), None);
        checkpoints.restore(head).unwrap();
        assert_eq!(everything(&place.root(), &[]), second_state, "what was there before is not lost");
    }
    assert!(was_cut > 0, "no restore was ever cut");
}
