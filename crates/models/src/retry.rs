//! When to try again.

use std::time::Duration;

use kernel::{Entropy, Timestamp};

use crate::error::Error;
use crate::options::RetryOptions;

/// The pause before the next try at the same provider, or `None` if there should be none.
/// `tries` have been made, the last of which ended with `error`.
///
/// The pause doubles with every try and half of it is random, so that many clients that failed
/// together do not come back together. A provider's `Retry-After` is a lower bound; where it is
/// longer than the longest pause, waiting is pointless and the next provider is better.
pub(crate) fn pause(
    options: &RetryOptions,
    tries: u32,
    error: &Error,
    entropy: &dyn Entropy,
) -> Option<Duration> {
    if tries >= options.attempts || !error.is_transient() {
        return None;
    }
    let doubled = options.first_pause_ms.saturating_mul(1 << (tries - 1).min(20));
    let ceiling = doubled.min(options.longest_pause_ms);
    let jittered = ceiling / 2 + entropy.next_u64() % (ceiling - ceiling / 2 + 1);
    let asked = error.retry_after().unwrap_or_default();
    if asked > Duration::from_millis(options.longest_pause_ms) {
        return None;
    }
    Some(Duration::from_millis(jittered).max(asked))
}

/// Reads a `Retry-After` header: seconds, or a date (RFC 9110, section 10.2.3).
pub(crate) fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?;
    Some(Timestamp(date.timestamp().as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::SeededEntropy;

    const OPTIONS: RetryOptions = RetryOptions { attempts: 4, first_pause_ms: 100, longest_pause_ms: 1_000 };

    fn limited(retry_after_ms: Option<u64>) -> Error {
        let retry_after = retry_after_ms.map(Duration::from_millis);
        Error::RateLimited { provider: "p".into(), message: String::new(), retry_after }
    }

    #[track_caller]
    fn check(tries: u32, error: Error, expected_ms: Option<(u64, u64)>) {
        for seed in 0..200 {
            let pause = pause(&OPTIONS, tries, &error, &SeededEntropy::new(seed));
            match (pause, expected_ms) {
                (None, None) => {}
                (Some(pause), Some((least, most))) => {
                    let ms = u64::try_from(pause.as_millis()).unwrap();
                    assert!((least..=most).contains(&ms), "{ms} is not in {least}..={most}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_end() {
        check(1, limited(None), Some((50, 100)));
        check(2, limited(None), Some((100, 200)));
        check(3, limited(None), Some((200, 400)));
        check(4, limited(None), None);
    }

    #[test]
    fn a_provider_that_asks_for_time_gets_it_or_is_left_alone() {
        check(1, limited(Some(700)), Some((700, 700)));
        check(1, limited(Some(20)), Some((50, 100)));
        check(1, limited(Some(1_001)), None);
    }

    #[test]
    fn what_cannot_succeed_is_not_tried_again() {
        let refused = || (String::from("p"), String::new());
        let (provider, message) = refused();
        check(1, Error::KeyRefused { provider, status: 401, message }, None);
        let (provider, message) = refused();
        check(1, Error::Rejected { provider, status: 400, message }, None);
    }

    #[test]
    fn reads_seconds_and_dates() {
        // Sun, 06 Nov 1994 08:49:37 GMT, less ten seconds.
        let now = Timestamp(784_111_777_000 - 10_000);
        for (value, expected) in [
            ("2", Some(2_000)),
            (" 0.5 ", Some(500)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:49:20 GMT", Some(0)),
            ("-1", None),
            ("1e400", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(parse_retry_after(value, now), expected.map(Duration::from_millis), "{value}");
        }
    }
}
