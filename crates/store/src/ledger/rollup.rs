//! Sums calls up by hour as they are written.

use std::collections::HashMap;

use models::ledger::{Call, CallOutcome};
use models::{Amount, Usage};
use rusqlite::{Connection, OptionalExtension, params};

use super::histogram::Histogram;
use crate::error::Error;

pub(super) const HOUR_MS: i64 = 3_600_000;

/// Hour, provider, model, actor.
type Key = (i64, String, String, String);

#[derive(Default)]
struct Sums {
    requests: u64,
    failures: u64,
    refused: u64,
    fallbacks: u64,
    cached: u64,
    tries: u64,
    usage: Usage,
    estimated: u64,
    latency: Histogram,
    first_content: Histogram,
}

/// Sums of a batch of calls, to be added to those that are stored.
#[derive(Default)]
pub(super) struct Rollup(HashMap<Key, Sums>);

impl Rollup {
    pub fn add(&mut self, call: &Call) {
        let hour = call.ended_at().0.div_euclid(HOUR_MS) * HOUR_MS;
        let actor = call.origin.actor.to_string();
        let key = |provider: Option<&str>, model: Option<&str>| -> Key {
            (hour, provider.unwrap_or_default().into(), model.unwrap_or_default().into(), actor.clone())
        };
        for attempt in &call.attempts {
            let sums = self.0.entry(key(Some(&attempt.provider), Some(&attempt.model))).or_default();
            sums.tries += 1;
            sums.consume(&attempt.usage.unwrap_or_default());
        }
        let sums = self.0.entry(key(call.provider.as_deref(), call.model.as_deref())).or_default();
        if call.attempts.is_empty() {
            sums.consume(&call.usage);
        }
        sums.requests += 1;
        sums.estimated += u64::from(call.usage.estimated);
        sums.fallbacks += u64::from(call.is_fallback());
        match call.outcome {
            CallOutcome::Answered => {
                sums.latency.add(call.latency_ms);
                if let Some(first_content) = call.first_content_ms {
                    sums.first_content.add(first_content);
                }
            }
            CallOutcome::Failed => sums.failures += 1,
            CallOutcome::Refused => (sums.failures, sums.refused) = (sums.failures + 1, sums.refused + 1),
            CallOutcome::FromCache => sums.cached += 1,
            CallOutcome::Cancelled => {}
        }
    }

    pub fn write(self, connection: &Connection) -> Result<(), Error> {
        let mut find = connection.prepare_cached(
            "SELECT latency, first_content FROM model_usage
             WHERE hour = ?1 AND provider = ?2 AND model = ?3 AND actor = ?4",
        )?;
        let mut upsert = connection.prepare_cached(
            "INSERT INTO model_usage (hour, provider, model, actor, requests, failures, refused, fallbacks,
                 cached, tries, tokens_in, tokens_out, tokens_cached, usd, estimated, latency, first_content)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
             ON CONFLICT (hour, provider, model, actor) DO UPDATE SET
                 requests = requests + excluded.requests, failures = failures + excluded.failures,
                 refused = refused + excluded.refused, fallbacks = fallbacks + excluded.fallbacks,
                 cached = cached + excluded.cached, tries = tries + excluded.tries,
                 tokens_in = tokens_in + excluded.tokens_in, tokens_out = tokens_out + excluded.tokens_out,
                 tokens_cached = tokens_cached + excluded.tokens_cached, usd = usd + excluded.usd,
                 estimated = estimated + excluded.estimated, latency = excluded.latency,
                 first_content = excluded.first_content",
        )?;
        for ((hour, provider, model, actor), mut sums) in self.0 {
            let stored = find.query_row(params![hour, provider, model, actor], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
            });
            if let Some((latency, first_content)) = stored.optional()? {
                sums.latency.add_bytes(&latency);
                sums.first_content.add_bytes(&first_content);
            }
            upsert.execute(params![
                hour,
                provider,
                model,
                actor,
                integer(sums.requests),
                integer(sums.failures),
                integer(sums.refused),
                integer(sums.fallbacks),
                integer(sums.cached),
                integer(sums.tries),
                integer(sums.usage.tokens_in),
                integer(sums.usage.tokens_out),
                integer(sums.usage.tokens_cached),
                sums.usage.usd,
                integer(sums.estimated),
                sums.latency.to_bytes(),
                sums.first_content.to_bytes(),
            ])?;
        }
        Ok(())
    }
}

impl Sums {
    fn consume(&mut self, usage: &Usage) {
        self.usage.tokens_in += usage.tokens_in;
        self.usage.tokens_out += usage.tokens_out;
        self.usage.tokens_cached += usage.tokens_cached;
        self.usage.usd += usage.usd;
        self.estimated += u64::from(usage.estimated);
    }
}

/// SQLite's integers are signed.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// An amount from three columns, beginning at `first`.
pub(super) fn read_amount(row: &sqlx::sqlite::SqliteRow, first: usize) -> Amount {
    use sqlx::Row;
    Amount { requests: natural(row.get(first)), tokens: natural(row.get(first + 1)), usd: row.get(first + 2) }
}
