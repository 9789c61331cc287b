//! PDF: the text of each page in reading order, as headings and paragraphs, with its page.
//!
//! `hayro-syntax` reads the file's objects; what the objects mean for text is read here. [`content`]
//! follows the drawing instructions and gathers pieces of text with their positions, [`font`] knows
//! which characters the codes in them stand for, [`layout`] makes lines and paragraphs of the pieces,
//! and [`outline`] finds out which paragraphs are headings and which lines only repeat on every page.
//!
//! Invariant: nothing is unpacked beyond the limits ([`streams`]).

mod content;
mod encodings;
mod font;
mod layout;
mod outline;
mod streams;

use hayro_syntax::metadata::Metadata;
use hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::collector::Collector;
use crate::document::Place;
use crate::encoding;
use crate::error::{Error, Result};
use crate::moment;
use content::Interpreter;
use streams::Budget;

/// Reads a PDF.
pub(crate) fn read(bytes: &[u8], collector: &mut Collector<'_>) -> Result<()> {
    let mut budget = Budget::new(bytes.len() as u64, collector.limits);
    streams::check_objects(bytes, &mut budget)?;
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption) => {
            Error::damaged("its encryption cannot be understood")
        }
        LoadPdfError::Decryption(_) => Error::Encrypted,
        LoadPdfError::Invalid => Error::damaged("it has no pages that can be found"),
    })?;
    let limit = collector.limits.pages;
    if pdf.pages().len() > limit {
        return Err(Error::too_complex(format!("it has more than {limit} pages")));
    }
    describe(pdf.metadata(), collector);
    let mut interpreter = Interpreter::new(budget, collector.limits);
    let mut pages = Vec::new();
    for page in pdf.pages().iter() {
        pages.push(layout::paragraphs(interpreter.pieces(page)?));
    }
    if interpreter.unknown > 0 {
        collector.note(format!(
            "{} characters have no meaning in their fonts and were left out",
            interpreter.unknown
        ));
    }
    let levels = outline::Levels::of(&pages);
    outline::drop_repeated(&mut pages, &levels);
    for (number, paragraphs) in (1_u64..).zip(pages) {
        for paragraph in paragraphs {
            let role = levels.role(&paragraph);
            collector.push(paragraph.text, role, Place::Pages { first: number, last: number })?;
        }
    }
    Ok(())
}

fn describe(metadata: &Metadata, collector: &mut Collector<'_>) {
    if let Some(title) = metadata.title.as_deref().map(text) {
        // Some programs put the name of the file they were given.
        let title = title.strip_prefix("Microsoft Word - ").unwrap_or(&title);
        if !["untitled", "(anonymous)"].contains(&title) && !title.ends_with(".dvi") {
            collector.set_title(title);
        }
    }
    if let Some(author) = metadata.author.as_deref().map(text) {
        author
            .split(';')
            .filter(|author| *author != "(anonymous)")
            .for_each(|author| collector.add_author(author));
    }
    collector.created = metadata.creation_date.and_then(|date| {
        let small = |number: u8| i8::try_from(number).unwrap_or(0);
        let day = (i16::try_from(date.year).ok()?, small(date.month), small(date.day));
        let time = moment::of_parts(day, (small(date.hour), small(date.minute), small(date.second)))?;
        let minutes = i64::from(date.utc_offset_hour) * 60
            + i64::from(date.utc_offset_minute) * i64::from(date.utc_offset_hour.signum());
        Some(kernel::Timestamp(time.0 - minutes * 60_000))
    });
}

/// A text string outside of pages: UTF-16 or UTF-8 with a mark, else Latin.
fn text(bytes: &[u8]) -> String {
    let mut notes = Vec::new();
    encoding::decode(bytes, Some(encoding_rs::WINDOWS_1252), &mut notes).into_owned()
}
