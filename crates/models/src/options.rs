//! The settings of this crate. They come from the binary, which alone reads files and environment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::secret::ApiKey;

/// Which providers there are and how they are used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelsOptions {
    /// In the owner's order of preference.
    pub providers: Vec<ProviderOptions>,
    /// Which of them may answer, and which are asked first.
    pub policy: Policy,
    /// Only those on this machine answer, whatever the policy or a request says.
    #[serde(default)]
    pub local_only: bool,
    /// Who is asked, and in which order, instead of a policy: `provider` or `provider/model`. It
    /// holds for requests that name neither a model nor a policy.
    #[serde(default)]
    pub chain: Option<Vec<String>>,
    /// How long to wait for each of them.
    pub timeouts: TimeoutOptions,
    /// How often to try each of them.
    pub retry: RetryOptions,
    /// When to leave one alone.
    pub breaker: BreakerOptions,
    /// Asks the next provider too when the first word has not come after so many milliseconds, and
    /// takes whichever answers first. Never by default: the loser is paid for as well.
    pub hedge_after_ms: Option<u64>,
}

impl ModelsOptions {
    /// The policy that holds where a request asks for none.
    pub(crate) fn own_policy(&self) -> Policy {
        if self.local_only { Policy::LocalOnly } else { self.policy }
    }
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderOptions {
    /// A short name, unique among the providers.
    pub name: String,
    /// Up to and with the version, such as `http://127.0.0.1:11434/v1`.
    pub base_url: String,
    /// Absent where the endpoint asks for none.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// The model to ask.
    pub model: String,
    /// How it speaks.
    #[serde(default)]
    pub dialect: Dialect,
    /// Other patience than for the rest.
    #[serde(default)]
    pub timeouts: Option<TimeoutOptions>,
    /// At most so many calls at once; as many as come where absent.
    #[serde(default)]
    pub concurrency: Option<usize>,
    /// What a million tokens cost, in US dollars.
    #[serde(default)]
    pub price: Option<Price>,
    /// How many tokens its model can read; what is clearly longer is not sent.
    #[serde(default)]
    pub context_tokens: Option<u64>,
}

/// What a million tokens cost, in US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    pub input: f64,
    /// Of the answer.
    pub output: f64,
    /// Of the prompt where the provider has it cached; as `input` where absent.
    #[serde(default)]
    pub cached: Option<f64>,
}

/// Which providers may answer, and in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Only those on this machine.
    LocalOnly,
    /// Those on this machine, then the others.
    #[default]
    LocalFirst,
    /// The others, then those on this machine.
    CloudFirst,
    /// The one with the lowest price first; those on this machine cost nothing.
    Cheapest,
    /// The one whose first words have come soonest of late first.
    Fastest,
}

impl Policy {
    /// The names of all, as settings and requests write them.
    pub const NAMES: [&str; 5] = ["local-only", "local-first", "cloud-first", "cheapest", "fastest"];
}

impl std::str::FromStr for Policy {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "local-only" => Ok(Self::LocalOnly),
            "local-first" => Ok(Self::LocalFirst),
            "cloud-first" => Ok(Self::CloudFirst),
            "cheapest" => Ok(Self::Cheapest),
            "fastest" => Ok(Self::Fastest),
            _ => Err(()),
        }
    }
}

/// How long to wait, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutOptions {
    /// For the connection.
    pub connect_ms: u64,
    /// From sending the request to the first word of the answer.
    pub first_content_ms: u64,
    /// Between two parts of an answer.
    pub stall_ms: u64,
    /// For all tries at one provider together.
    pub total_ms: u64,
}

impl Default for TimeoutOptions {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_content_ms: 90_000, stall_ms: 30_000, total_ms: 300_000 }
    }
}

impl TimeoutOptions {
    pub(crate) fn connect(self) -> Duration {
        Duration::from_millis(self.connect_ms)
    }

    pub(crate) fn first_content(self) -> Duration {
        Duration::from_millis(self.first_content_ms)
    }

    pub(crate) fn stall(self) -> Duration {
        Duration::from_millis(self.stall_ms)
    }

    pub(crate) fn total(self) -> Duration {
        Duration::from_millis(self.total_ms)
    }
}

/// How often to try one provider before the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryOptions {
    /// Tries in all, at least 1.
    pub attempts: u32,
    /// The pause before the second try; it doubles with each further one.
    pub first_pause_ms: u64,
    /// No pause is longer. A provider that asks for a longer one (`Retry-After`) is left alone.
    pub longest_pause_ms: u64,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { attempts: 3, first_pause_ms: 250, longest_pause_ms: 10_000 }
    }
}

/// When to stop asking a provider for a model, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerOptions {
    /// After so many failures in a row.
    pub failures: u32,
    /// For so long the first time; it doubles while the failures go on.
    pub pause_ms: u64,
    /// And never longer.
    pub longest_pause_ms: u64,
}

impl Default for BreakerOptions {
    fn default() -> Self {
        Self { failures: 5, pause_ms: 10_000, longest_pause_ms: 300_000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_section_of_settings_and_refuses_unknown_keys() {
        let options: ModelsOptions = serde_json::from_str(
            r#"{"policy": "cloud-first", "timeouts": {"stall_ms": 7},
                "providers": [{"name": "here", "base_url": "http://localhost:1/v1", "model": "m"}]}"#,
        )
        .unwrap();
        assert_eq!(options.policy, Policy::CloudFirst);
        assert_eq!(options.timeouts, TimeoutOptions { stall_ms: 7, ..TimeoutOptions::default() });
        assert_eq!(options.providers[0].api_key, None);
        assert!(serde_json::from_str::<ModelsOptions>(r#"{"polciy": "local-only"}"#).is_err());
    }
}
