//! What stands around the hits of a search, in their documents.
//!
//! Invariant: a neighbour is of the very document its hit is of, as it was when the hit was let
//! through, and so under the same label and conditions. Where the document has changed since, the
//! hit is shown without neighbours.

use std::collections::HashMap;

use kernel::Result;

use super::Hit;
use crate::store::MemoryStore;

/// Shows each hit with up to `reach` chunks before it and behind it; asks the store once, and not at
/// all for none.
pub(super) async fn show(store: &dyn MemoryStore, hits: &mut [Hit], reach: u32) -> Result<()> {
    if reach == 0 || hits.is_empty() {
        return Ok(());
    }
    let numbers: Vec<u32> = hits.iter().map(|hit| hit.chunk.number).collect();
    let places: HashMap<u32, usize> = numbers.iter().zip(0..).map(|(number, at)| (*number, at)).collect();
    for (beside, neighbour) in store.find_neighbours(&numbers, reach).await? {
        let Some(hit) = places.get(&beside).and_then(|at| hits.get_mut(*at)) else { continue };
        if neighbour.document != hit.document {
            continue;
        }
        let is_before = neighbour.chunk.ordinal < hit.chunk.ordinal;
        if is_before { &mut hit.before } else { &mut hit.after }.push(neighbour.chunk);
    }
    Ok(())
}
