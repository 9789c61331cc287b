//! Checkpoints are exact, whatever the folder contains, and cost nothing where nothing changed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;
use std::time::Duration;

use kernel::{Clock, PageRequest, Timestamp};
use serde_json::{Value, json};
use worktree::checkpoints::CheckpointKind::{self, Manual};
use worktree::{Checkpoint, Checkpoints, CheckpointsOptions, Error, Owner, WorktreeOptions};

use crate::support::{Place, Thing, everything, is_root, path};

fn keep(checkpoints: &Checkpoints, label: &str) -> Checkpoint {
    checkpoints.create(label, Manual, Value::Null).unwrap().checkpoint
}

/// A folder with everything that is hard to keep.
fn difficult(place: &Place) {
    place.put("plain.txt", "plain\n");
    place.put("windows.txt", "a\r\nb\r\n");
    place.put("no-end", "a\nb");
    place.put("binary", (0..=255).collect::<Vec<u8>>());
    place.put("empty-file", "");
    place.put("文件/مرحبا/🦀.txt", "x");
    place.put("café", "composed");
    place.put("cafe\u{301}", "decomposed");
    place.put(OsStr::from_bytes(b"not \xff\xfe utf-8\n"), "x");
    place.put("line\nbreak", "x");
    place.put("$Id$", "$Id$");
    place.put(".env", "SECRET=1");
    fs::set_permissions(place.host(".env"), fs::Permissions::from_mode(0o600)).unwrap();
    place.put("run.sh", "#!/bin/sh\n");
    fs::set_permissions(place.host("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(place.host("empty/in/empty")).unwrap();
    fs::create_dir(place.host("closed")).unwrap();
    place.put("closed/file", "x");
    fs::set_permissions(place.host("closed"), fs::Permissions::from_mode(0o500)).unwrap();
    symlink("plain.txt", place.host("link")).unwrap();
    symlink("/etc/passwd", place.host("link-away")).unwrap();
    symlink("nowhere", place.host("link-to-nothing")).unwrap();
    symlink("empty", place.host("link-to-folder")).unwrap();
    // Names that sort differently with and without the slash that git adds to folders.
    place.put("sort/a/x", "");
    place.put("sort/a.b", "");
    place.put("sort/a0", "");
}

#[test]
fn brings_everything_back_to_the_byte() {
    let place = Place::new();
    difficult(&place);
    let checkpoints = place.checkpoints();
    let before = everything(&place.root(), &[]);
    let first = keep(&checkpoints, "first");
    assert_eq!((first.files, first.parent), (21, None));

    // A program changes all of it, also what is what.
    fs::set_permissions(place.host("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    for entry in fs::read_dir(place.root()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            fs::remove_dir_all(entry.path()).unwrap();
            fs::write(entry.path(), "a file now").unwrap();
        } else {
            fs::remove_file(entry.path()).unwrap();
            fs::create_dir(entry.path()).unwrap();
            fs::write(entry.path().join("inside"), "x").unwrap();
        }
    }
    place.put("untracked/deep/file", "new");
    let changed = everything(&place.root(), &[]);

    let restored = checkpoints.restore(first.id).unwrap();
    assert_eq!(everything(&place.root(), &[]), before);
    assert_eq!(
        (restored.checkpoint.kind, restored.checkpoint.parent),
        (CheckpointKind::Restore, Some(restored.before.id))
    );

    checkpoints.restore(restored.before.id).unwrap();
    assert_eq!(everything(&place.root(), &[]), changed, "a restore is undone");
}

#[test]
fn nothing_in_the_folder_decides_how_it_is_kept() {
    let place = Place::new();
    let trap = place.folder.path().join("trap");
    let hook = format!("#!/bin/sh\ntouch {}\n", trap.display());
    place.put(
        ".gitattributes",
        "* text=auto eol=crlf ident filter=evil\n*.txt working-tree-encoding=UTF-16\n",
    );
    place.put(".gitignore", "*\n");
    place.put(".gitmodules", "[submodule \"x\"]\npath = x\nurl = /\n");
    place.put("sub/.git", "gitdir: /nowhere\n");
    let filter = format!("touch {}", trap.display());
    place.put(
        ".git/config",
        format!("[core]\nautocrlf = true\nfsmonitor = {filter}\nhooksPath = .git/hooks\n[filter \"evil\"]\nclean = {filter}\nsmudge = {filter}\n"),
    );
    for name in ["pre-commit", "post-checkout", "reference-transaction", "fsmonitor-watchman"] {
        place.put(format!(".git/hooks/{name}"), &hook);
        fs::set_permissions(place.host(format!(".git/hooks/{name}")), fs::Permissions::from_mode(0o755))
            .unwrap();
    }
    place.put("a.txt", "$Id$\nlf\ncrlf\r\n");
    let before = everything(&place.root(), &[]);
    let checkpoints = place.checkpoints();
    let first = keep(&checkpoints, "first");
    for name in ["a.txt", ".gitattributes", ".gitignore", "sub/.git"] {
        fs::write(place.host(name), "changed").unwrap();
    }
    checkpoints.restore(first.id).unwrap();
    assert_eq!(everything(&place.root(), &[]), before);
    assert!(!trap.exists());
}

#[test]
fn excluded_folders_are_neither_kept_nor_touched() {
    let place = Place::new();
    place.put("a", "1");
    place.put("node_modules/x", "1");
    let checkpoints = place.checkpoints();
    let first = keep(&checkpoints, "first");
    place.put("node_modules/x", "2");
    assert!(!checkpoints.create("same", Manual, Value::Null).unwrap().is_new);
    place.put("app/node_modules/y", "1");
    place.put("app/file", "1");
    checkpoints.restore(first.id).unwrap();
    assert!(!place.host("app/file").exists());
    assert_eq!(fs::read(place.host("app/node_modules/y")).unwrap(), b"1");
    assert_eq!(fs::read(place.host("node_modules/x")).unwrap(), b"2");
}

#[test]
fn what_was_never_kept_is_not_lost_by_a_restore() {
    let place = Place::new();
    place.put("a", "1");
    let options = CheckpointsOptions { max_file_bytes: 1_000, sync: false, ..CheckpointsOptions::default() };
    let checkpoints = place.checkpoints_with(options);
    let first = keep(&checkpoints, "first");
    place.put("new/large", vec![7; 1_001]);
    place.put("new/small", "1");
    let second = keep(&checkpoints, "second");
    assert_eq!(second.left_out, ["new/large"]);
    let pipe = place.host("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    checkpoints.restore(first.id).unwrap();
    assert!(!place.host("new/small").exists());
    assert_eq!(fs::read(place.host("new/large")).unwrap().len(), 1_001);
    assert_eq!(everything(&place.root(), &[])[std::path::Path::new("pipe")], Thing::Other);
}

#[test]
fn an_unchanged_folder_makes_no_new_checkpoint() {
    let place = Place::new();
    difficult(&place);
    let checkpoints = place.checkpoints();
    let first = checkpoints.create("first", Manual, json!({"turn": 1})).unwrap();
    assert!(first.is_new);
    let again = checkpoints.create("again", Manual, Value::Null).unwrap();
    assert_eq!((again.is_new, &again.checkpoint), (false, &first.checkpoint));
    let reopened = place.checkpoints().create("again", Manual, Value::Null).unwrap();
    assert_eq!((reopened.is_new, reopened.checkpoint), (false, first.checkpoint.clone()));
    let restored = checkpoints.restore(first.checkpoint.id).unwrap();
    assert_eq!((restored.written, restored.removed), (0, 0));
}

#[test]
fn a_change_that_hides_its_time_is_seen() {
    let place = Place::new();
    place.put("a", "one");
    let checkpoints = place.checkpoints();
    // Long enough ago to be remembered.
    std::thread::sleep(Duration::from_millis(50));
    keep(&checkpoints, "first");
    let before = fs::metadata(place.host("a")).unwrap();
    let file = fs::OpenOptions::new().write(true).open(place.host("a")).unwrap();
    std::io::Write::write_all(&mut &file, b"two").unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(fs::metadata(place.host("a")).unwrap().mtime_nsec(), before.mtime_nsec());
    assert!(checkpoints.create("second", Manual, Value::Null).unwrap().is_new);
}

#[test]
fn changes_within_one_tick_of_the_clock_are_seen() {
    let place = Place::new();
    let checkpoints = place.checkpoints();
    for round in 0..200 {
        place.put("a", format!("{round:05}"));
        let made = checkpoints.create("round", Manual, Value::Null).unwrap();
        assert!(made.is_new, "{round}");
        let kept = checkpoints.file_at(made.checkpoint.id, &path("a"), 100).unwrap();
        assert_eq!(kept.bytes, format!("{round:05}").as_bytes());
    }
}

#[test]
fn lists_the_newest_first_in_pages() {
    let place = Place::new();
    let checkpoints = place.checkpoints();
    assert!(checkpoints.list(&PageRequest::default()).unwrap().items.is_empty());
    for number in 0..5 {
        place.put("a", format!("{number}"));
        place.clock.advance(Duration::from_secs(1));
        let made =
            checkpoints.create(&format!("label {number}\n"), Manual, json!(number)).unwrap().checkpoint;
        assert_eq!((made.created_at, &made.meta), (place.clock.now(), &json!(number)));
        assert_eq!(checkpoints.find(made.id).unwrap(), made);
    }
    let page = checkpoints.list(&PageRequest::first(3)).unwrap();
    let labels = |page: &kernel::Page<Checkpoint>| -> Vec<String> {
        page.items.iter().map(|item| item.label.clone()).collect()
    };
    assert_eq!(labels(&page), ["label 4\n", "label 3\n", "label 2\n"]);
    let page = checkpoints.list(&PageRequest { limit: 3, cursor: page.next_cursor }).unwrap();
    assert_eq!(labels(&page), ["label 1\n", "label 0\n"]);
    assert_eq!(page.next_cursor, None);
    for bad in ["", "x", "0123456789012345678901234567890123456789"] {
        let listed = checkpoints.list(&PageRequest { limit: 1, cursor: Some(bad.into()) });
        assert!(matches!(listed, Err(Error::CheckpointNotFound { .. })), "{bad}: {listed:?}");
    }
}

#[test]
fn old_ones_are_forgotten_and_the_rest_stays_exact() {
    let place = Place::new();
    let checkpoints = place.checkpoints();
    let mut states = Vec::new();
    for number in 0..6 {
        place.put(format!("dir/f{number}"), format!("{number}"));
        place.clock.advance(Duration::from_secs(10));
        states.push((keep(&checkpoints, "x"), everything(&place.root(), &[])));
    }
    let border = states[3].0.created_at;
    let pruned = checkpoints.prune(border, 1).unwrap();
    assert_eq!((pruned.kept, pruned.removed), (3, 3));
    assert_eq!(checkpoints.list(&PageRequest::default()).unwrap().items.len(), 3);
    assert!(matches!(checkpoints.restore(states[0].0.id), Err(Error::CheckpointNotFound { .. })));
    for (checkpoint, state) in &states[3..] {
        checkpoints.restore(checkpoint.id).unwrap();
        assert_eq!(&everything(&place.root(), &[]), state);
    }
    assert_eq!(checkpoints.prune(Timestamp(i64::MAX), 0).unwrap().kept, 1, "one stays in any case");
    let packs = fs::read_dir(place.folder.path().join("git/objects/pack")).unwrap().count();
    assert_eq!(packs, 2, "one pack and its index");
    assert!(!checkpoints.create("same", Manual, Value::Null).unwrap().is_new);
}

#[test]
fn many_packs_become_one() {
    let place = Place::new();
    let checkpoints = place.checkpoints();
    for number in 0..60 {
        place.put("a", format!("{number}"));
        keep(&checkpoints, "x");
    }
    checkpoints.prune(Timestamp(0), 1).unwrap();
    assert_eq!(fs::read_dir(place.folder.path().join("git/objects/pack")).unwrap().count(), 2);
    assert_eq!(checkpoints.list(&PageRequest::first(100)).unwrap().items.len(), 60);
}

#[test]
fn git_itself_finds_no_fault_with_the_repository() {
    let place = Place::new();
    difficult(&place);
    let checkpoints = place.checkpoints();
    keep(&checkpoints, "first");
    place.put("plain.txt", "changed");
    keep(&checkpoints, "second");
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.arg("--git-dir").arg(place.folder.path().join("git")).args(arguments);
        command.output().ok()
    };
    // Where there is no git, there is nobody to ask.
    let Some(checked) = git(&["fsck", "--full"]) else { return };
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let log = git(&["log", "--format=%s", "checkpoints"]).unwrap();
    assert_eq!(String::from_utf8_lossy(&log.stdout), "second\nfirst\n");
    let shown = git(&["show", "checkpoints:plain.txt"]).unwrap();
    assert_eq!(shown.stdout, b"changed");
}

#[test]
fn a_file_of_a_checkpoint_is_read_without_restoring_it() {
    let place = Place::new();
    place.put("a/b", "1");
    symlink("a", place.host("link")).unwrap();
    let checkpoints = place.checkpoints();
    let first = keep(&checkpoints, "first").id;
    place.put("a/b", "2");
    assert_eq!(checkpoints.file_at(first, &path("a/b"), 10).unwrap().text(), Some("1"));
    assert!(matches!(checkpoints.file_at(first, &path("a/b"), 0), Err(Error::TooLarge { .. })));
    assert!(matches!(checkpoints.file_at(first, &path("a"), 10), Err(Error::NotAFile { .. })));
    assert!(matches!(checkpoints.file_at(first, &path("link"), 10), Err(Error::NotAFile { .. })));
    assert!(matches!(checkpoints.file_at(first, &path("link/b"), 10), Err(Error::NotFound { .. })));
    assert!(matches!(checkpoints.file_at(first, &path("a/c"), 10), Err(Error::NotFound { .. })));
}

#[test]
fn folders_too_deep_are_said_to_be_so() {
    let place = Place::new();
    fs::create_dir_all(place.host(vec!["d"; 200].join("/"))).unwrap();
    let made = place.checkpoints().create("deep", Manual, Value::Null);
    assert!(matches!(made, Err(Error::TooDeep { .. })), "{made:?}");
}

#[test]
fn what_is_restored_belongs_to_the_owner() {
    if !is_root() {
        return;
    }
    let owner = Some(Owner { user: 1_234, group: 2_345 });
    let place = Place::with(WorktreeOptions { owner, ..WorktreeOptions::default() });
    place.put("a/b", "1");
    symlink("b", place.host("a/link")).unwrap();
    let checkpoints = place.checkpoints();
    let first = keep(&checkpoints, "first");
    fs::remove_dir_all(place.host("a")).unwrap();
    checkpoints.restore(first.id).unwrap();
    for made in ["a", "a/b", "a/link"] {
        let metadata = fs::symlink_metadata(place.host(made)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1_234, 2_345), "{made}");
    }
}

#[test]
fn five_thousand_files_come_back() {
    let place = Place::new();
    for number in 0..5_000 {
        place.put(format!("d{}/f{number}", number % 100), format!("content {number}"));
    }
    let before = everything(&place.root(), &[]);
    let checkpoints = place.checkpoints();
    let first = keep(&checkpoints, "first");
    for number in 0..5_000 {
        match number % 3 {
            0 => place.put(format!("d{}/f{number}", number % 100), "changed"),
            1 => fs::remove_file(place.host(format!("d{}/f{number}", number % 100))).unwrap(),
            _ => place.put(format!("new{}/f{number}", number % 10), "new"),
        }
    }
    checkpoints.restore(first.id).unwrap();
    assert_eq!(everything(&place.root(), &[]), before);
}

#[test]
fn more_than_may_be_kept_is_said_to_be_so() {
    let place = Place::new();
    for number in 0..11 {
        place.put(format!("d/f{number}"), "");
    }
    let options = CheckpointsOptions { max_entries: 11, ..CheckpointsOptions::default() };
    let made = place.checkpoints_with(options.clone()).create("x", Manual, Value::Null);
    assert!(matches!(made, Err(Error::TooMany { limit: 11 })), "{made:?}");
    fs::remove_file(place.host("d/f0")).unwrap();
    assert!(place.checkpoints_with(options).create("x", Manual, Value::Null).is_ok());
}
