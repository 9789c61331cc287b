//! Anthropic's messages.

mod answer;
mod request;

pub(crate) use answer::Decoder;
pub use answer::{Encoder, document, failure};
pub(crate) use request::encode;
pub use request::read;

/// The version of the API that is spoken, sent with every request.
pub(crate) const VERSION: &str = "2023-06-01";

#[cfg(test)]
mod tests;
