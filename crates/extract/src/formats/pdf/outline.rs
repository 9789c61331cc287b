//! Which paragraphs of a PDF are headings, and which lines are only the heads and feet of its pages.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::layout::Paragraph;
use crate::document::Role;

/// Removes what stands among the first or last on most pages, apart from numbers in it and from what is
/// written larger than the text.
pub(super) fn drop_repeated(pages: &mut [Vec<Paragraph>], levels: &Levels) {
    const FEW_PAGES: usize = 3;
    const ENDS: usize = 2;
    if pages.len() < FEW_PAGES {
        return;
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for page in pages.iter() {
        let at_an_end = |index: usize| index < ENDS || index + ENDS >= page.len();
        let ends = page.iter().enumerate().filter(|(index, _)| at_an_end(*index));
        let words: BTreeSet<String> = ends.map(|(_, paragraph)| without_numbers(&paragraph.text)).collect();
        for words in words {
            *seen.entry(words).or_default() += 1;
        }
    }
    let half = pages.len().div_ceil(2);
    for page in pages {
        let length = page.len();
        let mut index = 0;
        page.retain(|paragraph| {
            let at_an_end = index < ENDS || index + ENDS >= length;
            index += 1;
            let often = seen.get(&without_numbers(&paragraph.text)).is_some_and(|count| *count > half);
            let small = paragraph.lines == 1 && paragraph.text.len() < 200 && !levels.is_large(paragraph);
            !(at_an_end && often && small)
        });
    }
}

fn without_numbers(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_numeric() && !letter.is_whitespace()).collect()
}

/// The sizes of letters that headings are written in.
pub(super) struct Levels {
    body: f32,
    /// From the largest, in tenths of a point.
    sizes: Vec<u32>,
}

impl Levels {
    pub fn of(pages: &[Vec<Paragraph>]) -> Self {
        let mut letters: BTreeMap<u32, usize> = BTreeMap::new();
        for paragraph in pages.iter().flatten() {
            *letters.entry(tenths(paragraph.size)).or_default() += paragraph.text.len();
        }
        let body = letters.iter().max_by_key(|(_, letters)| **letters).map_or(0, |(size, _)| *size);
        #[allow(clippy::cast_precision_loss, reason = "a size in points is small")]
        let mut levels = Self { body: body as f32 / 10.0, sizes: Vec::new() };
        let large = pages.iter().flatten().filter(|paragraph| levels.is_large(paragraph));
        let sizes: BTreeSet<u32> = large.map(|paragraph| tenths(paragraph.size)).collect();
        levels.sizes = sizes.into_iter().rev().collect();
        levels
    }

    pub fn role(&self, paragraph: &Paragraph) -> Role {
        const LOWEST: usize = 5;
        if paragraph.row {
            return Role::TableRow { header: false };
        }
        if paragraph.text.starts_with(['•', '◦', '▪', '●', '‣']) {
            return Role::ListItem;
        }
        if self.is_large(paragraph) {
            let rank = self.sizes.iter().position(|size| *size == tenths(paragraph.size)).unwrap_or(0);
            return Role::Heading(u8::try_from(rank.min(LOWEST) + 1).unwrap_or(1));
        }
        if paragraph.bold && self.is_short(paragraph) && !paragraph.text.ends_with(['.', ',', ';']) {
            return Role::Heading(u8::try_from(self.sizes.len().min(LOWEST) + 1).unwrap_or(1));
        }
        Role::Paragraph
    }

    fn is_large(&self, paragraph: &Paragraph) -> bool {
        paragraph.size > self.body * 1.12 && self.is_short(paragraph)
    }

    fn is_short(&self, paragraph: &Paragraph) -> bool {
        let letters = paragraph.text.chars().filter(|letter| letter.is_alphabetic()).count();
        paragraph.lines <= 3 && paragraph.text.len() <= 200 && letters >= 2 && !paragraph.row
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are positive and small")]
fn tenths(size: f32) -> u32 {
    (size * 10.0).round() as u32
}
