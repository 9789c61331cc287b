//! Which characters the codes of a font stand for, and how wide they are.
//!
//! A font that says what its codes mean (`ToUnicode`) is believed. Else the names of its glyphs, its
//! encoding, or the font program tell it; the codes of the older East Asian encodings are decoded as
//! text in them.

mod codes;
mod truetype;
mod widths;

use std::collections::HashMap;

use hayro_cmap::{BfString, CMap};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream};

use super::encodings;
use super::streams::Budget;
use crate::error::Result;
use codes::Codes;
use widths::CidWidths;

/// A font as far as text needs it.
pub(super) struct Font {
    sort: Sort,
    pub bold: bool,
    pub vertical: bool,
}

enum Sort {
    /// One byte a character.
    Simple { texts: Vec<Option<String>>, widths: Vec<f32> },
    /// One to four bytes a character.
    Composite(Box<Composite>),
}

struct Composite {
    codes: Codes,
    to_unicode: Option<CMap>,
    /// What the glyphs of an embedded font show, where the font does not say what its codes mean.
    glyphs: HashMap<u16, char>,
    widths: CidWidths,
}

/// A character that a string of a page shows.
pub(super) struct Character {
    pub code: u32,
    /// How many bytes its code has.
    pub length: usize,
    /// What it says; `None` if the font does not tell.
    pub text: Option<String>,
    /// How far it moves on, in parts of the font's size.
    pub width: f32,
}

impl Font {
    pub fn of(dict: &Dict<'_>, budget: &mut Budget) -> Result<Self> {
        let to_unicode = match dict.get::<Stream<'_>>(b"ToUnicode") {
            Some(stream) => CMap::parse(&budget.unpack(&stream)?, |_| None),
            None => None,
        };
        let name = dict.get::<Name<'_>>(b"BaseFont").map(|name| name.as_str().to_owned()).unwrap_or_default();
        let bold = ["Bold", "Black", "Heavy", "Semibold", "Demi", "-Bd", "-Medi", "CMBX"]
            .iter()
            .any(|word| name.contains(word));
        if dict.get::<Name<'_>>(b"Subtype").as_deref() == Some(b"Type0") {
            let descendant =
                dict.get::<Array<'_>>(b"DescendantFonts").and_then(|fonts| fonts.iter::<Dict<'_>>().next());
            let descendant = descendant.unwrap_or_else(Dict::empty);
            let codes = Codes::of(dict, budget)?;
            let vertical = codes.vertical;
            let glyphs = if to_unicode.is_none() { glyphs_of(&descendant, budget)? } else { HashMap::new() };
            let widths = CidWidths::of(&descendant);
            let sort = Sort::Composite(Box::new(Composite { codes, to_unicode, glyphs, widths }));
            return Ok(Self { sort, bold, vertical });
        }
        let named = glyph_names(dict, budget)?;
        let texts = (0..=255_u8).map(|code| {
            let told =
                to_unicode.as_ref().and_then(|map| map.lookup_bf_string(u32::from(code))).and_then(meaning);
            told.or_else(|| named[usize::from(code)].clone())
        });
        let sort = Sort::Simple { texts: texts.collect(), widths: widths::of_simple(dict, &name) };
        Ok(Self { sort, bold, vertical: false })
    }

    /// The first character of a string, which is not empty.
    pub fn next(&self, bytes: &[u8]) -> Character {
        match &self.sort {
            Sort::Simple { texts, widths } => {
                let code = bytes.first().copied().unwrap_or(0);
                let index = usize::from(code);
                Character {
                    code: u32::from(code),
                    length: 1,
                    text: texts.get(index).cloned().flatten(),
                    width: widths.get(index).copied().unwrap_or(0.5),
                }
            }
            Sort::Composite(font) => {
                let Composite { codes, to_unicode, glyphs, widths } = &**font;
                let (code, length) = codes.next(bytes);
                let told = to_unicode.as_ref().and_then(|map| map.lookup_bf_string(code)).and_then(meaning);
                let cid = codes.cid(code, length);
                let drawn = || glyphs.get(&u16::try_from(cid?).ok()?).map(char::to_string);
                let text =
                    told.or_else(|| codes.text(bytes.get(..length).unwrap_or_default())).or_else(drawn);
                let width = widths.of_cid(cid, length);
                Character { code, length, text, width }
            }
        }
    }
}

/// What the glyphs of an embedded font show, by their numbers in the PDF.
fn glyphs_of(descendant: &Dict<'_>, budget: &mut Budget) -> Result<HashMap<u16, char>> {
    let descriptor = descendant.get::<Dict<'_>>(b"FontDescriptor");
    let Some(program) = descriptor.and_then(|descriptor| descriptor.get::<Stream<'_>>(b"FontFile2")) else {
        return Ok(HashMap::new());
    };
    let characters = truetype::characters(&budget.unpack(&program)?);
    let Some(numbers) = descendant.get::<Stream<'_>>(b"CIDToGIDMap") else { return Ok(characters) };
    let numbers = budget.unpack(&numbers)?;
    let pairs = (0..=u16::MAX).zip(numbers.chunks_exact(2));
    let pairs = pairs.filter_map(|(cid, glyph)| {
        let glyph = u16::from_be_bytes(glyph.try_into().ok()?);
        Some((cid, *characters.get(&glyph)?))
    });
    Ok(pairs.collect())
}

/// What a map says, unless it says nothing.
fn meaning(said: BfString) -> Option<String> {
    let text = match said {
        BfString::Char(letter) => letter.to_string(),
        BfString::String(text) => text,
    };
    let nothing = text.chars().all(|letter| letter == '\0' || letter == '\u{fffd}');
    (!nothing).then_some(text)
}

/// What each code of a simple font means by its encoding.
fn glyph_names(dict: &Dict<'_>, budget: &mut Budget) -> Result<Vec<Option<String>>> {
    let encoding = dict.get::<Object<'_>>(b"Encoding");
    let base = match &encoding {
        Some(Object::Name(name)) => Some(name.as_str().to_owned()),
        Some(Object::Dict(encoding)) => {
            encoding.get::<Name<'_>>(b"BaseEncoding").map(|name| name.as_str().to_owned())
        }
        _ => None,
    };
    let name = dict.get::<Name<'_>>(b"BaseFont").map(|name| name.as_str().to_owned()).unwrap_or_default();
    let mut texts = encodings::base(base.as_deref(), &name);
    if base.is_none() {
        let descriptor = dict.get::<Dict<'_>>(b"FontDescriptor");
        if let Some(program) = descriptor.and_then(|descriptor| descriptor.get::<Stream<'_>>(b"FontFile")) {
            for (code, name) in encodings::of_type_1(&budget.unpack(&program)?) {
                texts[usize::from(code)] = encodings::of_name(&name);
            }
        }
    }
    if let Some(Object::Dict(encoding)) = &encoding {
        let mut code = 0_usize;
        let differences = encoding.get::<Array<'_>>(b"Differences");
        for item in differences.iter().flat_map(|items| items.iter::<Object<'_>>()).take(4096) {
            match item {
                Object::Number(number) => code = usize::try_from(number.as_i64()).unwrap_or(usize::MAX),
                Object::Name(name) => {
                    if let Some(text) = texts.get_mut(code) {
                        *text = encodings::of_name(name.as_str());
                    }
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
    }
    Ok(texts)
}
