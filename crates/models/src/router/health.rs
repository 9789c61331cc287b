//! How a provider does with a model, and when to leave it alone.
//!
//! Time is the monotonic clock's, so a wall clock that jumps opens and closes nothing.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::error::Error;
use crate::options::BreakerOptions;

/// How much the newest measurement counts.
const WEIGHT: f64 = 0.2;

/// What is known of each model of one provider.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<HashMap<String, Model>>);

#[derive(Clone, Debug, Default)]
struct Model {
    failures: u32,
    /// How often in a row it was left alone.
    pauses: u32,
    closed_until: Option<Instant>,
    first_content_ms: Option<f64>,
    last_failure: Option<(&'static str, String, Instant)>,
}

/// What went wrong last.
#[derive(Clone, Debug, PartialEq)]
pub struct LastFailure {
    /// What it was, for programs.
    pub code: &'static str,
    /// What it was, for people; without any key.
    pub message: String,
    /// How long ago.
    pub ago: Duration,
}

/// What a list of providers shows of one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Failures in a row.
    pub failures: u32,
    /// For how long it is left alone from now on.
    pub pause: Option<Duration>,
    /// How long its first words took of late, in milliseconds.
    pub first_content_ms: Option<f64>,
}

impl Health {
    pub fn standing(&self, model: &str) -> Standing {
        let now = Instant::now();
        let models = self.0.lock();
        let Some(known) = models.get(model) else { return Standing::default() };
        let pause = known.closed_until.and_then(|until| until.checked_duration_since(now));
        let pause = pause.filter(|pause| !pause.is_zero());
        Standing { failures: known.failures, pause, first_content_ms: known.first_content_ms }
    }

    pub fn last_failure(&self, model: &str) -> Option<LastFailure> {
        let (code, message, at) = self.0.lock().get(model)?.last_failure.clone()?;
        Some(LastFailure { code, message, ago: at.elapsed() })
    }

    /// Somebody asks now. After a pause one call goes ahead; until it is back, the others see the
    /// provider as left alone.
    pub fn asked(&self, model: &str, options: &BreakerOptions) {
        let now = Instant::now();
        if let Some(known) = self.0.lock().get_mut(model)
            && known.closed_until.is_some_and(|until| until <= now)
        {
            known.closed_until = Some(now + Duration::from_millis(options.pause_ms));
        }
    }

    pub fn answered(&self, model: &str, first_content: Duration) {
        let mut models = self.0.lock();
        let known = models.entry(model.to_owned()).or_default();
        (known.failures, known.pauses, known.closed_until) = (0, 0, None);
        known.last_failure = None;
        let ms = first_content.as_secs_f64() * 1e3;
        known.first_content_ms = Some(known.first_content_ms.map_or(ms, |old| old + WEIGHT * (ms - old)));
    }

    pub fn failed(&self, model: &str, error: &Error, options: &BreakerOptions) {
        if !error.is_providers_fault() {
            return;
        }
        let mut models = self.0.lock();
        let known = models.entry(model.to_owned()).or_default();
        known.failures = known.failures.saturating_add(1);
        known.last_failure = Some((error.code(), error.to_string(), Instant::now()));
        let longest = Duration::from_millis(options.longest_pause_ms);
        let asked = error.retry_after().map(|asked| asked.min(longest));
        // A refused key stays refused until somebody mends it.
        let is_hopeless = matches!(error, Error::KeyRefused { .. });
        let own = (is_hopeless || known.failures >= options.failures).then(|| {
            let doubled = options.pause_ms.saturating_mul(1 << known.pauses.min(20));
            known.pauses = known.pauses.saturating_add(1);
            Duration::from_millis(doubled).min(longest)
        });
        if let Some(pause) = own.max(asked) {
            known.closed_until = Some(Instant::now() + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: BreakerOptions = BreakerOptions { failures: 2, pause_ms: 100, longest_pause_ms: 300 };

    fn failure() -> Error {
        Error::Unreachable { provider: "p".into(), reason: String::new() }
    }

    fn pause_ms(health: &Health) -> Option<u128> {
        health.standing("m").pause.map(|pause| pause.as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn failures_in_a_row_close_it_for_longer_and_longer_until_one_call_succeeds() {
        let health = Health::default();
        health.failed("m", &failure(), &OPTIONS);
        assert_eq!(pause_ms(&health), None);
        assert_eq!(health.last_failure("m").unwrap().code, "model_unreachable");
        for pause in [100, 200, 300, 300] {
            health.failed("m", &failure(), &OPTIONS);
            assert_eq!(pause_ms(&health), Some(pause));
            tokio::time::advance(Duration::from_millis(300)).await;
            assert_eq!(pause_ms(&health), None);
            health.asked("m", &OPTIONS);
            assert_eq!(pause_ms(&health), Some(100), "one call at a time finds out");
        }
        health.answered("m", Duration::from_millis(10));
        assert_eq!(health.last_failure("m"), None);
        assert_eq!(health.standing("m"), Standing { first_content_ms: Some(10.0), ..Standing::default() });
        assert_eq!(health.standing("other"), Standing::default());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_for_is_given_and_what_is_the_requests_fault_is_not_held_against_it() {
        let health = Health::default();
        let (provider, message) = (String::from("p"), String::new());
        health.failed("m", &Error::Rejected { provider, status: 400, message }, &OPTIONS);
        assert_eq!(health.standing("m"), Standing::default());
        let limited = |seconds| Error::RateLimited {
            provider: "p".into(),
            message: String::new(),
            retry_after: Some(Duration::from_millis(seconds)),
        };
        health.failed("m", &limited(50), &OPTIONS);
        assert_eq!(pause_ms(&health), Some(50));
        health.failed("other", &limited(100_000), &OPTIONS);
        assert_eq!(health.standing("other").pause, Some(Duration::from_millis(300)));
    }
}
