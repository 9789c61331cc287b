//! Documents: anything memory can find.

use std::collections::BTreeMap;

use kernel::{DocumentId, Ids, Privacy, Timestamp};

use crate::chunk::Digest;
use crate::error::Error;

/// The longest text of one document.
pub const MAX_TEXT_BYTES: usize = 16 << 20;
/// The longest key.
pub const MAX_KEY_CHARS: usize = 500;
/// A longer title is cut to this.
pub const MAX_TITLE_CHARS: usize = 300;
const MAX_COLLECTION_CHARS: usize = 64;
/// A longer author or value of an attribute is cut to this.
const MAX_VALUE_CHARS: usize = 1_000;

/// The collections that hold what is canonical; see [`is_canonical`].
pub const CANONICAL: [&str; 2] = ["brands", "products"];

/// The format of a text that has none.
pub const TEXT: &str = "text";

/// What a document can belong to, by name, as filters and the API spell it.
pub const ATTRIBUTES: [&str; 10] = [
    "brand_id",
    "product_id",
    "thread_id",
    "project_id",
    "client_id",
    "run_id",
    "agent",
    "language",
    "path",
    "url",
];

/// What a document belongs to: a name of [`ATTRIBUTES`] and its value.
pub type Attributes = BTreeMap<String, String>;

/// Something memory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Stays the same when the document is replaced.
    pub id: DocumentId,
    /// What sort of thing it is, such as `outcomes` or `dispatches`.
    pub collection: String,
    /// What it is called within its collection; storing the same key again replaces the document.
    pub key: String,
    /// What it is called on screen.
    pub title: String,
    /// What is found.
    pub text: String,
    /// Where it came from, such as `run:run_…`.
    pub source: String,
    /// How far it may travel.
    pub privacy: Privacy,
    /// What its text is written in, such as `markdown` or `code`.
    pub format: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it belongs to.
    pub attributes: Attributes,
    /// When what it tells of happened, where that is not when it was stored.
    pub occurred_at: Option<Timestamp>,
    /// From when on it is not found any more.
    pub expires_at: Option<Timestamp>,
    /// The document that took its place, while it is not searched any more.
    pub superseded_by: Option<DocumentId>,
    /// Of what was taken in and how; none for what was not taken in from outside.
    pub digest: Option<Digest>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last stored.
    pub updated_at: Timestamp,
}

impl Document {
    /// Its moment: when what it tells of happened, or else when it was stored.
    pub fn time(&self) -> Timestamp {
        self.occurred_at.unwrap_or(self.updated_at)
    }
}

/// A document to remember; see [`Document`] for the fields.
#[derive(Clone, Debug, Default)]
pub struct NewDocument {
    /// Up to 64 lower-case letters, digits, hyphens and underscores.
    pub collection: String,
    /// 1 to [`MAX_KEY_CHARS`] characters.
    pub key: String,
    /// Cut when it is longer than [`MAX_TITLE_CHARS`].
    pub title: String,
    /// At most [`MAX_TEXT_BYTES`].
    pub text: String,
    /// Where it came from.
    pub source: String,
    /// How far it may travel.
    pub privacy: Privacy,
    /// What its text is written in; `text` when empty.
    pub format: String,
    /// Who wrote it.
    pub author: Option<String>,
    /// What it belongs to; names of [`ATTRIBUTES`] only.
    pub attributes: Attributes,
    /// When what it tells of happened.
    pub occurred_at: Option<Timestamp>,
    /// From when on it is not found any more.
    pub expires_at: Option<Timestamp>,
}

/// What a person changes about a document; what is none stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentChange {
    /// What it is called.
    pub title: Option<String>,
    /// How far it may travel.
    pub privacy: Option<Privacy>,
    /// From when on it is not found any more; none within for never.
    pub expires_at: Option<Option<Timestamp>>,
    /// The document that takes its place; none within when it stands again.
    pub superseded_by: Option<Option<DocumentId>>,
}

impl DocumentChange {
    /// Makes the change.
    pub(crate) fn apply(self, document: &mut Document) {
        if let Some(title) = self.title {
            document.title = without_nul(cut(&title, MAX_TITLE_CHARS));
        }
        document.privacy = self.privacy.unwrap_or(document.privacy);
        document.expires_at = self.expires_at.unwrap_or(document.expires_at);
        document.superseded_by = self.superseded_by.unwrap_or(document.superseded_by.take());
    }
}

impl NewDocument {
    /// The document as it is stored.
    pub(crate) fn checked(self, ids: &Ids, now: Timestamp) -> Result<Document, Error> {
        check_collection(&self.collection)?;
        let key_chars = self.key.chars().count();
        if key_chars == 0 || key_chars > MAX_KEY_CHARS || self.key.chars().any(char::is_control) {
            return Err(Error::InvalidKey);
        }
        if self.text.len() > MAX_TEXT_BYTES {
            return Err(Error::TextTooLong { bytes: self.text.len() });
        }
        if let Some(unknown) = self.attributes.keys().find(|name| !ATTRIBUTES.contains(&name.as_str())) {
            return Err(Error::UnknownField { field: cut(unknown, MAX_COLLECTION_CHARS) });
        }
        let value = |text: String| without_nul(cut(&text, MAX_VALUE_CHARS));
        Ok(Document {
            id: ids.fresh(),
            collection: self.collection,
            key: self.key,
            title: without_nul(cut(&self.title, MAX_TITLE_CHARS)),
            text: without_nul(self.text),
            source: without_nul(self.source),
            privacy: self.privacy,
            format: if self.format.is_empty() { TEXT.into() } else { value(self.format) },
            author: self.author.map(value),
            attributes: self.attributes.into_iter().map(|(name, text)| (name, value(text))).collect(),
            occurred_at: self.occurred_at,
            expires_at: self.expires_at,
            superseded_by: None,
            digest: None,
            created_at: now,
            updated_at: now,
        })
    }
}

/// Whether only a person, or a program that was given the right, may change what is in a collection.
/// What is canonical is in every context, so an agent that could write it could change what it is
/// told.
pub fn is_canonical(collection: &str) -> bool {
    CANONICAL.contains(&collection)
}

/// Refuses what cannot be the name of a collection.
pub(crate) fn check_collection(name: &str) -> Result<(), Error> {
    if is_collection(name) { Ok(()) } else { Err(Error::InvalidCollection(cut(name, MAX_COLLECTION_CHARS))) }
}

/// Refuses what cannot be the name of an agent.
pub(crate) fn check_agent(name: &str) -> Result<(), Error> {
    if is_collection(name) { Ok(()) } else { Err(Error::InvalidAgent(cut(name, MAX_COLLECTION_CHARS))) }
}

/// Agents are named by the same rule.
fn is_collection(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    (1..=MAX_COLLECTION_CHARS).contains(&name.len()) && name.bytes().all(allowed)
}

/// A NUL character is text to us but not to every database.
pub(crate) fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// At most `max` characters of `text`, with an ellipsis where something is left out.
pub(crate) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max - 1).chain(['…']).collect(),
    }
}

/// The beginning of `text`, at most `max` bytes of it.
pub(crate) fn head(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{FixedClock, SeededEntropy};
    use std::sync::Arc;

    #[track_caller]
    fn check(change: impl FnOnce(&mut NewDocument), expected: Result<(), &str>) {
        let ids = Ids::new(Arc::new(FixedClock::default()), Arc::new(SeededEntropy::new(1)));
        let mut new = NewDocument { collection: "notes".into(), key: "k".into(), ..NewDocument::default() };
        change(&mut new);
        let checked =
            new.checked(&ids, Timestamp(1)).map(|_| ()).map_err(|error| kernel::Error::from(error).code);
        assert_eq!(checked, expected);
    }

    #[test]
    fn refuses_what_cannot_be_stored() {
        check(|_| (), Ok(()));
        check(|new| new.text = "x".repeat(MAX_TEXT_BYTES), Ok(()));
        check(|new| new.text = "x".repeat(MAX_TEXT_BYTES + 1), Err("text_too_long"));
        check(|new| new.title = "é".repeat(100_000), Ok(()));
        check(|new| new.collection = String::new(), Err("invalid_collection"));
        check(|new| new.collection = "Notes".into(), Err("invalid_collection"));
        check(|new| new.collection = "x".repeat(65), Err("invalid_collection"));
        check(|new| new.key = String::new(), Err("invalid_key"));
        check(|new| new.key = "a\0b".into(), Err("invalid_key"));
        check(|new| new.key = "é".repeat(MAX_KEY_CHARS), Ok(()));
        check(|new| new.key = "é".repeat(MAX_KEY_CHARS + 1), Err("invalid_key"));
        let belongs = |name: &str| Attributes::from([(name.to_owned(), "x".repeat(5_000))]);
        check(|new| new.attributes = belongs("brand_id"), Ok(()));
        check(|new| new.attributes = belongs("brand"), Err("unknown_field"));
    }

    #[test]
    fn cuts_at_characters() {
        assert_eq!(cut("olá!", 4), "olá!");
        assert_eq!(cut("olá!!", 4), "olá…");
        assert_eq!(head("olá", 3), "ol");
        assert_eq!(without_nul("a\0b".into()), "a\u{fffd}b");
    }
}
