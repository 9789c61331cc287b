//! Talks to language models, and does without them where there are none.
//!
//! A [`Provider`] answers one [`Request`] with one attempt, as a stream of [`Delta`]s or whole.
//! The [`Router`] holds the owner's providers in order, retries, falls to the next one, and tells
//! with every answer which attempts led to it. [`Offline`] follows fixed rules, needs no network
//! and says plainly that it is not a language model.
//!
//! Invariants: a request labelled [`kernel::Privacy::Local`] reaches only providers on this
//! machine, whatever the policy; a stream that was cut is an error and never a whole answer; an
//! [`ApiKey`] is never printed.
//!
//! Start reading at [`provider`], then [`router`].

pub mod error;
pub mod message;
pub mod offline;
pub mod openai_compatible;
pub mod options;
pub mod presets;
pub mod provider;
mod retry;
pub mod router;
pub mod secret;
mod sse;

pub use error::{Error, Phase};
pub use message::{Attempt, Completion, FinishReason, Message, Outcome, Request, Role, Usage};
pub use offline::Offline;
pub use openai_compatible::OpenAiCompatible;
pub use options::{ModelsOptions, Policy, ProviderOptions, RetryOptions, TimeoutOptions};
pub use presets::{Preset, presets};
pub use provider::{Delta, DeltaStream, Provider};
pub use router::{ProviderSummary, Router};
pub use secret::ApiKey;
