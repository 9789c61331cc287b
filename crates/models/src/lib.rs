//! Talks to language models, and does without them where there are none.
//!
//! A [`Provider`] answers one [`Request`] with one attempt, as a stream of [`Delta`]s or whole; an
//! [`Endpoint`] is one that is asked over HTTP in its [`Dialect`]. The [`Router`] holds the owner's
//! providers in order, retries, falls to the next one, has a broken answer gone on with, and tells
//! with every answer which attempts led to it; [`Accounting`] keeps account of every call.
//! [`Offline`] follows fixed rules, needs no network and says plainly that it is not a language
//! model. [`Embeddings`] makes vectors of texts.
//!
//! Invariants: a request labelled [`kernel::Privacy::Local`] reaches only providers on this
//! machine, whatever the policy; a stream that was cut is an error and never a whole answer; an
//! [`ApiKey`] is never printed.
//!
//! Start reading at [`provider`], then [`router`].

pub mod accounting;
pub mod dialect;
pub mod embedding;
pub mod endpoint;
pub mod error;
pub mod ledger;
pub mod message;
pub mod offline;
pub mod ollama;
pub mod options;
pub mod presets;
pub mod provider;
pub mod providers;
mod retry;
pub mod router;
pub mod secret;
mod sse;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tokens;

pub use accounting::{
    Accounting, Allowance, Amount, CacheOptions, Limit, LimitStanding, LimitState, Subject, Window,
};
pub use dialect::{Dialect, Raw};
pub use embedding::{
    Embedded, Embedder, EmbedderIdentity, EmbeddingFault, EmbeddingRequest, Embeddings, HttpEmbedder,
};
pub use endpoint::Endpoint;
pub use error::{Error, Phase, Telling};
pub use ledger::{Call, CallFilter, CallOutcome, Ledger, Origin, Surface};
pub use message::{
    Attempt, Completion, FinishReason, Format, Image, Message, Outcome, Part, Request, Role, Tool, ToolCall,
    ToolChoice, Usage,
};
pub use offline::Offline;
pub use ollama::{Ollama, Progress};
pub use options::{
    BreakerOptions, ModelsOptions, Policy, Price, ProviderOptions, RetryOptions, TimeoutOptions,
};
pub use presets::{Preset, PresetModel, Presets};
pub use provider::{Delta, Event, Piece, Provider, Said, SaidStream};
pub use providers::{KeyStore, ProviderParts, ProviderStore, Providers};
pub use router::{LastFailure, ProviderSummary, Router, Standing};
pub use secret::ApiKey;
pub use tokens::TokenCounting;
