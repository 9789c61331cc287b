//! Limits: how much may be asked of models, by whom, in which time.

use jiff::tz::TimeZone;
use kernel::{LimitId, Timestamp};

use crate::ledger::names;

/// What was or may be consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amount {
    /// Questions; of a provider, attempts.
    pub requests: u64,
    /// Tokens of prompts and answers.
    pub tokens: u64,
    /// US dollars.
    pub usd: f64,
}

impl Amount {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
            usd: self.usd + other.usd,
        }
    }

    /// What is left of it, never less than nothing.
    #[must_use]
    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(other.requests),
            tokens: self.tokens.saturating_sub(other.tokens),
            usd: (self.usd - other.usd).max(0.0),
        }
    }
}

/// Whose consumption is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Everything that is asked.
    Workspace,
    /// What is asked with the token of this id.
    Token(String),
    /// What the provider of this name is asked.
    Provider(String),
}

impl Subject {
    /// The sort of subject.
    pub fn scope(&self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Token(_) => "token",
            Self::Provider(_) => "provider",
        }
    }

    /// The token's id or the provider's name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Workspace => None,
            Self::Token(name) | Self::Provider(name) => Some(name),
        }
    }

    /// The subject of this scope and name, if there is one.
    pub fn of(scope: &str, name: Option<&str>) -> Option<Self> {
        match (scope, name) {
            ("workspace", None) => Some(Self::Workspace),
            ("token", Some(name)) => Some(Self::Token(name.to_owned())),
            ("provider", Some(name)) => Some(Self::Provider(name.to_owned())),
            _ => None,
        }
    }
}

names! {
    /// The time in which consumption is counted.
    Window {
        /// The last sixty seconds.
        Minute = "minute",
        /// The day, in UTC.
        Day = "day",
        /// The calendar month, in UTC.
        Month = "month",
    }
}

const DAY_MS: i64 = 86_400_000;

impl Window {
    /// The beginning and end of the period `now` lies in.
    pub(super) fn period(self, now: Timestamp) -> (i64, i64) {
        match self {
            Self::Minute => (now.0 - 60_000, now.0),
            Self::Day => {
                let start = now.0.div_euclid(DAY_MS) * DAY_MS;
                (start, start + DAY_MS)
            }
            Self::Month => month(now).unwrap_or((now.0, now.0 + 28 * DAY_MS)),
        }
    }
}

/// None only beyond the years a calendar knows.
fn month(now: Timestamp) -> Option<(i64, i64)> {
    let moment = jiff::Timestamp::from_millisecond(now.0).ok()?;
    let first = moment.to_zoned(TimeZone::UTC).date().first_of_month();
    let next = first.last_of_month().tomorrow().ok()?;
    let start = |date: jiff::civil::Date| {
        date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_millisecond())
    };
    Some((start(first)?, start(next)?))
}

/// At most so much, by whom, in which time.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Its id.
    pub id: LimitId,
    /// Whose consumption it limits.
    pub subject: Subject,
    /// The time in which it is counted.
    pub window: Window,
    /// At most so many questions.
    pub requests: Option<u64>,
    /// At most so many tokens.
    pub tokens: Option<u64>,
    /// At most so many US dollars.
    pub usd: Option<f64>,
    /// From this share on a warning is given, 0 to 1.
    pub warn_at: f64,
}

impl Limit {
    /// Whether `amount` is more than it allows.
    pub(super) fn is_broken_by(&self, amount: Amount) -> bool {
        // Sums of prices are not exact to the last digit.
        const GRAIN: f64 = 1e-9;
        self.requests.is_some_and(|most| amount.requests > most)
            || self.tokens.is_some_and(|most| amount.tokens > most)
            || self.usd.is_some_and(|most| amount.usd > most + GRAIN)
    }

    /// The largest share of what it allows that `used` is.
    pub fn share(&self, used: Amount) -> f64 {
        let of = |used: f64, most: Option<f64>| match most {
            None => 0.0,
            Some(most) if most > 0.0 => used / most,
            Some(_) => 1.0,
        };
        of(used.requests as f64, self.requests.map(|most| most as f64))
            .max(of(used.tokens as f64, self.tokens.map(|most| most as f64)))
            .max(of(used.usd, self.usd))
    }
}

/// For a sentence: `the workspace's limit of 10 US dollars a day`.
impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.subject {
            Subject::Workspace => f.write_str("the workspace's limit of ")?,
            Subject::Token(_) => f.write_str("this token's limit of ")?,
            Subject::Provider(name) => write!(f, "the limit of the provider {name} of ")?,
        }
        let parts: Vec<String> = [
            self.requests.map(|most| format!("{most} requests")),
            self.tokens.map(|most| format!("{most} tokens")),
            self.usd.map(|most| format!("{most} US dollars")),
        ]
        .into_iter()
        .flatten()
        .collect();
        write!(f, "{} a {}", parts.join(" and "), self.window)
    }
}

names! {
    /// How a limit stands.
    LimitState {
        /// There is room.
        Ok = "ok",
        /// It is nearly used up.
        Warning = "warning",
        /// It is used up.
        Exhausted = "exhausted",
    }
}

/// A limit with what was used of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitStanding {
    /// The limit.
    pub limit: Limit,
    /// What was used in its window.
    pub used: Amount,
    /// How it stands.
    pub state: LimitState,
    /// When there is room again: the end of the period, or when the oldest of the last minute's
    /// questions no longer counts.
    pub resets_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_months_are_those_of_the_calendar_in_utc() {
        let shown = |window: Window, at: &str| {
            let at: jiff::Timestamp = at.parse().unwrap();
            let (start, end) = window.period(Timestamp(at.as_millisecond()));
            (Timestamp(start).to_string(), Timestamp(end).to_string())
        };
        let period = |from: &str, to: &str| (format!("{from}T00:00:00.000Z"), format!("{to}T00:00:00.000Z"));
        assert_eq!(shown(Window::Day, "2026-11-21T23:59:59Z"), period("2026-11-21", "2026-11-22"));
        assert_eq!(shown(Window::Month, "2026-12-31T23:59:59Z"), period("2026-12-01", "2027-01-01"));
        assert_eq!(shown(Window::Month, "2028-02-29T00:00:00Z"), period("2028-02-01", "2028-03-01"));
    }
}
