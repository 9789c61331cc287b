//! How wide the characters of a font are, in parts of its size.

use std::collections::HashMap;

use hayro_syntax::object::{Array, Dict, Name, Number, Object};

/// The widths of ASCII's printable characters in the fonts that every reader of PDF knows, in
/// thousandths.
const HELVETICA: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
const TIMES: [u16; 95] = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500,
    500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333,
    389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469,
    500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389,
    278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];

/// The widths of the 256 codes of a simple font.
pub(super) fn of_simple(dict: &Dict<'_>, name: &str) -> Vec<f32> {
    let descriptor = dict.get::<Dict<'_>>(b"FontDescriptor");
    let missing = descriptor.and_then(|descriptor| descriptor.get::<f32>(b"MissingWidth"));
    let type_3 = dict.get::<Name<'_>>(b"Subtype").as_deref() == Some(b"Type3");
    let matrix = dict.get::<Array<'_>>(b"FontMatrix").and_then(|matrix| matrix.iter::<f32>().next());
    let unit = if type_3 { matrix.unwrap_or(0.001).abs() } else { 0.001 };
    let Some(listed) = dict.get::<Array<'_>>(b"Widths") else {
        return (0..=255).map(|code| standard(name, code)).collect();
    };
    let first =
        dict.get::<Number>(b"FirstChar").map_or(0, |first| usize::try_from(first.as_i64()).unwrap_or(0));
    let mut widths = vec![missing.unwrap_or(0.0) * unit; 256];
    for (index, width) in listed.iter::<f32>().take(256).enumerate() {
        if let Some(slot) = widths.get_mut(first.saturating_add(index)) {
            *slot = width * unit;
        }
    }
    widths
}

/// The width of a character in one of the fonts that are not described because everyone knows them.
fn standard(name: &str, code: u8) -> f32 {
    if name.contains("Courier") || name.contains("Mono") {
        return 0.6;
    }
    let table = if name.contains("Times") || name.contains("Serif") { &TIMES } else { &HELVETICA };
    let width = code.checked_sub(32).and_then(|index| table.get(usize::from(index))).copied().unwrap_or(550);
    f32::from(width) / 1000.0
}

/// The widths of a composite font, by the numbers of its glyphs.
pub(super) struct CidWidths {
    single: HashMap<u32, f32>,
    ranges: Vec<(u32, u32, f32)>,
    default: f32,
}

impl CidWidths {
    pub fn of(dict: &Dict<'_>) -> Self {
        const MOST: usize = 1 << 17;
        let default = dict.get::<f32>(b"DW").unwrap_or(1000.0) / 1000.0;
        let mut widths = Self { single: HashMap::new(), ranges: Vec::new(), default };
        let listed = dict.get::<Array<'_>>(b"W");
        let mut items = listed.iter().flat_map(|items| items.iter::<Object<'_>>()).take(MOST);
        let number = |item: Option<Object<'_>>| item.and_then(|item| item.into_number());
        let cid = |number: &Number| u32::try_from(number.as_i64()).unwrap_or(0);
        // Either `first [width width …]` or `first last width`.
        while let Some(first) = number(items.next()).as_ref().map(cid) {
            match items.next() {
                Some(Object::Array(each)) => {
                    for (offset, width) in (0_u32..).zip(each.iter::<f32>().take(MOST)) {
                        widths.single.insert(first.saturating_add(offset), width / 1000.0);
                    }
                }
                Some(Object::Number(last)) => {
                    let Some(width) = number(items.next()) else { break };
                    widths.ranges.push((first, cid(&last), width.as_f32() / 1000.0));
                }
                _ => break,
            }
        }
        widths.ranges.sort_by_key(|range| range.0);
        widths
    }

    /// The width of a glyph; of one that is not known, what is usual for a code of that many bytes.
    pub fn of_cid(&self, cid: Option<u32>, length: usize) -> f32 {
        let Some(cid) = cid else { return if length == 1 { 0.5 } else { self.default } };
        if let Some(width) = self.single.get(&cid) {
            return *width;
        }
        let after = self.ranges.partition_point(|range| range.0 <= cid);
        let range = after.checked_sub(1).and_then(|index| self.ranges.get(index));
        range.filter(|range| range.1 >= cid).map_or(self.default, |range| range.2)
    }
}
