//! The port that anything answering prompts implements.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::dialect::Dialect;
use crate::error::Error;
use crate::message::{Completion, Request, ToolCall};
pub use crate::sse::Event;

/// A part of an answer as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// The next piece of text, never empty.
    Text(String),
    /// The next piece of a thought.
    Thinking(String),
    /// What proves the thought so far to the provider that had it.
    Signature(String),
    /// A tool is wanted; the whole call.
    ToolCall(ToolCall),
}

/// What one event of a provider brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    /// What it means; nothing for events that only keep a stream alive.
    pub deltas: Vec<Delta>,
    /// The event as it came, if the request was written in the provider's dialect.
    pub raw: Option<Event>,
}

/// What an answer's stream says next.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// It goes on.
    Piece(Piece),
    /// The end, with the whole answer. A stream without it did not finish.
    Finished(Completion),
}

/// An answer as it arrives: pieces, then exactly one [`Said::Finished`] or one error.
pub type SaidStream = BoxStream<'static, Result<Said, Error>>;

/// Something that answers prompts. One call is one attempt: retries and fallbacks belong to the
/// router.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The name the owner gave it.
    fn name(&self) -> &str;

    /// The model it asks when a request names none.
    fn model(&self) -> &str;

    /// Whether what is sent to it stays on this machine.
    fn is_local(&self) -> bool;

    /// How it speaks, if it speaks over a wire.
    fn dialect(&self) -> Option<Dialect> {
        None
    }

    /// Begins an answer. Dropping the stream ends the call.
    async fn stream(&self, request: &Request) -> Result<SaidStream, Error>;

    /// The whole answer.
    async fn complete(&self, request: &Request) -> Result<Completion, Error> {
        let mut said = self.stream(request).await?;
        while let Some(next) = said.next().await {
            if let Said::Finished(completion) = next? {
                return Ok(completion);
            }
        }
        Err(Error::Interrupted { provider: self.name().to_owned(), reason: "the stream just ended".into() })
    }

    /// Asks whether it would answer, without asking the model anything, and which models it has.
    async fn check(&self) -> Result<Vec<String>, Error>;
}
