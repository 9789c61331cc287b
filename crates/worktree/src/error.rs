//! What can go wrong with a folder and its checkpoints, and how it is told to people.

use std::io;

use kernel::Kind;
use rustix::io::Errno;

use crate::list::EntryKind;
use crate::read::Version;

/// A failure of the folder, its files or its checkpoints. Paths are relative to the folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path cannot name anything in the folder.
    #[error("The path {path:?} cannot be used: {reason}")]
    PathRefused {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is nothing of this name.
    #[error("There is no {path}")]
    NotFound {
        /// What was asked for.
        path: String,
    },
    /// A file was expected, and something else is there.
    #[error("{path} is not a file but {}", kind.with_article())]
    NotAFile {
        /// What was asked for.
        path: String,
        /// What is there.
        kind: EntryKind,
    },
    /// A folder was expected, and something else is there.
    #[error("{path} is not a folder")]
    NotAFolder {
        /// What was asked for.
        path: String,
    },
    /// A link is in the way: of a change, or one that leads out of the folder.
    #[error("{path} leads through a link that is not followed")]
    LinkRefused {
        /// What was asked for.
        path: String,
    },
    /// Something of this name is there already.
    #[error("{path} exists already")]
    Exists {
        /// What should have been made.
        path: String,
    },
    /// The file is not in the state that the change was made for.
    #[error("{path} was changed in the meantime")]
    Changed {
        /// The file.
        path: String,
        /// What it is at now; `None` if it is gone.
        present: Option<Version>,
    },
    /// More bytes than may be read or written at once.
    #[error("{path} has {bytes} bytes; at most {limit} are taken")]
    TooLarge {
        /// The file.
        path: String,
        /// How large it is, as far as it was looked at.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The file is not text.
    #[error("{path} is not a text file")]
    NotText {
        /// The file.
        path: String,
    },
    /// The text to replace is empty or the same as what replaces it.
    #[error("This edit changes nothing: {reason}")]
    EditEmpty {
        /// Why.
        reason: &'static str,
    },
    /// The text to replace is not in the file.
    #[error("The text to replace is not in {path}{}", near_lines(near))]
    EditNotFound {
        /// The file.
        path: String,
        /// The numbers of the lines most like its first one, from 1.
        near: Vec<usize>,
    },
    /// The text to replace is there more than once.
    #[error("The text to replace is in {path} {count} times, on the lines {}", numbers(lines))]
    EditAmbiguous {
        /// The file.
        path: String,
        /// How often.
        count: usize,
        /// Where the first of them begin, from 1.
        lines: Vec<usize>,
    },
    /// The search is not one that can be made.
    #[error("This cannot be searched for: {reason}")]
    QueryInvalid {
        /// What is wrong.
        reason: String,
    },
    /// The archive is not taken; nothing of it was written.
    #[error("The archive was refused: {reason}")]
    ArchiveRefused {
        /// What is wrong with it.
        reason: String,
    },
    /// Folders within folders, too many.
    #[error("{path} lies deeper than folders are followed")]
    TooDeep {
        /// Where it was given up.
        path: String,
    },
    /// More files and folders than are kept.
    #[error("The folder has more than {limit} files and folders in it")]
    TooMany {
        /// How many are kept.
        limit: usize,
    },
    /// There is no such checkpoint, or no longer.
    #[error("There is no checkpoint {id}")]
    CheckpointNotFound {
        /// As it was asked for.
        id: String,
    },
    /// The repository of the checkpoints is not what was written.
    #[error("The checkpoints cannot be used: {reason}")]
    CheckpointsDamaged {
        /// What is wrong.
        reason: String,
    },
    /// Changes cannot be watched.
    #[error("Changes in the folder cannot be watched: {0}")]
    Watch(#[source] io::Error),
    /// The system refused.
    #[error("{path} cannot be used: {source}")]
    System {
        /// Where.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// What the system said about a path, in the terms of this crate.
    pub(crate) fn at<E: Into<io::Error>>(path: impl AsRef<[u8]>) -> impl FnOnce(E) -> Self {
        move |source| {
            let path = String::from_utf8_lossy(path.as_ref()).into_owned();
            let source = source.into();
            match source.raw_os_error().map(Errno::from_raw_os_error) {
                Some(Errno::NOENT) => Self::NotFound { path },
                Some(Errno::NOTDIR) => Self::NotAFolder { path },
                Some(Errno::ISDIR) => Self::NotAFile { path, kind: EntryKind::Folder },
                Some(Errno::LOOP | Errno::XDEV) => Self::LinkRefused { path },
                Some(Errno::EXIST | Errno::NOTEMPTY) => Self::Exists { path },
                // A socket, or a device without a driver, refuses to be opened at all.
                Some(Errno::NXIO) => Self::NotAFile { path, kind: EntryKind::Other },
                Some(Errno::NAMETOOLONG) => Self::PathRefused { path, reason: "it is too long" },
                _ => Self::System { path, source },
            }
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        let (kind, code, hint) = match &error {
            Error::PathRefused { .. } => (
                Kind::Invalid,
                "file_path_refused",
                "Use a path relative to the folder, with `/` between names and without `..`",
            ),
            Error::NotFound { .. } => {
                (Kind::NotFound, "file_not_found", "List the folder to see what is there")
            }
            Error::NotAFile { .. } => {
                (Kind::Invalid, "not_a_file", "Name a regular file; a folder can be listed instead")
            }
            Error::NotAFolder { .. } => (Kind::Invalid, "not_a_folder", "Name a folder"),
            Error::LinkRefused { .. } => {
                (Kind::Forbidden, "file_link_refused", "Use the path of the file itself, inside the folder")
            }
            Error::Exists { .. } => {
                (Kind::Conflict, "file_exists", "Choose another name, or remove it first")
            }
            Error::Changed { .. } => {
                (Kind::Conflict, "file_changed", "Read the file again and make the change to what it is now")
            }
            Error::TooLarge { .. } => (Kind::Limit, "file_too_large", "Use a smaller file, or a part of it"),
            Error::NotText { .. } => (Kind::Invalid, "file_not_text", "Only text in UTF-8 can be edited so"),
            Error::EditEmpty { .. } => {
                (Kind::Invalid, "edit_empty", "Give the text to replace and another to put there")
            }
            Error::EditNotFound { .. } => (
                Kind::Conflict,
                "edit_not_found",
                "Read the file again and copy the text exactly, with its spaces and line ends",
            ),
            Error::EditAmbiguous { .. } => (
                Kind::Conflict,
                "edit_ambiguous",
                "Give more of the lines around it so that it is there once, or replace all of them",
            ),
            Error::QueryInvalid { .. } => (Kind::Invalid, "search_invalid", "Correct the pattern"),
            Error::ArchiveRefused { .. } => {
                (Kind::Invalid, "archive_refused", "Use a zip file of plain files and folders")
            }
            Error::TooDeep { .. } => (Kind::Limit, "folder_too_deep", "Remove the folders that lie so deep"),
            Error::TooMany { .. } => (
                Kind::Limit,
                "folder_too_full",
                "Remove what is not needed, or exclude the folders that tools fill",
            ),
            Error::CheckpointNotFound { .. } => {
                (Kind::NotFound, "checkpoint_not_found", "List the checkpoints to see which there are")
            }
            Error::CheckpointsDamaged { .. } => {
                (Kind::Unavailable, "checkpoints_damaged", "Restore the workspace from a backup")
            }
            Error::Watch(_) => (
                Kind::Unavailable,
                "watch_unavailable",
                "Raise the system's limit fs.inotify.max_user_watches or max_user_instances",
            ),
            Error::System { source, .. } if is_full(source) => {
                (Kind::Unavailable, "disk_full", "Free some space and try again")
            }
            Error::System { .. } => {
                (Kind::Unavailable, "files_unavailable", "Check the permissions of the folder and its disk")
            }
        };
        Self::new(kind, code, error.to_string()).with_hint(hint).with_source(error)
    }
}

fn is_full(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(errno, Some(Errno::NOSPC | Errno::DQUOT))
}

fn near_lines(near: &[usize]) -> String {
    if near.is_empty() {
        return String::new();
    }
    format!("; most like it are the lines {}", numbers(near))
}

fn numbers(lines: &[usize]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_a_kind_a_surface_can_answer_with() {
        let check = |errno: Errno, code: &str| {
            let error = kernel::Error::from(Error::at::<Errno>("a/b")(errno));
            assert_eq!(error.code, code, "{errno:?}");
        };
        check(Errno::NOENT, "file_not_found");
        check(Errno::LOOP, "file_link_refused");
        check(Errno::XDEV, "file_link_refused");
        check(Errno::NOSPC, "disk_full");
        check(Errno::IO, "files_unavailable");
    }

    #[test]
    fn an_edit_that_fails_says_where_to_look() {
        let error = Error::EditNotFound { path: "a.js".into(), near: vec![3, 14] };
        assert_eq!(error.to_string(), "The text to replace is not in a.js; most like it are the lines 3, 14");
    }
}
