//! A program in the folder swaps folders and files for links as fast as it can, while the server
//! reads, writes, lists, removes, searches and keeps.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use worktree::checkpoints::CheckpointKind;
use worktree::search::Query;
use worktree::{Error, Expected, Resolver, WorktreeOptions};

use crate::support::{Place, Thing, everything, path};

const SECRET: &str = "the secret outside";
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets `work` run while `swapped` and `file` are exchanged with links that lead out, and back. It is
/// given how often that was.
fn under_attack(place: &Place, work: impl FnOnce(&AtomicUsize)) {
    let outside = outside(place);
    let stop = AtomicBool::new(false);
    let swaps = AtomicUsize::new(0);
    let root = place.root();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for (name, target) in [("swapped", outside.clone()), ("file", outside.join("secret"))] {
                    let (real, link) = (root.join(name), root.join(format!("{name}-link")));
                    let _ = symlink(&target, &link);
                    // Exchanged in one step: there is always something of this name.
                    let _ = rustix::fs::renameat_with(
                        rustix::fs::CWD,
                        &real,
                        rustix::fs::CWD,
                        &link,
                        rustix::fs::RenameFlags::EXCHANGE,
                    );
                    swaps.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        // Whatever comes of it, the attacker is not left at it.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| work(&swaps)));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            std::panic::resume_unwind(panic);
        }
    });
}

fn outside(place: &Place) -> PathBuf {
    place.folder.path().join("outside")
}

fn prepared(resolver: Resolver) -> (Place, BTreeMap<PathBuf, Thing>) {
    let place = Place::with(WorktreeOptions { resolver: Some(resolver), ..WorktreeOptions::default() });
    fs::create_dir_all(outside(&place).join("deep")).unwrap();
    for name in ["secret", "target", "deep/target"] {
        fs::write(outside(&place).join(name), SECRET).unwrap();
    }
    place.put("swapped/target", "inside");
    place.put("swapped/deep/target", "inside");
    place.put("file", "inside");
    let before = everything(&outside(&place), &[]);
    (place, before)
}

#[track_caller]
fn unharmed(outside: &Path, before: &BTreeMap<PathBuf, Thing>) {
    assert_eq!(&everything(outside, &[]), before);
}

#[test]
fn reading_and_writing_never_leave_the_folder() {
    for (resolver, rounds) in [(Resolver::Kernel, 10_000), (Resolver::ByName, 3_000)] {
        let begun = Instant::now();
        let (place, before) = prepared(resolver);
        let (mut read, mut written, mut swapped) = (0, 0, 0);
        let targets = [path("swapped/target"), path("swapped/deep/target"), path("file")];
        under_attack(&place, |swaps| {
            // On one core, either may get nowhere while the other runs.
            for round in 0.. {
                swapped = swaps.load(Ordering::Relaxed);
                let is_enough = read > 100 && written > 100 && swapped > 100;
                if round >= rounds && (is_enough || begun.elapsed() > PATIENCE) {
                    break;
                }
                let target = &targets[round % targets.len()];
                if let Ok(content) = place.tree.read(target, 1_000) {
                    assert_ne!(content.text(), Some(SECRET));
                    read += 1;
                }
                if place.tree.write(target, b"inside", Expected::Anything).is_ok() {
                    written += 1;
                }
                if round % 10 == 0 {
                    let _ = place.tree.write(&path("swapped/deep/made/new"), b"inside", Expected::Anything);
                    let _ = place.tree.remove(&path("swapped/deep/made"));
                }
            }
        });
        unharmed(&outside(&place), &before);
        assert!(
            read > 100 && written > 100 && swapped > 100,
            "{read} reads, {written} writes, {swapped} swaps"
        );
    }
}

#[test]
fn removing_never_leaves_the_folder() {
    let (place, before) = prepared(Resolver::Kernel);
    under_attack(&place, |_| {
        for _ in 0..1_000 {
            let _ = place.tree.write(&path("swapped/deep/target"), b"inside", Expected::Anything);
            let _ = place.tree.remove(&path("swapped/deep"));
            let _ = place.tree.remove(&path("swapped-link/deep"));
            let _ = place.tree.rename(&path("swapped/target"), &path("swapped/moved"));
            let _ = place.tree.rename(&path("swapped/moved"), &path("swapped/target"));
        }
    });
    unharmed(&outside(&place), &before);
}

#[test]
fn searching_listing_packing_and_keeping_see_nothing_outside() {
    let (place, before) = prepared(Resolver::Kernel);
    let checkpoints = place.checkpoints();
    let first = checkpoints.create("first", CheckpointKind::Manual, serde_json::Value::Null).unwrap();
    under_attack(&place, |_| {
        for round in 0..300 {
            let found = place.tree.search(&Query::text(SECRET)).unwrap();
            assert!(found.matches.is_empty(), "{found:?}");
            let _ = place.tree.list(&path("swapped")).map(|listing| {
                assert!(listing.entries.iter().all(|entry| entry.name != "secret"), "{listing:?}");
            });
            let mut archive = Vec::new();
            place.tree.zip(&mut archive).unwrap();
            if round % 10 == 0 {
                let made =
                    checkpoints.create(&format!("{round}"), CheckpointKind::Manual, serde_json::Value::Null);
                let id = made.unwrap().checkpoint.id;
                for kept in ["swapped/target", "swapped/deep/target", "swapped/secret", "file"] {
                    if let Ok(content) = checkpoints.file_at(id, &path(kept), 1_000) {
                        assert_eq!(content.text(), Some("inside"));
                    }
                }
                place.put("new/file", format!("{round}"));
                match checkpoints.restore(first.checkpoint.id) {
                    // The attacker may win a race, and then that is said.
                    Ok(_)
                    | Err(
                        Error::NotFound { .. }
                        | Error::LinkRefused { .. }
                        | Error::NotAFolder { .. }
                        | Error::NotAFile { .. },
                    ) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        }
    });
    unharmed(&outside(&place), &before);
}
