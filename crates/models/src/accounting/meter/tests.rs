//! The meter with a clock of the test's own.

use std::sync::Arc;

use kernel::{FixedClock, Ids, SeededEntropy};
use proptest::prelude::*;

use super::*;

/// 2026-11-21T23:00:00Z.
const START: i64 = 1_795_302_000_000;
const HOUR: i64 = 3_600_000;

fn limit(subject: Subject, window: Window, most: Amount) -> Limit {
    let ids = Ids::new(Arc::new(FixedClock::at(Timestamp(START))), Arc::new(SeededEntropy::new(4)));
    Limit {
        id: ids.fresh(),
        subject,
        window,
        requests: Some(most.requests).filter(|most| *most > 0),
        tokens: Some(most.tokens).filter(|most| *most > 0),
        usd: Some(most.usd).filter(|most| *most > 0.0),
        warn_at: 0.8,
    }
}

fn requests(most: u64) -> Amount {
    Amount { requests: most, ..Amount::default() }
}

fn tokens(most: u64) -> Amount {
    Amount { tokens: most, ..Amount::default() }
}

fn meter(limits: impl IntoIterator<Item = Limit>) -> Meter {
    Meter { limits: limits.into_iter().collect(), ..Meter::default() }
}

fn ask(meter: &mut Meter, at: i64) -> Result<(), u64> {
    let admitted = meter.admit(&[Subject::Workspace], Amount::default(), Timestamp(at));
    admitted.map_err(|refused| refused.retry_after.as_secs())
}

#[test]
fn in_any_minute_there_are_no_more_requests_than_the_limit_allows() {
    let mut meter = meter([limit(Subject::Workspace, Window::Minute, requests(2))]);
    assert_eq!(ask(&mut meter, START + 500), Ok(()));
    assert_eq!(ask(&mut meter, START + 30_000), Ok(()));
    assert_eq!(ask(&mut meter, START + 30_000), Err(31));
    assert_eq!(ask(&mut meter, START + 60_499), Err(1));
    assert_eq!(ask(&mut meter, START + 61_000), Ok(()));
    assert_eq!(ask(&mut meter, START + 61_000), Err(30));
}

#[test]
fn days_begin_anew_at_midnight_and_a_clock_that_is_set_back_gives_nothing_away() {
    let mut meter = meter([limit(Subject::Workspace, Window::Day, requests(1))]);
    assert_eq!(ask(&mut meter, START), Ok(()));
    assert_eq!(ask(&mut meter, START + HOUR / 2), Err(1_800));
    assert_eq!(ask(&mut meter, START + HOUR), Ok(()));
    assert!(ask(&mut meter, START).is_err());
    assert!(ask(&mut meter, START + HOUR).is_err());
}

#[test]
fn limits_of_others_do_not_matter_and_the_strictest_of_ones_own_does() {
    let mine = Subject::Token("mine".into());
    let mut meter = meter([
        limit(Subject::Token("other".into()), Window::Day, requests(1)),
        limit(mine.clone(), Window::Day, requests(2)),
        limit(Subject::Workspace, Window::Month, requests(9)),
    ]);
    let subjects = [Subject::Workspace, mine];
    let mut ask = || meter.admit(&subjects, Amount::default(), Timestamp(START)).is_ok();
    assert_eq!([ask(), ask(), ask()], [true, true, false]);
}

#[test]
fn room_that_was_kept_and_not_used_is_given_back() {
    let mut meter = meter([limit(Subject::Workspace, Window::Day, tokens(100))]);
    let subjects = [Subject::Workspace];
    assert!(meter.admit(&subjects, tokens(80), Timestamp(START)).is_ok());
    let refused = meter.admit(&subjects, tokens(80), Timestamp(START)).unwrap_err();
    assert_eq!(refused.retry_after.as_secs(), 1, "only a call in flight is in the way");
    meter.settle(&subjects, tokens(80), tokens(10), Timestamp(START));
    assert!(meter.admit(&subjects, tokens(80), Timestamp(START)).is_ok());
}

#[test]
fn a_warning_is_given_once_a_day() {
    let mut meter = meter([limit(Subject::Workspace, Window::Day, tokens(100))]);
    let subjects = [Subject::Workspace];
    let mut use_up = |at| meter.settle(&subjects, Amount::default(), tokens(40), Timestamp(at)).len();
    assert_eq!([use_up(START), use_up(START), use_up(START)], [0, 1, 0]);
    assert_eq!([use_up(START + HOUR), use_up(START + HOUR), use_up(START + HOUR)], [0, 1, 0]);
}

impl std::fmt::Debug for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {:?}", self.limit, self.retry_after)
    }
}

proptest! {
    /// However calls overlap, and in whichever order they end: what was used is beyond the limit by
    /// no more than what the calls were estimated too low.
    #[test]
    fn calls_side_by_side_exceed_a_limit_only_by_their_estimates_error(
        most in 1_u64..5_000,
        calls in prop::collection::vec((1_u64..400, 0_u64..600, any::<prop::sample::Index>()), 1..80),
    ) {
        let mut meter = meter([limit(Subject::Workspace, Window::Day, tokens(most))]);
        let subjects = [Subject::Workspace];
        let now = Timestamp(START);
        let mut in_flight: Vec<(u64, u64)> = Vec::new();
        let (mut used, mut error) = (0, 0);
        for (estimate, really, whichever) in calls {
            if meter.admit(&subjects, tokens(estimate), now).is_ok() {
                in_flight.push((estimate, really));
            }
            if in_flight.len() > 4 {
                let (estimate, really) = in_flight.swap_remove(whichever.index(in_flight.len()));
                meter.settle(&subjects, tokens(estimate), tokens(really), now);
                used += really;
                error += really.saturating_sub(estimate);
            }
        }
        for (estimate, really) in in_flight {
            meter.settle(&subjects, tokens(estimate), tokens(really), now);
            used += really;
            error += really.saturating_sub(estimate);
        }
        prop_assert!(used <= most + error, "{used} of {most}, estimated {error} too low");
        prop_assert_eq!(meter.tally(&Subject::Workspace).reserved, Amount::default());
    }
}
