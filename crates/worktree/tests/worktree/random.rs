//! Random trees, random changes: every checkpoint brings its state back to the byte.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::Value;
use worktree::checkpoints::CheckpointKind::Manual;

use crate::support::{Place, everything};

/// Few names, so that one path becomes many things in turn.
const NAMES: [&[u8]; 8] = [b"a", b"b", b"a.b", b"a0", "文".as_bytes(), b"\xff", b".git", b"node_modules"];

#[derive(Clone, Debug)]
enum Change {
    Write(PathBuf, Vec<u8>, u32),
    Folder(PathBuf, u32),
    Link(PathBuf, PathBuf),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
    Mode(PathBuf, u32),
}

fn some_path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(prop::sample::select(&NAMES[..]), 1..4)
        .prop_map(|names| names.into_iter().map(OsStr::from_bytes).collect())
}

fn some_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        "[a-c\r\n]{0,20}".prop_map(String::into_bytes),
        Just(Vec::new()),
        Just(vec![b'x'; 70_000]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let file_mode = prop::sample::select(vec![0o644, 0o755, 0o600, 0o444, 0o777]);
    let folder_mode = prop::sample::select(vec![0o755, 0o700, 0o775]);
    prop_oneof![
        4 => (some_path(), some_bytes(), file_mode.clone()).prop_map(|(path, bytes, mode)| Change::Write(path, bytes, mode)),
        2 => (some_path(), folder_mode).prop_map(|(path, mode)| Change::Folder(path, mode)),
        1 => (some_path(), some_path()).prop_map(|(path, target)| Change::Link(path, target)),
        2 => some_path().prop_map(Change::Remove),
        1 => (some_path(), some_path()).prop_map(|(from, to)| Change::Rename(from, to)),
        1 => (some_path(), file_mode).prop_map(|(path, mode)| Change::Mode(path, mode)),
    ]
}

/// Makes a change as far as it is possible; what is not, is not made.
fn apply(root: &Path, change: &Change) {
    let clear = |path: &Path| {
        let _ = fs::create_dir_all(path.parent().unwrap());
        let _ = fs::remove_file(path);
    };
    let _ = match change {
        Change::Write(path, bytes, mode) => {
            clear(&root.join(path));
            fs::write(root.join(path), bytes)
                .and_then(|()| fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode)))
        }
        Change::Folder(path, mode) => {
            clear(&root.join(path));
            fs::create_dir_all(root.join(path))
                .and_then(|()| fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode)))
        }
        Change::Link(path, target) => {
            clear(&root.join(path));
            symlink(target, root.join(path))
        }
        Change::Remove(path) => {
            let path = root.join(path);
            fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path))
        }
        Change::Rename(from, to) => fs::rename(root.join(from), root.join(to)),
        Change::Mode(path, mode) => match fs::symlink_metadata(root.join(path)) {
            Ok(metadata) if metadata.is_file() => {
                fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode))
            }
            _ => Ok(()),
        },
    };
}

const EXCLUDED: [&str; 2] = [".git", "node_modules"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn every_state_comes_back(
        rounds in prop::collection::vec(prop::collection::vec(change(), 1..12), 2..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let place = Place::new();
        let checkpoints = place.checkpoints();
        let mut kept = Vec::new();
        for changes in &rounds {
            changes.iter().for_each(|change| apply(&place.root(), change));
            let made = checkpoints.create("state", Manual, Value::Null).unwrap();
            kept.push((made.checkpoint.id, everything(&place.root(), &EXCLUDED)));
        }
        for index in &order {
            let (id, state) = index.get(&kept);
            let unkept = outside_of(&place);
            checkpoints.restore(*id).unwrap();
            let mut now = everything(&place.root(), &EXCLUDED);
            // A folder that holds something excluded stays, though it was not there.
            now.retain(|path, _| state.contains_key(path) || !holds_excluded(&place.host(path)));
            prop_assert_eq!(&now, state);
            for path in unkept {
                let stands_in_the_way =
                    path.ancestors().any(|above| matches!(state.get(above), Some(thing) if !is_folder(thing)));
                prop_assert!(stands_in_the_way || place.host(&path).exists(), "{:?} was lost", path);
            }
        }
    }
}

fn is_folder(thing: &crate::support::Thing) -> bool {
    matches!(thing, crate::support::Thing::Folder(_))
}

fn holds_excluded(folder: &Path) -> bool {
    everything(folder.parent().unwrap(), &[]).keys().any(|path| {
        let below = path.strip_prefix(folder.file_name().unwrap());
        below.is_ok_and(|below| {
            below.iter().any(|name| EXCLUDED.iter().any(|excluded| name == *excluded))
                && folder.parent().unwrap().join(path).is_dir()
        })
    })
}

/// The excluded folders that are there.
fn outside_of(place: &Place) -> Vec<PathBuf> {
    let all = everything(&place.root(), &[]);
    let is_excluded = |path: &Path| path.iter().any(|name| EXCLUDED.iter().any(|excluded| name == *excluded));
    all.into_iter()
        .filter(|(path, thing)| is_folder(thing) && is_excluded(path))
        .map(|(path, _)| path)
        .collect()
}
