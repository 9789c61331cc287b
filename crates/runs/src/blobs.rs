//! The port through which artifacts' bytes are kept.

use async_trait::async_trait;
use bytes::Bytes;

/// Keeps bytes under the digest of their content, so that storing the same bytes twice is one blob.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Stores `bytes` and gives their BLAKE3 digest in hex. They are on disk when this returns.
    async fn put(&self, bytes: Bytes) -> kernel::Result<String>;

    /// The bytes of a digest.
    ///
    /// # Errors
    /// [`kernel::Kind::NotFound`] when there are none.
    async fn get(&self, digest: &str) -> kernel::Result<Bytes>;
}
