//! What differs between two states.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use worktree::checkpoints::CheckpointKind::Manual;
use worktree::checkpoints::{DiffLimits, FileDiff, FileStatus, State};

use crate::support::Place;

fn shown(files: &[FileDiff]) -> Vec<(FileStatus, &str, usize, usize)> {
    files.iter().map(|file| (file.status, &*file.path, file.additions, file.deletions)).collect()
}

#[test]
fn tells_what_was_added_removed_changed_and_renamed() {
    let place = Place::new();
    place.put("changed.txt", "one\ntwo\nthree\n");
    place.put("gone.txt", "gone\n");
    place.put("moved.txt", "some\ntext\nthat\nis\nmoved\n");
    place.put("edited-and-moved.txt", "alpha\nbeta\ngamma\ndelta\n");
    place.put("picture", b"\0one");
    place.put("same", "same");
    place.put("run", "x");
    place.put("becomes-folder", "x\n");
    let checkpoints = place.checkpoints();
    let first = checkpoints.create("first", Manual, Value::Null).unwrap().checkpoint.id;
    place.put("changed.txt", "one\n2\nthree\n");
    fs::remove_file(place.host("gone.txt")).unwrap();
    fs::create_dir(place.host("to")).unwrap();
    fs::rename(place.host("moved.txt"), place.host("to/moved.txt")).unwrap();
    fs::remove_file(place.host("edited-and-moved.txt")).unwrap();
    place.put("to/edited.txt", "alpha\nbeta\ngamma\nepsilon\n");
    place.put("picture", b"\0two");
    place.put("added.txt", "1\n2\n");
    fs::set_permissions(place.host("run"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(place.host("becomes-folder")).unwrap();
    place.put("becomes-folder/inside", "y\n");

    let limits = DiffLimits::default();
    let present = checkpoints.diff(first, State::Present, limits).unwrap();
    let expected = [
        (FileStatus::Added, "added.txt", 2, 0),
        (FileStatus::Removed, "becomes-folder", 0, 1),
        (FileStatus::Added, "becomes-folder/inside", 1, 0),
        (FileStatus::Changed, "changed.txt", 1, 1),
        (FileStatus::Removed, "gone.txt", 0, 1),
        (FileStatus::Changed, "picture", 0, 0),
        (FileStatus::Changed, "run", 0, 0),
        (FileStatus::Renamed, "to/edited.txt", 1, 1),
        (FileStatus::Renamed, "to/moved.txt", 0, 0),
    ];
    assert_eq!(shown(&present.files), expected);
    assert_eq!(present.files[3].patch.as_deref(), Some("@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"));
    assert!(present.files[5].is_binary && present.files[5].patch.is_none());
    assert_eq!(present.files[6].modes, Some((0o100_644, 0o100_755)));
    assert_eq!(present.files[7].old_path.as_deref(), Some("edited-and-moved.txt"));

    let packs = || fs::read_dir(place.folder.path().join("git/objects/pack")).unwrap().count();
    assert_eq!(packs(), 2, "looking keeps nothing");
    let second = checkpoints.create("second", Manual, Value::Null).unwrap().checkpoint.id;
    assert_eq!(checkpoints.diff(first, State::Checkpoint(second), limits).unwrap(), present);
    assert!(checkpoints.diff(second, State::Present, limits).unwrap().files.is_empty());
}

#[test]
fn is_cut_where_it_would_be_too_long() {
    let place = Place::new();
    let checkpoints = place.checkpoints();
    place.put("start", "");
    let first = checkpoints.create("first", Manual, Value::Null).unwrap().checkpoint.id;
    for number in 0..20 {
        place.put(format!("f{number:02}"), format!("{number}\n").repeat(100));
    }
    let limits = DiffLimits { files: 10, patch_bytes: 1_000, total_bytes: 2_000, file_bytes: 100_000 };
    let diff = checkpoints.diff(first, State::Present, limits).unwrap();
    assert_eq!((diff.files.len(), diff.total_files), (10, 20));
    let told: usize = diff.files.iter().filter_map(|file| file.patch.as_ref()).map(String::len).sum();
    assert!(told <= 2_000 && told > 0, "{told}");
    assert!(diff.files.iter().all(|file| file.additions == 100));
}
