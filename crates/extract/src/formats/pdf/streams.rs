//! Unpacks the streams of a PDF, and refuses to unpack too much.
//!
//! `hayro-syntax` unpacks without a limit. So the streams it unpacks itself when it opens a file are
//! measured before ([`check_objects`]), and those of pages and fonts are unpacked here.

use std::borrow::Cow;
use std::io::Read;

use flate2::read::ZlibDecoder;
use hayro_syntax::Filter;
use hayro_syntax::object::{Dict, Stream};

use crate::error::{Error, Result};
use crate::limits::Limits;

/// How much may still be unpacked.
pub(super) struct Budget {
    packed: u64,
    limit: u64,
    left: u64,
}

impl Budget {
    pub fn new(packed: u64, limits: &Limits) -> Self {
        let limit = limits.unpacked_from(packed);
        Self { packed, limit, left: limit }
    }

    fn spend(&mut self, bytes: u64) -> Result<()> {
        self.left =
            self.left.checked_sub(bytes).ok_or(Error::Bomb { packed: self.packed, limit: self.limit })?;
        Ok(())
    }

    /// Unpacks a stream as far as it is whole.
    pub fn unpack<'a>(&mut self, stream: &Stream<'a>) -> Result<Cow<'a, [u8]>> {
        // No filter can make more of a byte than this.
        const MOST: u64 = 1400;
        let raw = stream.raw_data();
        let filters = stream.filters();
        let flates = filters.iter().filter(|filter| **filter == Filter::FlateDecode).count();
        if filters.as_slice() == [Filter::FlateDecode] && !has_predictor(stream.dict()) {
            return self.inflate(&raw).map(Cow::Owned);
        }
        if flates > 1 || (raw.len() as u64).saturating_mul(MOST) > self.left && !filters.is_empty() {
            return Err(Error::Bomb { packed: self.packed, limit: self.limit });
        }
        let unpacked = stream.decoded_data().unwrap_or_default();
        self.spend(unpacked.len() as u64)?;
        Ok(unpacked)
    }

    fn inflate(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut unpacked = Vec::new();
        // What comes before damage is kept.
        let _ = ZlibDecoder::new(bytes).take(self.left + 1).read_to_end(&mut unpacked);
        self.spend(unpacked.len() as u64)?;
        Ok(unpacked)
    }
}

/// Measures the streams that hold objects and the table of objects, which are unpacked when the file is
/// opened.
pub(super) fn check_objects(bytes: &[u8], budget: &mut Budget) -> Result<()> {
    // Whether the object that is being passed says that it is such a stream.
    let mut opened = false;
    let mut at = 0;
    while let Some(found) = bytes[at..].iter().position(|byte| matches!(byte, b'/' | b'o' | b's')) {
        at += found;
        let rest = &bytes[at..];
        if rest.starts_with(b"obj") {
            opened = false;
        } else if rest.starts_with(b"/ObjStm") || rest.starts_with(b"/XRef") {
            opened = true;
        } else if opened && rest.starts_with(b"stream") {
            let data = &rest[b"stream".len()..];
            let data = data.strip_prefix(b"\r\n").or(data.strip_prefix(b"\n")).unwrap_or(data);
            let mut decoder = ZlibDecoder::new(data).take(budget.left + 1);
            let unpacked = std::io::copy(&mut decoder, &mut std::io::sink()).unwrap_or(0);
            budget.spend(unpacked)?;
            opened = false;
        }
        at += 1;
    }
    Ok(())
}

fn has_predictor(dict: &Dict<'_>) -> bool {
    dict.contains_key(b"DecodeParms") || dict.contains_key(b"DP")
}
