//! Counts what is consumed, and says when it is too much.
//!
//! Everything is counted for the workspace, each token and each provider, whether there is a limit
//! or not, so that a new limit knows at once what was used. Invariant: [`Meter::admit`] lets a call
//! in only when what was used, what calls in flight may still use and what this one may use fit
//! every limit together; so calls side by side exceed a limit only by as much as they were
//! estimated too low.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use kernel::{LimitId, Timestamp};

use super::limits::{Amount, Limit, LimitStanding, LimitState, Subject, Window};

#[derive(Default)]
pub(super) struct Meter {
    tallies: HashMap<Subject, Tally>,
    limits: Vec<Limit>,
    /// Those whose warning was given, with the period it was given for.
    warned: HashSet<(LimitId, i64)>,
}

/// Why a call was not let in.
pub(super) struct Refused {
    /// The limit, for a sentence.
    pub limit: String,
    /// Whether it is one of a minute.
    pub is_rate: bool,
    pub retry_after: Duration,
}

impl Meter {
    pub fn set_limits(&mut self, limits: Vec<Limit>) {
        self.limits = limits;
    }

    pub fn limits(&mut self) -> &mut Vec<Limit> {
        &mut self.limits
    }

    /// Counts what was used before this process began; `windows` say for which times.
    pub fn restore(&mut self, subject: Subject, window: Window, used: Amount, at: Timestamp) {
        self.tally(&subject).add(&[window], used, at);
    }

    /// Counts one question of all `subjects` and keeps room for `estimate`, or neither.
    pub fn admit(&mut self, subjects: &[Subject], estimate: Amount, now: Timestamp) -> Result<(), Refused> {
        let one = Amount { requests: 1, ..estimate };
        self.check(subjects, one, now)?;
        for subject in subjects {
            let tally = self.tally(subject);
            tally.add(&ALL, Amount { requests: 1, ..Amount::default() }, now);
            tally.reserved = tally.reserved.plus(Amount { requests: 0, ..estimate });
        }
        Ok(())
    }

    /// Whether there is room for `wanted`.
    pub fn check(&mut self, subjects: &[Subject], wanted: Amount, now: Timestamp) -> Result<(), Refused> {
        let nothing = Tally::default();
        let mut worst: Option<Refused> = None;
        for limit in self.limits.iter().filter(|limit| subjects.contains(&limit.subject)) {
            let tally = self.tallies.get(&limit.subject).unwrap_or(&nothing);
            let used = tally.used(limit.window, now);
            if !limit.is_broken_by(used.plus(tally.reserved).plus(wanted)) {
                continue;
            }
            // Where only calls in flight are in the way, there is room when they end.
            let waits_for_others = !limit.is_broken_by(used.plus(wanted));
            let until_reset = tally.resets_at(limit.window, now).since(now);
            let retry_after = if waits_for_others { SHORTLY } else { until_reset.max(SHORTLY) };
            if worst.as_ref().is_none_or(|worst| worst.retry_after < retry_after) {
                let is_rate = limit.window == Window::Minute;
                worst = Some(Refused { limit: limit.to_string(), is_rate, retry_after });
            }
        }
        worst.map_or(Ok(()), Err)
    }

    /// Gives back the room kept for `estimate` and counts what was really used. Gives the limits
    /// whose warning is due now.
    pub fn settle(
        &mut self,
        subjects: &[Subject],
        estimate: Amount,
        used: Amount,
        now: Timestamp,
    ) -> Vec<LimitStanding> {
        for subject in subjects {
            let tally = self.tally(subject);
            tally.reserved = tally.reserved.minus(Amount { requests: 0, ..estimate });
            tally.add(&ALL, Amount { requests: 0, ..used }, now);
        }
        let mut due = Vec::new();
        for limit in self.limits.iter().filter(|limit| subjects.contains(&limit.subject)) {
            let standing = self.standing(limit, now);
            let period = limit.window.period(now).0;
            let period = if limit.window == Window::Minute { period / 60_000 } else { period };
            if standing.state != LimitState::Ok && !self.warned.contains(&(limit.id.clone(), period)) {
                due.push((standing, period));
            }
        }
        for (standing, period) in &due {
            self.warned.retain(|(id, _)| *id != standing.limit.id);
            self.warned.insert((standing.limit.id.clone(), *period));
        }
        due.into_iter().map(|(standing, _)| standing).collect()
    }

    /// How all limits stand.
    pub fn standings(&self, now: Timestamp) -> Vec<LimitStanding> {
        self.limits.iter().map(|limit| self.standing(limit, now)).collect()
    }

    pub fn standing(&self, limit: &Limit, now: Timestamp) -> LimitStanding {
        let nothing = Tally::default();
        let tally = self.tallies.get(&limit.subject).unwrap_or(&nothing);
        let used = tally.used(limit.window, now);
        let share = limit.share(used);
        let state = match () {
            () if share >= 1.0 => LimitState::Exhausted,
            () if share >= limit.warn_at => LimitState::Warning,
            () => LimitState::Ok,
        };
        LimitStanding { limit: limit.clone(), used, state, resets_at: tally.resets_at(limit.window, now) }
    }

    fn tally(&mut self, subject: &Subject) -> &mut Tally {
        if !self.tallies.contains_key(subject) {
            self.tallies.insert(subject.clone(), Tally::default());
        }
        self.tallies.get_mut(subject).expect("it was put in just now")
    }
}

const ALL: [Window; 3] = [Window::Minute, Window::Day, Window::Month];
const SHORTLY: Duration = Duration::from_secs(1);
const MINUTE_MS: i64 = 60_000;

/// What one subject used.
#[derive(Default)]
struct Tally {
    /// By second; what is older than a minute goes.
    seconds: VecDeque<(i64, Amount)>,
    day: Period,
    month: Period,
    /// What calls in flight may still use.
    reserved: Amount,
}

#[derive(Default)]
struct Period {
    start: i64,
    end: i64,
    used: Amount,
}

impl Tally {
    fn add(&mut self, windows: &[Window], used: Amount, now: Timestamp) {
        for window in windows {
            match window {
                Window::Minute => self.add_to_minute(used, now),
                Window::Day => self.day.add(Window::Day, used, now),
                Window::Month => self.month.add(Window::Month, used, now),
            }
        }
    }

    fn add_to_minute(&mut self, used: Amount, now: Timestamp) {
        let second = now.0.div_euclid(1_000);
        while self.seconds.front().is_some_and(|(oldest, _)| !is_of_minute(*oldest, now)) {
            self.seconds.pop_front();
        }
        match self.seconds.back_mut() {
            // A clock that was set back adds to the newest second rather than to the past.
            Some((newest, amount)) if *newest >= second => *amount = amount.plus(used),
            _ => self.seconds.push_back((second, used)),
        }
    }

    fn used(&self, window: Window, now: Timestamp) -> Amount {
        match window {
            Window::Minute => {
                let counts = self.seconds.iter().filter(|(second, _)| is_of_minute(*second, now));
                counts.fold(Amount::default(), |sum, (_, amount)| sum.plus(*amount))
            }
            Window::Day => self.day.used(now),
            Window::Month => self.month.used(now),
        }
    }

    fn resets_at(&self, window: Window, now: Timestamp) -> Timestamp {
        match window {
            Window::Minute => {
                let oldest = self.seconds.iter().find(|(second, _)| is_of_minute(*second, now));
                // A clock that was set back does not make anybody wait longer than a minute.
                let ends = oldest.map_or(now.0, |(second, _)| (second + 1) * 1_000 + MINUTE_MS);
                Timestamp(ends.min(now.0 + MINUTE_MS + 1_000))
            }
            Window::Day | Window::Month => Timestamp(window.period(now).1),
        }
    }
}

/// Whether something in `second` was less than a minute before `now`. Such a second counts until
/// even its last moment is a minute ago.
fn is_of_minute(second: i64, now: Timestamp) -> bool {
    (second + 1) * 1_000 + MINUTE_MS > now.0
}

impl Period {
    fn add(&mut self, window: Window, used: Amount, now: Timestamp) {
        if now.0 >= self.end {
            *self = Self::default();
        }
        // Also when the clock was set back: what was used stays counted.
        if now.0 < self.start || self.end == 0 {
            (self.start, self.end) = window.period(now);
        }
        self.used = self.used.plus(used);
    }

    fn used(&self, now: Timestamp) -> Amount {
        if now.0 >= self.end { Amount::default() } else { self.used }
    }
}

#[cfg(test)]
mod tests;
