//! Memories, archives and what became of them.

use std::fs::File;
use std::io::{Cursor, Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use kernel::{FixedClock, Timestamp};
use memory::archive::{ExportFormat, ImportEvent, ImportOptions, Totals};
use memory::{Filter, Memory, Outcome};
use zip::write::SimpleFileOptions;

pub struct World {
    pub memory: Memory,
    pub clock: Arc<FixedClock>,
}

/// An empty memory.
pub fn world() -> World {
    let clock = Arc::new(FixedClock::at(Timestamp(1_700_000_000_000)));
    World { memory: memory::testing::memory(clock.clone()), clock }
}

/// What an import came to.
#[derive(Debug)]
pub struct Came {
    pub recognised: Option<&'static str>,
    /// Names with `new`, `changed`, … or the code of an error.
    pub outcomes: Vec<(String, String)>,
    pub totals: Totals,
    pub broken: Option<&'static str>,
}

impl Came {
    pub fn outcome(&self, name: &str) -> &str {
        let found = self.outcomes.iter().find(|(other, _)| other == name);
        found.map_or("missing", |(_, outcome)| outcome)
    }
}

impl World {
    pub async fn export(&self, format: ExportFormat, filter: Filter) -> Vec<u8> {
        let mut export = self.memory.export(format, filter);
        let mut bytes = Vec::new();
        while let Some(piece) = export.next().await.unwrap() {
            bytes.extend(piece);
        }
        bytes
    }

    pub async fn import(&self, name: &str, bytes: &[u8]) -> Came {
        self.import_with(bytes, ImportOptions { name: name.into(), ..ImportOptions::default() }).await
    }

    pub async fn import_with(&self, bytes: &[u8], options: ImportOptions) -> Came {
        self.clock.advance(Duration::from_secs(1));
        let mut import = self.memory.import(file_of(bytes), options);
        let mut came =
            Came { recognised: None, outcomes: Vec::new(), totals: Totals::default(), broken: None };
        loop {
            match import.next().await {
                Ok(Some(ImportEvent::Recognised(recognised))) => came.recognised = Some(recognised.name()),
                Ok(Some(ImportEvent::Document(document))) => {
                    let outcome = match document.result {
                        Ok(ingested) => match ingested.outcome {
                            Outcome::New => "new",
                            Outcome::Changed(_) => "changed",
                            Outcome::Unchanged => "unchanged",
                            Outcome::Kept => "kept",
                        },
                        Err(error) => {
                            assert!(error.hint.is_some(), "{error:?}");
                            error.code
                        }
                    };
                    came.outcomes.push((document.name, outcome.to_owned()));
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(error.hint.is_some(), "{error:?}");
                    came.broken = Some(error.code);
                    break;
                }
            }
        }
        came.totals = import.totals();
        came
    }

    /// The text of a document, and nothing where there is none.
    pub async fn text(&self, collection: &str, key: &str) -> Option<String> {
        self.document(collection, key).await.map(|document| document.text)
    }

    pub async fn document(&self, collection: &str, key: &str) -> Option<memory::Document> {
        let (filter, page) = (Filter::of_collection(collection), kernel::PageRequest::default());
        let listed = self.memory.list_documents(&filter, &page).await.unwrap().items;
        let id = listed.into_iter().find(|listed| listed.document.key == key)?.document.id;
        Some(self.memory.document(&id).await.unwrap())
    }

    pub async fn keys(&self, collection: &str) -> Vec<String> {
        let page = kernel::PageRequest { limit: 500, cursor: None };
        let listed = self.memory.list_documents(&Filter::of_collection(collection), &page).await.unwrap();
        let mut keys: Vec<String> = listed.items.into_iter().map(|listed| listed.document.key).collect();
        keys.sort();
        keys
    }
}

pub fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

/// A zip file of these files.
pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        if let Some(folder) = path.strip_suffix('/') {
            zip.add_directory(folder, SimpleFileOptions::default()).unwrap();
            continue;
        }
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
