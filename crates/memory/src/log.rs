//! The log of decisions and errors: what was decided, by whom and how it turned out, and what failed,
//! so that an agent can ask before it decides again or runs into the same.
//!
//! Invariants:
//! - An entry and the document by which it is found are stored together or not at all.
//! - No entry is ever rewritten or removed. The same error again counts the entry up; a decision that
//!   was revised is superseded by a later entry, and both stay readable.
//!
//! Start reading at [`Memory::log_decision`] and [`Memory::log_error`].

use async_trait::async_trait;
use kernel::{Actor, Ids, LogEntryId, Page, PageRequest, Privacy, Result, RunId, Timestamp};

use crate::chunk::{Digest, NewChunk};
use crate::document::{Attributes, Document, MAX_TITLE_CHARS, TEXT, check_agent, cut, head, without_nul};
use crate::error::Error;
use crate::filter::Filter;
use crate::search::{MAX_HITS, Query};
use crate::service::Memory;

/// A longer detail or outcome is cut to this.
pub const MAX_DETAIL_BYTES: usize = 64 << 10;
/// A longer name of a step is cut to this.
const MAX_STEP_CHARS: usize = 200;

/// What an entry tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Something was decided.
    Decision,
    /// Something failed.
    Error,
}

impl LogKind {
    /// As it is stored and sent: `decision` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Error => "error",
        }
    }

    /// The collection in which entries are found.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Decision => "decisions",
            Self::Error => "errors",
        }
    }
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The entry.
    pub id: LogEntryId,
    /// What it tells of.
    pub kind: LogKind,
    /// The agent that decided or failed.
    pub agent: Option<String>,
    /// The run in which it was; of an error that was seen more than once, the last one.
    pub run_id: Option<RunId>,
    /// The step of that run.
    pub step: Option<String>,
    /// What was decided or failed, in a line.
    pub title: String,
    /// Why, or all that is known; may be empty.
    pub detail: String,
    /// What came of it, where that is known.
    pub outcome: Option<String>,
    /// The decision whose place it takes.
    pub supersedes: Option<LogEntryId>,
    /// The decision that took its place.
    pub superseded_by: Option<LogEntryId>,
    /// How far it may travel.
    pub privacy: Privacy,
    /// Who logged it first.
    pub actor: Actor,
    /// When it was logged first.
    pub created_at: Timestamp,
    /// When it was seen last.
    pub last_at: Timestamp,
    /// How often it was seen.
    pub count: u64,
}

/// An entry to log; see [`LogEntry`] for the fields.
#[derive(Clone, Debug)]
pub struct NewLogEntry {
    /// 1 to 64 of `a-z`, `0-9`, `-` and `_`.
    pub agent: Option<String>,
    /// The run in which it was.
    pub run_id: Option<RunId>,
    /// The step of that run.
    pub step: Option<String>,
    /// Cut when it is longer than [`MAX_TITLE_CHARS`]; not blank.
    pub title: String,
    /// Cut when it is longer than [`MAX_DETAIL_BYTES`].
    pub detail: String,
    /// Cut alike.
    pub outcome: Option<String>,
    /// The decision whose place it takes; nothing takes the place of an error.
    pub supersedes: Option<LogEntryId>,
    /// How far it may travel.
    pub privacy: Privacy,
    /// Who logs it.
    pub actor: Actor,
}

impl NewLogEntry {
    /// An entry of which only the title is known.
    pub fn titled(title: impl Into<String>, actor: Actor) -> Self {
        Self {
            agent: None,
            run_id: None,
            step: None,
            title: title.into(),
            detail: String::new(),
            outcome: None,
            supersedes: None,
            privacy: Privacy::default(),
            actor,
        }
    }

    /// The entry as it is stored.
    pub(crate) fn checked(self, kind: LogKind, ids: &Ids, now: Timestamp) -> Result<LogEntry, Error> {
        if let Some(agent) = &self.agent {
            check_agent(agent)?;
        }
        if self.title.trim().is_empty() {
            return Err(Error::EmptyTitle);
        }
        if let Some(earlier) = self.supersedes.as_ref().filter(|_| kind == LogKind::Error) {
            return Err(Error::LogEntryNotFound(earlier.clone()));
        }
        let short = |text: &str| without_nul(head(text, MAX_DETAIL_BYTES).to_owned());
        Ok(LogEntry {
            id: ids.fresh(),
            kind,
            agent: self.agent,
            run_id: self.run_id,
            step: self.step.map(|step| without_nul(cut(&step, MAX_STEP_CHARS))),
            title: without_nul(cut(self.title.trim(), MAX_TITLE_CHARS)),
            detail: short(&self.detail),
            outcome: self.outcome.as_deref().map(short),
            supersedes: self.supersedes,
            superseded_by: None,
            privacy: self.privacy,
            actor: self.actor,
            created_at: now,
            last_at: now,
            count: 1,
        })
    }
}

impl LogEntry {
    /// What says the same has the same digest; none for a decision that belongs to no step, each of
    /// which is one of its own.
    ///
    /// Of an error, the agent and the words count, without their case, and whatever has a digit in
    /// it, such as an id, a number of lines or a duration, counts as any other. Of a decision,
    /// everything that is known of it counts.
    pub(crate) fn digest(&self) -> Option<Digest> {
        let mut hasher = blake3::Hasher::new();
        match self.kind {
            LogKind::Error => {
                hasher.update(self.agent.as_deref().unwrap_or_default().as_bytes());
                for text in [&self.title, &self.detail] {
                    hasher.update(b"\n");
                    hasher.update(normalised(text).as_bytes());
                }
            }
            LogKind::Decision => {
                let (run_id, step) = self.run_id.as_ref().zip(self.step.as_ref())?;
                let known = (run_id.as_str(), step, &self.agent, &self.title, &self.detail, &self.outcome);
                hasher.update(format!("{known:?}").as_bytes());
            }
        }
        Some(*hasher.finalize().as_bytes())
    }

    /// What search finds it by.
    pub(crate) fn to_document(&self, ids: &Ids) -> Document {
        let mut text = self.detail.clone();
        if let Some(outcome) = &self.outcome {
            text.push_str(if text.is_empty() { "Outcome: " } else { "\n\nOutcome: " });
            text.push_str(outcome);
        }
        Document {
            id: ids.fresh(),
            collection: self.kind.collection().into(),
            key: self.id.to_string(),
            title: self.title.clone(),
            text: if text.trim().is_empty() { self.title.clone() } else { text },
            source: self.source(),
            privacy: self.privacy,
            format: TEXT.into(),
            author: None,
            attributes: self.attributes(),
            occurred_at: None,
            expires_at: None,
            superseded_by: None,
            digest: None,
            created_at: self.created_at,
            updated_at: self.last_at,
        }
    }

    /// What its document came from: its run, so that a run does not recall what it logged itself.
    pub fn source(&self) -> String {
        match (&self.run_id, &self.agent) {
            (Some(run_id), _) => format!("run:{run_id}"),
            (None, Some(agent)) => format!("agent:{agent}"),
            (None, None) => format!("log:{}", self.id),
        }
    }

    /// What its document belongs to.
    pub fn attributes(&self) -> Attributes {
        let run_id = self.run_id.as_ref().map(|run_id| ("run_id".to_owned(), run_id.to_string()));
        let agent = self.agent.as_ref().map(|agent| ("agent".to_owned(), agent.clone()));
        run_id.into_iter().chain(agent).collect()
    }
}

/// The words of a text in lower case; whatever has a digit in it is `#`.
fn normalised(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for word in text.split(|letter: char| !letter.is_alphanumeric() && letter != '_') {
        if !word.is_empty() {
            normal.push(' ');
            match word.contains(|letter: char| letter.is_ascii_digit()) {
                true => normal.push('#'),
                false => normal.extend(word.chars().flat_map(char::to_lowercase)),
            }
        }
    }
    normal
}

/// Which entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Decisions or errors.
    pub kind: LogKind,
    /// Of this agent.
    pub agent: Option<String>,
    /// Seen in this run.
    pub run_id: Option<RunId>,
}

impl LogFilter {
    /// All of a kind.
    pub fn of(kind: LogKind) -> Self {
        Self { kind, agent: None, run_id: None }
    }
}

/// Where a list of the log goes on: behind the entry that was seen at this moment and has this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCursor {
    /// When it was seen last.
    pub last_at: Timestamp,
    /// Its id.
    pub id: String,
}

impl LogCursor {
    /// As a page names it.
    pub fn behind(entry: &LogEntry) -> String {
        format!("{}.{}", entry.last_at.0, entry.id)
    }

    /// Reads what a page named.
    ///
    /// # Errors
    /// [`Error::UnfitValue`] for anything else.
    pub fn read(text: &str) -> Result<Self, Error> {
        let read = text.split_once('.').and_then(|(moment, id)| {
            let last_at = Timestamp(moment.parse().ok()?);
            Some(Self { last_at, id: id.to_owned() })
        });
        read.ok_or_else(|| Error::UnfitValue { field: "cursor".into(), value: cut(text, 60) })
    }
}

/// What came of appending to the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is a new entry.
    New,
    /// An entry that says the same was there, and is so now.
    Again(Box<LogEntry>),
    /// It was not appended: another has taken the place of what it would have taken the place of.
    Superseded(LogEntryId),
    /// It was not appended: there is no decision whose place it could take.
    Missing,
}

/// Keeps the log. Implementations pass [`crate::testing::log_contract`].
#[async_trait]
pub trait LogStore: Send + Sync {
    /// Appends an entry and stores the document by which it is found, together; the document of the
    /// entry it supersedes is superseded with it.
    ///
    /// Where an entry of the kind has the same digest, an error is counted up there, with its last
    /// run and step, the stricter label, and the document's moment; a decision is left as it is.
    async fn append(
        &self,
        entry: &LogEntry,
        digest: Option<Digest>,
        document: &Document,
        chunks: &[NewChunk],
    ) -> Result<Appended>;

    /// The entry with this id.
    async fn find_entry(&self, id: &LogEntryId) -> Result<Option<LogEntry>>;

    /// The entries that pass a filter, the one seen last first.
    ///
    /// # Errors
    /// [`kernel::Kind::Invalid`] for a cursor that no page named.
    async fn list_entries(&self, filter: &LogFilter, page: &PageRequest) -> Result<Page<LogEntry>>;

    /// Those of these entries that pass a filter, in no order.
    async fn find_entries(&self, ids: &[String], filter: &LogFilter) -> Result<Vec<LogEntry>>;
}

impl Memory {
    /// Logs a decision: by a person at a gate, by an agent, or in a plan. It is found by search from
    /// then on, in the collection `decisions`.
    ///
    /// The same decision of the same step of a run is logged once, however often it is given, so
    /// that a run that is replayed may call this again. With `supersedes`, an earlier decision keeps
    /// its entry, which names its successor, and is not searched any more.
    ///
    /// # Errors
    /// [`Error::EmptyTitle`], [`Error::InvalidAgent`], [`Error::LogEntryNotFound`] for a decision to
    /// be superseded that there is not, [`Error::AlreadySuperseded`].
    pub async fn log_decision(&self, new: NewLogEntry) -> Result<LogEntry> {
        self.log(LogKind::Decision, new).await
    }

    /// Logs an error: a step that failed, a tool or model that could not be used. It is found by
    /// search from then on, in the collection `errors`.
    ///
    /// The same error again counts up the entry that is there, and moves it to the front of the
    /// list. Two errors of an agent are the same when their titles and details are, but for case,
    /// punctuation, and words that have a digit in them. The wording that stays is the first one.
    ///
    /// # Errors
    /// [`Error::EmptyTitle`], [`Error::InvalidAgent`].
    pub async fn log_error(&self, new: NewLogEntry) -> Result<LogEntry> {
        self.log(LogKind::Error, new).await
    }

    async fn log(&self, kind: LogKind, new: NewLogEntry) -> Result<LogEntry> {
        let mut entry = new.checked(kind, self.ids(), self.now())?;
        entry.privacy = entry.privacy.max(self.settings_of(kind.collection()).await?.floor());
        let document = entry.to_document(self.ids());
        let (chunks, max_characters) = self.divided(&document).await?;
        let appended = self.log_store().append(&entry, entry.digest(), &document, &chunks).await?;
        self.see_to_length(kind.collection(), max_characters).await?;
        self.tell();
        let missing = || entry.supersedes.clone().unwrap_or_else(|| entry.id.clone());
        match appended {
            Appended::New => Ok(entry),
            Appended::Again(there) => Ok(*there),
            Appended::Superseded(by) => Err(Error::AlreadySuperseded { id: missing(), by }.into()),
            Appended::Missing => Err(Error::LogEntryNotFound(missing()).into()),
        }
    }

    /// An entry of the log.
    ///
    /// # Errors
    /// [`Error::LogEntryNotFound`].
    pub async fn log_entry(&self, id: &LogEntryId) -> Result<LogEntry> {
        let found = self.log_store().find_entry(id).await?;
        Ok(found.ok_or_else(|| Error::LogEntryNotFound(id.clone()))?)
    }

    /// The entries that pass a filter, the one seen last first. Those that were superseded are among
    /// them.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list_log(&self, filter: &LogFilter, page: &PageRequest) -> Result<Page<LogEntry>> {
        self.log_store().list_entries(filter, page).await
    }

    /// The entries that answer a question, the best first; those that were superseded are not among
    /// them. They are sought among the best [`MAX_HITS`] passages.
    ///
    /// # Errors
    /// As [`Memory::search`].
    pub async fn search_log(&self, filter: &LogFilter, text: &str, limit: usize) -> Result<Vec<LogEntry>> {
        crate::search::check_limit(limit, MAX_HITS)?;
        let mut sought = Filter::of_collection(filter.kind.collection());
        sought.attributes.extend(filter.agent.clone().map(|agent| ("agent".to_owned(), agent)));
        let found = self.search(Query { filter: sought, ..Query::new(text, MAX_HITS) }).await?;
        let mut ids: Vec<String> = Vec::new();
        for hit in found.hits {
            if !ids.contains(&hit.document.key) {
                ids.push(hit.document.key);
            }
        }
        let mut entries = self.log_store().find_entries(&ids, filter).await?;
        entries.sort_by_key(|entry| ids.iter().position(|id| id == entry.id.as_str()));
        entries.truncate(limit);
        Ok(entries)
    }
}

#[cfg(test)]
mod tests;
