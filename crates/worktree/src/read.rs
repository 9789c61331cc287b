//! Reading a file, and the version it is known by.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::folder::{Links, read_whole};
use crate::path::TreePath;
use crate::worktree::Worktree;

/// What a file contained: the BLAKE3 hash of its bytes, shown in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version([u8; 32]);

impl Version {
    /// The version of a file with this content.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The version of an open file, which may be larger than memory.
    pub(crate) fn of_file(file: std::fs::File) -> std::io::Result<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(Self(*hasher.finalize().as_bytes()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl FromStr for Version {
    type Err = Error;

    /// # Errors
    /// [`Error::QueryInvalid`] for anything but 64 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, Error> {
        blake3::Hash::from_hex(text)
            .map(|hash| Self(*hash.as_bytes()))
            .map_err(|_| Error::QueryInvalid { reason: "a version is 64 hexadecimal digits".into() })
    }
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What [`Worktree::write`] takes as the version that is expected.
    pub version: Version,
    /// Whether it is UTF-8 without a zero byte.
    pub is_text: bool,
    /// Whether its owner may run it.
    pub is_executable: bool,
}

impl Content {
    /// The text of a file that is text.
    pub fn text(&self) -> Option<&str> {
        self.is_text.then(|| std::str::from_utf8(&self.bytes).ok()).flatten()
    }
}

impl Worktree {
    /// Reads a regular file of at most `limit` bytes. Links that stay in the folder are followed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotAFile`], [`Error::TooLarge`], [`Error::LinkRefused`] for a
    /// link that leads out of the folder, and [`Error::System`].
    pub fn read(&self, path: &TreePath, limit: u64) -> Result<Content, Error> {
        let opened = self.inner.root.open_file(path.as_ref(), Links::Beneath, self.inner.resolver);
        let (mut file, stat) = opened?;
        let bytes = read_whole(&mut file, &stat, path.as_ref(), limit)?;
        Ok(Content {
            version: Version::of(&bytes),
            is_text: is_text(&bytes),
            is_executable: stat.st_mode & 0o100 != 0,
            bytes,
        })
    }
}

/// Whether these are the bytes of a text.
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok()
}
