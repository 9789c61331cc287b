//! Which characters the glyphs of an embedded TrueType font show, by the font's own table.
//!
//! The table (`cmap`) leads from characters to glyphs; it is read backwards. Of a damaged table, what
//! can be read is taken.

use std::collections::HashMap;

/// The character of each glyph, the first one where a glyph shows several.
pub(super) fn characters(font: &[u8]) -> HashMap<u16, char> {
    let mut found = HashMap::new();
    let Some(table) = table(font, b"cmap") else { return found };
    let count = u16_at(table, 2).unwrap_or(0);
    let mut subtables: Vec<(u16, u16, usize)> = (0..usize::from(count).min(64))
        .filter_map(|index| {
            let at = 4 + index * 8;
            let offset = usize::try_from(u32_at(table, at + 4)?).ok()?;
            Some((u16_at(table, at)?, u16_at(table, at + 2)?, offset))
        })
        .filter(|(platform, encoding, _)| matches!((platform, encoding), (0, _) | (3, 1 | 10)))
        .collect();
    // The one that knows most characters first.
    subtables.sort_by_key(|(platform, encoding, _)| (*platform != 3, *encoding != 10));
    for (_, _, offset) in subtables {
        let Some(subtable) = table.get(offset..) else { continue };
        match u16_at(subtable, 0) {
            Some(4) => drop(of_segments(subtable, &mut found)),
            Some(12) => drop(of_groups(subtable, &mut found)),
            _ => {}
        }
    }
    found
}

fn table<'f>(font: &'f [u8], name: &[u8; 4]) -> Option<&'f [u8]> {
    let count = usize::from(u16_at(font, 4)?).min(256);
    let record = (0..count).map(|index| 12 + index * 16).find(|at| font.get(*at..at + 4) == Some(name))?;
    let offset = usize::try_from(u32_at(font, record + 8)?).ok()?;
    font.get(offset..)
}

/// Format 4: segments of characters of sixteen bits.
fn of_segments(table: &[u8], found: &mut HashMap<u16, char>) -> Option<()> {
    let doubled = usize::from(u16_at(table, 6)?);
    let segments = doubled / 2;
    let (ends, starts) = (14, 16 + doubled);
    let (deltas, offsets) = (starts + doubled, starts + 2 * doubled);
    for segment in (0..segments).map(|index| index * 2) {
        let (first, last) = (u16_at(table, starts + segment)?, u16_at(table, ends + segment)?);
        let (delta, offset) = (u16_at(table, deltas + segment)?, u16_at(table, offsets + segment)?);
        for code in first..=last {
            let glyph = if offset == 0 {
                code.wrapping_add(delta)
            } else {
                let at = offsets + segment + usize::from(offset) + 2 * usize::from(code - first);
                match u16_at(table, at) {
                    Some(0) | None => continue,
                    Some(glyph) => glyph.wrapping_add(delta),
                }
            };
            add(glyph, u32::from(code), found);
        }
    }
    Some(())
}

/// Format 12: groups of characters of any size.
fn of_groups(table: &[u8], found: &mut HashMap<u16, char>) -> Option<()> {
    const MOST: u32 = 1 << 16;
    for group in 0..u32_at(table, 12)?.min(MOST) {
        let at = 16 + usize::try_from(group).ok()? * 12;
        let (first, last, glyph) = (u32_at(table, at)?, u32_at(table, at + 4)?, u32_at(table, at + 8)?);
        for offset in 0..=last.checked_sub(first)?.min(MOST) {
            add(
                u16::try_from(glyph.saturating_add(offset)).unwrap_or(0),
                first.saturating_add(offset),
                found,
            );
        }
        // No font has more glyphs, so groups that go on name them again.
        if found.len() >= usize::from(u16::MAX) {
            break;
        }
    }
    Some(())
}

fn add(glyph: u16, code: u32, found: &mut HashMap<u16, char>) {
    if let Some(letter) = char::from_u32(code).filter(|letter| glyph != 0 && !letter.is_control()) {
        found.entry(glyph).or_insert(letter);
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}
