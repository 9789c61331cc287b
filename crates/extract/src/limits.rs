//! What a document may cost.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Bounds on what is read and on what reading may cost. All but the last two hold in
/// [`extract`](crate::extract()) itself; time and memory are held by the [`Workers`](crate::Workers).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// The largest document, in bytes.
    pub input_bytes: u64,
    /// The most text that is taken from one document, in bytes of UTF-8.
    pub text_bytes: u64,
    /// The most bytes that the parts of a document are unpacked to, together.
    pub unpacked_bytes: u64,
    /// How many times larger than packed a document may become, once it is larger than a few MB.
    pub unpacked_ratio: u64,
    /// How deep parts may be within each other.
    pub depth: usize,
    /// The most pages of a PDF.
    pub pages: usize,
    /// The most parts a document may fall into: blocks, cells, values, messages.
    pub parts: usize,
    /// How long a worker may read one document.
    pub wall: Duration,
    /// The most memory a worker may take beyond what it has when it begins, in bytes. Atelier's allocator
    /// has a gigabyte then, which comes from the system only as it is used.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            input_bytes: 64 << 20,
            text_bytes: 16 << 20,
            unpacked_bytes: 256 << 20,
            unpacked_ratio: 200,
            depth: 128,
            pages: 10_000,
            parts: 2_000_000,
            wall: Duration::from_secs(60),
            memory: 512 << 20,
        }
    }
}

impl Limits {
    /// Whether a document of this size is read at all, so that nobody has to load one that is not.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it is not.
    pub fn admit(&self, bytes: u64) -> Result<()> {
        if bytes > self.input_bytes {
            return Err(Error::TooLarge { what: "data".into(), bytes, exact: true, limit: self.input_bytes });
        }
        Ok(())
    }

    /// The most bytes that may be unpacked from so many packed ones.
    pub(crate) fn unpacked_from(&self, packed: u64) -> u64 {
        const ALWAYS: u64 = 16 << 20;
        packed.saturating_mul(self.unpacked_ratio).max(ALWAYS).min(self.unpacked_bytes)
    }
}
