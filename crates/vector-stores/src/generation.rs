//! Whose vectors are in a table or collection, and what it is called.

use std::collections::BTreeMap;

use kernel::Privacy;
use memory::EmbedderIdentity;
use memory::embedding::VectorChange;

use crate::direction::direction_or_zeros;

/// The vectors of one embedder in one workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// What tells this workspace apart from every other that may use the same server.
    pub workspace: String,
    /// Who makes the vectors.
    pub embedder: EmbedderIdentity,
    /// The position of the newest change when the program started. A store that is further along
    /// holds what no longer is and begins anew.
    pub last: u64,
}

/// What becomes of each chunk; what was said of it last counts.
pub(crate) struct Changed {
    /// In the order of their numbers, with vectors of length one.
    pub put: Vec<(u32, Vec<f32>)>,
    pub removed: Vec<u32>,
}

impl Generation {
    /// What it is called where nothing stricter than `strictest` may be: 32 hexadecimal digits. One
    /// that lacks what is local is never taken for one that has it all.
    pub(crate) fn digest(&self, strictest: Privacy) -> String {
        let embedder = &self.embedder;
        let parts = [strictest.as_str(), &self.workspace, &embedder.name, &embedder.version];
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        hasher.update(&(self.dimensions() as u64).to_le_bytes());
        hasher.finalize().to_hex()[..32].to_owned()
    }

    /// Whose vectors they are, for people who look at the store itself.
    pub(crate) fn described(&self) -> String {
        let EmbedderIdentity { name, version, dimensions } = &self.embedder;
        format!("{name}@{version}, {dimensions} dimensions")
    }

    pub(crate) fn dimensions(&self) -> usize {
        self.embedder.dimensions
    }

    pub(crate) fn changed(&self, changes: &[VectorChange]) -> Changed {
        let last: BTreeMap<u32, Option<&Vec<f32>>> =
            changes.iter().map(|change| (change.number, change.vector.as_ref())).collect();
        let put = last.iter().filter_map(|(number, vector)| {
            vector.map(|vector| (*number, direction_or_zeros(vector, self.dimensions())))
        });
        let removed = last.iter().filter(|(_, vector)| vector.is_none()).map(|(number, _)| *number);
        Changed { put: put.collect(), removed: removed.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_embedders_workspaces_or_labels_share_a_name() {
        let of = |workspace: &str, name: &str, version: &str, dimensions, strictest| {
            let (name, version) = (name.into(), version.into());
            let embedder = EmbedderIdentity { name, version, dimensions };
            Generation { workspace: workspace.into(), embedder, last: 0 }.digest(strictest)
        };
        let all = [
            of("w", "n", "v", 3, Privacy::Local),
            of("x", "n", "v", 3, Privacy::Local),
            of("w", "nv", "", 3, Privacy::Local),
            of("w", "", "nv", 3, Privacy::Local),
            of("wn", "", "v", 3, Privacy::Local),
            of("w", "n", "v", 4, Privacy::Local),
            of("w", "n", "v", 3, Privacy::Shareable),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
        assert!(all.iter().all(|name| name.len() == 32));
    }
}
