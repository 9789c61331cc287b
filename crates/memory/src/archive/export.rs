//! Documents written out, piece by piece.
//!
//! Each document is whole, as it was at one moment; what changes while an export goes on may or may
//! not be in it.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use kernel::Result;
use parking_lot::Mutex;
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};

use super::record::{Record, Successor};
use super::{jsonl, markdown};
use crate::document::Document;
use crate::filter::Filter;
use crate::service::{Memory, blocking};
use crate::store::WholeDocument;

/// How many documents are read at once.
const AT_ONCE: usize = 200;

/// What an export is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExportFormat {
    /// A line of JSON for each document.
    #[default]
    Jsonl,
    /// A zip file with a folder for each collection and a file of Markdown for each document.
    Markdown,
}

impl Memory {
    /// Begins to write out the documents that pass a filter, in the order of their collections and
    /// keys. The log of the planner is no document; its dispatches are.
    pub fn export(&self, format: ExportFormat, filter: Filter) -> Export {
        let writer = match format {
            ExportFormat::Jsonl => Writer::Jsonl,
            ExportFormat::Markdown => Writer::zip(),
        };
        Export { memory: self.clone(), filter, after: None, writer: Some(writer), has_begun: false }
    }
}

/// An export on its way.
pub struct Export {
    memory: Memory,
    filter: Filter,
    /// The collection and key of the last document that was read.
    after: Option<(String, String)>,
    /// None when all is written.
    writer: Option<Writer>,
    has_begun: bool,
}

impl Export {
    /// The next piece, and none at the end.
    ///
    /// # Errors
    /// Those of the store. The export is broken off then.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        if !mem::replace(&mut self.has_begun, true) {
            // What was never divided would be exported without its chunks.
            self.memory.split_anew().await?;
            if let Writer::Jsonl = writer {
                self.writer = Some(writer);
                return Ok(Some(jsonl::header()));
            }
        }
        let after = self.after.as_ref().map(|(collection, key)| (collection.as_str(), key.as_str()));
        let documents = self.memory.store().list_whole(&self.filter, after, AT_ONCE).await?;
        let Some(last) = documents.last() else {
            return blocking(move || writer.finish()).await?.map(Some);
        };
        self.after = Some((last.document.collection.clone(), last.document.key.clone()));
        let mut with_successors = Vec::with_capacity(documents.len());
        for whole in documents {
            let successor = match &whole.document.superseded_by {
                Some(id) => self.memory.store().find_document(id).await?,
                None => None,
            };
            let successor = successor.map(|Document { collection, key, .. }| Successor { collection, key });
            with_successors.push((whole, successor));
        }
        let written = blocking(move || {
            let piece = writer.add(with_successors)?;
            Ok::<_, kernel::Error>((writer, piece))
        });
        let (writer, piece) = written.await??;
        self.writer = Some(writer);
        Ok(Some(piece))
    }
}

enum Writer {
    Jsonl,
    Zip { zip: Box<ZipWriter<StreamWriter<Pieces>>>, pieces: Pieces },
}

impl Writer {
    fn zip() -> Self {
        let pieces = Pieces::default();
        Self::Zip { zip: Box::new(ZipWriter::new_stream(pieces.clone())), pieces }
    }

    fn add(&mut self, documents: Vec<(WholeDocument, Option<Successor>)>) -> Result<Vec<u8>> {
        match self {
            Self::Jsonl => {
                let mut lines = Vec::new();
                for (document, successor) in documents {
                    lines.append(&mut jsonl::line_of(&Record::of(document, successor)));
                }
                Ok(lines)
            }
            Self::Zip { zip, pieces } => {
                for (document, successor) in documents {
                    let record = Record::of(document, successor);
                    let path = markdown::path_of(&record.collection, &record.key);
                    let options = SimpleFileOptions::default()
                        .compression_method(CompressionMethod::Deflated)
                        .unix_permissions(0o644);
                    zip.start_file(path, options).map_err(failed)?;
                    let written = zip.write_all(&markdown::file_of(record));
                    written.map_err(kernel::Error::internal)?;
                }
                Ok(pieces.take())
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        match self {
            Self::Jsonl => Ok(Vec::new()),
            Self::Zip { zip, pieces } => {
                zip.finish().map_err(failed)?;
                Ok(pieces.take())
            }
        }
    }
}

fn failed(error: ZipError) -> kernel::Error {
    kernel::Error::internal(error)
}

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Pieces(Arc<Mutex<Vec<u8>>>);

impl Pieces {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut self.0.lock())
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
