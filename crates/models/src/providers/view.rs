//! A provider as it may be shown: never with its key.

use std::time::Duration;

use kernel::{Result, Timestamp};

use super::Providers;
use super::book::Entry;
use super::record::{KeyReference, KeyStorage, ProviderRecord, Routing, Source};
use crate::endpoint::{is_loopback, parse_base_url};
use crate::router::ProviderSummary;

/// A provider as it may be shown.
#[derive(Clone, Debug)]
pub struct ProviderView {
    /// As it is kept.
    pub record: ProviderRecord,
    /// What a person reads.
    pub title: String,
    /// Where it is set up.
    pub source: Source,
    /// Whether what it is sent stays on this machine.
    pub is_local: bool,
    /// What is known of its key.
    pub key: KeyView,
    /// How it did of late.
    pub health: HealthView,
}

/// What may be shown of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// Whether there is one.
    pub state: KeyState,
    /// Where.
    pub storage: Option<KeyReference>,
    /// Its last characters.
    pub ending: Option<String>,
}

/// Whether there is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// None, and none is needed.
    None,
    /// There is one.
    Set,
    /// One is needed that is not there.
    Missing,
}

/// How a provider did of late.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthView {
    /// In one word.
    pub state: HealthState,
    /// Failures in a row.
    pub failures_in_a_row: u32,
    /// How long its first words took of late.
    pub first_content_ms: Option<f64>,
    /// Until when it is left alone.
    pub paused_until: Option<Timestamp>,
    /// What went wrong last, if anything did since it last answered.
    pub last_error: Option<LastError>,
}

/// How a provider did of late, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthState {
    /// It was not asked yet.
    Unknown,
    /// It answers.
    Healthy,
    /// It failed the last time.
    Failing,
    /// It is left alone for a while.
    Paused,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// For programs.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

impl Providers {
    /// All providers in the owner's order, `offline` not among them.
    pub fn list(&self) -> Vec<ProviderView> {
        let summaries = self.parts.router.providers();
        self.book.read().in_order().into_iter().map(|entry| self.view(entry, &summaries)).collect()
    }

    /// One provider.
    ///
    /// # Errors
    /// `provider_not_found`.
    pub fn find(&self, name: &str) -> Result<ProviderView> {
        Ok(self.view(self.book.read().find(name)?, &self.parts.router.providers()))
    }

    /// Who is asked, and in which order: with the names of all.
    pub fn routing(&self) -> Routing {
        let book = self.book.read();
        let order = book.in_order().into_iter().map(|entry| entry.record.name.clone()).collect();
        Routing { order, ..book.routing.clone() }
    }

    fn view(&self, entry: &Entry, summaries: &[ProviderSummary]) -> ProviderView {
        let record = entry.record.clone();
        let preset = record.preset.as_deref().and_then(|name| self.parts.presets.find(name));
        let title = record.title.clone().or(preset.map(|preset| preset.title.clone()));
        let state = match &entry.key {
            Some(_) => KeyState::Set,
            None if entry.lacks_key(&self.parts) => KeyState::Missing,
            None => KeyState::None,
        };
        ProviderView {
            title: title.unwrap_or_else(|| record.name.clone()),
            source: entry.source,
            is_local: parse_base_url(&record.base_url).is_ok_and(|url| is_loopback(&url)),
            key: KeyView {
                state,
                storage: (record.key != KeyReference::None).then(|| record.key.clone()),
                ending: entry.key.as_ref().and_then(crate::ApiKey::ending),
            },
            health: self.health(summaries.iter().find(|summary| summary.name == record.name)),
            record,
        }
    }

    fn health(&self, summary: Option<&ProviderSummary>) -> HealthView {
        let now = self.parts.clock.now();
        let standing = summary.map(|summary| summary.standing).unwrap_or_default();
        let failure = summary.and_then(|summary| summary.last_failure.clone());
        let state = match () {
            () if standing.pause.is_some() => HealthState::Paused,
            () if standing.failures > 0 => HealthState::Failing,
            () if standing.first_content_ms.is_some() => HealthState::Healthy,
            () => HealthState::Unknown,
        };
        HealthView {
            state,
            failures_in_a_row: standing.failures,
            first_content_ms: standing.first_content_ms,
            paused_until: standing.pause.map(|pause| now.plus(pause)),
            last_error: failure.map(|failure| LastError {
                code: failure.code,
                message: failure.message,
                at: before(now, failure.ago),
            }),
        }
    }
}

fn before(now: Timestamp, ago: Duration) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)))
}

impl KeyReference {
    /// Where the key store has it, if that is where it is.
    pub fn storage(&self) -> Option<KeyStorage> {
        match self {
            Self::Stored(storage) => Some(*storage),
            Self::None | Self::Variable(_) => None,
        }
    }
}
