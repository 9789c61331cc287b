//! Facts: what each agent notes by key, and what it noted before.
//!
//! A value is any JSON. One that is a text is a document too, in the collection `facts` under
//! `{agent}/{key}`, so that searches find what agents have learned; other values are state, such as
//! positions and settings, and found by key alone.
//!
//! Invariants:
//! - A value and the document by which it is found are written together or not at all.
//! - Setting a key writes a new version; the versions before it stay, up to [`HISTORY`] of them, until
//!   the fact expires.
//! - What has expired is neither shown nor found, and its values are erased.
//!
//! Start reading at [`Memory::set_fact`].

use std::time::Duration;

use async_trait::async_trait;
use kernel::{Actor, Page, PageRequest, Privacy, Result, Timestamp};
use serde_json::Value;

use crate::chunk::NewChunk;
use crate::chunking::{chunks_of, options};
use crate::document::{Attributes, Document, NewDocument, check_agent, cut};
use crate::error::Error;
use crate::service::Memory;

/// The collection in which facts are found.
pub const COLLECTION: &str = "facts";
/// The longest key.
pub const MAX_KEY_CHARS: usize = 256;
/// The largest value, as JSON.
pub const MAX_VALUE_BYTES: usize = 64 << 10;
/// The most keys of one agent.
pub const MAX_FACTS: u64 = 10_000;
/// How many versions of a key are kept.
pub const HISTORY: u32 = 50;

/// How long the history of a key that was taken back is kept.
const TAKEN_BACK_FOR_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// What has expired is not shown from that moment on; this is how often it is erased.
const BETWEEN_ERASURES: Duration = Duration::from_secs(60 * 60);

/// What an agent notes under a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The agent.
    pub agent: String,
    /// The key.
    pub key: String,
    /// The value that stands.
    pub value: Value,
    /// Which version of the key it is, from 1.
    pub version: u64,
    /// How far it may travel.
    pub privacy: Privacy,
    /// From when on it is gone.
    pub expires_at: Option<Timestamp>,
    /// Who wrote it.
    pub actor: Actor,
    /// When.
    pub updated_at: Timestamp,
}

/// A version of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct FactVersion {
    /// Which one, from 1.
    pub version: u64,
    /// What was written; none where the key was taken back.
    pub value: Option<Value>,
    /// How far it may travel.
    pub privacy: Privacy,
    /// From when on it is gone.
    pub expires_at: Option<Timestamp>,
    /// Who wrote it.
    pub actor: Actor,
    /// When.
    pub written_at: Timestamp,
}

/// A value to set; see [`Fact`] for the fields.
#[derive(Clone, Debug, PartialEq)]
pub struct NewFact {
    /// 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub agent: String,
    /// 1 to [`MAX_KEY_CHARS`] characters, none of them a control character.
    pub key: String,
    /// At most [`MAX_VALUE_BYTES`] as JSON.
    pub value: Value,
    /// How far it may travel.
    pub privacy: Privacy,
    /// From when on it is gone.
    pub expires_at: Option<Timestamp>,
    /// The version that must stand for it to be set, 0 for none; any when absent.
    pub expected_version: Option<u64>,
    /// Who writes it.
    pub actor: Actor,
}

impl NewFact {
    fn check(&self, now: Timestamp) -> Result<(), Error> {
        check_name(&self.agent, &self.key)?;
        let bytes = self.value.to_string().len();
        if bytes > MAX_VALUE_BYTES {
            return Err(Error::FactTooLong { bytes });
        }
        match self.expires_at {
            Some(expires_at) if expires_at <= now => Err(Error::FactExpired),
            _ => Ok(()),
        }
    }

    /// What search finds it by, where it is a text that says something.
    fn to_document(&self) -> Option<NewDocument> {
        let text = self.value.as_str().filter(|text| !text.trim().is_empty())?;
        Some(NewDocument {
            collection: COLLECTION.into(),
            key: document_key(&self.agent, &self.key),
            title: self.key.clone(),
            text: text.to_owned(),
            source: format!("agent:{}", self.agent),
            privacy: self.privacy,
            attributes: Attributes::from([("agent".to_owned(), self.agent.clone())]),
            expires_at: self.expires_at,
            ..NewDocument::default()
        })
    }
}

/// What the document of a fact is called in [`COLLECTION`].
pub fn document_key(agent: &str, key: &str) -> String {
    format!("{agent}/{key}")
}

fn check_name(agent: &str, key: &str) -> Result<(), Error> {
    check_agent(agent)?;
    let chars = key.chars().count();
    if chars == 0 || chars > MAX_KEY_CHARS || key.chars().any(char::is_control) {
        return Err(Error::InvalidFactKey);
    }
    Ok(())
}

/// What came of setting or taking back a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactWritten {
    /// It is this version now.
    Written(u64),
    /// Nothing was written: this version stands, 0 for none, and not the one that was expected.
    OtherStands(u64),
    /// Nothing was written: the agent has [`MAX_FACTS`] keys.
    Full,
}

/// Reads where a list of facts goes on: behind the version that was written as this one of all.
///
/// # Errors
/// [`Error::UnfitValue`] for what no page named.
pub fn read_cursor(text: &str) -> Result<i64, Error> {
    text.parse().map_err(|_| Error::UnfitValue { field: "cursor".into(), value: cut(text, 60) })
}

/// Keeps facts. Implementations pass [`crate::testing::fact_contract`].
#[async_trait]
pub trait FactStore: Send + Sync {
    /// Writes a version of a key and the document by which it is found, in place of the earlier
    /// ones; without a document, nothing is found by this key. Of its versions the newest [`HISTORY`]
    /// are kept.
    async fn put_fact(
        &self,
        fact: &NewFact,
        document: Option<(&Document, &[NewChunk])>,
        now: Timestamp,
    ) -> Result<FactWritten>;

    /// Takes a key back: its document goes, its history stays. Tells whether there was one.
    async fn delete_fact(&self, agent: &str, key: &str, actor: &Actor, now: Timestamp) -> Result<bool>;

    /// What stands under a key and has not expired.
    async fn find_fact(&self, agent: &str, key: &str, now: Timestamp) -> Result<Option<Fact>>;

    /// What stands under an agent's keys that begin with `prefix` and has not expired, what was
    /// written last first.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_facts(
        &self,
        agent: &str,
        prefix: &str,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Fact>>;

    /// The versions of a key that are kept, the newest first.
    async fn list_fact_versions(&self, agent: &str, key: &str) -> Result<Vec<FactVersion>>;

    /// Erases what has expired, with its history and its documents, and forgets keys that were taken
    /// back before `taken_back_before`. Tells how many keys expired.
    async fn erase_expired_facts(&self, now: Timestamp, taken_back_before: Timestamp) -> Result<u64>;
}

impl Memory {
    /// Sets what an agent notes under a key. The value before it stays in the history.
    ///
    /// # Errors
    /// [`Error::InvalidAgent`], [`Error::InvalidFactKey`], [`Error::FactTooLong`],
    /// [`Error::FactExpired`] for an end that has passed, [`Error::FactChanged`] when another version
    /// stands than was expected, [`Error::TooManyFacts`].
    pub async fn set_fact(&self, new: NewFact) -> Result<Fact> {
        let now = self.now();
        new.check(now)?;
        let document = new.to_document().map(|document| self.checked(document)).transpose()?;
        let settings = self.settings_of(COLLECTION).await?;
        let max_characters = settings.max_characters();
        let document = document.map(|document| {
            let chunks = chunks_of(&document, &options(max_characters));
            (document, chunks)
        });
        let with_chunks = document.as_ref().map(|(document, chunks)| (document, chunks.as_slice()));
        let written = self.fact_store().put_fact(&new, with_chunks, now).await?;
        self.see_to_length(COLLECTION, max_characters).await?;
        self.tell();
        let NewFact { agent, key, value, privacy, expires_at, expected_version, actor } = new;
        match written {
            FactWritten::Written(version) => {
                let privacy = privacy.max(settings.floor());
                Ok(Fact { agent, key, value, version, privacy, expires_at, actor, updated_at: now })
            }
            FactWritten::OtherStands(current) => {
                let (key, expected) = (cut(&key, 60), expected_version.unwrap_or_default());
                Err(Error::FactChanged { key, expected, current }.into())
            }
            FactWritten::Full => Err(Error::TooManyFacts { agent }.into()),
        }
    }

    /// What stands under a key.
    ///
    /// # Errors
    /// [`Error::InvalidAgent`], [`Error::InvalidFactKey`], [`Error::FactNotFound`].
    pub async fn fact(&self, agent: &str, key: &str) -> Result<Fact> {
        check_name(agent, key)?;
        let found = self.fact_store().find_fact(agent, key, self.now()).await?;
        Ok(found.ok_or_else(|| not_found(agent, key))?)
    }

    /// What stands under an agent's keys that begin with `prefix`, what was written last first. An
    /// agent nobody has heard of has noted nothing.
    ///
    /// # Errors
    /// [`Error::InvalidAgent`].
    pub async fn list_facts(&self, agent: &str, prefix: &str, page: &PageRequest) -> Result<Page<Fact>> {
        check_agent(agent)?;
        self.fact_store().list_facts(agent, prefix, page, self.now()).await
    }

    /// The versions of a key that are kept, the newest first; also of one that was taken back.
    ///
    /// # Errors
    /// [`Error::InvalidAgent`], [`Error::InvalidFactKey`], [`Error::FactNotFound`] for a key that was
    /// never set, or has expired.
    pub async fn fact_history(&self, agent: &str, key: &str) -> Result<Vec<FactVersion>> {
        check_name(agent, key)?;
        let now = self.now();
        let versions = self.fact_store().list_fact_versions(agent, key).await?;
        let has_expired = |first: &FactVersion| first.expires_at.is_some_and(|expires| expires <= now);
        if versions.iter().all(|version| version.value.is_none()) || versions.first().is_some_and(has_expired)
        {
            return Err(not_found(agent, key).into());
        }
        Ok(versions)
    }

    /// Erases facts that have expired, and keys that were taken back long ago, again and again.
    pub(crate) async fn erase_what_expires(&self) {
        loop {
            let now = self.now();
            let taken_back_before = Timestamp(now.0.saturating_sub(TAKEN_BACK_FOR_MS));
            match self.fact_store().erase_expired_facts(now, taken_back_before).await {
                Ok(0) => {}
                Ok(_) => self.tell(),
                Err(error) => tracing::warn!(%error, "what has expired is erased later"),
            }
            tokio::time::sleep(BETWEEN_ERASURES).await;
        }
    }

    /// Takes back what an agent noted under a key. Its history stays for a month.
    ///
    /// # Errors
    /// [`Error::InvalidAgent`], [`Error::InvalidFactKey`], [`Error::FactNotFound`].
    pub async fn delete_fact(&self, agent: &str, key: &str, actor: &Actor) -> Result<()> {
        check_name(agent, key)?;
        let found = self.fact_store().delete_fact(agent, key, actor, self.now()).await?;
        self.tell();
        if found { Ok(()) } else { Err(not_found(agent, key).into()) }
    }
}

fn not_found(agent: &str, key: &str) -> Error {
    Error::FactNotFound { agent: agent.to_owned(), key: cut(key, 60) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut NewFact), expected: Result<(), &str>) {
        let mut new = NewFact {
            agent: "scout".into(),
            key: "customer/ana".into(),
            value: json!("Prefers e-mail"),
            privacy: Privacy::default(),
            expires_at: None,
            expected_version: None,
            actor: Actor::Owner,
        };
        change(&mut new);
        let checked = new.check(Timestamp(100)).map_err(|error| kernel::Error::from(error).code);
        assert_eq!(checked, expected);
    }

    #[test]
    fn what_cannot_be_noted_is_refused() {
        check(|_| (), Ok(()));
        check(|new| new.agent = "a-z_0".into(), Ok(()));
        check(|new| new.agent = String::new(), Err("invalid_agent"));
        check(|new| new.agent = "Scout".into(), Err("invalid_agent"));
        check(|new| new.agent = "x".repeat(65), Err("invalid_agent"));
        check(|new| new.key = "é".repeat(MAX_KEY_CHARS), Ok(()));
        check(|new| new.key = "é".repeat(MAX_KEY_CHARS + 1), Err("invalid_fact_key"));
        check(|new| new.key = String::new(), Err("invalid_fact_key"));
        check(|new| new.key = "a\nb".into(), Err("invalid_fact_key"));
        check(|new| new.value = json!("x".repeat(MAX_VALUE_BYTES - 2)), Ok(()));
        check(|new| new.value = json!("x".repeat(MAX_VALUE_BYTES - 1)), Err("fact_too_long"));
        check(|new| new.expires_at = Some(Timestamp(101)), Ok(()));
        check(|new| new.expires_at = Some(Timestamp(100)), Err("fact_expired"));
    }
}
