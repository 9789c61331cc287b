//! The APIs that clients are answered in.

use ::models::dialect::{Encode, Failure, Misread, anthropic, chat, responses};
use ::models::{Completion, Dialect, Raw, Request, Surface};
use axum::body::Bytes;
use serde_json::Value;

use crate::follow::sse;

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Client {
    Chat,
    Anthropic,
    Responses,
}

/// What is known of an answer before it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    /// Told from all others.
    pub suffix: String,
    /// In seconds of the epoch.
    pub created: i64,
    /// What the client calls the model; the stream begins before it is known who answers.
    pub model: String,
    /// The prompt's size, roughly.
    pub tokens_in: u64,
    /// Whether the client wants to know the usage of a stream.
    pub wants_usage: bool,
    /// What an answer of this kind repeats of its request.
    pub request: Raw,
}

impl Client {
    pub fn dialect(self) -> Dialect {
        match self {
            Self::Chat => Dialect::Chat,
            Self::Anthropic => Dialect::Anthropic,
            Self::Responses => Dialect::Responses,
        }
    }

    /// What a call that comes from here is booked under.
    pub fn surface(self) -> Surface {
        match self {
            Self::Chat => Surface::Chat,
            Self::Anthropic => Surface::Messages,
            Self::Responses => Surface::Responses,
        }
    }

    pub fn read(self, raw: Raw) -> Result<Request, Misread> {
        match self {
            Self::Chat => chat::read(raw),
            Self::Anthropic => anthropic::read(raw),
            Self::Responses => responses::read(raw),
        }
    }

    /// A whole answer.
    pub fn document(self, begun: &Begun, completion: &Completion) -> Value {
        let Begun { suffix, created, request, .. } = begun;
        match self {
            Self::Chat => chat::document(&format!("chatcmpl-{suffix}"), *created, completion),
            Self::Anthropic => anthropic::document(&format!("msg-{suffix}"), completion),
            Self::Responses => {
                responses::document(responses::Opening::new(suffix, *created, request), completion)
            }
        }
    }

    /// What writes a streamed answer.
    pub fn encoder(self, begun: &Begun) -> Box<dyn Encode> {
        let Begun { suffix, created, model, tokens_in, wants_usage, request } = begun;
        match self {
            Self::Chat => {
                Box::new(chat::Encoder::new(format!("chatcmpl-{suffix}"), *created, model, *wants_usage))
            }
            Self::Anthropic => Box::new(anthropic::Encoder::new(format!("msg-{suffix}"), model, *tokens_in)),
            Self::Responses => {
                Box::new(responses::Encoder::new(responses::Opening::new(suffix, *created, request)))
            }
        }
    }

    /// Whether the client wants what a provider says at the end as it says it.
    pub fn takes_epilogue(self, begun: &Begun) -> bool {
        self != Self::Chat || begun.wants_usage
    }

    /// What keeps a silent stream alive.
    pub fn heartbeat(self) -> Bytes {
        match self {
            Self::Chat | Self::Responses => sse::HEARTBEAT,
            Self::Anthropic => Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n"),
        }
    }

    /// A failure's body.
    pub fn failure(self, failure: &Failure<'_>) -> Value {
        match self {
            Self::Chat | Self::Responses => chat::failure(failure),
            Self::Anthropic => anthropic::failure(failure),
        }
    }
}
