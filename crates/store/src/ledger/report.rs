//! Adds the hours of a report up.

use std::collections::{BTreeMap, HashMap};

use kernel::Timestamp;
use models::ledger::{Bucket, Consumer, Figures, UsageReport};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::histogram::Histogram;
use super::rollup::natural;

/// The columns [`Report::add`] reads.
pub(super) const COLUMNS: &str = "hour, provider, model, actor, requests, failures, fallbacks, cached,
    tokens_in, tokens_out, tokens_cached, usd, estimated, latency, first_content";

type Name = Option<String>;

/// Figures while they are being added up.
#[derive(Default)]
struct Sums {
    figures: Figures,
    latency: Histogram,
    first_content: Histogram,
}

pub(super) struct Report {
    bucket: Bucket,
    /// The names of tokens by id.
    tokens: HashMap<String, String>,
    totals: Sums,
    by_provider: BTreeMap<Name, Sums>,
    by_model: BTreeMap<(Name, Name), Sums>,
    by_token: BTreeMap<Consumer, Sums>,
    series: BTreeMap<(i64, Name), Sums>,
}

impl Report {
    pub fn new(bucket: Bucket, tokens: HashMap<String, String>) -> Self {
        Self {
            bucket,
            tokens,
            totals: Sums::default(),
            by_provider: BTreeMap::new(),
            by_model: BTreeMap::new(),
            by_token: BTreeMap::new(),
            series: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, row: &SqliteRow) {
        let name = |column: usize| Some(row.get::<String, _>(column)).filter(|name| !name.is_empty());
        let (provider, model) = (name(1), name(2));
        let bucket = self.bucket.milliseconds();
        let start = row.get::<i64, _>(0).div_euclid(bucket) * bucket;
        let consumer = self.consumer(row.get(3));
        let figures = Figures {
            requests: natural(row.get(4)),
            failures: natural(row.get(5)),
            fallbacks: natural(row.get(6)),
            cached: natural(row.get(7)),
            tokens_in: natural(row.get(8)),
            tokens_out: natural(row.get(9)),
            tokens_cached: natural(row.get(10)),
            usd: row.get(11),
            is_estimated: row.get::<i64, _>(12) > 0,
            latency_ms: None,
            first_content_ms: None,
        };
        let (latency, first_content): (&[u8], &[u8]) = (row.get(13), row.get(14));
        for sums in [
            &mut self.totals,
            self.by_provider.entry(provider.clone()).or_default(),
            self.by_model.entry((provider.clone(), model)).or_default(),
            self.by_token.entry(consumer).or_default(),
            self.series.entry((start, provider)).or_default(),
        ] {
            sums.add(&figures, latency, first_content);
        }
    }

    pub fn finish(self) -> UsageReport {
        UsageReport {
            totals: self.totals.finish(),
            by_provider: self.by_provider.into_iter().map(|(name, sums)| (name, sums.finish())).collect(),
            by_model: self
                .by_model
                .into_iter()
                .map(|((provider, model), sums)| (provider, model, sums.finish()))
                .collect(),
            by_token: self.by_token.into_iter().map(|(who, sums)| (who, sums.finish())).collect(),
            series: self
                .series
                .into_iter()
                .map(|((start, provider), sums)| (Timestamp(start), provider, sums.finish()))
                .collect(),
        }
    }

    fn consumer(&self, actor: &str) -> Consumer {
        match actor.strip_prefix("token:") {
            None => Consumer { token_id: None, name: actor.to_owned() },
            Some(id) => {
                let name = self.tokens.get(id).map_or(id, String::as_str);
                Consumer { token_id: Some(id.to_owned()), name: name.to_owned() }
            }
        }
    }
}

impl Sums {
    fn add(&mut self, more: &Figures, latency: &[u8], first_content: &[u8]) {
        self.figures += more;
        self.latency.add_bytes(latency);
        self.first_content.add_bytes(first_content);
    }

    fn finish(self) -> Figures {
        Figures {
            latency_ms: self.latency.percentiles(),
            first_content_ms: self.first_content.percentiles(),
            ..self.figures
        }
    }
}
