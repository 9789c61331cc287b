//! Folders in which something is not as it was written.

use std::collections::HashMap;
use std::fs;

use super::super::*;
use super::model::{Model, apply_to, check};
use super::vectors;

const DIMENSIONS: usize = 20;

/// Fills a folder so that it has segments, dead rows and a journal; says what was there when.
fn fill(folder: &Path) -> HashMap<u64, Model> {
    let index = Vectors::open(folder, DIMENSIONS, "test").unwrap();
    let vectors = vectors(900, DIMENSIONS);
    let (mut model, mut states) = (Model::new(), HashMap::from([(0, Model::new())]));
    for (step, vectors) in vectors.chunks(100).enumerate() {
        let number = |place: usize| (step * 60 + place) as u32;
        let mut changes: Vec<Change<'_>> = vectors
            .iter()
            .enumerate()
            .map(|(place, vector)| Change::Put { number: number(place), vector })
            .collect();
        changes.push(Change::Remove { number: number(7) });
        let position = step as u64 + 1;
        index.apply(&changes, position).unwrap();
        apply_to(&mut model, &changes);
        states.insert(position, model.clone());
        if step == 2 || step == 4 {
            index.0.rewrite_now(&[]).unwrap();
        }
    }
    assert_eq!(index.stats().segments, 2);
    assert!(index.stats().dead_rows > 0 && index.stats().tail_rows > 0);
    states
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Whatever was done to a copy of the folder, it opens as it once was, and can be gone on with.
#[track_caller]
fn check_damaged(folder: &Path, states: &HashMap<u64, Model>, damage: impl FnOnce(&Path)) -> u64 {
    let damaged = tempfile::tempdir().unwrap();
    copy(folder, damaged.path());
    damage(damaged.path());
    let open = || Vectors::open(damaged.path(), DIMENSIONS, "test").unwrap();
    let index = open();
    let position = index.position();
    let query = vectors(3, DIMENSIONS).remove(2);
    let mut model = states[&position].clone();
    check(&index, &model, std::slice::from_ref(&query), &[None]);
    let changes = [Change::Put { number: 5, vector: &query }, Change::Remove { number: 444 }];
    index.apply(&changes, 100).unwrap();
    index.0.rewrite_now(&[]).unwrap();
    apply_to(&mut model, &changes);
    drop(index);
    let index = open();
    assert_eq!(index.position(), 100);
    check(&index, &model, &[query], &[None]);
    position
}

fn files(folder: &Path) -> Vec<std::ffi::OsString> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.retain(|name| name != "lock");
    files.sort();
    files
}

#[test]
fn a_byte_that_is_not_as_it_was_written_leaves_an_earlier_state() {
    let folder = tempfile::tempdir().unwrap();
    let states = fill(folder.path());
    let files = files(folder.path());
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let length = fs::metadata(folder.path().join(&file)).unwrap().len() as usize;
        let step = (length / 40).max(1);
        let places = (0..length).step_by(step).chain(length - 24..length);
        for place in places {
            let position = check_damaged(folder.path(), &states, |folder| {
                let path = folder.join(&file);
                let mut bytes = fs::read(&path).unwrap();
                bytes[place] ^= 1 << (place % 8);
                fs::write(path, bytes).unwrap();
            });
            assert!(position < 9, "{file:?} is damaged at {place}, and nobody noticed");
        }
    }
}

#[test]
fn a_file_that_was_cut_or_is_missing_leaves_an_earlier_state() {
    let folder = tempfile::tempdir().unwrap();
    let states = fill(folder.path());
    for file in files(folder.path()) {
        let length = fs::metadata(folder.path().join(&file)).unwrap().len();
        for end in [0, 1, 31, 32, 33, length / 3, length / 2, length - 1] {
            let position = check_damaged(folder.path(), &states, |folder| {
                fs::OpenOptions::new().write(true).open(folder.join(&file)).unwrap().set_len(end).unwrap();
            });
            assert!(position < 9, "{file:?} ends at {end}, and nobody noticed");
        }
        let position =
            check_damaged(folder.path(), &states, |folder| fs::remove_file(folder.join(&file)).unwrap());
        assert!(position < 9);
    }
}

#[test]
fn what_does_not_belong_into_the_folder_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let states = fill(folder.path());
    let position = check_damaged(folder.path(), &states, |folder| {
        // A journal that is longer than what was finished of it.
        let journal = files(folder).into_iter().find(|name| name.to_string_lossy().ends_with("journal"));
        let journal = folder.join(journal.unwrap());
        let mut bytes = fs::read(&journal).unwrap();
        bytes.extend_from_within(..50);
        fs::write(journal, bytes).unwrap();
        for name in ["1000.segment", "1001.journal", "manifest.new", "notes.txt", "x.segment", "99"] {
            fs::write(folder.join(name), "something").unwrap();
        }
    });
    assert_eq!(position, 9);
}

#[test]
fn other_vectors_start_an_empty_index() {
    #[track_caller]
    fn check(dimensions: usize, stamp: &str, position: u64) {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path());
        let index = Vectors::open(folder.path(), dimensions, stamp).unwrap();
        assert_eq!(index.position(), position);
        assert_eq!(index.is_empty(), position == 0);
        assert!(matches!(Vectors::open(folder.path(), dimensions, stamp), Err(Error::InUse { .. })));
    }
    check(DIMENSIONS, "test", 9);
    check(DIMENSIONS, "another model", 0);
    check(DIMENSIONS + 1, "test", 0);
}

#[test]
fn what_cannot_be_taken_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for dimensions in [0, MAX_DIMENSIONS + 1] {
        let refused = Vectors::open(folder.path(), dimensions, "test");
        assert!(matches!(refused, Err(Error::WrongDimensions { .. })));
    }
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(Vectors::open(&file, 3, "test"), Err(Error::Folder { .. })));
    let index = Vectors::open(folder.path(), 3, "test").unwrap();
    let changes =
        [Change::Put { number: 1, vector: &[1.0, 0.0, 0.0] }, Change::Put { number: 2, vector: &[1.0, 0.0] }];
    let refused = index.apply(&changes, 7);
    assert!(matches!(refused, Err(Error::WrongDimensions { expected: 3, found: 2 })));
    assert_eq!((index.position(), index.len()), (0, 0));
    assert_eq!(index.search(&[1.0, 0.0], 3, None), []);
    assert_eq!(index.similarities(&[1.0], &[1]), [None]);
}
