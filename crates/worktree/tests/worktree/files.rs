//! Listing, reading, writing, editing, renaming and removing.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use worktree::{EntryKind, Error, Expected, Owner, Resolver, Version, WorktreeOptions};

use crate::support::{Place, is_root, path};

const LIMIT: u64 = 1_000_000;

/// Both ways of resolving keep every promise.
fn both_ways(check: impl Fn(&Place)) {
    for resolver in [Resolver::Kernel, Resolver::ByName] {
        check(&Place::with(WorktreeOptions { resolver: Some(resolver), ..WorktreeOptions::default() }));
    }
}

#[test]
fn what_was_written_is_read_with_its_version() {
    both_ways(|place| {
        let version = place.tree.write(&path("a/b/c.txt"), b"one", Expected::Anything).unwrap();
        let content = place.tree.read(&path("a/b/c.txt"), LIMIT).unwrap();
        assert_eq!((content.text(), content.version), (Some("one"), version));
        assert_eq!(version, Version::of(b"one"));
        assert_eq!(version.to_string().parse::<Version>().unwrap(), version);
    });
}

#[test]
fn of_two_writers_who_expect_the_same_one_is_told() {
    both_ways(|place| {
        let file = path("a.txt");
        let first = place.tree.write(&file, b"1", Expected::Absent).unwrap();
        assert!(matches!(place.tree.write(&file, b"2", Expected::Absent), Err(Error::Exists { .. })));
        let second = place.tree.write(&file, b"2", Expected::Version(first)).unwrap();
        match place.tree.write(&file, b"3", Expected::Version(first)) {
            Err(Error::Changed { present, .. }) => assert_eq!(present, Some(second)),
            other => panic!("{other:?}"),
        }
        assert_eq!(fs::read(place.host("a.txt")).unwrap(), b"2");
        fs::remove_file(place.host("a.txt")).unwrap();
        let gone = place.tree.write(&file, b"3", Expected::Version(second));
        assert!(matches!(gone, Err(Error::Changed { present: None, .. })), "{gone:?}");
        let no_folder = place.tree.write(&path("no/a"), b"3", Expected::Version(second));
        assert!(matches!(no_folder, Err(Error::Changed { present: None, .. })), "{no_folder:?}");
        assert!(!place.host("no").exists());
    });
}

#[test]
fn sixteen_writers_at_once_leave_one_winner_each_round() {
    let place = Place::new();
    let file = path("a");
    let mut version = place.tree.write(&file, b"start", Expected::Absent).unwrap();
    for round in 0..20 {
        let won: Vec<Version> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..16)
                .map(|number| {
                    let (tree, file) = (place.tree.clone(), &file);
                    let text = format!("{round} {number}");
                    scope.spawn(move || tree.write(file, text.as_bytes(), Expected::Version(version)).ok())
                })
                .collect();
            writers.into_iter().filter_map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(won.len(), 1);
        version = won[0];
    }
    let names: Vec<_> = fs::read_dir(place.root()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing half-written is left");
}

#[test]
fn permissions_of_a_file_are_kept_and_a_second_name_is_not_written_through() {
    let place = Place::new();
    place.put("run.sh", "one");
    fs::set_permissions(place.host("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::hard_link(place.host("run.sh"), place.folder.path().join("outside")).unwrap();
    place.tree.write(&path("run.sh"), b"two", Expected::Anything).unwrap();
    assert_eq!(fs::metadata(place.host("run.sh")).unwrap().mode() & 0o777, 0o750);
    assert!(place.tree.read(&path("run.sh"), LIMIT).unwrap().is_executable);
    assert_eq!(fs::read(place.folder.path().join("outside")).unwrap(), b"one");
}

#[test]
fn only_regular_files_are_read_and_written() {
    both_ways(|place| {
        rustix::fs::mknodat(
            rustix::fs::CWD,
            place.host("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o666),
            0,
        )
        .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(place.host("socket")).unwrap();
        fs::create_dir(place.host("folder")).unwrap();
        for (name, kind) in
            [("pipe", EntryKind::Other), ("socket", EntryKind::Other), ("folder", EntryKind::Folder)]
        {
            match place.tree.read(&path(name), LIMIT) {
                Err(Error::NotAFile { kind: found, .. }) => assert_eq!(found, kind, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
            let written = place.tree.write(&path(name), b"x", Expected::Anything);
            assert!(matches!(written, Err(Error::NotAFile { .. })), "{name}: {written:?}");
        }
    });
}

#[test]
fn a_link_is_never_written_through_or_replaced() {
    both_ways(|place| {
        fs::write(place.folder.path().join("secret"), "outside").unwrap();
        symlink("../secret", place.host("out")).unwrap();
        symlink("..", place.host("up")).unwrap();
        place.put("real/file", "inside");
        symlink("real", place.host("in")).unwrap();
        for name in ["out", "up/secret", "up/new", "in/file", "in/new"] {
            let written = place.tree.write(&path(name), b"x", Expected::Anything);
            assert!(matches!(written, Err(Error::LinkRefused { .. })), "{name}: {written:?}");
            let removed = place.tree.remove(&path(&format!("{name}/below")));
            assert!(removed.is_err(), "{name}");
        }
        for name in ["out", "up/secret"] {
            assert!(matches!(place.tree.read(&path(name), LIMIT), Err(Error::LinkRefused { .. })), "{name}");
        }
        assert!(matches!(place.tree.rename(&path("real"), &path("up/real")), Err(Error::LinkRefused { .. })));
        // The link itself is removed, not what it leads to.
        place.tree.remove(&path("out")).unwrap();
        place.tree.remove(&path("up")).unwrap();
        assert_eq!(fs::read(place.folder.path().join("secret")).unwrap(), b"outside");
        assert_eq!(fs::read(place.host("real/file")).unwrap(), b"inside");
    });
}

#[test]
fn too_large_and_binary_files_are_said_to_be_so() {
    let place = Place::new();
    place.put("large", vec![b'x'; 101]);
    match place.tree.read(&path("large"), 100) {
        Err(Error::TooLarge { bytes: 101, limit: 100, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(place.tree.read(&path("large"), 101).is_ok());
    for (bytes, is_text) in [(&b"a\0b"[..], false), (b"\xff", false), ("ü".as_bytes(), true), (b"", true)] {
        place.put("file", bytes);
        assert_eq!(place.tree.read(&path("file"), LIMIT).unwrap().is_text, is_text, "{bytes:?}");
    }
}

#[test]
fn names_in_any_script_are_distinct_and_come_back() {
    let place = Place::new();
    let names =
        ["ملف.txt", "文件.txt", "🦀🏳️‍🌈.txt", "café.txt", "cafe\u{301}.txt", "a\\b", "new\nline", " ", "-rf"];
    for name in names {
        place.tree.write(&path(name), name.as_bytes(), Expected::Absent).unwrap();
    }
    let listed = place.tree.list(&worktree::TreePath::root()).unwrap();
    assert_eq!(listed.entries.len(), names.len());
    for entry in listed.entries {
        assert!(names.contains(&&*entry.name) && entry.is_exact);
        assert_eq!(place.tree.read(&path(&entry.path), LIMIT).unwrap().bytes, entry.name.as_bytes());
    }
}

#[test]
fn a_list_has_folders_first_and_names_that_are_no_text() {
    let place = Place::new();
    place.put("b.txt", "12");
    place.put("a.txt", "1");
    place.put("z/inner", "");
    symlink("nowhere", place.host("link")).unwrap();
    fs::write(place.root().join(std::ffi::OsStr::from_bytes(b"\xffx")), "").unwrap();
    place.put(".atelier-part-1-1", "half");
    let listing = place.tree.list(&worktree::TreePath::root()).unwrap();
    let shown: Vec<_> =
        listing.entries.iter().map(|entry| (&*entry.name, entry.kind, entry.size, entry.is_exact)).collect();
    let expected = [
        ("z", EntryKind::Folder, 0, true),
        ("a.txt", EntryKind::File, 1, true),
        ("b.txt", EntryKind::File, 2, true),
        ("link", EntryKind::Link, 0, true),
        ("\u{fffd}x", EntryKind::File, 0, false),
    ];
    assert_eq!(shown, expected);
    assert!(!listing.truncated && listing.entries.iter().all(|entry| entry.modified.0 > 1_600_000_000_000));
    assert!(matches!(place.tree.list(&path("a.txt")), Err(Error::NotAFolder { .. })));
    assert!(matches!(place.tree.list(&path("none")), Err(Error::NotFound { .. })));
}

#[test]
fn a_list_of_very_many_is_cut() {
    let place = Place::new();
    for number in 0..10_050 {
        fs::write(place.host(format!("{number:05}")), "").unwrap();
    }
    let listing = place.tree.list(&worktree::TreePath::root()).unwrap();
    assert!(listing.truncated);
    assert_eq!(listing.entries.len(), 10_000);
    assert_eq!(listing.entries[9_999].name, "09999");
}

#[test]
fn an_edit_replaces_exactly_what_was_meant() {
    let place = Place::new();
    let file = path("a.js");
    place.put("a.js", "let a = 1;\nlet b = 1;\nlet c = 2;\n");
    match place.tree.edit(&file, "= 1;", "= 3;", false) {
        Err(Error::EditAmbiguous { count: 2, lines, .. }) => assert_eq!(lines, [1, 2]),
        other => panic!("{other:?}"),
    }
    match place.tree.edit(&file, "let  c = 2", "", false) {
        Err(Error::EditNotFound { near, .. }) => assert_eq!(near[0], 3),
        other => panic!("{other:?}"),
    }
    assert!(matches!(place.tree.edit(&file, "", "x", true), Err(Error::EditEmpty { .. })));
    assert!(matches!(place.tree.edit(&file, "x", "x", true), Err(Error::EditEmpty { .. })));
    let edited = place.tree.edit(&file, "= 1;", "= 3;", true).unwrap();
    assert_eq!(edited.count, 2);
    let edited = place.tree.edit(&file, "let c = 2;\n", "", false).unwrap();
    assert_eq!(fs::read_to_string(place.host("a.js")).unwrap(), "let a = 3;\nlet b = 3;\n");
    assert_eq!(edited.version, Version::of(b"let a = 3;\nlet b = 3;\n"));
    place.put("binary", b"a\0b");
    assert!(matches!(place.tree.edit(&path("binary"), "a", "b", true), Err(Error::NotText { .. })));
}

#[test]
fn renaming_replaces_nothing() {
    let place = Place::new();
    place.put("a/file", "a");
    place.put("b/file", "b");
    assert!(matches!(place.tree.rename(&path("a"), &path("b")), Err(Error::Exists { .. })));
    assert!(matches!(place.tree.rename(&path("a/file"), &path("b/file")), Err(Error::Exists { .. })));
    assert!(matches!(place.tree.rename(&path("a"), &path("a/in/itself")), Err(Error::PathRefused { .. })));
    assert!(matches!(place.tree.rename(&path("none"), &path("x/y")), Err(Error::NotFound { .. })));
    assert!(!place.host("x").exists());
    place.tree.rename(&path("a"), &path("new/a")).unwrap();
    assert_eq!(fs::read(place.host("new/a/file")).unwrap(), b"a");
}

#[test]
fn removes_whole_folders_however_deep_without_following_links() {
    let place = Place::new();
    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "").unwrap();
    // Deeper than any path the kernel takes, as a program can make it step by step.
    let mut folder = rustix::fs::open(
        place.root(),
        rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY,
        rustix::fs::Mode::empty(),
    )
    .unwrap();
    for _ in 0..600 {
        let mode = rustix::fs::Mode::from_raw_mode(0o755);
        rustix::fs::mkdirat(&folder, "dddddddd", mode).unwrap();
        rustix::fs::symlinkat(&outside, &folder, "link").unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
        folder = rustix::fs::openat(&folder, "dddddddd", flags, rustix::fs::Mode::empty()).unwrap();
    }
    place.tree.remove(&path("dddddddd")).unwrap();
    assert!(!place.host("dddddddd").exists());
    assert!(outside.join("kept").exists());
    assert!(matches!(place.tree.remove(&path("dddddddd")), Err(Error::NotFound { .. })));
}

#[test]
fn what_is_made_belongs_to_the_owner() {
    if !is_root() {
        return;
    }
    let owner = Some(Owner { user: 1_234, group: 2_345 });
    let place = Place::with(WorktreeOptions { owner, ..WorktreeOptions::default() });
    place.tree.write(&path("a/b/c"), b"x", Expected::Anything).unwrap();
    place.tree.make_folder(&path("d/e")).unwrap();
    for made in ["a", "a/b", "a/b/c", "d", "d/e"] {
        let metadata = fs::metadata(place.host(made)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1_234, 2_345), "{made}");
    }
    assert_eq!(fs::metadata(place.root()).unwrap().uid(), 0);
}
