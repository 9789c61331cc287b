//! The port of the ledger: where every call of a model is written down, and what is read from it.
//!
//! A [`Call`] is one question of a client or run, however many attempts it took. Its tokens and cost
//! are those of all its attempts, since all of them are paid for.

use async_trait::async_trait;
use kernel::{Actor, CallId, LimitId, Page, PageRequest, Result, RunId, Timestamp};

use crate::accounting::{Amount, Limit};
use crate::message::{Attempt, Usage};

/// Where a question comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Who asks.
    pub actor: Actor,
    /// By which door.
    pub surface: Surface,
    /// The HTTP request.
    pub request_id: Option<String>,
    /// The run that asks.
    pub run_id: Option<RunId>,
}

impl Default for Origin {
    fn default() -> Self {
        Self { actor: Actor::System, surface: Surface::Run, request_id: None, run_id: None }
    }
}

impl Origin {
    /// A run's own question, on behalf of whoever submitted it.
    pub fn run(actor: Actor, run_id: Option<RunId>) -> Self {
        Self { actor, run_id, ..Self::default() }
    }
}

macro_rules! names {
    ($(#[$attribute:meta])* $type:ident { $($(#[$variant_attribute:meta])* $variant:ident = $name:literal,)* }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$variant_attribute])* $variant,)*
        }

        impl $type {
            /// The name it is stored and shown under.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = ();

            fn from_str(name: &str) -> std::result::Result<Self, ()> {
                match name {
                    $($name => Ok(Self::$variant),)*
                    _ => Err(()),
                }
            }
        }
    };
}
pub(crate) use names;

names! {
    /// The door by which a question comes.
    Surface {
        /// `/v1/chat/completions`.
        Chat = "chat",
        /// `/v1/messages`.
        Messages = "messages",
        /// `/v1/responses`.
        Responses = "responses",
        /// `/v1/embeddings`.
        Embeddings = "embeddings",
        /// `/api/v1/llm/infer`.
        Infer = "infer",
        /// A run, or the planner.
        Run = "run",
    }
}

names! {
    /// How a call ended.
    CallOutcome {
        /// With a whole answer.
        Answered = "answered",
        /// With an error.
        Failed = "failed",
        /// Whoever asked went away.
        Cancelled = "cancelled",
        /// A limit did not allow it.
        Refused = "refused",
        /// With an answer from the cache.
        FromCache = "from_cache",
    }
}

/// A call that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// When it began.
    pub at: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// Who answered, or was asked last.
    pub provider: Option<String>,
    /// The model that answered, or was asked last.
    pub model: Option<String>,
    /// The model the request named.
    pub requested_model: Option<String>,
    /// Whether the answer was streamed.
    pub is_stream: bool,
    /// How it ended.
    pub outcome: CallOutcome,
    /// The code of what went wrong.
    pub error_code: Option<String>,
    /// What all attempts consumed. `estimated` also where a remote provider has no known price, so
    /// that the cost is not known either and `usd` leaves it out.
    pub usage: Usage,
    /// From the question to the first word, where it was streamed.
    pub first_content_ms: Option<u64>,
    /// From the question to the end.
    pub latency_ms: u64,
    /// Every attempt in the order of their ends, those that were hung up on included.
    pub attempts: Vec<Attempt>,
}

impl Call {
    /// When it ended; it counts for the hour and day of its end.
    pub fn ended_at(&self) -> Timestamp {
        self.at.plus(std::time::Duration::from_millis(self.latency_ms))
    }

    /// Whether it was answered by another provider than the one that was asked first.
    pub fn is_fallback(&self) -> bool {
        let first = self.attempts.first().map(|attempt| attempt.provider.as_str());
        self.outcome == CallOutcome::Answered && first.is_some() && first != self.provider.as_deref()
    }
}

/// Which calls to list.
#[derive(Clone, Debug, Default)]
pub struct CallFilter {
    /// Those that ended at this provider.
    pub provider: Option<String>,
    /// Those that ended so.
    pub outcome: Option<CallOutcome>,
}

/// Which usage to sum up.
#[derive(Clone, Debug)]
pub struct UsageQuery {
    /// From the beginning of this hour on.
    pub from: Timestamp,
    /// To the end of this hour.
    pub to: Timestamp,
    /// How finely the series is divided.
    pub bucket: Bucket,
    /// Of this provider only.
    pub provider: Option<String>,
    /// Of the token with this id only.
    pub token: Option<String>,
}

names! {
    /// How finely a series is divided; days are UTC's.
    Bucket {
        /// By hours.
        Hour = "hour",
        /// By days.
        Day = "day",
    }
}

impl Bucket {
    /// How long one is.
    pub fn milliseconds(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }
}

/// Usage summed up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsageReport {
    /// All of it.
    pub totals: Figures,
    /// By the provider that answered or was asked last; none where none was asked.
    pub by_provider: Vec<(Option<String>, Figures)>,
    /// By provider and model.
    pub by_model: Vec<(Option<String>, Option<String>, Figures)>,
    /// By who asked.
    pub by_token: Vec<(Consumer, Figures)>,
    /// By bucket and provider, the oldest first; empty ones are left out.
    pub series: Vec<(Timestamp, Option<String>, Figures)>,
}

/// Who consumed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Consumer {
    /// The token's id; none for the owner and Atelier itself.
    pub token_id: Option<String>,
    /// What the owner called the token, else `owner` or `system`.
    pub name: String,
}

/// Figures over calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls, however they ended.
    pub requests: u64,
    /// Those that failed or were refused.
    pub failures: u64,
    /// Those another provider answered than the one that was asked first.
    pub fallbacks: u64,
    /// Those answered from the cache.
    pub cached: u64,
    /// Tokens of prompts.
    pub tokens_in: u64,
    /// Tokens of answers.
    pub tokens_out: u64,
    /// Tokens of prompts that providers had cached.
    pub tokens_cached: u64,
    /// US dollars, as far as prices are known.
    pub usd: f64,
    /// Whether some of it was counted here, roughly, or has no known price.
    pub is_estimated: bool,
    /// From the question to the end, of calls that were answered.
    pub latency_ms: Option<Percentiles>,
    /// From the question to the first word, of calls that were streamed.
    pub first_content_ms: Option<Percentiles>,
}

impl std::ops::AddAssign<&Figures> for Figures {
    /// Adds up what can be added; percentiles stay as they are.
    fn add_assign(&mut self, more: &Figures) {
        self.requests += more.requests;
        self.failures += more.failures;
        self.fallbacks += more.fallbacks;
        self.cached += more.cached;
        self.tokens_in += more.tokens_in;
        self.tokens_out += more.tokens_out;
        self.tokens_cached += more.tokens_cached;
        self.usd += more.usd;
        self.is_estimated |= more.is_estimated;
    }
}

/// So many in a hundred took at most so long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Percentiles {
    /// 50.
    pub p50: f64,
    /// 95.
    pub p95: f64,
    /// 99.
    pub p99: f64,
}

/// What counts for limits since some moment: by text of the actor, and by provider.
#[derive(Clone, Debug, Default)]
pub struct Spending {
    /// Calls by the text form of their actor.
    pub by_actor: Vec<(String, Amount)>,
    /// Attempts by provider.
    pub by_provider: Vec<(String, Amount)>,
}

/// Keeps calls and limits.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Keeps these calls, all or none.
    async fn record(&self, calls: Vec<Call>) -> Result<()>;

    /// Calls, the newest first.
    async fn list_calls(&self, filter: &CallFilter, page: &PageRequest) -> Result<Page<Call>>;

    /// Calls that ended at or after `at`, in no order.
    async fn calls_since(&self, at: Timestamp) -> Result<Vec<Call>>;

    /// Sums up; what was dropped from the list of calls is still counted.
    async fn usage(&self, query: &UsageQuery) -> Result<UsageReport>;

    /// What was consumed from the hour of `since` on, refused and cached calls left out.
    async fn spending(&self, since: Timestamp) -> Result<Spending>;

    /// Drops calls that ended before `at` from the list, some at a time; whether there are more.
    async fn drop_calls_before(&self, at: Timestamp) -> Result<bool>;

    /// Every limit, the oldest first.
    async fn list_limits(&self) -> Result<Vec<Limit>>;

    /// Keeps a limit. False when there is one with its subject and window.
    async fn create_limit(&self, limit: &Limit) -> Result<bool>;

    /// Keeps the first limit a workspace gets by itself: only once, and not where there are others.
    async fn create_first_limit(&self, limit: &Limit) -> Result<bool>;

    /// Replaces the limit of this id. False when there is none.
    async fn update_limit(&self, limit: &Limit) -> Result<bool>;

    /// Removes a limit. False when there is none.
    async fn delete_limit(&self, id: &LimitId) -> Result<bool>;
}
