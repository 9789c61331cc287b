//! Word's DOCX: a zip of XML parts, of which the body, the styles, the footnotes and the properties are
//! read.
//!
//! Invariant: no part is unpacked beyond what [`Limits`](crate::Limits) allow, whatever the archive says
//! about sizes.

mod body;
mod properties;
mod styles;

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::collector::Collector;
use crate::detect::Container;
use crate::encoding;
use crate::error::{Error, Result};

const BODY: &str = "word/document.xml";

/// What a zip holds, by the names of its parts.
pub(crate) fn sort_of_zip(bytes: &[u8]) -> Result<Container> {
    let archive = match ZipArchive::new(Cursor::new(bytes)) {
        Ok(archive) => archive,
        Err(error) => return Err(Error::damaged(format!("its zip archive cannot be read ({error})"))),
    };
    let has = |name: &str| archive.index_for_name(name).is_some();
    if has(BODY) {
        return Ok(Container::Docx);
    }
    Err(Error::unsupported(if has("xl/workbook.xml") {
        "an Excel workbook"
    } else if has("ppt/presentation.xml") {
        "a PowerPoint presentation"
    } else if has("META-INF/container.xml") {
        "an EPUB book"
    } else if has("content.xml") {
        "an OpenDocument document"
    } else {
        "a zip archive"
    }))
}

/// Reads a DOCX.
pub(crate) fn read(bytes: &[u8], collector: &mut Collector<'_>) -> Result<()> {
    let mut archive = Archive::open(bytes, collector)?;
    if let Some(core) = archive.part("docProps/core.xml")? {
        properties::read(&core, collector);
    }
    let styles = archive.part("word/styles.xml")?.map(|text| styles::read(&text)).unwrap_or_default();
    let Some(text) = archive.part(BODY)? else {
        return Err(Error::damaged("it has no text part"));
    };
    body::read(&text, &styles, collector)?;
    for notes in ["word/footnotes.xml", "word/endnotes.xml"] {
        if let Some(text) = archive.part(notes)? {
            body::read(&text, &styles, collector)?;
        }
    }
    Ok(())
}

/// The archive, and how much of it may still be unpacked.
struct Archive<'b> {
    zip: ZipArchive<Cursor<&'b [u8]>>,
    packed: u64,
    limit: u64,
    left: u64,
}

impl<'b> Archive<'b> {
    fn open(bytes: &'b [u8], collector: &Collector<'_>) -> Result<Self> {
        let zip = ZipArchive::new(Cursor::new(bytes))
            .map_err(|error| Error::damaged(format!("its zip archive cannot be read ({error})")))?;
        let packed = bytes.len() as u64;
        let limit = collector.limits.unpacked_from(packed);
        Ok(Self { zip, packed, limit, left: limit })
    }

    /// The text of a part; `None` if there is no such part.
    fn part(&mut self, name: &str) -> Result<Option<String>> {
        let broken = |error: &dyn std::fmt::Display| {
            Error::damaged(format!("its part {name} cannot be read ({error})"))
        };
        let file = match self.zip.by_name(name) {
            Ok(file) => file,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) => return Err(Error::Encrypted),
            Err(error) => return Err(broken(&error)),
        };
        let bomb = Error::Bomb { packed: self.packed, limit: self.limit };
        if file.size() > self.left {
            return Err(bomb);
        }
        let mut bytes = Vec::new();
        // What it says of its size need not be so: one byte more than may be is read, to see whether
        // there is more.
        match file.take(self.left + 1).read_to_end(&mut bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::OutOfMemory => return Err(bomb),
            read => read.map_err(|error| broken(&error))?,
        };
        let size = bytes.len() as u64;
        if size > self.left {
            return Err(bomb);
        }
        self.left -= size;
        let mut notes = Vec::new();
        Ok(Some(encoding::decode(&bytes, None, &mut notes).into_owned()))
    }
}
