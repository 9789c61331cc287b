//! Blobs in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use crate::blobs::Blobs;

/// Keeps blobs in memory.
#[derive(Default)]
pub struct FakeBlobs(Mutex<HashMap<String, Bytes>>);

impl FakeBlobs {
    /// How many different blobs there are.
    pub fn count(&self) -> usize {
        self.0.lock().len()
    }
}

#[async_trait]
impl Blobs for FakeBlobs {
    async fn put(&self, bytes: Bytes) -> kernel::Result<String> {
        let digest = blake3::hash(&bytes).to_hex().to_string();
        self.0.lock().insert(digest.clone(), bytes);
        Ok(digest)
    }

    async fn get(&self, digest: &str) -> kernel::Result<Bytes> {
        let found = self.0.lock().get(digest).cloned();
        found.ok_or_else(|| kernel::Error::not_found("blob_not_found", "There are no bytes with this digest"))
    }
}
