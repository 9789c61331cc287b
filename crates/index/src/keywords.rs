//! The keyword index: which chunks have the words that are looked for, and how well.
//!
//! Facets, such as `collection=notes`, and its time are what searches are narrowed by. What stands
//! around a chunk counts too ([`contexts`]).
//!
//! A commit carries the position in the owner's changes that it reaches, so the two are never apart;
//! what a crash loses is applied again by whoever owns the truth. Start reading at
//! [`Keywords::open`] and [`Reading`].

mod contexts;
mod kept;
mod places;
mod reading;
mod rebuild;
mod schema;
mod seeking;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use tantivy::directory::MmapDirectory;
use tantivy::directory::error::LockError;
use tantivy::schema::Term;
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError};

use crate::analysis::{Analyser, Terms};
use crate::error::Error;
use kept::Kept;
use places::{Place, Places};
use schema::Fields;

pub use contexts::Contexts;
pub use reading::Reading;
pub use rebuild::Rebuild;

/// The form of what is on disk; what has another is made anew.
const FORMAT: u32 = 2;
/// What the writer may gather before it writes it out.
const BUFFER_BYTES: usize = 48 << 20;

/// What is indexed of a chunk.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What its owner calls it.
    pub number: u32,
    /// What it is part of.
    pub document: u32,
    /// Its place in that, from 0.
    pub ordinal: u32,
    /// Its moment, in milliseconds since 1970.
    pub time_ms: i64,
    /// Its text.
    pub text: &'a str,
    /// What searches can be narrowed by.
    pub facets: &'a [String],
}

/// A change of what is indexed.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// A chunk is there, in place of what had its number.
    Put(Entry<'a>),
    /// A chunk is gone.
    Remove(u32),
}

/// What a hit must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Condition {
    /// One facet of each list.
    pub one_of_each: Vec<Vec<String>>,
    /// None of these facets.
    pub none_of: Vec<String>,
    /// Not before this moment, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Before this moment.
    pub until_ms: Option<i64>,
}

impl Condition {
    /// Whether everything fulfils it.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// A chunk that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The chunk.
    pub number: u32,
    /// What it is part of.
    pub document: u32,
    /// Its place in that.
    pub ordinal: u32,
    /// Its moment.
    pub time_ms: i64,
    /// BM25; above zero.
    pub score: f32,
}

/// An open keyword index. Searches may go on from any thread while it changes.
pub struct Keywords {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    places: RwLock<Places>,
    kept: Kept,
    writer: Mutex<IndexWriter>,
    position: AtomicU64,
    stamp: String,
    folder: PathBuf,
}

impl Keywords {
    /// Opens the index in `folder`. It is empty, at position 0, when there is none yet, when it is
    /// damaged, and when it was made with another `stamp`, which says what the texts depend on.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::InUse`], [`Error::DiskFull`].
    pub fn open(folder: &Path, stamp: &str) -> Result<Self, Error> {
        match Self::open_as_it_is(folder, stamp) {
            Ok(Some(keywords)) => return Ok(keywords),
            Ok(None) => {}
            Err(error @ (Error::InUse { .. } | Error::DiskFull)) => return Err(error),
            Err(error) => tracing::warn!(%error, "the keyword index is made anew"),
        }
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(folder, error));
            }
            _ => {}
        }
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        Self::open_as_it_is(folder, stamp)?.ok_or_else(|| Error::Failed("it is not empty".into()))
    }

    /// `None` when it was made with another stamp.
    fn open_as_it_is(folder: &Path, stamp: &str) -> Result<Option<Self>, Error> {
        if !folder.is_dir() {
            return Ok(None);
        }
        let failed = |error| failure(folder, error);
        let directory = MmapDirectory::open(folder).map_err(|error| failed(error.into()))?;
        let (schema, fields) = schema::schema();
        let index = Index::open_or_create(directory, schema).map_err(failed)?;
        // Before anything is judged: nothing is thrown away that another process uses.
        let writer = index.writer_with_num_threads(1, BUFFER_BYTES).map_err(failed)?;
        clean(&writer).map_err(failed)?;
        let metas = index.load_metas().map_err(failed)?;
        let position = match &metas.payload {
            Some(payload) => reached(payload, stamp),
            None if metas.segments.is_empty() => Some(0),
            None => None,
        };
        let Some(position) = position else { return Ok(None) };
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(failed)?;
        let (writer, position) = (Mutex::new(writer), AtomicU64::new(position));
        let (stamp, folder) = (stamp.to_owned(), folder.to_owned());
        let places = RwLock::new(Places::read(&reader.searcher()).map_err(|error| failure(&folder, error))?);
        let kept = Kept::default();
        Ok(Some(Self { index, reader, fields, places, kept, writer, position, stamp, folder }))
    }

    /// How far along the owner's changes it is, on disk and for searches that begin now.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Whether its files are as they were written. Reads all of them; blocks.
    pub fn is_sound(&self) -> bool {
        self.index.validate_checksum().is_ok_and(|damaged| damaged.is_empty())
    }

    /// How many chunks it has.
    pub fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes it has on disk.
    pub fn bytes(&self) -> u64 {
        let space = self.reader.searcher().space_usage();
        space.map_or(0, |space| space.total().get_bytes())
    }

    /// Takes changes in, which reach `position`. They are on disk, and seen by every search that
    /// begins after this returns; a search sees all of them or none. Blocks.
    ///
    /// # Errors
    /// [`Error::DiskFull`], [`Error::Folder`]. Nothing of them is taken in then.
    pub fn apply(&self, changes: &[Change<'_>], position: u64) -> Result<(), Error> {
        let mut writer = self.writer.lock();
        let applied = self.add(&writer, changes).and_then(|placed| {
            self.commit(&mut writer, position)?;
            Ok(placed)
        });
        if applied.is_err() {
            // What was added and not committed must not come with the next commit.
            let _ = writer.rollback();
            let _ = clean(&writer);
        }
        let placed = applied.map_err(|error| failure(&self.folder, error))?;
        self.places.write().apply(&placed);
        self.reader.reload().map_err(|error| failure(&self.folder, error))?;
        // Last: whoever sees the position counts on finding what it reaches.
        self.position.store(position, Ordering::Release);
        Ok(())
    }

    /// Begins to make it anew. Searches see it as it was until that is finished; changes wait.
    ///
    /// # Errors
    /// When the index cannot be written.
    pub fn rebuild(&self) -> Result<Rebuild<'_>, Error> {
        Rebuild::begin(self)
    }

    /// Tells where each chunk stands now.
    fn add(
        &self,
        writer: &IndexWriter,
        changes: &[Change<'_>],
    ) -> Result<Vec<(u32, Option<Place>)>, TantivyError> {
        let mut placed = Vec::with_capacity(changes.len());
        let mut analyser = Analyser::default();
        for change in changes {
            let number = match change {
                Change::Put(entry) => entry.number,
                Change::Remove(number) => *number,
            };
            writer.delete_term(Term::from_field_u64(self.fields.number, number.into()));
            let mut place = None;
            if let Change::Put(entry) = change {
                let terms = analyser.terms(entry.text);
                writer.add_document(self.document(entry, &terms))?;
                place = Some((entry.document, entry.ordinal, terms.telling));
            }
            placed.push((number, place));
        }
        Ok(placed)
    }

    fn commit(&self, writer: &mut IndexWriter, position: u64) -> Result<(), TantivyError> {
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&payload(position, &self.stamp));
        commit.commit()?;
        Ok(())
    }

    fn document(&self, entry: &Entry<'_>, terms: &Terms) -> TantivyDocument {
        let fields = &self.fields;
        let mut document = TantivyDocument::new();
        document.add_u64(fields.number, entry.number.into());
        document.add_u64(fields.document, entry.document.into());
        document.add_u64(fields.ordinal, entry.ordinal.into());
        document.add_i64(fields.time, entry.time_ms);
        document.add_u64(fields.length, terms.telling.into());
        document.add_text(fields.text, &terms.stems);
        for facet in entry.facets {
            document.add_text(fields.facets, facet);
        }
        document
    }

    /// What it is now, for one search: what changes later is not seen in it.
    pub fn reading(&self) -> Reading<'_> {
        Reading::new(self, self.reader.searcher())
    }
}

impl std::fmt::Debug for Keywords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let settings = self.index.settings();
        f.debug_struct("Keywords")
            .field("folder", &self.folder)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

/// Removes files of a commit that did not come about. Deletions are in a file called after the number
/// of the operation, and the same changes have the same numbers again: it would be in their way for ever.
fn clean(writer: &IndexWriter) -> Result<(), TantivyError> {
    writer.garbage_collect_files().wait().map(drop)
}

fn payload(position: u64, stamp: &str) -> String {
    json!({ "format": FORMAT, "stamp": stamp, "position": position }).to_string()
}

/// The position that a commit reached, if it was made in this form with this stamp.
fn reached(payload: &str, stamp: &str) -> Option<u64> {
    let payload: Value = serde_json::from_str(payload).ok()?;
    let is_same = payload["format"] == FORMAT && payload["stamp"] == stamp;
    payload["position"].as_u64().filter(|_| is_same)
}

fn failure(folder: &Path, error: TantivyError) -> Error {
    match error {
        TantivyError::LockFailure(LockError::LockBusy, _) => Error::InUse { path: folder.to_owned() },
        TantivyError::LockFailure(LockError::IoError(source), _) | TantivyError::IoError(source) => {
            let source = std::io::Error::new(source.kind(), source.to_string());
            Error::io(folder, source)
        }
        other => Error::Failed(other.to_string()),
    }
}
