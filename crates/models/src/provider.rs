//! The port that anything answering prompts implements.

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::error::Error;
use crate::message::{Completion, Request};

/// A part of an answer as it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// The next piece of text, never empty.
    Text(String),
    /// The end, with the whole answer. A stream without it did not finish.
    Finished(Completion),
}

/// An answer as it arrives: texts, then exactly one [`Delta::Finished`] or one error.
pub type DeltaStream = BoxStream<'static, Result<Delta, Error>>;

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

    /// Begins an answer. Dropping the stream ends the call.
    async fn stream(&self, request: &Request) -> Result<DeltaStream, Error>;

    /// The whole answer.
    async fn complete(&self, request: &Request) -> Result<Completion, Error> {
        let mut deltas = self.stream(request).await?;
        while let Some(delta) = deltas.next().await {
            if let Delta::Finished(completion) = delta? {
                return Ok(completion);
            }
        }
        Err(Error::Interrupted { provider: self.name().to_owned(), reason: "the stream just ended".into() })
    }

    /// Asks whether it would answer, without asking the model anything.
    async fn check(&self) -> Result<(), Error>;
}
