//! Talks to language models, and does without them where there are none.
//!
//! A [`Provider`] answers one [`Request`] with one attempt, as a stream of [`Delta`]s or whole; an
//! [`Endpoint`] is one that is asked over HTTP in its [`Dialect`]. The [`Router`] holds the owner's
//! providers in order, retries, falls to the next one, has a broken answer gone on with, and tells
//! with every answer which attempts led to it. [`Offline`] follows fixed rules, needs no network
//! and says plainly that it is not a language model. [`Embeddings`] makes vectors of texts.
//!
//! Invariants: a request labelled [`kernel::Privacy::Local`] reaches only providers on this
//! machine, whatever the policy; a stream that was cut is an error and never a whole answer; an
//! [`ApiKey`] is never printed.
//!
//! Start reading at [`provider`], then [`router`].

pub mod dialect;
pub mod embedding;
pub mod endpoint;
pub mod error;
pub mod message;
pub mod offline;
pub mod options;
pub mod presets;
pub mod provider;
mod retry;
pub mod router;
pub mod secret;
mod sse;

pub use dialect::{Dialect, Raw};
pub use embedding::{
    Embedded, Embedder, EmbedderIdentity, EmbeddingFault, EmbeddingRequest, Embeddings, HttpEmbedder,
};
pub use endpoint::Endpoint;
pub use error::{Error, Phase};
pub use message::{
    Attempt, Completion, FinishReason, Format, Image, Message, Outcome, Part, Request, Role, Tool, ToolCall,
    ToolChoice, Usage,
};
pub use offline::Offline;
pub use options::{
    BreakerOptions, ModelsOptions, Policy, Price, ProviderOptions, RetryOptions, TimeoutOptions,
};
pub use presets::{Preset, presets};
pub use provider::{Delta, Event, Piece, Provider, Said, SaidStream};
pub use router::{ProviderSummary, Router, Standing};
pub use secret::ApiKey;
