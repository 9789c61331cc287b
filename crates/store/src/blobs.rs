//! Blobs: bytes under the digest of their content.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Error, Kind};
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions};

/// Blobs below a folder.
#[derive(Clone)]
pub struct FileBlobs {
    objects: Arc<dyn ObjectStore>,
}

impl FileBlobs {
    /// Blobs below `folder`, which exists.
    ///
    /// # Errors
    /// When the folder cannot be used.
    pub fn open(folder: &Path) -> kernel::Result<Self> {
        let objects = LocalFileSystem::new_with_prefix(folder).map_err(failed)?.with_fsync(true);
        Ok(Self { objects: Arc::new(objects) })
    }
}

#[async_trait]
impl runs::Blobs for FileBlobs {
    async fn put(&self, bytes: Bytes) -> kernel::Result<String> {
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(&place(&digest), bytes.into(), options).await {
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(digest),
            Err(error) => Err(failed(error)),
        }
    }

    async fn get(&self, digest: &str) -> kernel::Result<Bytes> {
        let missing = || Error::not_found("blob_not_found", "The file's content is not in this workspace");
        if digest.len() != 64 || !digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(missing());
        }
        match self.objects.get(&place(digest)).await {
            Ok(object) => object.bytes().await.map_err(failed),
            Err(object_store::Error::NotFound { .. }) => Err(missing()),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Two levels, so that no folder grows without bound.
fn place(digest: &str) -> ObjectPath {
    ObjectPath::from(format!("{}/{}", &digest[..2], &digest[2..]))
}

fn failed(error: object_store::Error) -> Error {
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    return crate::Error::DiskFull.into();
                }
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                    return crate::Error::ReadOnly.into();
                }
                _ => {}
            }
        }
        source = cause.source();
    }
    Error::new(Kind::Unavailable, "blobs_unavailable", "The file store does not answer")
        .with_hint("Look at the log for the cause")
        .with_source(error)
}
