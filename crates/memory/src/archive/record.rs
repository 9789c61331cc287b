//! A document as an archive has it: everything that is its own, but its id.
//!
//! Invariant: a record that was made of a stored document gives that document and its chunks back.

use blake3::Hash;
use extract::ChunkOptions;
use kernel::{Ids, Privacy, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::chunk::NewChunk;
use crate::chunking::chunks_of;
use crate::document::{Attributes, Document, NewDocument};
use crate::error::Error;
use crate::store::WholeDocument;

/// The largest record that is read, in bytes. A text at its limit needs at most six bytes of JSON
/// for each of its own, and its chunks may say all of it once more.
pub(super) const MAX_RECORD_BYTES: u64 = 256 << 20;

/// A document in an archive. Its members stand in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub collection: String,
    pub key: String,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    source: String,
    privacy: String,
    #[serde(default)]
    format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    occurred_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Moment>,
    /// The document that has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<Successor>,
    created_at: Moment,
    updated_at: Moment,
    /// Of what was taken in, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(default)]
    pub text: String,
    /// Where they are not what the text alone gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chunks: Option<Vec<ChunkRecord>>,
    /// Whether its text is no longer the one that was exported.
    #[serde(skip)]
    pub is_edited: bool,
}

/// A document that has taken the place of another, by what names it in every workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Successor {
    pub collection: String,
    pub key: String,
}

/// A chunk of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChunkRecord {
    text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headings: Vec<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    place: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Moment>,
}

impl Record {
    /// The record of a document, which `successor` has taken the place of. Divides its text, to see whether its chunks need to be said; that
    /// takes a moment for a long one.
    pub fn of(whole: WholeDocument, successor: Option<Successor>) -> Self {
        let WholeDocument { document, chunks } = whole;
        let chunks = (chunks_of(&document, &ChunkOptions::default()) != chunks)
            .then(|| chunks.into_iter().map(ChunkRecord::from).collect::<Vec<_>>());
        let Document {
            id: _,
            collection,
            key,
            title,
            text,
            source,
            privacy,
            format,
            author,
            attributes,
            occurred_at,
            expires_at,
            superseded_by: _,
            digest,
            created_at,
            updated_at,
        } = document;
        Self {
            collection,
            key,
            title,
            source,
            privacy: privacy.as_str().to_owned(),
            format,
            author,
            attributes,
            occurred_at: occurred_at.map(Moment),
            expires_at: expires_at.map(Moment),
            superseded_by: successor,
            created_at: Moment(created_at),
            updated_at: Moment(updated_at),
            digest: digest.map(|digest| Hash::from_bytes(digest).to_hex().to_string()),
            text,
            chunks,
            is_edited: false,
        }
    }

    /// The document, and its chunks where they are said; else they are what its text gives. Of a text
    /// that was edited nothing else is known.
    ///
    /// # Errors
    /// What no document can be: [`Error::InvalidCollection`], [`Error::InvalidKey`],
    /// [`Error::TextTooLong`], [`Error::UnknownField`], [`Error::RecordDamaged`].
    pub fn into_document(self, ids: &Ids) -> Result<(Document, Option<Vec<NewChunk>>), Error> {
        let damaged = |reason: &str| Error::RecordDamaged { reason: reason.to_owned() };
        let digest = self.digest.map(|text| Hash::from_hex(text).map(|hash| *hash.as_bytes()));
        let digest = digest.transpose().map_err(|_| damaged("its digest is none"))?;
        let privacy = self.privacy.parse().map_err(|_| damaged("its privacy is none"))?;
        let new = NewDocument {
            collection: self.collection,
            key: self.key,
            title: self.title,
            text: self.text,
            source: self.source,
            privacy,
            format: self.format,
            author: self.author,
            attributes: self.attributes,
            occurred_at: self.occurred_at.map(|moment| moment.0),
            expires_at: self.expires_at.map(|moment| moment.0),
        };
        let mut document = new.checked(ids, self.updated_at.0)?;
        document.created_at = self.created_at.0;
        if self.is_edited {
            return Ok((document, None));
        }
        document.digest = digest;
        let chunks = self.chunks.map(|chunks| chunks.into_iter().map(NewChunk::from).collect());
        Ok((document, chunks))
    }

    /// How much it weighs, in bytes.
    pub fn weight(&self) -> usize {
        let chunks = self.chunks.iter().flatten().map(|chunk| chunk.text.len()).sum::<usize>();
        self.text.len() + chunks
    }

    /// Puts it elsewhere, and lets it travel no further than this.
    pub fn adapt(&mut self, collection: Option<&str>, privacy: Privacy) {
        if let Some(collection) = collection {
            let successor = self.superseded_by.as_mut().map(|successor| &mut successor.collection);
            for place in [Some(&mut self.collection), successor].into_iter().flatten() {
                collection.clone_into(place);
            }
        }
        if privacy == Privacy::Local {
            privacy.as_str().clone_into(&mut self.privacy);
        }
    }
}

impl From<NewChunk> for ChunkRecord {
    fn from(chunk: NewChunk) -> Self {
        let NewChunk { text, headings, place, author, time } = chunk;
        Self { text, headings, place, author, time: time.map(Moment) }
    }
}

impl From<ChunkRecord> for NewChunk {
    fn from(chunk: ChunkRecord) -> Self {
        let ChunkRecord { text, headings, place, author, time } = chunk;
        Self { text, headings, place, author, time: time.map(|moment| moment.0) }
    }
}

/// A moment of RFC 3339, or milliseconds since 1970 where that has no name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment(Timestamp);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_string();
        if text.parse().ok() == Some(self.0) {
            serializer.serialize_str(&text)
        } else {
            serializer.serialize_i64(self.0.0)
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Milliseconds(i64),
        }
        match Written::deserialize(deserializer)? {
            Written::Text(text) => {
                text.parse().map(Self).map_err(|error: kernel::Error| serde::de::Error::custom(error.message))
            }
            Written::Milliseconds(number) => Ok(Self(Timestamp(number))),
        }
    }
}
