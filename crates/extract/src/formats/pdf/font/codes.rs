//! How the strings of a composite font divide into codes.

use encoding_rs::Encoding;
use hayro_cmap::CMap;
use hayro_syntax::object::{Dict, Name, Stream};

use super::super::streams::Budget;
use crate::error::Result;

/// The codes of a composite font.
pub(in super::super) struct Codes {
    division: Division,
    map: Option<CMap>,
    pub vertical: bool,
}

enum Division {
    /// Two bytes each, and they mean nothing by themselves.
    TwoBytes,
    /// Two bytes each, a unit of UTF-16.
    Utf16,
    /// Two bytes each, a row and a cell of the table of JIS X 0208.
    Jis,
    /// Text in an encoding of one or two bytes.
    Text(&'static Encoding),
    /// As the font's own map says: the first and last code of each length.
    Ranges(Vec<(usize, u32, u32)>),
}

impl Codes {
    pub fn of(dict: &Dict<'_>, budget: &mut Budget) -> Result<Self> {
        if let Some(stream) = dict.get::<Stream<'_>>(b"Encoding") {
            let source = budget.unpack(&stream)?;
            let ranges = code_space(&source);
            let division = if ranges.is_empty() { Division::TwoBytes } else { Division::Ranges(ranges) };
            let vertical = source.windows(8).any(|window| window == b"/WMode 1");
            return Ok(Self { division, map: CMap::parse(&source, |_| None), vertical });
        }
        let name = dict.get::<Name<'_>>(b"Encoding").map(|name| name.as_str().to_owned()).unwrap_or_default();
        let division = if name.contains("UCS2") || name.contains("UTF16") {
            Division::Utf16
        } else if matches!(name.as_str(), "H" | "V") {
            Division::Jis
        } else if let Some(encoding) = text_encoding(&name) {
            Division::Text(encoding)
        } else {
            Division::TwoBytes
        };
        Ok(Self { division, map: None, vertical: name.ends_with("-V") || name == "V" })
    }

    /// The first code of a string and how many bytes it has.
    pub fn next(&self, bytes: &[u8]) -> (u32, usize) {
        let value =
            |length: usize| bytes.iter().take(length).fold(0, |code, byte| code << 8 | u32::from(*byte));
        let length = match &self.division {
            Division::TwoBytes | Division::Utf16 | Division::Jis => 2,
            Division::Text(encoding) => text_length(encoding, bytes),
            Division::Ranges(ranges) => {
                let fits =
                    |(length, first, last): &&(usize, u32, u32)| (*first..=*last).contains(&value(*length));
                let found = ranges.iter().filter(|range| range.0 <= bytes.len()).find(fits);
                found.or(ranges.first()).map_or(2, |range| range.0)
            }
        };
        let length = length.min(bytes.len()).max(1);
        (value(length), length)
    }

    /// What a code says by itself.
    pub fn text(&self, code: &[u8]) -> Option<String> {
        match &self.division {
            Division::Utf16 => {
                let unit = u32::from(u16::from_be_bytes(code.try_into().ok()?));
                char::from_u32(unit).filter(|letter| *letter != '\0').map(String::from)
            }
            Division::Text(encoding) => {
                let (text, replaced) = encoding.decode_without_bom_handling(code);
                (!replaced).then(|| text.into_owned())
            }
            Division::Jis => {
                let code: Vec<u8> = code.iter().map(|byte| byte | 0x80).collect();
                let (text, replaced) = encoding_rs::EUC_JP.decode_without_bom_handling(&code);
                (!replaced).then(|| text.into_owned())
            }
            Division::TwoBytes | Division::Ranges(_) => None,
        }
    }

    /// The number of the glyph that a code selects, as far as it is known.
    pub fn cid(&self, code: u32, length: usize) -> Option<u32> {
        match &self.division {
            Division::TwoBytes => Some(code),
            Division::Ranges(_) => self.map.as_ref()?.lookup_cid_code(code, u8::try_from(length).ok()?),
            Division::Utf16 | Division::Jis | Division::Text(_) => None,
        }
    }
}

fn text_encoding(name: &str) -> Option<&'static Encoding> {
    let known = [
        ("RKSJ", encoding_rs::SHIFT_JIS),
        ("GBK2K", encoding_rs::GB18030),
        ("GB", encoding_rs::GBK),
        ("B5", encoding_rs::BIG5),
        ("KSC", encoding_rs::EUC_KR),
        ("EUC-H", encoding_rs::EUC_JP),
        ("EUC-V", encoding_rs::EUC_JP),
    ];
    known.iter().find(|(part, _)| name.contains(part)).map(|(_, encoding)| *encoding)
}

fn text_length(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(0xA0..=0xDF) if encoding == encoding_rs::SHIFT_JIS => 1,
        Some(0x81..) => 2,
        _ => 1,
    }
}

/// The ranges between `begincodespacerange` and its end, as `<00> <80>`.
fn code_space(source: &[u8]) -> Vec<(usize, u32, u32)> {
    const MOST: usize = 256;
    let source = String::from_utf8_lossy(source);
    let mut ranges = Vec::new();
    for part in source.split("begincodespacerange").skip(1) {
        let part = part.split("endcodespacerange").next().unwrap_or("");
        let mut codes = part.split('<').skip(1).filter_map(|code| code.split('>').next());
        while let (Some(first), Some(last)) = (codes.next(), codes.next()) {
            let number = |code: &str| u32::from_str_radix(code.trim(), 16);
            let length = first.trim().len() / 2;
            if let (Ok(first), Ok(last), 1..=4, true) =
                (number(first), number(last), length, ranges.len() < MOST)
            {
                ranges.push((length, first, last));
            }
        }
    }
    ranges.sort_by_key(|range| range.0);
    ranges
}
