//! Packing, and unpacking what a stranger packed.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use worktree::{ArchiveLimits, Error, TreePath};
use zip::write::SimpleFileOptions;

use crate::support::{Place, everything, path};

type Writer = zip::ZipWriter<Cursor<Vec<u8>>>;

fn archive(fill: impl FnOnce(&mut Writer)) -> Cursor<Vec<u8>> {
    let mut writer = Writer::new(Cursor::default());
    fill(&mut writer);
    Cursor::new(writer.finish().unwrap().into_inner())
}

fn file(writer: &mut Writer, name: &str, bytes: &[u8]) {
    writer.start_file(name, SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
}

#[test]
fn what_was_packed_unpacks_to_the_same() {
    let place = Place::new();
    place.put("a.txt", "one");
    place.put("文件/🦀.bin", vec![0xff; 100_000]);
    place.put("run.sh", "#!/bin/sh\n");
    place.put("node_modules/x", "left out");
    fs::create_dir(place.host("empty")).unwrap();
    symlink("a.txt", place.host("link")).unwrap();
    fs::set_permissions(place.host("run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut packed = Vec::new();
    let exported = place.tree.zip(&mut packed).unwrap();
    assert_eq!((exported.files, exported.passed_over, exported.is_whole), (3, 1, true));
    let mut again = Vec::new();
    place.tree.zip(&mut again).unwrap();
    assert_eq!(packed, again);

    let other = Place::new();
    let limits = ArchiveLimits { ratio: 100_000, ..ArchiveLimits::default() };
    let imported = other.tree.import_zip(Cursor::new(packed), &path("in/here"), false, limits).unwrap();
    assert_eq!((imported.files, imported.bytes), (3, 3 + 100_000 + 10));
    fs::remove_dir_all(place.host("node_modules")).unwrap();
    fs::remove_file(place.host("link")).unwrap();
    assert_eq!(everything(&other.host("in/here"), &[]), everything(&place.root(), &[]));
    assert_eq!(fs::metadata(other.host("in/here/run.sh")).unwrap().mode() & 0o777, 0o755);
}

#[track_caller]
fn refused(name: &str, limits: ArchiveLimits, fill: impl FnOnce(&mut Writer)) {
    let place = Place::new();
    place.put("there", "before");
    let before = everything(place.folder.path(), &[]);
    // A good entry comes first: not even that is written.
    let packed = archive(|writer| {
        file(writer, "good", b"good");
        fill(writer);
    });
    let imported = place.tree.import_zip(packed, &TreePath::root(), true, limits);
    assert!(matches!(imported, Err(Error::ArchiveRefused { .. })), "{name}: {imported:?}");
    assert_eq!(everything(place.folder.path(), &[]), before, "{name}");
}

#[test]
fn a_bad_entry_refuses_all_of_it() {
    let limits = ArchiveLimits::default();
    for name in ["../evil", "a/../../evil", "/etc/evil", "a//b", "a/./b", "..", ".atelier-part-0-0"] {
        refused(name, limits, |writer| file(writer, name, b"evil"));
    }
    refused("a link", limits, |writer| {
        writer.add_symlink("link", "/etc", SimpleFileOptions::default()).unwrap();
    });
    refused("in a file", limits, |writer| {
        file(writer, "x", b"");
        file(writer, "x/y", b"");
    });
    refused("a bomb", limits, |writer| file(writer, "zeros", &vec![0; 20_000_000]));
    let small = ArchiveLimits { total_bytes: 1_000, ..limits };
    refused("too much", small, |writer| {
        file(writer, "a", &[1; 600]);
        file(writer, "b", &[2; 600]);
    });
    refused("too many", ArchiveLimits { entries: 10, ..limits }, |writer| {
        (0..10).for_each(|number| file(writer, &format!("f{number}"), b""));
    });
    refused("too long", ArchiveLimits { archive_bytes: 50, ..limits }, |_| {});
}

#[test]
fn sizes_that_lie_are_found_out() {
    let place = Place::new();
    let packed = archive(|writer| file(writer, "liar", &vec![7; 5_000])).into_inner();
    // In the central directory and before the data it says 5,000 bytes; both are made 5.
    let lie: Vec<u8> = 5_000_u32.to_le_bytes().to_vec();
    let mut lying = packed.clone();
    for at in 0..packed.len() - 4 {
        if packed[at..at + 4] == lie[..] {
            lying[at..at + 4].copy_from_slice(&5_u32.to_le_bytes());
        }
    }
    assert_ne!(packed, lying);
    let limits = ArchiveLimits::default();
    let imported = place.tree.import_zip(Cursor::new(lying), &TreePath::root(), false, limits);
    assert!(matches!(imported, Err(Error::ArchiveRefused { .. })), "{imported:?}");
    assert!(everything(&place.root(), &[]).is_empty());
    let cut = Cursor::new(packed[..packed.len() / 2].to_vec());
    let imported = place.tree.import_zip(cut, &TreePath::root(), false, limits);
    assert!(matches!(imported, Err(Error::ArchiveRefused { .. })), "{imported:?}");
}

#[test]
fn files_of_the_same_name_are_replaced_only_if_that_is_wanted() {
    let place = Place::new();
    place.put("a/b", "old");
    let packed = archive(|writer| {
        file(writer, "a/a", b"new");
        file(writer, "a/b", b"new");
    });
    let limits = ArchiveLimits::default();
    let imported = place.tree.import_zip(packed.clone(), &TreePath::root(), false, limits);
    assert!(matches!(imported, Err(Error::Exists { .. })), "{imported:?}");
    assert!(!place.host("a/a").exists());
    place.tree.import_zip(packed.clone(), &TreePath::root(), true, limits).unwrap();
    assert_eq!(fs::read(place.host("a/b")).unwrap(), b"new");
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 1, "nothing is left aside");

    let outside = place.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(place.host("a")).unwrap();
    symlink(&outside, place.host("a")).unwrap();
    let imported = place.tree.import_zip(packed, &TreePath::root(), true, limits);
    assert!(matches!(imported, Err(Error::LinkRefused { .. })), "{imported:?}");
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[test]
fn other_programs_can_read_what_was_packed() {
    let place = Place::new();
    place.put("a", "hello");
    let mut packed = Vec::new();
    place.tree.zip(&mut packed).unwrap();
    let mut read = zip::ZipArchive::new(Cursor::new(packed)).unwrap();
    let mut text = String::new();
    read.by_name("a").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}
