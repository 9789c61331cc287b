//! What can go wrong between a request and an answer.
//!
//! Invariant: no variant holds a key. What a server sent back is quoted briefly, with the key
//! replaced, since servers are known to repeat it.

use std::fmt;
use std::time::Duration;

use kernel::Kind;

use crate::embedding::EmbeddingFault;
use crate::message::Attempt;

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
    /// Every provider that could be asked failed.
    #[error("no model answered: {}", last_failures(.attempts))]
    Exhausted { attempts: Vec<Attempt>, kind: Kind },
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
            Self::Rejected { .. } => "model_request_refused",
            Self::Interrupted { .. } => "model_answer_interrupted",
            Self::StreamFailed { .. } => "model_answer_failed",
            Self::Malformed { .. } => "model_answer_malformed",
            Self::Empty { .. } => "model_answer_empty",
            Self::TooLarge { .. } => "model_answer_too_large",
            Self::Untranslatable { .. } => "model_request_untranslatable",
            Self::Embedding(fault) => fault.code(),
            Self::Options { .. } => "model_settings_invalid",
            Self::NoModel(_) => "no_model",
            Self::Exhausted { .. } => "no_model_answered",
        }
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
            | Self::Rejected { .. }
            | Self::TooLarge { .. }
            | Self::Untranslatable { .. }
            | Self::Embedding(_)
            | Self::Options { .. }
            | Self::NoModel(_)
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
            | Self::Rejected { provider, .. }
            | Self::Interrupted { provider, .. }
            | Self::StreamFailed { provider, .. }
            | Self::Malformed { provider, .. }
            | Self::Empty { provider }
            | Self::TooLarge { provider, .. } => Some(provider),
            Self::Exhausted { attempts, .. } => attempts.last().map(|attempt| attempt.provider.as_str()),
            Self::Untranslatable { .. } | Self::Embedding(_) | Self::Options { .. } | Self::NoModel(_) => {
                None
            }
        }
    }

    /// How long the provider asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Upstream { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Rejected { .. } | Self::Untranslatable { .. } | Self::Options { .. } => Kind::Invalid,
            Self::RateLimited { .. } | Self::TooLarge { .. } => Kind::Limit,
            Self::Exhausted { kind, .. } => *kind,
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
            Self::Rejected { .. } => "Check the model's name and the size of the prompt",
            Self::Empty { .. } => "Try again, or allow a longer answer",
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
