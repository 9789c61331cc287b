//! Packs atoms into chunks, as few as fit, cut where the cut is best.
//!
//! Each cut looks at no more atoms than fit into one chunk, and a chunk that ends early for a better
//! cut is at least half full unless a sentence would be cut otherwise: so all of it is linear.

use std::ops::Range;

use super::atoms::{Atom, SENTENCE};

/// The ranges of atoms that become chunks. `limit` tells how many characters fit into a chunk that
/// begins with the atom of this index.
pub(super) fn pack(atoms: &[Atom<'_>], limit: impl Fn(usize) -> usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    while start < atoms.len() {
        let end = start + fitting(&atoms[start..], limit(start));
        let cut = if end == atoms.len() { end } else { best_cut(atoms, start, end, limit(start)) };
        ranges.push(start..cut);
        start = cut;
    }
    ranges
}

/// How many of the first atoms fit; at least one.
fn fitting(atoms: &[Atom<'_>], limit: usize) -> usize {
    let mut chars = 0;
    for (index, atom) in atoms.iter().enumerate() {
        chars += atom.chars + if index > 0 { atom.gap_chars } else { 0 };
        if chars > limit && index > 0 {
            return index;
        }
    }
    atoms.len()
}

/// Where to end a chunk that begins at `start` and can reach to `end`: at the strongest place that
/// leaves it half full; else at the last end of a sentence; else at the strongest place.
fn best_cut(atoms: &[Atom<'_>], start: usize, end: usize, limit: usize) -> usize {
    let mut chars = 0;
    let (mut best, mut strength) = (end, None);
    let mut sentence = None;
    for cut in start + 1..=end {
        let last = &atoms[cut - 1];
        chars += last.chars + if cut - 1 > start { last.gap_chars } else { 0 };
        let here = atoms[cut].strength;
        if here >= SENTENCE {
            sentence = Some(cut);
        }
        if chars * 2 >= limit && strength.is_none_or(|strength| here >= strength) {
            (best, strength) = (cut, Some(here));
        }
    }
    match strength {
        Some(strength) if strength >= SENTENCE => best,
        _ => sentence.unwrap_or(best),
    }
}
