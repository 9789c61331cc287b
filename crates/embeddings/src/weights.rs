//! Reads a `model.safetensors`: a JSON index of tensors, then their bytes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::error::{Error, Result};

/// No index is larger; ours has 11 kB.
const MAX_INDEX_BYTES: usize = 1 << 20;

/// A weights file in memory.
pub struct Weights {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Shape and place of each tensor.
    index: HashMap<String, (Vec<usize>, std::ops::Range<usize>)>,
}

impl Weights {
    /// Reads a file and its index; only tensors of 32-bit floats are kept in it.
    pub fn load(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|source| Error::unreadable(path, source))?;
        let index =
            index(&bytes).ok_or_else(|| Error::malformed(path, "its index does not fit its bytes"))?;
        Ok(Self { path: path.to_owned(), bytes, index })
    }

    /// The floats of a tensor that must have this shape, row after row.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Some((found, place)) = self.index.get(name) else {
            return Err(Error::malformed(&self.path, format!("it has no `{name}`")));
        };
        if found != shape {
            let reason = format!("`{name}` has the shape {found:?}, not {shape:?}");
            return Err(Error::malformed(&self.path, reason));
        }
        let (floats, _) = self.bytes[place.clone()].as_chunks::<4>();
        Ok(floats.iter().map(|float| f32::from_le_bytes(*float)).collect())
    }
}

type Index = HashMap<String, (Vec<usize>, std::ops::Range<usize>)>;

/// The index, if every tensor lies in the file and has as many bytes as its shape says.
fn index(bytes: &[u8]) -> Option<Index> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    if length > MAX_INDEX_BYTES {
        return None;
    }
    let entries: HashMap<String, Value> = serde_json::from_slice(rest.get(..length)?).ok()?;
    let begin = 8 + length;
    let mut index = Index::new();
    for (name, entry) in entries.into_iter().filter(|(_, entry)| entry["dtype"] == "F32") {
        let numbers = |key: &str| -> Option<Vec<usize>> {
            entry[key].as_array()?.iter().map(|number| usize::try_from(number.as_u64()?).ok()).collect()
        };
        let (shape, offsets) = (numbers("shape")?, numbers("data_offsets")?);
        let [from, to] = offsets[..] else { return None };
        let place = begin.checked_add(from)?..begin.checked_add(to)?;
        let floats = shape.iter().try_fold(1_usize, |product, side| product.checked_mul(*side))?;
        if bytes.get(place.clone())?.len() != floats.checked_mul(4)? {
            return None;
        }
        index.insert(name, (shape, place));
    }
    Some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> tempfile::NamedTempFile {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(data);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn reads_a_tensor_of_the_shape_asked_for() {
        let header = r#"{"__metadata__":{},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
        let file = file(header, &[0, 0, 128, 63, 0, 0, 0, 64]);
        let weights = Weights::load(file.path()).unwrap();
        assert_eq!(weights.tensor("a", &[1, 2]).unwrap(), [1.0, 2.0]);
        assert!(weights.tensor("a", &[2]).unwrap_err().to_string().contains("`a` has the shape [1, 2]"));
        assert!(weights.tensor("b", &[2]).unwrap_err().to_string().contains("has no `b`"));
    }

    #[test]
    fn a_cut_or_lying_file_is_refused() {
        for offsets in ["[0,12]", "[4,0]", "[0,4]", "[0]", "[18446744073709551615,8]"] {
            let header = format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#);
            assert!(Weights::load(file(&header, &[0; 8]).path()).is_err(), "{offsets}");
        }
        assert!(Weights::load(file("{}", &[]).path()).is_ok());
        assert!(Weights::load(file("{", &[]).path()).is_err());
        assert!(Weights::load(Path::new("/nowhere/model.safetensors")).is_err());
    }
}
