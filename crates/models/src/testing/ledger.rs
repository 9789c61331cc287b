//! A ledger in memory, which adds up every call each time it is asked.

use std::collections::BTreeMap;

use async_trait::async_trait;
use kernel::{Actor, LimitId, Page, PageRequest, Result, Timestamp};
use parking_lot::Mutex;

use crate::accounting::{Amount, Limit};
use crate::ledger::{
    Call, CallFilter, CallOutcome, Consumer, Figures, Ledger, Percentiles, Spending, UsageQuery, UsageReport,
};
use crate::message::Usage;

/// A ledger in memory.
#[derive(Default)]
pub struct FakeLedger {
    calls: Mutex<BTreeMap<String, Call>>,
    dropped: Mutex<Vec<Call>>,
    limits: Mutex<Vec<Limit>>,
    had_first_limit: Mutex<bool>,
}

const HOUR_MS: i64 = 3_600_000;

impl FakeLedger {
    /// Calls that ended from `from` to `to`, those that are no longer listed included.
    fn ended(&self, from: Timestamp, to: Timestamp) -> Vec<Call> {
        let from = from.0.div_euclid(HOUR_MS) * HOUR_MS;
        let to = (to.0.div_euclid(HOUR_MS) + 1) * HOUR_MS;
        let calls = self.calls.lock();
        let dropped = self.dropped.lock();
        let all = calls.values().chain(dropped.iter());
        all.filter(|call| (from..to).contains(&call.ended_at().0)).cloned().collect()
    }
}

#[async_trait]
impl Ledger for FakeLedger {
    async fn record(&self, calls: Vec<Call>) -> Result<()> {
        self.calls.lock().extend(calls.into_iter().map(|call| (call.id.to_string(), call)));
        Ok(())
    }

    async fn list_calls(&self, filter: &CallFilter, page: &PageRequest) -> Result<Page<Call>> {
        let before =
            |call: &&Call| page.cursor.as_ref().is_none_or(|cursor| call.id.as_str() < cursor.as_str());
        let wanted = |call: &&Call| {
            filter.provider.is_none_or_equal(&call.provider)
                && filter.outcome.is_none_or(|outcome| outcome == call.outcome)
        };
        let calls = self.calls.lock();
        let found = calls.values().rev().filter(before).filter(wanted).take(page.limit as usize + 1);
        let found = found.cloned().collect();
        Ok(Page::from_overfull(found, page.limit, |call: &Call| call.id.to_string()))
    }

    async fn calls_since(&self, at: Timestamp) -> Result<Vec<Call>> {
        Ok(self.calls.lock().values().filter(|call| call.ended_at() >= at).cloned().collect())
    }

    async fn usage(&self, query: &UsageQuery) -> Result<UsageReport> {
        let mut totals = Sum::default();
        let (mut by_provider, mut by_model) = (BTreeMap::new(), BTreeMap::new());
        let (mut by_token, mut series) = (BTreeMap::new(), BTreeMap::new());
        for call in self.ended(query.from, query.to) {
            let token = match &call.origin.actor {
                Actor::Token(id) => Some(id.clone()),
                Actor::Owner | Actor::System => None,
            };
            if query.token.is_some() && query.token != token {
                continue;
            }
            let name = token.clone().unwrap_or_else(|| call.origin.actor.to_string());
            let bucket = query.bucket.milliseconds();
            let start = Timestamp(call.ended_at().0.div_euclid(bucket) * bucket);
            for (provider, model, part) in parts(&call) {
                if query.provider.is_some() && query.provider != provider {
                    continue;
                }
                let consumer = Consumer { token_id: token.clone(), name: name.clone() };
                for sum in [
                    &mut totals,
                    by_provider.entry(provider.clone()).or_default(),
                    by_model.entry((provider.clone(), model)).or_default(),
                    by_token.entry(consumer).or_default(),
                    series.entry((start, provider)).or_default(),
                ] {
                    sum.add(&part);
                }
            }
        }
        Ok(UsageReport {
            totals: totals.finish(),
            by_provider: by_provider.into_iter().map(|(name, sum)| (name, sum.finish())).collect(),
            by_model: by_model.into_iter().map(|((one, two), sum)| (one, two, sum.finish())).collect(),
            by_token: by_token.into_iter().map(|(who, sum)| (who, sum.finish())).collect(),
            series: series.into_iter().map(|((start, name), sum)| (start, name, sum.finish())).collect(),
        })
    }

    async fn spending(&self, since: Timestamp) -> Result<Spending> {
        let mut by_actor: BTreeMap<String, Amount> = BTreeMap::new();
        let mut by_provider: BTreeMap<String, Amount> = BTreeMap::new();
        for call in self.ended(since, Timestamp(i64::MAX / 2)) {
            let actor = by_actor.entry(call.origin.actor.to_string()).or_default();
            let is_counted = !matches!(call.outcome, CallOutcome::Refused | CallOutcome::FromCache);
            *actor = actor.plus(Amount { requests: u64::from(is_counted), ..call.usage.into() });
            for attempt in call.attempts {
                let used = Amount { requests: 1, ..attempt.usage.unwrap_or_default().into() };
                let sum = by_provider.entry(attempt.provider).or_default();
                *sum = sum.plus(used);
            }
        }
        Ok(Spending {
            by_actor: by_actor.into_iter().collect(),
            by_provider: by_provider.into_iter().collect(),
        })
    }

    async fn drop_calls_before(&self, at: Timestamp) -> Result<bool> {
        let mut calls = self.calls.lock();
        let (old, new) = std::mem::take(&mut *calls).into_iter().partition(|(_, call)| call.ended_at() < at);
        *calls = new;
        let old: BTreeMap<String, Call> = old;
        self.dropped.lock().extend(old.into_values());
        Ok(false)
    }

    async fn list_limits(&self) -> Result<Vec<Limit>> {
        Ok(self.limits.lock().clone())
    }

    async fn create_limit(&self, limit: &Limit) -> Result<bool> {
        let mut limits = self.limits.lock();
        let is_free = limits.iter().all(|it| (&it.subject, it.window) != (&limit.subject, limit.window));
        limits.extend(is_free.then(|| limit.clone()));
        Ok(is_free)
    }

    async fn create_first_limit(&self, limit: &Limit) -> Result<bool> {
        let was_made = std::mem::replace(&mut *self.had_first_limit.lock(), true);
        let is_first = !was_made && self.limits.lock().is_empty();
        Ok(is_first && self.create_limit(limit).await?)
    }

    async fn update_limit(&self, limit: &Limit) -> Result<bool> {
        let mut limits = self.limits.lock();
        let found = limits.iter_mut().find(|it| it.id == limit.id);
        Ok(found.map(|place| *place = limit.clone()).is_some())
    }

    async fn delete_limit(&self, id: &LimitId) -> Result<bool> {
        let mut limits = self.limits.lock();
        let before = limits.len();
        limits.retain(|limit| limit.id != *id);
        Ok(limits.len() < before)
    }
}

trait NoneOrEqual {
    fn is_none_or_equal(&self, other: &Self) -> bool;
}

impl NoneOrEqual for Option<String> {
    fn is_none_or_equal(&self, other: &Self) -> bool {
        self.is_none() || self == other
    }
}

/// What a call adds to the figures of a provider and model.
#[derive(Default)]
struct Part {
    figures: Figures,
    latency_ms: Option<u64>,
    first_content_ms: Option<u64>,
}

fn parts(call: &Call) -> Vec<(Option<String>, Option<String>, Part)> {
    let used = |usage: Usage| Figures {
        tokens_in: usage.tokens_in,
        tokens_out: usage.tokens_out,
        tokens_cached: usage.tokens_cached,
        usd: usage.usd,
        is_estimated: usage.estimated,
        ..Figures::default()
    };
    let mut parts: Vec<_> = call
        .attempts
        .iter()
        .map(|attempt| {
            let part = Part { figures: used(attempt.usage.unwrap_or_default()), ..Part::default() };
            (Some(attempt.provider.clone()), Some(attempt.model.clone()), part)
        })
        .collect();
    let own = if call.attempts.is_empty() { used(call.usage) } else { Figures::default() };
    let is = |outcome| u64::from(call.outcome == outcome);
    let figures = Figures {
        requests: 1,
        failures: is(CallOutcome::Failed) + is(CallOutcome::Refused),
        fallbacks: u64::from(call.is_fallback()),
        cached: is(CallOutcome::FromCache),
        is_estimated: call.usage.estimated,
        ..own
    };
    let is_answered = call.outcome == CallOutcome::Answered;
    let latency_ms = Some(call.latency_ms).filter(|_| is_answered);
    let first_content_ms = call.first_content_ms.filter(|_| is_answered);
    let part = Part { figures, latency_ms, first_content_ms };
    parts.push((call.provider.clone(), call.model.clone(), part));
    parts
}

#[derive(Default)]
struct Sum {
    figures: Figures,
    latency_ms: Vec<u64>,
    first_content_ms: Vec<u64>,
}

impl Sum {
    fn add(&mut self, part: &Part) {
        self.figures += &part.figures;
        self.latency_ms.extend(part.latency_ms);
        self.first_content_ms.extend(part.first_content_ms);
    }

    fn finish(self) -> Figures {
        Figures {
            latency_ms: percentiles(self.latency_ms),
            first_content_ms: percentiles(self.first_content_ms),
            ..self.figures
        }
    }
}

fn percentiles(mut values: Vec<u64>) -> Option<Percentiles> {
    values.sort_unstable();
    let at = |share: f64| {
        let rank = (values.len() as f64 * share).ceil() as usize;
        values[rank.max(1) - 1] as f64
    };
    (!values.is_empty()).then(|| Percentiles { p50: at(0.50), p95: at(0.95), p99: at(0.99) })
}
