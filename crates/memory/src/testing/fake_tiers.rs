//! Facts, the log and summaries in memory, beside the documents by which they are found.

use async_trait::async_trait;
use kernel::{Actor, LogEntryId, Page, PageRequest, Result, Timestamp};

use super::fake::{FakeMemoryStore, Tables};
use crate::chunk::{Digest, NewChunk};
use crate::conversation::{Summary, SummaryStore};
use crate::document::Document;
use crate::facts::{
    COLLECTION, Fact, FactStore, FactVersion, FactWritten, HISTORY, MAX_FACTS, NewFact, document_key,
    read_cursor,
};
use crate::log::{Appended, LogCursor, LogEntry, LogFilter, LogKind, LogStore};

impl Tables {
    fn entry(&self, id: &str) -> Option<LogEntry> {
        let (entry, ..) = self.log.iter().find(|(entry, ..)| entry.id.as_str() == id)?;
        let later = self.log.iter().find(|(later, ..)| later.supersedes.as_ref() == Some(&entry.id));
        Some(LogEntry { superseded_by: later.map(|(later, ..)| later.id.clone()), ..entry.clone() })
    }

    fn passing(&self, filter: &LogFilter) -> Vec<LogEntry> {
        let passes = |(entry, _, runs): &&(LogEntry, Option<Digest>, Vec<String>)| {
            entry.kind == filter.kind
                && filter.agent.as_ref().is_none_or(|agent| entry.agent.as_ref() == Some(agent))
                && filter.run_id.as_ref().is_none_or(|run| runs.iter().any(|seen| seen == run.as_str()))
        };
        let passing = self.log.iter().filter(passes);
        passing.filter_map(|(entry, ..)| self.entry(entry.id.as_str())).collect()
    }

    /// Gives what agents note and what was logged the label of its collection.
    pub fn raise_tiers(&mut self, collection: &str) {
        let floor = self.floor(collection);
        for (entry, ..) in self.log.iter_mut().filter(|(entry, ..)| entry.kind.collection() == collection) {
            entry.privacy = entry.privacy.max(floor);
        }
        for (_, version) in self.facts.values_mut().flatten().filter(|_| collection == COLLECTION) {
            version.privacy = version.privacy.max(floor);
        }
    }

    /// Counts an error up; leaves a decision as it is.
    fn see_again(&mut self, at: usize, entry: &LogEntry) -> LogEntry {
        let (there, _, runs) = &mut self.log[at];
        if entry.kind == LogKind::Error {
            there.count += 1;
            there.last_at = there.last_at.max(entry.last_at);
            there.privacy = there.privacy.max(entry.privacy);
            if let Some(run_id) = &entry.run_id {
                (there.run_id, there.step) = (Some(run_id.clone()), entry.step.clone());
                if !runs.iter().any(|seen| seen == run_id.as_str()) {
                    runs.push(run_id.to_string());
                }
            }
            let there = there.clone();
            let key = there.id.to_string();
            let is_it =
                |document: &Document| document.collection == there.kind.collection() && document.key == key;
            if let Some(document) = self.find(is_it) {
                document.updated_at = there.last_at;
                document.privacy = document.privacy.max(there.privacy);
                (document.source, document.attributes) = (there.source(), there.attributes());
                let id = document.id.clone();
                self.touch(&id);
            }
        }
        let id = self.log[at].0.id.to_string();
        self.entry(&id).unwrap()
    }

    fn standing(&self, agent: &str, key: &str, now: Timestamp) -> Option<(u64, Fact)> {
        let (written, version) = self.facts.get(&(agent.to_owned(), key.to_owned()))?.last()?;
        let FactVersion { version, value, privacy, expires_at, actor, written_at } = version.clone();
        if expires_at.is_some_and(|expires| expires <= now) {
            return None;
        }
        let (agent, key, updated_at) = (agent.to_owned(), key.to_owned(), written_at);
        let fact = Fact { agent, key, value: value?, version, privacy, expires_at, actor, updated_at };
        Some((*written, fact))
    }

    fn write(&mut self, agent: &str, key: &str, mut version: FactVersion) -> u64 {
        self.last_fact += 1;
        let floor = self.floor(COLLECTION);
        let versions = self.facts.entry((agent.to_owned(), key.to_owned())).or_default();
        version.privacy = version.privacy.max(floor);
        version.version = versions.last().map_or(1, |(_, last)| last.version + 1);
        let number = version.version;
        versions.push((self.last_fact, version));
        let surplus = versions.len().saturating_sub(HISTORY as usize);
        versions.drain(..surplus);
        number
    }

    fn erase_expired(&mut self, now: Timestamp) -> u64 {
        let is_over = |versions: &Vec<(u64, FactVersion)>| {
            let last = versions.last().and_then(|(_, last)| last.expires_at);
            last.is_some_and(|expires| expires <= now)
        };
        let over: Vec<_> =
            self.facts.iter().filter(|(_, versions)| is_over(versions)).map(|(key, _)| key.clone()).collect();
        for (agent, key) in &over {
            let name = document_key(agent, key);
            self.delete(|document| document.collection == COLLECTION && document.key == name);
            self.write(agent, key, taken_back(&Actor::System, now));
            let versions = self.facts.get_mut(&(agent.clone(), key.clone())).unwrap();
            versions.drain(..versions.len() - 1);
        }
        over.len() as u64
    }
}

fn taken_back(actor: &Actor, now: Timestamp) -> FactVersion {
    FactVersion {
        version: 0,
        value: None,
        privacy: kernel::Privacy::default(),
        expires_at: None,
        actor: actor.clone(),
        written_at: now,
    }
}

#[async_trait]
impl SummaryStore for FakeMemoryStore {
    async fn find_summary(&self, conversation: &str) -> Result<Option<Summary>> {
        Ok(self.0.lock().summaries.get(conversation).cloned())
    }

    async fn put_summary(&self, summary: &Summary) -> Result<()> {
        self.0.lock().summaries.insert(summary.conversation.clone(), summary.clone());
        Ok(())
    }

    async fn delete_summary(&self, conversation: &str) -> Result<()> {
        self.0.lock().summaries.remove(conversation);
        Ok(())
    }
}

#[async_trait]
impl LogStore for FakeMemoryStore {
    async fn append(
        &self,
        entry: &LogEntry,
        digest: Option<Digest>,
        document: &Document,
        chunks: &[NewChunk],
    ) -> Result<Appended> {
        let mut tables = self.0.lock();
        let same = tables
            .log
            .iter()
            .position(|(there, known, _)| there.kind == entry.kind && known.is_some() && *known == digest);
        if let Some(at) = same {
            return Ok(Appended::Again(Box::new(tables.see_again(at, entry))));
        }
        if let Some(earlier) = &entry.supersedes {
            match tables.entry(earlier.as_str()).filter(|earlier| earlier.kind == entry.kind) {
                None => return Ok(Appended::Missing),
                Some(LogEntry { superseded_by: Some(by), .. }) => return Ok(Appended::Superseded(by)),
                Some(_) => {}
            }
        }
        let runs = entry.run_id.iter().map(ToString::to_string).collect();
        let privacy = entry.privacy.max(tables.floor(entry.kind.collection()));
        tables.log.push((LogEntry { privacy, ..entry.clone() }, digest, runs));
        let stored = tables.put(document, chunks);
        if let Some(earlier) = &entry.supersedes {
            let is_it = |document: &Document| {
                document.collection == entry.kind.collection() && document.key == earlier.as_str()
            };
            if let Some(earlier) = tables.find(is_it).map(|document| document.id.clone()) {
                tables.supersede(&earlier, Some(&stored.id));
            }
        }
        Ok(Appended::New)
    }

    async fn find_entry(&self, id: &LogEntryId) -> Result<Option<LogEntry>> {
        Ok(self.0.lock().entry(id.as_str()))
    }

    async fn list_entries(&self, filter: &LogFilter, page: &PageRequest) -> Result<Page<LogEntry>> {
        let behind = page.cursor.as_deref().map(LogCursor::read).transpose()?;
        let mut entries = self.0.lock().passing(filter);
        entries.sort_by_key(|entry| std::cmp::Reverse((entry.last_at, entry.id.clone())));
        entries.retain(|entry| {
            let after =
                |behind: &LogCursor| (entry.last_at, entry.id.as_str()) < (behind.last_at, &behind.id);
            behind.as_ref().is_none_or(after)
        });
        Ok(Page::from_overfull(entries, page.limit, LogCursor::behind))
    }

    async fn find_entries(&self, ids: &[String], filter: &LogFilter) -> Result<Vec<LogEntry>> {
        let mut entries = self.0.lock().passing(filter);
        entries.retain(|entry| ids.iter().any(|id| id == entry.id.as_str()));
        Ok(entries)
    }
}

#[async_trait]
impl FactStore for FakeMemoryStore {
    async fn put_fact(
        &self,
        fact: &NewFact,
        document: Option<(&Document, &[NewChunk])>,
        now: Timestamp,
    ) -> Result<FactWritten> {
        let mut tables = self.0.lock();
        let current = tables.standing(&fact.agent, &fact.key, now).map_or(0, |(_, fact)| fact.version);
        if fact.expected_version.is_some_and(|expected| expected != current) {
            return Ok(FactWritten::OtherStands(current));
        }
        tables.erase_expired(now);
        let keys: Vec<_> = tables.facts.keys().filter(|(agent, _)| *agent == fact.agent).cloned().collect();
        let standing = keys.iter().filter(|(agent, key)| tables.standing(agent, key, now).is_some()).count();
        if current == 0 && standing as u64 >= MAX_FACTS {
            return Ok(FactWritten::Full);
        }
        let version = FactVersion {
            version: 0,
            value: Some(fact.value.clone()),
            privacy: fact.privacy,
            expires_at: fact.expires_at,
            actor: fact.actor.clone(),
            written_at: now,
        };
        let version = tables.write(&fact.agent, &fact.key, version);
        match document {
            Some((document, chunks)) => {
                tables.put(document, chunks);
            }
            None => {
                let name = document_key(&fact.agent, &fact.key);
                tables.delete(|document| document.collection == COLLECTION && document.key == name);
            }
        }
        Ok(FactWritten::Written(version))
    }

    async fn delete_fact(&self, agent: &str, key: &str, actor: &Actor, now: Timestamp) -> Result<bool> {
        let mut tables = self.0.lock();
        if tables.standing(agent, key, now).is_none() {
            return Ok(false);
        }
        tables.write(agent, key, taken_back(actor, now));
        let name = document_key(agent, key);
        tables.delete(|document| document.collection == COLLECTION && document.key == name);
        Ok(true)
    }

    async fn find_fact(&self, agent: &str, key: &str, now: Timestamp) -> Result<Option<Fact>> {
        Ok(self.0.lock().standing(agent, key, now).map(|(_, fact)| fact))
    }

    async fn list_facts(
        &self,
        agent: &str,
        prefix: &str,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Fact>> {
        let behind = page.cursor.as_deref().map(read_cursor).transpose()?;
        let tables = self.0.lock();
        let wanted = tables.facts.keys().filter(|(of, key)| of == agent && key.starts_with(prefix));
        let mut facts: Vec<(u64, Fact)> =
            wanted.filter_map(|(agent, key)| tables.standing(agent, key, now)).collect();
        facts.sort_by_key(|(written, _)| std::cmp::Reverse(*written));
        facts.retain(|(written, _)| {
            behind.is_none_or(|behind| i64::try_from(*written).is_ok_and(|written| written < behind))
        });
        let page = Page::from_overfull(facts, page.limit, |(written, _)| written.to_string());
        Ok(page.map(|(_, fact)| fact))
    }

    async fn list_fact_versions(&self, agent: &str, key: &str) -> Result<Vec<FactVersion>> {
        let tables = self.0.lock();
        let versions = tables.facts.get(&(agent.to_owned(), key.to_owned()));
        let versions = versions.into_iter().flatten().rev().map(|(_, version)| version.clone());
        Ok(versions.collect())
    }

    async fn erase_expired_facts(&self, now: Timestamp, taken_back_before: Timestamp) -> Result<u64> {
        let mut tables = self.0.lock();
        let erased = tables.erase_expired(now);
        tables.facts.retain(|_, versions| {
            versions
                .last()
                .is_some_and(|(_, last)| last.value.is_some() || last.written_at >= taken_back_before)
        });
        Ok(erased)
    }
}
