//! What is known of a checkpoint, and how it is written into a commit.

use std::fmt;
use std::str::FromStr;

use git2::Oid;
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::object::{Kind, id_of};
use crate::error::Error;

/// Names a checkpoint: that of its commit, 40 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointId(Oid);

impl CheckpointId {
    pub(crate) fn oid(self) -> Oid {
        self.0
    }
}

impl fmt::Display for CheckpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CheckpointId {
    type Err = Error;

    /// # Errors
    /// [`Error::CheckpointNotFound`] for anything but 40 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        let found = Oid::from_str(text).ok().filter(|_| text.len() == 40);
        found.map(Self).ok_or_else(|| Error::CheckpointNotFound { id: text.chars().take(60).collect() })
    }
}

/// Why a checkpoint was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointKind {
    /// Somebody wanted it.
    Manual,
    /// What follows may be unwanted.
    BeforeChange,
    /// A piece of work is done.
    AfterChange,
    /// An earlier one was restored.
    Restore,
}

/// A state of the folder that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Its name.
    pub id: CheckpointId,
    /// What a person reads.
    pub label: String,
    /// Why it was made.
    pub kind: CheckpointKind,
    /// When.
    pub created_at: Timestamp,
    /// The one before it, which may have been pruned since.
    pub parent: Option<CheckpointId>,
    /// How many files and links are in it.
    pub files: u64,
    /// How large they are together.
    pub bytes: u64,
    /// Files that were too large, the first few.
    pub left_out: Vec<String>,
    /// What the caller noted.
    pub meta: serde_json::Value,
}

/// What a commit says of a checkpoint beside its tree and parent: the last line of its message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) label: String,
    pub(crate) kind: CheckpointKind,
    pub(crate) created_at: Timestamp,
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) left_out: Vec<String>,
    pub(crate) meta: serde_json::Value,
}

/// A commit: a checkpoint and its tree.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) tree: Oid,
}

impl Commit {
    /// The commit and its bytes.
    pub(crate) fn encode(
        tree: Oid,
        parent: Option<CheckpointId>,
        record: Record,
    ) -> Result<(Self, Vec<u8>), Error> {
        let json = serde_json::to_string(&record).map_err(|error| damaged(error.to_string()))?;
        let title: String = record.label.chars().filter(|letter| !letter.is_control()).collect();
        let parent_line = parent.map(|parent| format!("parent {parent}\n")).unwrap_or_default();
        let who = format!("Atelier <atelier@localhost> {} +0000", record.created_at.0.div_euclid(1_000));
        let text = format!("tree {tree}\n{parent_line}author {who}\ncommitter {who}\n\n{title}\n\n{json}\n");
        let bytes = text.into_bytes();
        let id = CheckpointId(id_of(Kind::Commit, &bytes));
        Ok((Self { checkpoint: checkpoint(id, parent, record), tree }, bytes))
    }

    pub(crate) fn parse(id: Oid, bytes: &[u8]) -> Result<Self, Error> {
        let parts = std::str::from_utf8(bytes).ok().and_then(|text| {
            let mut lines = text.lines();
            let tree = Oid::from_str(lines.next()?.strip_prefix("tree ")?).ok()?;
            let parent = lines.next()?.strip_prefix("parent ").map(Oid::from_str).transpose().ok()?;
            let record: Record = serde_json::from_str(text.lines().next_back()?).ok()?;
            Some((tree, parent, record))
        });
        let (tree, parent, record) =
            parts.ok_or_else(|| damaged(format!("the commit {id} is not one of a checkpoint")))?;
        Ok(Self { checkpoint: checkpoint(CheckpointId(id), parent.map(CheckpointId), record), tree })
    }
}

fn checkpoint(id: CheckpointId, parent: Option<CheckpointId>, record: Record) -> Checkpoint {
    let Record { label, kind, created_at, files, bytes, left_out, meta } = record;
    Checkpoint { id, label, kind, created_at, parent, files, bytes, left_out, meta }
}

fn damaged(reason: String) -> Error {
    Error::CheckpointsDamaged { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_says_cannot_be_taken_for_something_else() {
        let record = Record {
            label: "first\n\n{\"label\":\"second\"}\u{2028}\r".into(),
            kind: CheckpointKind::Manual,
            created_at: Timestamp(-1),
            files: 1,
            bytes: 2,
            left_out: vec!["large\nfile".into()],
            meta: serde_json::json!({"turn": 3, "text": "a\nb"}),
        };
        let (commit, bytes) = Commit::encode(Oid::zero(), None, record).unwrap();
        let parsed = Commit::parse(commit.checkpoint.id.oid(), &bytes).unwrap();
        assert_eq!(parsed.checkpoint, commit.checkpoint);
    }
}
