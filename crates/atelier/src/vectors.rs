//! Chooses where memory's vectors are searched.
//!
//! Invariant: an index never has less than what its position says it has. What holds all vectors, what
//! holds those that stay on this machine, and each store elsewhere has a folder, table or collection of
//! its own, so that a setting can be changed back and forth.

use std::path::Path;
use std::sync::Arc;

use kernel::{Clock, Entropy, Error, Privacy, Result};
use memory::{DividedVectors, EmbeddedVectors, EmbedderIdentity, Reachable, VectorIndex};
use vector_stores::{Address, Generation};

/// Opens the index of an embedder's vectors: in `files`, at `address`, or in both where the store there
/// may not have everything. One that is further along than `last`, the newest change, is made anew.
/// Blocks.
///
/// # Errors
/// Those of the index in `files`; a store elsewhere may be away.
pub fn open(
    files: &Path,
    address: Option<&Address>,
    embedder: &EmbedderIdentity,
    last: u64,
    clock: Arc<dyn Clock>,
    entropy: &dyn Entropy,
) -> Result<Arc<dyn VectorIndex>> {
    let Some(address) = address else { return embedded(&files.join("vectors"), embedder, last) };
    let (workspace, embedder) = (workspace(files, entropy)?, embedder.clone());
    let here = files.join("vectors-local");
    let here = match address.strictest() {
        Privacy::Local => None,
        Privacy::Shareable => Some(embedded(&here, &embedder, last)?),
    };
    let elsewhere = address.open(Generation { workspace, embedder, last });
    let elsewhere = Arc::new(Reachable::new(elsewhere, clock));
    Ok(match here {
        Some(here) => Arc::new(DividedVectors::new(here, elsewhere)),
        None => elsewhere,
    })
}

fn embedded(folder: &Path, embedder: &EmbedderIdentity, last: u64) -> Result<Arc<dyn VectorIndex>> {
    let mut vectors = EmbeddedVectors::open(folder, embedder)?;
    if vectors.position_on_disk() > last {
        drop(vectors);
        remove(folder)?;
        vectors = EmbeddedVectors::open(folder, embedder)?;
    }
    Ok(Arc::new(vectors))
}

/// Removes the folder of an index that is to be made anew.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
        _ => Ok(()),
    }
}

/// What tells this workspace apart at a server that several use. It lies among the indices: who throws
/// these away gets new tables too.
fn workspace(files: &Path, entropy: &dyn Entropy) -> Result<String> {
    let file = files.join("workspace.id");
    let is_one = |text: &String| text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    if let Some(known) = std::fs::read_to_string(&file).ok().filter(is_one) {
        return Ok(known);
    }
    let made = format!("{:016x}{:016x}", entropy.next_u64(), entropy.next_u64());
    std::fs::create_dir_all(files).and_then(|()| std::fs::write(&file, &made)).map_err(|error| {
        Error::unavailable("workspace_unusable", format!("{} cannot be written: {error}", file.display()))
    })?;
    Ok(made)
}
