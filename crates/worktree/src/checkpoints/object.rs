//! The objects of a git repository as bytes.
//!
//! Trees carry the whole permissions in their modes, where git itself writes one of a few; it reads
//! these all the same. Empty folders are empty trees, which git reads too.

use git2::Oid;
use sha1::{Digest, Sha1};

use crate::list::EntryKind;

pub(crate) const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const TYPE: u32 = 0o170_000;
const PERMISSIONS: u32 = 0o777;
/// What a folder has whose mode says nothing.
const USUAL_FOLDER: u32 = 0o755;

/// What an object is, by git's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
}

/// One name in a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) id: Oid,
}

pub(crate) fn is_folder(mode: u32) -> bool {
    mode & TYPE == FOLDER
}

pub(crate) fn is_file(mode: u32) -> bool {
    mode & TYPE == FILE
}

pub(crate) fn kind(mode: u32) -> EntryKind {
    match mode & TYPE {
        FOLDER => EntryKind::Folder,
        FILE => EntryKind::File,
        LINK => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

/// The permissions to give to what has this mode.
pub(crate) fn permissions(mode: u32) -> u32 {
    if mode == FOLDER { USUAL_FOLDER } else { mode & PERMISSIONS }
}

/// The mode in a tree for what has this mode on the disk.
pub(crate) fn tree_mode(kind: EntryKind, mode: u32) -> u32 {
    let permissions = mode & PERMISSIONS;
    match kind {
        EntryKind::Folder if permissions == USUAL_FOLDER => FOLDER,
        EntryKind::Folder => FOLDER | permissions,
        EntryKind::Link => LINK,
        EntryKind::File | EntryKind::Other => FILE | permissions,
    }
}

/// The name that git gives to an object.
pub(crate) fn id_of(kind: Kind, bytes: &[u8]) -> Oid {
    let word = match kind {
        Kind::Commit => "commit",
        Kind::Tree => "tree",
        Kind::Blob => "blob",
    };
    let mut hasher = Sha1::new();
    hasher.update(format!("{word} {}\0", bytes.len()));
    hasher.update(bytes);
    Oid::from_bytes(&hasher.finalize()).unwrap_or_else(|_| Oid::zero())
}

/// The bytes of a tree of these entries.
pub(crate) fn encode_tree(mut entries: Vec<TreeEntry>) -> Vec<u8> {
    // Git sorts a folder as if its name ended in a `/`.
    let end = |entry: &TreeEntry| is_folder(entry.mode).then_some(b'/');
    entries.sort_unstable_by(|left, right| {
        let left = left.name.iter().copied().chain(end(left));
        left.cmp(right.name.iter().copied().chain(end(right)))
    });
    let mut bytes = Vec::with_capacity(entries.iter().map(|entry| entry.name.len() + 28).sum());
    for entry in entries {
        bytes.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
        bytes.extend_from_slice(&entry.name);
        bytes.push(0);
        bytes.extend_from_slice(entry.id.as_bytes());
    }
    bytes
}

/// The entries of a tree; `None` if these are not the bytes of one, or a name in it could lead
/// somewhere else.
pub(crate) fn parse_tree(mut bytes: &[u8]) -> Option<Vec<TreeEntry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let end = space + bytes[space..].iter().position(|byte| *byte == 0)?;
        let mode = u32::from_str_radix(std::str::from_utf8(&bytes[..space]).ok()?, 8).ok()?;
        let name = bytes[space + 1..end].to_vec();
        let id = Oid::from_bytes(bytes.get(end + 1..end + 21)?).ok()?;
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
            return None;
        }
        entries.push(TreeEntry { name, mode, id });
        bytes = &bytes[end + 21..];
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        assert_eq!(id_of(Kind::Blob, b"").to_string(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
        assert_eq!(id_of(Kind::Tree, b"").to_string(), "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
    }

    #[test]
    fn a_tree_comes_back_as_it_was_in_the_order_of_git() {
        let entry = |name: &[u8], mode| TreeEntry { name: name.to_vec(), mode, id: Oid::zero() };
        let entries = vec![
            entry(b"a", FOLDER),
            entry(b"a.b", FILE | 0o600),
            entry(b"a0", LINK),
            entry(b"\xff\n", FILE),
        ];
        let parsed = parse_tree(&encode_tree(entries)).unwrap();
        let names: Vec<&[u8]> = parsed.iter().map(|entry| &entry.name[..]).collect();
        assert_eq!(names, [&b"a.b"[..], b"a", b"a0", b"\xff\n"]);
        assert_eq!(parsed[0].mode, 0o100_600);
    }

    #[test]
    fn a_tree_with_a_name_that_leads_away_is_none() {
        for name in [&b".."[..], b".", b"", b"a/b"] {
            let entry = TreeEntry { name: name.to_vec(), mode: FILE, id: Oid::zero() };
            assert!(parse_tree(&encode_tree(vec![entry])).is_none());
        }
        assert!(parse_tree(b"100644 cut").is_none());
        assert!(parse_tree(b"100644 cut\0short").is_none());
    }
}
