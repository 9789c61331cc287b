//! What can go wrong between a request and an answer.
//!
//! Invariant: no variant holds a key. What a server sent back is quoted briefly, with the key
//! replaced, since servers are known to repeat it.

use std::fmt;
use std::time::Duration;

use kernel::Kind;

use crate::embedding::EmbeddingFault;
use crate::message::Attempt;

const MODEL_NOT_FOUND: &str = "model_not_found";
/// OpenAI's own word, which programs look for to shorten a conversation.
const CONTEXT_LENGTH_EXCEEDED: &str = "context_length_exceeded";

/// What was waited for when time ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The connection.
    Connect,
    /// The first word of the answer.
    FirstContent,
    /// The next part of the answer.
    Stall,
    /// The whole answer.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "no connection",
            Self::FirstContent => "no first word of an answer",
            Self::Stall => "nothing more of a begun answer",
            Self::Total => "no whole answer",
        })
    }
}

/// Why there is no language model to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoModel {
    /// None is configured.
    NothingConfigured,
    /// Only remote ones are configured, and the policy allows none of them.
    PolicyIsLocalOnly,
    /// Only remote ones are configured, and the prompt must not leave this machine.
    PromptIsLocal,
    /// The owner's chain names none that may be asked.
    ChainIsEmpty,
}

/// The failure that says best why nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// Its kind.
    pub kind: Kind,
    /// Its code.
    pub code: &'static str,
    /// How long the provider asked to be left alone.
    pub retry_after: Option<Duration>,
}

impl From<&Error> for Telling {
    fn from(error: &Error) -> Self {
        Self { kind: error.kind(), code: error.code(), retry_after: error.retry_after() }
    }
}

/// A failure of this crate.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields say what the messages say")]
pub enum Error {
    /// There was no connection.
    #[error("{provider} cannot be reached: {reason}")]
    Unreachable { provider: String, reason: String },
    /// It took too long.
    #[error("{provider} gave {phase} within {after_ms} ms")]
    Timeout { provider: String, phase: Phase, after_ms: u64 },
    /// Status 429.
    #[error("{provider} is limiting requests: {message}")]
    RateLimited { provider: String, message: String, retry_after: Option<Duration> },
    /// Status 5xx, or another one that is not the request's fault.
    #[error("{provider} failed with status {status}: {message}")]
    Upstream { provider: String, status: u16, message: String, retry_after: Option<Duration> },
    /// Status 401 or 403.
    #[error("{provider} refused the key (status {status}): {message}")]
    KeyRefused { provider: String, status: u16, message: String },
    /// Status 404.
    #[error("{provider} does not have what was asked for (status 404): {message}")]
    NotFound { provider: String, message: String },
    /// A prompt longer than the model can read.
    #[error("the prompt is longer than the model of {provider} can read: {message}")]
    ContextTooLong { provider: String, message: String },
    /// Any other status 4xx.
    #[error("{provider} refused the request (status {status}): {message}")]
    Rejected { provider: String, status: u16, message: String },
    /// The connection ended in the middle of an answer.
    #[error("the answer of {provider} was cut off: {reason}")]
    Interrupted { provider: String, reason: String },
    /// An error that came as part of an answer.
    #[error("{provider} reported an error in its answer: {message}")]
    StreamFailed { provider: String, message: String },
    /// Something that is not the protocol.
    #[error("{provider} sent something that is not an answer: {reason}")]
    Malformed { provider: String, reason: String },
    /// An answer without text.
    #[error("{provider} sent an empty answer")]
    Empty { provider: String },
    /// The provider will not answer this.
    #[error("{provider} withheld its answer: {reason}")]
    Withheld { provider: String, reason: String },
    /// An answer beyond all measure.
    #[error("the answer of {provider} is larger than {limit_bytes} bytes")]
    TooLarge { provider: String, limit_bytes: usize },
    /// The request says something that only providers of its own dialect understand.
    #[error(
        "only a provider that speaks the request's own dialect understands {what}, and none may be asked"
    )]
    Untranslatable { what: String },
    /// Something that cannot be asked of an embedder.
    #[error(transparent)]
    Embedding(EmbeddingFault),
    /// Settings that cannot work.
    #[error("the model provider `{name}` is not set up correctly: {reason}")]
    Options { name: String, reason: String },
    /// A language model is needed and there is none.
    #[error("{}", no_model_message(*.0))]
    NoModel(NoModel),
    /// A limit the owner set is used up.
    #[error("{limit} is used up, or would be by this request")]
    LimitReached { limit: String, is_rate: bool, retry_after: Duration },
    /// Every provider that could be asked failed.
    #[error("no model answered: {}", last_failures(.attempts))]
    Exhausted { attempts: Vec<Attempt>, telling: Telling },
}

impl Error {
    /// The stable identifier, documented in `docs/errors.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "model_unreachable",
            Self::Timeout { .. } => "model_timeout",
            Self::RateLimited { .. } => "model_rate_limited",
            Self::Upstream { .. } => "model_upstream_failed",
            Self::KeyRefused { .. } => "model_key_refused",
            Self::NotFound { .. } => MODEL_NOT_FOUND,
            Self::ContextTooLong { .. } => CONTEXT_LENGTH_EXCEEDED,
            Self::Rejected { .. } => "model_request_refused",
            Self::Interrupted { .. } => "model_answer_interrupted",
            Self::StreamFailed { .. } => "model_answer_failed",
            Self::Malformed { .. } => "model_answer_malformed",
            Self::Empty { .. } => "model_answer_empty",
            Self::Withheld { .. } => "model_answer_withheld",
            Self::TooLarge { .. } => "model_answer_too_large",
            Self::Untranslatable { .. } => "model_request_untranslatable",
            Self::Embedding(fault) => fault.code(),
            Self::Options { .. } => "model_settings_invalid",
            Self::NoModel(_) => "no_model",
            Self::LimitReached { is_rate: true, .. } => "rate_limited",
            Self::LimitReached { is_rate: false, .. } => "budget_exhausted",
            Self::Exhausted { .. } => "no_model_answered",
        }
    }

    /// What is wrong with the request itself, by the code that programs look for.
    pub fn fault_of_request(&self) -> Option<&'static str> {
        let code = match self {
            Self::Exhausted { telling, .. } => telling.code,
            _ => self.code(),
        };
        [MODEL_NOT_FOUND, CONTEXT_LENGTH_EXCEEDED].into_iter().find(|known| *known == code)
    }

    /// Every attempt that was made in vain, oldest first.
    pub fn attempts(&self) -> &[Attempt] {
        match self {
            Self::Exhausted { attempts, .. } => attempts,
            _ => &[],
        }
    }

    /// Whether the same request may well succeed at the same provider a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Timeout { phase, .. } => *phase != Phase::Total,
            Self::Unreachable { .. }
            | Self::RateLimited { .. }
            | Self::Upstream { .. }
            | Self::Interrupted { .. }
            | Self::StreamFailed { .. }
            | Self::Malformed { .. }
            | Self::Empty { .. } => true,
            Self::KeyRefused { .. }
            | Self::NotFound { .. }
            | Self::ContextTooLong { .. }
            | Self::Rejected { .. }
            | Self::Withheld { .. }
            | Self::TooLarge { .. }
            | Self::Untranslatable { .. }
            | Self::Embedding(_)
            | Self::Options { .. }
            | Self::NoModel(_)
            | Self::LimitReached { .. }
            | Self::Exhausted { .. } => false,
        }
    }

    /// Whether it tells something about the provider rather than about the request.
    pub(crate) fn is_providers_fault(&self) -> bool {
        matches!(self, Self::KeyRefused { .. } | Self::Timeout { .. }) || self.is_transient()
    }

    /// The provider that failed; of several, the last.
    pub fn provider(&self) -> Option<&str> {
        match self {
            Self::Unreachable { provider, .. }
            | Self::Timeout { provider, .. }
            | Self::RateLimited { provider, .. }
            | Self::Upstream { provider, .. }
            | Self::KeyRefused { provider, .. }
            | Self::NotFound { provider, .. }
            | Self::ContextTooLong { provider, .. }
            | Self::Rejected { provider, .. }
            | Self::Interrupted { provider, .. }
            | Self::StreamFailed { provider, .. }
            | Self::Malformed { provider, .. }
            | Self::Empty { provider }
            | Self::Withheld { provider, .. }
            | Self::TooLarge { provider, .. } => Some(provider),
            Self::Exhausted { attempts, .. } => attempts.last().map(|attempt| attempt.provider.as_str()),
            Self::Untranslatable { .. }
            | Self::Embedding(_)
            | Self::Options { .. }
            | Self::NoModel(_)
            | Self::LimitReached { .. } => None,
        }
    }

    /// How long the provider asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Upstream { retry_after, .. } => *retry_after,
            Self::Exhausted { telling, .. } => telling.retry_after,
            Self::LimitReached { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Rejected { .. }
            | Self::Withheld { .. }
            | Self::ContextTooLong { .. }
            | Self::Untranslatable { .. }
            | Self::Options { .. } => Kind::Invalid,
            Self::NotFound { .. } => Kind::NotFound,
            Self::RateLimited { .. } | Self::TooLarge { .. } | Self::LimitReached { .. } => Kind::Limit,
            Self::Exhausted { telling, .. } => telling.kind,
            Self::Embedding(fault) => fault.kind(),
            Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Upstream { .. }
            | Self::KeyRefused { .. }
            | Self::Interrupted { .. }
            | Self::StreamFailed { .. }
            | Self::Malformed { .. }
            | Self::Empty { .. }
            | Self::NoModel(_) => Kind::Unavailable,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "Check that it runs and that its base URL is right",
            Self::Timeout { .. } => "Try again, choose a smaller model or allow more time",
            Self::RateLimited { .. } => "Wait a while, or add another provider to fall back on",
            Self::Upstream { .. }
            | Self::Interrupted { .. }
            | Self::StreamFailed { .. }
            | Self::Malformed { .. } => "Try again, or add another provider to fall back on",
            Self::KeyRefused { .. } => "Check the provider's API key in the settings",
            Self::NotFound { .. } => "Check the model's name and the provider's base URL",
            Self::ContextTooLong { .. } => "Send less, or name a model that can read more",
            Self::Rejected { .. } => "Check what the request asks for; the provider does not take it",
            Self::Empty { .. } => "Try again, or allow a longer answer",
            Self::Withheld { .. } => "Word the prompt differently, or add another provider to fall back on",
            Self::TooLarge { .. } => "Ask for a shorter answer",
            Self::Untranslatable { .. } => "Leave it out, or name a provider that speaks this dialect",
            Self::Embedding(fault) => fault.hint(),
            Self::Options { .. } => "Correct the provider's settings",
            Self::NoModel(NoModel::NothingConfigured) => {
                "Start Ollama on this machine, or set a provider's key such as OPENAI_API_KEY, and start \
                 Atelier again"
            }
            Self::NoModel(NoModel::PolicyIsLocalOnly) => {
                "Start Ollama on this machine, or choose the policy local-first"
            }
            Self::NoModel(NoModel::PromptIsLocal) => {
                "Start Ollama on this machine, or take out what is labelled local"
            }
            Self::LimitReached { is_rate: true, .. } => "Wait a moment and ask again",
            Self::LimitReached { is_rate: false, .. } => {
                "Wait until it begins anew, or raise it: `atelier limits list`"
            }
            Self::NoModel(NoModel::ChainIsEmpty) => {
                "Name a provider in the chain that is enabled and may be asked, or take the chain away"
            }
            Self::Exhausted { .. } => "`atelier doctor` tells how each provider can be mended",
        }
    }
}

impl From<Error> for kernel::Error {
    fn from(error: Error) -> Self {
        kernel::Error::new(error.kind(), error.code(), error.to_string())
            .with_hint(error.hint())
            .with_source(error)
    }
}

fn no_model_message(reason: NoModel) -> &'static str {
    match reason {
        NoModel::NothingConfigured => "this needs a language model, and none is configured",
        NoModel::PolicyIsLocalOnly => {
            "this needs a language model on this machine, and only remote ones are configured"
        }
        NoModel::ChainIsEmpty => "this needs a language model, and the chain holds none that may be asked",
        NoModel::PromptIsLocal => {
            "this prompt holds content that must stay on this machine, and no language model runs here"
        }
    }
}

/// The last failure of each provider, in the order they were asked.
fn last_failures(attempts: &[Attempt]) -> String {
    use crate::message::Outcome;
    let mut failures: Vec<&str> = Vec::new();
    for (place, attempt) in attempts.iter().enumerate() {
        let is_last = attempts[place + 1..].iter().all(|later| later.provider != attempt.provider);
        if let (true, Outcome::Failed { message, .. }) = (is_last, &attempt.outcome) {
            failures.push(message);
        }
    }
    failures.join("; ")
}
